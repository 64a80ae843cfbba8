/**
 * The data caches: up to three set-associative levels of 64-byte lines with exact LRU, for the walker's references and
 * (by choice) the guest's. A miss fills every level. Left out: write-back traffic, prefetching, back-invalidation,
 * sharing between cores. Hot code.
 *
 * A set's tags stand in order of last use, so one pass finds the line, moves it to the front and drops the last:
 *
 *      [ c  a  b  d ]   use b   →   [ b  c  a  d ]        use e   →   [ e  b  c  a ]   (d is dropped)
 *
 * A line is its frame and its number within the frame (0..63). With at least 64 sets the set index contains the line
 * number, and the frame alone is the tag; with fewer, the line's upper bits join the tag.
 */
import type { CacheGeometry, CpuProfile } from "../events/profile.js";
import { invariant } from "../util/errors.js";
import type { Allocation } from "./memory.js";

/** Tags of one level: sets * ways, most recently used first; 0 is empty (a tag is stored plus one). */
export interface CacheLevel {
  readonly tags: Int32Array;
  readonly ways: number;
  readonly setMask: number;
  /** Bits of the line number that belong to the tag. */
  readonly lineBits: number;
  readonly latency: number;
}

function setsOf(geometry: CacheGeometry): number {
  return geometry.sizeBytes / 64 / geometry.ways;
}

/** Declares the tags of a profile's caches. */
export function allocateCaches(allocation: Allocation, profile: CpuProfile): Int32Array[] {
  const { l1d, l2, l3 } = profile.caches;
  return [l1d, l2, ...(l3 === undefined ? [] : [l3])].map((level) =>
    allocation.int32(setsOf(level) * level.ways),
  );
}

/** Uses a line in one level. Returns whether it was there; it is the most recent afterwards. */
function use(level: CacheLevel, frame: number, line: number): boolean {
  const { tags, ways, lineBits } = level;
  const base = (((frame << 6) | line) & level.setMask) * ways;
  const tag = ((frame << lineBits) | (line >>> (6 - lineBits))) + 1;
  let previous = tags[base]!;
  if (previous === tag) return true;
  tags[base] = tag;
  for (let way = base + 1; way < base + ways; way++) {
    const here = tags[way]!;
    tags[way] = previous;
    if (here === tag) return true;
    previous = here;
  }
  return false;
}

export class Caches {
  /** Latency of memory behind the last level, cycles. */
  readonly dramLatency: number;
  readonly l1: CacheLevel;
  private readonly l2: CacheLevel;
  private readonly l3: CacheLevel | undefined;
  /** Where the last `access` was found: 1, 2, 3, or 4 for memory. */
  level = 1;

  constructor(tags: readonly Int32Array[], profile: CpuProfile) {
    const make = (geometry: CacheGeometry, index: number): CacheLevel => {
      const sets = setsOf(geometry);
      invariant(
        Number.isInteger(Math.log2(sets)) && sets >= 16,
        "cache sets are a power of two",
        () => geometry,
      );
      const lineBits = Math.max(0, 6 - Math.log2(sets));
      return {
        tags: tags[index]!,
        ways: geometry.ways,
        setMask: sets - 1,
        lineBits,
        latency: geometry.latency.value,
      };
    };
    const { l1d, l2, l3, dram } = profile.caches;
    this.l1 = make(l1d, 0);
    this.l2 = make(l2, 1);
    this.l3 = l3 === undefined ? undefined : make(l3, 2);
    this.dramLatency = dram.value;
  }

  /** The levels there are, first to last. */
  get levels(): readonly CacheLevel[] {
    return this.l3 === undefined ? [this.l1, this.l2] : [this.l1, this.l2, this.l3];
  }

  /** Uses one line and returns its latency in cycles; `level` says where it was. */
  access(frame: number, line: number): number {
    if (use(this.l1, frame, line)) {
      this.level = 1;
      return this.l1.latency;
    }
    if (use(this.l2, frame, line)) {
      this.level = 2;
      return this.l2.latency;
    }
    if (this.l3 !== undefined && use(this.l3, frame, line)) {
      this.level = 3;
      return this.l3.latency;
    }
    this.level = 4;
    return this.dramLatency;
  }
}
