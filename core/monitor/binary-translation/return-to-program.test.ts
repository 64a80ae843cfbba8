/**
 * A 32-bit kernel that returns to its programs by IRET, in the translation cache: with random images, selectors and registers they
 * find what they find natively, and so does the kernel after. What the machine may not do by itself is the monitor's; what would
 * lead translated code elsewhere leads nowhere.
 */
import { describe, expect, it } from "vitest";
import { EXIT } from "../../events/exit-reasons.js";
import { EXCEPTION, RFLAGS } from "../../machine/cpu/state.js";
import type { Assembler } from "../../machine/x86/assemble.js";
import { imm, mem, SIZES } from "../../machine/x86/assembler-operands.js";
import { REGISTERS } from "../../machine/x86/registers.js";
import { UnsupportedError } from "../../util/errors.js";
import { Random } from "../../util/random.js";
import { countsOf, type Engine, endingOf, native, translated } from "../testing/code-guests.js";
import { type Attack, hostileKernel, PROGRAMS_VECTOR, SEL, segment } from "../testing/hostile-kernel.js";

const { al, ax, eax, ebx, ecx, edx, edi, esi, ebp, esp, ds, es, fs, gs } = REGISTERS;
const { word, dword } = SIZES;
const BUDGET = 1e6;
const EXIT_PORT = 0xf4;
const MASKS = [0x21, 0xa1];
/** Within the 4 MiB that are mapped. */
const NEXT = 0x30_0000;
const PROGRAMS_STACK = 0x31_0000;
/** Where `once` has its frame, and more instructions than what returns by it. */
const FRAME = 0x1f_0000 - 20;
const SEQUENCE = 40;
/** As many as the kernel has room for. */
const TURNS = 18;
const ALWAYS_SET = 2;
const FLAT = { limit: 0xf_ffff, granular: true };
const CONFORMING_CODE = 0x9f;
const RING_1_CODE = 0xbb;
const RING_1_DATA = 0xb3;
/** What an image may have so that the program goes on: all but TF and the 8086's VM; and what of it the monitor is to do. */
const SETTABLE = RFLAGS.IF | RFLAGS.IOPL | RFLAGS.DF | RFLAGS.NT | RFLAGS.AC | RFLAGS.ID;
const CALLING = RFLAGS.VIF | RFLAGS.VIP;
const ARITHMETIC = RFLAGS.CF | RFLAGS.PF | RFLAGS.AF | RFLAGS.ZF | RFLAGS.SF | RFLAGS.OF;

const inCache = (guest: ReturnType<typeof hostileKernel>, engine?: Engine) =>
  translated(guest, engine, { returnsInCache: true });

const callOuts = ({ machine }: ReturnType<typeof inCache>): number => machine.counters.exits[EXIT.call_out]!;

/** The frame of a return to a program, and the return. */
function returnTo(code: Assembler, label: string, flags: number, stack: number = SEL.userData): void {
  code.emit("push", stack).emit("push", imm(PROGRAMS_STACK, 4)).emit("push", imm(flags, 4));
  code.emit("push", SEL.userCode).emit("push", imm(label, 4)).emit("iretd");
}

/** No interrupt of the timer's waits then. */
function maskInterrupts(code: Assembler): void {
  code.emit("mov", eax, imm(0xff, 4));
  for (const port of MASKS) code.emit("out", imm(port, 1), al);
}

/** Folds a register into ESI, which becomes the machine's status in the end. */
const fold = (code: Assembler, register: typeof eax): Assembler =>
  code.emit("rol", esi, imm(5, 1)).emit("xor", esi, register);

/** The program's turn: it folds what it finds, and comes back by INT to where NEXT says. */
function programTurn(code: Assembler): void {
  for (const register of [eax, ebx, ecx, edx, edi, ebp]) fold(code, register);
  // A program that runs directly sees the machine's own IF and IOPL; its handler sees the guest's.
  code
    .emit("pushfd")
    .emit("pop", edi)
    .emit("and", edi, imm(~(RFLAGS.IF | RFLAGS.IOPL), 4));
  fold(code, edi);
  for (const segment of [ds, es, fs, gs]) fold(code.emit("mov", edi, segment), edi);
  code.emit("int", imm(PROGRAMS_VECTOR, 1));
}

/** The gate of PROGRAMS_VECTOR leads to "back", which folds the program's frame. */
function comeBack(code: Assembler): void {
  maskInterrupts(code);
  code.emit("jmp", "begin").label("back");
  for (let item = 1; item < 5; item++)
    fold(code.emit("mov", eax, mem(dword, esp, { displacement: 4 * item })), eax);
  code.emit("add", esp, 20).emit("mov", eax, SEL.data).emit("mov", ds, ax);
  code.emit("jmp", mem(dword, NEXT)).label("begin").emit("mov", eax, imm("back", 4));
  // The upper half of its offset is that of the handler before.
  code.emit("mov", mem(word, "idt", { displacement: 8 * PROGRAMS_VECTOR }), ax);
}

function randomTurns(random: Random, turns: number): Attack {
  return {
    kernel: (code) => {
      comeBack(code);
      for (let turn = 0; turn < turns; turn++) {
        const [program, next] = [code.unique("program"), code.unique("next")];
        const flags = (random.int32() & (SETTABLE | ARITHMETIC)) | ALWAYS_SET;
        code.emit("mov", mem(dword, NEXT), imm(next, 4));
        // Data segments of the kernel's become null on the way; a GS that is not null is the monitor's to load.
        const pick = (selectors: readonly number[]): number =>
          selectors[(random.int32() >>> 0) % selectors.length]!;
        for (const register of [ds, es, fs])
          code.emit("mov", eax, pick([SEL.data, SEL.userData, SEL.userData])).emit("mov", register, ax);
        code.emit("mov", eax, pick([0, 1, 3, SEL.userData, SEL.data])).emit("mov", gs, ax);
        code.emit("push", imm((random.int32() & ARITHMETIC) | ALWAYS_SET, 4)).emit("popfd");
        for (const register of [eax, ebx, ecx, edx, edi, ebp])
          code.emit("mov", register, imm(random.int32(), 4));
        returnTo(code, program, pick([flags, flags | RFLAGS.IF, flags | RFLAGS.IF, flags | CALLING]));
        code.label(program);
        programTurn(code);
        code.label(next);
        for (const register of [ds, es]) code.emit("mov", eax, SEL.data).emit("mov", register, ax);
      }
      code.emit("mov", eax, esi).emit("out", imm(EXIT_PORT, 1), eax);
    },
  };
}

it.each(Array.from({ length: 12 }, (_, seed) => seed))("random returns, seed %i", (seed) => {
  const guest = hostileKernel(randomTurns(new Random(seed), TURNS));
  const truth = endingOf(native(guest), guest, BUDGET);
  expect(truth.outcome).toMatchObject({ kind: "exit" });
  const calling = translated(guest);
  endingOf(calling, guest, BUDGET);
  const mostCallOuts = callOuts(calling);
  const counts = (["interpreter", "translator"] as const).map((engine) => {
    const computer = inCache(guest, engine);
    expect(endingOf(computer, guest, BUDGET)).toEqual(truth);
    expect(computer.machine.counters.totalCycles).toBe(computer.engine.now());
    expect(callOuts(computer)).toBeLessThan(mostCallOuts);
    return countsOf(computer);
  });
  expect(counts[0]).toBe(counts[1]);
});

/** One return with IF set; the kernel's GS is null, as kernels have it that do not use it. */
const once = (flags: number, stack?: number, before?: (code: Assembler) => void): Attack => ({
  kernel: (code) => {
    maskInterrupts(code);
    code.emit("xor", eax, eax).emit("mov", gs, ax);
    before?.(code);
    returnTo(code, "there", flags | ALWAYS_SET, stack);
    code.label("there").emit("int", imm(PROGRAMS_VECTOR, 1));
  },
});

it("a return that is plain does not leave the cache", () => {
  const guest = hostileKernel(once(RFLAGS.IF));
  const [own, called] = [inCache(guest), translated(guest)].map((computer) => {
    endingOf(computer, guest, BUDGET);
    return callOuts(computer);
  });
  expect(own).toBe(called! - 1);
});

/** IF is left out where the monitor is to do it. */
const RETURNS: Readonly<Record<string, Attack>> = {
  "without IF": once(0),
  "single steps": once(RFLAGS.IF | RFLAGS.TF),
  "to virtual-8086 mode": once(RFLAGS.IF | RFLAGS.VM),
  "to a stack of the kernel's": once(RFLAGS.IF, SEL.data),
  "to no stack": once(RFLAGS.IF, 0),
  "to a stack that is absent": once(RFLAGS.IF, 0x83),
  "to the program's own stack from a task": once(RFLAGS.IF, undefined, (code) => {
    code.emit("push", imm(RFLAGS.NT | ALWAYS_SET, 4)).emit("popfd");
  }),
  "from the window": once(RFLAGS.IF, undefined, (code) => void code.emit("mov", esp, imm(-0x1000, 4))),
  "from a page that is missing": {
    kernel: (code) => void code.emit("mov", esp, imm(0x40_0000 - 8, 4)).emit("iretd"),
  },
};

describe.each(Object.entries(RETURNS))("a return %s", (_name, attack) => {
  it.each<Engine>(["interpreter", "translator"])("is what it is natively, %s", (engine) => {
    const guest = hostileKernel(attack);
    const kindOf = (computer: ReturnType<typeof native>): unknown => {
      const outcome = endingOf(computer, guest, BUDGET).outcome as { kind: string; status?: number };
      return outcome.status ?? outcome.kind;
    };
    expect(kindOf(inCache(guest, engine))).toBe(kindOf(native(guest, engine)));
  });
});

it("a frame that a device changes in the midst of it leads to no code at CPL 1", () => {
  const guest = hostileKernel({ ...once(RFLAGS.IF), descriptors: [segment(0, CONFORMING_CODE, FLAT)] });
  const ends = new Set<unknown>();
  for (const place of placesInCache(guest)) {
    const computer = inCache(guest, "interpreter");
    computer.load(guest.load);
    computer.run(place);
    // CS of the frame.
    computer.guestMemory.write(FRAME + 4, Uint8Array.of(SEL.first | 1));
    const outcome = computer.run(BUDGET) as { kind: string; status?: number };
    ends.add(outcome.status ?? outcome.kind);
  }
  // Before the IRET and after.
  expect([...ends].sort()).toEqual([EXCEPTION.GP, PROGRAMS_VECTOR]);
});

/** Counts of instructions after which the translated IRET is about to go on. */
function placesInCache(guest: ReturnType<typeof hostileKernel>): number[] {
  const computer = inCache(guest, "interpreter");
  computer.load(guest.load);
  const places: number[] = [];
  for (let count = 1; computer.run(count).kind === "limit"; count++) places.push(count);
  return places.slice(-SEQUENCE);
}

it("guests with code at CPL 1 are refused: it would have the ring of translated code", () => {
  const guest = hostileKernel({
    descriptors: [segment(0, RING_1_CODE, FLAT), segment(0, RING_1_DATA, FLAT)],
    kernel: (code) => {
      code
        .emit("push", SEL.second | 1)
        .emit("push", imm(PROGRAMS_STACK, 4))
        .emit("pushfd");
      code
        .emit("push", SEL.first | 1)
        .emit("push", imm("there", 4))
        .emit("iretd")
        .label("there");
    },
  });
  expect(endingOf(native(guest), guest, BUDGET).outcome).toMatchObject({ kind: "exit" });
  for (const make of [inCache, translated])
    expect(() => endingOf(make(guest), guest, BUDGET)).toThrow(UnsupportedError);
});
