/**
 * From opcode, prefixes and ModRM to the row. Rows are sorted into buckets by map and opcode; which row of a bucket it is
 * depends on few things, and the answer for each combination that occurs is found once by search and remembered.
 * What is remembered is a function of the table alone: a memo, not state.
 */
import type { OpcodeMap } from "./encoding.js";
import type { CodeMode, Row } from "./instruction.js";
import { ROWS } from "./table.js";

/** What chooses between the rows of an opcode, in bits of one number. */
export const SELECT = {
  /** Bits 0 and 1: width of the code, 0, 1, 2 for 16, 32, 64. */
  mode: { 16: 0, 32: 1, 64: 2 } as Readonly<Record<CodeMode, number>>,
  /** REX.W or VEX.W. */
  w: 1 << 2,
  /** Prefix 66. */
  prefix66: 1 << 3,
  /** The last of the prefixes F3 and F2. */
  prefixF3: 1 << 4,
  prefixF2: 1 << 5,
  rexB: 1 << 6,
  /** Bits 7 and 8: the address size, 0, 1, 2 for 2, 4, 8 bytes. */
  addressShift: 7,
} as const;
const SELECTIONS = 3 << SELECT.addressShift;

/** First bucket of each map; those of VEX stand behind the others. */
export const MAP_BASE: Readonly<Record<OpcodeMap, number>> = { "": 0, "0F": 256, "0F38": 512, "0F3A": 768 };
export const VEX_BASE = 1024;
const BUCKETS = 2048;

const UNKNOWN = -1;
const NONE = -2;

export interface Bucket {
  readonly hasModRm: boolean;
  /** Sorted when the bucket is first used: the more specific first, so that the first that fits is it. */
  readonly rows: Row[];
  /** Row indices by selection, and by ModRM byte where there is one. Empty before the first use. */
  readonly memo: (Int16Array | undefined)[];
}

/** Operand size in bytes of a row under a selection. A mandatory 66 is no operand-size prefix. */
export function operandSizeOf(row: Row, selection: number): 2 | 4 | 8 {
  const mode = selection & 3;
  const overridden = (selection & SELECT.prefix66) !== 0 && row.encoding.prefix !== "66";
  if (mode !== SELECT.mode[64]) return (mode === SELECT.mode[32]) !== overridden ? 4 : 2;
  if ((selection & SELECT.w) !== 0 || row.longSize === "forced-64") return 8;
  if (overridden) return 2;
  return row.longSize === "default-64" ? 8 : 4;
}

function prefixFits(row: Row, selection: number): boolean {
  const has66 = (selection & SELECT.prefix66) !== 0;
  const hasF3 = (selection & SELECT.prefixF3) !== 0;
  const hasF2 = (selection & SELECT.prefixF2) !== 0;
  switch (row.encoding.prefix) {
    case "":
      return true;
    case "NP":
      return !has66 && !hasF3 && !hasF2;
    case "NFx":
      return !hasF3 && !hasF2;
    case "66":
      return has66 && !hasF3 && !hasF2;
    case "F3":
      return hasF3;
    case "F2":
      return hasF2;
  }
}

function modRmFits(row: Row, modRm: number): boolean {
  const { hasModRm, digit, rm, mod } = row.encoding;
  if (!hasModRm) return true;
  if (digit >= 0 && digit !== ((modRm >> 3) & 7)) return false;
  if (rm >= 0 && rm !== (modRm & 7)) return false;
  const isRegister = modRm >= 0xc0;
  return mod === "any" || mod === "ignored" || (mod === "register") === isRegister;
}

function fits(row: Row, selection: number, modRm: number): boolean {
  const mode = selection & 3;
  if (!(mode === SELECT.mode[64] ? row.long : row.legacy)) return false;
  const { w } = row.encoding;
  if (w >= 0 && w !== ((selection & SELECT.w) === 0 ? 0 : 1)) return false;
  if (row.withoutRexB && (selection & SELECT.rexB) !== 0) return false;
  if ((row.addressSizes & (2 << (selection >> SELECT.addressShift))) === 0) return false;
  return (
    (row.operandSizes & operandSizeOf(row, selection)) !== 0 &&
    prefixFits(row, selection) &&
    modRmFits(row, modRm)
  );
}

/** How much a row asks for: of two rows that fit, the one that asks for more is meant. */
function specificity(row: Row): number {
  const { prefix, w, rm, digit, mod } = row.encoding;
  return (
    (rm >= 0 ? 32 : 0) +
    (prefix !== "" ? 16 : 0) +
    (row.withoutRexB ? 8 : 0) +
    (digit >= 0 ? 4 : 0) +
    (mod === "register" || mod === "memory" ? 2 : 0) +
    (w === 1 ? 1 : 0)
  );
}

function makeBuckets(): (Bucket | undefined)[] {
  const buckets: (Bucket | undefined)[] = new Array(BUCKETS).fill(undefined);
  for (const row of ROWS) {
    const { vex, map, opcode, opcodeRegister, hasModRm } = row.encoding;
    const first = (vex ? VEX_BASE : 0) + MAP_BASE[map] + opcode;
    for (let place = first; place < first + (opcodeRegister ? 8 : 1); place++) {
      const bucket = buckets[place];
      if (bucket === undefined) buckets[place] = { hasModRm, rows: [row], memo: [] };
      else bucket.rows.push(row);
    }
  }
  return buckets;
}

/** By map and opcode: MAP_BASE (and VEX_BASE) plus opcode. Undefined where the table has no row. */
export const BUCKETS_BY_OPCODE: readonly (Bucket | undefined)[] = makeBuckets();

function remembered(bucket: Bucket, selection: number): Int16Array {
  if (bucket.memo.length === 0) {
    bucket.memo.length = SELECTIONS;
    bucket.rows.sort((a, b) => specificity(b) - specificity(a));
  }
  const memo = new Int16Array(bucket.hasModRm ? 256 : 1).fill(UNKNOWN);
  bucket.memo[selection] = memo;
  return memo;
}

/** The row of a bucket; `modRm` is 0 where the bucket has none. Undefined if nothing fits: #UD. */
export function selectRow(bucket: Bucket, selection: number, modRm: number): Row | undefined {
  const memo = bucket.memo[selection] ?? remembered(bucket, selection);
  let index = memo[modRm]!;
  if (index === UNKNOWN) {
    index = bucket.rows.find((row) => fits(row, selection, modRm))?.index ?? NONE;
    memo[modRm] = index;
  }
  return index === NONE ? undefined : ROWS[index];
}
