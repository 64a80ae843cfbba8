/**
 * What the hardware walks while the guest has paging off: 32-bit tables that map each guest-physical address to where the
 * monitor keeps it, page by page as the guest touches them.
 */
import { OWNER } from "../../../events/memory-owners.js";
import type { Gfn, Hfn } from "../../../machine/address.js";
import { A, D, entryLo, frameOf, P, RW, US } from "../../../machine/mmu/entry.js";
import type { GuestMap } from "../guest-map.js";
import type { ShadowHardware } from "./shadow-hardware.js";

const ENTRIES = 1024;

export class FlatTables {
  readonly root: Hfn;

  constructor(
    private readonly hardware: ShadowHardware,
    private readonly map: GuestMap,
  ) {
    this.root = this.newTable();
    const { reserved, machine } = hardware;
    for (let index = 0; index < ENTRIES; index++)
      machine.ram[this.root * 1024 + index] = reserved?.rootEntry(index) ?? 0;
  }

  /** Maps a guest frame to itself. */
  fill(gfn: Gfn): void {
    const { ram } = this.hardware.machine;
    const root = this.root * 1024 + (gfn >>> 10);
    if ((ram[root]! & P) === 0) ram[root] = entryLo(this.newTable(), P | RW | US | A);
    const table = frameOf(ram[root]!, 0);
    ram[table * 1024 + (gfn % ENTRIES)] = entryLo(this.map.require(gfn), P | RW | US | A | D);
  }

  private newTable(): Hfn {
    const { machine } = this.hardware;
    const frame = machine.frames.takeBacked(OWNER.shadow_tables);
    machine.ram.fill(0, frame * 1024, frame * 1024 + 1024);
    return frame;
  }
}
