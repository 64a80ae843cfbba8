/** The stack in its three address sizes, and that a fault leaves the stack pointer. */
import { describe, expect, it } from "vitest";
import { EXCEPTION, MODE } from "../../../cpu/state.js";
import { TestProcessor } from "./testing/processor.js";
import { RAX, RBP, RBX, RCX, RDI, RDX, RSI, RSP } from "./values.js";

const long = new TestProcessor(64);
const wide = new TestProcessor(32);
const narrow = new TestProcessor(16);
const OLD = 0x1122_3344_5566_7788n;
const SS = 2;

const stack = (cpu: TestProcessor, from: number, bytes: number): string =>
  Buffer.from(cpu.memory.subarray(from, from + bytes)).toString("hex");

describe("PUSH and POP", () => {
  it("of 8 and 2 bytes in 64-bit code", () => {
    const { registers } = long.execute("50" + "6653" + "665a" + "59", {
      registers: { [RAX]: OLD, [RBX]: 0xabcd, [RSP]: 0x8000 },
    });
    expect([registers[RCX], registers[RDX], registers[RSP]]).toEqual([OLD, 0xabcdn, 0x8000n]);
    expect(stack(long, 0x7ff6, 10)).toBe("cdab8877665544332211");
  });

  it("of immediates, sign-extended", () => {
    long.execute("6a81" + "68000000f0", { registers: { [RSP]: 0x8000 } });
    expect(stack(long, 0x7ff0, 16)).toBe("000000f0ffffffff" + "81ffffffffffffff");
  });

  it("of the stack pointer: the old one is pushed, and the one popped stays", () => {
    expect(long.execute("5458", { registers: { [RSP]: 0x8000 } }).registers[RAX]).toBe(0x8000n);
    expect(long.execute("505c", { registers: { [RAX]: 0x1234, [RSP]: 0x8000 } }).registers[RSP]).toBe(
      0x1234n,
    );
    // POP SP keeps what is above it.
    expect(
      long.execute("66506658665c", { registers: { [RAX]: 0x4321, [RSP]: 0x18000 } }).registers[RSP],
    ).toBe(BigInt(0x10000 | (long.memory[0x18000]! | (long.memory[0x18001]! << 8))));
  });

  it("of memory: POP [RSP + 8] counts from the new stack pointer", () => {
    long.execute("5053" + "8f442408", { registers: { [RAX]: 1, [RBX]: 0x77, [RSP]: 0x8000 } });
    expect(stack(long, 0x7ff0, 24)).toBe(`77${"0".repeat(14)}01${"0".repeat(14)}77${"0".repeat(14)}`);
    // PUSH [RSP] reads before it moves.
    expect(long.execute("50ff342459", { registers: { [RAX]: 5, [RSP]: 0x8000 } }).registers[RCX]).toBe(5n);
  });

  it("of selectors, zero-extended", () => {
    long.memory.fill(0xff, 0x7ff0, 0x8000);
    long.execute("0fa0", { registers: { [RSP]: 0x8000 } });
    expect(stack(long, 0x7ff8, 8)).toBe("2800000000000000");
    expect(wide.execute("0e58", { registers: { [RSP]: 0x8000, [RAX]: -1 } }).registers[RAX]).toBe(16n);
    expect(wide.execute("1f", { registers: { [RSP]: 0x8000 } }).system).toBe("POP");
  });

  it("wrap in a stack of 64 KiB", () => {
    const { registers } = narrow.execute("6650", { registers: { [RAX]: OLD, [RSP]: 0xffff_0000n } });
    expect(registers[RSP]).toBe(0xffff_fffcn);
    expect(stack(narrow, 0xfffc, 4)).toBe("88776655");
  });
});

describe("PUSHA and POPA", () => {
  it.each([
    { bytes: 4, push: "60", pop: "61" },
    { bytes: 2, push: "6660", pop: "6661" },
  ])("of $bytes bytes", ({ bytes, push, pop }) => {
    const registers = {
      0: 0xa0a1,
      1: 0xb0b1,
      2: 0xc0c1,
      3: 0xd0d1,
      4: 0x8000,
      5: 0xe0e1,
      6: 0xf0f1,
      7: 0x1011,
    };
    // Everything but SP is changed between the two.
    const clear = [0, 1, 2, 3, 5, 6, 7].map((number) => `31${(0xc0 | (number * 9)).toString(16)}`).join("");
    const outcome = wide.execute(push + clear + pop, { registers });
    expect(outcome.registers.slice(0, 8)).toEqual(Object.values(registers).map(BigInt));
    const words = stack(wide, 0x8000 - 8 * bytes, 8 * bytes).match(new RegExp(`.{${2 * bytes}}`, "g"))!;
    expect(words.map((word) => word.slice(0, 4)).reverse()).toEqual([
      "a1a0",
      "b1b0",
      "c1c0",
      "d1d0",
      "0080",
      "e1e0",
      "f1f0",
      "1110",
    ]);
  });
});

describe("ENTER and LEAVE", () => {
  const registers = { [RSP]: 0x8000, [RBP]: 0x9000 };

  it("without nesting", () => {
    const entered = long.execute("c8200000", { registers });
    expect([entered.registers[RBP], entered.registers[RSP]]).toEqual([0x7ff8n, 0x7ff8n - 0x20n]);
    expect(stack(long, 0x7ff8, 8)).toBe("0090000000000000");
    const left = long.execute("c8200000c9", { registers });
    expect([left.registers[RBP], left.registers[RSP]]).toEqual([0x9000n, 0x8000n]);
  });

  it("with nesting copies frame pointers", () => {
    const view = new DataView(wide.memory.buffer, wide.memory.byteOffset);
    view.setUint32(0x8ffc, 0x1111, true);
    view.setUint32(0x8ff8, 0x2222, true);
    // Level 35 is 3.
    const entered = wide.execute("c8100023", { registers });
    const words = [0, 1, 2, 3].map((index) => view.getUint32(0x7ffc - 4 * index, true));
    expect(words).toEqual([0x9000, 0x1111, 0x2222, 0x7ffc]);
    expect([entered.registers[RBP], entered.registers[RSP]]).toEqual([0x7ffcn, BigInt(0x7ff0 - 0x10)]);
  });

  it("of 2 bytes keep the upper parts of BP", () => {
    const { registers: after } = long.execute("66c8000000", { registers: { [RBP]: OLD, [RSP]: 0x18000 } });
    expect(after[RBP]).toBe(0x1122_3344_5566_7ffen);
    expect(after[RSP]).toBe(0x17ffen);
  });
});

describe("a fault on the stack", () => {
  const cpu = new TestProcessor(32, MODE.flatCode | MODE.protected);

  it.each([
    ["PUSH", "50", 0x9002],
    ["PUSH imm", "6a01", 0x9002],
    ["PUSHF", "9c", 0x9002],
    ["POP", "58", 0x8fff],
    ["POPF", "9d", 0x8fff],
    ["POP to memory beyond the limit of DS", "8f0500a00000", 0x8000],
    ["PUSHA", "60", 0x9010],
    ["POPA", "61", 0x8ff0],
    ["CALL", "e800000000", 0x9004],
    ["RET", "c3", 0x8ffe],
    ["ENTER, first write", "c8000000", 0x9004],
    ["ENTER, last address", "c8ff8f00", 0x8ffc],
  ])("%s leaves the stack pointer", (_, code, pointer) => {
    cpu.setSegment(SS, 0x8fff);
    cpu.setSegment(3, 0x9fff);
    const registers = { [RAX]: 1, [RSP]: pointer, [RBP]: 0x5000, [RSI]: 6, [RDI]: 7 };
    const outcome = cpu.execute(code, { registers, flags: 0x45 });
    expect(outcome.vector).toBe(code.startsWith("8f") ? EXCEPTION.GP : EXCEPTION.SS);
    expect(outcome.offset).toBe(0);
    expect(outcome.registers.slice(0, 8)).toEqual([1n, 0n, 0n, 0n, BigInt(pointer), 0x5000n, 6n, 7n]);
    expect(outcome.flags).toBe(0x45);
  });
});
