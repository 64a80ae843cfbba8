/** Near transfers: where they go, what they leave on the stack, and that bad targets fault where they are. */
import { describe, expect, it } from "vitest";
import { EXCEPTION, MODE } from "../../../cpu/state.js";
import { TestProcessor } from "./testing/processor.js";
import { RAX, RBX, RCX, RSP } from "./values.js";

const long = new TestProcessor(64);
const wide = new TestProcessor(32);

describe("JMP", () => {
  it("by displacement, register and memory", () => {
    // Over two bytes of UD2.
    expect(long.execute("eb020f0b").offset).toBe(4);
    const place = long.place("ffe00f0b90");
    expect(long.execute("ffe00f0b90", { registers: { [RAX]: place + 4 } }).offset).toBe(5);
    const other = long.place("ff230f0b90");
    new DataView(long.memory.buffer, long.memory.byteOffset).setBigUint64(0x4000, BigInt(other + 4), true);
    expect(long.execute("ff230f0b90", { registers: { [RBX]: 0x4000 } }).offset).toBe(5);
  });
});

describe("CALL and RET", () => {
  it("leave the next instruction's address", () => {
    const code = "e802000000" + "0f0b" + "58";
    const { registers } = long.execute(code, { registers: { [RSP]: 0x8000 } });
    expect(registers[RAX]).toBe(BigInt(long.place(code) + 5));
    expect(registers[RSP]).toBe(0x8000n);
  });

  it("CALL [RSP + 8] reads its target before it pushes", () => {
    // PUSH RAX; PUSH RBX; CALL [RSP + 8]; UD2; (target) POP RCX.
    const code = "50" + "53" + "ff542408" + "0f0b" + "59";
    const target = long.place(code) + 8;
    const { registers, vector } = long.execute(code, {
      registers: { [RAX]: target, [RBX]: 1, [RSP]: 0x8000 },
    });
    expect(vector).toBeUndefined();
    expect(registers[RCX]).toBe(BigInt(long.place(code) + 6));
  });

  it("RET takes parameters off", () => {
    // PUSH RAX; RET 16; UD2.
    const code = "50" + "c21000" + "0f0b";
    const target = long.place(code) + 6;
    const { registers, vector, offset } = long.execute(code, { registers: { [RAX]: target, [RSP]: 0x8000 } });
    expect([vector, offset]).toEqual([undefined, 6]);
    expect(registers[RSP]).toBe(0x8010n);
  });

  it("of 2 bytes cut the instruction pointer", () => {
    const cpu = new TestProcessor(32);
    // CALL with operand size 16 from 10000H on: to the same place modulo 64 KiB.
    cpu.memory.set([0xf4], 0x4);
    const { registers, offset } = cpu.execute("66e80000", { registers: { [RSP]: 0x8000 } });
    expect(offset + cpu.place("66e80000")).toBe(4);
    expect(registers[RSP]).toBe(0x7ffen);
    expect([...cpu.memory.subarray(0x7ffe, 0x8000)]).toEqual([4, 0]);
  });
});

describe("LOOP and JCXZ", () => {
  it.each([
    { name: "LOOP", code: "e202b301", taken: (count: number) => count !== 1 },
    { name: "LOOPE", code: "e102b301", taken: (count: number, zero: boolean) => count !== 1 && zero },
    { name: "LOOPNE", code: "e002b301", taken: (count: number, zero: boolean) => count !== 1 && !zero },
    { name: "JRCXZ", code: "e302b301", taken: (count: number) => count === 0 },
  ])("$name", ({ name, code, taken }) => {
    for (const count of [0, 1, 2]) {
      for (const flags of [0, 0x40]) {
        const outcome = long.execute(code, { registers: { [RCX]: count }, flags });
        expect(outcome.registers[RBX], `${count}`).toBe(taken(count, flags !== 0) ? 0n : 1n);
        const after = name === "JRCXZ" ? BigInt(count) : BigInt.asUintN(64, BigInt(count) - 1n);
        expect(outcome.registers[RCX]).toBe(after);
        expect(outcome.flags).toBe(flags);
      }
    }
  });

  it("count by the address size", () => {
    // LOOP with ECX, and JECXZ, in 64-bit code; LOOP with CX in 32-bit code.
    const { registers } = long.execute("67e200", { registers: { [RCX]: 0x5_0000_0000n } });
    expect(registers[RCX]).toBe(0xffff_ffffn);
    expect(long.execute("67e302b301", { registers: { [RCX]: 0x5_0000_0000n } }).registers[RBX]).toBe(0n);
    expect(wide.execute("67e200", { registers: { [RCX]: 0x12340000 } }).registers[RCX]).toBe(0x1234ffffn);
  });
});

describe("bad targets", () => {
  it("fault at the instruction, with the stack as it was", () => {
    for (const [code, target] of [
      ["ffe0", 0x8000_0000_0000n],
      ["ffd0", 0xffff_7fff_ffff_ffffn],
      ["50c3", 0x1234_0000_0000_0000n],
    ] as const) {
      const { vector, offset, registers } = long.execute(code, {
        registers: { [RAX]: target, [RSP]: 0x8000 },
      });
      expect(vector, code).toBe(EXCEPTION.GP);
      expect(offset).toBe(code === "50c3" ? 1 : 0);
      expect(registers[RSP]).toBe(code === "50c3" ? 0x7ff8n : 0x8000n);
    }
    const limited = new TestProcessor(32, MODE.flatData | MODE.protected);
    limited.setSegment(1, 0x1_ffff);
    for (const code of ["ffe0", "ffd0"]) {
      const { vector, offset } = limited.execute(code, { registers: { [RAX]: 0x2_0000, [RSP]: 0x8000 } });
      expect([vector, offset]).toEqual([EXCEPTION.GP, 0]);
    }
  });
});

describe("BOUND", () => {
  it("raises #BR outside two signed bounds", () => {
    const view = new DataView(wide.memory.buffer, wide.memory.byteOffset);
    view.setInt32(0x4000, -5, true);
    view.setInt32(0x4004, 7, true);
    for (const [index, isInside] of [
      [-6, false],
      [-5, true],
      [0, true],
      [7, true],
      [8, false],
    ] as const) {
      // BOUND EAX, [4000H].
      const { vector, offset } = wide.execute("620500400000", { registers: { [RAX]: index } });
      expect(vector, `${index}`).toBe(isInside ? undefined : EXCEPTION.BR);
      expect(offset).toBe(isInside ? 6 : 0);
    }
  });
});
