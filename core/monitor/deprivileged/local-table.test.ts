/**
 * Segments of a guest's LDT, which the machine never has loaded: a program that loads one comes to its monitor, and goes on with the
 * segment as natively, with its base, its limit, and offsets that wrap.
 */
import { describe, expect, it } from "vitest";
import type { Assembler } from "../../machine/x86/assemble.js";
import { imm, mem, SIZES } from "../../machine/x86/assembler-operands.js";
import { REGISTERS } from "../../machine/x86/registers.js";
import { endingOf, native, translated, trapped } from "../testing/code-guests.js";
import { type Attack, hostileKernel, SEL, segment, systemSegment } from "../testing/hostile-kernel.js";

const { ax, eax, esp, ds, fs, ss } = REGISTERS;
const { dword } = SIZES;
const TABLE = 0x1a_0000;
const [SMALL_BASE, WHOLE_BASE] = [0x1b_0000, 0x1c_0000];
const RING_3_DATA = 0xf3;
const LOCAL_TABLE = 0x82;
/** TI and RPL 3: the table's first, its second, and one beyond. */
const [SMALL, WHOLE, BEYOND] = [7, 15, 23];
const SEGMENTS = [
  segment(SMALL_BASE, RING_3_DATA, { limit: 0xfff }),
  segment(WHOLE_BASE, RING_3_DATA, { limit: 0xf_ffff, granular: true }),
];
const BUDGET = 1e6;

function kernel(code: Assembler): void {
  SEGMENTS.forEach((descriptor, index) => {
    const [low, high] = [Number(BigInt.asIntN(32, descriptor)), Number(BigInt.asIntN(32, descriptor >> 32n))];
    code.emit("mov", mem(dword, TABLE + 8 * index), imm(low, 4));
    code.emit("mov", mem(dword, TABLE + 8 * index + 4), imm(high, 4));
  });
  code.emit("mov", eax, SEL.first).emit("lldt", ax);
}

const PROGRAMS: Readonly<Record<string, (code: Assembler) => void>> = {
  "a load": (code) => void code.emit("mov", eax, SMALL).emit("mov", ds, ax).emit("mov", eax, mem(dword, 16)),
  "a load beyond its limit": (code) =>
    void code.emit("mov", eax, SMALL).emit("mov", ds, ax).emit("mov", eax, mem(dword, 0x1000)),
  "a load below its base": (code) =>
    void code
      .emit("mov", eax, WHOLE)
      .emit("mov", fs, ax)
      .emit("mov", eax, mem(dword, -16, { segment: fs })),
  "a load at the end of the address space": (code) => {
    code.emit("mov", eax, WHOLE).emit("mov", fs, ax);
    code.emit("mov", eax, mem(dword, (-WHOLE_BASE - 16) | 0, { segment: fs }));
  },
  "a stack": (code) => {
    code
      .emit("mov", eax, SMALL)
      .emit("mov", ss, ax)
      .emit("mov", esp, 0x800)
      .emit("push", eax)
      .emit("pop", eax);
  },
  "a selector beyond the table": (code) => void code.emit("mov", eax, BEYOND).emit("mov", ds, ax),
};

function endOf(make: typeof native, program: (code: Assembler) => void): unknown {
  const attack: Attack = {
    descriptors: [systemSegment(TABLE, LOCAL_TABLE, 8 * SEGMENTS.length - 1)],
    kernel,
    program,
  };
  const guest = hostileKernel(attack);
  return endingOf(make(guest), guest, BUDGET).outcome;
}

describe.each([
  ["trap-and-emulate", trapped],
  ["binary translation", translated],
])("under %s a program's", (_name, make) => {
  it.each(Object.entries(PROGRAMS))("%s ends as natively", (_what, program) => {
    const truth = endOf(native, program);
    expect(truth).toMatchObject({ kind: "exit" });
    expect(endOf(make, program)).toEqual(truth);
  });
});
