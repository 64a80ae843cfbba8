/**
 * Direct paging, Xen's way: the guest's tables hold machine frames and are what the hardware walks. The guest reads them
 * freely and changes them by hypercall; the hypervisor validates each update and keeps page tables read-only to the
 * guest. All guest memory is given at the start. Barham et al., SOSP 2003, 3.3.3; xen/include/public/xen.h.
 *
 * Left out: writable page tables (trap and emulate), the second root of 64-bit guests (user and kernel mode have one
 * address space here; each fault and system call pays for the switch in `ring_transition`), grant tables.
 */
import { EVENT } from "../../../events/events.js";
import { EXIT } from "../../../events/exit-reasons.js";
import { OWNER } from "../../../events/memory-owners.js";
import type { XenHypercalls } from "../../../guest/kernel/xen.js";
import type { Gfn, Gva, Hfn } from "../../../machine/address.js";
import type { Machine } from "../../../machine/machine.js";
import { frameOf, P, PS, RW } from "../../../machine/mmu/entry.js";
import { WALK_PAGE_FAULT } from "../../../machine/mmu/walker.js";
import { invariant } from "../../../util/errors.js";
import { MachineVcpu, type Resolution, type VcpuOptions } from "../machine-vcpu.js";
import { FrameTypes } from "./frame-types.js";

export interface ParavirtualOptions extends VcpuOptions {
  /** Most updates in one mmu_update hypercall. */
  readonly batch: number;
}

/** Bytes of one entry of phys_to_machine_mapping and of machine_to_phys_mapping. */
const MAP_ENTRY_BYTES = 8;

export class ParavirtualVcpu extends MachineVcpu implements XenHypercalls {
  override readonly xen: XenHypercalls = this;
  readonly batch: number;
  private readonly types: FrameTypes;
  /** phys_to_machine_mapping and machine_to_phys_mapping. */
  private readonly machineFrames: Int32Array;
  private readonly guestFrames: Int32Array;

  constructor(machine: Machine, options: ParavirtualOptions) {
    super(machine, options);
    const { backedFrames, frames } = options.memory;
    this.batch = options.batch;
    this.types = new FrameTypes(backedFrames);
    const mapFrames = Math.ceil((frames * MAP_ENTRY_BYTES) / 4096);
    for (let i = 0; i < 2 * mapFrames; i++) machine.frames.takeBare(OWNER.monitor_maps);
    this.machineFrames = new Int32Array(frames);
    this.guestFrames = new Int32Array(machine.frames.total);
    for (let gfn = 0; gfn < frames; gfn++) {
      const mfn =
        gfn < backedFrames
          ? machine.frames.takeBacked(OWNER.guest_memory)
          : machine.frames.takeBare(OWNER.guest_memory);
      this.machineFrames[gfn] = mfn;
      this.guestFrames[mfn] = gfn;
    }
  }

  // Traps.

  protected override resolve(va: Gva): Resolution {
    const { mmu } = this.machine;
    invariant(mmu.status === WALK_PAGE_FAULT, "one dimension knows only page faults", () => ({ va }));
    this.faultCode = mmu.walker.errorCode;
    this.chargeExit(EXIT.trap, this.costs.ring_transition, this.costs.bounce_fault);
    return "guest-fault";
  }

  /** In 64-bit mode guest kernel and user both run in ring 3, so SYSCALL enters Xen, which bounces it to the kernel. */
  override systemCall(): void {
    if (this.paging.addressBits === 32) super.systemCall();
    else this.chargeExit(EXIT.trap, this.costs.ring_transition, this.costs.bounce_fault);
  }

  protected override hostFrame(gfn: Gfn): Hfn {
    return this.machineFrames[gfn]!;
  }

  override inspect(table: Gfn, index: number): { lo: number; hi: number } {
    const { lo, hi } = super.inspect(table, index);
    if ((lo & P) === 0) return { lo, hi };
    const gfn = this.guestFrames[frameOf(lo, hi)]!;
    const isWide = this.paging.entryBytes === 8;
    return { lo: (lo & 0xfff) | (gfn << 12), hi: isWide ? (hi & ~0x7ff) | (gfn >>> 20) : 0 };
  }

  // The guest's way to memory management: hypercalls.

  machineFrame(gfn: Gfn): Hfn {
    return this.machineFrames[gfn]!;
  }

  guestFrame(mfn: Hfn): Gfn {
    return this.guestFrames[mfn]!;
  }

  mmuUpdate(updates: Int32Array, count: number): void {
    const { costs, counters, machine } = this;
    let work = count * costs.validate_update;
    for (let i = 0; i < count; i++) {
      const place = updates[3 * i]!;
      const table = place >>> 10;
      const index = place & 1023;
      const lo = updates[3 * i + 1]!;
      const hi = updates[3 * i + 2]!;
      const level = this.types.levelOf(table);
      invariant(level > 0, "mmu_update changes a validated page table", () => ({ table, index }));
      const old = this.readEntry(this.machineFrames[table]!, index);
      if (level > 1 && (lo & (P | PS)) === P)
        work += this.validate(this.guestFrames[frameOf(lo, hi)]!, level - 1);
      this.writeEntry(this.machineFrames[table]!, index, lo, hi);
      if (level > 1 && (old.lo & (P | PS)) === P) {
        const unlinked = this.guestFrames[frameOf(old.lo, old.hi)]!;
        if ((lo & P) === 0 || frameOf(lo, hi) !== frameOf(old.lo, old.hi))
          work += this.invalidateTable(unlinked);
      }
    }
    if (this.paging.name === "pae" && this.isPaging) machine.mmu.walker.loadPdptes(0);
    counters.events[EVENT.mmu_updates]! += count;
    this.hypercall(work);
  }

  pin(root: Gfn, level: number): void {
    this.counters.events[EVENT.tables_pinned]!++;
    this.hypercall(this.validate(root, level));
  }

  unpin(root: Gfn): void {
    this.hypercall(this.invalidateTable(root));
  }

  newBasePointer(root: Gfn): void {
    invariant(this.types.levelOf(root) === this.paging.levels, "CR3 takes a validated root", () => ({
      root,
    }));
    this.hypercall(this.costs.cr3_load);
    this.loadHardwareCr3(this.machineFrames[root]!, 0, false);
  }

  flushLocal(): void {
    this.machine.mmu.flushAll(true);
    this.hypercall(this.costs.cr3_load);
  }

  override invalidatePage(va: Gva): void {
    this.machine.mmu.invalidatePage(va);
    this.hypercall(this.costs.invlpg);
  }

  // What a paravirtual guest never executes.

  override writeCr3(root: Gfn): void {
    this.newBasePointer(root);
  }

  override invalidatePageOf(): void {
    invariant(false, "a paravirtual guest sees no PCIDs");
  }

  override invalidatePcid(): void {
    invariant(false, "a paravirtual guest sees no PCIDs");
  }

  override flushAll(): void {
    this.machine.mmu.flushAll(false);
    this.hypercall(2 * this.costs.cr3_load);
  }

  private hypercall(work: number): void {
    this.counters.events[EVENT.hypercalls]!++;
    this.chargeExit(EXIT.hypercall, this.costs.ring_transition, this.costs.hypercall_dispatch + work);
  }

  /** Validates a tree from a table down: types each frame and makes it read-only to the guest. Returns the work, cycles. */
  private validate(gfn: Gfn, level: number): number {
    const { types, paging, machine } = this;
    const known = types.levelOf(gfn);
    invariant(known === 0 || known === level, "a page table is used at one level", () => ({
      gfn,
      known,
      level,
    }));
    if (known === level) return 0;
    types.setLevel(gfn, level);
    const { scan_entry, validate_entry } = this.costs;
    const entries = level === paging.levels ? paging.rootEntries : paging.entries;
    let work = 0;
    const frame = this.machineFrames[gfn]!;
    const stride = paging.entryBytes / 4;
    for (let index = 0; index < entries; index++) {
      const word = frame * 1024 + index * stride;
      const lo = machine.ram[word]!;
      work += (lo & P) === 0 ? scan_entry : validate_entry;
      if ((lo & P) === 0) continue;
      const below = this.guestFrames[frameOf(lo, stride === 2 ? machine.ram[word + 1]! : 0)]!;
      if (level > 1) work += this.validate(below, level - 1);
      else if (this.isKernelEntry(lo)) {
        types.noteMapping(below, word);
        // A frame validated before its mapping was: the mapping must not be writable.
        if (types.levelOf(below) > 0) machine.ram[word]! &= ~RW;
      }
    }
    this.protect(gfn, true);
    return work;
  }

  /** Takes a table that nothing uses back to an ordinary frame. Returns the work, cycles. */
  private invalidateTable(gfn: Gfn): number {
    const { types, paging, machine } = this;
    const level = types.levelOf(gfn);
    types.setLevel(gfn, 0);
    this.protect(gfn, false);
    const { scan_entry, validate_entry } = this.costs;
    const entries = level === paging.levels ? paging.rootEntries : paging.entries;
    let work = 0;
    const stride = paging.entryBytes / 4;
    for (let index = 0; index < entries; index++) {
      const word = this.machineFrames[gfn]! * 1024 + index * stride;
      const lo = machine.ram[word]!;
      work += (lo & P) === 0 ? scan_entry : validate_entry;
      if (level === 1 || (lo & (P | PS)) !== P) continue;
      const below = this.guestFrames[frameOf(lo, stride === 2 ? machine.ram[word + 1]! : 0)]!;
      if (!this.isShared(level, index)) work += this.invalidateTable(below);
    }
    return work;
  }

  /** Supervisor mappings are the kernel's direct map. */
  private isKernelEntry(lo: number): boolean {
    return (lo & 4) === 0;
  }

  /** Root entries of the kernel's half are shared by all address spaces, and outlive each of them. */
  private isShared(level: number, index: number): boolean {
    const { paging } = this;
    if (level !== paging.levels) return false;
    return paging.addressBits === 32
      ? index >= (paging.rootEntries * 3) / 4
      : index >= paging.rootEntries / 2;
  }

  /** Makes the kernel's mapping of a frame read-only, or writable again. */
  private protect(gfn: Gfn, readOnly: boolean): void {
    const word = this.types.mappingOf(gfn);
    if (word < 0) return;
    if (readOnly) this.machine.ram[word]! &= ~RW;
    else this.machine.ram[word]! |= RW;
    if (this.isPaging) this.machine.mmu.flushAll(false);
  }
}
