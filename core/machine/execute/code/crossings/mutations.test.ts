/**
 * A kernel that changes its descriptor tables, gates and stacks between crossings, in a random order: is what is
 * remembered given up whenever it no longer holds? Everything that is pushed goes into a log, which must be the same as when
 * TypeScript does every crossing, and so must be all that is counted.
 */
import { expect, test } from "vitest";
import { findProfile } from "../../../../events/profiles/index.js";
import { bootGdt, protectedModeState } from "../../../../guest/images/boot-state.js";
import { Random } from "../../../../util/random.js";
import { Computer } from "../../../computer.js";
import { Assembler, type Program } from "../../../x86/assemble.js";
import { mem, SIZES } from "../../../x86/assembler-operands.js";
import { REGISTERS } from "../../../x86/registers.js";

const { eax, ebx, ecx, edx, esi, ebp, esp, ax, al, ds, es, fs, ss } = REGISTERS;
const { dword, byte, fword } = SIZES;

const AT = {
  bootGdt: 0x500,
  gdt: 0x1000,
  otherGdt: 0x1800,
  idt: 0x2000,
  tss: 0x4000,
  code: 0x1_0000,
  log: 0x10_0000,
} as const;
const STACK0 = 0x2_0000;
const STACK3 = 0x3_0000;
const SEL = { code0: 0x08, data0: 0x10, code3: 0x1b, data3: 0x23, tss: 0x28, other3: 0x33 } as const;
const EXIT_PORT = 0xf4;
/** Of the log. */
const FRAME_WORDS = 8;

/** Descriptors: base 0, 4 GiB; access byte. */
const flat = (access: number): readonly [number, number] => [0xffff, 0xcf_0000 | (access << 8)];
const GDT: readonly (readonly [number, number])[] = [
  [0, 0],
  flat(0x9a),
  flat(0x92),
  flat(0xfa),
  flat(0xf2),
  [(AT.tss << 16) | 0x67, 0x8900],
  flat(0xf2),
];

/** The same with another base for the segment that the program loads. */
const OTHER_GDT = [...GDT.slice(0, -1), [0x0002_ffff, 0xcf_f200] as const];

/** What the handler of INT 80H may do to the system; each leaves it in working order. */
const MUTATIONS: readonly ((a: Assembler) => void)[] = [
  () => {},
  // INT 81H through a trap gate, or an interrupt gate again.
  (a) => a.emit("xor", mem(byte, AT.idt + 8 * 0x81 + 5), 1),
  // Another stack for ring 0, misaligned, or with a frame across two pages.
  (a) => a.emit("mov", mem(dword, AT.tss + 4), STACK0 - 0x800),
  (a) => a.emit("mov", mem(dword, AT.tss + 4), STACK0 - 2),
  (a) => a.emit("mov", mem(dword, AT.tss + 4), STACK0 - 0xff4),
  (a) => a.emit("mov", mem(dword, AT.tss + 4), STACK0),
  // Accessed bits.
  (a) => a.emit("and", mem(byte, AT.gdt + 0x18 + 5), 0xfe),
  (a) => a.emit("and", mem(byte, AT.gdt + 0x20 + 5), 0xfe),
  (a) => a.emit("and", mem(byte, AT.gdt + 0x08 + 5), 0xfe),
  // The segment that the program loads: another base, another limit.
  (a) => a.emit("xor", mem(byte, AT.gdt + 0x30 + 4), 1),
  (a) => a.emit("xor", mem(byte, AT.gdt + 0x30 + 6), 0x80),
  // Gates that fault, until the fault's handler mends them.
  (a) => a.emit("and", mem(byte, AT.idt + 8 * 0x81 + 5), 0x7f),
  (a) => a.emit("and", mem(byte, AT.idt + 8 * 0x81 + 5), 0x9f),
  // The tables' registers.
  (a) => a.emit("lgdt", mem(fword, "gdtr")),
  (a) => a.emit("lgdt", mem(fword, "otherGdtr")),
  (a) => a.emit("lidt", mem(fword, "idtr")),
  (a) => {
    for (const table of [AT.gdt, AT.otherGdt]) a.emit("and", mem(byte, table + SEL.tss + 5), 0xfd);
    a.emit("mov", ax, SEL.tss);
    a.emit("ltr", ax);
  },
  // Flags that the image then has: IOPL, and AC for one round.
  (a) => a.emit("xor", mem(dword, ebp, { displacement: 8 }), 0x3000),
  (a) => a.emit("xor", mem(dword, ebp, { displacement: 8 }), 0x4_0000),
];

/** Writes what is at EBP (return address upwards), EBX of the program and a mark to the log at [log]. */
function logFrame(a: Assembler, mark: number): void {
  a.emit("mov", edx, mem(dword, "log"));
  a.emit("mov", mem(dword, edx), mark);
  for (let item = 0; item < 5; item++) {
    a.emit("mov", eax, mem(dword, ebp, { displacement: 4 * item }));
    a.emit("mov", mem(dword, edx, { displacement: 4 + 4 * item }), eax);
  }
  a.emit("mov", mem(dword, edx, { displacement: 24 }), ebp);
  a.emit("mov", mem(dword, edx, { displacement: 28 }), ebx);
  a.emit("add", mem(dword, "log"), FRAME_WORDS * 4);
}

function handler(a: Assembler, name: string, body: () => void, hasErrorCode = false): void {
  a.label(name);
  a.emit("pushad");
  a.emit("push", ds);
  a.emit("push", es);
  a.emit("mov", eax, SEL.data0);
  a.emit("mov", ds, ax);
  a.emit("mov", es, ax);
  a.emit("lea", ebp, mem(esp, { displacement: 40 + (hasErrorCode ? 4 : 0) }));
  body();
  a.emit("pop", es);
  a.emit("pop", ds);
  a.emit("popad");
  if (hasErrorCode) a.emit("add", esp, 4);
  a.emit("iretd");
}

function makeProgram(order: readonly number[]): Program {
  const a = new Assembler({ bits: 32, origin: AT.code });
  a.emit("lgdt", mem(fword, "gdtr"));
  a.emit("lidt", mem(fword, "idtr"));
  a.emit("mov", ax, SEL.data0);
  for (const segment of [ds, es, ss]) a.emit("mov", segment, ax);
  a.emit("mov", esp, STACK0);
  a.emit("mov", ax, SEL.tss);
  a.emit("ltr", ax);
  for (const value of [SEL.data3, STACK3, 2, SEL.code3]) a.emit("push", value);
  a.emit("push", "user");
  a.emit("iretd");
  a.label("user");
  a.emit("mov", eax, SEL.data3);
  a.emit("mov", ds, ax);
  a.emit("mov", es, ax);
  a.emit("mov", ecx, order.length);
  a.label("again");
  a.emit("int", 0x80);
  a.emit("mov", eax, SEL.other3);
  a.emit("mov", fs, ax);
  a.emit("mov", ebx, mem(dword, AT.code, { segment: fs }));
  a.emit("int", 0x81);
  a.emit("dec", ecx);
  a.emit("jne", "again");
  a.emit("int", 0x82);
  handler(a, "int80", () => {
    logFrame(a, 0x80);
    a.emit("mov", esi, mem(dword, "next"));
    a.emit("inc", mem(dword, "next"));
    a.emit("movzx", eax, mem(byte, esi, { displacement: "order" }));
    for (const [number, mutate] of MUTATIONS.entries()) {
      a.emit("cmp", eax, number);
      a.emit("jne", `not${number}`);
      mutate(a);
      a.emit("jmp", "mutated");
      a.label(`not${number}`);
    }
    a.label("mutated");
  });
  handler(a, "int81", () => logFrame(a, 0x81));
  a.label("int82");
  a.emit("mov", al, 0);
  a.emit("out", EXIT_PORT, al);
  a.emit("hlt");
  // #NP and #GP mend the gate of INT 81H; the instruction is tried again.
  for (const name of ["notPresent", "protection"]) {
    handler(
      a,
      name,
      () => {
        logFrame(a, name.length);
        a.emit("or", mem(byte, AT.idt + 8 * 0x81 + 5), 0xe0);
      },
      true,
    );
  }
  a.align(4);
  a.label("log");
  a.dd(AT.log);
  a.label("next");
  a.dd(0);
  a.label("gdtr");
  a.dw(GDT.length * 8 - 1);
  a.dd(AT.gdt);
  a.label("otherGdtr");
  a.dw(GDT.length * 8 - 1);
  a.dd(AT.otherGdt);
  a.label("idtr");
  a.dw(0x83 * 8 - 1);
  a.dd(AT.idt);
  a.label("order");
  a.db(...order);
  return a.assemble();
}

function words(values: readonly number[]): Uint8Array {
  return new Uint8Array(Int32Array.from(values, (value) => value | 0).buffer);
}

function run(order: readonly number[], crossings: boolean, engine: "interpreter" | "translator"): unknown {
  const program = makeProgram(order);
  const gates = new Array<number>(0x83 * 2).fill(0);
  const gate = (vector: number, label: string, dpl: number): void => {
    const offset = Number(program.labels.get(label)!);
    gates[2 * vector] = (SEL.code0 << 16) | (offset & 0xffff);
    gates[2 * vector + 1] = (offset & 0xffff_0000) | 0x8e00 | (dpl << 13);
  };
  for (const [vector, label, dpl] of [
    [11, "notPresent", 0],
    [13, "protection", 0],
    [0x80, "int80", 3],
    [0x81, "int81", 3],
    [0x82, "int82", 3],
  ] as const)
    gate(vector, label, dpl);
  const computer = new Computer({
    profile: findProfile("haswell-2013")!,
    memoryBytes: 4 * 2 ** 20,
    caches: "walker",
    walkCaches: true,
    tlb: true,
    seed: 1,
    engine,
    crossings,
  });
  const tss = new Array<number>(26).fill(0);
  tss[1] = STACK0;
  tss[2] = SEL.data0;
  computer.load({
    writes: [
      { physical: AT.bootGdt, bytes: bootGdt("protected") },
      { physical: AT.gdt, bytes: words(GDT.flat()) },
      { physical: AT.otherGdt, bytes: words(OTHER_GDT.flat()) },
      { physical: AT.idt, bytes: words(gates) },
      { physical: AT.tss, bytes: words(tss) },
      { physical: AT.code, bytes: program.bytes },
    ],
    zero: [],
    start: protectedModeState(AT.code, AT.bootGdt, {}),
  });
  const outcome = computer.run(10_000_000);
  const { machine } = computer;
  const logged = (machine.ram[Number(program.labels.get("log")!) >> 2]! - AT.log) >> 2;
  return {
    outcome,
    instructions: computer.engine.instructions,
    now: computer.engine.now(),
    events: [...machine.counters.events],
    cycles: [...machine.counters.cycles],
    log: [...machine.ram.subarray(AT.log >> 2, (AT.log >> 2) + logged)],
  };
}

test.each([1, 2, 3, 4])("seed %i", (seed) => {
  const random = new Random(seed);
  const order = Array.from({ length: 400 }, () => random.below(MUTATIONS.length));
  const reference = run(order, false, "interpreter") as { outcome: unknown; log: number[] };
  expect(reference.outcome).toEqual({ kind: "exit", status: 0 });
  // Two frames a round and one for each fault.
  expect(reference.log.length).toBeGreaterThan(2 * FRAME_WORDS * order.length);
  for (const engine of ["interpreter", "translator"] as const)
    expect(run(order, true, engine)).toEqual(reference);
});
