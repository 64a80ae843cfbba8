/**
 * Writable page tables: a store of the guest's kernel into one of its lowest tables faults, for it is mapped read-only, and the
 * monitor makes it in the guest's stead after a look at the entries that it makes (xen/arch/x86/mm.c, ptwr_do_page_fault).
 */
import { EVENT } from "../../events/events.js";
import { FLAGS, GENERAL, RIP, RIP_HIGH } from "../../machine/cpu/places.js";
import { frameOf, RW } from "../../machine/mmu/entry.js";
import type { Domain } from "./call.js";
import { USE } from "./frame-types.js";

const WORDS = 1024;
const ENTRIES = 512;
const REGISTER_WORDS = 32;

export class TableStores {
  /** The table before the store, and the processor: what is put back if the guest may not. */
  private readonly before = new Int32Array(WORDS);
  private readonly registers = new Int32Array(REGISTER_WORDS);
  /** RIP, halves, and flags. */
  private readonly saved = new Int32Array(3);

  constructor(private readonly domain: Domain) {}

  /**
   * The kernel's instruction at RIP has faulted by writing at an address. Returns true if that was a store into a table, which
   * is made now; false if the fault is the guest's own. Cycles of the emulation are the caller's to charge.
   */
  emulate(address: number): boolean {
    const { domain } = this;
    const { paging, hardware } = domain;
    const { ram, counters } = hardware.machine;
    const mapping = paging.lowestEntry(address);
    if (mapping === undefined) return false;
    const word = mapping.table * WORDS + 2 * mapping.index;
    const table = frameOf(ram[word]!, ram[word + 1]!);
    if (paging.types.useOf(table) !== USE.l1) return false;
    this.before.set(ram.subarray(table * WORDS, (table + 1) * WORDS));
    this.saveProcessor();
    const low = ram[word]!;
    ram[word] = low | RW;
    this.forget(address);
    hardware.engine.retry();
    hardware.engine.stepAlone();
    hardware.engine.endBlock();
    ram[word] = (ram[word]! & ~RW) | (low & RW);
    this.forget(address);
    const first = table * WORDS;
    let isAllowed = true;
    for (let index = 0; index < ENTRIES; index++) {
      const at = first + 2 * index;
      const newLow = ram[at]!;
      const newHigh = ram[at + 1]!;
      const oldLow = this.before[2 * index]!;
      const oldHigh = this.before[2 * index + 1]!;
      if (newLow === oldLow && newHigh === oldHigh) continue;
      ram[at] = oldLow;
      ram[at + 1] = oldHigh;
      if (!isAllowed) continue;
      counters.events[EVENT.mmu_updates]!++;
      isAllowed = paging.update(table, index, newLow, newHigh);
    }
    if (!isAllowed) this.restoreProcessor();
    return isAllowed;
  }

  private forget(address: number): void {
    this.domain.hardware.paging.invalidatePage(Math.floor(address / 2 ** 32) | 0, address | 0);
  }

  private saveProcessor(): void {
    const { words } = this.domain.core;
    this.registers.set(words.subarray(GENERAL, GENERAL + REGISTER_WORDS));
    this.saved[0] = words[RIP]!;
    this.saved[1] = words[RIP_HIGH]!;
    this.saved[2] = words[FLAGS]!;
  }

  private restoreProcessor(): void {
    const { core } = this.domain;
    core.words.set(this.registers, GENERAL);
    core.words[FLAGS] = this.saved[2]!;
    core.jump(this.saved[0]!, this.saved[1]!);
  }
}
