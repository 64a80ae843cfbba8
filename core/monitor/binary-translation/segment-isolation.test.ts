/**
 * A hostile 32-bit kernel, and its program, reach for the monitor's window by what the processor does of its own for segmentation
 * and privilege: gates, segments with a base, tasks, the stack of a TSS, SYSENTER's registers. The monitor stays whole, and the
 * guest ends as natively, where no page is there, with no byte of the window changed. What differs: a kernel under trap-and-emulate
 * meets #NP at its own gates of DPL 3; and tables in the window are refused.
 */
import { describe, expect, it } from "vitest";
import { EXCEPTION } from "../../machine/cpu/state.js";
import type { Assembler } from "../../machine/x86/assemble.js";
import { far, imm, mem, SIZES } from "../../machine/x86/assembler-operands.js";
import { REGISTERS } from "../../machine/x86/registers.js";
import { UnsupportedError } from "../../util/errors.js";
import { WINDOW_BASE } from "../deprivileged/window.js";
import { native, TECHNIQUES, translated, trapped } from "../testing/code-guests.js";
import {
  type Attack,
  gate,
  hostileKernel,
  PROGRAMS_VECTOR,
  SEL,
  segment,
  systemSegment,
  TSS_BYTES,
} from "../testing/hostile-kernel.js";
import { protectedEndingOf } from "../testing/protected-memory.js";

const { ax, eax, ebx, ecx, edx, esi, ebp, esp, cs, ds, ss } = REGISTERS;
const { dword } = SIZES;
/** In the pages that translated code writes through GS: the only ones of the window that are writable. */
const DATA = WINDOW_BASE + 17 * 4096 + 0x800;
const TABLE = WINDOW_BASE + 8;
const CACHE = WINDOW_BASE + 19 * 4096;
/** As the monitor's TSS is named in TR. */
const MONITORS_SELECTOR = 0xfff8;
/** Code of the guest's own: what a branch by it meets there is another fault. */
const OWN = 0x10_0000;
const EXIT_PORT = 0xf4;
const SYSENTER_CS = 0x174;
const BUDGET = 1e6;
const RING_0_DATA = 0x93;
const RING_3_DATA = 0xf3;
const EXPAND_DOWN = 0x97;
const CALL_GATE = { ring0: 0x8c, ring3: 0xec };
const TASK_GATE = 0xe5;
const TASK = systemSegment(DATA, 0x89, TSS_BYTES - 1);
const WHOLE = { limit: 0xf_ffff, granular: true };

const callFirst = (code: Assembler): void => void code.emit("call far", far(SEL.first | 3, 0));
const nothing = (code: Assembler): void => void code.emit("nop");
/** Loads DS with the attack's segment and stores where the data pages are. */
const storeBy =
  (base: number, rpl = 0) =>
  (code: Assembler): void => {
    code.emit("mov", eax, SEL.first | rpl).emit("mov", ds, ax);
    code.emit("mov", mem(dword, (DATA - base) | 0), eax);
  };
const sysenterTo =
  (selector: number, stack: number, ip: number) =>
  (code: Assembler): void => {
    for (const [index, value] of [selector, stack, ip].entries()) {
      code.emit("mov", ecx, SYSENTER_CS + index).emit("mov", eax, imm(value | 0, 4));
      code.emit("xor", edx, edx).emit("wrmsr");
    }
  };
const withSegment = (base: number, access: number, size: { limit: number; granular?: boolean }): Attack => ({
  descriptors: [segment(base, access, size)],
  kernel: storeBy(base),
});
const pushByStackSegment = (code: Assembler): Assembler =>
  code.emit("mov", eax, SEL.first).emit("mov", ss, ax).emit("mov", esp, 0x80);
const callGate = (selector: number, access: number) => ({ descriptors: [gate(selector, CACHE, access)] });
const SMALL = { limit: 0xff };

const GATES: Readonly<Record<string, Attack>> = {
  "a call gate of the kernel's": { ...callGate(SEL.code, CALL_GATE.ring0), kernel: callFirst },
  "a call gate for programs": { ...callGate(SEL.code, CALL_GATE.ring3), kernel: callFirst },
  "a jump through one": {
    ...callGate(SEL.code, CALL_GATE.ring3),
    kernel: (code) => void code.emit("jmp far", far(SEL.first, 0)),
  },
  "a call gate to the monitor's selector": {
    ...callGate(MONITORS_SELECTOR, CALL_GATE.ring3),
    kernel: callFirst,
  },
};
const SAME: Readonly<Record<string, Attack>> = {
  "nothing at all": {},
  "a program": { program: nothing },
  "a program's call through the kernel's gate": {
    ...callGate(SEL.code, CALL_GATE.ring0),
    program: callFirst,
  },
  "INT with the inner stack there": { innerStack: DATA, program: nothing },
  "a fault with the inner stack there": { innerStack: DATA, program: (code) => void code.emit("hlt") },
  "a program's segment": {
    descriptors: [segment(DATA, RING_3_DATA, SMALL)],
    program: storeBy(DATA, 3),
  },
  "a program's code in DS": {
    program: (code) =>
      void code.emit("mov", eax, SEL.userCode).emit("mov", ds, ax).emit("mov", eax, mem(dword, OWN)),
  },
  "a program's load by CS": {
    program: (code) => void code.emit("mov", eax, mem(dword, OWN, { segment: cs })),
  },
  "JMP to a task": { descriptors: [TASK], kernel: (code) => void code.emit("jmp far", far(SEL.first, 0)) },
  "CALL of a task": { descriptors: [TASK], kernel: callFirst },
  "a task gate in the IDT": {
    gate: gate(SEL.first, 0, TASK_GATE),
    descriptors: [TASK],
    kernel: (code) => void code.emit("int", imm(PROGRAMS_VECTOR, 1)),
  },
  "a program's INT to a task gate": {
    gate: gate(SEL.first, 0, TASK_GATE),
    descriptors: [TASK],
    program: nothing,
  },
  "SYSENTER to the translation cache": {
    kernel: sysenterTo(SEL.code, DATA, CACHE),
    program: (code) => void code.emit("sysenter"),
  },
  "SYSENTER by the monitor's selector": {
    kernel: sysenterTo(MONITORS_SELECTOR, DATA, CACHE),
    program: (code) => void code.emit("sysenter"),
  },
};
const PROGRAMS_GATES: Readonly<Record<string, Attack>> = {
  "a program's call through its gate": { ...callGate(SEL.code, CALL_GATE.ring3), program: callFirst },
  "the same with the inner stack there": {
    ...callGate(SEL.code, CALL_GATE.ring3),
    innerStack: DATA,
    program: callFirst,
  },
};
const SEGMENTS: Readonly<Record<string, Attack>> = {
  "a segment of the data pages": withSegment(DATA, RING_0_DATA, SMALL),
  "one for programs": withSegment(DATA, RING_3_DATA, SMALL),
  "one that begins far below": withSegment(0x1000_0000, RING_0_DATA, WHOLE),
  "one for programs that begins below": withSegment(0x20_0000, RING_3_DATA, WHOLE),
  "one that ends with the window": withSegment(0xf000_0000, RING_0_DATA, { limit: 0xffff, granular: true }),
  "one that expands down": withSegment(0, EXPAND_DOWN, { limit: 0xff, granular: true }),
};
/** Ways to an address. By CS: its limit, translated, covers the translation cache. */
const REACHES: Readonly<Record<string, (code: Assembler, address: number) => void>> = {
  "a load": (code, at) => void code.emit("mov", eax, mem(dword, at)),
  "a store": (code, at) => void code.emit("mov", mem(dword, at), eax),
  "a load by SS": (code, at) => void code.emit("mov", eax, mem(dword, at, { segment: ss })),
  "a load by a code segment in DS": (code, at) =>
    void code.emit("mov", eax, SEL.code).emit("mov", ds, ax).emit("mov", eax, mem(dword, at)),
  "a load by programs' code in DS": (code, at) =>
    void code.emit("mov", eax, SEL.userCode).emit("mov", ds, ax).emit("mov", eax, mem(dword, at)),
  "a pop": (code, at) => void code.emit("mov", esp, imm(at, 4)).emit("pop", eax),
  "a leave": (code, at) => void code.emit("mov", ebp, imm(at, 4)).emit("leave"),
  "an interrupt's frame": (code, at) =>
    void code.emit("mov", esp, imm(at, 4)).emit("int", imm(PROGRAMS_VECTOR, 1)),
  "a load of the x87's": (code, at) => void code.emit("fld", mem(dword, at)).emit("fnstsw", ax),
  "a store of the system's": (code, at) => void code.emit("sgdt", mem(SIZES.fword, at)),
  "a selector in memory": (code, at) => void code.emit("mov", ds, mem(SIZES.word, at)),
  "a near jump": (code, at) => void code.emit("mov", eax, imm(at, 4)).emit("jmp", eax),
  "a load by CS": (code, at) => void code.emit("mov", eax, mem(dword, at, { segment: cs })),
  "a load by CS that begins before": (code, at) =>
    void code.emit("mov", eax, mem(dword, at - 2, { segment: cs })),
  "arithmetic by CS": (code, at) => void code.emit("add", eax, mem(dword, at, { segment: cs })),
  "a string's load by CS": (code, at) => void code.emit("mov", esi, imm(at, 4)).emit("cs lodsd"),
  "a table's load by CS": (code, at) =>
    void code.emit("mov", ebx, imm(at, 4)).emit("xor", eax, eax).emit("cs xlat"),
  "a push by CS": (code, at) => void code.emit("push", mem(dword, at, { segment: cs })).emit("pop", eax),
  "a jump by CS": (code, at) => void code.emit("jmp", mem(dword, at, { segment: cs })),
  "a call by CS": (code, at) => void code.emit("call", mem(dword, at, { segment: cs })),
  "a bit far from its operand by CS": (code, at) => {
    code.emit("mov", ecx, imm(0x1000 * 8, 4)).emit("bt", mem(dword, at - 0x1000, { segment: cs }), ecx);
    code.emit("sbb", eax, eax);
  },
};
const STACKS: Readonly<Record<string, Attack>> = {
  "PUSH by a stack segment there": {
    descriptors: [segment(DATA, RING_0_DATA, SMALL)],
    kernel: (code) => void pushByStackSegment(code).emit("push", eax),
  },
  "INT by a stack segment there": {
    descriptors: [segment(DATA, RING_0_DATA, SMALL)],
    kernel: (code) => void pushByStackSegment(code).emit("int", imm(PROGRAMS_VECTOR, 1)),
  },
};

/** Its status, or that it was shut down: which faults led there differs, for monitors deliver events one at a time. */
function endOf(make: typeof native, attack: Attack): unknown {
  const guest = hostileKernel(attack);
  const outcome = protectedEndingOf(make(guest), guest, BUDGET).outcome as { kind: string; status?: number };
  return outcome.kind === "exit" ? outcome.status : outcome.kind;
}

describe.each(Object.entries({ ...SAME, ...GATES, ...PROGRAMS_GATES, ...SEGMENTS, ...STACKS }))(
  "%s",
  (_name, attack) => {
    it("ends as natively under binary translation", () => {
      expect(endOf(translated, attack)).toBe(endOf(native, attack));
    });
  },
);

describe.each(Object.entries({ ...SAME, ...PROGRAMS_GATES, ...SEGMENTS, ...STACKS }))(
  "%s",
  (_name, attack) => {
    it("ends as natively under trap-and-emulate", () => {
      expect(endOf(trapped, attack)).toBe(endOf(native, attack));
    });
  },
);

/** A kernel that shows what it read. */
const showing = (reach: (code: Assembler, address: number) => void, address: number): Attack => ({
  kernel: (code) => {
    reach(code, address | 0);
    code.emit("out", imm(EXIT_PORT, 1), eax);
  },
});

it.each(Object.entries(REACHES))("%s reaches what is the guest's, and not the window", (_name, reach) => {
  for (const address of [OWN, TABLE]) {
    const attack = showing(reach, address);
    const truth = endOf(native, attack);
    if (address === TABLE) expect([EXCEPTION.PF, "shutdown"]).toContain(truth);
    expect(endOf(translated, attack)).toBe(truth);
    expect(endOf(trapped, attack)).toBe(truth);
  }
});

it.each([
  ["the data pages", DATA],
  ["the translation cache", CACHE],
])("translated, %s are not reached by DS nor by CS", (_what, address) => {
  for (const name of ["a load", "a store", "a load by CS", "a jump by CS"])
    expect(endOf(translated, showing(REACHES[name]!, address))).toBe(EXCEPTION.PF);
});

it("a program's segment may wrap, as those of threads do", () => {
  const attack = {
    descriptors: [segment(0x20_1000, RING_3_DATA, WHOLE)],
    program: (code: Assembler) => {
      code.emit("mov", eax, SEL.first | 3).emit("mov", ds, ax);
      code.emit("mov", eax, mem(dword, -4));
    },
  };
  expect(endOf(native, attack)).toBe(PROGRAMS_VECTOR);
  expect(endOf(translated, attack)).toBe(PROGRAMS_VECTOR);
});

it.each(Object.entries(GATES))("under trap-and-emulate %s traps", (_name, attack) => {
  expect([EXCEPTION.NP, endOf(native, attack)]).toContain(endOf(trapped, attack));
});

it.each(["lldt", "ltr"])("%s of a table there is refused", (name) => {
  const type = name === "lldt" ? 0x82 : 0x89;
  const attack: Attack = {
    descriptors: [systemSegment(DATA, type, TSS_BYTES - 1)],
    kernel: (code) => void code.emit("mov", eax, SEL.first).emit(name, ax),
  };
  expect(() => endOf(translated, attack)).toThrow(UnsupportedError);
  expect(() => endOf(trapped, attack)).toThrow(UnsupportedError);
});

it("hardware assistance has no window: all end as natively", () => {
  for (const attack of Object.values({ ...SAME, ...GATES, ...SEGMENTS, ...STACKS }))
    expect(endOf(TECHNIQUES["VT-x, nested"]!, attack)).toBe(endOf(native, attack));
});
