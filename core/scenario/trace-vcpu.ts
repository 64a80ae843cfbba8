/**
 * A virtual CPU that tells when the guest's user code runs and when its kernel does: everything goes to another one, and
 * the listener hears before and after `execute`. What lies between two of them is the kernel's.
 */

import type { Vcpu } from "../guest/vcpu.js";
import type { Gfn, Gva } from "../machine/address.js";

export interface ExecuteListener {
  starts(): void;
  /** @param faulted a page fault is to be delivered to the guest; else all references were made. */
  ends(faulted: boolean): void;
}

export class TracedVcpu implements Vcpu {
  constructor(
    private readonly inner: Vcpu,
    private readonly listener: ExecuteListener,
  ) {}

  execute(refs: Int32Array, from: number, to: number, user: boolean): number {
    this.listener.starts();
    const reached = this.inner.execute(refs, from, to, user);
    this.listener.ends(reached < to);
    return reached;
  }

  get paging(): Vcpu["paging"] {
    return this.inner.paging;
  }
  get counters(): Vcpu["counters"] {
    return this.inner.counters;
  }
  get costs(): Vcpu["costs"] {
    return this.inner.costs;
  }
  get features(): Vcpu["features"] {
    return this.inner.features;
  }
  get memory(): Vcpu["memory"] {
    return this.inner.memory;
  }
  get xen(): Vcpu["xen"] {
    return this.inner.xen;
  }
  get faultAddress(): Gva {
    return this.inner.faultAddress;
  }
  get faultCode(): number {
    return this.inner.faultCode;
  }
  get loadedLo(): number {
    return this.inner.loadedLo;
  }
  get loadedHi(): number {
    return this.inner.loadedHi;
  }

  load(va: Gva): void {
    this.inner.load(va);
  }
  store(va: Gva, lo: number, hi: number): void {
    this.inner.store(va, lo, hi);
  }
  touch(va: Gva, write: boolean): void {
    this.inner.touch(va, write);
  }
  writeCr3(root: Gfn, pcid: number, keep: boolean): void {
    this.inner.writeCr3(root, pcid, keep);
  }
  invalidatePage(va: Gva): void {
    this.inner.invalidatePage(va);
  }
  invalidatePageOf(pcid: number, va: Gva): void {
    this.inner.invalidatePageOf(pcid, va);
  }
  invalidatePcid(pcid: number): void {
    this.inner.invalidatePcid(pcid);
  }
  flushAll(): void {
    this.inner.flushAll();
  }
  systemCall(): void {
    this.inner.systemCall();
  }
  charge(category: number, cycles: number): void {
    this.inner.charge(category, cycles);
  }
  inspect(table: Gfn, index: number): { lo: number; hi: number } {
    return this.inner.inspect(table, index);
  }
}
