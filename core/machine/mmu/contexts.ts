/**
 * Context tags. Hardware tags a translation with its VPID (or ASID) and PCID; here each pair that is in use has one
 * small number, its context, so that a tag is one comparison. Global pages have a context of their own for each VPID.
 *
 * Flushing a pair gives it a new number: what carries the old one can no longer match, and counts as invalid wherever a
 * victim is chosen. So a flush costs the same whatever the size of the TLB, and results are those of clearing each entry.
 */
import type { Allocation } from "../memory.js";

/** Contexts at one time, flushed ones included; a power of two. Contexts stand above 13 bits of address in a tag. */
const CONTEXTS = 1 << 17;
export const CONTEXT_SHIFT = 13;

/** States of a context number: never used or swept; its entries may match; flushed, but entries may still carry it. */
const FREE = 0;
export const ALIVE = 1;
const DEAD = 2;

/** VPIDs have 16 bits; above them stand tags that are not a VPID's. */
const LAST_VPID = 0xffff;

/** The stand-in PCID for global pages. */
const GLOBAL_PCID = 4096;

export function allocateContexts(allocation: Allocation): Uint8Array {
  return allocation.uint8(CONTEXTS);
}

export interface ContextsState {
  readonly numbers: readonly (readonly [key: number, number: number])[];
  readonly next: number;
}

export class Contexts {
  private readonly numbers = new Map<number, number>();
  private next = 0;

  /**
   * @param state one byte a context.
   * @param sweep called when numbers run out: must invalidate every entry whose context is not ALIVE.
   */
  constructor(
    private readonly state: Uint8Array,
    private readonly sweep: () => void,
  ) {}

  /** Tag bits (context in place) of a VPID and PCID. */
  tag(vpid: number, pcid: number): number {
    const key = vpid * 8192 + pcid;
    let number = this.numbers.get(key);
    if (number === undefined) {
      number = this.fresh();
      this.numbers.set(key, number);
    }
    return number << CONTEXT_SHIFT;
  }

  /** Tag bits of the global pages of a VPID. */
  globalTag(vpid: number): number {
    return this.tag(vpid, GLOBAL_PCID);
  }

  /** Drops the translations of one PCID, global ones kept. */
  flush(vpid: number, pcid: number): void {
    const key = vpid * 8192 + pcid;
    const number = this.numbers.get(key);
    if (number === undefined) return;
    this.state[number] = DEAD;
    this.numbers.delete(key);
  }

  /** Drops the translations of every PCID of a VPID; global ones too unless kept. */
  flushVpid(vpid: number, keepGlobal: boolean): void {
    for (const key of [...this.numbers.keys()]) {
      if (Math.floor(key / 8192) !== vpid || (keepGlobal && key % 8192 === GLOBAL_PCID)) continue;
      this.flush(vpid, key % 8192);
    }
  }

  /** Tags of everything alive of a VPID, in place: its PCIDs', and its global pages'. */
  tagsOf(vpid: number): number[] {
    const tags: number[] = [];
    for (const [key, number] of this.numbers)
      if (Math.floor(key / 8192) === vpid) tags.push(number << CONTEXT_SHIFT);
    return tags;
  }

  /** Drops the translations of every guest's VPID: the combined mappings. */
  flushGuests(): void {
    for (const key of [...this.numbers.keys()]) {
      const vpid = Math.floor(key / 8192);
      if (vpid > 0 && vpid <= LAST_VPID) this.flush(vpid, key % 8192);
    }
  }

  /** What is not in linear memory, to be put back by `restore` together with that. */
  save(): ContextsState {
    return { numbers: [...this.numbers], next: this.next };
  }

  restore({ numbers, next }: ContextsState): void {
    this.numbers.clear();
    for (const [key, number] of numbers) this.numbers.set(key, number);
    this.next = next;
  }

  private fresh(): number {
    for (;;) {
      this.next++;
      if (this.next === CONTEXTS) {
        this.sweep();
        for (let number = 1; number < CONTEXTS; number++)
          if (this.state[number] === DEAD) this.state[number] = FREE;
        this.next = 1;
      }
      if (this.state[this.next] === FREE) {
        this.state[this.next] = ALIVE;
        return this.next;
      }
    }
  }
}
