/**
 * How page-table entries and addresses are read by a person: names of tables, decoded flags, fields of an address, and how
 * many entries a walk reads. Layouts: machine/mmu/entry.ts and format.ts.
 */
import {
  A,
  D,
  EPT_A,
  EPT_D,
  EPT_R,
  EPT_W,
  EPT_X,
  G,
  NX,
  P,
  PCD,
  PF_FETCH,
  PF_PRESENT,
  PF_RESERVED,
  PF_USER,
  PF_WRITE,
  PS,
  PWT,
  RW,
  US,
} from "../machine/mmu/entry.js";
import { PAGING_FORMATS, type PagingFormat } from "../machine/mmu/format.js";
import { PAGE_SIZES } from "../util/units.js";
import type { CellConfig } from "./config.js";
import type { AddressField, ClosedForm } from "./trace-data.js";

/** Names of tables by level (SDM vol. 3, 4.5); the format of 32 bits has a directory and tables. */
const TABLES = ["", "PT", "PD", "PDPT", "PML4", "PML5"] as const;

export function tableName(level: number): string {
  return TABLES[level]!;
}

/** `0x…` of a non-negative integer below 2^53. */
export function hex(value: number): string {
  return `0x${value.toString(16)}`;
}

/** `0x…` of an entry given by its halves. */
export function entryHex(lo: number, hi: number): string {
  return `0x${((BigInt(hi >>> 0) << 32n) | BigInt(lo >>> 0)).toString(16)}`;
}

// biome-ignore format: one line reads better
const ORDINARY = [["P", P], ["RW", RW], ["US", US], ["PWT", PWT], ["PCD", PCD], ["A", A]] as const;
// biome-ignore format: one line reads better
const EPT = [["R", EPT_R], ["W", EPT_W], ["X", EPT_X], ["A", EPT_A]] as const;

/** The flags that are set, in the order of their bits. An entry that is not present has none that mean anything. */
export function flagNames(lo: number, hi: number, level: number, isEpt: boolean): string[] {
  const named = isEpt ? EPT : ORDINARY;
  if ((lo & (isEpt ? EPT_R | EPT_W | EPT_X : P)) === 0) return [];
  const names: string[] = named.filter(([, bit]) => (lo & bit) !== 0).map(([name]) => name);
  const isLarge = level > 1 && (lo & PS) !== 0;
  const isLeaf = level === 1 || isLarge;
  if (isLeaf && (lo & (isEpt ? EPT_D : D)) !== 0) names.push("D");
  if (isLarge) names.push("PS");
  if (isEpt) return names;
  if (isLeaf && (lo & G) !== 0) names.push("G");
  if ((hi & NX) !== 0) names.push("NX");
  return names;
}

/** A page fault's error code in words: what was attempted, by whom, and why it was refused. */
export function errorCodeWords(code: number): string {
  const access = (code & PF_WRITE) !== 0 ? "write" : (code & PF_FETCH) !== 0 ? "fetch" : "read";
  const privilege = (code & PF_USER) !== 0 ? "user" : "supervisor";
  const why =
    (code & PF_RESERVED) !== 0
      ? "reserved bit set"
      : (code & PF_PRESENT) !== 0
        ? "not allowed"
        : "not present";
  return `${access}, ${privilege}, ${why}`;
}

/** The fields of a user address, high bits first. The sign extension counts as a field of 64-bit formats. */
export function addressFields(address: number, format: PagingFormat): AddressField[] {
  const bits = (high: number, low: number): number =>
    Number((BigInt(address) >> BigInt(low)) & ((1n << BigInt(high - low + 1)) - 1n));
  const field = (name: string, high: number, low: number): AddressField => ({
    name,
    high,
    low,
    value: bits(high, low),
  });
  const { levels, shifts, addressBits } = format;
  const fields: AddressField[] = [];
  if (addressBits > 32) fields.push(field("sign", 63, addressBits));
  for (let level = levels; level > 0; level--) {
    const high = (level === levels ? addressBits : shifts[level + 1]!) - 1;
    fields.push(field(tableName(level), high, shifts[level]!));
  }
  fields.push(field("offset", 11, 0));
  return fields;
}

/** Fields below the leaf's index are one: the offset in a large page. */
export function mergedFields(
  fields: readonly AddressField[],
  leaf: number,
  format: PagingFormat,
): AddressField[] {
  const low = format.shifts[leaf]!;
  const kept = fields.filter((field) => field.low >= low);
  const rest = fields.filter((field) => field.low < low);
  const value = rest.reduce((sum, field) => sum + (field.value ?? 0) * 2 ** field.low, 0);
  return [...kept, { name: "offset", high: low - 1, low: 0, value }];
}

/** Level at which the guest's page is a leaf. */
export function guestLeaf(config: CellConfig): number {
  return PAGING_FORMATS[config.guest.paging].leafLevel[config.page] ?? 1;
}

/** References of a walk in which no table, translation or page is cached, for a cell that is supported. */
export function closedForm(config: CellConfig): ClosedForm {
  const format = PAGING_FORMATS[config.guest.paging];
  // PAE's first level is a register.
  const top = format.name === "pae" ? 2 : format.levels;
  let leaf = guestLeaf(config);
  if (config.technique === "hardware/shadow") {
    // A shadow maps nothing larger than the host's page.
    const hostBytes = PAGE_SIZES[config.host.page];
    while (leaf > 1 && 2 ** format.shifts[leaf]! > hostBytes) leaf--;
  }
  const guest = top - leaf + 1;
  const hostLeaf = 1 + Math.log2(PAGE_SIZES[config.host.page] / 4096) / 9;
  const host = config.technique === "hardware/nested" ? config.host.levels - hostLeaf + 1 : 0;
  return { guest, host, references: (guest + 1) * (host + 1) - 1 };
}
