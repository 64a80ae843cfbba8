/**
 * Links and the flows that share them. A flow passes one or more links; rates are max-min fair: every link gives the flows that
 * it limits equal shares, and none more than it has. Rates change when a flow begins or ends, and at no other time (a fluid
 * model: no packets, no losses, no windows).
 */
import type { LinkId, Network } from "./contracts.js";
import { type Action, type EventHandle, type EventQueue, NO_EVENT } from "./event-queue.js";
import { SECOND } from "./time.js";

interface Flow {
  readonly path: readonly LinkId[];
  readonly done: Action;
  readonly argument: number;
  left: number;
  /** Bytes a nanosecond. */
  rate: number;
}

/** A flow with less than this left has arrived: times are whole nanoseconds. */
const REST = 1e-3;

export class FluidNetwork implements Network {
  /** Bytes a nanosecond. */
  private readonly bandwidth: number[] = [];
  private readonly latency: number[] = [];
  private flows: Flow[] = [];
  private settledAt = 0;
  private next: EventHandle = NO_EVENT;
  /** Rates are computed once for all that begins at one moment. */
  private isDue = false;
  private readonly arriving: (Flow | undefined)[] = [];
  private readonly slots: number[] = [];

  constructor(private readonly clock: EventQueue) {}

  addLink(bytesPerSecond: number, latency: number): LinkId {
    this.latency.push(latency);
    return this.bandwidth.push(bytesPerSecond / SECOND) - 1;
  }

  transfer(path: readonly LinkId[], bytes: number, done: Action, argument: number): void {
    this.settle();
    this.flows.push({ path, done, argument, left: bytes, rate: 0 });
    if (this.isDue) return;
    if (this.next !== NO_EVENT) this.clock.cancel(this.next);
    this.next = this.clock.after(0, this.update);
    this.isDue = true;
  }

  private readonly update = (): void => {
    this.next = NO_EVENT;
    this.isDue = false;
    this.settle();
    for (const flow of this.flows) if (flow.left <= REST) this.end(flow);
    this.flows = this.flows.filter(({ left }) => left > REST);
    if (this.flows.length === 0) return;
    this.share();
    const first = this.flows.reduce(
      (least, { left, rate }) => Math.min(least, left / rate),
      Number.POSITIVE_INFINITY,
    );
    this.next = this.clock.after(Math.max(1, first), this.update);
  };

  /** Its last byte has left; it arrives after the latencies of its links. */
  private end(flow: Flow): void {
    const slot = this.slots.pop() ?? this.arriving.length;
    this.arriving[slot] = flow;
    const delay = flow.path.reduce((sum, link) => sum + this.latency[link]!, 0);
    this.clock.after(delay, this.arrive, slot);
  }

  private readonly arrive = (slot: number): void => {
    const flow = this.arriving[slot]!;
    this.arriving[slot] = undefined;
    this.slots.push(slot);
    flow.done(flow.argument);
  };

  /** Brings what is left of every flow up to now. */
  private settle(): void {
    const passed = this.clock.now - this.settledAt;
    this.settledAt = this.clock.now;
    if (passed > 0) for (const flow of this.flows) flow.left -= flow.rate * passed;
  }

  /** Max-min fairness by progressive filling: the link that gives least fixes its flows' rates, then the next. */
  private share(): void {
    const room = new Map<LinkId, number>();
    const users = new Map<LinkId, number>();
    for (const { path } of this.flows)
      for (const link of path) {
        room.set(link, this.bandwidth[link]!);
        users.set(link, (users.get(link) ?? 0) + 1);
      }
    let open = this.flows;
    while (open.length > 0) {
      let tightest = -1;
      let rate = Number.POSITIVE_INFINITY;
      for (const [link, flows] of users) {
        const each = flows === 0 ? Number.POSITIVE_INFINITY : room.get(link)! / flows;
        if (each >= rate) continue;
        tightest = link;
        rate = each;
      }
      const others: Flow[] = [];
      for (const flow of open) {
        if (!flow.path.includes(tightest)) {
          others.push(flow);
          continue;
        }
        flow.rate = rate;
        for (const link of flow.path) {
          room.set(link, Math.max(0, room.get(link)! - rate));
          users.set(link, users.get(link)! - 1);
        }
      }
      open = others;
    }
  }
}
