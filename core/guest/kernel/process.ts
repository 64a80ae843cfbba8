/** A process of the guest: an address space and the areas mapped in it. One thread, no files. */
import type { Gfn } from "../../machine/address.js";
import { AreaList } from "./areas.js";
import type { AddressSpace } from "./mmu-ops.js";

export class Process implements AddressSpace {
  stale = false;
  pinned = false;

  constructor(
    readonly id: number,
    readonly root: Gfn,
    readonly areas: AreaList = new AreaList(),
  ) {}
}
