/**
 * A virtual CPU's registers as /dev/kvm shows them: struct kvm_regs, kvm_sregs and kvm_segment (Linux
 * Documentation/virt/kvm/api.rst, 4.11 to 4.14). Registers of 64 bits are bigints, unsigned.
 */
import { CR0, CR4, EFER } from "../../machine/cpu/control-bits.js";
import type { Core } from "../../machine/cpu/core.js";
import {
  ATTRIBUTES,
  BASE,
  CR0_WORD,
  CR2_WORD,
  CR3_WORD,
  CR4_WORD,
  EFER_WORD,
  GDTR_BASE,
  GDTR_LIMIT,
  GENERAL,
  IDTR_BASE,
  IDTR_LIMIT,
  LIMIT,
  PRIVILEGE,
  RIP,
  SELECTOR,
  segmentWord,
} from "../../machine/cpu/places.js";
import { allowRealAccess, loadNull, setSegment } from "../../machine/cpu/segments.js";
import { CS, DS, ES, FS, GS, LDTR, SS, TR } from "../../machine/cpu/state.js";
import { UserError } from "../../util/errors.js";

// biome-ignore format: in the order of their numbers
const GENERAL_NAMES = [
  "rax", "rcx", "rdx", "rbx", "rsp", "rbp", "rsi", "rdi",
  "r8", "r9", "r10", "r11", "r12", "r13", "r14", "r15",
] as const;

export type KvmRegs = Record<(typeof GENERAL_NAMES)[number] | "rip" | "rflags", bigint>;

export interface KvmSegment {
  base: bigint;
  /** Bytes, with G applied. */
  limit: number;
  selector: number;
  type: number;
  present: boolean;
  dpl: number;
  db: boolean;
  /** Code or data. */
  s: boolean;
  l: boolean;
  g: boolean;
  avl: boolean;
  unusable: boolean;
}

export interface KvmDescriptorTable {
  base: bigint;
  limit: number;
}

const SEGMENTS = { cs: CS, ds: DS, es: ES, fs: FS, gs: GS, ss: SS, tr: TR, ldt: LDTR } as const;
type SegmentName = keyof typeof SEGMENTS;

export interface KvmSregs extends Record<SegmentName, KvmSegment> {
  gdt: KvmDescriptorTable;
  idt: KvmDescriptorTable;
  cr0: bigint;
  cr2: bigint;
  cr3: bigint;
  cr4: bigint;
  efer: bigint;
}

/** Attributes of a segment: bits of a descriptor's second word in their places (cpu/state.ts). */
const ATTRIBUTE = {
  typeShift: 8,
  s: 1 << 12,
  dplShift: 13,
  present: 1 << 15,
  avl: 1 << 20,
  l: 1 << 21,
  db: 1 << 22,
  g: 1 << 23,
} as const;
const LOW_32 = 0xffff_ffffn;

const pairOf = (words: Int32Array, word: number): bigint =>
  (BigInt(words[word + 1]! >>> 0) << 32n) | BigInt(words[word]! >>> 0);

function setPair(words: Int32Array, word: number, value: bigint): void {
  words[word] = Number(value & LOW_32) | 0;
  words[word + 1] = Number((value >> 32n) & LOW_32) | 0;
}

/** KVM_GET_REGS. */
export function readRegs(core: Core): KvmRegs {
  const { words } = core;
  const general = GENERAL_NAMES.map((name, number) => [name, pairOf(words, GENERAL + 2 * number)]);
  return {
    ...(Object.fromEntries(general) as KvmRegs),
    rip: pairOf(words, RIP),
    rflags: BigInt(core.readFlags() >>> 0),
  };
}

/** KVM_SET_REGS; what is left out stays. */
export function writeRegs(core: Core, regs: Partial<KvmRegs>): void {
  const { words } = core;
  for (const [number, name] of GENERAL_NAMES.entries()) {
    const value = regs[name];
    if (value !== undefined) setPair(words, GENERAL + 2 * number, value);
  }
  if (regs.rip !== undefined)
    core.jump(Number(regs.rip & LOW_32) | 0, Number((regs.rip >> 32n) & LOW_32) | 0);
  if (regs.rflags !== undefined) core.writeFlags(Number(regs.rflags & LOW_32) | 0);
}

/** KVM_GET_SREGS. */
export function readSregs(core: Core): KvmSregs {
  const { words } = core;
  const segments = Object.entries(SEGMENTS).map(([name, number]) => [name, readSegment(core, number)]);
  return {
    ...(Object.fromEntries(segments) as Record<SegmentName, KvmSegment>),
    gdt: { base: pairOf(words, GDTR_BASE), limit: words[GDTR_LIMIT]! },
    idt: { base: pairOf(words, IDTR_BASE), limit: words[IDTR_LIMIT]! },
    cr0: BigInt(words[CR0_WORD]! >>> 0),
    cr2: pairOf(words, CR2_WORD),
    cr3: pairOf(words, CR3_WORD),
    cr4: BigInt(words[CR4_WORD]! >>> 0),
    efer: BigInt(words[EFER_WORD]! >>> 0),
  };
}

/** KVM_SET_SREGS; what is left out stays. @throws UserError (EINVAL) where the processor could not be in such a state */
export function writeSregs(core: Core, given: Partial<KvmSregs>): void {
  const sregs = { ...readSregs(core), ...given };
  checkSregs(core, sregs);
  const { words, host } = core;
  const isReal = (sregs.cr0 & BigInt(CR0.PE)) === 0n;
  for (const [name, number] of Object.entries(SEGMENTS)) {
    writeSegment(core, number, sregs[name as SegmentName]);
    if (isReal && number <= GS) allowRealAccess(core, number);
  }
  setPair(words, GDTR_BASE, sregs.gdt.base);
  words[GDTR_LIMIT] = sregs.gdt.limit;
  setPair(words, IDTR_BASE, sregs.idt.base);
  words[IDTR_LIMIT] = sregs.idt.limit;
  words[CR0_WORD] = Number(sregs.cr0) | CR0.ET;
  setPair(words, CR2_WORD, sregs.cr2);
  setPair(words, CR3_WORD, sregs.cr3);
  words[CR4_WORD] = Number(sregs.cr4) | 0;
  words[EFER_WORD] = Number(sregs.efer) | 0;
  words[PRIVILEGE] = isReal ? 0 : sregs.ss.dpl;
  core.forgetCrossings();
  host.paging.changed();
  host.paging.loadRoot(false);
  core.updateMode();
}

/** kvm_is_valid_sregs. */
function checkSregs(core: Core, sregs: KvmSregs): void {
  const has = (register: bigint, bit: number): boolean => (register & BigInt(bit >>> 0)) !== 0n;
  const refuse = (what: string, mend: string): never => {
    throw new UserError(`EINVAL: ${what}`, { where: "KVM_SET_SREGS", mend });
  };
  const { cr0, cr4, efer, cs } = sregs;
  const { processor } = core;
  if (cr0 >> 32n !== 0n || (has(cr0, CR0.PG) && !has(cr0, CR0.PE)))
    refuse(`CR0 cannot be 0x${cr0.toString(16)}`, "paging needs protection, and CR0 has 32 bits");
  if ((cr4 & ~BigInt(processor.cr4Defined >>> 0)) !== 0n)
    refuse(`CR4 cannot be 0x${cr4.toString(16)}`, "this processor has no such feature");
  if ((efer & ~BigInt(processor.eferDefined >>> 0)) !== 0n)
    refuse(`EFER cannot be 0x${efer.toString(16)}`, "this processor has no such feature");
  if (has(efer, EFER.LME) && has(cr0, CR0.PG)) {
    if (!has(cr4, CR4.PAE) || !has(efer, EFER.LMA))
      refuse("long mode without CR4.PAE or EFER.LMA", "set both with EFER.LME and CR0.PG");
  } else if (has(efer, EFER.LMA) || (cs.l && has(cr0, CR0.PE)))
    refuse("EFER.LMA or 64-bit code without long mode", "they need EFER.LME and CR0.PG");
}

function readSegment({ words }: Core, number: number): KvmSegment {
  const at = segmentWord(number);
  const attributes = words[at + ATTRIBUTES]!;
  const has = (bit: number): boolean => (attributes & bit) !== 0;
  return {
    base: pairOf(words, at + BASE),
    limit: words[at + LIMIT]! >>> 0,
    selector: words[at + SELECTOR]! & 0xffff,
    type: (attributes >>> ATTRIBUTE.typeShift) & 0xf,
    present: has(ATTRIBUTE.present),
    dpl: (attributes >>> ATTRIBUTE.dplShift) & 3,
    db: has(ATTRIBUTE.db),
    s: has(ATTRIBUTE.s),
    l: has(ATTRIBUTE.l),
    g: has(ATTRIBUTE.g),
    avl: has(ATTRIBUTE.avl),
    unusable: attributes === 0,
  };
}

function writeSegment(core: Core, number: number, segment: KvmSegment): void {
  const { base, limit, selector, unusable } = segment;
  if (unusable) {
    loadNull(core, number, selector);
    return;
  }
  const attributes =
    (segment.type << ATTRIBUTE.typeShift) |
    (segment.dpl << ATTRIBUTE.dplShift) |
    (segment.s ? ATTRIBUTE.s : 0) |
    (segment.present ? ATTRIBUTE.present : 0) |
    (segment.avl ? ATTRIBUTE.avl : 0) |
    (segment.l ? ATTRIBUTE.l : 0) |
    (segment.db ? ATTRIBUTE.db : 0) |
    (segment.g ? ATTRIBUTE.g : 0);
  setSegment(core, number, selector, Number(base & LOW_32) | 0, limit | 0, attributes);
  core.words[segmentWord(number) + BASE + 1] = Number((base >> 32n) & LOW_32) | 0;
}
