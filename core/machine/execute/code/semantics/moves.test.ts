/** Data transfer: widths, upper halves, conditions. */
import { describe, expect, it } from "vitest";
import { EXCEPTION, MODE } from "../../../cpu/state.js";
import { TestProcessor } from "./testing/processor.js";
import {
  bit,
  CF,
  EDGES,
  OF,
  PF,
  pair,
  SF,
  SIZES,
  signed,
  sized,
  unsigned,
  written,
  ZF,
} from "./testing/reference.js";
import { RAX, RBX, RCX, RDX, RSP } from "./values.js";

const long = new TestProcessor(64);
const protectedMode = new TestProcessor(32);
const WORDS = [2, 4, 8] as const;
const OLD = 0x1122_3344_5566_7788n;

describe("MOV", () => {
  it.each(SIZES)("of %i bytes, by registers and memory", (size) => {
    for (const value of EDGES) {
      const given = { registers: { [RAX]: OLD, [RBX]: value, [RCX]: 0x4000 } };
      const both = long.execute(sized(size, "88", pair(RBX, RAX)), given);
      expect(both.registers[RAX]).toBe(written(size, OLD, value));
      long.memory.fill(0xee, 0x4000, 0x4010);
      // MOV [RCX], RBX; MOV RAX, [RCX].
      const through = long.execute(sized(size, "88", "19") + sized(size, "8a", "01"), given);
      expect(through.registers[RAX]).toBe(written(size, OLD, value));
      expect(long.memory[0x4000 + size]).toBe(0xee);
    }
  });

  it("of immediates: sign-extended to 8 bytes, or all of them", () => {
    const { registers } = long.execute("48c7c0ffffff80" + "48bb8877665544332211" + "b9ffffff80");
    expect(registers.slice(0, 4)).toEqual([0xffff_ffff_80ff_ffffn, 0x80ff_ffffn, 0n, OLD]);
  });

  it("of the accumulator to an absolute address", () => {
    // MOV [abs 0x4000], EAX; MOV AL, [abs 0x4003].
    const code = "a30040000000000000" + "a00340000000000000";
    expect(long.execute(code, { registers: { [RAX]: OLD } }).registers[RAX]).toBe(0x1122_3344_5566_7755n);
  });

  it("from a segment register: zero-extended into a register, 2 bytes to memory", () => {
    // MOV EAX, FS; MOV BX, GS; MOV [RCX], ES.
    long.memory.fill(0xee, 0x4000, 0x4010);
    const { registers } = long.execute("8ce0" + "668ceb" + "8c01", {
      registers: { [RAX]: OLD, [RBX]: OLD, [RCX]: 0x4000 },
    });
    expect(registers[RAX]).toBe(40n);
    expect(registers[RBX]).toBe(0x1122_3344_5566_0030n);
    expect([...long.memory.subarray(0x4000, 0x4003)]).toEqual([8, 0, 0xee]);
  });

  it.each([
    ["to a segment register", "8ed8"],
    ["to a control register", "0f22c0"],
    ["from CR8", "440f20c0"],
    ["from a debug register", "0f21c0"],
  ])("%s is the system's", (_, code) => {
    expect(long.execute(code).system).toBe("MOV");
  });
});

describe("extensions", () => {
  it.each(WORDS)("MOVZX and MOVSX to %i bytes", (size) => {
    for (const value of EDGES) {
      for (const from of [1, 2] as const) {
        const run = (opcode: string) =>
          long.execute(sized(size, opcode, pair(RAX, RBX), false), {
            registers: { [RAX]: OLD, [RBX]: value },
          }).registers[RAX];
        expect(run(from === 1 ? "0fb6" : "0fb7")).toBe(written(size, OLD, unsigned(from, value)));
        expect(run(from === 1 ? "0fbe" : "0fbf")).toBe(written(size, OLD, signed(from, value)));
      }
      const { registers } = long.execute(`4863${pair(RAX, RBX)}`, { registers: { [RBX]: value } });
      expect(registers[RAX]).toBe(unsigned(8, signed(4, value)));
    }
  });

  it.each(WORDS)("CBW and CWD to %i bytes", (size) => {
    for (const value of EDGES) {
      const given = { registers: { [RAX]: value, [RDX]: OLD } };
      const half = (size / 2) as 1 | 2 | 4;
      expect(long.execute(sized(size, "98", "", false), given).registers[RAX]).toBe(
        written(size, value, signed(half, value)),
      );
      expect(long.execute(sized(size, "99", "", false), given).registers[RDX]).toBe(
        written(size, OLD, bit(value, size * 8 - 1) ? -1n : 0n),
      );
    }
  });
});

describe("conditions", () => {
  const is = (flags: number, mask: number): boolean => (flags & mask) !== 0;
  const less = (flags: number): boolean => is(flags, SF) !== is(flags, OF);
  /** SDM vol. 1, appendix B; each is followed by its negation. */
  const POSITIVE: readonly ((flags: number) => boolean)[] = [
    (flags) => is(flags, OF),
    (flags) => is(flags, CF),
    (flags) => is(flags, ZF),
    (flags) => is(flags, CF | ZF),
    (flags) => is(flags, SF),
    (flags) => is(flags, PF),
    less,
    (flags) => is(flags, ZF) || less(flags),
  ];
  it("SETcc, CMOVcc and Jcc agree with the table", () => {
    for (let condition = 0; condition < 16; condition++) {
      const digit = condition.toString(16);
      for (let places = 0; places < 32; places++) {
        const flags = [CF, PF, ZF, SF, OF].reduce((all, mask, at) => all | (((places >> at) & 1) * mask), 0);
        const holds = POSITIVE[condition >> 1]!(flags) !== ((condition & 1) === 1);
        const given = { registers: { [RAX]: OLD, [RBX]: 0xaaaa_bbbb_ccccn }, flags };
        const where = `condition ${digit}, flags ${flags}`;
        expect(long.execute(`0f9${digit}c0`, given).registers[RAX]! & 0xffn, where).toBe(holds ? 1n : 0n);
        const { registers } = long.execute(`0f4${digit}c3`, given);
        expect(registers[RAX], where).toBe(holds ? 0xbbbb_ccccn : 0x5566_7788n);
        // Over a MOV BL, 1.
        const jumped = long.execute(`7${digit}02b301`, given);
        expect(jumped.registers[RBX]! & 0xffn, where).toBe(holds ? 0xccn : 1n);
        expect(jumped.flags).toBe(flags);
      }
    }
  });

  it("CMOVcc reads memory in any case", () => {
    const cpu = new TestProcessor(32, MODE.flatCode | MODE.protected);
    cpu.setSegment(3, 0xfff);
    expect(cpu.execute("0f440500100000", { flags: 0 }).vector).toBe(EXCEPTION.GP);
  });
});

describe("LEA", () => {
  it("computes in the address size and cuts to the operand size", () => {
    // LEA RAX, [RBX + RCX*8 - 1], then EAX, AX, and with 32-bit address.
    const given = { registers: { [RAX]: OLD, [RBX]: 0xffff_ffff_ffff_fff0n, [RCX]: 3 } };
    expect(long.execute("488d44cbff", given).registers[RAX]).toBe(7n);
    expect(long.execute("8d44c3ff", { registers: { [RBX]: 0x1_0000_0000n } }).registers[RAX]).toBe(
      0xffff_ffffn,
    );
    expect(long.execute("668d44cbff", given).registers[RAX]).toBe(0x1122_3344_5566_0007n);
    expect(long.execute("67488d43ff", { registers: { [RBX]: 0 } }).registers[RAX]).toBe(0xffff_ffffn);
  });
});

describe("bytes turned round", () => {
  it("BSWAP and MOVBE", () => {
    expect(long.execute("480fc8", { registers: { [RAX]: OLD } }).registers[RAX]).toBe(0x8877_6655_4433_2211n);
    expect(long.execute("0fc8", { registers: { [RAX]: OLD } }).registers[RAX]).toBe(0x8877_6655n);
    expect(long.execute("660fc8", { registers: { [RAX]: OLD } }).registers[RAX]).toBe(0x1122_3344_5566_0000n);
    for (const size of WORDS) {
      // MOVBE [RCX], RBX; MOV RAX, [RCX]; MOVBE RDX, [RCX].
      const code =
        sized(size, "0f38f1", "19", false) + sized(size, "8a", "01") + sized(size, "0f38f0", "11", false);
      const { registers } = long.execute(code, { registers: { [RBX]: OLD, [RCX]: 0x4000 } });
      const value = unsigned(size, OLD);
      expect(registers[RDX]).toBe(value);
      const digits = value.toString(16).padStart(size * 2, "0");
      expect(registers[RAX]).toBe(BigInt(`0x${(digits.match(/../g) ?? []).reverse().join("")}`));
    }
  });
});

describe("XLAT", () => {
  it("wraps with the address size", () => {
    long.memory[0x4012] = 0x99;
    expect(long.execute("d7", { registers: { [RAX]: 0x112, [RBX]: 0x4000 } }).registers[RAX]).toBe(0x199n);
    protectedMode.memory[0x0f] = 0x77;
    // 16-bit addresses: FFF0H + 1FH.
    const { registers } = protectedMode.execute("67d7", { registers: { [RAX]: 0x1f, [RBX]: 0xfff0 } });
    expect(registers[RAX]).toBe(0x77n);
  });
});

describe("the stack pointer", () => {
  it("is an operand like any other", () => {
    expect(long.execute("4889dc", { registers: { [RBX]: 0x1234 } }).registers[RSP]).toBe(0x1234n);
  });
});
