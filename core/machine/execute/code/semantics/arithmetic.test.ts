/** Addition, subtraction and logic of every size against unbounded integers, with all flags. */
import { describe, expect, it } from "vitest";
import { EXCEPTION, MODE } from "../../../cpu/state.js";
import { TestProcessor } from "./testing/processor.js";
import {
  AF,
  CF,
  difference,
  EDGES,
  flag,
  OF,
  pair,
  type Result,
  resultFlags,
  SIZES,
  sized,
  sum,
  unsigned,
  written,
} from "./testing/reference.js";
import { RAX, RBX, RCX, RDX, RSP } from "./values.js";

const cpu = new TestProcessor(64);
const ALL = 0x8d5;

type Binary = (size: number, left: bigint, right: bigint, carry: number) => Result;
const logic =
  (compute: (left: bigint, right: bigint) => bigint): Binary =>
  (size, left, right) => {
    const value = compute(left, right);
    return { value, flags: resultFlags(size, value) };
  };
const nothing =
  (compute: Binary): Binary =>
  (size, left, right, carry) => ({
    value: left,
    flags: compute(size, left, right, carry).flags,
  });

/** By opcode bits 5..3. */
const OPERATIONS: readonly (readonly [name: string, compute: Binary])[] = [
  ["ADD", (size, left, right) => sum(size, left, right)],
  ["OR", logic((left, right) => left | right)],
  ["ADC", sum],
  ["SBB", difference],
  ["AND", logic((left, right) => left & right)],
  ["SUB", (size, left, right) => difference(size, left, right)],
  ["XOR", logic((left, right) => left ^ right)],
  ["CMP", nothing((size, left, right) => difference(size, left, right))],
];

describe.each(SIZES)("with %i bytes", (size) => {
  it.each(OPERATIONS.map(([name, compute], code) => [name, compute, code] as const))(
    "%s",
    (_, compute, code) => {
      const registers = sized(size, (code * 8).toString(16).padStart(2, "0"), pair(RBX, RAX));
      // Through memory: PUSH RCX, operation on [RSP], POP RCX.
      const memory = `51${sized(size, (code * 8).toString(16).padStart(2, "0"), "1c24")}59`;
      for (const left of EDGES) {
        for (const right of EDGES) {
          for (const carry of [0, CF]) {
            const wanted = compute(size, unsigned(size, left), unsigned(size, right), carry);
            const given = {
              registers: { [RAX]: left, [RCX]: left, [RBX]: right, [RSP]: 0x8000 },
              flags: carry,
            };
            const inRegister = cpu.execute(registers, given);
            const expected = code === 7 ? left : written(size, left, wanted.value);
            expect(inRegister.registers[RAX], `${registers} ${left} ${right}`).toBe(expected);
            expect(inRegister.flags, `${registers} ${left} ${right} ${carry}`).toBe(wanted.flags);
            const inMemory = cpu.execute(memory, given);
            const kept = (left >> BigInt(size * 8)) << BigInt(size * 8);
            expect(inMemory.registers[RCX], `${memory} ${left} ${right}`).toBe(kept | wanted.value);
            expect(inMemory.flags).toBe(wanted.flags);
          }
        }
      }
    },
  );

  it("INC, DEC, NEG, NOT and TEST", () => {
    for (const value of EDGES) {
      const old = unsigned(size, value);
      for (const flags of [0, ALL]) {
        const run = (code: string) => cpu.execute(code, { registers: { [RBX]: value, [RCX]: 0x5an }, flags });
        const cases: [string, Result][] = [
          [sized(size, "fe", pair(0, RBX)), withCarry(sum(size, old, 1n), flags)],
          [sized(size, "fe", pair(1, RBX)), withCarry(difference(size, old, 1n), flags)],
          [sized(size, "f6", pair(3, RBX)), difference(size, 0n, old)],
          [sized(size, "f6", pair(2, RBX)), { value: ~old, flags }],
        ];
        for (const [code, wanted] of cases) {
          const { registers, flags: after } = run(code);
          expect(registers[RBX], `${code} ${value}`).toBe(written(size, value, wanted.value));
          expect(after, `${code} ${value}`).toBe(wanted.flags);
        }
        const tested = run(sized(size, "84", pair(RCX, RBX)));
        expect(tested.registers[RBX]).toBe(value);
        expect(tested.flags).toBe(resultFlags(size, old & 0x5an));
      }
    }
  });
});

const withCarry = ({ value, flags }: Result, before: number): Result => ({
  value,
  flags: (flags & ~CF) | (before & CF),
});

describe("byte registers", () => {
  it("AH to BH are the second bytes", () => {
    const { registers, flags } = cpu.execute("00e3", { registers: { [RAX]: 0xff00, [RBX]: 0x1_0001 } });
    expect(registers[RBX]).toBe(0x1_0000n);
    expect(flags & (CF | AF)).toBe(CF | AF);
    expect(cpu.execute("28fc", { registers: { [RAX]: 0x500, [RBX]: 0x300 } }).registers[RAX]).toBe(0x200n);
  });
});

describe("ADCX and ADOX", () => {
  it("carry through one flag and leave the others", () => {
    for (const [code, mask] of [
      ["660f38f6", CF],
      ["f30f38f6", OF],
    ] as const) {
      for (const size of [4, 8] as const) {
        const text = (size === 8 ? `${code.slice(0, 2)}48${code.slice(2)}` : code) + pair(RAX, RBX);
        for (const left of EDGES) {
          for (const right of EDGES) {
            for (const flags of [0, ALL]) {
              const exact = unsigned(size, left) + unsigned(size, right) + ((flags & mask) === 0 ? 0n : 1n);
              const outcome = cpu.execute(text, { registers: { [RAX]: left, [RBX]: right }, flags });
              expect(outcome.registers[RAX], text).toBe(unsigned(size, exact));
              expect(outcome.flags, text).toBe((flags & ~mask) | flag(mask, exact !== unsigned(size, exact)));
            }
          }
        }
      }
    }
  });
});

describe("a fault", () => {
  const guarded = new TestProcessor(32, MODE.flatCode | MODE.protected);

  it("leaves registers and flags", () => {
    guarded.setSegment(3, 0xfff);
    for (const code of ["0005ff0f0000", "010500100000", "110d00200000", "ff0500100000", "0fc10d00100000"]) {
      const outcome = guarded.execute(code, { registers: { [RAX]: 5, [RCX]: 7, [RDX]: 9 }, flags: ALL });
      const faults = code !== "0005ff0f0000";
      expect(outcome.vector, code).toBe(faults ? EXCEPTION.GP : undefined);
      if (!faults) continue;
      expect(outcome.offset).toBe(0);
      expect(outcome.registers.slice(0, 3)).toEqual([5n, 7n, 9n]);
      expect(outcome.flags).toBe(ALL);
    }
  });
});
