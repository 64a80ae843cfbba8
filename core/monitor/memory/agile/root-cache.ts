/**
 * The small cache of agile paging's hardware from a guest's CR3 to the root that is walked, so that a switch between address
 * spaces that were switched to before needs no monitor (Gandhi, Hill & Swift, ISCA 2016, an option of theirs). Fully
 * associative, least recently used goes; the monitor takes out roots that it walks otherwise from now on.
 */
import type { Gfn } from "../../../machine/address.js";

export class RootCache {
  /** In the order of use. */
  private readonly roots = new Set<Gfn>();

  /** @param entries 0: there is none. */
  constructor(private readonly entries: number) {}

  /** Whether a root is there; it is from now on. */
  use(root: Gfn): boolean {
    const isKnown = this.roots.delete(root);
    this.roots.add(root);
    if (this.roots.size > this.entries) this.roots.delete(this.roots.values().next().value!);
    return isKnown;
  }

  drop(root: Gfn): void {
    this.roots.delete(root);
  }
}
