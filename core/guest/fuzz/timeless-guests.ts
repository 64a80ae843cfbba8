/**
 * Guests made from a seed that end by themselves, and end the same whatever time things take: under every monitor as on the bare
 * machine. Each is a kernel of 32 or 64 bits around fragments (timeless-fragments.ts):
 *
 *     next: the next turn or the next fragment ─→ enter: registers, IRET to ring 3 or a jump ─→ fragment ─→ done, or a fault
 *       ↑                                                                                              │
 *       └── handler: registers, vector, error code, CR2, place, flags into a hash ←────────────────────┘
 *
 * At the end the kernel prints the hash and a checksum of its memory, page tables with their A and D bits among it.
 */
import type { Load } from "../../machine/computer.js";
import { Assembler } from "../../machine/x86/assemble.js";
import { far, imm, mem, SIZES } from "../../machine/x86/assembler-operands.js";
import type { RegisterOperand } from "../../machine/x86/instruction.js";
import { REGISTERS } from "../../machine/x86/registers.js";
import { Random } from "../../util/random.js";
import { bootGdt, longModeState, protectedModeState } from "../images/boot-state.js";
import { ByteWriter } from "../images/byte-writer.js";
import { pick } from "./random-code.js";
import { type FragmentSetting, setInterruptFlag, setRegisters, writeFragment } from "./timeless-fragments.js";
import {
  CR0_WP,
  END_OF_CODE,
  ENTRY,
  type EntryBytes,
  freeRegisters,
  PAGE,
  PLACES,
  SELECTORS,
  VARIABLES,
  VECTORS,
  type Width,
} from "./timeless-places.js";

const { eax, ecx, edx, esp, rsp, rax, rcx, r11, al, dx, ax, cr0, cr2, cr3, cr4 } = REGISTERS;
const { dword, qword, fword, tbyte } = SIZES;
const FRAGMENTS = 12;
/** Turns of a fragment: some stay cold, some become hot and are translated. */
const TURNS = [1, 1, 3, 40, 120];
const FIRST_EXTERNAL = 32;
/**
 * Interrupt gate, and trap gates: these leave IF, so that an IRET to a program never changes it, which a monitor that has no
 * more than traps cannot see.
 */
const GATE = { interrupt: 0x8e00, trap: 0x8f00, user: 0xef00 } as const;
/** Vectors whose frames have an error code (SDM vol. 3, table 6-1). */
const WITH_ERROR_CODE: ReadonlySet<number> = new Set([8, 10, 11, 12, 13, 14, 17]);
const PAGE_FAULT = 14;
/** Of RFLAGS in a frame: what a fragment has made, without RF. */
const FLAGS = 0x0ed5;
const IF = 0x200;
const FIXED_FLAG = 2;
const CR0_PG_AND_WP = 0x8001_0000;
const CR4 = { pae: 0x20, osfxsr: 0x200, osxmmexcpt: 0x400 } as const;
const MSR = { efer: 0xc000_0080, star: 0xc000_0081, lstar: 0xc000_0082, mask: 0xc000_0084 } as const;
const EFER_SCE = 1;
/** The local APIC's registers: end of interrupt; spurious vector, with the bit that enables the APIC. */
const APIC = { end: 0xb0, spurious: 0xf0, enabled: 0x1ff } as const;
const APIC_PHYSICAL = 0xfee0_0000;
const SERIAL = 0x3f8;
const EXIT_PORT = 0xf4;
const MASKS = [0x21, 0xa1];
const HEX_DIGITS = 8;
/** Attributes of descriptors: P, S, type, accessed; G, and D or L. */
const CODE = { 32: 0xcf_9b00, 64: 0xaf_9b00 } as const;
const DATA = 0xcf_9300;
const RING_3 = 0x6000;
/** Lower halves of limits, in pages: 4 GiB; and all but the last 4 MiB, which a monitor of 32-bit guests has for itself. */
const FLAT = 0xffff;
const UP_TO_MONITOR = 0xfbff;
const TASK = 0x8900;
const TSS = PLACES.tables + 0x100;
const TASK_LIMIT = 0x67;
const STACK_MARGIN = 0x10;
/** Where all of it is once more, to be read: the checksum is of frames, however their pages are mapped. */
const ALIAS = 0x10_0000;
/** INT3 and INTO, which programs may execute. */
const USER_TRAPS: ReadonlySet<number> = new Set([3, 4]);
const OPEN = ENTRY.present | ENTRY.writable | ENTRY.user;

/** RAM that they expect. */
export const TIMELESS_BYTES = 4 * 2 ** 20;

export interface TimelessGuest {
  readonly description: string;
  readonly load: Load;
  /** A monitor that cannot hide from its guest that it has taken its privilege changes what this one does. */
  readonly showsPrivilege: boolean;
}

/** The same seed always gives the same guest. */
export function timelessGuest(seed: number): TimelessGuest {
  const random = new Random(seed);
  const paging = pick(random, ["2-level", "pae", "4-level", "4-level"] as const);
  const width: Width = paging === "4-level" ? 64 : 32;
  const showsPrivilege = random.below(3) === 0;
  const { load } = new Writer(random, width, paging === "2-level" ? 4 : 8, showsPrivilege);
  return {
    description: `${paging}${showsPrivilege ? ", sensitive instructions" : ""}`,
    load,
    showsPrivilege,
  };
}

class Writer {
  readonly load: Load;
  private readonly code: Assembler;
  private readonly size: 4 | 8;
  private readonly accumulator;
  private readonly stack;
  /** Of tables above the lowest. */
  private readonly upperTables: number;
  private readonly settings: readonly FragmentSetting[];

  constructor(
    private readonly random: Random,
    private readonly width: Width,
    private readonly entryBytes: EntryBytes,
    showsPrivilege: boolean,
  ) {
    this.size = width === 64 ? 8 : 4;
    this.accumulator = width === 64 ? rax : eax;
    this.stack = width === 64 ? rsp : esp;
    this.upperTables = width === 64 ? 3 : entryBytes === 8 ? 2 : 1;
    this.settings = Array.from({ length: FRAGMENTS }, () => ({
      ...{ random, width, entryBytes, showsPrivilege, pageTable: this.pageTable },
      isUser: random.below(2) === 0,
    }));
    this.code = new Assembler({ bits: width, origin: PLACES.kernel });
    this.writeKernel();
    const kernel = this.code.assemble();
    const { labels, bytes } = kernel;
    const start = Number(labels.get("start")!);
    const state =
      width === 64
        ? longModeState(start, PLACES.tables, PLACES.pages, {})
        : protectedModeState(start, PLACES.tables, {});
    this.load = {
      writes: [
        { physical: PLACES.tables, bytes: bootGdt(width === 64 ? "long" : "protected") },
        { physical: TSS, bytes: this.taskState() },
        { physical: PLACES.idt, bytes: this.gates((name) => Number(labels.get(name)!)) },
        { physical: PLACES.kernel, bytes },
        { physical: PLACES.pages, bytes: this.pageTables() },
      ],
      zero: [],
      start: state,
    };
  }

  private get word() {
    return this.size === 8 ? qword : dword;
  }
  /** A variable of the kernel's; in protected mode through the one segment that a fragment cannot change. */
  private at(address: number, size = this.word) {
    return mem(size, address, this.width === 64 ? {} : { segment: REGISTERS.ss });
  }

  /** Of the lowest table. */
  private get pageTable(): number {
    return PLACES.pages + this.upperTables * PAGE;
  }

  private writeKernel(): void {
    const { code } = this;
    code.label("start");
    this.initialize();
    this.next();
    this.handlers();
    this.finish();
    this.enters();
    code.label("table");
    for (let index = 0; index < FRAGMENTS; index++) {
      if (this.size === 8) code.dq(`enter${index}`);
      else code.dd(`enter${index}`);
    }
    code.align(16).label("descriptors").bytes(this.descriptors());
    code.label("gdtr").dw(SELECTORS.task + 15);
    this.pointer("descriptors");
    code.label("idtr").dw(0x1000 - 1);
    this.pointer(PLACES.idt);
    code.org(PLACES.code);
    this.fragments();
    code.org(END_OF_CODE);
  }

  private pointer(value: number | string): void {
    if (this.size === 8) this.code.dq(value);
    else this.code.dd(value);
  }

  private initialize(): void {
    const { code, accumulator, width, size } = this;
    code.emit("mov", this.stack, imm(PLACES.stack + PAGE - STACK_MARGIN, 4));
    code
      .emit("lgdt", mem(size === 8 ? tbyte : fword, "gdtr"))
      .emit("lidt", mem(size === 8 ? tbyte : fword, "idtr"));
    code.emit("mov", accumulator, cr4);
    const pae = this.entryBytes === 8 ? CR4.pae : 0;
    code.emit("or", eax, pae | CR4.osfxsr | CR4.osxmmexcpt).emit("mov", cr4, accumulator);
    if (width === 64) {
      code.emit("push", SELECTORS.code).emit("push", imm("far", 4)).emit("retfq").label("far");
      this.writeMsr(MSR.star, 0, ((SELECTORS.userData - 8) << 16) | SELECTORS.code);
      code
        .emit("mov", ecx, imm(MSR.efer | 0, 4))
        .emit("rdmsr")
        .emit("or", eax, EFER_SCE)
        .emit("wrmsr");
      this.writeMsr(MSR.lstar, "system-call", 0);
      this.writeMsr(MSR.mask, IF, 0);
    } else {
      code.emit("mov", eax, PLACES.pages).emit("mov", cr3, eax);
      code
        .emit("mov", eax, cr0)
        .emit("or", eax, imm(CR0_PG_AND_WP | 0, 4))
        .emit("mov", cr0, eax);
      code.emit("jmp far", far(SELECTORS.code, "far")).label("far");
    }
    this.dataSegments(SELECTORS.data);
    code.emit("mov", eax, SELECTORS.data).emit("mov", REGISTERS.ss, ax);
    // The task is marked busy, where a kernel may write.
    code.emit("mov", accumulator, cr0).emit("and", eax, ~CR0_WP).emit("mov", cr0, accumulator);
    code.emit("mov", eax, SELECTORS.task).emit("ltr", ax);
    code.emit("mov", accumulator, cr0).emit("or", eax, CR0_WP).emit("mov", cr0, accumulator);
    for (const port of MASKS) code.emit("mov", al, 0xff).emit("out", imm(port, 1), al);
    code.emit("mov", mem(dword, PLACES.apic + APIC.spurious), imm(APIC.enabled, 4)).emit("fninit");
    code.emit("mov", mem(dword, VARIABLES.turns), 1).emit("mov", mem(dword, VARIABLES.fragment), imm(-1, 4));
    code.emit("jmp", "next");
  }

  private writeMsr(msr: number, low: number | string, high: number): void {
    const { code } = this;
    code
      .emit("mov", ecx, imm(msr | 0, 4))
      .emit("mov", eax, imm(low, 4))
      .emit("mov", edx, imm(high, 4))
      .emit("wrmsr");
  }

  private dataSegments(selector: number): void {
    const { code } = this;
    code.emit("mov", eax, selector);
    for (const segment of [REGISTERS.ds, REGISTERS.es, REGISTERS.fs, REGISTERS.gs])
      code.emit("mov", segment, ax);
  }

  private next(): void {
    const { code, stack } = this;
    code.label("next").emit("cld").emit("mov", eax, SELECTORS.data).emit("mov", REGISTERS.ss, ax);
    code.emit("mov", stack, imm(PLACES.stack + PAGE - STACK_MARGIN, 4));
    this.dataSegments(SELECTORS.data);
    code.emit("clts").emit("fninit").emit("dec", mem(dword, VARIABLES.turns)).emit("jnz", "again");
    code.emit("inc", mem(dword, VARIABLES.fragment)).emit("mov", eax, mem(dword, VARIABLES.fragment));
    code.emit("cmp", eax, FRAGMENTS).emit("je", "finish");
    code
      .emit("mov", eax, mem(dword, "turns", { index: eax, scale: 4 }))
      .emit("mov", mem(dword, VARIABLES.turns), eax);
    code.label("again").emit("mov", eax, mem(dword, VARIABLES.fragment));
    code.emit("jmp", mem(this.word, "table", { index: this.accumulator, scale: this.size }));
    code.align(16).label("turns");
    for (let index = 0; index < FRAGMENTS; index++) code.dd(pick(this.random, TURNS));
  }

  /** Mixes a register into the hash. */
  private mix(register: RegisterOperand): void {
    const { code } = this;
    code.emit("xor", this.at(VARIABLES.hash), register).emit("rol", this.at(VARIABLES.hash), 7);
    code.emit("add", this.at(VARIABLES.hash), imm(0x1357_9bdf, 4));
  }

  private mixAll(): void {
    for (const register of freeRegisters(this.width)) this.mix(register);
  }

  /** Frames are made alike by stubs: vector, error code, and what the processor pushed. */
  private handlers(): void {
    const { code, stack, size, accumulator } = this;
    for (let vector = 0; vector < FIRST_EXTERNAL; vector++) {
      code.label(`vector${vector}`);
      if (!WITH_ERROR_CODE.has(vector)) code.emit("push", 0);
      code.emit("push", vector).emit("jmp", "common");
    }
    const saved = this.at(VARIABLES.saved);
    const item = (index: number) => mem(this.word, stack, { displacement: index * size });
    const [error, place, segment, flags] = [1, 2, 3, 4];
    code
      .label("common")
      .emit("mov", saved, accumulator)
      .emit("cmp", mem(dword, stack), PAGE_FAULT)
      .emit("jne", "note");
    // The page on demand is mapped, and what touched it goes on.
    code.emit("mov", accumulator, cr2).emit("and", eax, -PAGE).emit("cmp", accumulator, PLACES.demand);
    code.emit("jne", "note").emit("test", item(error), 1).emit("jnz", "note");
    const entry = this.pageTable + (PLACES.demand / PAGE) * this.entryBytes;
    code.emit("mov", accumulator, cr0).emit("and", eax, ~CR0_WP).emit("mov", cr0, accumulator);
    code.emit("mov", this.at(entry, dword), imm(PLACES.demand | OPEN, 4));
    code.emit("or", eax, CR0_WP).emit("mov", cr0, accumulator);
    code.emit("inc", this.at(VARIABLES.interrupts, dword)).emit("mov", accumulator, saved);
    code.emit("lea", stack, item(place)).emit(size === 8 ? "iretq" : "iretd");
    code.label("note").emit("mov", accumulator, saved);
    this.mixAll();
    for (const index of [0, error, place]) {
      code.emit("mov", accumulator, item(index));
      this.mix(accumulator);
    }
    code.emit("mov", accumulator, item(segment)).emit("and", eax, 3);
    this.mix(accumulator);
    code.emit("mov", accumulator, item(flags)).emit("and", eax, FLAGS);
    this.mix(accumulator);
    code.emit("mov", accumulator, cr2);
    this.mix(accumulator);
    code.emit("jmp", "next");
    this.calls();
  }

  private calls(): void {
    const { code, accumulator, size, width } = this;
    const back = size === 8 ? "iretq" : "iretd";
    const count = this.at(VARIABLES.interrupts, dword);
    code.label("call").emit("inc", count).emit(back);
    code.label("done");
    this.mixAll();
    code.emit("jmp", "next");
    code.label("apic").emit("inc", count);
    code.emit("mov", this.at(PLACES.apic + APIC.end, dword), imm(0, 4)).emit(back);
    if (width !== 64) return;
    // No stack of the kernel's: only registers are touched, and the hash.
    code.label("system-call").emit("mov", this.at(VARIABLES.saved), accumulator);
    this.mix(rcx);
    code.emit("mov", accumulator, r11).emit("and", eax, FLAGS);
    this.mix(accumulator);
    code.emit("mov", accumulator, this.at(VARIABLES.saved)).emit("o64 sysret");
  }

  private enters(): void {
    const { code, width, stack } = this;
    for (let index = 0; index < FRAGMENTS; index++) {
      const setting = this.settings[index]!;
      code.label(`enter${index}`);
      if (setting.isUser) {
        setInterruptFlag(code);
        if (width === 32) this.dataSegments(SELECTORS.userData);
        code.emit("push", SELECTORS.userData).emit("push", imm(PLACES.userStack + PAGE - 0x20, 4));
        code.emit("push", imm(FIXED_FLAG | IF, 4)).emit("push", SELECTORS.userCode);
        code.emit("push", imm(`fragment${index}`, 4));
      } else code.emit("lea", stack, mem(stack, { displacement: -0x40 }));
      setRegisters(code, setting);
      if (setting.isUser) code.emit(width === 64 ? "iretq" : "iretd");
      else code.emit("jmp", `fragment${index}`);
    }
  }

  private fragments(): void {
    const { code } = this;
    this.settings.forEach((setting, index) => {
      code.label(`fragment${index}`);
      writeFragment(code, setting);
      code.emit("int", imm(VECTORS.done, 1));
    });
  }

  /** Prints the hash and a checksum of everything from the tables to the end of the page tables, and ends. */
  private finish(): void {
    const { code, accumulator } = this;
    const end = ALIAS + this.pageTable + PAGE;
    code.label("finish").emit("mov", eax, mem(dword, VARIABLES.hash));
    this.print();
    const index = this.size === 8 ? rcx : ecx;
    code
      .emit("mov", ecx, ALIAS + PLACES.tables)
      .emit("xor", eax, eax)
      .label("sum");
    code.emit("add", eax, mem(dword, index)).emit("rol", eax, 3).emit("add", ecx, 4);
    code.emit("cmp", ecx, end).emit("jb", "sum");
    this.print();
    code.emit("xor", accumulator, accumulator).emit("out", imm(EXIT_PORT, 1), eax);
  }

  /** EAX in hexadecimal. */
  private print(): void {
    const { code } = this;
    const [digit, letter] = [code.unique("digit"), code.unique("letter")];
    code.emit("mov", REGISTERS.ebx, eax).emit("mov", ecx, HEX_DIGITS).emit("mov", edx, SERIAL).label(digit);
    code.emit("rol", REGISTERS.ebx, 4).emit("mov", eax, REGISTERS.ebx).emit("and", eax, 0xf);
    code.emit("cmp", al, 10).emit("jb", letter).emit("add", al, 0x27).label(letter).emit("add", al, 0x30);
    code.emit("out", dx, al).emit("dec", ecx).emit("jnz", digit);
  }

  // Data.

  private descriptors(): Uint8Array {
    const table = new ByteWriter(SELECTORS.task + 16);
    const set = (selector: number, attributes: number, limit: number): void => {
      table.u32(selector & ~7, limit).u32((selector & ~7) + 4, attributes);
    };
    set(SELECTORS.code, CODE[this.width], FLAT);
    set(SELECTORS.data, DATA, UP_TO_MONITOR);
    set(SELECTORS.userData, DATA | RING_3, UP_TO_MONITOR);
    set(SELECTORS.userCode, CODE[this.width] | RING_3, FLAT);
    table.u32(SELECTORS.task, ((TSS << 16) | TASK_LIMIT) >>> 0).u32(SELECTORS.task + 4, TASK);
    return table.bytes;
  }

  /** The kernel's stack for events of ring 3. */
  private taskState(): Uint8Array {
    const top = PLACES.stack + PAGE - STACK_MARGIN;
    const state = new ByteWriter(TASK_LIMIT + 1);
    return this.width === 64 ? state.u64(4, top).bytes : state.u32(4, top).u32(8, SELECTORS.data).bytes;
  }

  private gates(address: (label: string) => number): Uint8Array {
    const table = new ByteWriter(PAGE);
    const set = (vector: number, label: string, attributes: number): void => {
      const [at, offset] = [vector * 2 * this.size, address(label)];
      table.u32(at, (SELECTORS.code << 16) | offset).u32(at + 4, attributes);
    };
    for (let vector = 0; vector < FIRST_EXTERNAL; vector++)
      set(vector, `vector${vector}`, USER_TRAPS.has(vector) ? GATE.user : GATE.trap);
    set(VECTORS.call, "call", GATE.user);
    set(VECTORS.done, "done", GATE.user);
    set(VECTORS.apic, "apic", GATE.interrupt);
    return table.bytes;
  }

  private pageTables(): Uint8Array {
    const { upperTables, entryBytes } = this;
    const tables = new ByteWriter((upperTables + 1) * PAGE);
    for (let level = 0; level < upperTables; level++) {
      // In the four entries of PAE's top, R/W and U/S are reserved (SDM vol. 3, table 4-8).
      const isRegister = upperTables === 2 && level === 0;
      tables.u32(level * PAGE, (PLACES.pages + (level + 1) * PAGE) | (isRegister ? ENTRY.present : OPEN));
    }
    const map = (from: number, to: number, flags: number): void => {
      for (let at = from; at < to; at += PAGE)
        tables.u32(upperTables * PAGE + (at / PAGE) * entryBytes, at | flags);
    };
    map(PLACES.tables, PLACES.stack, ENTRY.present);
    map(PLACES.stack, PLACES.data, ENTRY.present | ENTRY.writable);
    map(PLACES.data, PLACES.readOnly, OPEN);
    map(PLACES.readOnly, PLACES.demand, ENTRY.present | ENTRY.user);
    map(PLACES.userStack, PLACES.userStack + PAGE, OPEN);
    map(PLACES.code, END_OF_CODE, OPEN);
    map(PLACES.pages, this.pageTable + PAGE, ENTRY.present);
    for (let at = 0; at <= this.pageTable; at += PAGE) {
      // The stack keeps where interrupts came, which time decides.
      const frame = at === PLACES.stack ? PLACES.tables : at;
      tables.u32(upperTables * PAGE + ((ALIAS + at) / PAGE) * entryBytes, frame | ENTRY.present);
    }
    const apic = upperTables * PAGE + (PLACES.apic / PAGE) * entryBytes;
    tables.u32(apic, (APIC_PHYSICAL | ENTRY.present | ENTRY.writable) >>> 0);
    return tables.bytes;
  }
}
