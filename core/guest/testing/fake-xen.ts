/**
 * A hypervisor for tests of the Xen port: machine frames are an arbitrary permutation of guest frames, and
 * the rules of direct paging are checked, not priced. It throws when the guest writes a validated table
 * directly, updates one that is not validated, or loads a root that is not pinned.
 *
 * A table is validated while something refers to it: a pin, CR3, or a link from a validated table
 * (xen/arch/x86/mm.c, get_page_type and put_page_type, with counts only).
 */
import type { Gfn, Gva, Hfn } from "../../machine/address.js";
import { frameOf, P, PS } from "../../machine/mmu/entry.js";
import type { XenHypercalls } from "../kernel/xen.js";
import type { FlatVcpu } from "./flat-vcpu.js";

export class FakeXen implements XenHypercalls {
  updates = 0;
  batches = 0;
  /** References to validated tables by machine frame. */
  private readonly references = new Map<Hfn, number>();
  /** Level at which a validated table is used. */
  private readonly levels = new Map<Hfn, number>();
  private base: Hfn | undefined;

  /**
   * Puts the hypervisor under a vcpu.
   * @param multiplier odd: guest frame g is at machine frame (g * multiplier) mod the next power of two.
   */
  constructor(
    private readonly cpu: FlatVcpu,
    private readonly multiplier: number,
    readonly batch = 32,
  ) {
    cpu.xen = this;
    cpu.onTableStore = (address) => {
      if (this.references.has(Math.floor(address / 4096)))
        throw new Error("a direct write to a validated table");
    };
  }

  /** Tables validated now. */
  get validated(): number {
    return this.references.size;
  }

  machineFrame(gfn: Gfn): Hfn {
    return (Math.imul(gfn, this.multiplier) & this.mask) >>> 0;
  }

  guestFrame(mfn: Hfn): Gfn {
    // Newton's iteration for the inverse of an odd number modulo 2^32.
    let inverse = this.multiplier;
    for (let i = 0; i < 5; i++) inverse = Math.imul(inverse, 2 - Math.imul(this.multiplier, inverse));
    return (Math.imul(mfn, inverse) & this.mask) >>> 0;
  }

  mmuUpdate(updates: Int32Array, count: number): void {
    if (count > this.batch) throw new Error("a batch is too large");
    this.batches++;
    this.updates += count;
    for (let i = 0; i < count; i++) {
      const where = updates[3 * i]!;
      const table = this.machineFrame(where >>> 10);
      if (!this.references.has(table)) throw new Error("an update of a table that is not validated");
      const level = this.levels.get(table)!;
      const old = this.entry(table, where & 1023);
      const bytes = this.cpu.paging.entryBytes;
      const value = BigInt(updates[3 * i + 1]! >>> 0) | (BigInt(updates[3 * i + 2]! >>> 0) << 32n);
      this.cpu.physical.write(BigInt(table) * 4096n + BigInt((where & 1023) * bytes), bytes, value);
      const fresh = this.entry(table, where & 1023);
      if (this.isLink(fresh, level)) this.get(frameOf(fresh.lo, fresh.hi), level - 1);
      if (this.isLink(old, level)) this.put(frameOf(old.lo, old.hi), level - 1);
    }
  }

  pin(root: Gfn, level: number): void {
    this.get(this.machineFrame(root), level);
  }

  unpin(root: Gfn): void {
    this.put(this.machineFrame(root), this.cpu.paging.levels);
  }

  newBasePointer(root: Gfn): void {
    const frame = this.machineFrame(root);
    if (!this.references.has(frame)) throw new Error("a root that is not pinned");
    // The table in CR3 holds a reference of its own.
    this.get(frame, this.cpu.paging.levels);
    if (this.base !== undefined) this.put(this.base, this.cpu.paging.levels);
    this.base = frame;
    this.cpu.writeCr3(root, 0, false);
  }

  flushLocal(): void {
    this.cpu.flushAll();
  }

  invalidatePage(va: Gva): void {
    this.cpu.invalidatePage(va);
  }

  private get mask(): number {
    return 2 ** Math.ceil(Math.log2(this.cpu.memory.frames)) - 1;
  }

  private get(table: Hfn, level: number): void {
    const count = this.references.get(table) ?? 0;
    if (count > 0 && this.levels.get(table) !== level) throw new Error("a table is used at two levels");
    this.references.set(table, count + 1);
    this.levels.set(table, level);
    if (count === 0) this.eachLink(table, level, (next) => this.get(next, level - 1));
  }

  private put(table: Hfn, level: number): void {
    const count = this.references.get(table)!;
    if (count > 1) {
      this.references.set(table, count - 1);
      return;
    }
    this.references.delete(table);
    this.eachLink(table, level, (next) => this.put(next, level - 1));
  }

  private eachLink(table: Hfn, level: number, visit: (next: Hfn) => void): void {
    const { paging } = this.cpu;
    const entries = level === paging.levels ? paging.rootEntries : paging.entries;
    for (let index = 0; index < entries; index++) {
      const entry = this.entry(table, index);
      if (this.isLink(entry, level)) visit(frameOf(entry.lo, entry.hi));
    }
  }

  private isLink(entry: { lo: number }, level: number): boolean {
    return level > 1 && (entry.lo & P) !== 0 && (entry.lo & PS) === 0;
  }

  private entry(table: Hfn, index: number): { lo: number; hi: number } {
    const { entryBytes } = this.cpu.paging;
    const value = this.cpu.physical.read(BigInt(table) * 4096n + BigInt(index * entryBytes), entryBytes);
    return { lo: Number(BigInt.asIntN(32, value)), hi: Number(BigInt.asIntN(32, value >> 32n)) };
  }
}
