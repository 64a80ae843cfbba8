/**
 * Agile paging's policy: which guest tables the hardware walks itself, in two dimensions ("nested"), and which have shadows.
 * Gandhi, Hill & Swift, ISCA 2016, "What degree of nesting to use":
 *
 *      shadow → nested   a guest table is written as often as `writes` says within one interval: it, and with it all below
 *      nested → shadow   a table below shadows whose dirty bit in the nested table stayed clear for an interval; parents
 *                        before children, since a walk that went over to the guest's tables does not come back
 *      start             an address space that is new is nested (few live long enough to pay for shadows), or shadowed
 *
 * The paper's interval is about a second of programs that run for minutes. Runs here are shorter, so a table waits no whole
 * interval at first, but `settle`; each time that it is turned nested again it has to stay unwritten for twice as long, an
 * interval at most. What is still is shadowed soon, and what is not comes to the paper's policy; `settle` equal to
 * `interval` is that policy from the start.
 *
 * A table with a shadow is never nested. When it is looked at, its dirty bit is cleared, in the nested table and in shadow
 * leaves that map the table's frame; one that was never cleared says nothing. Left out: the paper's threshold of TLB
 * misses, below which an address space stays nested.
 */
import { EVENT } from "../../../events/events.js";
import type { Gfn } from "../../../machine/address.js";
import type { Machine } from "../../../machine/machine.js";
import { D, frameOf, P, PS, RW } from "../../../machine/mmu/entry.js";
import type { GuestMap } from "../guest-map.js";
import type { ShadowPaging } from "../shadow/shadow-paging.js";

export interface NestingOptions {
  /** Writes within an interval that turn a table nested; at least 1. */
  readonly writes: number;
  /** Cycles that a table is unwritten before it is shadowed: at first, and at most. */
  readonly settle: number;
  readonly interval: number;
  /** The hardware carries dirty bits from shadow leaves to the guest's tables. */
  readonly marksDirty: boolean;
  /** Guest frames where tables can lie. */
  readonly tableFrames: number;
}

interface Nested {
  /** Of the table. */
  readonly level: number;
  /** When its dirty bit was cleared last, so that it says whether the table was written since; -1 is never. */
  cleanSince: number;
}

export class Nesting {
  private readonly nested = new Map<Gfn, Nested>();
  /** Writes in the running interval to tables that have shadows. */
  private readonly writes = new Map<Gfn, number>();
  /** Cycles that a table is to be unwritten; `settle` where there is none. */
  private readonly waits = new Map<Gfn, number>();
  /** Of the last scan: tables that were shadowed by it. */
  shadowed = 0;
  /** Of the scan under way: its time, and tables that it was at. */
  private now = 0;
  private readonly seen = new Set<Gfn>();
  /** Of the scan under way: some dirty bit was cleared. */
  private hasCleared = false;

  constructor(
    private readonly machine: Machine,
    private readonly map: GuestMap,
    private readonly shadow: () => ShadowPaging,
    private readonly options: NestingOptions,
  ) {}

  isNested(gfn: Gfn): boolean {
    return this.nested.has(gfn);
  }

  get count(): number {
    return this.nested.size;
  }

  /** A table with a shadow was written. Returns whether it is to be nested. */
  wrote(gfn: Gfn): boolean {
    const writes = (this.writes.get(gfn) ?? 0) + 1;
    this.writes.set(gfn, writes);
    return writes >= this.options.writes;
  }

  /** A guest table with shadows was written too often: it is nested from now on, and shadowed again later than last time. */
  turnNested(gfn: Gfn): void {
    const { waits, options } = this;
    waits.set(gfn, Math.min(2 * (waits.get(gfn) ?? options.settle), options.interval));
    const levels = this.shadow()
      .tables.shadowsOf(gfn)
      .map(({ level }) => level);
    this.nest(gfn, Math.max(...levels));
    this.machine.counters.events[EVENT.agile_nested]!++;
  }

  /** A guest table of a level is nested from now on; its shadows, if any, go. */
  nest(gfn: Gfn, level: number): void {
    const { shadow } = this;
    if (!this.nested.has(gfn)) {
      this.nested.set(gfn, { level, cleanSince: -1 });
      shadow().tables.keepSmall(gfn);
    }
    shadow().abandon(gfn);
    this.writes.delete(gfn);
  }

  /** An interval ended: its writes count no more. */
  forgetWrites(): void {
    this.writes.clear();
  }

  /**
   * Looks at what is nested. Tables below shadows, and the running root, are shadowed if they were not written for long
   * enough. Returns the cycles of looking; what shadowing them took is the shadow's work.
   */
  scan(root: Gfn, now: number): number {
    const { machine, nested, seen } = this;
    this.now = now;
    this.shadowed = 0;
    this.hasCleared = false;
    seen.clear();
    let work = 0;
    for (const [gfn, { level }] of [...nested]) {
      const isBelowShadow = gfn === root || this.shadow().tables.switchesTo(gfn).length > 0;
      if (isBelowShadow) work += this.visit(gfn, level, true);
    }
    if (this.hasCleared) machine.mmu.invalidateNested();
    machine.counters.events[EVENT.agile_scans]!++;
    machine.counters.events[EVENT.agile_shadowed]! += this.shadowed;
    return work;
  }

  /** One table and those below. @param mayBeShadowed the table above is. Returns cycles. */
  private visit(gfn: Gfn, level: number, mayBeShadowed: boolean): number {
    const { machine, seen, options } = this;
    if (gfn >= options.tableFrames || seen.has(gfn)) return 0;
    if (this.shadow().tables.find(gfn, level) !== undefined) return 0;
    seen.add(gfn);
    const becomesShadowed = this.isStill(gfn, level) && mayBeShadowed;
    let work = machine.costs.agile_scan_table;
    if (level > 1) work += this.visitBelow(gfn, level, becomesShadowed);
    if (becomesShadowed) {
      this.forget(gfn);
      this.shadow().build(gfn, level);
      this.shadowed++;
    }
    return work;
  }

  private visitBelow(gfn: Gfn, level: number, mayBeShadowed: boolean): number {
    const { ram, costs, paging } = this.machine;
    const first = this.map.require(gfn) * 1024;
    let work = paging.entries * costs.shadow_sync_entry;
    for (let word = first; word < first + 1024; word += 2) {
      if ((ram[word]! & (P | PS)) === P)
        work += this.visit(frameOf(ram[word]!, ram[word + 1]!), level - 1, mayBeShadowed);
    }
    return work;
  }

  /** Whether a table was not written for as long as it is to wait. A dirty one is clean from now on. */
  private isStill(gfn: Gfn, level: number): boolean {
    const { map, nested, options, now } = this;
    map.require(gfn);
    if (!nested.has(gfn)) this.nest(gfn, level);
    const known = nested.get(gfn)!;
    const isDirty = map.bits(gfn).dirty;
    if (known.cleanSince >= 0 && !isDirty)
      return now - known.cleanSince >= (this.waits.get(gfn) ?? options.settle);
    known.cleanSince = now;
    if (isDirty) {
      map.setDirty(gfn, false);
      this.shadow().tables.takeAway(gfn, options.marksDirty ? D : RW | D);
      this.hasCleared = true;
    }
    return false;
  }

  private forget(gfn: Gfn): void {
    if (this.nested.delete(gfn)) this.shadow().tables.mayBeLarge(gfn);
  }
}
