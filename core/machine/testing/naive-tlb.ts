/**
 * The modelled TLBs written down plainly: lists of entries that know their own VPID, PCID and page, orders of use kept as
 * lists, tree-PLRU with a real bit for every node. Flushes look at every entry. Intel SDM vol. 3, 4.10 and 29.4.
 */
import type { ReplacementPolicy, TlbGeometry } from "../../events/profile.js";
import { PAGE_SIZES } from "../../util/units.js";

/** What a walk finds. Pages are numbers of 4 KiB; `order` is log2 of the pages that can be held as one entry. */
export interface NaiveMapping {
  readonly order: number;
  /** log2 of the pages of the guest's own mapping. */
  readonly guestOrder: number;
  /** Host frame of the 4 KiB page asked for. */
  readonly frame: number;
  readonly global: boolean;
  readonly user: boolean;
  readonly writable: boolean;
  readonly executable: boolean;
}

export interface NaiveAccess {
  readonly page: number;
  /** 0 read, 1 write, 2 fetch. */
  readonly kind: number;
  readonly user: boolean;
}

interface Entry extends NaiveMapping {
  readonly vpid: number;
  readonly pcid: number;
  /** First page that the entry translates, and its frame. */
  readonly page: number;
  readonly dirty: boolean;
}

/** One set: its ways, and what each policy remembers. */
class NaiveSet {
  readonly ways: (Entry | undefined)[];
  /** Ways, the one used (filled) longest ago first. */
  private readonly used: number[] = [];
  private readonly filled: number[] = [];
  /** By node of the tree (1 is the root): whether the upper half is the next victim's. */
  private readonly bits: boolean[] = [];

  constructor(
    count: number,
    private readonly policy: ReplacementPolicy,
  ) {
    this.ways = new Array<Entry | undefined>(count).fill(undefined);
  }

  use(way: number): void {
    moveToEnd(this.used, way);
    let node = 1;
    for (let half = this.ways.length / 2; half >= 1; half /= 2) {
      const isUpper = (way & half) !== 0;
      this.bits[node] = !isUpper;
      node = 2 * node + (isUpper ? 1 : 0);
    }
  }

  place(entry: Entry, known: number): void {
    const free = this.ways.indexOf(undefined);
    const way = known >= 0 ? known : free >= 0 ? free : this.victim();
    this.ways[way] = entry;
    moveToEnd(this.filled, way);
    this.use(way);
  }

  private victim(): number {
    if (this.policy === "lru") return this.used[0]!;
    if (this.policy === "fifo") return this.filled[0]!;
    let node = 1;
    let way = 0;
    for (let half = this.ways.length / 2; half >= 1; half /= 2) {
      const isUpper = this.bits[node] === true;
      if (isUpper) way += half;
      node = 2 * node + (isUpper ? 1 : 0);
    }
    return way;
  }
}

function moveToEnd(list: number[], item: number): void {
  const at = list.indexOf(item);
  if (at >= 0) list.splice(at, 1);
  list.push(item);
}

interface NaiveArray {
  readonly orders: readonly number[];
  readonly sets: readonly NaiveSet[];
}

/** One level of TLB. */
class NaiveLevel {
  private readonly arrays: readonly NaiveArray[];
  private readonly orders: readonly number[];

  constructor(
    geometries: readonly TlbGeometry[],
    private readonly fractures: boolean,
  ) {
    this.arrays = geometries.map(({ entries, ways, pages, policy }) => ({
      orders: pages.map((page) => Math.log2(PAGE_SIZES[page] / 4096)),
      sets: Array.from({ length: entries / ways }, () => new NaiveSet(ways, policy)),
    }));
    this.orders = this.arrays.flatMap(({ orders }) => orders).sort((a, b) => a - b);
  }

  find(page: number, vpid: number, pcid: number): { set: NaiveSet; way: number; entry: Entry } | undefined {
    for (const order of this.orders) {
      const set = this.setOf(page, order);
      const way = set.ways.findIndex(
        (entry) =>
          entry !== undefined &&
          entry.order === order &&
          entry.vpid === vpid &&
          (entry.global || entry.pcid === pcid) &&
          entry.page === page - (page % 2 ** order),
      );
      if (way >= 0) return { set, way, entry: set.ways[way]! };
    }
    return undefined;
  }

  /** Holds a mapping in the largest size that there is for it. */
  fill(page: number, vpid: number, pcid: number, mapping: NaiveMapping, dirty: boolean): void {
    const order = this.fractures
      ? this.orders.findLast((size) => size <= mapping.order)
      : this.orders.find((size) => size === mapping.order);
    if (order === undefined) return;
    const offset = page % 2 ** order;
    const known = this.find(page, vpid, pcid);
    const entry = {
      ...mapping,
      order,
      vpid,
      pcid,
      page: page - offset,
      frame: mapping.frame - offset,
      dirty,
    };
    this.setOf(page, order).place(entry, known?.way ?? -1);
  }

  drop(isGone: (entry: Entry) => boolean): void {
    for (const { sets } of this.arrays) {
      for (const { ways } of sets) {
        ways.forEach((entry, way) => {
          if (entry !== undefined && isGone(entry)) ways[way] = undefined;
        });
      }
    }
  }

  private setOf(page: number, order: number): NaiveSet {
    const { sets } = this.arrays.find(({ orders }) => orders.includes(order))!;
    return sets[Math.floor(page / 2 ** order) % sets.length]!;
  }
}

export type NaiveOutcome = "hit" | "second level" | "miss" | "not allowed";

export class NaiveTlb {
  vpid = 0;
  pcid = 0;
  private readonly l1d: NaiveLevel;
  private readonly l1i: NaiveLevel;
  private readonly l2: NaiveLevel;

  constructor(tlb: {
    readonly l1d: readonly TlbGeometry[];
    readonly l1i: readonly TlbGeometry[];
    readonly l2: readonly TlbGeometry[];
  }) {
    this.l1d = new NaiveLevel(tlb.l1d, true);
    this.l1i = new NaiveLevel(tlb.l1i, true);
    this.l2 = new NaiveLevel(tlb.l2, false);
  }

  /** @param walk what the tables say, and whether the page is dirty after this access; undefined is a fault. */
  access(
    access: NaiveAccess,
    walk: () => { readonly mapping: NaiveMapping; readonly dirty: boolean } | undefined,
  ): { readonly l1: NaiveOutcome; readonly frame: number | undefined } {
    const { page, kind } = access;
    const { vpid, pcid } = this;
    const first = kind === 2 ? this.l1i : this.l1d;
    const near = first.find(page, vpid, pcid);
    if (near !== undefined && isAllowed(near.entry, access)) {
      near.set.use(near.way);
      return { l1: "hit", frame: near.entry.frame + page - near.entry.page };
    }
    const far = this.l2.find(page, vpid, pcid);
    if (near === undefined && far !== undefined && isAllowed(far.entry, access)) {
      far.set.use(far.way);
      const frame = far.entry.frame + page - far.entry.page;
      first.fill(page, vpid, pcid, { ...far.entry, frame }, far.entry.dirty);
      return { l1: "second level", frame };
    }
    const l1 = near !== undefined || far !== undefined ? "not allowed" : "miss";
    const found = walk();
    if (found === undefined) return { l1, frame: undefined };
    this.l2.fill(page, vpid, pcid, found.mapping, found.dirty);
    first.fill(page, vpid, pcid, found.mapping, found.dirty);
    return { l1, frame: found.mapping.frame };
  }

  drop(
    isGone: (entry: {
      vpid: number;
      pcid: number;
      global: boolean;
      page: number;
      guestOrder: number;
    }) => boolean,
  ): void {
    for (const level of [this.l1d, this.l1i, this.l2]) level.drop(isGone);
  }

  /** Drops one address of a PCID: whatever holds a part of the guest's page around it. */
  dropPage(page: number, pcid: number, globalToo: boolean): void {
    this.drop((entry) => {
      const size = 2 ** entry.guestOrder;
      const isThere = Math.floor(entry.page / size) === Math.floor(page / size);
      return entry.vpid === this.vpid && isThere && (entry.global ? globalToo : entry.pcid === pcid);
    });
  }
}

function isAllowed(entry: Entry, { kind, user }: NaiveAccess): boolean {
  if (user && !entry.user) return false;
  if (kind === 1) return entry.writable && entry.dirty;
  return kind === 0 || entry.executable;
}
