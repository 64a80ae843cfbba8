/**
 * Agile paging's policy: which guest tables the hardware walks itself, in two dimensions ("nested"), and which have shadows.
 * Gandhi, Hill & Swift, ISCA 2016, "What degree of nesting to use":
 *
 *      shadow → nested   a guest table is written as often as `writes` says within one interval: it, and with it all below
 *      nested → shadow   at the end of an interval, a table below shadows whose dirty bit in the nested table stayed clear;
 *                        parents before children, since a walk that went over to the guest's tables does not come back
 *      start             an address space that is new is nested (few live long enough to pay for shadows), or shadowed
 *
 * A table with a shadow is never nested. The dirty bits of nested tables are cleared at the end of each interval, in the
 * nested table and in shadow leaves that map the table's frame; the first that were never cleared say nothing and count as
 * written. Left out: the paper's threshold of TLB misses, below which an address space stays nested.
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
  /** The hardware carries dirty bits from shadow leaves to the guest's tables. */
  readonly marksDirty: boolean;
  /** Guest frames where tables can lie. */
  readonly tableFrames: number;
}

interface Nested {
  /** Of the table. */
  readonly level: number;
  /** Its dirty bit was cleared, so that it says whether the table was written since. */
  isWatched: boolean;
}

export class Nesting {
  private readonly nested = new Map<Gfn, Nested>();
  /** Writes in the running interval to tables that have shadows. */
  private readonly writes = new Map<Gfn, number>();
  /** Of the scan under way: tables that it was at. */
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

  /** A guest table of a level is nested from now on; its shadows, if any, go. */
  nest(gfn: Gfn, level: number): void {
    const { shadow } = this;
    if (!this.nested.has(gfn)) {
      this.nested.set(gfn, { level, isWatched: false });
      shadow().tables.keepSmall(gfn);
    }
    shadow().abandon(gfn);
    this.writes.delete(gfn);
  }

  /** Of a table with shadows: the level to nest it at, the highest at which the guest has it. */
  levelOf(gfn: Gfn): number {
    return Math.max(
      ...this.shadow()
        .tables.shadowsOf(gfn)
        .map(({ level }) => level),
    );
  }

  /** An interval ended: its writes count no more. */
  forgetWrites(): void {
    this.writes.clear();
  }

  /**
   * Looks at what is nested. Tables below shadows, and the running root, are shadowed if they were not written since the
   * last time. Returns the cycles of looking; what shadowing them took is the shadow's work.
   */
  scan(root: Gfn): number {
    const { machine, nested, seen } = this;
    const { events } = machine.counters;
    this.hasCleared = false;
    seen.clear();
    let work = 0;
    for (const [gfn, { level }] of [...nested]) {
      const isBelowShadow = gfn === root || this.shadow().tables.switchesTo(gfn).length > 0;
      if (isBelowShadow) work += this.visit(gfn, level, true);
    }
    if (this.hasCleared) machine.mmu.invalidateNested();
    events[EVENT.agile_scans]!++;
    return work;
  }

  /** One table and those below. @param mayBeShadowed the table above is. Returns cycles. */
  private visit(gfn: Gfn, level: number, mayBeShadowed: boolean): number {
    const { machine, seen, options } = this;
    if (gfn >= options.tableFrames || seen.has(gfn)) return 0;
    if (this.shadow().tables.find(gfn, level) !== undefined) return 0;
    seen.add(gfn);
    const wasWritten = this.takeDirty(gfn, level);
    const becomesShadowed = mayBeShadowed && !wasWritten;
    let work = machine.costs.agile_scan_table;
    if (level > 1) work += this.visitBelow(gfn, level, becomesShadowed);
    if (becomesShadowed) {
      this.forget(gfn);
      this.shadow().build(gfn, level);
      machine.counters.events[EVENT.agile_shadowed]!++;
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

  /** Whether a nested table was written since its dirty bit was last cleared, as it now is. A new one counts as written. */
  private takeDirty(gfn: Gfn, level: number): boolean {
    const { map, nested, options } = this;
    map.require(gfn);
    const known = nested.get(gfn);
    const isDirty = map.bits(gfn).dirty;
    if (known?.isWatched === true && !isDirty) return false;
    if (known === undefined) this.nest(gfn, level);
    nested.get(gfn)!.isWatched = true;
    if (isDirty) {
      map.setDirty(gfn, false);
      this.shadow().tables.takeAway(gfn, options.marksDirty ? D : RW | D);
      this.hasCleared = true;
    }
    return true;
  }

  private forget(gfn: Gfn): void {
    if (this.nested.delete(gfn)) this.shadow().tables.mayBeLarge(gfn);
  }
}
