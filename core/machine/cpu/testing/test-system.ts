/**
 * A CPU's system side over flat memory, put into the mode a test wants, with the tables below. A test assembles one
 * instruction at CS:RIP, has it executed, and looks at what became of the state.
 *
 *      1000H GDT    2000H IDT    4000H TSS    5000H LDT    6000H 16-bit TSS    1_0000H code    2_0000H stack of CPL 0
 *      3_0000H stack of CPL 3    3_8000H to 3_b000H interrupt stacks and those of CPL 1, 2    4_0000H handlers
 */

import { pricesOf } from "../../../events/profile.js";
import { findProfile } from "../../../events/profiles/index.js";
import { invariant } from "../../../util/errors.js";
import { Allocation } from "../../memory.js";
import { Assembler } from "../../x86/assemble.js";
import { decode } from "../../x86/decode.js";
import type { CodeMode, Instruction } from "../../x86/instruction.js";
import { CR0, CR4, EFER } from "../control-bits.js";
import { ACTIVITY } from "../core.js";
import { FLOATING_POINT } from "../floating-point.js";
import {
  BASE,
  CR0_WORD,
  type CR3_WORD,
  CR4_WORD,
  EFER_WORD,
  GDTR_BASE,
  GDTR_LIMIT,
  GENERAL,
  IDTR_BASE,
  IDTR_LIMIT,
  MODE_WORD,
  PRIVILEGE,
  RIP,
  RIP_HIGH,
  RSP,
  segmentWord,
} from "../places.js";
import { loadVirtualSegment, setSegment } from "../segments.js";
import {
  allocateCpuState,
  CODE_16,
  CODE_64,
  CS,
  DS,
  ES,
  FS,
  GS,
  LDTR,
  MODE,
  RFLAGS,
  SS,
  STATE_BYTES,
  TR,
} from "../state.js";
import { SystemUnit } from "../system-unit.js";
import { FlatHost, type FlatMemory } from "./flat-host.js";

export const PLACE = {
  gdt: 0x1000,
  idt: 0x2000,
  tss: 0x4000,
  ldt: 0x5000,
  otherTss: 0x6000,
  code: 0x1_0000,
  stack0: 0x2_0000,
  stack3: 0x3_0000,
  stack1: 0x3_8000,
  stack2: 0x3_9000,
  interruptStack: 0x3_a000,
  handlers: 0x4_0000,
} as const;

/** Selectors of the GDT. Each code segment is followed by the data segment of its privilege. */
export const SEL = {
  code0: 0x08,
  data0: 0x10,
  code3: 0x1b,
  data3: 0x23,
  tss: 0x28,
  long0: 0x38,
  long3: 0x43,
  code1: 0x49,
  data1: 0x51,
  ldt: 0x58,
  conforming: 0x68,
  otherTss: 0x70,
  code16: 0x78,
  /** Free for a test. */
  free: 0x80,
  free2: 0x90,
  last: 0xf8,
} as const;

/** Types with S: data, code and their bits (SDM vol. 3, table 3-1). */
export const TYPE = {
  readOnly: 0x10,
  data: 0x12,
  expandDown: 0x16,
  executeOnly: 0x18,
  code: 0x1a,
  conforming: 0x1e,
  accessed: 1,
} as const;

export interface DescriptorFields {
  readonly base?: number;
  /** The limit field. */
  readonly limit?: number;
  /** Bits 12..8: S and type. */
  readonly type: number;
  readonly dpl?: number;
  readonly present?: boolean;
  readonly granular?: boolean;
  readonly big?: boolean;
  readonly long?: boolean;
}

export class TestSystem {
  readonly host: FlatHost;
  readonly unit: SystemUnit;
  readonly words: Int32Array;
  readonly memory: FlatMemory;

  constructor(profile = "skylake-2015") {
    const state = allocateCpuState(new Allocation(new ArrayBuffer(Math.ceil(STATE_BYTES / 64) * 64)));
    this.host = new FlatHost(() => state.words);
    this.memory = this.host.memory;
    const found = findProfile(profile)!;
    this.unit = new SystemUnit(state, this.host, {
      profile: found,
      costs: pricesOf(found),
      hasApic: true,
      seed: 1,
      others: FLOATING_POINT,
    });
    this.words = state.words;
    this.unit.reset();
    this.makeTables();
    this.host.asked.length = 0;
  }

  // Modes.

  real(): this {
    for (const segment of [ES, SS, DS, FS, GS]) setSegment(this.unit.core, segment, 0, 0, 0xffff, 0x9300);
    setSegment(this.unit.core, CS, PLACE.code >> 4, PLACE.code, 0xffff, 0x9300);
    this.words[IDTR_BASE] = 0;
    this.words[IDTR_LIMIT] = 0x3ff;
    this.unit.core.jump(0, 0);
    this.setRegister(RSP, 0x8000);
    this.unit.core.updateMode();
    return this;
  }

  /** 32-bit protected mode, flat segments, paging off. */
  protectedMode(cpl = 0): this {
    this.words[CR0_WORD] = CR0.PE | CR0.ET;
    this.words[CR4_WORD] = 0;
    this.words[EFER_WORD] = 0;
    this.enterFlat(cpl, cpl === 0 ? SEL.code0 : cpl === 1 ? SEL.code1 : SEL.code3, 0xc0_9b00);
    return this;
  }

  /** IA-32e mode: 64-bit code, or compatibility mode. */
  long(cpl = 0, is64 = true): this {
    this.words[CR0_WORD] = CR0.PE | CR0.ET | CR0.PG;
    this.words[CR4_WORD] = CR4.PAE;
    this.words[EFER_WORD] = EFER.LME | EFER.LMA | EFER.SCE;
    const selector = is64 ? (cpl === 0 ? SEL.long0 : SEL.long3) : cpl === 0 ? SEL.code0 : SEL.code3;
    this.enterFlat(cpl, selector, is64 ? 0xa0_9b00 : 0xc0_9b00);
    this.words[IDTR_LIMIT] = 0xfff;
    this.descriptor(SEL.tss, { base: PLACE.tss, limit: 0x67, type: 0xb });
    this.memory.view.setUint32(PLACE.gdt + SEL.tss + 8, 0, true);
    for (let stack = 0; stack < 3; stack++)
      this.poke(PLACE.tss + 4 + 8 * stack, [PLACE.stack0, PLACE.stack1, PLACE.stack2][stack]!);
    for (let stack = 0; stack < 3; stack++) this.poke(PLACE.tss + 8 + 8 * stack, 0);
    return this;
  }

  virtual8086(ioPrivilege = 0): this {
    this.protectedMode(3);
    this.unit.core.writeFlags(RFLAGS.VM | (ioPrivilege << 12));
    for (const segment of [ES, SS, DS, FS, GS]) loadVirtualSegment(this.unit.core, segment, 0x100 + segment);
    loadVirtualSegment(this.unit.core, CS, PLACE.code >> 4);
    this.unit.core.jump(0, 0);
    this.setRegister(RSP, 0x8000);
    this.unit.core.updateMode();
    return this;
  }

  private enterFlat(cpl: number, code: number, codeAttributes: number): void {
    const { core } = this.unit;
    const privilege = cpl << 13;
    setSegment(core, CS, code, 0, -1, codeAttributes | privilege);
    const data = cpl === 0 ? SEL.data0 : cpl === 1 ? SEL.data1 : SEL.data3;
    for (const segment of [ES, SS, DS, FS, GS]) setSegment(core, segment, data, 0, -1, 0xc0_9300 | privilege);
    this.words[PRIVILEGE] = cpl;
    core.jump(PLACE.code, 0);
    this.setRegister(RSP, [PLACE.stack0, PLACE.stack1, PLACE.stack2, PLACE.stack3][cpl]!);
    core.writeFlags(RFLAGS.reserved1);
    core.updateMode();
  }

  // Tables.

  private makeTables(): void {
    const flat = { limit: 0xf_ffff, granular: true, big: true };
    const long = { limit: 0xf_ffff, granular: true, long: true };
    this.descriptor(SEL.code0, { ...flat, type: TYPE.code });
    this.descriptor(SEL.data0, { ...flat, type: TYPE.data });
    this.descriptor(SEL.code3, { ...flat, type: TYPE.code, dpl: 3 });
    this.descriptor(SEL.data3, { ...flat, type: TYPE.data, dpl: 3 });
    this.descriptor(SEL.tss, { base: PLACE.tss, limit: 0x67, type: 0xb });
    this.descriptor(SEL.long0, { ...long, type: TYPE.code });
    this.descriptor(SEL.long3, { ...long, type: TYPE.code, dpl: 3 });
    this.descriptor(SEL.code1, { ...flat, type: TYPE.code, dpl: 1 });
    this.descriptor(SEL.data1, { ...flat, type: TYPE.data, dpl: 1 });
    this.descriptor(SEL.ldt, { base: PLACE.ldt, limit: 0xff, type: 2 });
    this.descriptor(SEL.conforming, { ...flat, type: TYPE.conforming });
    this.descriptor(SEL.otherTss, { base: PLACE.otherTss, limit: 0x67, type: 9 });
    this.descriptor(SEL.code16, { limit: 0xffff, type: TYPE.code });
    this.words[GDTR_BASE] = PLACE.gdt;
    this.words[GDTR_LIMIT] = 0xff;
    this.words[IDTR_BASE] = PLACE.idt;
    this.words[IDTR_LIMIT] = 0x7ff;
    setSegment(this.unit.core, TR, SEL.tss, PLACE.tss, 0x67, 0x8b00);
    setSegment(this.unit.core, LDTR, 0, 0, 0, 0);
    for (const [cpl, stack, data] of [
      [0, PLACE.stack0, SEL.data0],
      [1, PLACE.stack1, SEL.data1],
    ] as const) {
      this.poke(PLACE.tss + 4 + 8 * cpl, stack);
      this.poke(PLACE.tss + 8 + 8 * cpl, data);
    }
  }

  /** Writes a descriptor into the GDT (or elsewhere). */
  descriptor(selector: number, fields: DescriptorFields, table: number = PLACE.gdt): void {
    const { base = 0, limit = 0, type, dpl = 0, present = true, granular, big, long } = fields;
    const at = table + (selector & 0xfff8);
    this.poke(at, ((base & 0xffff) << 16) | (limit & 0xffff));
    const flags = (granular ? 0x80_0000 : 0) | (big ? 0x40_0000 : 0) | (long ? 0x20_0000 : 0);
    const access = (present ? 0x8000 : 0) | (dpl << 13) | (type << 8);
    this.poke(at + 4, (base & 0xff00_0000) | flags | (limit & 0xf_0000) | access | ((base >>> 16) & 0xff));
  }

  /** Writes a gate of a type (5 task, 6 and 7 16-bit, E and F 32-bit interrupt and trap) for a vector; handler at its own place. */
  gate(
    vector: number,
    fields: {
      type?: number;
      selector?: number;
      dpl?: number;
      present?: boolean;
      offset?: number;
      ist?: number;
    } = {},
  ): void {
    const {
      type = 0xe,
      selector,
      dpl = 0,
      present = true,
      offset = PLACE.handlers + vector * 16,
      ist = 0,
    } = fields;
    const isLong = (this.words[EFER_WORD]! & EFER.LMA) !== 0;
    const at = PLACE.idt + vector * (isLong ? 16 : 8);
    this.poke(at, ((selector ?? (isLong ? SEL.long0 : SEL.code0)) << 16) | (offset & 0xffff));
    this.poke(at + 4, (offset & 0xffff_0000) | (present ? 0x8000 : 0) | (dpl << 13) | (type << 8) | ist);
    if (isLong) this.poke(at + 8, 0);
  }

  /** Gates for every exception that has a handler in a usual kernel. */
  gates(): this {
    for (let vector = 0; vector < 20; vector++) this.gate(vector);
    return this;
  }

  // Running.

  /** Assembles an instruction for the present mode at RIP, and executes it. */
  execute(...text: Parameters<Assembler["emit"]>): this {
    this.unit.execute(this.assemble(...text));
    return this;
  }

  /** The same for bytes. */
  executeBytes(...bytes: number[]): this {
    const made = decode(Uint8Array.from(bytes), 0, this.bits);
    invariant(typeof made !== "string", "the bytes are an instruction");
    this.unit.execute(made);
    return this;
  }

  private assemble(...text: Parameters<Assembler["emit"]>): Instruction {
    const assembler = new Assembler({ bits: this.bits, origin: this.rip });
    assembler.emit(...text);
    const { bytes } = assembler.assemble();
    const made = decode(bytes, 0, this.bits);
    invariant(typeof made !== "string", "what was assembled is an instruction");
    return made;
  }

  // Looking.

  get bits(): CodeMode {
    const size = this.words[MODE_WORD]! & MODE.codeSize;
    return size === CODE_64 ? 64 : size === CODE_16 ? 16 : 32;
  }
  get rip(): number {
    return this.words[RIP_HIGH]! * 2 ** 32 + (this.words[RIP]! >>> 0);
  }
  get cpl(): number {
    return this.words[PRIVILEGE]!;
  }
  get flags(): number {
    return this.unit.core.readFlags();
  }
  get isShutDown(): boolean {
    return this.unit.core.activity === ACTIVITY.shutdown;
  }
  selector(segment: number): number {
    return this.unit.core.selector(segment);
  }
  base(segment: number): number {
    return this.words[segmentWord(segment) + BASE]! >>> 0;
  }
  register(number: number): number {
    return this.words[GENERAL + 2 * number]! >>> 0;
  }
  setRegister(number: number, value: number): void {
    this.unit.core.setRegister(number, 8, value | 0, Math.floor(value / 2 ** 32));
  }
  setFlags(value: number): void {
    this.unit.core.writeFlags(value);
    this.unit.core.updateMode();
  }
  setControl(word: typeof CR0_WORD | typeof CR3_WORD | typeof CR4_WORD, value: number): void {
    this.words[word] = value;
    this.unit.core.updateMode();
  }

  peek(address: number): number {
    return this.memory.view.getUint32(address, true);
  }
  peek16(address: number): number {
    return this.memory.view.getUint16(address, true);
  }
  poke(address: number, value: number): void {
    this.memory.view.setUint32(address, value >>> 0, true);
  }
  poke16(address: number, value: number): void {
    this.memory.view.setUint16(address, value, true);
  }

  /** Doublewords from the top of the stack, upwards. */
  stack(count: number): number[] {
    return Array.from({ length: count }, (_, item) => this.peek(this.register(RSP) + 4 * item));
  }

  /** Low halves of quadwords from the top of the stack, upwards. */
  longStack(count: number): number[] {
    return Array.from({ length: count }, (_, item) => this.peek(this.register(RSP) + 8 * item));
  }

  /** Which handler RIP is at, and the error code if it has one: "GP 40", "PF 2", "UD"; undefined if it is at none. */
  get exception(): string | undefined {
    const vector = (this.rip - PLACE.handlers) / 16;
    const name = NAMES[vector];
    if (name === undefined) return undefined;
    if (!WITH_CODE.has(name)) return name;
    return `${name} ${this.peek(this.register(RSP)).toString(16)}`;
  }
}

const NAMES: Readonly<Record<number, string>> = {
  0: "DE",
  1: "DB",
  2: "NMI",
  3: "BP",
  4: "OF",
  5: "BR",
  6: "UD",
  7: "NM",
  8: "DF",
  10: "TS",
  11: "NP",
  12: "SS",
  13: "GP",
  14: "PF",
  16: "MF",
  17: "AC",
  18: "MC",
  19: "XM",
};
const WITH_CODE = new Set(["DF", "TS", "NP", "SS", "GP", "PF", "AC"]);
