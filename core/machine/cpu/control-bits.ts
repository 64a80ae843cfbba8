/** Bits of control registers and of IA32_EFER (SDM vol. 3, 2.5 and 2.2.1; APM vol. 2, 3.1). */

export const CR0 = {
  PE: 1,
  MP: 2,
  EM: 4,
  TS: 8,
  ET: 0x10,
  NE: 0x20,
  WP: 0x1_0000,
  AM: 0x4_0000,
  NW: 0x2000_0000,
  CD: 0x4000_0000,
  PG: 0x8000_0000 | 0,
} as const;

/** Bits of CR0 that mean something; ET is always 1, the others always 0 (writes to bits 31..0 of them are ignored). */
export const CR0_DEFINED =
  CR0.PE | CR0.MP | CR0.EM | CR0.TS | CR0.ET | CR0.NE | CR0.WP | CR0.AM | CR0.NW | CR0.CD | CR0.PG;

export const CR4 = {
  VME: 1,
  PVI: 2,
  TSD: 4,
  DE: 8,
  PSE: 0x10,
  PAE: 0x20,
  MCE: 0x40,
  PGE: 0x80,
  PCE: 0x100,
  OSFXSR: 0x200,
  OSXMMEXCPT: 0x400,
  UMIP: 0x800,
  LA57: 0x1000,
  FSGSBASE: 0x1_0000,
  PCIDE: 0x2_0000,
} as const;

export const EFER = {
  SCE: 1,
  LME: 0x100,
  LMA: 0x400,
  NXE: 0x800,
  /** Long mode segment limit enable: AMD alone, and not since Zen 3 (long-limits.ts). */
  LMSLE: 0x2000,
} as const;

/** CR3: PCID where CR4.PCIDE is 1, and bit 63 of the operand that keeps its translations. */
export const CR3_PCID = 0xfff;
export const CR3_KEEP_HIGH = 0x8000_0000 | 0;

/** DR6 (SDM vol. 3, 18.2.3) and DR7: bits that are always 1; the causes of a debug exception; what DR7 may hold. */
export const DR6_FIXED = 0xffff_0ff0 | 0;
/** B0 to B3: the breakpoints that were met. */
export const DR6_BREAKPOINTS = 0xf;
export const DR6 = { BD: 0x2000, BS: 0x4000, BT: 0x8000 } as const;
export const DR6_WRITABLE = 0xe00f;
export const DR7_FIXED = 0x400;
/** L0 G0 … L3 G3; and of them and LE what is local to a task. */
export const DR7_ENABLES = 0xff;
export const DR7_LOCAL = 0x155;
export const DR7_GD = 0x2000;
export const DR7_WRITABLE = 0xffff_23ff | 0;
