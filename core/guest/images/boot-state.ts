/**
 * What the processor's registers hold when a guest image gets control, as plain data: the loader decides, the CPU applies
 * it at power-on. Three modes are enough for the boot protocols of PCs: real mode, flat 32-bit protected mode without
 * paging, and 64-bit mode with paging on. Interrupts are off and no IDT is usable, so a fault before the guest has
 * made one is a triple fault (Intel SDM vol. 3, 6.12 and 9.1.4).
 *
 * Segments carry their hidden part, for a boot protocol promises the segment, not the table it came from; the GDT in
 * memory nevertheless has the same descriptors.
 */

export type StartMode = "real" | "protected" | "long";

/** General registers by their 64-bit names; the upper halves are 0 in the narrower modes. */
// biome-ignore format: in the order of their numbers
export const GENERAL_REGISTERS = [
  "rax", "rcx", "rdx", "rbx", "rsp", "rbp", "rsi", "rdi",
  "r8", "r9", "r10", "r11", "r12", "r13", "r14", "r15",
] as const;
export type GeneralRegister = (typeof GENERAL_REGISTERS)[number];
export type GeneralRegisters = Readonly<Record<GeneralRegister, number>>;

export type SegmentName = "es" | "cs" | "ss" | "ds" | "fs" | "gs" | "ldtr" | "tr";

/** A segment register with its hidden part (SDM vol. 3, 3.4.3). */
export interface SegmentState {
  readonly selector: number;
  readonly base: number;
  /** Highest offset in bytes, granularity applied. */
  readonly limit: number;
  /** Bits 23..8 of the descriptor's second word in their places, without the limit's; 0 when unusable. */
  readonly attributes: number;
}

export interface TableRegister {
  readonly base: number;
  /** Highest offset in bytes. */
  readonly limit: number;
}

export interface BootState {
  readonly mode: StartMode;
  /** RIP, EIP or IP: an offset in CS. */
  readonly rip: number;
  readonly rflags: number;
  readonly registers: GeneralRegisters;
  readonly segments: Readonly<Record<SegmentName, SegmentState>>;
  readonly gdtr: TableRegister;
  readonly idtr: TableRegister;
  readonly cr0: number;
  readonly cr3: number;
  readonly cr4: number;
  readonly efer: number;
}

/** Control-register bits (SDM vol. 3, 2.5) and EFER (2.2.1), as far as a start state sets them. */
export const CR0_PE = 1 << 0;
export const CR0_MP = 1 << 1;
export const CR0_ET = 1 << 4;
export const CR0_NE = 1 << 5;
export const CR0_PG = 2 ** 31;
export const CR4_PAE = 1 << 5;
export const CR4_OSFXSR = 1 << 9;
export const CR4_OSXMMEXCPT = 1 << 10;
export const EFER_LME = 1 << 8;
export const EFER_LMA = 1 << 10;

/** Bit 1 of RFLAGS reads as 1; all others start clear (SDM vol. 3, table 9-1). */
const RFLAGS_FIXED = 1 << 1;

/** Descriptor attributes: P, DPL 0, S and type in bits 15..8; AVL, L, D/B, G in bits 23..20 (SDM vol. 3, 3.4.5). */
const REAL_CODE = 0x00_9b_00;
const REAL_DATA = 0x00_93_00;
const FLAT_CODE_32 = 0xc0_9b_00;
const FLAT_CODE_64 = 0xa0_9b_00;
const FLAT_DATA = 0xc0_93_00;
/** System descriptors: a busy TSS (32-bit, or 64-bit in long mode), and an LDT. */
const BUSY_TSS = 0x00_8b_00;
const LDT = 0x00_82_00;

const FLAT_LIMIT = 0xffff_ffff;
const REAL_LIMIT = 0xffff;
/** The 104 bytes of a TSS; the PVH protocol asks for exactly this limit. */
const TSS_LIMIT = 0x67;

/** Selectors of the boot GDT. Linux demands these two (boot protocol, __BOOT_CS and __BOOT_DS). */
export const BOOT_CODE_SELECTOR = 0x10;
export const BOOT_DATA_SELECTOR = 0x18;

const ZERO_REGISTERS = Object.fromEntries(
  GENERAL_REGISTERS.map((name) => [name, 0]),
) as unknown as GeneralRegisters;

/** The GDT of a flat start state: null, unused, code at 0x10, data at 0x18. @param mode protected or long */
export function bootGdt(mode: "protected" | "long"): Uint8Array {
  const bytes = new Uint8Array(BOOT_DATA_SELECTOR + 8);
  const view = new DataView(bytes.buffer);
  const flat = (selector: number, attributes: number): void => {
    view.setUint16(selector, 0xffff, true); // limit 15..0; base 0
    view.setUint32(selector + 4, attributes | 0x0f_0000, true); // limit 19..16
  };
  flat(BOOT_CODE_SELECTOR, mode === "long" ? FLAT_CODE_64 : FLAT_CODE_32);
  flat(BOOT_DATA_SELECTOR, FLAT_DATA);
  return bytes;
}

/** Real mode at CS:IP, every other segment 0, as a BIOS leaves it for a boot sector. `registers` are the 32-bit values. */
export function realModeState(cs: number, ip: number, registers: Partial<GeneralRegisters>): BootState {
  const data: SegmentState = { selector: 0, base: 0, limit: REAL_LIMIT, attributes: REAL_DATA };
  return {
    mode: "real",
    rip: ip,
    rflags: RFLAGS_FIXED,
    registers: { ...ZERO_REGISTERS, ...registers },
    segments: {
      ...{ es: data, ss: data, ds: data, fs: data, gs: data },
      cs: { selector: cs, base: cs * 16, limit: REAL_LIMIT, attributes: REAL_CODE },
      ldtr: { selector: 0, base: 0, limit: REAL_LIMIT, attributes: LDT },
      tr: { selector: 0, base: 0, limit: REAL_LIMIT, attributes: BUSY_TSS },
    },
    gdtr: { base: 0, limit: REAL_LIMIT },
    idtr: { base: 0, limit: 0x3ff }, // the interrupt vector table: 256 vectors of 4 bytes
    cr0: CR0_ET,
    cr3: 0,
    cr4: 0,
    efer: 0,
  };
}

/** Flat 32-bit protected mode, paging off: what Multiboot (3.2) and PVH promise. @param gdt where `bootGdt` lies */
export function protectedModeState(
  eip: number,
  gdt: number,
  registers: Partial<GeneralRegisters>,
): BootState {
  return { ...flatState("protected", FLAT_CODE_32, eip, gdt, registers), cr0: CR0_PE | CR0_ET };
}

/** 64-bit mode, paging on. @param gdt where `bootGdt` lies @param cr3 the top page table */
export function longModeState(
  rip: number,
  gdt: number,
  cr3: number,
  registers: Partial<GeneralRegisters>,
): BootState {
  return {
    ...flatState("long", FLAT_CODE_64, rip, gdt, registers),
    cr0: CR0_PG + CR0_PE + CR0_ET,
    cr3,
    cr4: CR4_PAE,
    efer: EFER_LME | EFER_LMA,
  };
}

/**
 * The same state with SSE allowed, for code that a compiler made and that has no start-up code of its own:
 * CR4.OSFXSR and OSXMMEXCPT, CR0.MP and NE (SDM vol. 3, 13.1.3).
 */
export function withSse(state: BootState): BootState {
  return { ...state, cr0: state.cr0 + CR0_MP + CR0_NE, cr4: state.cr4 | CR4_OSFXSR | CR4_OSXMMEXCPT };
}

function flatState(
  mode: "protected" | "long",
  codeAttributes: number,
  rip: number,
  gdt: number,
  registers: Partial<GeneralRegisters>,
): BootState {
  const data = { selector: BOOT_DATA_SELECTOR, base: 0, limit: FLAT_LIMIT, attributes: FLAT_DATA };
  return {
    mode,
    rip,
    rflags: RFLAGS_FIXED,
    registers: { ...ZERO_REGISTERS, ...registers },
    segments: {
      ...{ es: data, ss: data, ds: data, fs: data, gs: data },
      cs: { selector: BOOT_CODE_SELECTOR, base: 0, limit: FLAT_LIMIT, attributes: codeAttributes },
      ldtr: { selector: 0, base: 0, limit: 0, attributes: 0 },
      tr: { selector: 0, base: 0, limit: TSS_LIMIT, attributes: BUSY_TSS },
    },
    gdtr: { base: gdt, limit: BOOT_DATA_SELECTOR + 7 },
    idtr: { base: 0, limit: 0 },
    cr0: 0,
    cr3: 0,
    cr4: 0,
    efer: 0,
  };
}
