/**
 * Requests to an instance: they arrive by its application's pattern, wait for a thread, touch memory, wait for the disk where
 * pages or data are missing, use a processor, and send an answer. What each took is told to a meter.
 */

import type { Random } from "../util/random.js";
import type { ArrivalPattern } from "./applications/application.js";
import { type AreaId, type LinkId, PAGE_BYTES, type ThreadId } from "./contracts.js";
import type { Host } from "./host.js";
import type { Instance } from "./instances/instance.js";
import type { RequestMeter } from "./meter.js";
import { SECOND } from "./time.js";

const MINUTE = 60 * SECOND;
/** Bursts: on for a tenth of each ten seconds. */
const BURST_PERIOD = 10 * SECOND;
const BURST_FACTOR = 10;
/** Requests that may wait for a thread; more are refused. */
const QUEUE_LIMIT = 10_000;
/** Pages of its guest's spare page cache that a request reads, where nobody says. */
const CACHED_PAGES = 2;
/** A day's swing about its mean. */
const DIURNAL_SWING = 0.8;

export interface LoadOptions {
  /** Requests a second; 0: the application's own. */
  readonly rate: number;
  /** Undefined: the application's own. */
  readonly arrivals?: ArrivalPattern | undefined;
  /** Links that answers pass; the host's own when silent. */
  readonly path?: readonly LinkId[];
  /** Its guest's page cache; the guest's spare memory when silent. */
  readonly cache?: CacheUse;
}

/** Pages of a guest's page cache that a request reads, and of these the share that was used just before and is always there. */
export interface CacheUse {
  readonly area: AreaId;
  readonly pages: number;
  readonly reused: number;
}

/** Takes the requests of one instance until it is stopped. */
export class Load {
  /** Arrival times of requests that wait for a thread. */
  private readonly waiting: number[] = [];
  private first = 0;
  private readonly free: number[] = [];
  /** By thread: when its request arrived, and what the processor has to do for it. */
  private readonly arrivedAt: Float64Array;
  private readonly work: Float64Array;
  private readonly uses: readonly Use[];
  private readonly rate: number;
  private readonly arrivals: ArrivalPattern;
  private readonly phase: number;
  private readonly path: readonly LinkId[];
  private readonly cache: CacheUse | undefined;
  /** What a request costs besides its work and its pages: the round trip, and system calls that others serve. */
  private readonly overhead: number;
  private isRunning = true;
  constructor(
    private readonly host: Host,
    readonly instance: Instance,
    private readonly random: Random,
    private readonly meter: RequestMeter,
    options: LoadOptions,
  ) {
    const { application, threads, technology } = instance;
    this.rate = options.rate > 0 ? options.rate : application.rate.value;
    this.arrivals = options.arrivals ?? application.arrivals;
    this.phase = random.unit();
    this.path = options.path ?? [host.link];
    const { spare } = instance;
    this.cache =
      options.cache ?? (spare === undefined ? undefined : { area: spare, pages: CACHED_PAGES, reused: 0 });
    const { answerBytes, systemCalls } = application.request;
    this.overhead =
      systemCalls.value * technology.systemCall.value +
      (answerBytes.value > 0 ? technology.roundTrip.value : 0);
    this.arrivedAt = new Float64Array(threads.length);
    this.work = new Float64Array(threads.length);
    this.uses = usesOf(instance);
    for (let i = 0; i < threads.length; i++) this.free.push(i);
    if (application.request.work.value > 0) {
      if (this.arrivals === "closed") for (let i = threads.length; i > 0; i--) this.arrive();
      else this.nextArrival();
    }
    if (technology.idleWork.value > 0) this.startHousekeeping(technology.idleWork.value);
  }

  /** No more requests; those under way end. */
  stop(): void {
    this.isRunning = false;
    this.waiting.length = 0;
    this.first = 0;
  }

  private startHousekeeping(work: number): void {
    const { host, instance } = this;
    const thread = host.scheduler.addThread({
      group: instance.group,
      isGuest: instance.technology.guest !== undefined,
    });
    const again = (): void => {
      if (this.isRunning) host.scheduler.run(thread, work, later, 0);
      else host.scheduler.removeThread(thread);
    };
    const later = (): void => {
      host.clock.after(SECOND, again);
    };
    host.clock.after(this.phase * SECOND, again);
  }

  private nextArrival(): void {
    const { arrivals } = this;
    const peak = arrivals === "bursts" ? BURST_FACTOR : arrivals === "diurnal" ? 1 + DIURNAL_SWING : 1;
    const gap = (-Math.log(1 - this.random.unit()) / (this.rate * peak)) * SECOND;
    this.host.clock.after(gap, this.candidate);
  }

  /** An arrival at the peak's rate; at other times some of them are left out (thinning). */
  private readonly candidate = (): void => {
    if (!this.isRunning) return;
    if (this.isKept()) this.arrive();
    this.nextArrival();
  };

  private isKept(): boolean {
    const { now } = this.host.clock;
    switch (this.arrivals) {
      case "bursts":
        return (now / BURST_PERIOD + this.phase) % 1 < 1 / BURST_FACTOR;
      case "diurnal": {
        const level = 1 + DIURNAL_SWING * Math.sin(2 * Math.PI * (now / MINUTE + this.phase));
        return this.random.unit() < level / (1 + DIURNAL_SWING);
      }
      default:
        return true;
    }
  }

  private arrive(): void {
    const { now } = this.host.clock;
    this.meter.arrived();
    const thread = this.free.pop();
    if (thread !== undefined) this.serve(thread, now);
    else if (this.waiting.length - this.first < QUEUE_LIMIT) this.waiting.push(now);
    else this.meter.refused();
  }

  private serve(index: number, arrived: number): void {
    const { host, instance } = this;
    this.arrivedAt[index] = arrived;
    const pages = this.touch(index);
    const disk = instance.application.request.diskBytes.value;
    if (pages > 0 || disk > 0)
      host.disk.submit(instance.owner, pages * PAGE_BYTES + disk, false, this.compute, index);
    else this.compute(index);
  }

  /** Touches memory. @returns pages to be read; the processor's part of the faults is kept for `compute` */
  private touch(index: number): number {
    const { host, instance, random, meter } = this;
    const { memory, costs } = host;
    const { application, technology } = instance;
    const perMinor = costs.minorFault + (technology.guest === undefined ? 0 : costs.guestFault);
    let extra = this.overhead;
    let reads = 0;
    for (const { area, pages, isWrite } of this.uses) {
      const faults = memory.touchSome(area, pages, isWrite, random.unit(), instance.owner);
      const major = faults.fileReads + faults.swapReads;
      extra += faults.minor * perMinor + faults.copies * costs.copyFault + major * costs.majorFault;
      reads += major;
      if (!faults.isSatisfied) meter.outOfMemory();
    }
    host.flushSwap();
    reads += this.cacheReads();
    if (reads > 0) meter.waitedForPages(reads);
    this.work[index] = application.request.work.value * (1 + technology.translation.value) + extra;
    return reads;
  }

  /** Pages that the guest reads because its page cache does not hold them, or no more, beyond what the host's swap gives back. */
  private cacheReads(): number {
    if (this.cache === undefined) return 0;
    const { area, pages, reused } = this.cache;
    const { memory } = this.host;
    const { areas } = memory;
    const size = areas.pages[area]!;
    const isMissing = size - areas.resident[area]! - areas.swapped[area]! - areas.merged[area]!;
    const fraction = this.random.unit();
    if (isMissing === 0) return memory.touchSome(area, pages, false, fraction, this.instance.owner).swapReads;
    const reads = Math.floor((pages * (1 - reused) * isMissing) / size + fraction);
    memory.use(area, pages - reads);
    return reads;
  }

  private readonly compute = (index: number): void => {
    const { host, instance } = this;
    const thread: ThreadId = instance.threads[index]!;
    host.scheduler.run(thread, this.work[index]!, this.answer, index);
  };

  /** The answer leaves; its thread is free when the last byte has arrived. */
  private readonly answer = (index: number): void => {
    const bytes = this.instance.application.request.answerBytes.value;
    if (bytes === 0) this.finish(index);
    else this.host.network.transfer(this.path, bytes, this.finish, index);
  };

  private readonly finish = (index: number): void => {
    this.meter.finished(this.host.clock.now - this.arrivedAt[index]!);
    if (!this.isRunning) return;
    if (this.arrivals === "closed") {
      this.meter.arrived();
      this.serve(index, this.host.clock.now);
      return;
    }
    const next = this.waiting[this.first];
    if (next === undefined) {
      this.free.push(index);
      return;
    }
    this.first++;
    if (this.first === this.waiting.length) {
      this.waiting.length = 0;
      this.first = 0;
    }
    this.serve(index, next);
  };
}

/** Pages of an area that a request touches. */
interface Use {
  readonly area: AreaId;
  readonly pages: number;
  readonly isWrite: boolean;
}

function usesOf({ hot, warm, files, application }: Instance): Use[] {
  const { hotPages, warmPages } = application.request;
  const uses: [AreaId | undefined, number, boolean][] = [
    [hot, hotPages.value, true],
    [warm, warmPages.value, false],
    [files, hotPages.value, false],
  ];
  return uses.flatMap(([area, pages, isWrite]) =>
    area === undefined || pages === 0 ? [] : [{ area, pages, isWrite }],
  );
}
