/**
 * Direct paging: the guest's tables hold machine frames and are what the hardware walks. The guest reads them freely; each
 * change is looked at before it is made (Barham et al., SOSP 2003, 3.3.3; xen/arch/x86/mm.c):
 *
 *      entry of the lowest level   a frame of the guest's; with the right to write: one that is used as memory alone
 *      entry above                 a frame that is, or becomes now, a table of the level below
 *
 * A table is looked at as a whole when it is used for the first time, and let go as a whole after the last.
 */
import type { Hfn } from "../../machine/address.js";
import type { CodeMachine } from "../../machine/code-machine.js";
import { CR3_WORD } from "../../machine/cpu/places.js";
import { frameOf, G, P, PS, RW, US } from "../../machine/mmu/entry.js";
import { PAGING_FORMATS, type PagingFormat } from "../../machine/mmu/format.js";
import { FrameTypes, levelOf, USE } from "./frame-types.js";
import type { HypervisorSpace } from "./hypervisor-space.js";

const ENTRIES = 512;
/** Of a 32-bit guest's pointers to page directories: bits that must be 0 (SDM vol. 3, table 4-8). */
const RESERVED_IN_POINTER = 0x1e6;
/** The pointer to the page directory of the last GiB. */
const LAST_POINTER = 3;

export class DirectPaging {
  readonly types: FrameTypes;
  readonly format: PagingFormat;
  /** Use of top tables. */
  readonly topUse: number;
  /** Top tables in use: the kernel's, or a 32-bit guest's only one; and that of a 64-bit guest's user mode, or -1. */
  kernelRoot: Hfn = -1;
  userRoot: Hfn = -1;
  private walked: Hfn = -1;
  private work = 0;

  constructor(
    private readonly hardware: CodeMachine,
    private readonly bits: 32 | 64,
    private readonly space: HypervisorSpace,
    /** Frames that the guest has. */
    readonly guestFrameCount: number,
  ) {
    const { frames } = hardware.machine.options;
    this.types = new FrameTypes(frames);
    this.format = PAGING_FORMATS[bits === 32 ? "pae" : "4-level"];
    this.topUse = bits === 32 ? USE.l3 : USE.l4;
  }

  /** Cycles of work since this was last asked. */
  takeWork(): number {
    const { work } = this;
    this.work = 0;
    return work;
  }

  // Roots.

  /** The guest's kernel gets another top table. */
  loadKernelRoot(frame: Hfn): boolean {
    if (!this.use(frame, this.topUse)) return false;
    const before = this.kernelRoot;
    this.kernelRoot = frame;
    this.walk(frame);
    // The load keeps global look-ups, which are those of a 64-bit guest's programs.
    if (this.bits === 64) this.forget();
    else this.types.flushed();
    if (before >= 0) this.release(before);
    return true;
  }

  /** User mode of a 64-bit guest gets another, or (-1) none. */
  loadUserRoot(frame: Hfn): boolean {
    if (frame >= 0 && !this.use(frame, this.topUse)) return false;
    const before = this.userRoot;
    this.userRoot = frame;
    if (before >= 0) this.release(before);
    return true;
  }

  /** The hardware walks the kernel's tables, or the user's. */
  switchTo(isKernel: boolean): void {
    const frame = isKernel ? this.kernelRoot : this.userRoot;
    if (frame !== this.walked) this.walk(frame);
  }

  /** Loads CR3. Look-ups of a 64-bit guest's programs are global, and stay. */
  private walk(frame: Hfn): void {
    const { paging, machine } = this.hardware;
    const { words } = machine.code!.cpu;
    this.walked = frame;
    words[CR3_WORD] = frame << 12;
    words[CR3_WORD + 1] = frame >>> 20;
    paging.loadRoot(false);
    if (this.bits === 32) machine.mmuFor("pae").walker.loadPdptes(0);
    this.work += machine.costs.cr3_load;
  }

  /** No look-up stays. */
  private forget(): void {
    this.hardware.paging.flushAll(false);
    this.types.flushed();
  }

  flushAll(): void {
    this.forget();
    this.work += this.hardware.machine.costs.cr3_load;
  }

  invalidate(address: number): void {
    this.hardware.paging.invalidatePage(Math.floor(address / 2 ** 32) | 0, address | 0);
    this.work += this.hardware.machine.costs.invlpg;
  }

  // What the guest asks for.

  /** A table stays one, whether or not it is used. @param use of the kind of table that it is to be. */
  pin(frame: Hfn, use: number): boolean {
    if (this.types.isPinned(frame) || !this.use(frame, use)) return false;
    this.types.setPinned(frame, true);
    return true;
  }

  unpin(frame: Hfn): boolean {
    if (!this.types.isGuests(frame) || !this.types.isPinned(frame)) return false;
    this.types.setPinned(frame, false);
    this.release(frame);
    return true;
  }

  /** Replaces an entry of a table, or 8 bytes of memory. Returns false where the guest may not. */
  update(frame: Hfn, index: number, low: number, high: number): boolean {
    const { types } = this;
    this.work += this.hardware.machine.costs.validate_update;
    if (!types.isGuests(frame)) return false;
    const use = types.useOf(frame);
    if (levelOf(use) === 0) {
      if (!this.use(frame, USE.writable)) return false;
      this.store(frame, index, low, high);
      this.release(frame);
      return true;
    }
    if (!this.isGuestsEntry(use, index)) return false;
    const { ram } = this.hardware.machine;
    const word = frame * 1024 + index * 2;
    const oldLow = ram[word]!;
    const oldHigh = ram[word + 1]!;
    if (!this.useEntry(use, index, low, high)) return false;
    this.store(frame, index, this.adjusted(use, low), high);
    this.releaseEntry(use, oldLow, oldHigh);
    // The hardware holds a 32-bit guest's four pointers in registers, and loads them with CR3 alone.
    if (use === USE.l3 && this.bits === 32 && frame === this.walked) this.walk(frame);
    return true;
  }

  /** The lowest entry for an address in the tables now walked: its table and index, or undefined without a table. */
  lowestEntry(address: number): { readonly table: Hfn; readonly index: number } | undefined {
    const { ram } = this.hardware.machine;
    let table = this.walked;
    for (let level = this.format.levels; level > 1; level--) {
      const word = table * 1024 + this.indexOf(address, level) * 2;
      const low = ram[word]!;
      if ((low & (P | PS)) !== P) return undefined;
      table = frameOf(low, ram[word + 1]!);
    }
    return { table, index: this.indexOf(address, 1) };
  }

  indexOf(address: number, level: number): number {
    const index = Math.floor(address / 2 ** this.format.shifts[level]!);
    return ((index % ENTRIES) + ENTRIES) % ENTRIES;
  }

  /** Writes 8 bytes of a frame, whatever it is used as. */
  store(frame: Hfn, index: number, low: number, high: number): void {
    const { machine, engine } = this.hardware;
    machine.ram[frame * 1024 + index * 2] = low;
    machine.ram[frame * 1024 + index * 2 + 1] = high;
    engine.wroteMemory(frame * 4096 + index * 8, 8);
  }

  // Uses of frames.

  /** Uses a frame once more as something; false where it is used as something else, or is not fit for it. */
  use(frame: Hfn, use: number): boolean {
    const { types } = this;
    const present = types.useOf(frame);
    if (present !== USE.none) {
      if (present !== use) return false;
      types.add(frame);
      return true;
    }
    if (use === USE.writable ? !types.isMappable(frame) : !types.isGuests(frame)) return false;
    if (types.begin(frame, use)) this.flushAll();
    if (levelOf(use) === 0 || this.validate(frame, use)) return true;
    types.drop(frame);
    return false;
  }

  /** A use ends. */
  release(frame: Hfn): void {
    const use = this.types.useOf(frame);
    if (!this.types.drop(frame) || levelOf(use) === 0) return;
    this.releaseEntries(frame, use, this.entriesOf(use));
  }

  private validate(frame: Hfn, use: number): boolean {
    const { machine } = this.hardware;
    const { ram } = machine;
    const { scan_entry, validate_entry } = machine.costs;
    const entries = this.entriesOf(use);
    for (let index = 0; index < entries; index++) {
      const word = frame * 1024 + index * 2;
      const low = ram[word]!;
      this.work += (low & P) === 0 ? scan_entry : validate_entry;
      if (((low & P) === 0 && use !== USE.l3) || !this.isGuestsEntry(use, index)) continue;
      if (!this.useEntry(use, index, low, ram[word + 1]!)) {
        this.releaseEntries(frame, use, index);
        return false;
      }
      const adjusted = this.adjusted(use, low);
      if (adjusted !== low) ram[word] = adjusted;
    }
    this.space.install(frame, use);
    return true;
  }

  /** Lets go of what the first `end` entries of a table refer to. */
  private releaseEntries(frame: Hfn, use: number, end: number): void {
    const { ram, costs } = this.hardware.machine;
    const { scan_entry, validate_entry } = costs;
    for (let index = 0; index < end; index++) {
      const word = frame * 1024 + index * 2;
      this.work += (ram[word]! & P) === 0 ? scan_entry : validate_entry;
      if ((ram[word]! & P) === 0 || !this.isGuestsEntry(use, index)) continue;
      this.releaseEntry(use, ram[word]!, ram[word + 1]!);
    }
    // What the monitor had there is not the guest's to find once it may write the frame.
    this.space.remove(frame, use);
  }

  private useEntry(use: number, index: number, low: number, high: number): boolean {
    if ((low & P) === 0) {
      // Without a page directory for the last GiB the monitor would be nowhere.
      return !(this.bits === 32 && use === USE.l3 && index === LAST_POINTER);
    }
    const frame = frameOf(low, high);
    if (use === USE.l1) {
      if (!this.types.isMappable(frame)) return false;
      return (low & RW) === 0 || this.use(frame, USE.writable);
    }
    if ((low & PS) !== 0 || (this.bits === 32 && use === USE.l3 && (low & RESERVED_IN_POINTER) !== 0))
      return false;
    return this.use(frame, this.useBelow(use, index));
  }

  private releaseEntry(use: number, low: number, high: number): void {
    if ((low & P) === 0) return;
    if (use !== USE.l1 || (low & RW) !== 0) this.release(frameOf(low, high));
  }

  private useBelow(use: number, index: number): number {
    if (use === USE.l3 && this.bits === 32 && index === LAST_POINTER) return USE.lastL2;
    return levelOf(use) - 1;
  }

  private entriesOf(use: number): number {
    return use === this.topUse ? this.format.rootEntries : ENTRIES;
  }

  private isGuestsEntry(use: number, index: number): boolean {
    return index < this.entriesOf(use) && !this.space.owns(use, index);
  }

  /**
   * A 64-bit guest's kernel runs at CPL 3 too: what is the kernel's alone is so by being in its tables alone. Pages of programs
   * become global, so that their look-ups outlast the changes between both (asm-x86/config.h, USER_MAPPINGS_ARE_GLOBAL).
   */
  private adjusted(use: number, low: number): number {
    if (this.bits === 32 || (low & P) === 0) return low;
    if (use !== USE.l1) return low | US;
    return (low & US) !== 0 ? low | G : (low & ~G) | US;
  }
}
