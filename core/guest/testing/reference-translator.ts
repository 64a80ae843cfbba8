/**
 * The oracle: x86 address translation written down as the manual has it, separately from the machine's
 * walker, slow and plain (64-bit entries are BigInts). Intel SDM vol. 3: 4.3 (32-bit paging), 4.4 (PAE), 4.5
 * (4- and 5-level), 4.6.1 (access rights), 4.7 (page-fault error codes), 4.8 (accessed and dirty flags).
 *
 * Where the manual leaves a choice: accessed and dirty flags are set only by accesses that do not fault.
 * Left out: SMEP, SMAP, protection keys, PAT and PCD/PWT.
 */
import type { PagingName } from "../../machine/mmu/format.js";

export interface PagingControls {
  readonly format: PagingName;
  /** EFER.NXE. */
  readonly noExecute: boolean;
  /** CR0.WP. */
  readonly writeProtect: boolean;
  /** MAXPHYADDR. */
  readonly physicalAddressBits: number;
  readonly page1G: boolean;
}

/** Physical memory by byte address, 8 bytes at a time (4 for 32-bit entries); absent is zero. */
export interface PhysicalMemory {
  read(address: bigint, bytes: 4 | 8): bigint;
  write(address: bigint, bytes: 4 | 8, value: bigint): void;
}

export interface Access {
  readonly write: boolean;
  readonly fetch: boolean;
  readonly user: boolean;
}

export type Translation =
  | {
      readonly kind: "page";
      /** Physical address of the byte. */
      readonly address: bigint;
      readonly pageBytes: bigint;
      readonly global: boolean;
      /** Whether each kind of access to the page is allowed. */
      readonly user: boolean;
      readonly writable: boolean;
      readonly executable: boolean;
      /** The leaf's dirty flag after the access. */
      readonly dirty: boolean;
    }
  | { readonly kind: "fault"; readonly code: number };

const bit = (value: bigint, n: number): boolean => ((value >> BigInt(n)) & 1n) === 1n;
/** Bits high..low of a value, in place. */
const bits = (value: bigint, high: number, low: number): bigint =>
  ((value >> BigInt(low)) & ((1n << BigInt(high - low + 1)) - 1n)) << BigInt(low);

/** One step of the walk: which address bits index the table, and at which size its entries may be leaves. */
interface Step {
  readonly high: number;
  readonly low: number;
  readonly mayBeLeaf: boolean;
}

// Figures 4-2, 4-5, 4-8 and table 4-2. PAE's first step (bits 31:30) reads a register and is not listed.
const STEPS: Readonly<Record<PagingName, readonly Step[]>> = {
  "32-bit": [
    { high: 31, low: 22, mayBeLeaf: true },
    { high: 21, low: 12, mayBeLeaf: true },
  ],
  pae: [
    { high: 29, low: 21, mayBeLeaf: true },
    { high: 20, low: 12, mayBeLeaf: true },
  ],
  "4-level": [
    { high: 47, low: 39, mayBeLeaf: false },
    { high: 38, low: 30, mayBeLeaf: true },
    { high: 29, low: 21, mayBeLeaf: true },
    { high: 20, low: 12, mayBeLeaf: true },
  ],
  "5-level": [
    { high: 56, low: 48, mayBeLeaf: false },
    { high: 47, low: 39, mayBeLeaf: false },
    { high: 38, low: 30, mayBeLeaf: true },
    { high: 29, low: 21, mayBeLeaf: true },
    { high: 20, low: 12, mayBeLeaf: true },
  ],
};

/** The four PDPTEs that MOV to CR3 loads under PAE (4.4.1). @returns undefined where it raises #GP. */
export function loadPdptes(
  memory: PhysicalMemory,
  cr3: bigint,
  physicalAddressBits: number,
): readonly bigint[] | undefined {
  const table = bits(cr3, 31, 5);
  const entries = [0n, 1n, 2n, 3n].map((index) => memory.read(table + 8n * index, 8));
  const reserved = (e: bigint): boolean =>
    bits(e, 2, 1) !== 0n || bits(e, 8, 5) !== 0n || bits(e, 63, physicalAddressBits) !== 0n;
  return entries.some((entry) => bit(entry, 0) && reserved(entry)) ? undefined : entries;
}

/**
 * Translates one access, and sets accessed and dirty flags if it is allowed.
 * @param root CR3's table address. @param pdptes PAE's registers. @param linear address as an unsigned
 * number.
 */
export function translate(
  memory: PhysicalMemory,
  controls: PagingControls,
  root: bigint,
  pdptes: readonly bigint[],
  linear: bigint,
  access: Access,
): Translation {
  const { format, noExecute, writeProtect, physicalAddressBits: maxPhysical } = controls;
  const entryBytes = format === "32-bit" ? 4 : 8;
  const fault = (flags: { present: boolean; reserved: boolean }): Translation => {
    // I/D is defined only where execute-disable can be: with NXE, in formats of 64-bit entries.
    const fetch = access.fetch && noExecute && format !== "32-bit";
    const code =
      (flags.present ? 1 : 0) |
      (access.write ? 2 : 0) |
      (access.user ? 4 : 0) |
      (flags.reserved ? 8 : 0) |
      (fetch ? 16 : 0);
    return { kind: "fault", code };
  };

  let table = root;
  if (format === "pae") {
    const pdpte = pdptes[Number(bits(linear, 31, 30) >> 30n)]!;
    if (!bit(pdpte, 0)) return fault({ present: false, reserved: false });
    table = bits(pdpte, maxPhysical - 1, 12);
  }

  const visited: { address: bigint; entry: bigint }[] = [];
  let leaf: { entry: bigint; low: number } | undefined;
  for (const step of STEPS[format]) {
    const index = bits(linear, step.high, step.low) >> BigInt(step.low);
    const address = table + index * BigInt(entryBytes);
    const entry = memory.read(address, entryBytes);
    if (!bit(entry, 0)) return fault({ present: false, reserved: false });
    const isLeaf = step.low === 12 || (bit(entry, 7) && step.mayBeLeaf);
    if (hasReservedBit(entry, step, isLeaf, controls)) return fault({ present: true, reserved: true });
    visited.push({ address, entry });
    if (isLeaf) {
      leaf = { entry, low: step.low };
      break;
    }
    table = format === "32-bit" ? bits(entry, 31, 12) : bits(entry, maxPhysical - 1, 12);
  }
  if (leaf === undefined) throw new Error("a walk ends at a leaf or a fault");

  const user = visited.every(({ entry }) => bit(entry, 2));
  const writable = visited.every(({ entry }) => bit(entry, 1));
  const executable = !noExecute || format === "32-bit" || visited.every(({ entry }) => !bit(entry, 63));
  const allowed =
    (!access.user || user) &&
    (!access.write || writable || (!access.user && !writeProtect)) &&
    (!access.fetch || executable);
  if (!allowed) return fault({ present: true, reserved: false });

  visited.forEach(({ address, entry }, at) => {
    const dirty = access.write && at === visited.length - 1 ? 1n << 6n : 0n;
    const flagged = entry | (1n << 5n) | dirty;
    if (flagged !== entry) memory.write(address, entryBytes, flagged);
  });
  return {
    kind: "page",
    address: pageAddress(leaf.entry, leaf.low, controls) | bits(linear, leaf.low - 1, 0),
    pageBytes: 1n << BigInt(leaf.low),
    global: bit(leaf.entry, 8),
    user,
    writable,
    executable,
    dirty: access.write || bit(leaf.entry, 6),
  };
}

/**
 * Physical address of the page that a leaf maps. A 4 MiB page has address bits 39:32 in its bits 20:13
 * (PSE-36).
 */
function pageAddress(entry: bigint, low: number, controls: PagingControls): bigint {
  if (controls.format !== "32-bit") return bits(entry, controls.physicalAddressBits - 1, low);
  if (low === 12) return bits(entry, 31, 12);
  return bits(entry, 31, 22) | ((bits(entry, 20, 13) >> 13n) << 32n);
}

/**
 * Whether a present entry has a reserved bit set (4.7, RSVD flag; the bits are in the tables of 4.3 to 4.5).
 */
function hasReservedBit(entry: bigint, step: Step, isLeaf: boolean, controls: PagingControls): boolean {
  const { format, noExecute, physicalAddressBits: maxPhysical, page1G } = controls;
  if (format === "32-bit") {
    if (step.low !== 22 || !isLeaf) return false;
    // Bits 20:13 are address bits 39:32, as far as there are any (table 4-4).
    return bits(entry, 21, Math.min(maxPhysical, 40) - 19) !== 0n;
  }
  if (!noExecute && bit(entry, 63)) return true;
  // 4- and 5-level ignore bits 62:52; PAE reserves them.
  if (bits(entry, format === "pae" ? 62 : 51, maxPhysical) !== 0n) return true;
  if (bit(entry, 7) && !step.mayBeLeaf) return true;
  if (!isLeaf || step.low === 12) return false;
  if (step.low === 30 && !page1G) return true;
  return bits(entry, step.low - 1, 13) !== 0n;
}
