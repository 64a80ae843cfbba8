/**
 * What every technique's virtual CPU has in common: it makes the guest's references on the machine, and when the machine
 * reports that one could not be translated, asks the technique to resolve that. The technique either mends something
 * and has the reference made again, completes it itself (emulation), or finds that the fault is the guest's own.
 */
import { CYCLES } from "../../events/categories.js";
import type { Costs } from "../../events/costs.js";
import type { Counters } from "../../events/counters.js";
import type { XenHypercalls } from "../../guest/kernel/xen.js";
import type { Vcpu } from "../../guest/vcpu.js";
import { addressOf, type Gfn, type Gva, type Hfn, highHalf, lowHalf } from "../../machine/address.js";
import type { Machine } from "../../machine/machine.js";
import type { PagingFormat } from "../../machine/mmu/format.js";
import { READ, WRITE } from "../../machine/mmu/permissions.js";
import { WALK_VIOLATION } from "../../machine/mmu/walker.js";
import { invariant } from "../../util/errors.js";

/** What a technique made of a reference that the machine could not translate. */
export type Resolution = "again" | "emulated" | "guest-fault";

/** The guest's share of the machine and what CPUID shows it. */
export interface VcpuOptions {
  readonly memory: Vcpu["memory"];
  readonly features: Vcpu["features"];
}

/** A store that is being made, for a technique that has to emulate it. */
export interface PendingStore {
  readonly va: Gva;
  readonly lo: number;
  readonly hi: number;
}

export abstract class MachineVcpu implements Vcpu {
  readonly paging: PagingFormat;
  readonly counters: Counters;
  readonly costs: Costs;
  readonly features: Vcpu["features"];
  readonly memory: Vcpu["memory"];
  readonly xen: XenHypercalls | undefined = undefined;
  faultAddress: Gva = 0;
  faultCode = 0;
  loadedLo = 0;
  loadedHi = 0;
  /** False until the first CR3 load: CR0.PG is clear and addresses are physical. */
  protected isPaging = false;
  protected pendingStore: PendingStore | undefined;

  constructor(
    readonly machine: Machine,
    options: VcpuOptions,
  ) {
    this.paging = machine.paging;
    this.counters = machine.counters;
    this.costs = machine.costs;
    this.features = options.features;
    this.memory = options.memory;
  }

  // What a technique defines.

  /** The reference at an address could not be translated; `mmu.status` and the walker say why. */
  protected abstract resolve(va: Gva, kind: number, user: boolean): Resolution;
  /** The host frame that holds a guest frame, which gets one if it has none. Unpriced. */
  protected abstract hostFrame(gfn: Gfn): Hfn;
  abstract writeCr3(root: Gfn, pcid: number, keep: boolean): void;
  abstract invalidatePage(va: Gva): void;
  abstract invalidatePageOf(pcid: number, va: Gva): void;
  abstract invalidatePcid(pcid: number): void;
  abstract flushAll(): void;

  // References.

  execute(refs: Int32Array, from: number, to: number, user: boolean): number {
    const { driver } = this.machine;
    let index = from;
    for (;;) {
      index = driver.run(refs, index, to, user);
      if (index === to) return to;
      const word = refs[2 * index]!;
      const va = addressOf(refs[2 * index + 1]!, word & ~7);
      const resolution = this.resolve(va, word & 3, user);
      invariant(resolution !== "emulated", "user references are never emulated", () => ({ va }));
      if (resolution === "guest-fault") {
        this.faultAddress = va;
        return index;
      }
    }
  }

  load(va: Gva): void {
    const { ram } = this.machine;
    const word = this.reference(va, READ) * 1024 + ((lowHalf(va) & 0xfff) >>> 2);
    this.loadedLo = ram[word]!;
    this.loadedHi = this.paging.entryBytes === 8 ? ram[word + 1]! : 0;
  }

  store(va: Gva, lo: number, hi: number): void {
    this.pendingStore = { va, lo, hi };
    const frame = this.reference(va, WRITE);
    this.pendingStore = undefined;
    if (frame >= 0) this.writeEntry(frame, (lowHalf(va) & 0xfff) / this.paging.entryBytes, lo, hi);
  }

  touch(va: Gva, write: boolean): void {
    this.reference(va, write ? WRITE : READ);
  }

  systemCall(): void {
    this.charge(CYCLES.guest_kernel, this.costs.syscall);
  }

  charge(category: number, cycles: number): void {
    this.counters.cycles[category]! += cycles;
  }

  inspect(table: Gfn, index: number): { lo: number; hi: number } {
    return this.readEntry(this.hostFrame(table), index);
  }

  // For techniques.

  /** One supervisor reference made to the end. Returns its host frame, or -1 when the technique completed it itself. */
  private reference(va: Gva, kind: number): Hfn {
    if (!this.isPaging) return this.hostFrame(Math.floor(va / 4096));
    const { driver } = this.machine;
    const hi = highHalf(va);
    const lo = lowHalf(va);
    for (;;) {
      if (driver.once(hi, lo, kind, false)) return driver.frame;
      const resolution = this.resolve(va, kind, false);
      if (resolution === "emulated") return -1;
      invariant(resolution === "again", "the guest's kernel does not fault on its own memory", () => ({
        va,
        kind,
        status: this.machine.mmu.status,
        code: this.machine.mmu.walker.errorCode,
      }));
    }
  }

  protected readEntry(frame: Hfn, index: number): { lo: number; hi: number } {
    const { ram } = this.machine;
    if (this.paging.entryBytes === 4) return { lo: ram[frame * 1024 + index]!, hi: 0 };
    return { lo: ram[frame * 1024 + index * 2]!, hi: ram[frame * 1024 + index * 2 + 1]! };
  }

  protected writeEntry(frame: Hfn, index: number, lo: number, hi: number): void {
    const { ram } = this.machine;
    if (this.paging.entryBytes === 4) {
      ram[frame * 1024 + index] = lo;
      return;
    }
    ram[frame * 1024 + index * 2] = lo;
    ram[frame * 1024 + index * 2 + 1] = hi;
  }

  /**
   * The hardware's CR3 load, with the PAE format's PDPTEs. `root` is what CR3 holds: guest-physical under nested paging.
   * `onViolation` maps what reading the PDPTEs needs.
   */
  protected loadHardwareCr3(root: number, pcid: number, keep: boolean, onViolation?: () => void): void {
    const { mmu } = this.machine;
    mmu.loadCr3(root, pcid, keep);
    this.isPaging = true;
    if (this.paging.name !== "pae") return;
    while (!mmu.walker.loadPdptes(0)) {
      invariant(onViolation !== undefined, "PDPTEs lie in memory");
      mmu.status = WALK_VIOLATION;
      onViolation();
    }
  }

  /** Charges an exit: the hardware's transition and the monitor's work, under one reason. */
  protected chargeExit(reason: number, transitionCycles: number, monitorCycles: number): void {
    this.charge(CYCLES.transition, transitionCycles);
    this.charge(CYCLES.monitor, monitorCycles);
    this.counters.exit(reason, transitionCycles + monitorCycles);
  }
}
