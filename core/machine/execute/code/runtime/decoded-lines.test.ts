/** Does a line of code cost its decoding once after each flush of the instruction TLB, whatever executes it, and nowhere else? */
import { expect, it } from "vitest";
import { CYCLES } from "../../../../events/categories.js";
import { findProfile } from "../../../../events/profiles/index.js";
import { loadImage } from "../../../../guest/images/image.js";
import { Computer } from "../../../computer.js";
import { PLAIN } from "../../../testing/plain.js";
import { Assembler } from "../../../x86/assemble.js";
import { imm } from "../../../x86/assembler-operands.js";
import { REGISTERS } from "../../../x86/registers.js";

const { eax, ecx, al, cr3 } = REGISTERS;
const MEMORY = 2 ** 21;
const CODE = 0x10_0000;
const LINE = 64;
const EXIT_PORT = 0xf4;
/** So many that the translator compiles the loop. */
const ROUNDS = 6_000;

/** A loop of `lines` lines, which begins with one, that loads CR3 each time or never. Behind it, in one more, the end. */
function guest(lines: number, loadsCr3: boolean): Uint8Array {
  const code = new Assembler({ bits: 32, origin: CODE });
  code.emit("xor", eax, eax).emit("mov", ecx, ROUNDS).emit("jmp", "round");
  code.align(LINE).label("round");
  if (loadsCr3) code.emit("mov", cr3, eax);
  for (let line = 1; line < lines; line++) {
    const label = `line ${line}`;
    code.emit("jmp", label).align(LINE).label(label);
  }
  code.emit("dec", ecx).emit("jnz", "round").align(LINE);
  code.emit("mov", al, 0).emit("out", imm(EXIT_PORT, 1), al).emit("hlt");
  return code.assemble().bytes;
}

function cyclesOf(image: Uint8Array, profile: string): number {
  const [interpreted, translated] = (["interpreter", "translator"] as const).map((engine) => {
    const computer = new Computer({ profile: findProfile(profile)!, memoryBytes: MEMORY, ...PLAIN, engine });
    computer.load(loadImage(image, { kind: "raw", rawMode: 32, rawAddress: CODE, memoryBytes: MEMORY }));
    expect(computer.run(1e6)).toEqual({ kind: "exit", status: 0 });
    const { cycles } = computer.machine.counters;
    return { now: computer.engine.now(), memory: cycles[CYCLES.guest_memory]! };
  });
  expect(translated).toEqual(interpreted);
  return interpreted!.memory;
}

it.each([1, 2, 9])("%i lines", (lines) => {
  const price = findProfile("northwood-2002")!.costs.decode_line.value;
  // The loop's lines, those before and after it.
  expect(cyclesOf(guest(lines, false), "northwood-2002")).toBe((lines + 2) * price);
  // MOV to CR3 is in the loop's first line, of which what follows is decoded again; before the first one it was, too.
  const rounds = cyclesOf(guest(lines, true), "northwood-2002");
  expect(rounds).toBe((2 + lines * ROUNDS + 1) * price);
});

it("costs nothing where code is cached as it is", () => {
  expect(cyclesOf(guest(9, true), "skylake-2015")).toBe(0);
});
