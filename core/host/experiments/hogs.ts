/**
 * Neighbours that take what they can get: processors, memory, or the disk. Each is an instance's worth of threads or areas in a
 * group and under an owner that may be limited; what a limit does to it is the scheduler's, the ledger's and the device's doing.
 */
import { type AreaKind, type GroupId, type OwnerId, PAGE_BYTES, type ThreadId } from "../contracts.js";
import { type Host, pagesOf } from "../host.js";
import { MS } from "../time.js";

/** What a thread of a processor hog does at a time. */
const BURST = 10 * MS;
/** A memory hog touches so much at a time, and works so long for it: about 2 GiB a second where memory is free. */
const CHUNK_PAGES = 4096;
const CHUNK_TIME = 8 * MS;
/** Requests that a disk hog keeps under way, of so many bytes: large sequential reads, as a backup does. */
const QUEUE_DEPTH = 64;
const REQUEST_BYTES = 256 * 1024;
/** After it was killed for want of memory, a hog is started again (restart policy). */
const RESTART = 1_000 * MS;

export interface HogPlace {
  readonly host: Host;
  readonly owner: OwnerId;
  /** Under whose name it waits for the disk. */
  readonly queue: OwnerId;
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
