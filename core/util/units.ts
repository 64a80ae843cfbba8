/** Sizes and page sizes as people write them ("16GiB", "4K"), and back. Sizes are bytes in an f64: exact to 2^53. */
import { UserError } from "./errors.js";

export const KIB = 1024;
export const MIB = 1024 * KIB;
export const GIB = 1024 * MIB;
export const TIB = 1024 * GIB;
const PIB = 1024 * TIB;

// biome-ignore format: one line reads better
const SUFFIXES: Readonly<Record<string, number>> = {
  "": 1, B: 1, K: KIB, KIB, KB: KIB, M: MIB, MIB, MB: MIB, G: GIB, GIB, GB: GIB, T: TIB, TIB, TB: TIB,
  P: PIB, PIB, PB: PIB,
};

/** "64MiB" → 67108864. Bare numbers are bytes. Binary multiples always (K = 1024). @throws UserError */
export function parseBytes(text: string | number): number {
  const match = /^\s*([0-9]+(?:\.[0-9]+)?)\s*([A-Za-z]*)\s*$/.exec(String(text));
  const multiple = match === null ? undefined : SUFFIXES[match[2]!.toUpperCase()];
  const bytes = match === null || multiple === undefined ? Number.NaN : Number(match[1]) * multiple;
  if (bytes > Number.MAX_SAFE_INTEGER)
    throw new UserError(`"${text}" is too large`, { mend: "sizes are below 8 PiB" });
  if (!Number.isSafeInteger(bytes)) {
    throw new UserError(`"${text}" is not a size`, {
      mend: "write a number with B, KiB, MiB, GiB, TiB or PiB, e.g. 64MiB",
    });
  }
  return bytes;
}

/** 67108864 → "64 MiB". At most two decimals; the largest unit that leaves at least 1. */
export function formatBytes(bytes: number): string {
  // biome-ignore format: one line reads better
  const units: [string, number][] = [["TiB", TIB], ["GiB", GIB], ["MiB", MIB], ["KiB", KIB]];
  for (const [name, size] of units) {
    if (Math.abs(bytes) >= size) return `${Number((bytes / size).toFixed(2))} ${name}`;
  }
  return `${bytes} B`;
}

/** Page sizes by their short names; 4M is the 32-bit format's large page. */
export const PAGE_SIZES = { "4K": 4 * KIB, "2M": 2 * MIB, "4M": 4 * MIB, "1G": GIB } as const;
export type PageSizeName = keyof typeof PAGE_SIZES;
