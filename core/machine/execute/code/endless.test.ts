/** What never ends: each case comes back, by its budget or because nothing gets done, the same way on both engines. */
import { expect, it } from "vitest";
import { findProfile } from "../../../events/profiles/index.js";
import { loadImage } from "../../../guest/images/image.js";
import { differencesOf } from "../../../guest/inspect/lockstep.js";
import { Computer, type Outcome } from "../../computer.js";
import { PLAIN } from "../../testing/plain.js";
import { Assembler } from "../../x86/assemble.js";
import { imm, mem, SIZES } from "../../x86/assembler-operands.js";
import { REGISTERS } from "../../x86/registers.js";

const { ax, ds, eax, ecx, esi, ss } = REGISTERS;
const MEMORY = 2 ** 21;
const BUDGET = 20_000;
/** Registers of the local APIC: memory that is a device's. */
const DEVICE = 0xfee0_0000;
/** The last page of a segment of 64 KiB: what is decoded there depends on the limit, and serves once. */
const LAST_PAGE = 0xf800;
/** A stack of its own: it wraps around without meeting code or vectors. */
const STACK_SEGMENT = 0x1000;
const INVALID_OPCODE_VECTOR = 6 * 4;

interface Endless {
  readonly bits: 16 | 32;
  readonly origin: number;
  readonly code: (a: Assembler) => void;
}

function run({ bits, origin, code }: Endless): Outcome {
  const a = new Assembler({ bits, origin });
  code(a);
  const image = a.assemble().bytes;
  const computers = (["interpreter", "translator"] as const).map((engine) => {
    const computer = new Computer({
      profile: findProfile("skylake-2015")!,
      memoryBytes: MEMORY,
      ...PLAIN,
      engine,
    });
    computer.load(loadImage(image, { kind: "raw", rawMode: bits, rawAddress: origin, memoryBytes: MEMORY }));
    return computer;
  }) as [Computer, Computer];
  const [outcome, same] = computers.map((computer) => computer.run(BUDGET)) as [Outcome, Outcome];
  expect(same).toEqual(outcome);
  expect(differencesOf(...computers)).toEqual([]);
  if (outcome.kind === "limit") expect(computers[0].engine.instructions).toBe(BUDGET);
  return outcome;
}

it("a jump to itself in a segment's last page", () => {
  const code = (a: Assembler) => a.label("self").emit("jmp", "self");
  expect(run({ bits: 16, origin: LAST_PAGE, code })).toEqual({ kind: "limit" });
});

it("an instruction that crosses into the segment's last page, and a jump back to it", () => {
  const code = (a: Assembler) => a.label("self").emit("mov", eax, 0x1234_5678).emit("jmp", "self");
  expect(run({ bits: 16, origin: 0xeffd, code })).toEqual({ kind: "limit" });
});

it("a string instruction that reads a device four billion times", () => {
  const code = (a: Assembler) => a.emit("mov", ecx, -1).emit("mov", esi, DEVICE).emit("rep lodsb");
  expect(run({ bits: 32, origin: 0x10_0000, code })).toEqual({ kind: "limit" });
});

it("a handler that faults itself, on a stack that wraps around", () => {
  const code = (a: Assembler) => {
    a.emit("mov", ax, 0).emit("mov", ds, ax).emit("mov", ax, STACK_SEGMENT).emit("mov", ss, ax);
    a.emit("mov", mem(SIZES.word, INVALID_OPCODE_VECTOR), imm(LAST_PAGE + 0x100, 2));
    a.emit("mov", mem(SIZES.word, INVALID_OPCODE_VECTOR + 2), imm(0, 2));
    a.emit("jmp", "handler").align(0x100).label("handler").emit("ud2");
  };
  expect(run({ bits: 16, origin: LAST_PAGE, code })).toEqual({ kind: "stuck" });
});
