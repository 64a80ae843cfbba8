/**
 * The walk of agile paging, hardware that was proposed and never built (Gandhi, Hill & Swift, ISCA 2016): it begins in the
 * shadow tables, which map guest-virtual to host-physical, and goes over to the guest's own table where a shadow entry has
 * the switching bit. From there on it is a nested walk. With four levels each way, and nothing cached:
 *
 *      sL4 → sL3 → sL2 → sL1 → page                                        4 references: all in the shadow
 *      sL4 → sL3 → sL2 ⇒ gL1 → (nL4..nL1) → page                           8: switched at level 1
 *      sL4 → sL3 ⇒ gL2 → (nL4..nL1) → gL1 → (nL4..nL1) → page             12: switched at level 2
 *      sL4 ⇒ gL3 → …                                                      16
 *      root ⇒ gL4 → …                                                     20: the monitor knows where the guest's root is
 *      (nL4..nL1) → gL4 → …                                               24: no shadow at all
 *
 * A switching entry, and a root that is switched, hold the host frame of the guest's table, so it is not translated. The
 * paging-structure caches hold beside a table in which mode the walk goes on (the paper's bit; here the level of the switch).
 *
 * Accessed and dirty bits: a shadow entry exists only once the guest's is accessed. A page whose shadow leaf may be written
 * and is not dirty is walked in two dimensions from the guest's root, which sets the bits of the guest's leaf and the
 * nested one, before the shadow's is set (the paper's optional hardware; without it the monitor keeps such leaves
 * read-only). The walker's reads of guest tables are reads in the nested table, and its own updates of accessed and dirty
 * bits there leave that dirty bit alone: it is to say which tables the guest's kernel writes.
 *
 * Left out: formats without long mode, whose switching bit nobody proposed. Hot code: nothing is allocated.
 */
import { EVENT } from "../../events/events.js";
import { invariant } from "../../util/errors.js";
import { REGISTER } from "../registers.js";
import { frameOf, SWITCH } from "./entry.js";
import type { HostWalker } from "./host-walker.js";
import { WALK_PAGE_FAULT, WALK_SHADOW_FAULT, Walker, type WalkerParts } from "./walker.js";

/** Modes of a walk, and of a root: in the shadow; a level, 1 to 5, of the first guest table; or nested from the root on. */
export const SHADOW_MODE = 0;
export const NESTED_MODE = 6;

/** Where a paging-structure cache's flags hold the mode, clear of the rights. */
export const MODE_SHIFT = 8;
export const MODE_MASK = 7;

/** The walk in two dimensions by which a dirty bit reaches the guest's table. */
export class DirtyWalker extends Walker {
  override readonly rootRegister = "guestRoot";

  /** As `walk`, but counted by whoever asked. */
  mark(hi: number, lo: number, kind: number, user: boolean, tag: number, now: number): number {
    this.references = 0;
    return this.descend(hi, lo, kind, user, tag, now);
  }

  get marked(): number {
    return this.references;
  }
}

export class AgileWalker extends Walker {
  readonly dirtyWalker: DirtyWalker;
  private mode = SHADOW_MODE;

  constructor(parts: WalkerParts) {
    super(parts);
    const { host, format } = parts;
    invariant(host !== undefined, "agile paging has the second dimension");
    invariant(format.levels >= 4, "agile paging walks long mode's tables", () => format.name);
    this.dirtyWalker = new DirtyWalker({ ...parts, walkCaches: undefined });
  }

  /** How the root is walked: SHADOW_MODE, its level if it is switched, or NESTED_MODE. */
  set rootMode(mode: number) {
    this.parts.registers.words[REGISTER.rootMode] = mode;
  }

  /** CR3 as the guest has it. */
  set guestRoot(gfn: number) {
    this.parts.registers.words[REGISTER.guestRoot] = gfn;
  }

  protected override descend(
    hi: number,
    lo: number,
    kind: number,
    user: boolean,
    tag: number,
    now: number,
  ): number {
    const status = super.descend(hi, lo, kind, user, tag, now);
    this.parts.counters.events[EVENT.walks_shadow + this.mode]!++;
    return status;
  }

  protected override get second(): HostWalker | undefined {
    return this.mode === SHADOW_MODE ? undefined : this.parts.host;
  }

  protected override rootTable(): number {
    this.mode = this.parts.registers.words[REGISTER.rootMode]!;
    return this.mode === NESTED_MODE ? this.toHost(this.root) : this.root;
  }

  protected override tableBelow(lo: number, hi: number, level: number): number {
    if (this.mode !== SHADOW_MODE) return this.toHost(frameOf(lo, hi));
    if ((lo & SWITCH) !== 0) this.mode = level - 1;
    return frameOf(lo, hi);
  }

  protected override toCache(rights: number): number {
    return rights | (this.mode << MODE_SHIFT);
  }

  protected override fromCache(flags: number): number {
    this.mode = (flags >>> MODE_SHIFT) & MODE_MASK;
    return flags & ~(MODE_MASK << MODE_SHIFT);
  }

  protected override firstWrite(
    hi: number,
    lo: number,
    kind: number,
    user: boolean,
    tag: number,
    now: number,
  ): number {
    const { dirtyWalker } = this;
    this.parts.counters.events[EVENT.walks_dirty]!++;
    const status = dirtyWalker.mark(hi, lo, kind, user, tag, now);
    this.references += dirtyWalker.marked;
    return status;
  }

  /** What the shadow lacks is the monitor's affair, what the guest's own tables lack the guest's. */
  protected override fault(code: number, kind: number, user: boolean): number {
    const status = super.fault(code, kind, user);
    return status === WALK_PAGE_FAULT && this.mode === SHADOW_MODE ? WALK_SHADOW_FAULT : status;
  }
}
