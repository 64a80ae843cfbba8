/**
 * Random page tables in every format, as fast-check values: a few table frames that point at each other in any way, each
 * with a few entries of any bits. Entries that may be read as pointers to tables keep their frame within the tables.
 */
import fc from "fast-check";
import type { PagingFormat } from "../mmu/format.js";

/** Table frames, from 0: frame 0 is the root. */
export const TABLE_FRAMES = 6;
const SLOTS = 3;

/** Halves of one entry. */
export interface RandomEntry {
  readonly lo: number;
  readonly hi: number;
}

export interface RandomAccess {
  /** Halves of the address. */
  readonly hi: number;
  readonly lo: number;
  /** 0 read, 1 write, 2 fetch. */
  readonly kind: number;
  readonly user: boolean;
}

/** Entries at `indicesOf(format)` of each table, table after table. @param leafFrames frames of large pages. */
export function randomEntries(
  format: PagingFormat,
  leafFrames: fc.Arbitrary<number>,
): fc.Arbitrary<RandomEntry[]> {
  // Mostly what lets a walk go on; every other value too.
  const often = (wanted: number): fc.Arbitrary<number> =>
    fc.oneof({ weight: 6, arbitrary: fc.constant(wanted) }, { weight: 1, arbitrary: fc.constant(0) });
  const flags = fc
    .tuple(
      often(1),
      often(2),
      often(4),
      fc.integer({ min: 0, max: 0x78 >>> 3 }),
      fc.integer({ min: 0, max: 15 }),
    )
    .map(([p, rw, us, middle, high]) => p | rw | us | (middle << 3) | (high << 8));
  const pointer = fc
    .tuple(flags, fc.nat(TABLE_FRAMES - 1))
    .map(([f, frame]) => ({ lo: f | (frame << 12), hi: 0 }));
  const large = fc
    .tuple(flags, leafFrames)
    .map(([f, frame]) => ({ lo: f | 0x80 | (frame << 12), hi: frame >>> 20 }));
  const odd = fc.tuple(flags, fc.integer()).map(([f, frame]) => ({ lo: f | 0x80 | (frame << 12), hi: 0 }));
  const highBits = fc.oneof(
    { weight: 12, arbitrary: fc.constant(0) },
    { weight: 2, arbitrary: fc.constant(1 << 31) },
    { weight: 1, arbitrary: fc.integer({ min: 8, max: 30 }).map((bit) => 1 << bit) },
  );
  const entry = fc
    .tuple(
      fc.oneof(
        { weight: 8, arbitrary: pointer },
        { weight: 3, arbitrary: large },
        { weight: 1, arbitrary: odd },
      ),
      highBits,
    )
    .map(([{ lo, hi }, high]) => ({ lo, hi: format.entryBytes === 8 ? hi | high : 0 }));
  const length = TABLE_FRAMES * SLOTS;
  return fc.array(entry, { minLength: length, maxLength: length });
}

/** Addresses that are indexed by the random entries, at every level. */
export function randomAccesses(format: PagingFormat, maxLength: number): fc.Arbitrary<RandomAccess[]> {
  const slots = fc.array(fc.nat(SLOTS - 1), { minLength: 5, maxLength: 5 });
  const access = fc.record({ slots, offset: fc.nat(511), kind: fc.nat(2), user: fc.boolean() });
  return fc.array(
    access.map(({ slots, offset, kind, user }) => {
      const indices = indicesOf(format);
      let address = BigInt(offset * 8);
      for (let level = 1; level <= format.levels; level++) {
        const index =
          level === format.levels
            ? indices[slots[level - 1]!]! % format.rootEntries
            : indices[slots[level - 1]!]!;
        address |= BigInt(index) << BigInt(format.shifts[level]!);
      }
      // Canonical: the highest translated bit goes on to the left.
      const signed = format.addressBits === 32 ? address : BigInt.asIntN(format.addressBits, address);
      return {
        hi: Number(BigInt.asIntN(32, signed >> 32n)),
        lo: Number(BigInt.asIntN(32, signed)),
        kind,
        user,
      };
    }),
    { minLength: 1, maxLength },
  );
}

/** The indices within a table that hold entries. */
export function indicesOf(format: PagingFormat): readonly number[] {
  return [0, 1, format.entries - 1];
}

/** Writes the entries into RAM, each table at `frameOf(table)`. */
export function writeTables(
  ram: Int32Array,
  format: PagingFormat,
  entries: readonly RandomEntry[],
  frameOf: (table: number) => number = (table) => table,
): void {
  const stride = format.entryBytes / 4;
  entries.forEach(({ lo, hi }, at) => {
    const table = frameOf(Math.floor(at / SLOTS));
    const word = table * 1024 + indicesOf(format)[at % SLOTS]! * stride;
    ram[word] = lo;
    if (stride === 2) ram[word + 1] = hi;
  });
}

/** The linear address that the oracle takes. */
export function linearOf(format: PagingFormat, { hi, lo }: RandomAccess): bigint {
  const address = (BigInt(hi) << 32n) | BigInt(lo >>> 0);
  return BigInt.asUintN(format.addressBits === 32 ? 32 : 64, address);
}
