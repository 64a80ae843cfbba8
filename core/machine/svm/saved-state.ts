/**
 * The state-save area as the processor caches it (AMD APM vol. 2, 15.15, VMCB state caching): while a guest is loaded its
 * registers are the CPU's (cpu/state.ts), and the block in memory is written when somebody looks at it.
 */
import type { Core } from "../cpu/core.js";
import {
  ATTRIBUTES,
  BASE,
  CR0_WORD,
  CR2_WORD,
  CR3_WORD,
  CR4_WORD,
  CSTAR,
  DR6_WORD,
  DR7_WORD,
  EFER_WORD,
  FMASK,
  GDTR_BASE,
  GDTR_LIMIT,
  GENERAL,
  IDTR_BASE,
  IDTR_LIMIT,
  KERNEL_GS_BASE,
  LIMIT,
  LSTAR,
  PRIVILEGE,
  RAX,
  RIP,
  RSP,
  SELECTOR,
  STAR,
  SYSENTER_CS,
  SYSENTER_EIP,
  SYSENTER_ESP,
  segmentWord,
} from "../cpu/places.js";
import { setSegment } from "../cpu/segments.js";
import { CS, DS, ES, FS, GS, LDTR, SS, TR } from "../cpu/state.js";
import { SAVE, type Vmcb } from "./vmcb.js";

const SEGMENTS: readonly (readonly [segment: number, offset: number])[] = [
  [ES, SAVE.es],
  [CS, SAVE.cs],
  [SS, SAVE.ss],
  [DS, SAVE.ds],
  [FS, SAVE.fs],
  [GS, SAVE.gs],
  [LDTR, SAVE.ldtr],
  [TR, SAVE.tr],
];

/** Registers of eight bytes: where in the block, where in the state. */
const WIDE: readonly (readonly [offset: number, word: number])[] = [
  [SAVE.cr3, CR3_WORD],
  [SAVE.dr7, DR7_WORD],
  [SAVE.dr6, DR6_WORD],
  [SAVE.rip, RIP],
  [SAVE.rsp, GENERAL + 2 * RSP],
  [SAVE.rax, GENERAL + 2 * RAX],
  [SAVE.star, STAR],
  [SAVE.lstar, LSTAR],
  [SAVE.cstar, CSTAR],
  [SAVE.sfmask, FMASK],
  [SAVE.kernelGsBase, KERNEL_GS_BASE],
  [SAVE.sysenterCs, SYSENTER_CS],
  [SAVE.sysenterEsp, SYSENTER_ESP],
  [SAVE.sysenterEip, SYSENTER_EIP],
  [SAVE.cr2, CR2_WORD],
];
/** Of four, their upper halves 0. */
const NARROW: readonly (readonly [offset: number, word: number])[] = [
  [SAVE.cr0, CR0_WORD],
  [SAVE.cr4, CR4_WORD],
  [SAVE.efer, EFER_WORD],
];
const TABLES: readonly (readonly [offset: number, base: number, limit: number])[] = [
  [SAVE.gdtr, GDTR_BASE, GDTR_LIMIT],
  [SAVE.idtr, IDTR_BASE, IDTR_LIMIT],
];
/** In a segment's 16 bytes: selector and attributes, limit, base. */
const LIMIT_OFFSET = 4;
const BASE_OFFSET = 8;
/** CPL's byte in its word. */
const CPL_SHIFT = 24;
/** EFER.SVME, which is 1 in every guest's block. */
export const EFER_SVME = 0x1000;

/** Attributes (15.5.1): bits 55..52 and 47..40 of the descriptor, packed into 12. */
const packed = (attributes: number): number => ((attributes >>> 8) & 0xff) | ((attributes >>> 12) & 0xf00);
const unpacked = (attributes: number): number => ((attributes & 0xff) << 8) | ((attributes & 0xf00) << 12);

/** The CPU's registers into the block. */
export function storeState(core: Core, vmcb: Vmcb): void {
  const { words } = core;
  for (const [segment, offset] of SEGMENTS) {
    const at = segmentWord(segment);
    vmcb.setLow(offset, (words[at + SELECTOR]! & 0xffff) | (packed(words[at + ATTRIBUTES]!) << 16));
    vmcb.setLow(offset + LIMIT_OFFSET, words[at + LIMIT]!);
    vmcb.set(offset + BASE_OFFSET, words[at + BASE]!, words[at + BASE + 1]!);
  }
  for (const [offset, base, limit] of TABLES) {
    vmcb.setLow(offset + LIMIT_OFFSET, words[limit]!);
    vmcb.set(offset + BASE_OFFSET, words[base]!, words[base + 1]!);
  }
  for (const [offset, word] of WIDE) vmcb.set(offset, words[word]!, words[word + 1]!);
  for (const [offset, word] of NARROW) vmcb.set(offset, words[word]!);
  vmcb.set(SAVE.efer, words[EFER_WORD]! | EFER_SVME);
  vmcb.set(SAVE.rflags, core.readFlags());
  vmcb.setLow(SAVE.cpl, core.cpl << CPL_SHIFT);
}

/** The block's registers into the CPU. */
export function loadState(core: Core, vmcb: Vmcb): void {
  const { words } = core;
  for (const [segment, offset] of SEGMENTS) {
    const selector = vmcb.low(offset) & 0xffff;
    const attributes = unpacked(vmcb.low(offset) >>> 16);
    const base = vmcb.low(offset + BASE_OFFSET);
    setSegment(core, segment, selector, base, vmcb.low(offset + LIMIT_OFFSET), attributes);
    words[segmentWord(segment) + BASE + 1] = vmcb.high(offset + BASE_OFFSET);
  }
  for (const [offset, base, limit] of TABLES) {
    words[limit] = vmcb.low(offset + LIMIT_OFFSET);
    words[base] = vmcb.low(offset + BASE_OFFSET);
    words[base + 1] = vmcb.high(offset + BASE_OFFSET);
  }
  for (const [offset, word] of WIDE) {
    words[word] = vmcb.low(offset);
    words[word + 1] = vmcb.high(offset);
  }
  for (const [offset, word] of NARROW) words[word] = vmcb.low(offset);
  words[EFER_WORD] = vmcb.low(SAVE.efer) & ~EFER_SVME;
  core.writeFlags(vmcb.low(SAVE.rflags));
  words[PRIVILEGE] = vmcb.low(SAVE.cpl) >>> CPL_SHIFT;
  core.forgetCrossings();
  core.host.paging.changed();
  core.host.paging.loadRoot(true);
  core.updateMode();
}
