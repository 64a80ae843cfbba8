/** Interrupts and exceptions through the IDT of protected mode (SDM vol. 3, 6.12; vol. 2, INT n). */
import { describe, expect, it } from "vitest";
import { EVENT } from "../../../events/events.js";
import { LIMIT, PRIVILEGE, RSP, segmentWord } from "../places.js";
import { CS, DS, RFLAGS, SS, TR } from "../state.js";
import { PLACE, SEL, TestSystem, TYPE } from "../testing/test-system.js";

const TASK_LIMIT = segmentWord(TR) + LIMIT;
const HANDLER = PLACE.handlers + 0x80 * 16;

describe("an interrupt to the same privilege", () => {
  it("pushes EFLAGS, CS and EIP, and an interrupt gate clears IF", () => {
    const t = new TestSystem().protectedMode();
    t.setFlags(RFLAGS.IF | RFLAGS.CF);
    t.gate(0x80);
    t.execute("int", 0x80);
    expect(t.rip).toBe(HANDLER);
    expect(t.stack(3)).toEqual([PLACE.code + 2, SEL.code0, RFLAGS.IF | RFLAGS.CF | RFLAGS.reserved1]);
    expect(t.register(RSP)).toBe(PLACE.stack0 - 12);
    expect(t.flags).toBe(RFLAGS.CF | RFLAGS.reserved1);
    expect(t.host.counts.get(EVENT.software_interrupts)).toBe(1);
  });

  it("keeps IF through a trap gate, clears TF and NT through both", () => {
    const t = new TestSystem().protectedMode();
    t.setFlags(RFLAGS.IF | RFLAGS.NT);
    t.gate(0x80, { type: 0xf });
    t.execute("int", 0x80);
    expect(t.flags).toBe(RFLAGS.IF | RFLAGS.reserved1);
  });

  it("pushes words through a 16-bit gate, and takes 16 bits of its offset", () => {
    const t = new TestSystem().protectedMode();
    t.gate(0x80, { type: 6, offset: 0x7_1234 });
    t.execute("int", 0x80);
    expect(t.rip).toBe(0x1234);
    expect(t.register(RSP)).toBe(PLACE.stack0 - 6);
    expect(t.peek16(PLACE.stack0 - 6)).toBe((PLACE.code + 2) & 0xffff);
    expect(t.peek16(PLACE.stack0 - 4)).toBe(SEL.code0);
  });

  it("works word by word where the frame is not in one piece", () => {
    const t = new TestSystem().protectedMode();
    t.memory.hasSpans = false;
    t.gate(0x80);
    t.execute("int", 0x80);
    expect(t.stack(3)).toEqual([PLACE.code + 2, SEL.code0, RFLAGS.reserved1]);
  });

  it("stays at CPL 3 in a conforming segment", () => {
    const t = new TestSystem().protectedMode(3);
    t.gate(0x80, { selector: SEL.conforming, dpl: 3 });
    t.execute("int", 0x80);
    expect(t.cpl).toBe(3);
    expect(t.selector(CS)).toBe(SEL.conforming | 3);
    expect(t.register(RSP)).toBe(PLACE.stack3 - 12);
  });
});

describe("an interrupt to a higher privilege", () => {
  it("switches to the TSS's stack and pushes SS and ESP first", () => {
    const t = new TestSystem().protectedMode(3);
    t.gate(0x80, { dpl: 3 });
    t.execute("int", 0x80);
    expect(t.words[PRIVILEGE]).toBe(0);
    expect(t.selector(CS)).toBe(SEL.code0);
    expect(t.selector(SS)).toBe(SEL.data0);
    expect(t.register(RSP)).toBe(PLACE.stack0 - 20);
    expect(t.stack(5)).toEqual([PLACE.code + 2, SEL.code3, RFLAGS.reserved1, PLACE.stack3, SEL.data3]);
    expect(t.selector(DS)).toBe(SEL.data3);
  });

  it("sets the accessed bits of CS and SS in the table", () => {
    const t = new TestSystem().protectedMode(3);
    t.gate(0x80, { dpl: 3 });
    t.execute("int", 0x80);
    for (const selector of [SEL.code0, SEL.data0])
      expect(t.peek(PLACE.gdt + selector + 4) & 0x100).toBe(0x100);
  });

  it("goes to ring 1 where the gate's segment has privilege 1", () => {
    const t = new TestSystem().protectedMode(3);
    t.gate(0x80, { dpl: 3, selector: SEL.code1 & ~3 });
    t.execute("int", 0x80);
    expect([t.cpl, t.selector(CS), t.selector(SS)]).toEqual([1, SEL.code1, SEL.data1]);
    expect(t.register(RSP)).toBe(PLACE.stack1 - 20);
  });

  it("pushes an error code last", () => {
    const t = new TestSystem().protectedMode(3).gates();
    t.execute("hlt");
    expect(t.exception).toBe("GP 0");
    expect(t.stack(6)).toEqual([
      0,
      PLACE.code,
      SEL.code3,
      RFLAGS.RF | RFLAGS.reserved1,
      PLACE.stack3,
      SEL.data3,
    ]);
  });
});

describe("what is wrong with a gate", () => {
  const cases: [string, (t: TestSystem) => void, string][] = [
    ["its DPL is below CPL: #GP(vector * 8 + 2)", (t) => t.gate(0x80, { dpl: 2 }), "GP 402"],
    ["it is not present: #NP", (t) => t.gate(0x80, { dpl: 3, present: false }), "NP 402"],
    ["it is no gate: #GP", (t) => t.gate(0x80, { dpl: 3, type: 0xc }), "GP 402"],
    ["its selector is null: #GP(0)", (t) => t.gate(0x80, { dpl: 3, selector: 0 }), "GP 0"],
    [
      "its selector is beyond the GDT: #GP(selector)",
      (t) => t.gate(0x80, { dpl: 3, selector: 0x100 }),
      "GP 100",
    ],
    ["its segment is data: #GP(selector)", (t) => t.gate(0x80, { dpl: 3, selector: SEL.data0 }), "GP 10"],
    [
      "its segment is absent: #NP(selector)",
      (t) => {
        t.descriptor(SEL.free, {
          type: TYPE.code,
          limit: 0xf_ffff,
          granular: true,
          big: true,
          present: false,
        });
        t.gate(0x80, { dpl: 3, selector: SEL.free });
      },
      "NP 80",
    ],
    [
      "its offset is beyond the segment: #GP(0)",
      (t) => {
        t.descriptor(SEL.free, { type: TYPE.code, limit: 0xff, big: true });
        t.gate(0x80, { dpl: 3, selector: SEL.free });
      },
      "GP 0",
    ],
  ];
  it.each(cases)("%s", (_what, prepare, expected) => {
    const t = new TestSystem().protectedMode(3).gates();
    prepare(t);
    t.execute("int", 0x80);
    expect(t.exception).toBe(expected);
    expect(t.peek(t.register(RSP) + 4)).toBe(PLACE.code);
  });

  it("an external interrupt's has EXT, and does not ask for the gate's DPL", () => {
    const t = new TestSystem().protectedMode(3).gates();
    t.setFlags(RFLAGS.IF);
    t.gate(0x30, { selector: SEL.data0 });
    t.host.pending.push(0x30);
    expect(t.unit.interrupt()).toBe(true);
    expect(t.exception).toBe("GP 11");
    t.protectedMode(3).setFlags(RFLAGS.IF);
    t.gate(0x30);
    t.host.pending.push(0x30);
    t.unit.interrupt();
    expect(t.rip).toBe(PLACE.handlers + 0x300);
  });
});

describe("what is wrong with the inner stack", () => {
  const cases: [string, (t: TestSystem) => void, string][] = [
    ["the TSS is too small: #TS(TR)", (t) => t.words.fill(3, TASK_LIMIT, TASK_LIMIT + 1), "TS 28"],
    ["its selector is null: #TS(0)", (t) => t.poke(PLACE.tss + 8, 0), "TS 0"],
    ["its RPL is not the new CPL: #TS(selector)", (t) => t.poke(PLACE.tss + 8, SEL.data0 | 1), "TS 10"],
    ["its DPL is not the new CPL: #TS(selector)", (t) => t.poke(PLACE.tss + 8, SEL.data3 & ~3), "TS 20"],
    [
      "it is not present: #SS(selector)",
      (t) => {
        t.descriptor(SEL.free, { type: TYPE.data, limit: 0xffff, present: false });
        t.poke(PLACE.tss + 8, SEL.free);
      },
      "SS 80",
    ],
    [
      "it has no room: #SS(selector)",
      (t) => {
        t.descriptor(SEL.free, { type: TYPE.data, limit: 0xffff, big: true });
        t.poke(PLACE.tss + 8, SEL.free);
        t.poke(PLACE.tss + 4, 8);
      },
      "SS 80",
    ],
  ];
  // The fault's own handler must not need the same stack: it runs in a conforming segment.
  it.each(cases)("%s", (_what, prepare, expected) => {
    const t = new TestSystem().protectedMode(3);
    for (let vector = 0; vector < 20; vector++) t.gate(vector, { selector: SEL.conforming });
    t.gate(0x80, { dpl: 3 });
    prepare(t);
    t.execute("int", 0x80);
    expect(t.exception).toBe(expected);
    expect(t.cpl).toBe(3);
  });
});

describe("from virtual-8086 mode", () => {
  it("goes to ring 0 with all segments on the stack, and data segments null", () => {
    const t = new TestSystem().virtual8086(3);
    t.gate(0x80, { dpl: 3 });
    t.execute("int", 0x80);
    expect(t.cpl).toBe(0);
    expect(t.flags & RFLAGS.VM).toBe(0);
    expect(t.stack(9)).toEqual([
      2,
      PLACE.code >> 4,
      RFLAGS.VM | RFLAGS.IOPL | RFLAGS.reserved1,
      0x8000,
      0x102,
      0x100,
      0x103,
      0x104,
      0x105,
    ]);
    expect(t.selector(DS)).toBe(0);
  });

  it("INT n is IOPL-sensitive: #GP(0)", () => {
    const t = new TestSystem().virtual8086(2).gates();
    t.gate(0x80, { dpl: 3 });
    t.execute("int", 0x80);
    expect(t.exception).toBe("GP 0");
  });

  it("a handler in another ring is #GP(selector)", () => {
    const t = new TestSystem().virtual8086(3).gates();
    t.gate(0x80, { dpl: 3, selector: SEL.code1 & ~3 });
    t.execute("int", 0x80);
    expect(t.exception).toBe("GP 48");
  });
});

describe("the other instructions that interrupt", () => {
  it("INT3 goes to vector 3 with EIP after it; DPL is checked", () => {
    const t = new TestSystem().protectedMode(3).gates();
    t.gate(3, { dpl: 3 });
    t.execute("int3");
    expect([t.exception, t.stack(1)[0]]).toEqual(["BP", PLACE.code + 1]);
    t.protectedMode(3).gates().execute("int3");
    expect(t.exception).toBe("GP 1a");
  });

  it("INTO does nothing unless OF", () => {
    const t = new TestSystem().protectedMode().gates();
    t.execute("into");
    expect(t.rip).toBe(PLACE.code + 1);
    t.setFlags(RFLAGS.OF);
    t.execute("into");
    expect(t.exception).toBe("OF");
  });

  it("INT1 does not ask for the gate's DPL", () => {
    const t = new TestSystem().protectedMode(3).gates();
    t.executeBytes(0xf1);
    expect(t.exception).toBe("DB");
  });
});
