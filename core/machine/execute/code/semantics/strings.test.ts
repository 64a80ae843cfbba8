/** String instructions: directions, sizes, counts, and that a fault is between two iterations. */
import { describe, expect, it } from "vitest";
import { EXCEPTION, MODE, RFLAGS } from "../../../cpu/state.js";
import { TestProcessor } from "./testing/processor.js";
import { CF, difference, SIZES, sized, unsigned, ZF } from "./testing/reference.js";
import { RAX, RBX, RCX, RDI, RSI } from "./values.js";

const cpu = new TestProcessor(64);
const [FROM, TO] = [0x4000, 0x5000];
const UP = 0x202;
const DOWN = UP | RFLAGS.DF;
const REPEAT = "f3";
const WHILE_NOT_ZERO = "f2";

function fill(): void {
  for (let at = 0; at < 0x100; at++) {
    cpu.memory[FROM + at] = (at * 7 + 1) & 0xff;
    cpu.memory[TO + at] = 0xee;
  }
}
/** Bytes of a piece of memory, as a copy. */
const bytes = (from: number, length: number): number[] => [...cpu.memory.subarray(from, from + length)];

describe.each(SIZES)("of %i bytes", (size) => {
  it.each([
    ["up", UP, 1],
    ["down", DOWN, -1],
  ])("MOVS, STOS and LODS %s", (_, systemFlags, sign) => {
    for (const count of [0, 1, 5]) {
      fill();
      const source = bytes(FROM, 0x100);
      const start = 0x40;
      const registers = {
        [RSI]: FROM + start,
        [RDI]: TO + start,
        [RCX]: count,
        [RAX]: 0x0102_0304_0506_0708n,
      };
      const moved = cpu.execute(REPEAT + sized(size, "a4", ""), { registers, systemFlags });
      const lowest = sign > 0 ? start : start - (count - 1) * size;
      const wanted = new Array(0x100).fill(0xee);
      for (let at = lowest; at < lowest + count * size; at++) wanted[at] = source[at]!;
      expect(bytes(TO, 0x100)).toEqual(wanted);
      expect(moved.registers[RCX]).toBe(0n);
      expect(moved.registers[RSI]).toBe(BigInt(FROM + start + sign * size * count));
      expect(moved.registers[RDI]).toBe(BigInt(TO + start + sign * size * count));

      fill();
      const stored = cpu.execute(REPEAT + sized(size, "aa", ""), { registers, systemFlags });
      const element = [8, 7, 6, 5, 4, 3, 2, 1].slice(0, size);
      const filled = new Array(0x100).fill(0xee);
      for (let at = 0; at < count * size; at++) filled[lowest + at] = element[at % size]!;
      expect(bytes(TO, 0x100)).toEqual(filled);
      expect(stored.registers[RDI]).toBe(moved.registers[RDI]);
      expect(stored.registers[RSI]).toBe(BigInt(FROM + start));

      const loaded = cpu.execute(REPEAT + sized(size, "ac", ""), { registers, systemFlags });
      expect(loaded.registers[RSI]).toBe(moved.registers[RSI]);
      expect(loaded.registers[RDI]).toBe(BigInt(TO + start));
    }
  });

  it("LODS loads an element, MOVS and STOS without a prefix do one", () => {
    fill();
    const view = new DataView(cpu.memory.buffer, cpu.memory.byteOffset);
    const first = unsigned(size, view.getBigUint64(FROM, true));
    const registers = { [RSI]: FROM, [RDI]: TO, [RCX]: 9 };
    const outcome = cpu.execute(sized(size, "ac", "") + sized(size, "aa", ""), { registers });
    expect(unsigned(size, outcome.registers[RAX]!)).toBe(first);
    expect(bytes(TO, size + 1)).toEqual([...bytes(FROM, size), 0xee]);
    expect(outcome.registers[RCX]).toBe(9n);
  });

  it("CMPS and SCAS stop where the manual says, with the flags of the last comparison", () => {
    for (const prefix of [REPEAT, WHILE_NOT_ZERO]) {
      for (const stop of [0, 1, 3, 99]) {
        const count = 6;
        const isEqualWanted = prefix === REPEAT;
        // Elements are alike, or unlike, up to the one numbered `stop`.
        const element = (index: number): number => ((index === stop) === isEqualWanted ? 0x70 : 0x80);
        for (let index = 0; index < count; index++) {
          cpu.memory.fill(0x80, FROM + index * size, FROM + (index + 1) * size);
          cpu.memory.fill(element(index), TO + index * size, TO + (index + 1) * size);
        }
        const done = Math.min(stop + 1, count);
        const value = (byte: number): bigint => unsigned(size, 0x0101_0101_0101_0101n * BigInt(byte));
        const wanted = difference(size, value(0x80), value(element(done - 1)));
        const registers = { [RSI]: FROM, [RDI]: TO, [RCX]: count, [RAX]: value(0x80) };
        for (const opcode of ["a6", "ae"]) {
          const outcome = cpu.execute(prefix + sized(size, opcode, ""), { registers, flags: CF });
          const where = `${prefix} ${opcode} ${stop}`;
          expect(outcome.registers[RCX], where).toBe(BigInt(count - done));
          expect(outcome.registers[RDI], where).toBe(BigInt(TO + done * size));
          expect(outcome.registers[RSI], where).toBe(BigInt(opcode === "a6" ? FROM + done * size : FROM));
          expect(outcome.flags, where).toBe(wanted.flags);
        }
      }
    }
  });
});

describe("counts and addresses", () => {
  it("no iteration leaves the flags", () => {
    expect(cpu.execute("f3a6", { registers: { [RCX]: 0 }, flags: 0x8d5 }).flags).toBe(0x8d5);
  });

  it("are of the address size", () => {
    fill();
    const registers = { [RSI]: 0x7_0000_4000n, [RDI]: 0x7_0000_5000n, [RCX]: 0x7_0000_0002n };
    const outcome = cpu.execute("67f3a4", { registers });
    expect([outcome.registers[RSI], outcome.registers[RDI], outcome.registers[RCX]]).toEqual([
      0x4002n,
      0x5002n,
      0n,
    ]);
    const narrow = new TestProcessor(16);
    const wrapped = narrow.execute("f3ac", { registers: { [RSI]: 0xffff, [RCX]: 0x1_0002 } });
    expect(wrapped.registers[RSI]).toBe(1n);
    expect(wrapped.registers[RCX]).toBe(0x1_0000n);
  });

  it("take the source's segment from a prefix, and ES for the destination", () => {
    const segmented = new TestProcessor(32, MODE.flatCode | MODE.protected);
    // DS is too short, FS is not; CMPS has ES as its second operand.
    segmented.setSegment(3, 0xfff);
    segmented.memory[FROM] = 0x5a;
    segmented.memory[TO] = 0x5a;
    const registers = { [RSI]: FROM, [RDI]: TO };
    for (const code of ["a4", "ac", "a6"]) {
      expect(segmented.execute(code, { registers }).vector, code).toBe(EXCEPTION.GP);
      expect(segmented.execute(`64${code}`, { registers }).vector, code).toBeUndefined();
    }
    expect(segmented.execute("64a6", { registers }).flags & ZF).toBe(ZF);
    segmented.setSegment(0, 0xfff);
    for (const code of ["64a4", "aa", "64a6", "ae"])
      expect(segmented.execute(code, { registers }).vector, code).toBe(EXCEPTION.GP);
  });
});

describe("a fault", () => {
  const segmented = new TestProcessor(32, MODE.flatCode | MODE.protected);

  it.each([
    ["MOVS", "f3a5", 3],
    ["STOS", "f3ab", 3],
    ["LODS", "f3ad", 5],
    ["REPNE SCAS", "f2af", 3],
    ["REPNE CMPS", "f2a7", 3],
    // After CMP EAX, ECX: flags of an iteration are not mistaken for those of before.
    ["CMP and REPNE SCAS", "39c8f2af", 3],
    ["CMP and REPNE CMPS", "39c8f2a7", 3],
  ])("in %s comes after whole iterations", (name, code, done) => {
    // DS ends after 5 elements from 4000H, ES after 3 from 5000H.
    segmented.setSegment(3, FROM + 4 * 5 + 2);
    segmented.setSegment(0, TO + 4 * 3 + 2);
    segmented.memory.fill(1, FROM, FROM + 0x100);
    segmented.memory.fill(2, TO, TO + 0x100);
    const registers = { [RAX]: 7, [RBX]: 8, [RSI]: FROM, [RDI]: TO, [RCX]: 10 };
    const outcome = segmented.execute(code, { registers, flags: 0x45 });
    expect(outcome.vector).toBe(EXCEPTION.GP);
    expect(outcome.offset).toBe(code.length / 2 - 2);
    expect(outcome.registers[RCX]).toBe(BigInt(10 - done));
    const [usesSource, usesDestination] = [/MOVS|LODS|CMPS/.test(name), !name.startsWith("LODS")];
    expect(outcome.registers[RSI]).toBe(BigInt(FROM + (usesSource ? 4 * done : 0)));
    expect(outcome.registers[RDI]).toBe(BigInt(TO + (usesDestination ? 4 * done : 0)));
    // Taken up again, it ends as if nothing had been.
    segmented.setSegment(3, 0xffff_ffff);
    segmented.setSegment(0, 0xffff_ffff);
    const rest = segmented.execute(code, {
      registers: Object.fromEntries(outcome.registers.entries()),
      flags: outcome.flags,
    });
    expect(rest.vector).toBeUndefined();
    expect(rest.registers[RCX]).toBe(0n);
  });
});
