/**
 * What the hardware walks while the guest has paging off: 32-bit tables that map each guest-physical address to where the
 * monitor keeps it, page by page as the guest touches them.
 */
import { OWNER } from "../../../events/memory-owners.js";
import { addressOf, type Gfn, type Hfn } from "../../../machine/address.js";
import { A, D, entryLo, frameOf, P, RW, US } from "../../../machine/mmu/entry.js";
import type { GuestMap } from "../guest-map.js";
import type { ShadowHardware } from "./shadow-hardware.js";

const ENTRIES = 1024;
const ROOT_LEVEL = 2;

export class FlatTables {
  readonly root: Hfn;
  /** Guest frames that the monitor follows what is written to: mapped read-only. */
  readonly traced = new Set<Gfn>();

  constructor(
    private readonly hardware: ShadowHardware,
    private readonly map: GuestMap,
  ) {
    this.root = this.newTable();
    const { reserved, machine } = hardware;
    for (let index = 0; index < ENTRIES; index++)
      machine.ram[this.root * 1024 + index] = reserved?.entry(ROOT_LEVEL, index) ?? 0;
  }

  /** Maps a guest frame to itself. */
  fill(gfn: Gfn): void {
    const rights = this.traced.has(gfn) ? 0 : RW | D;
    this.hardware.machine.ram[this.word(gfn)] = entryLo(this.map.require(gfn), P | US | A | rights);
  }

  /** Guards a guest frame from now on. */
  trace(gfn: Gfn): void {
    if (this.traced.has(gfn)) return;
    this.traced.add(gfn);
    this.hardware.machine.ram[this.word(gfn)] = 0;
    this.hardware.invalidatePage(addressOf(0, gfn << 12));
  }

  /** Maps a guest frame for the length of one instruction, made by `step`. @param frame of the host. */
  during(gfn: Gfn, frame: Hfn, step: () => void): void {
    const word = this.word(gfn);
    this.hardware.machine.ram[word] = entryLo(frame, P | RW | US | A | D);
    step();
    this.hardware.machine.ram[word] = 0;
    this.hardware.invalidatePage(addressOf(0, gfn << 12));
  }

  private word(gfn: Gfn): number {
    const { ram } = this.hardware.machine;
    const root = this.root * 1024 + (gfn >>> 10);
    if ((ram[root]! & P) === 0) ram[root] = entryLo(this.newTable(), P | RW | US | A);
    const table = frameOf(ram[root]!, 0);
    return table * 1024 + (gfn % ENTRIES);
  }

  private newTable(): Hfn {
    const { machine } = this.hardware;
    const frame = machine.frames.takeBacked(OWNER.shadow_tables);
    machine.ram.fill(0, frame * 1024, frame * 1024 + 1024);
    return frame;
  }
}
