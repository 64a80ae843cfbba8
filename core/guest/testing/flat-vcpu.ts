/**
 * The plainest Vcpu: no TLB, no caches, no prices but the kernel's; every reference walks the guest's tables
 * by the oracle (reference-translator.ts). Memory is a map. It serves as the oracle for whole guests: run the
 * same kernel and workload on it and on a machine, and compare fingerprints.
 *
 * With `remembersTranslations` it keeps every translation that was ever used, as an unbounded TLB may, until
 * the guest invalidates it, and throws when one that is out of date would be used: a missing flush in the
 * kernel.
 */

import { CYCLES } from "../../events/categories.js";
import type { Costs } from "../../events/costs.js";
import { Counters } from "../../events/counters.js";
import { EVENT } from "../../events/events.js";
import { pricesOf } from "../../events/profile.js";
import { NEHALEM_2008 } from "../../events/profiles/nehalem-2008.js";
import { addressOf, type Gfn, type Gva, REF_FETCH, REF_KIND_MASK, REF_WRITE } from "../../machine/address.js";
import { PAGING_FORMATS, type PagingFormat, type PagingName } from "../../machine/mmu/format.js";
import type { XenHypercalls } from "../kernel/xen.js";
import type { Vcpu } from "../vcpu.js";
import {
  type Access,
  loadPdptes,
  type PagingControls,
  type PhysicalMemory,
  translate,
} from "./reference-translator.js";
import { RememberedTranslations } from "./remembered-translations.js";

export interface FlatOptions {
  readonly paging: PagingName;
  readonly backedFrames: number;
  readonly frames: number;
  readonly features?: Partial<Vcpu["features"]>;
  readonly remembersTranslations?: boolean;
  /** MAXPHYADDR. Default 43, the most that entry.ts knows. */
  readonly physicalAddressBits?: number;
}

/** Memory of page tables in a map, by 4 bytes. */
export class SparseMemory implements PhysicalMemory {
  private readonly words = new Map<bigint, bigint>();

  read(address: bigint, bytes: 4 | 8): bigint {
    const low = this.words.get(address) ?? 0n;
    return bytes === 4 ? low : low | ((this.words.get(address + 4n) ?? 0n) << 32n);
  }

  write(address: bigint, bytes: 4 | 8, value: bigint): void {
    this.words.set(address, value & 0xffff_ffffn);
    if (bytes === 8) this.words.set(address + 4n, value >> 32n);
  }
}

export class FlatVcpu implements Vcpu {
  readonly paging: PagingFormat;
  readonly counters = new Counters();
  readonly costs: Costs = pricesOf(NEHALEM_2008);
  readonly features: Vcpu["features"];
  readonly memory: Vcpu["memory"];
  readonly physical = new SparseMemory();
  faultAddress: Gva = 0;
  faultCode = 0;
  loadedLo = 0;
  loadedHi = 0;
  /** Set after construction by a hypervisor (fake-xen.ts), which then sees every store to a table. */
  xen: XenHypercalls | undefined = undefined;
  onTableStore: ((machineAddress: number) => void) | undefined = undefined;
  /** Machine frame of the last translated access. */
  frame = 0;
  private readonly controls: PagingControls;
  private readonly remembered: RememberedTranslations | undefined;
  private root: bigint | undefined;
  private pdptes: readonly bigint[] = [];
  private pcid = 0;

  constructor(options: FlatOptions) {
    this.paging = PAGING_FORMATS[options.paging];
    this.features = { pcid: false, invpcid: false, largePages: true, page1G: false, ...options.features };
    this.memory = { backedFrames: options.backedFrames, frames: options.frames };
    this.controls = {
      format: options.paging,
      noExecute: true,
      writeProtect: true,
      physicalAddressBits: options.physicalAddressBits ?? 43,
      page1G: this.features.page1G,
    };
    this.remembered = options.remembersTranslations === true ? new RememberedTranslations() : undefined;
  }

  execute(refs: Int32Array, from: number, to: number, user: boolean): number {
    for (let i = from; i < to; i++) {
      const low = refs[2 * i]!;
      const va = addressOf(refs[2 * i + 1]!, low & ~REF_KIND_MASK);
      const access = { write: (low & REF_WRITE) !== 0, fetch: (low & REF_FETCH) !== 0, user };
      if (!this.reference(va, access)) return i;
    }
    return to;
  }

  load(va: Gva): void {
    const value = this.physical.read(this.kernelAddress(va, false), this.paging.entryBytes);
    this.loadedLo = Number(BigInt.asIntN(32, value));
    this.loadedHi = Number(BigInt.asIntN(32, value >> 32n));
  }

  store(va: Gva, lo: number, hi: number): void {
    const address = this.kernelAddress(va, true);
    this.onTableStore?.(Number(address));
    const value = BigInt(lo >>> 0) | (BigInt(hi >>> 0) << 32n);
    this.physical.write(address, this.paging.entryBytes, value);
  }

  touch(va: Gva, write: boolean): void {
    this.kernelAddress(va, write);
  }

  writeCr3(root: Gfn, pcid: number, keep: boolean): void {
    this.root = BigInt(this.machineFrame(root)) << 12n;
    if (this.paging.name === "pae") {
      const pdptes = loadPdptes(this.physical, this.root, this.controls.physicalAddressBits);
      if (pdptes === undefined) throw new Error("#GP: a PDPTE has a reserved bit");
      this.pdptes = pdptes;
    }
    this.pcid = pcid;
    if (!keep) this.remembered?.forgetContext(pcid);
  }

  invalidatePage(va: Gva): void {
    this.remembered?.forgetPage(this.pcid, va);
  }

  invalidatePageOf(pcid: number, va: Gva): void {
    this.remembered?.forgetPage(pcid, va);
  }

  invalidatePcid(pcid: number): void {
    this.remembered?.forgetContext(pcid);
  }

  flushAll(): void {
    this.remembered?.forgetAll();
  }

  systemCall(): void {
    this.charge(CYCLES.guest_kernel, this.costs.syscall);
  }

  charge(category: number, cycles: number): void {
    this.counters.cycles[category]! += cycles;
  }

  inspect(table: Gfn, index: number): { lo: number; hi: number } {
    const { entryBytes } = this.paging;
    const address = (BigInt(this.machineFrame(table)) << 12n) + BigInt(index * entryBytes);
    const entry = this.physical.read(address, entryBytes);
    const machine = Number(BigInt.asUintN(31, entry >> 12n));
    const isPresent = (entry & 1n) !== 0n;
    const frame = isPresent && this.xen !== undefined ? this.xen.guestFrame(machine) : machine;
    const lo = (frame << 12) | Number(entry & 0xfffn);
    return { lo, hi: (frame >>> 20) | Number(BigInt.asIntN(32, (entry >> 63n) << 31n)) };
  }

  /** One access; false when it faulted (faultAddress, faultCode). */
  reference(va: Gva, access: Access): boolean {
    const { events } = this.counters;
    events[EVENT.references]!++;
    events[access.fetch ? EVENT.fetches : access.write ? EVENT.writes : EVENT.reads]!++;
    if (!access.user) events[EVENT.kernel_references]!++;
    if (this.root === undefined) throw new Error("a reference before CR3 is loaded");
    const linear = BigInt.asUintN(this.paging.addressBits === 32 ? 32 : 64, BigInt(va));
    const kept = this.remembered?.find(this.pcid, va, access);
    const result = translate(this.physical, this.controls, this.root, this.pdptes, linear, access);
    if (kept !== undefined && (result.kind === "fault" || result.address >> 12n !== kept)) {
      throw new Error(`a stale translation of 0x${va.toString(16)} would be used`);
    }
    if (result.kind === "fault") {
      this.faultAddress = va;
      this.faultCode = result.code;
      return false;
    }
    this.frame = Number(result.address >> 12n);
    this.remembered?.add(this.pcid, va, result);
    return true;
  }

  private kernelAddress(va: Gva, write: boolean): bigint {
    if (this.root === undefined) {
      const machine = BigInt(this.machineFrame(Math.floor(va / 4096)));
      return (machine << 12n) | BigInt(va % 4096);
    }
    if (!this.reference(va, { write, fetch: false, user: false })) {
      throw new Error(`the guest's kernel faulted at ${va.toString(16)}, code ${this.faultCode}`);
    }
    return (BigInt(this.frame) << 12n) | (BigInt(va) & 0xfffn);
  }

  private machineFrame(gfn: Gfn): number {
    return this.xen === undefined ? gfn : this.xen.machineFrame(gfn);
  }
}
