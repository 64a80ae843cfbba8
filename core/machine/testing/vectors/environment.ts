/**
 * What surrounds a vector's code: ring 3 of a protected-mode system with descriptor tables as 64-bit Linux keeps them, since
 * that is where vectors are recorded. IOPL is 0, IF is 1, CR0.AM is set (alignment is checked when EFLAGS.AC is 1), CR0.TS
 * and CR0.EM are clear, CR4.OSFXSR and CR4.FSGSBASE are set, EFER.NXE is set, CR4.UMIP does not matter.
 */
import type { CodeMode } from "../../x86/instruction.js";
import { CODE_WINDOW, DATA_WINDOW, type MachineState, REGISTERS, STACK_WINDOW } from "./state.js";

/** A segment as modify_ldt(2) takes it: all have DPL 3 and are accessed. */
export interface LocalSegment {
  readonly base: number;
  /** In bytes, or pages of 4 KiB where `pages`. */
  readonly limit: number;
  readonly pages: boolean;
  /** D or B of the descriptor. */
  readonly wide: boolean;
  readonly kind: "data" | "expand-down" | "code";
  /** Data that cannot be written, code that cannot be read. */
  readonly restricted: boolean;
  readonly present: boolean;
}

const segment = (properties: Partial<LocalSegment>): LocalSegment => ({
  base: 0,
  limit: 0xf_ffff,
  pages: properties.limit === undefined,
  wide: true,
  kind: "data",
  restricted: false,
  present: true,
  ...properties,
});

const FS_BASE = DATA_WINDOW.address + 0x100;
const GS_BASE = DATA_WINDOW.address + 0x200;
/** 16-bit code's ES begins this far into the data window. */
export const ES_OFFSET = 0x400;

/** The LDT; a segment's selector is its index times 8, plus 7. */
export const LOCAL_SEGMENTS: readonly LocalSegment[] = [
  segment({ base: CODE_WINDOW.address, limit: CODE_WINDOW.bytes - 1, wide: false, kind: "code" }), // 07: CS of 16-bit code
  segment({ base: DATA_WINDOW.address, limit: DATA_WINDOW.bytes - 1, wide: false }), // 0F: DS of 16-bit code
  segment({
    base: DATA_WINDOW.address + ES_OFFSET,
    limit: DATA_WINDOW.bytes - ES_OFFSET - 1,
    wide: false,
  }), // 17: ES of 16-bit code
  segment({ base: STACK_WINDOW.address, limit: STACK_WINDOW.bytes - 1, wide: false }), // 1F: SS of 16-bit code
  segment({ base: FS_BASE, limit: DATA_WINDOW.bytes - 0x101 }), // 27: FS outside 64-bit code
  segment({ base: GS_BASE, limit: DATA_WINDOW.bytes / 2 - 0x201 }), // 2F: GS outside 64-bit code
  segment({ limit: DATA_WINDOW.address + 0xfff, kind: "expand-down" }), // 37: the data window's second page, and above
  segment({ base: DATA_WINDOW.address, limit: DATA_WINDOW.bytes - 1, restricted: true }), // 3F: read-only
  segment({ kind: "code", restricted: true }), // 47: execute-only
  segment({ base: DATA_WINDOW.address, limit: DATA_WINDOW.bytes - 1, present: false }), // 4F: not present
];

/** Linux's flat segments of user code in the GDT. */
export const USER_CODE_32 = 0x23;
export const USER_DATA = 0x2b;
export const USER_CODE_64 = 0x33;

/** The LDT's code segment for 16-bit code, which is not flat. */
export const CODE_16_SELECTOR = 0x07;

/** ES CS SS DS FS GS at the start. */
const SELECTORS: Readonly<Record<CodeMode, readonly number[]>> = {
  16: [0x17, CODE_16_SELECTOR, 0x1f, 0x0f, 0x27, 0x2f],
  32: [USER_DATA, USER_CODE_32, USER_DATA, USER_DATA, 0x27, 0x2f],
  64: [USER_DATA, USER_CODE_64, USER_DATA, USER_DATA, 0, 0],
};

/** Linear address of CS's first byte. */
export const codeBase = (mode: CodeMode): number => (mode === 16 ? CODE_WINDOW.address : 0);
/** Linear address of the first byte of DS and of SS. @public scripts/vectors imports it at run time. */
export const dataBase = (mode: CodeMode): number => (mode === 16 ? DATA_WINDOW.address : 0);
export const stackBase = (mode: CodeMode): number => (mode === 16 ? STACK_WINDOW.address : 0);

/** Selectors, and bases of FS and GS, with which code of a mode starts. */
export function setSegments(state: MachineState, mode: CodeMode): void {
  state.selectors.set(SELECTORS[mode]);
  state.view.setBigUint64(REGISTERS.fsBase, BigInt(FS_BASE), true);
  state.view.setBigUint64(REGISTERS.gsBase, BigInt(GS_BASE), true);
}

/** Parts of a descriptor's upper doubleword (SDM vol. 3, 3.4.5). */
const ACCESSED = 1 << 8;
const WRITABLE_OR_READABLE = 1 << 9;
const EXPAND_DOWN = 1 << 10;
const CODE = 1 << 11;
const CODE_OR_DATA = 1 << 12;
const DPL_3 = 3 << 13;
const PRESENT = 1 << 15;
const LONG = 1 << 21;
const WIDE = 1 << 22;
const GRANULAR = 1 << 23;

function descriptor(local: LocalSegment, more = 0): bigint {
  const upper =
    (local.base & 0xff00_0000) |
    (local.limit & 0xf_0000) |
    ((local.base >>> 16) & 0xff) |
    (ACCESSED | CODE_OR_DATA | DPL_3) |
    (local.restricted ? 0 : WRITABLE_OR_READABLE) |
    (local.kind === "expand-down" ? EXPAND_DOWN : 0) |
    (local.kind === "code" ? CODE : 0) |
    (local.present ? PRESENT : 0) |
    (local.wide ? WIDE : 0) |
    (local.pages ? GRANULAR : 0) |
    more;
  const lower = (local.base << 16) | (local.limit & 0xffff);
  return (BigInt(upper >>> 0) << 32n) | BigInt(lower >>> 0);
}

/** The LDT's bytes. */
export function localDescriptors(): BigUint64Array {
  return BigUint64Array.from(LOCAL_SEGMENTS, (local) => descriptor(local));
}

/**
 * The GDT's descriptors of user code and data by selector; a target adds what it needs itself (LDT, TSS, supervisor code)
 * at other places. Vectors name no other descriptor of it than 0 and those here.
 */
export function userDescriptors(): ReadonlyMap<number, bigint> {
  return new Map([
    [USER_CODE_32, descriptor(segment({ kind: "code" }))],
    [USER_DATA, descriptor(segment({}))],
    [USER_CODE_64, descriptor(segment({ kind: "code", wide: false }), LONG)],
  ]);
}
