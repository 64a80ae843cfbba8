/** Instructions on the flags: which they change, and when they leave it to the system. */
import { describe, expect, it } from "vitest";
import { RFLAGS, STATE } from "../../../cpu/state.js";
import { TestProcessor } from "./testing/processor.js";
import { RAX, RSP } from "./values.js";

const { AC, CF, DF, ID, IF, IOPL, NT, OF, RF, TF, VM, ZF } = RFLAGS;
const long = new TestProcessor(64);
const wide = new TestProcessor(32);
const ALL = 0x8d5;
const USUAL = 0x202;

describe("single flags", () => {
  it("CLC, STC, CMC, CLD and STD", () => {
    for (const flags of [0, ALL]) {
      expect(long.execute("f8", { flags }).flags).toBe(flags & ~CF);
      expect(long.execute("f9", { flags }).flags).toBe(flags | CF);
      expect(long.execute("f5", { flags }).flags).toBe(flags ^ CF);
      expect(long.execute("fd", { flags }).flags).toBe(flags);
    }
    expect(long.execute("fd").systemFlags).toBe(USUAL | DF);
    expect(long.execute("fc", { systemFlags: USUAL | DF }).systemFlags).toBe(USUAL);
  });

  it("LAHF, SAHF and SALC", () => {
    for (const flags of [0, CF, ZF, OF, ALL]) {
      const { registers } = long.execute("9f", { registers: { [RAX]: 0x11_77_55 }, flags });
      expect(registers[RAX]).toBe(BigInt(0x11_00_55 | ((flags & 0xff) << 8) | 0x200));
      expect(long.execute("9e", { registers: { [RAX]: 0xff00 }, flags }).flags).toBe((flags & OF) | 0xd5);
      expect(long.execute("9e", { registers: { [RAX]: 0 }, flags }).flags).toBe(flags & OF);
      const spread = wide.execute("d6", { registers: { [RAX]: 0x1234 }, flags });
      expect(spread.registers[RAX]).toBe((flags & CF) === 0 ? 0x1200n : 0x12ffn);
    }
  });
});

describe("PUSHF and POPF", () => {
  const registers = { [RSP]: 0x8000 };
  const view = new DataView(wide.memory.buffer, wide.memory.byteOffset);

  it("push RF and VM as 0", () => {
    const systemFlags = USUAL | DF | IOPL | NT | AC | ID | RF;
    expect(wide.execute("9c58", { registers, flags: ALL, systemFlags }).registers[RAX]).toBe(
      BigInt((systemFlags & ~RF) | ALL),
    );
    expect(long.execute("9c58", { registers, flags: ALL, systemFlags }).registers[RAX]).toBe(
      BigInt((systemFlags & ~RF) | ALL),
    );
    expect(wide.execute("669c6658", { registers, flags: CF, systemFlags }).registers[RAX]).toBe(
      BigInt((systemFlags & 0xffff) | CF),
    );
  });

  it("pop what changes nothing else", () => {
    view.setUint32(0x8000, USUAL | ALL | DF | NT | ID, true);
    const { flags, systemFlags, registers: after, system } = wide.execute("9d", { registers });
    expect(system).toBeUndefined();
    expect(flags).toBe(ALL);
    expect(systemFlags).toBe(USUAL | DF | NT | ID);
    expect(after[RSP]).toBe(0x8004n);
    // 2 bytes leave ID.
    view.setUint16(0x8000, USUAL, true);
    const half = wide.execute("669d", { registers, flags: ALL, systemFlags: USUAL | ID | DF });
    expect([half.flags, half.systemFlags]).toEqual([0, USUAL | ID]);
    expect(half.registers[RSP]).toBe(0x8002n);
  });

  it.each([
    ["TF", TF],
    ["IF", IF],
    ["IOPL", IOPL],
    ["AC", AC],
  ])("leave a change of %s to the system, with nothing done", (_, mask) => {
    view.setUint32(0x8000, (USUAL | ALL) ^ mask, true);
    const outcome = wide.execute("9d", { registers, flags: CF });
    expect(outcome.system).toBe("POPF");
    expect([outcome.flags, outcome.systemFlags, outcome.registers[RSP]]).toEqual([CF, USUAL, 0x8000n]);
  });

  it("leave virtual-8086 mode to the system", () => {
    for (const [code, name] of [
      ["9c", "PUSHF"],
      ["9d", "POPF"],
    ] as const)
      expect(wide.execute(code, { registers, systemFlags: USUAL | VM | IOPL }).system).toBe(name);
  });
});

describe("CLI and STI", () => {
  it("are done here where CPL allows them", () => {
    wide.setState(STATE.privilege, 0);
    expect(wide.execute("fa").systemFlags).toBe(USUAL & ~IF);
    expect(wide.execute("fb", { systemFlags: 2 }).systemFlags).toBe(USUAL);
    wide.setState(STATE.privilege, 3);
    expect(wide.execute("fa").system).toBe("CLI");
    expect(wide.execute("fb", { systemFlags: 2 }).system).toBe("STI");
    expect(wide.execute("fa", { systemFlags: USUAL | IOPL }).systemFlags).toBe((USUAL | IOPL) & ~IF);
    wide.setState(STATE.privilege, 0);
  });
});
