/**
 * A block device with a queue. It serves `channels` requests at once, each with a latency, and moves bytes at one bandwidth for
 * all. Whose request is next where several owners wait is decided by start-time fair queueing over bytes and weights (as BFQ
 * and io.weight do); an owner with a limit waits until its limit allows (io.max, blkio.throttle).
 *
 * Left out: seeks (a rotating disk is a device with one channel and a long latency), write caches, failures.
 */
import type { BlockDevice, OwnerId } from "./contracts.js";
import type { Action, EventQueue } from "./event-queue.js";
import { SECOND } from "./time.js";

export interface BlockDeviceOptions {
  /** Time of a request besides its bytes, ns. */
  readonly readLatency: number;
  readonly writeLatency: number;
  /** Of the device as a whole, bytes a second. */
  readonly readBandwidth: number;
  readonly writeBandwidth: number;
  /** Requests served at once. */
  readonly channels: number;
}

interface Request {
  readonly owner: OwnerId;
  readonly bytes: number;
  readonly isWrite: boolean;
  readonly done: Action;
  readonly argument: number;
  readonly arrived: number;
}

/** What an owner has waiting, and what it may have. */
class Share {
  readonly waiting: Request[] = [];
  first = 0;
  weight = DEFAULT_WEIGHT;
  /** Virtual time at which its next request starts. */
  start = 0;
  bytesPerSecond = Number.POSITIVE_INFINITY;
  operationsPerSecond = Number.POSITIVE_INFINITY;
  /** When its limit allows the next request. */
  allowedAt = 0;

  get length(): number {
    return this.waiting.length - this.first;
  }

  next(): Request {
    const request = this.waiting[this.first++]!;
    if (this.first === this.waiting.length) {
      this.waiting.length = 0;
      this.first = 0;
    }
    return request;
  }
}

const DEFAULT_WEIGHT = 100;

export class QueuedDevice implements BlockDevice {
  /** Requests served, bytes moved, and the sum of what requests waited and took, ns. */
  readonly served = { requests: 0, readBytes: 0, writtenBytes: 0, time: 0 };
  private readonly shares = new Map<OwnerId, Share>();
  /** Owners with something waiting. */
  private readonly active = new Set<Share>();
  private virtualTime = 0;
  private busy = 0;
  /** When the bandwidth is free again: transfers follow one another. */
  private freeAt = 0;
  private isWaking = false;
  private readonly inFlight: (Request | undefined)[] = [];
  private readonly slots: number[] = [];

  constructor(
    private readonly clock: EventQueue,
    private readonly options: BlockDeviceOptions,
  ) {}

  submit(owner: OwnerId, bytes: number, isWrite: boolean, done: Action, argument: number): void {
    const share = this.shareOf(owner);
    if (share.length === 0) {
      share.start = Math.max(share.start, this.virtualTime);
      this.active.add(share);
    }
    share.waiting.push({ owner, bytes, isWrite, done, argument, arrived: this.clock.now });
    this.dispatch();
  }

  weigh(owner: OwnerId, weight: number): void {
    this.shareOf(owner).weight = weight;
  }

  throttle(owner: OwnerId, limit: { bytesPerSecond?: number; operationsPerSecond?: number }): void {
    const share = this.shareOf(owner);
    share.bytesPerSecond = limit.bytesPerSecond ?? Number.POSITIVE_INFINITY;
    share.operationsPerSecond = limit.operationsPerSecond ?? Number.POSITIVE_INFINITY;
  }

  /** Requests that wait. */
  get queued(): number {
    let waiting = 0;
    for (const share of this.active) waiting += share.length;
    return waiting;
  }

  private shareOf(owner: OwnerId): Share {
    let share = this.shares.get(owner);
    if (share === undefined) {
      share = new Share();
      this.shares.set(owner, share);
    }
    return share;
  }

  /** Starts requests while a channel is free and somebody may use it. */
  private dispatch(): void {
    while (this.busy < this.options.channels && this.active.size > 0) {
      const share = this.chosen();
      if (share === undefined) return;
      const request = share.next();
      this.virtualTime = share.start;
      share.start += request.bytes / share.weight;
      if (share.length === 0) this.active.delete(share);
      const byBytes = request.bytes / share.bytesPerSecond;
      const byCount = 1 / share.operationsPerSecond;
      share.allowedAt = Math.max(share.allowedAt, this.clock.now) + Math.max(byBytes, byCount) * SECOND;
      this.start(request);
    }
  }

  /** The owner whose virtual start is least among those that their limits allow; if none is, dispatch is asked for later. */
  private chosen(): Share | undefined {
    let best: Share | undefined;
    let soonest = Number.POSITIVE_INFINITY;
    for (const share of this.active) {
      if (share.allowedAt > this.clock.now) soonest = Math.min(soonest, share.allowedAt);
      else if (best === undefined || share.start < best.start) best = share;
    }
    if (best === undefined && !this.isWaking) {
      this.isWaking = true;
      this.clock.at(soonest, this.wake);
    }
    return best;
  }

  private readonly wake = (): void => {
    this.isWaking = false;
    this.dispatch();
  };

  private start(request: Request): void {
    const { readLatency, writeLatency, readBandwidth, writeBandwidth } = this.options;
    const { now } = this.clock;
    const bandwidth = request.isWrite ? writeBandwidth : readBandwidth;
    this.freeAt = Math.max(this.freeAt, now) + (request.bytes / bandwidth) * SECOND;
    const ready = Math.max(this.freeAt, now + (request.isWrite ? writeLatency : readLatency));
    this.busy++;
    const slot = this.slots.pop() ?? this.inFlight.length;
    this.inFlight[slot] = request;
    this.clock.at(ready, this.finish, slot);
  }

  private readonly finish = (slot: number): void => {
    const request = this.inFlight[slot]!;
    this.inFlight[slot] = undefined;
    this.slots.push(slot);
    this.busy--;
    this.served.requests++;
    this.served.time += this.clock.now - request.arrived;
    if (request.isWrite) this.served.writtenBytes += request.bytes;
    else this.served.readBytes += request.bytes;
    this.dispatch();
    request.done(request.argument);
  };
}
