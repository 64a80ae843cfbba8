/**
 * The guest's kernel: a model of an operating system's memory side that keeps real page tables in
 * guest-physical memory. It boots, runs processes one at a time, handles their page faults, and offers the
 * system calls that workloads use (mmap, munmap, mprotect, fork, exit). Mechanisms follow Linux; each file
 * here names its counterpart.
 *
 * The machine charges references, CR3 loads and invalidations; the kernel charges its own work (costs of kind
 * guest-software), page-fault delivery and system-call entry.
 *
 * Left out: threads, several CPUs, files and the page cache, swapping, NUMA, page-table isolation.
 */
import { CYCLES } from "../../events/categories.js";
import { EVENT } from "../../events/events.js";
import type { Gfn, Gva } from "../../machine/address.js";
import { A, D, P, RW } from "../../machine/mmu/entry.js";
import { invariant, UnsupportedError } from "../../util/errors.js";
import { formatBytes, PAGE_SIZES, type PageSizeName } from "../../util/units.js";
import type { Vcpu } from "../vcpu.js";
import type { Area } from "./areas.js";
import { buildKernelTables, type KernelTables } from "./boot.js";
import { DataPages } from "./data-pages.js";
import { FaultHandler } from "./faults.js";
import { Fnv64, hashTables } from "./fingerprint.js";
import { DataFrames, TableFrames } from "./frames.js";
import { type KernelLayout, layoutOf, userFlags } from "./layout.js";
import type { AddressSpace, MmuOps } from "./mmu-ops.js";
import { NativeMmu } from "./native-mmu.js";
import { type FlushRange, PageTables } from "./page-tables.js";
import { PcidSlots } from "./pcids.js";
import { Process } from "./process.js";
import { XenMmu } from "./xen-mmu.js";

export interface KernelOptions {
  /** Use PCIDs, where CPU and format have them. */
  readonly pcid: boolean;
}

export interface MapOptions {
  /** Page size. Default 4K. */
  readonly page?: PageSizeName;
  /** Map every page at once, zeroed (MAP_POPULATE). Default false: on first touch. */
  readonly populate?: boolean;
  /** Default true. */
  readonly writable?: boolean;
  /** Default false. */
  readonly executable?: boolean;
}

/** Beyond this many pages a range is flushed as a whole: Linux's tlb_single_page_flush_ceiling. */
const SINGLE_PAGE_FLUSHES = 33;
/** Faults of one reference in a row that mean it will never succeed. */
const FAULT_LIMIT = 16;

export class GuestKernel {
  readonly layout: KernelLayout;
  /** Allocators, for tests and ledgers. */
  readonly tableFrames: TableFrames;
  readonly dataFrames: DataFrames;
  private readonly ops: MmuOps;
  private readonly pages: DataPages;
  private readonly tables: PageTables;
  private readonly faultHandler: FaultHandler;
  private readonly alive = new Map<number, Process>();
  /** Roots of ended processes, kept with the kernel's entries in them (Linux 2.6's pgd cache). */
  private readonly spareRoots: Gfn[] = [];
  private kernelTables: KernelTables | undefined;
  private kernelSpace: AddressSpace | undefined;
  private active: AddressSpace | undefined;
  private nextId = 1;
  private faults = 0;

  constructor(
    private readonly cpu: Vcpu,
    options: KernelOptions,
  ) {
    const { paging, features, memory, xen } = cpu;
    // 32-bit entries hold 20 bits of frame.
    const frames = paging.entryBytes === 4 ? Math.min(memory.frames, 1 << 20) : memory.frames;
    this.layout = layoutOf(paging, frames);
    // Memory with contents comes in whole host pages: of a 1 GiB one, a 32-bit kernel maps the first 896 MiB.
    this.tableFrames = new TableFrames(Math.min(memory.backedFrames, this.layout.directFrames));
    this.dataFrames = new DataFrames(memory.backedFrames, frames, this.layout.pageFrames);
    const usesPcid = options.pcid && features.pcid && paging.addressBits > 32;
    this.ops =
      xen === undefined
        ? new NativeMmu(cpu, this.layout, this.tableFrames, usesPcid ? new PcidSlots() : undefined)
        : new XenMmu(cpu, xen, this.layout, this.tableFrames);
    this.pages = new DataPages(cpu, this.layout, this.dataFrames);
    this.tables = new PageTables(cpu, this.ops, this.layout, this.pages);
    this.faultHandler = new FaultHandler(cpu, this.ops, this.tables, this.pages);
  }

  /**
   * Builds the kernel's page tables and turns paging on. Once, first. @throws GuestFailure when memory is too
   * small.
   */
  boot(): void {
    invariant(this.kernelTables === undefined, "a kernel boots once");
    this.kernelTables = buildKernelTables(this.cpu, this.layout, this.tableFrames);
    this.kernelSpace = { id: 0, root: this.kernelTables.root, stale: false, pinned: false };
    this.ops.adoptRoot(this.kernelSpace);
    this.load(this.kernelSpace);
  }

  /** Living processes, oldest first. */
  get processes(): readonly Process[] {
    return [...this.alive.values()];
  }

  /** The running process. */
  get current(): Process {
    invariant(this.active instanceof Process, "a process is running");
    return this.active;
  }

  /** Table frames that hold something: those of the kernel and of living processes. */
  get tablesInUse(): number {
    return this.tableFrames.inUse - this.spareRoots.length;
  }

  /** A new process with nothing mapped. It does not run yet. */
  spawn(): Process {
    const process = new Process(this.nextId++, this.newRoot());
    this.ops.adoptRoot(process);
    this.tables.addPermanent(process.root);
    this.alive.set(process.id, process);
    return process;
  }

  /** Context switch: runs a process from now on. Nothing happens when it is running already. */
  switchTo(process: Process): void {
    if (process === this.active) return;
    invariant(this.alive.has(process.id), "only a living process can run", () => process.id);
    this.charge(this.cpu.costs.kernel_switch);
    this.count(EVENT.guest_switches);
    this.load(process);
  }

  /**
   * Runs references [from, count) of a batch in user mode to their end, faults included. @throws GuestFailure
   */
  user(refs: Int32Array, count: number, from = 0): void {
    const { cpu } = this;
    let at = cpu.execute(refs, from, count, true);
    let before = -1;
    let repeated = 0;
    while (at < count) {
      repeated = at === before ? repeated + 1 : 0;
      invariant(repeated < FAULT_LIMIT, "a resolved fault does not come back", () => ({
        va: cpu.faultAddress,
      }));
      before = at;
      this.fault();
      at = cpu.execute(refs, at, count, true);
    }
  }

  /** A system call that does nothing: its entry, dispatch and return. */
  systemCall(): void {
    this.cpu.systemCall();
    this.charge(this.cpu.costs.kernel_syscall);
    this.count(EVENT.guest_system_calls);
  }

  /**
   * mmap in the running process: anonymous private memory. @param bytes rounded up to whole pages.
   * @returns the address. @throws UnsupportedError for a page size or a span the format has not;
   * GuestFailure.
   */
  mmap(bytes: number, options: MapOptions = {}): Gva {
    const { page = "4K", populate = false, writable = true, executable = false } = options;
    const process = this.current;
    const level = this.leafLevelOf(page);
    const pageBytes = PAGE_SIZES[page];
    const rounded = Math.ceil(bytes / pageBytes) * pageBytes;
    this.enter(this.cpu.costs.kernel_map);
    const { userStart, userEnd } = this.layout;
    if (rounded > userEnd - userStart) {
      const { name } = this.cpu.paging;
      throw new UnsupportedError(`${name} addresses cannot map ${formatBytes(rounded)} in one process`);
    }
    const start = process.areas.place(rounded, pageBytes, userStart, userEnd);
    const area: Area = { start, end: start + rounded, level, pageBytes, writable, executable };
    process.areas.insert(area);
    if (populate) {
      this.ops.enterLazy();
      // Writable pages are dirty from the start: the kernel populates them as if written, as Linux does.
      const flags = userFlags(this.cpu.paging, level, area) | (writable ? D : 0);
      this.tables.populate(process.root, area, flags);
      this.ops.leaveLazy();
    }
    return start;
  }

  /** munmap in the running process; the range may cut areas at page borders. */
  munmap(va: Gva, bytes: number): void {
    const process = this.current;
    this.enter(this.cpu.costs.kernel_map);
    for (const area of process.areas.cut(va, va + bytes)) {
      const emptied: Gfn[] = [];
      this.ops.enterLazy();
      const range = this.tables.unmap(process.root, area, emptied);
      this.ops.leaveLazy();
      this.flush(process, range, area.pageBytes);
      for (const table of emptied) this.tables.release(table);
    }
  }

  /** mprotect in the running process. Pages made writable again become so when they are next written. */
  protect(va: Gva, bytes: number, writable: boolean): void {
    const process = this.current;
    this.enter(this.cpu.costs.kernel_map);
    for (const area of process.areas.cut(va, va + bytes)) {
      process.areas.insert({ ...area, writable });
      if (writable) continue;
      this.ops.enterLazy();
      const range = this.tables.clearFlags(process.root, area, RW);
      this.ops.leaveLazy();
      this.flush(process, range, area.pageBytes);
    }
  }

  /** fork of the running process, memory shared copy-on-write. The child does not run yet. */
  fork(): Process {
    const parent = this.current;
    this.enter(this.cpu.costs.kernel_fork);
    this.count(EVENT.guest_forks);
    const child = new Process(this.nextId++, this.newRoot(), parent.areas.clone());
    this.ops.adoptRoot(child);
    this.tables.addPermanent(child.root);
    this.alive.set(child.id, child);
    this.ops.enterLazy();
    for (const area of parent.areas.list) this.tables.share(parent.root, child.root, area);
    this.ops.leaveLazy();
    this.ops.flushUser(parent);
    return child;
  }

  /** Ends a process and frees its memory. If it was running, no process runs until the next switch. */
  exit(process: Process): void {
    invariant(this.alive.delete(process.id), "a process ends once", () => process.id);
    this.enter(this.cpu.costs.kernel_exit);
    if (process === this.active) this.load(this.kernelSpace!);
    this.ops.retire(process);
    const emptied: Gfn[] = [];
    for (const area of process.areas.list) this.tables.unmap(process.root, area, emptied);
    this.tables.removePermanent(process.root);
    for (const table of emptied) this.tables.release(table);
    this.spareRoots.push(process.root);
  }

  /**
   * Page reclaim's clock hand: clears the accessed bit of every page of a process, with a flush, as a scan
   * for idle pages does. @returns how many pages had it set.
   */
  scanAccessed(process: Process): number {
    let accessed = 0;
    this.ops.enterLazy();
    for (const area of process.areas.list) {
      this.tables.clearFlags(process.root, area, A, () => {
        accessed++;
      });
    }
    this.ops.leaveLazy();
    if (process === this.active) this.ops.flushUser(process);
    else process.stale = true;
    return accessed;
  }

  /**
   * Hash of the guest's memory state and of what its kernel did (fingerprint.ts): equal under every
   * technique.
   */
  fingerprint(): string {
    const hash = new Fnv64();
    const { userEnd } = this.layout;
    const userEntries = this.tables.indexOf(userEnd - 4096, this.cpu.paging.levels) + 1;
    for (const process of this.alive.values()) {
      hash.add(process.id);
      hashTables(hash, this.cpu, process.root, userEntries, this.dataFrames.base);
    }
    for (const count of [this.faults, this.pages.copied, this.pages.zeroed]) hash.add(count);
    return hash.hex;
  }

  private fault(): void {
    const { cpu } = this;
    this.count(EVENT.guest_page_faults);
    this.faults++;
    cpu.charge(CYCLES.guest_fault, cpu.costs.exception);
    this.charge(cpu.costs.kernel_fault);
    this.faultHandler.handle(this.current);
  }

  private load(space: AddressSpace): void {
    this.ops.activate(space);
    this.active = space;
  }

  /** A root with the kernel's entries and nothing else. */
  private newRoot(): Gfn {
    const spare = this.spareRoots.pop();
    if (spare !== undefined) return spare;
    const { ops, kernelTables } = this;
    invariant(kernelTables !== undefined, "the kernel is booted");
    const root = this.tables.newTable();
    for (let index = kernelTables.firstEntry; index < kernelTables.endEntry; index++) {
      ops.readEntry(kernelTables.root, index);
      if ((ops.entryFlags & P) !== 0) ops.setEntry(root, index, ops.entryFrame, ops.entryFlags);
    }
    return root;
  }

  private leafLevelOf(page: PageSizeName): number {
    const { paging, features } = this.cpu;
    const level = paging.leafLevel[page];
    if (level === undefined) throw new UnsupportedError(`${paging.name} tables have no ${page} pages`);
    if (level > 1 && !features.largePages)
      throw new UnsupportedError(`this guest has no ${page} pages, only 4K`);
    if (page === "1G" && !features.page1G) throw new UnsupportedError("the CPU has no 1G pages");
    return level;
  }

  private flush(process: Process, range: FlushRange | undefined, pageBytes: number): void {
    if (range === undefined) return;
    if ((range.last - range.first) / pageBytes + 1 > SINGLE_PAGE_FLUSHES) {
      this.ops.flushUser(process);
      return;
    }
    for (let va = range.first; va <= range.last; va += pageBytes) this.ops.flushPage(va);
  }

  /** Enters the kernel for a system call that costs `work` besides. */
  private enter(work: number): void {
    this.systemCall();
    this.charge(work);
  }

  private charge(cycles: number): void {
    this.cpu.charge(CYCLES.guest_kernel, cycles);
  }

  private count(event: number): void {
    this.cpu.counters.events[event]!++;
  }
}
