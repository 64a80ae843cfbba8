/**
 * Neighbours that take what they can get: processors, memory, the disk, the network, or processes. Each is an instance's worth of threads or areas in a
 * group and under an owner that may be limited; what a limit does to it is the scheduler's, the ledger's and the device's doing.
 */
import { published } from "../../events/profiles/constants.js";
import {
  type AreaKind,
  type GroupId,
  type LinkId,
  type OwnerId,
  PAGE_BYTES,
  type ThreadId,
} from "../../host/contracts.js";
import { type Host, pagesOf } from "../../host/host.js";
import { findTechnology } from "../../host/instances/technologies.js";
import { MS } from "../../host/time.js";
import { KIB, MIB } from "../../util/units.js";

/** What a thread of a processor hog does at a time. */
const BURST = 10 * MS;
/** A memory hog touches so much at a time, and works so long for it: about 2 GiB a second where memory is free. */
const CHUNK_PAGES = 4096;
const CHUNK_TIME = 8 * MS;
/** Requests that a disk hog keeps under way, of so many bytes: large sequential reads, as a backup does. */
const QUEUE_DEPTH = 64;
const REQUEST_BYTES = 256 * 1024;
/** Connections of a network hog, and what each sends at a time. */
const FLOWS = 64;
const FLOW_BYTES = 1024 * 1024;
/** What a writing hog writes over and over; of the memory it may use, the share that may wait to be written back (vm.dirty_ratio). */
const WRITE_FILE_BYTES = 512 * MIB;
const DIRTY_SHARE = 0.2;
/** A process of a fork bomb: its stack and what it writes of its heap; the time between two. */
const PROCESS_BYTES = 64 * KIB;
const FORK_INTERVAL = 1 * MS;
const PID_MAX = published(32_768, "kernel.pid_max of a small Linux host");
/** After it was killed for want of memory, a hog is started again (restart policy). */
const RESTART = 1_000 * MS;

export interface HogPlace {
  readonly host: Host;
  readonly owner: OwnerId;
  /** Under whose name it waits for the disk. */
  readonly queue: OwnerId;
  /** Under whose name its pages are written back. */
  readonly writeback: OwnerId;
  /** Links that what it sends passes. */
  readonly path: readonly LinkId[];
  readonly group: GroupId;
  readonly isGuest: boolean;
}

/** Threads that always want to run. */
export function hogProcessors({ host, group, isGuest }: HogPlace, threads: number): void {
  const again = (thread: ThreadId): void => host.scheduler.run(thread, BURST, again, thread);
  for (let i = 0; i < threads; i++) again(host.scheduler.addThread({ group, isGuest }));
}

/** Reads as fast as the disk lets it. */
export function hogDisk({ host, queue }: HogPlace): void {
  const again = (): void => host.disk.submit(queue, REQUEST_BYTES, false, again, 0);
  for (let i = 0; i < QUEUE_DEPTH; i++) again();
}

/** Sends as fast as the network lets it, over so many connections. */
export function hogNetwork({ host, path }: HogPlace): void {
  const again = (): void => host.network.transfer(path, FLOW_BYTES, again, 0);
  for (let i = 0; i < FLOWS; i++) again();
}

/**
 * Writes a file as fast as it is allowed to, through the page cache: chunks are copied into it, and written back in the background;
 * where too much waits to be written back, the writer waits too (balance_dirty_pages).
 */
export class WriteHog {
  private readonly thread: ThreadId;
  private readonly file: number;
  private readonly most: number;
  private at = 0;
  private dirty = 0;
  private isWaiting = false;

  constructor(private readonly place: HogPlace) {
    const { host, group, isGuest, owner } = place;
    this.thread = host.scheduler.addThread({ group, isGuest });
    this.file = host.file("/hog/file", WRITE_FILE_BYTES);
    host.memory.mapFile(owner, this.file);
    const memory = Math.min(host.memory.framesTotal, host.memory.owners.maximum[owner]!);
    this.most = memory * PAGE_BYTES * DIRTY_SHARE;
    this.step();
  }

  private readonly step = (): void => {
    const { host, owner, writeback } = this.place;
    const size = CHUNK_PAGES;
    host.memory.touch(this.file, this.at, size, false, owner);
    host.flushSwap();
    this.at = (this.at + size) % pagesOf(WRITE_FILE_BYTES);
    const bytes = size * PAGE_BYTES;
    this.dirty += bytes;
    for (let i = 0; i < bytes / REQUEST_BYTES; i++)
      host.disk.submit(writeback, REQUEST_BYTES, true, this.written, REQUEST_BYTES);
    this.next();
  };

  private next(): void {
    this.isWaiting = this.dirty >= this.most;
    if (!this.isWaiting) this.place.host.scheduler.run(this.thread, CHUNK_TIME, this.step, 0);
  }

  private readonly written = (bytes: number): void => {
    this.dirty -= bytes;
    if (this.isWaiting) this.next();
  };
}

/** A process that starts others, which do the same: each has its structures in the kernel, its stack, and always wants to run. */
export class ForkHog {
  kills = 0;
  private readonly children: { readonly thread: ThreadId; readonly areas: readonly number[] }[] = [];

  /** @param most processes that it may have (pids.max) */
  constructor(
    private readonly place: HogPlace,
    private readonly most: number,
  ) {
    this.spawn();
  }

  private readonly spawn = (): void => {
    const { host, owner, group } = this.place;
    const { memory, scheduler } = host;
    if (this.children.length >= Math.min(this.most, PID_MAX.value)) return;
    const sizes = { kernel: findTechnology("process")!.kernel.value, anonymous: PROCESS_BYTES };
    const areas = (["kernel", "anonymous"] as const).map((kind) =>
      memory.addArea({ owner, kind, pages: pagesOf(sizes[kind]) }),
    );
    const thread = scheduler.addThread({ group });
    this.children.push({ thread, areas });
    const isFitted = areas.every(
      (area) => memory.touch(area, 0, memory.areas.pages[area]!, true).isSatisfied,
    );
    host.flushSwap();
    if (!isFitted) {
      this.kill();
      return;
    }
    const again = (): void => scheduler.run(thread, BURST, again, 0);
    again();
    host.clock.after(FORK_INTERVAL, this.spawn);
  };

  private kill(): void {
    const { host } = this.place;
    this.kills++;
    for (const { thread, areas } of this.children) {
      host.scheduler.removeThread(thread);
      for (const area of areas) host.memory.removeArea(area);
    }
    this.children.length = 0;
    host.clock.after(RESTART, this.spawn);
  }
}

/** Touches more and more memory, up to `bytes`, then goes round and round in it. */
export class MemoryHog {
  /** How often the out-of-memory killer ended it. */
  kills = 0;
  private readonly thread: ThreadId;
  private area: number;
  private at = 0;

  constructor(
    private readonly place: HogPlace,
    private readonly bytes: number,
  ) {
    const { host, group, isGuest } = place;
    this.thread = host.scheduler.addThread({ group, isGuest });
    this.area = this.take();
    this.step();
  }

  private take(): number {
    const { host, owner, isGuest } = this.place;
    const kind: AreaKind = isGuest ? "guest" : "anonymous";
    return host.memory.addArea({ owner, kind, pages: pagesOf(this.bytes) });
  }

  private readonly step = (): void => {
    const { host, queue } = this.place;
    const pages = pagesOf(this.bytes);
    const size = Math.min(CHUNK_PAGES, pages - this.at);
    const faults = host.memory.touch(this.area, this.at, size, true);
    host.flushSwap();
    if (!faults.isSatisfied) {
      this.kill();
      return;
    }
    this.at = (this.at + size) % pages;
    const work = CHUNK_TIME + faults.minor * host.costs.minorFault + faults.swapReads * host.costs.majorFault;
    const run = (): void => host.scheduler.run(this.thread, work, this.step, 0);
    if (faults.swapReads > 0) host.disk.submit(queue, faults.swapReads * PAGE_BYTES, false, run, 0);
    else run();
  };

  private kill(): void {
    const { host } = this.place;
    this.kills++;
    host.memory.removeArea(this.area);
    this.at = 0;
    const restart = (): void => {
      this.area = this.take();
      this.step();
    };
    host.clock.after(RESTART, restart);
  }
}
