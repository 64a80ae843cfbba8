/** IN, OUT, INS and OUTS: permission and repetition (SDM vol. 2; vol. 1, 19.5). */
import { describe, expect, it } from "vitest";
import { EVENT } from "../../../events/events.js";
import { REGISTERS } from "../../x86/registers.js";
import { LIMIT, RAX, RCX, RDI, RDX, RSI, segmentWord } from "../places.js";
import { RFLAGS, TR } from "../state.js";
import { PLACE, TestSystem } from "../testing/test-system.js";

const { al, ax, eax, dx } = REGISTERS;
const MAP = 0x88;

/** Gives the task a bitmap that allows all ports but those given, up to 7FFH. */
function bitmap(t: TestSystem, ...forbidden: number[]): TestSystem {
  t.poke16(PLACE.tss + 0x66, MAP);
  t.words[segmentWord(TR) + LIMIT] = MAP + 0x100;
  t.memory.bytes.fill(0, PLACE.tss + MAP, PLACE.tss + MAP + 0x100);
  t.memory.bytes[PLACE.tss + MAP + 0x100] = 0xff;
  for (const port of forbidden) t.memory.bytes[PLACE.tss + MAP + (port >> 3)]! |= 1 << (port & 7);
  return t;
}

describe("IN and OUT", () => {
  it("reach the bus, and are counted", () => {
    const t = new TestSystem().protectedMode();
    t.setRegister(RDX, 0xcf8);
    t.setRegister(RAX, 0xffff_1234);
    t.execute("out", 0x80, al).execute("out", dx, eax).execute("in", ax, dx);
    expect(t.host.portAccesses).toEqual([
      `out1 ${0x80} ${0x34}`,
      `out4 ${0xcf8} ${0xffff_1234}`,
      `in2 ${0xcf8}`,
    ]);
    expect(t.register(RAX)).toBe(0xffff_0cf8);
    expect(t.host.counts.get(EVENT.port_accesses)).toBe(3);
  });

  it("beyond IOPL are up to the TSS's bitmap, all ports of the access", () => {
    const t = bitmap(new TestSystem().protectedMode(3).gates(), 0x63);
    t.execute("in", al, 0x60);
    expect(t.host.portAccesses).toHaveLength(1);
    t.setRegister(RDX, 0x60);
    t.execute("in", eax, dx);
    expect(t.exception).toBe("GP 0");
    expect(t.host.portAccesses).toHaveLength(1);
  });

  it("without a bitmap, or beyond it, are #GP(0)", () => {
    const none = new TestSystem().protectedMode(3).gates();
    none.poke16(PLACE.tss + 0x66, 0x68);
    expect(none.execute("in", al, 0x60).exception).toBe("GP 0");
    const beyond = bitmap(new TestSystem().protectedMode(3).gates());
    beyond.setRegister(RDX, 0x900);
    expect(beyond.execute("in", al, dx).exception).toBe("GP 0");
  });

  it("within IOPL need no bitmap; in virtual-8086 mode they do at any IOPL", () => {
    const t = new TestSystem().protectedMode(3);
    t.setFlags(RFLAGS.IOPL);
    t.execute("in", al, 0x60);
    expect(t.host.portAccesses).toHaveLength(1);
    const virtual = new TestSystem().virtual8086(3).gates();
    virtual.poke16(PLACE.tss + 0x66, 0x68);
    expect(virtual.execute("in", al, 0x60).exception).toBe("GP 0");
  });
});

describe("INS and OUTS", () => {
  it("repeat as often as the counter says, in the direction of DF", () => {
    const t = new TestSystem().protectedMode();
    t.setRegister(RDX, 0x1f0);
    t.setRegister(RCX, 3);
    t.setRegister(RDI, 0x7000);
    t.execute("rep insw");
    expect([t.register(RCX), t.register(RDI), t.peek16(0x7004)]).toEqual([0, 0x7006, 0x1f0]);
    expect(t.rip).toBe(PLACE.code + 3);
    t.setFlags(RFLAGS.DF);
    t.setRegister(RSI, 0x7004);
    t.setRegister(RCX, 2);
    t.execute("rep outsw");
    expect(t.register(RSI)).toBe(0x7000);
    expect(t.host.portAccesses.slice(3)).toEqual([`out2 ${0x1f0} ${0x1f0}`, `out2 ${0x1f0} ${0x1f0}`]);
  });

  it("give way after 256 elements, with RIP at the instruction", () => {
    const t = new TestSystem().protectedMode();
    t.setRegister(RCX, 300);
    t.setRegister(RDI, 0x7000);
    t.execute("rep insb");
    expect([t.rip, t.register(RCX)]).toEqual([PLACE.code, 44]);
    t.execute("rep insb");
    expect([t.rip, t.register(RCX)]).toEqual([PLACE.code + 2, 0]);
  });

  it("do not read the port of an element that cannot be stored; those before it are done", () => {
    const t = new TestSystem().protectedMode().gates();
    t.memory.absent.add(8);
    t.setRegister(RCX, 4);
    t.setRegister(RDI, 0x7ffc);
    t.setRegister(RDX, 0x1f0);
    t.execute("rep insw");
    expect(t.exception).toBe("PF 2");
    expect([t.register(RCX), t.register(RDI), t.host.portAccesses.length]).toEqual([2, 0x8000, 2]);
    expect(t.peek(t.register(4) + 4)).toBe(PLACE.code);
  });

  it("with a counter of 0 do nothing", () => {
    const t = new TestSystem().protectedMode(3);
    t.setRegister(RCX, 0);
    t.execute("rep outsb");
    expect([t.rip, t.host.portAccesses]).toEqual([PLACE.code + 2, []]);
  });
});
