/**
 * A fault at each instruction of translated units, as it is or not: RIP, registers, flags, error code and CR2 are what they are
 * natively. Where an instruction makes several accesses, each of them faults.
 */
import { expect, it } from "vitest";
import { imm, mem, SIZES } from "../../machine/x86/assembler-operands.js";
import { REGISTERS } from "../../machine/x86/registers.js";
import { Random } from "../../util/random.js";
import { endingOf, native, translated } from "../testing/code-guests.js";
import {
  DATA_SELECTOR,
  EVENT_PLACES,
  type EventCode,
  eventGuest,
  SETTABLE_FLAGS,
  SOFTWARE_VECTOR,
} from "../testing/event-guest.js";

const { eax, ebx, ecx, edx, esi, edi, ebp, esp, ax, cs, es, gs, cr0 } = REGISTERS;
const { word, dword, fword } = SIZES;
/** Beyond the table's limit. */
const NO_SELECTOR = 0x80;
const NO_MSR = 0x1234;
/** Instructions; filling the page table takes most of them. */
const BUDGET = 100_000;
/** Offsets of the last instruction's address in what FNSTENV and FXSAVE store (SDM vol. 1, figure 8-9; vol. 2, FXSAVE). */
const X87 = { environmentPointer: 12, fxsavePointer: 8 } as const;
/** PG without PE. */
const IMPOSSIBLE_CR0 = 0x8000_0000 | 0;

type Operation = (code: EventCode, random: Random) => void;

/** With the stack where it faults, and then where it was. */
function withStack(code: EventCode, stack: number, emit: () => void): void {
  code.emit("mov", esp, stack);
  emit();
  code.emit("mov", esp, EVENT_PLACES.stack);
}

function frame(code: EventCode, random: Random, before: number): void {
  const behind = code.unique("behind");
  const words = [behind, 8, random.int32() & SETTABLE_FLAGS];
  const page = code.missing(...words.slice(before));
  code.fill(page - 4 * before, ...words.slice(0, before));
  withStack(code, page - 4 * before, () => code.emit("iretd").emit("ud2").label(behind));
}

const OPERATIONS: Readonly<Record<string, Operation>> = {
  load: (code, random) => void code.emit("mov", eax, mem(dword, code.missing(random.int32()))),
  store: (code) => void code.emit("mov", mem(dword, code.missing()), ebx),
  modify: (code, random) => void code.emit("add", mem(dword, code.missing(random.int32())), ecx),
  "push of memory": (code) => void code.emit("push", mem(dword, code.missing(1))).emit("pop", edx),
  "pop to memory": (code) => void code.emit("push", esi).emit("pop", mem(dword, code.missing())),
  "by GS": (code, random) =>
    void code.emit("mov", edx, mem(dword, code.missing(random.int32()), { segment: gs })),
  pop: (code, random) => withStack(code, code.missing(random.int32()), () => code.emit("pop", ecx)),
  popfd: (code, random) =>
    withStack(code, code.missing(random.int32() & SETTABLE_FLAGS), () => code.emit("popfd")),
  ret: (code) => {
    const behind = code.unique("behind");
    withStack(code, code.missing(behind), () => code.emit("ret").emit("ud2").label(behind));
  },
  "ret n": (code) => {
    const behind = code.unique("behind");
    withStack(code, code.missing(behind), () => code.emit("ret", imm(8, 2)).emit("ud2").label(behind));
  },
  "indirect jump": (code) => {
    const behind = code.unique("behind");
    code
      .emit("jmp", mem(dword, code.missing(behind)))
      .emit("ud2")
      .label(behind);
  },
  "indirect call": (code) => {
    const behind = code.unique("behind");
    code
      .emit("call", mem(dword, code.missing(behind)))
      .emit("ud2")
      .label(behind)
      .emit("pop", eax);
  },
  iretd: (code, random) => frame(code, random, 0),
  "iretd, of CS": (code, random) => frame(code, random, 1),
  "iretd, of EFLAGS": (code, random) => frame(code, random, 2),
  smsw: (code) => void code.emit("smsw", mem(word, code.missing())),
  sgdt: (code) => void code.emit("sgdt", mem(fword, code.missing())),
  "load of ES": (code) => void code.emit("mov", es, mem(word, code.missing(DATA_SELECTOR))),
  "store of CS": (code) => void code.emit("mov", mem(word, code.missing()), cs),
  div: (code) => code.faulting(() => void code.emit("div", mem(dword, EVENT_PLACES.stack + 64))),
  ud2: (code) => code.faulting(() => void code.emit("ud2")),
  "bad selector": (code) => {
    code.emit("mov", eax, NO_SELECTOR);
    code.faulting(() => void code.emit("mov", es, ax));
  },
  "bad MSR": (code) => {
    code.emit("mov", ecx, NO_MSR);
    code.faulting(() => void code.emit("rdmsr"));
  },
  "bad CR0": (code) => {
    code.emit("mov", eax, imm(IMPOSSIBLE_CR0, 4));
    code.faulting(() => void code.emit("mov", cr0, eax));
  },
  "x87 environment": (code) => {
    const area = EVENT_PLACES.stack + 0x400;
    code
      .emit("fninit")
      .emit("fld1")
      .emit("fld", mem(dword, EVENT_PLACES.stack + 64))
      .emit("nop");
    // FNSTENV.
    code
      .db(0xd9, 0x35)
      .dd(area)
      .emit("mov", eax, mem(dword, area + X87.environmentPointer));
    code.emit("fxsave", mem(area)).emit("mov", ebx, mem(dword, area + X87.fxsavePointer));
  },
  int3: (code) => void code.emit("int3"),
  "int n": (code) => void code.emit("int", imm(SOFTWARE_VECTOR, 1)),
};

/** Between them, so that one's registers and flags are not another's. */
const BETWEEN: readonly Operation[] = [
  (code, random) => void code.emit("mov", edi, imm(random.int32(), 4)),
  (code) => void code.emit("add", ebx, edi),
  (code) => void code.emit("cli"),
  (code) => void code.emit("sti"),
  (code) => void code.emit("pushfd").emit("pop", ebp),
  (code) => void code.emit("adc", esi, ebp),
];
const pick = <T>(random: Random, list: readonly T[]): T => list[(random.int32() >>> 0) % list.length]!;

function ends(operations: readonly Operation[], seed: number): void {
  const random = new Random(seed);
  const guest = eventGuest((code) => {
    for (const register of [eax, ebx, ecx, edx, esi, edi, ebp])
      code.emit("mov", register, imm(random.int32(), 4));
    for (const operation of operations) {
      pick(random, BETWEEN)(code, random);
      operation(code, random);
    }
    // What they left.
    code.emit("int", imm(SOFTWARE_VECTOR, 1));
  });
  const truth = endingOf(native(guest), guest, BUDGET);
  expect(truth.outcome).toMatchObject({ kind: "exit" });
  expect(endingOf(translated(guest), guest, BUDGET)).toEqual(truth);
  const unchained = translated(guest, "interpreter", {
    chaining: false,
    cachePages: 2,
    returnsInCache: true,
  });
  expect(endingOf(unchained, guest, BUDGET)).toEqual(truth);
}

it.each(Object.keys(OPERATIONS))("%s", (name) => {
  ends([OPERATIONS[name]!], 1);
});

it.each([1, 2, 3, 4])("in random order, seed %i", (seed) => {
  const random = new Random(seed);
  ends(
    Array.from({ length: 48 }, () => pick(random, Object.values(OPERATIONS))),
    seed,
  );
});
