/** SYSCALL, SYSRET, SYSENTER and SYSEXIT (SDM vol. 2; APM vol. 3). */
import { describe, expect, it } from "vitest";
import { CYCLES } from "../../../events/categories.js";
import { EVENT } from "../../../events/events.js";
import {
  ATTRIBUTES,
  CSTAR,
  EFER_WORD,
  FMASK,
  LSTAR,
  R11,
  RCX,
  RDX,
  RSP,
  STAR,
  SYSENTER_CS,
  SYSENTER_EIP,
  SYSENTER_ESP,
  segmentWord,
} from "../places.js";
import { CS, RFLAGS, SS } from "../state.js";
import { PLACE, TestSystem } from "../testing/test-system.js";

const ENTRY = 0x4_0000;
const { IF, TF, reserved1 } = RFLAGS;

function prepared(t: TestSystem): TestSystem {
  t.words[STAR + 1] = (0x28 << 16) | 0x0b;
  t.words[STAR] = 0x5555;
  t.words[LSTAR] = ENTRY;
  t.words[LSTAR + 1] = -1;
  t.words[CSTAR] = 0x6666;
  t.words[FMASK] = IF | TF;
  t.words[SYSENTER_CS] = 0x0b;
  t.words[SYSENTER_ESP] = PLACE.stack0;
  t.words[SYSENTER_EIP] = ENTRY;
  return t.gates();
}

describe("SYSCALL", () => {
  it("saves RIP and RFLAGS in RCX and R11, masks RFLAGS, and makes CS and SS up", () => {
    const t = prepared(new TestSystem().long(3));
    t.setFlags(IF);
    t.execute("syscall");
    expect(t.rip).toBe(ENTRY - 2 ** 32);
    expect([t.register(RCX), t.register(R11)]).toEqual([PLACE.code + 2, IF | reserved1]);
    expect([t.flags, t.cpl, t.selector(CS), t.selector(SS)]).toEqual([reserved1, 0, 0x08, 0x10]);
    expect(t.words[segmentWord(CS) + ATTRIBUTES]).toBe(0xa0_9b00);
    expect(t.words[segmentWord(SS) + ATTRIBUTES]).toBe(0xc0_9300);
    expect(t.register(RSP)).toBe(PLACE.stack3);
    expect(t.host.counts.get(EVENT.guest_system_calls)).toBe(1);
    expect(t.host.charged.get(CYCLES.guest_kernel)).toBe(t.unit.core.costs.syscall / 2);
  });

  it("without EFER.SCE is #UD, and so it is outside 64-bit mode on Intel's", () => {
    const t = prepared(new TestSystem().long(3));
    t.words[EFER_WORD] = t.words[EFER_WORD]! & ~1;
    t.execute("syscall");
    expect(t.exception).toBe("UD");
    const narrow = prepared(new TestSystem().long(3, false));
    narrow.execute("syscall");
    expect(narrow.exception).toBe("UD");
  });

  it("from compatibility mode goes to CSTAR on AMD's", () => {
    const t = prepared(new TestSystem("zen-2-2019").long(3, false));
    t.execute("syscall");
    expect([t.rip, t.bits]).toEqual([0x6666, 64]);
  });

  it("with TF masked is not followed by a debug trap", () => {
    const t = prepared(new TestSystem().long(3));
    t.setFlags(TF);
    t.execute("syscall");
    expect(t.rip).toBe(ENTRY - 2 ** 32);
  });
});

describe("SYSRET", () => {
  it("returns to 64-bit code with REX.W, else to compatibility mode", () => {
    const t = prepared(new TestSystem().long());
    t.setRegister(RCX, 0x1_2340);
    t.setRegister(R11, IF | TF | RFLAGS.RF);
    t.execute("sysretq");
    expect([t.rip, t.cpl, t.selector(CS), t.selector(SS), t.bits]).toEqual([0x1_2340, 3, 0x3b, 0x33, 64]);
    expect(t.flags).toBe(IF | TF | reserved1);
    const narrow = prepared(new TestSystem().long());
    narrow.setRegister(RCX, 0x1_2340);
    narrow.execute("sysret");
    expect([narrow.selector(CS), narrow.selector(SS), narrow.bits]).toEqual([0x2b, 0x33, 32]);
  });

  it("to an address that is not canonical is #GP(0) at CPL 0", () => {
    const t = prepared(new TestSystem().long());
    t.setRegister(RCX, 0x8000_0000_0000);
    t.execute("sysretq");
    expect([t.exception, t.cpl]).toEqual(["GP 0", 0]);
  });

  it("at CPL 3 is #GP(0)", () => {
    const t = prepared(new TestSystem().long(3));
    t.execute("sysretq");
    expect(t.exception).toBe("GP 0");
  });
});

describe("SYSENTER and SYSEXIT", () => {
  it("in protected mode take CS, ESP and EIP from the MSRs", () => {
    const t = prepared(new TestSystem().protectedMode(3));
    t.setFlags(IF);
    t.execute("sysenter");
    expect([t.rip, t.cpl, t.selector(CS), t.selector(SS), t.register(RSP)]).toEqual([
      ENTRY,
      0,
      0x08,
      0x10,
      PLACE.stack0,
    ]);
    expect(t.flags & IF).toBe(0);
    t.setRegister(RDX, 0x1_2340);
    t.setRegister(RCX, PLACE.stack3 - 4);
    t.execute("sysexit");
    expect([t.rip, t.cpl, t.selector(CS), t.selector(SS), t.register(RSP)]).toEqual([
      0x1_2340,
      3,
      0x1b,
      0x23,
      PLACE.stack3 - 4,
    ]);
  });

  it("in IA-32e mode enter 64-bit code; SYSEXIT with REX.W returns to it", () => {
    const t = prepared(new TestSystem().long(3, false));
    t.execute("sysenter");
    expect(t.bits).toBe(64);
    t.setRegister(RDX, 0x1_2340);
    t.execute("sysexitq");
    expect([t.bits, t.selector(CS), t.selector(SS)]).toEqual([64, 0x2b, 0x33]);
  });

  it("fault without a selector, and SYSEXIT beyond CPL 0", () => {
    const t = prepared(new TestSystem().protectedMode(3));
    t.words[SYSENTER_CS] = 3;
    t.execute("sysenter");
    expect(t.exception).toBe("GP 0");
    const user = prepared(new TestSystem().protectedMode(3));
    user.execute("sysexit");
    expect(user.exception).toBe("GP 0");
  });

  it("do not exist in IA-32e mode on AMD's", () => {
    const t = prepared(new TestSystem("zen-2-2019").long(3));
    t.execute("sysenter");
    expect(t.exception).toBe("UD");
  });
});
