/**
 * Addresses that are the monitor's in every address space of its guest: the table from machine to pseudo-physical frames, which
 * the guest may read, and the descriptor table. A 32-bit guest has them in the last 168 MiB, a 64-bit one in slots 256 to 271
 * of each top table (xen-x86_32.h, xen-x86_64.h).
 */
import { OWNER } from "../../events/memory-owners.js";
import type { Hfn } from "../../machine/address.js";
import type { CodeMachine } from "../../machine/code-machine.js";
import { A, D, entryHi, entryLo, P, RW, US } from "../../machine/mmu/entry.js";
import { MACHINE_TO_PHYSICAL, XEN_DESCRIPTORS } from "./abi.js";
import { USE } from "./frame-types.js";

const ENTRIES = 512;
const WORDS = 1024;
/** Entries of a 32-bit guest's last page directory that are the monitor's, and that for the descriptor table. */
const FIRST_DIRECTORY_ENTRY = 428;
const DESCRIPTORS_DIRECTORY_ENTRY = 510;
/** Entries of a 64-bit guest's top tables, and that for the descriptor table. */
const FIRST_TOP_ENTRY = 256;
const END_TOP_ENTRY = 272;
const DESCRIPTORS_TOP_ENTRY = 262;
const DESCRIPTORS_ADDRESS = { 32: 0xffc0_0000, 64: -0x7d00_0000_0000 } as const;
const DESCRIPTOR_PAGES = XEN_DESCRIPTORS / 4096 + 1;

/** Descriptors of Xen's segments, upper halves: flat, 4 GiB, present, accessed (SDM vol. 3, 3.4.5). */
const FLAT_LOW = 0xffff;
const CODE_32 = (ring: number): number => 0xcf_9b00 | (ring << 13);
const DATA_32 = (ring: number): number => 0xcf_9300 | (ring << 13);
const CODE_64 = (ring: number): number => 0xaf_9b00 | (ring << 13);
/** By offset in Xen's page. */
const DESCRIPTORS: Readonly<Record<32 | 64, readonly (readonly [number, number])[]>> = {
  32: [
    [0x18, CODE_32(1)],
    [0x20, DATA_32(1)],
    [0x28, CODE_32(3)],
    [0x30, DATA_32(3)],
  ],
  64: [
    [0x20, CODE_32(3)],
    [0x28, DATA_32(3)],
    [0x30, CODE_64(3)],
  ],
};

export class HypervisorSpace {
  /** Linear address of the descriptor table, and its limit. */
  readonly descriptors: number;
  readonly descriptorsLimit = DESCRIPTOR_PAGES * 4096 - 1;
  /** What top tables (64-bit) or last page directories (32-bit) have in the monitor's entries: two words each. */
  private readonly entries = new Int32Array(2 * ENTRIES);

  /** The lowest table for the descriptor table, and what is mapped where the guest has given no page. */
  private descriptorEntries: Hfn = -1;
  private readonly empty: Hfn;

  constructor(
    private readonly hardware: CodeMachine,
    private readonly bits: 32 | 64,
  ) {
    this.descriptors = DESCRIPTORS_ADDRESS[bits];
    // The guest's own fourteen pages of descriptors are at first one that is empty.
    this.empty = this.newFrame(OWNER.monitor_memory);
    this.mapDescriptors();
  }

  /** A page of the descriptor table is a frame of the guest's, or (undefined) empty. */
  mapDescriptorPage(page: number, frame: Hfn | undefined): void {
    this.setEntry(this.descriptorEntries, page, frame ?? this.empty, this.rights | D);
  }

  /** Whether an entry of a table is the monitor's. */
  owns(use: number, index: number): boolean {
    if (this.bits === 32) return use === USE.lastL2 && index >= FIRST_DIRECTORY_ENTRY;
    return use === USE.l4 && index >= FIRST_TOP_ENTRY && index < END_TOP_ENTRY;
  }

  /** Puts the monitor's entries into a table that has such. */
  install(frame: Hfn, use: number): void {
    const first = this.firstOf(use);
    if (first < 0) return;
    this.hardware.machine.ram.set(this.entries.subarray(2 * first, 2 * this.end), frame * WORDS + 2 * first);
  }

  /** Takes them out of one that is a table no longer. */
  remove(frame: Hfn, use: number): void {
    const first = this.firstOf(use);
    if (first >= 0)
      this.hardware.machine.ram.fill(0, frame * WORDS + 2 * first, frame * WORDS + 2 * this.end);
  }

  /** Makes the table from machine to pseudo-physical frames readable. @param guestFrames -1: not the guest's. */
  mapFrames(guestFrames: Int32Array): void {
    const { machine } = this.hardware;
    const wordsEach = this.bits / 32;
    const perPage = WORDS / wordsEach;
    const pages = Math.ceil(guestFrames.length / perPage);
    const frames: Hfn[] = [];
    for (let page = 0; page < pages; page++) {
      const frame = this.newFrame(OWNER.monitor_maps);
      for (let i = 0; i < perPage; i++) {
        const value = guestFrames[page * perPage + i] ?? -1;
        machine.ram.fill(value, frame * WORDS + i * wordsEach, frame * WORDS + (i + 1) * wordsEach);
        if (wordsEach === 2 && value >= 0) machine.ram[frame * WORDS + 2 * i + 1] = 0;
      }
      frames.push(frame);
    }
    const first = this.bits === 32 ? FIRST_DIRECTORY_ENTRY : FIRST_TOP_ENTRY;
    this.map(first, frames, MACHINE_TO_PHYSICAL[this.bits]);
  }

  private mapDescriptors(): void {
    const xens = this.newFrame(OWNER.monitor_memory);
    const { ram } = this.hardware.machine;
    for (const [offset, high] of DESCRIPTORS[this.bits]) {
      ram[xens * WORDS + offset / 4] = FLAT_LOW;
      ram[xens * WORDS + offset / 4 + 1] = high;
    }
    const frames = [...new Array<Hfn>(DESCRIPTOR_PAGES - 1).fill(this.empty), xens];
    const first = this.bits === 32 ? DESCRIPTORS_DIRECTORY_ENTRY : DESCRIPTORS_TOP_ENTRY;
    this.descriptorEntries = this.map(first, frames, this.descriptors);
  }

  /** 64-bit guests' kernels have no more rights than their programs: what they may read, these may. */
  private get rights(): number {
    return P | A | (this.bits === 64 ? US : 0);
  }

  /** Maps pages read-only from the beginning of an entry's range on. Returns the first of the lowest tables. */
  private map(first: number, frames: readonly Hfn[], address: number): Hfn {
    const { rights } = this;
    const tables: Hfn[] = [];
    for (const [page, frame] of frames.entries()) {
      if (page % ENTRIES === 0) tables.push(this.newFrame(OWNER.monitor_maps));
      this.setEntry(tables.at(-1)!, page % ENTRIES, frame, rights | D);
    }
    if (this.bits === 32) {
      for (const [i, table] of tables.entries()) this.setRootEntry(first + i, table, rights | RW);
      return tables[0]!;
    }
    const directory = this.newFrame(OWNER.monitor_maps);
    const pointers = this.newFrame(OWNER.monitor_maps);
    for (const [i, table] of tables.entries()) this.setEntry(directory, i, table, rights | RW);
    this.setEntry(pointers, Math.floor(address / 2 ** 30) & (ENTRIES - 1), directory, rights | RW);
    this.setRootEntry(first, pointers, rights | RW);
    return tables[0]!;
  }

  private setEntry(table: Hfn, index: number, frame: Hfn, flags: number): void {
    const { ram } = this.hardware.machine;
    ram[table * WORDS + 2 * index] = entryLo(frame, flags);
    ram[table * WORDS + 2 * index + 1] = entryHi(frame, flags);
  }

  private setRootEntry(index: number, frame: Hfn, flags: number): void {
    this.entries[2 * index] = entryLo(frame, flags);
    this.entries[2 * index + 1] = entryHi(frame, flags);
  }

  private firstOf(use: number): number {
    if (this.bits === 32) return use === USE.lastL2 ? FIRST_DIRECTORY_ENTRY : -1;
    return use === USE.l4 ? FIRST_TOP_ENTRY : -1;
  }
  private get end(): number {
    return this.bits === 32 ? ENTRIES : END_TOP_ENTRY;
  }

  private newFrame(owner: number): Hfn {
    const { frames, ram } = this.hardware.machine;
    const frame = frames.takeBacked(owner);
    ram.fill(0, frame * WORDS, (frame + 1) * WORDS);
    return frame;
  }
}
