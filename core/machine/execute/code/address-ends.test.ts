/** Accesses that begin inside what can be addressed and end outside: cold and hot code fault alike, as the manual says. */
import { expect, it } from "vitest";
import { findProfile } from "../../../events/profiles/index.js";
import { loadImage } from "../../../guest/images/image.js";
import { differencesOf } from "../../../guest/inspect/lockstep.js";
import { Computer, type Outcome } from "../../computer.js";
import { PLAIN } from "../../testing/plain.js";
import { Assembler } from "../../x86/assemble.js";
import { imm, mem } from "../../x86/assembler-operands.js";
import { REGISTERS } from "../../x86/registers.js";

const { eax, ecx, rax, rcx, rsi, rsp, rbx, esi, esp, ebx } = REGISTERS;
const MEMORY = 2 ** 21;
const CODE = 0x10_0000;
const DATA = 0x8000;
/** Turns that make a loop hot. */
const TURNS = 5_000;
/** Dwords that begin below 4 GiB and end above; qwords that begin below the canonical addresses' hole and end inside. */
const LAST_DWORD = 0xffff_fffd;
const LAST_QWORD = 0x7fff_ffff_fffcn;

/** A loop over one access, whose address becomes the last one in its last turn. */
function guest(bits: 32 | 64, access: (a: Assembler) => void): Uint8Array {
  const a = new Assembler({ bits, origin: CODE });
  const [value, count, at, stack, last] = bits === 64 ? [rax, rcx, rsi, rsp, rbx] : [eax, ecx, esi, esp, ebx];
  a.emit("mov", last, bits === 64 ? imm(LAST_QWORD, 8) : LAST_DWORD).emit("mov", count, TURNS);
  a.label("again").emit("mov", at, DATA).emit("mov", stack, DATA);
  a.emit("cmp", count, 1).emit("cmovz", at, last);
  // A push goes below the stack pointer.
  a.emit("lea", value, mem(at, { displacement: bits / 8 })).emit("mov", stack, value);
  access(a);
  a.emit("dec", count).emit("jnz", "again").emit("hlt");
  return a.assemble().bytes;
}

function run(engine: "interpreter" | "translator", bits: 32 | 64, image: Uint8Array): [Computer, Outcome] {
  const computer = new Computer({
    profile: findProfile("skylake-2015")!,
    memoryBytes: MEMORY,
    ...PLAIN,
    engine,
  });
  computer.load(loadImage(image, { kind: "raw", rawMode: bits, rawAddress: CODE, memoryBytes: MEMORY }));
  return [computer, computer.run(1e6)];
}

it.each<[name: string, bits: 32 | 64, fault: RegExp, access: (a: Assembler) => void]>([
  ["a load", 32, /#GP/, (a) => a.emit("add", eax, mem(esi))],
  ["a store", 32, /#GP/, (a) => a.emit("mov", mem(esi), eax)],
  ["a push", 32, /#SS/, (a) => a.emit("push", eax)],
  ["a load", 64, /#GP/, (a) => a.emit("add", rax, mem(rsi))],
  ["a store", 64, /#GP/, (a) => a.emit("mov", mem(rsi), rax)],
  ["a push", 64, /#SS/, (a) => a.emit("push", rax)],
])("%s in %i bits", (_name, bits, fault, access) => {
  const image = guest(bits, access);
  const [interpreted, outcome] = run("interpreter", bits, image);
  expect(outcome).toMatchObject({ kind: "shutdown", reason: expect.stringMatching(fault) });
  const [translated, same] = run("translator", bits, image);
  expect(same).toEqual(outcome);
  expect(differencesOf(interpreted, translated)).toEqual([]);
});
