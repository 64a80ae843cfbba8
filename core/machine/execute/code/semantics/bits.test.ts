/** Bit tests, scans and counts, CRC32, BMI1 and BMI2, each against its definition bit by bit. */
import { describe, expect, it } from "vitest";
import { TestProcessor } from "./testing/processor.js";
import {
  bit,
  CF,
  EDGES,
  flag,
  OF,
  pair,
  resultFlags,
  SF,
  signed,
  sized,
  unsigned,
  written,
  ZF,
} from "./testing/reference.js";
import { RAX, RBX, RCX, RDX } from "./values.js";

const cpu = new TestProcessor(64);
const ALL = 0x8d5;
const WORDS = [2, 4, 8] as const;
const BITS = [
  { name: "BT", opcode: "0fa3", digit: 4, change: (value: bigint) => value },
  { name: "BTS", opcode: "0fab", digit: 5, change: (value: bigint, mask: bigint) => value | mask },
  { name: "BTR", opcode: "0fb3", digit: 6, change: (value: bigint, mask: bigint) => value & ~mask },
  { name: "BTC", opcode: "0fbb", digit: 7, change: (value: bigint, mask: bigint) => value ^ mask },
];

describe.each(BITS)("$name", ({ opcode, digit, change }) => {
  it.each(WORDS)("of a register of %i bytes", (size) => {
    for (const value of EDGES) {
      for (const offset of [0, 1, 15, 16, 31, 32, 63, 64, 127, 0xff, -1]) {
        const place = BigInt(offset & (size * 8 - 1));
        const wanted = change(unsigned(size, value), 1n << place);
        for (const code of [
          sized(size, opcode, pair(RBX, RAX), false),
          sized(size, "0fba", pair(digit, RAX) + (offset & 0xff).toString(16).padStart(2, "0"), false),
        ]) {
          const outcome = cpu.execute(code, { registers: { [RAX]: value, [RBX]: offset }, flags: ALL });
          const isWritten = digit !== 4;
          expect(outcome.registers[RAX], code).toBe(isWritten ? written(size, value, wanted) : value);
          expect(outcome.flags, code).toBe((ALL & ~CF) | flag(CF, bit(value, place)));
        }
      }
    }
  });

  it.each(WORDS)("of a string of bits, from memory of %i bytes", (size) => {
    // Operation on [RDX], RBX.
    const code = sized(size, opcode, "1a", false);
    for (const offset of [0, 7, 100, 1000, -1, -100, -1000]) {
      cpu.memory.fill(0xa5, 0x3f00, 0x4100);
      const place = 0x4000 + Math.floor(offset / 8);
      const mask = 1 << (offset & 7);
      const isSet = (0xa5 & mask) !== 0;
      const outcome = cpu.execute(code, { registers: { [RDX]: 0x4000, [RBX]: offset } });
      expect(outcome.flags & CF).toBe(flag(CF, isSet));
      const wanted = new Uint8Array(0x200).fill(0xa5);
      wanted[place - 0x3f00] = Number(change(0xa5n, BigInt(mask)));
      expect(cpu.memory.subarray(0x3f00, 0x4100)).toEqual(wanted);
    }
  });
});

describe.each(WORDS)("scans of %i bytes", (size) => {
  const bits = size * 8;
  const lowest = (value: bigint): number => {
    for (let place = 0; place < bits; place++) if (bit(value, place)) return place;
    return bits;
  };
  const highest = (value: bigint): number => {
    for (let place = bits - 1; place >= 0; place--) if (bit(value, place)) return place;
    return -1;
  };
  const OLD = 0x1234_5678_9abc_def0n;

  it("BSF and BSR leave the destination alone where there is no one", () => {
    for (const value of EDGES) {
      const source = unsigned(size, value);
      for (const [opcode, place] of [
        ["0fbc", lowest(source)],
        ["0fbd", highest(source)],
      ] as const) {
        const outcome = cpu.execute(sized(size, opcode, pair(RAX, RBX), false), {
          registers: { [RAX]: OLD, [RBX]: value },
        });
        expect(outcome.registers[RAX]).toBe(source === 0n ? OLD : written(size, OLD, BigInt(place)));
        expect(outcome.flags & ZF).toBe(flag(ZF, source === 0n));
      }
    }
  });

  it("TZCNT, LZCNT and POPCNT", () => {
    for (const value of EDGES) {
      const source = unsigned(size, value);
      const run = (opcode: string) =>
        cpu.execute(sized(size, opcode, pair(RAX, RBX), false), {
          registers: { [RAX]: OLD, [RBX]: value },
          flags: ALL,
        });
      for (const [opcode, count] of [
        ["f30fbc", lowest(source)],
        ["f30fbd", bits - 1 - highest(source)],
      ] as const) {
        const { registers, flags } = run(opcode);
        expect(registers[RAX], `${opcode} ${value}`).toBe(written(size, OLD, BigInt(count)));
        expect(flags & (CF | ZF)).toBe(flag(CF, source === 0n) | flag(ZF, count === 0));
      }
      const ones = source.toString(2).replaceAll("0", "").length;
      const population = run("f30fb8");
      expect(population.registers[RAX]).toBe(written(size, OLD, BigInt(ones)));
      expect(population.flags).toBe(flag(ZF, ones === 0));
    }
  });
});

describe("CRC32", () => {
  /** One bit after another, the lowest first, by the reversed polynomial. */
  function crc(before: bigint, source: bigint, bits: number): bigint {
    let value = (before & 0xffff_ffffn) ^ (source & 0xffff_ffffn);
    for (let place = 0; place < bits; place++) {
      if (place === 32) value ^= source >> 32n;
      value = (value & 1n) === 0n ? value >> 1n : (value >> 1n) ^ 0x82f6_3b78n;
    }
    return value;
  }
  it("is CRC-32C", () => {
    // "123456789": the check value of CRC-32C is E3069283H.
    let value = 0xffff_ffffn;
    for (const letter of "123456789")
      value = cpu.execute("f20f38f0c3", { registers: { [RAX]: value, [RBX]: letter.charCodeAt(0) } })
        .registers[RAX]!;
    expect(value ^ 0xffff_ffffn).toBe(0xe306_9283n);
  });
  it("of every size", () => {
    for (const [code, size] of [
      ["f20f38f0c3", 1],
      ["66f20f38f1c3", 2],
      ["f20f38f1c3", 4],
      ["f2480f38f1c3", 8],
      ["f2480f38f0c3", 1],
    ] as const) {
      for (const before of EDGES) {
        for (const source of EDGES) {
          const { registers } = cpu.execute(code, { registers: { [RAX]: before, [RBX]: source } });
          expect(registers[RAX], code).toBe(crc(before, unsigned(size, source), size * 8));
        }
      }
    }
  });
});

describe.each([4, 8] as const)("BMI of %i bytes", (size) => {
  const bits = size * 8;
  const w = size === 8 ? 0x80 : 0;
  const hex = (byte: number): string => byte.toString(16).padStart(2, "0");
  /** Three bytes of VEX, opcode and ModRM; `pp` is the mandatory prefix, `map` 2 or 3. */
  const vex = (pp: number, map: number, opcode: string, reg: number, vvvv: number, rm: number): string =>
    `c4${hex(0xe0 | map)}${hex(w | ((15 - vvvv) << 3) | pp)}${opcode}${pair(reg, rm)}`;
  const run = (code: string, first: bigint, second = 0n) =>
    cpu.execute(code, { registers: { [RBX]: first, [RCX]: second }, flags: ALL });
  const [NO, OP, F3, F2] = [0, 1, 2, 3];

  it("ANDN, BLSR, BLSMSK and BLSI", () => {
    for (const value of EDGES) {
      const source = unsigned(size, value);
      const lowest = source & -source;
      const cases: [string, bigint, boolean][] = [
        [vex(NO, 2, "f3", 1, RAX, RBX), source & (source - 1n), source === 0n],
        [vex(NO, 2, "f3", 2, RAX, RBX), source ^ (source - 1n), source === 0n],
        [vex(NO, 2, "f3", 3, RAX, RBX), lowest, source !== 0n],
        [vex(NO, 2, "f2", RAX, RBX, RCX), ~source & 0xff00_ff00_ff00_ff00n, false],
      ];
      for (const [code, result, carry] of cases) {
        const { registers, flags } = run(code, value, 0xff00_ff00_ff00_ff00n);
        const wanted = unsigned(size, result);
        expect(registers[RAX], code).toBe(wanted);
        const defined = resultFlags(size, wanted) & (SF | ZF);
        expect(flags & (CF | OF | SF | ZF), code).toBe(defined | flag(CF, carry));
      }
    }
  });

  it("BEXTR and BZHI", () => {
    for (const value of EDGES) {
      for (const start of [0, 1, 8, 31, 32, 63, 64, 200, 255]) {
        const source = unsigned(size, value);
        for (const length of [0, 1, 9, 32, 64, 255]) {
          const control = BigInt((length << 8) | start);
          const wanted = (source >> BigInt(start)) & ((1n << BigInt(length)) - 1n);
          const { registers, flags } = run(vex(NO, 2, "f7", RAX, RCX, RBX), value, control);
          expect(registers[RAX], `${value} ${start} ${length}`).toBe(wanted);
          expect(flags & (CF | OF | ZF)).toBe(flag(ZF, wanted === 0n));
        }
        const low = start < bits ? source & ((1n << BigInt(start)) - 1n) : source;
        const { registers, flags } = run(vex(NO, 2, "f5", RAX, RCX, RBX), value, BigInt(start) | 0xabc00n);
        expect(registers[RAX]).toBe(low);
        expect(flags & CF).toBe(flag(CF, start >= bits));
      }
    }
  });

  it("PDEP and PEXT", () => {
    for (const value of EDGES) {
      for (const mask of EDGES) {
        let [deposited, extracted, place] = [0n, 0n, 0n];
        for (let at = 0; at < bits; at++) {
          if (!bit(mask, at)) continue;
          if (bit(value, place)) deposited |= 1n << BigInt(at);
          if (bit(value, at)) extracted |= 1n << place;
          place++;
        }
        expect(run(vex(F2, 2, "f5", RAX, RBX, RCX), value, mask).registers[RAX]).toBe(deposited);
        expect(run(vex(F3, 2, "f5", RAX, RBX, RCX), value, mask).registers[RAX]).toBe(extracted);
      }
    }
  });

  it("RORX, SARX, SHLX and SHRX leave the flags", () => {
    for (const value of EDGES) {
      for (const count of [0, 1, 31, 32, 33, 63, 64, 255]) {
        const source = unsigned(size, value);
        const places = BigInt(count & (bits - 1));
        const rotated = unsigned(size, (source >> places) | (source << (BigInt(bits) - places)));
        const cases: [string, bigint][] = [
          [vex(F2, 3, "f0", RAX, RAX, RBX) + hex(count), rotated],
          [vex(F3, 2, "f7", RAX, RCX, RBX), unsigned(size, signed(size, source) >> places)],
          [vex(OP, 2, "f7", RAX, RCX, RBX), unsigned(size, source << places)],
          [vex(F2, 2, "f7", RAX, RCX, RBX), source >> places],
        ];
        for (const [code, wanted] of cases) {
          const { registers, flags } = run(code, value, BigInt(count));
          expect(registers[RAX], `${code} ${value} ${count}`).toBe(wanted);
          expect(flags).toBe(ALL);
        }
      }
    }
  });
});
