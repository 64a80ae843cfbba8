/**
 * What the fragments of a timeless guest are made of: instructions at random, and small sequences of what monitors have to do
 * with: page tables, control registers, interrupts, ports, segments, system calls, code that changes itself.
 */
import type { Assembler } from "../../machine/x86/assemble.js";
import { imm, mem, plus, SIZES } from "../../machine/x86/assembler-operands.js";
import { decode } from "../../machine/x86/decode.js";
import { type Instruction, type Operand, SEGMENT } from "../../machine/x86/instruction.js";
import { REGISTERS } from "../../machine/x86/registers.js";
import type { Random } from "../../util/random.js";
import { pick, randomInstruction } from "./random-code.js";
import {
  APIC_COMMAND,
  CR0_WP,
  DATA_PAGES,
  ENTRY,
  type EntryBytes,
  freeRegisters,
  PAGE,
  PLACES,
  SELECTORS,
  STACK_POINTER,
  TO_ITSELF,
  VECTORS,
  type Width,
} from "./timeless-places.js";

/** What a fragment is written for. */
export interface FragmentSetting {
  readonly random: Random;
  readonly width: Width;
  readonly isUser: boolean;
  /** Instructions that show a kernel that it is not at CPL 0, without a trap. */
  readonly showsPrivilege: boolean;
  readonly entryBytes: EntryBytes;
  /** Of the lowest page table. */
  readonly pageTable: number;
}

type Part = (code: Assembler, setting: FragmentSetting) => void;

const { eax, edx, rax, al, ax, ds, es, fs, gs, cs, cr0, cr3, cr4 } = REGISTERS;
const { byte, dword, word, fword, tbyte } = SIZES;
const CR0_TS = 8;
const CR4_PGE = 0x80;
/** What tells time, or differs from processor to processor, though it needs no privilege. */
const TELLING: ReadonlySet<string> = new Set(["RDRAND", "RDSEED", "RDPID", "XGETBV"]);
const STRINGS = /^(MOVS|STOS|LODS|SCAS|CMPS)/;
/** 8259's mask, PCI's address, the 16550's scratch register, POST codes: what is written there has no consequence. */
const PORTS = [0x21, 0xcf8, 0x3ff, 0x80];
/** Sound, null, of the other privilege, code, in no local table, beyond the table. */
const SOME_SELECTORS = [
  SELECTORS.data,
  SELECTORS.userData,
  0,
  SELECTORS.userData & ~3,
  SELECTORS.userCode,
  0x0c,
  0x1f8,
];

const accumulator = (width: Width) => (width === 64 ? rax : eax);

/** One that is the same at every privilege, goes on behind itself, and tells no time. */
const plain: Part = (code, { random, width, isUser }) => {
  for (;;) {
    const bytes = Uint8Array.from(randomInstruction(random, width, true));
    const instruction = decode(bytes, 0, width);
    if (typeof instruction === "string") continue;
    const { row, operands } = instruction;
    const isPlain = row.sensitivity === "innocuous" && row.privilege === 3 && !row.ends && row.event === "";
    // Repeated strings go far beyond what is theirs.
    if (!isPlain || TELLING.has(row.mnemonic) || STRINGS.test(row.mnemonic)) continue;
    // Code segments have no end before the monitor's addresses, in which what is read is no guest's business.
    if (operands.some((operand) => operand.kind === "memory" && operand.segment === SEGMENT.CS)) continue;
    // A kernel without a stack ends at its next exception.
    if (!isUser && movesStack(instruction)) continue;
    code.bytes(bytes);
    return;
  }
};

function movesStack({ row, operands }: Instruction): boolean {
  const isStack = (operand: Operand): boolean =>
    operand.kind === "register" && operand.file === "general" && operand.number === STACK_POINTER;
  return row.mnemonic === "LEAVE" || row.mnemonic === "ENTER" || operands.some(isStack);
}

/** Rights, presence or the frame of a page of the guest's data change, and the page is invalidated one way or another. */
const pageTable: Part = (code, { random, width, entryBytes, pageTable: at }) => {
  const pages = [...Array(DATA_PAGES).keys()].map((index) => PLACES.data + index * PAGE);
  const page = pick(random, [...pages, PLACES.readOnly, PLACES.demand]);
  const frame = random.below(3) === 0 ? pick(random, pages) : page;
  const flags = pick(random, [
    0,
    ENTRY.present,
    ENTRY.present | ENTRY.user,
    7,
    7,
    ENTRY.present | ENTRY.writable,
  ]);
  const register = accumulator(width);
  code.emit("mov", register, cr0).emit("and", eax, ~CR0_WP).emit("mov", cr0, register);
  code.emit("mov", mem(dword, at + (page / PAGE) * entryBytes), imm(frame | flags, 4));
  code.emit("or", eax, CR0_WP).emit("mov", cr0, register);
  if (random.below(2) === 0) code.emit("invlpg", mem(byte, page));
  else code.emit("mov", register, cr3).emit("mov", cr3, register);
};

const controlRegisters: Part = (code, { random, width }) => {
  const register = accumulator(width);
  switch (random.below(4)) {
    case 0:
      code.emit("clts");
      return;
    case 1:
      code.emit("mov", register, cr0).emit("xor", eax, CR0_TS).emit("mov", cr0, register);
      return;
    case 2:
      code.emit("mov", register, cr4).emit("xor", eax, CR4_PGE).emit("mov", cr4, register);
      return;
    default:
      code.emit("mov", register, cr3).emit("mov", cr3, register);
  }
};

/** What waits comes where a block begins, behind the STI and what it shadows. */
export function setInterruptFlag(code: Assembler): void {
  const [shadowed, taken] = [code.unique("shadowed"), code.unique("taken")];
  code.emit("sti").emit("jmp", shadowed).label(shadowed).emit("jmp", taken).label(taken);
}

const interruptFlag: Part = (code, { random }) => {
  if (random.below(2) === 0) code.emit("cli");
  else setInterruptFlag(code);
};

const apic: Part = (code) => {
  code.emit("cli").emit("mov", mem(dword, PLACES.apic + APIC_COMMAND), imm(TO_ITSELF, 4));
  setInterruptFlag(code);
  code.emit("cli");
};

const segments: Part = (code, { random }) => {
  code.emit("mov", eax, pick(random, SOME_SELECTORS)).emit("mov", pick(random, [ds, es, fs, gs]), ax);
};

const traps: Part = (code, { random, width }) => {
  const parts: (() => void)[] = [
    () => code.emit("int", imm(VECTORS.call, 1)),
    () => code.emit("int", imm(VECTORS.call, 1)),
    () => code.emit("int3"),
    () => code.emit("ud2"),
    () => code.emit("xor", edx, edx).emit("div", edx),
    () => code.emit(width === 64 ? "syscall" : "into"),
  ];
  pick(random, parts)();
};

const ports: Part = (code, { random }) => {
  const port = pick(random, PORTS);
  code.emit("mov", edx, port);
  if (random.below(2) === 0) code.emit("in", al, REGISTERS.dx);
  else code.emit("out", REGISTERS.dx, al);
};

/** An instruction further on is another each time. */
const selfModifying: Part = (code, { random }) => {
  const [changed, on] = [code.unique("changed"), code.unique("on")];
  code.emit("add", mem(dword, plus(changed, 1)), imm(random.below(0x100) + 1, 4)).emit("jmp", on);
  code
    .label(on)
    .label(changed)
    .bytes(Uint8Array.of(0xb8, 0, 0, 0, 0));
};

const calls: Part = (code, { random }) => {
  const [called, on] = [code.unique("called"), code.unique("on")];
  code.emit("call", called).emit("jmp", on).label(called);
  if (random.below(2) === 0) code.emit("add", eax, random.int32());
  code.emit("ret").label(on);
};

/** What Robin & Irvine found sensitive and not privileged, as far as it shows privilege or the monitor's tables. */
const sensitive: Part = (code, { random, width }) => {
  const register = accumulator(width);
  const flags = width === 64 ? "q" : "d";
  const table = width === 64 ? tbyte : fword;
  const parts: (() => void)[] = [
    () => code.emit(`pushf${flags}`).emit("pop", register),
    () => code.emit(`pushf${flags}`).emit(`popf${flags}`),
    () => code.emit("sgdt", mem(table, PLACES.data + 0x10)),
    () => code.emit("sidt", mem(table, PLACES.data + 0x20)),
    () => code.emit("str", mem(word, PLACES.data + 0x30)),
    () => code.emit("sldt", mem(word, PLACES.data + 0x32)),
    () => code.emit("smsw", mem(word, PLACES.data + 0x34)),
    () => code.emit("mov", eax, cs),
    () => code.emit("mov", eax, SELECTORS.code).emit("lar", eax, eax),
  ];
  pick(random, parts)();
};

/** Each as often as it stands here. */
const PARTS: readonly Part[] = [
  ...[plain, plain, plain, plain, plain, plain, calls, pageTable, controlRegisters, interruptFlag],
  ...[apic, segments, traps, traps, ports, selfModifying],
];
const MOST_PARTS = 12;

/** Writes the body of a fragment; what it does at the end is the kernel's to say. */
export function writeFragment(code: Assembler, setting: FragmentSetting): void {
  const { random, showsPrivilege, isUser } = setting;
  // To programs they show the machine's tables under every monitor that runs these directly.
  const parts = showsPrivilege && !isUser ? [...PARTS, sensitive, sensitive] : PARTS;
  for (let left = 1 + random.below(MOST_PARTS); left > 0; left--) pick(random, parts)(code, setting);
}

/** Addresses that registers hold when a fragment begins. */
const POINTERS = [
  PLACES.data,
  PLACES.data + 0x800,
  PLACES.data + PAGE - 2,
  PLACES.data + DATA_PAGES * PAGE - 4,
  PLACES.readOnly + 0x40,
  PLACES.demand + 0x80,
  PLACES.stack + 0x100,
  PLACES.kernel,
  0x1f_0000,
  0,
  5,
] as const;

/** Sets general registers, the stack pointer not. */
export function setRegisters(code: Assembler, { random, width }: FragmentSetting): void {
  for (const register of freeRegisters(width)) {
    if (width === 64) code.emit("mov", register, imm(BigInt(pick(random, POINTERS)), 8));
    else code.emit("mov", register, pick(random, POINTERS));
  }
}
