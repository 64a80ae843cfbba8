/**
 * What the parts of a host promise one another, and containers: memory, block devices, network, processors. All work on one
 * virtual clock (event-queue.ts), in nanoseconds, bytes and pages of 4 KiB; all answer by calling an `Action` with a number
 * that the caller chose. Implementations: memory/ledger.ts, block-device.ts, network.ts, scheduler/.
 */
import type { Action } from "./event-queue.js";

/** Bytes of a page, the unit of the ledger. */
export const PAGE_BYTES = 4096;

/** Who memory belongs to: an instance, a file of the host's page cache, the host itself. A number given by `addOwner`. */
export type OwnerId = number;

/**
 * Pages that are used alike: a program's text, its hot heap, a guest's page cache. A number given by `addArea`. Which pages of
 * an area are resident, shared, swapped or given back is kept as runs; a page is in exactly one of these states.
 */
export type AreaId = number;

/**
 * What a page holds. Pages with the same identity are equal byte for byte; a run of pages that begins with identity `c` holds
 * c, c + 1, …. Identities are given out by `ContentIds`; UNIQUE pages equal no others, ZERO pages all one another.
 */
export type ContentId = number;
export const UNIQUE: ContentId = 0;
export const ZERO: ContentId = 1;

/** What an area is for: it decides how its pages are reclaimed, and where the ledger shows them. */
export type AreaKind =
  /** A process's heap and stack: reclaimed by swapping. */
  | "anonymous"
  /** The same of the host's own services. */
  | "services"
  /** A guest's memory in which its application keeps its data. To the host it is anonymous. */
  | "guest"
  /** A guest's memory that holds its kernel, its services, its own page cache, and what it has freed. */
  | "guest-system"
  /** A file's pages in the host's page cache: dropped, and read again. Any number of instances map it. */
  | "file"
  /** The host kernel's own, for an instance: task structures, namespaces, sockets, slabs; never reclaimed. */
  | "kernel"
  /** Page tables, EPT and NPT included; never reclaimed. */
  | "tables"
  /** A monitor's or a sandbox's own heap: reclaimed by swapping. */
  | "monitor";

export interface AreaSpec {
  readonly owner: OwnerId;
  readonly kind: AreaKind;
  readonly pages: number;
  /** Identity of the first page, the others follow; UNIQUE when silent. */
  readonly content?: ContentId;
  /** Let the sharing scanner look at it (madvise MADV_MERGEABLE). */
  readonly isMergeable?: boolean;
  /** Back it with 2 MiB pages where a whole one fits: fewer tables, and more memory than was touched. */
  readonly isHuge?: boolean;
}

/** What a touch had to do. Pages of a shared file that somebody else brought in are minor faults. */
export interface Faults {
  /** Pages made resident without a device: zeroed, or found in the page cache. */
  minor: number;
  /** Pages to be read from the area's file, or from swap: the caller waits for the device. */
  fileReads: number;
  swapReads: number;
  /** Shared pages that were written, and copied (copy on write). */
  copies: number;
  /** False when no memory could be found: the out-of-memory killer has to act, then touch again. */
  isSatisfied: boolean;
}

/**
 * Every page of the host's memory, in one state each: free, or owned and resident. `touch` is demand paging; it reclaims when
 * nothing is free.
 */
export interface MemoryLedger {
  readonly framesTotal: number;
  readonly framesFree: number;
  addOwner(parent?: OwnerId): OwnerId;
  /** Gives back everything that the owner has, and the owner. Files that it maps stay cached. */
  removeOwner(owner: OwnerId): void;
  addArea(spec: AreaSpec): AreaId;
  removeArea(area: AreaId): void;
  /** The owner maps the file's area: its touches count as touches of the file, and the file's frames are its as well. */
  mapFile(owner: OwnerId, file: AreaId): void;
  unmapFile(owner: OwnerId, file: AreaId): void;
  /**
   * The first `pages` pages from `first` are used, or written. What is not resident becomes so, and is charged to the owner's
   * limit (memory controller) or, for a file, to the one who brings it in. The answer is valid until the next call.
   */
  touch(area: AreaId, first: number, pages: number, isWrite: boolean, by?: OwnerId): Readonly<Faults>;
  /** Frames are given back: the guest or program freed the pages (MADV_DONTNEED, balloon, free-page reporting). */
  release(area: AreaId, first: number, pages: number): number;
  /**
   * So many pages of an area are used, wherever they lie: of the missing ones a part as large as the area's. `fraction`, from
   * [0, 1), rounds: chance, from the caller's generator.
   */
  touchSome(area: AreaId, pages: number, isWrite: boolean, fraction: number, by?: OwnerId): Readonly<Faults>;
  /** Pages that the owner may have resident (memory.max), and from which on it is reclaimed first (soft limit, memory.high). */
  limit(
    owner: OwnerId,
    limits: { readonly maximum?: number; readonly soft?: number; readonly swap?: number },
  ): void;
  residentOf(owner: OwnerId): number;
  swappedOf(owner: OwnerId): number;
}

/** A device with a queue. Bandwidth is shared by weight where several owners wait, and throttled where an owner has a limit. */
export interface BlockDevice {
  /** Calls `done(argument)` when the bytes are read or written. */
  submit(owner: OwnerId, bytes: number, isWrite: boolean, done: Action, argument: number): void;
  /** Relative share of an owner that waits beside others (io.weight, blkio.weight); 100 when never set. */
  weigh(owner: OwnerId, weight: number): void;
  /** Most bytes and operations a second of an owner (io.max, blkio.throttle); Infinity is none. */
  throttle(
    owner: OwnerId,
    limit: { readonly bytesPerSecond?: number; readonly operationsPerSecond?: number },
  ): void;
}

export type LinkId = number;

/** Links whose bandwidth is shared by the flows that pass them: max-min fair. */
export interface Network {
  /** @param bytesPerSecond of the link @param latency of it, ns */
  addLink(bytesPerSecond: number, latency: number): LinkId;
  /** Calls `done(argument)` when the last byte has arrived over all links of the path, in order. */
  transfer(path: readonly LinkId[], bytes: number, done: Action, argument: number): void;
}

export type GroupId = number;
export type ThreadId = number;
/** The group of everything. */
export const ROOT_GROUP: GroupId = 0;

export interface GroupSpec {
  readonly parent?: GroupId;
  /** Relative share beside siblings that also want to run (cpu.weight, cpu.shares; a Xen domain's weight). */
  readonly weight?: number;
  /** Processors' worth of time it may use, over each period: 0.5 is half a processor (cpu.max, cpu.cfs_quota_us, a Xen cap). */
  readonly quota?: number;
  /** ns. */
  readonly period?: number;
  /** Processors it may use (cpuset); all when silent. */
  readonly processors?: readonly number[];
}

export interface ThreadSpec {
  readonly group: GroupId;
  readonly weight?: number;
  /** It runs a guest: changing from or to it costs more. */
  readonly isGuest?: boolean;
  /** VM exits for each second of its work: timer ticks, devices. */
  readonly exitRate?: number;
}

/**
 * Gives processors to threads. A thread has one burst of work at a time: `run` asks for it, `done` is called when it has been
 * executed. Every nanosecond of every processor is in one of `PROCESSOR_STATES`.
 */
export interface Scheduler {
  readonly processors: number;
  addGroup(spec: GroupSpec): GroupId;
  removeGroup(group: GroupId): void;
  addThread(spec: ThreadSpec): ThreadId;
  removeThread(thread: ThreadId): void;
  /** @param work ns on a processor of its own, warm: what it takes longer is the host's doing. */
  run(thread: ThreadId, work: number, done: Action, argument: number): void;
  /** Time of all processors by state until now, ns; their sum is processors × now. */
  account(): Readonly<Record<ProcessorState, number>>;
  /** Work done for a group and those in it, ns. */
  usedBy(group: GroupId): number;
}

/** What a processor does with its time: work asked for, warming caches, switching, VM exits, waiting for the sibling thread, nothing. */
export const PROCESSOR_STATES = ["work", "warming", "switching", "exits", "sibling", "idle"] as const;
export type ProcessorState = (typeof PROCESSOR_STATES)[number];
