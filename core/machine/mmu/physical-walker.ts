/**
 * The walk of a guest that has paging off (CR0.PG is 0) while nested paging is on: its linear addresses are guest-physical,
 * and the second dimension alone translates them (Intel SDM vol. 3, 29.3.1, "unrestricted guest"; AMD APM vol. 2, 15.25.3).
 *
 *      linear = guest-physical → nL4 → nL3 → nL2 → nL1 → page        4 references
 *
 * Everything is allowed but what the nested entry forbids. Hot code: nothing is allocated, results are fields.
 */
import { D, NX, RW, US } from "./entry.js";
import { FETCH, WRITE } from "./permissions.js";
import { WALK_DONE, Walker } from "./walker.js";

export class PhysicalWalker extends Walker {
  protected override descend(hi: number, lo: number, kind: number): number {
    const host = this.host!;
    const gfn = (lo >>> 12) | (hi << 20);
    const write = kind === WRITE;
    const frame = host.translate(gfn, write, kind === FETCH);
    if (frame < 0) return this.violation(gfn, write, false);
    this.frame = frame;
    this.rights = RW | US | (host.writable ? D : 0) | (host.executable ? 0 : NX);
    this.order = host.order;
    this.guestOrder = host.order;
    return WALK_DONE;
  }
}
