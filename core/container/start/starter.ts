/**
 * Carries starts out on a host: each goes through its steps one after another, on a thread of its own, and waits where it has to.
 * What each phase took is added up over all starts.
 */
import type { OwnerId, ThreadId } from "../../host/contracts.js";
import { ROOT_GROUP } from "../../host/contracts.js";
import { type Host, pagesOf } from "../../host/host.js";
import type { ImageFetch } from "./fetch.js";
import { HostLock } from "./lock.js";
import type { LockName, PhaseName, Step } from "./phases.js";

interface Start {
  readonly owner: OwnerId;
  readonly thread: ThreadId;
  readonly steps: readonly Step[];
  readonly done: () => void;
  readonly asked: number;
  next: number;
  /** When the current step began. */
  since: number;
}

type ReadStep = Extract<Step, { readonly kind: "read" }>;

export class Starter {
  /** Sums over all starts, ns. */
  readonly phases = new Map<PhaseName, number>();
  /** What each finished start took, ns. */
  readonly times: number[] = [];
  private readonly starts: Start[] = [];
  private readonly locks: Readonly<Record<LockName, HostLock>> = {
    engine: new HostLock(),
    storage: new HostLock(),
  };

  /** @param networks containers' networks that the host has already; those of finished steps join them */
  constructor(
    private readonly host: Host,
    private readonly fetch: ImageFetch,
    private networks: number,
  ) {}

  /** Begins a start now; `done` is called when its last step is done. */
  begin(owner: OwnerId, steps: readonly Step[], done: () => void): void {
    const { clock, scheduler } = this.host;
    const thread = scheduler.addThread({ group: ROOT_GROUP });
    const { now } = clock;
    const index = this.starts.push({ owner, thread, steps, done, asked: now, next: 0, since: now }) - 1;
    this.step(index);
  }

  private readonly step = (index: number): void => {
    const start = this.starts[index]!;
    const step = start.steps[start.next];
    if (step === undefined) {
      this.finish(start);
      return;
    }
    const { clock, scheduler, disk } = this.host;
    start.since = clock.now;
    switch (step.kind) {
      case "work":
        scheduler.run(start.thread, step.ns, this.stepDone, index);
        break;
      case "locked":
        this.locks[step.lock].acquire(this.granted, index);
        break;
      case "network":
        this.locks.engine.acquire(this.networkGranted, index);
        break;
      case "wait":
        clock.after(step.ns, this.stepDone, index);
        break;
      case "copies":
        scheduler.run(start.thread, step.pages * this.host.costs.copyFault, this.stepDone, index);
        break;
      case "read":
        this.read(start, step, index);
        break;
      case "write":
        if (step.isAwaited) disk.submit(start.owner, step.bytes, true, this.stepDone, index);
        else {
          disk.submit(start.owner, step.bytes, true, nothing, 0);
          this.stepDone(index);
        }
        break;
      case "fetch":
        this.fetch.need(this.fetched, index);
        break;
    }
  };

  private readonly granted = (index: number): void => {
    const { thread, steps, next } = this.starts[index]!;
    const step = steps[next]!;
    if (step.kind !== "locked") return;
    const isContended = this.locks[step.lock].waiters > 0;
    const ns = isContended ? (step.contended ?? step.ns) : step.ns;
    this.host.scheduler.run(thread, ns, this.heldEnough, index);
  };

  private readonly heldEnough = (index: number): void => {
    const { steps, next } = this.starts[index]!;
    const step = steps[next]!;
    this.stepDone(index);
    if (step.kind === "locked") this.locks[step.lock].release();
  };

  private readonly networkGranted = (index: number): void => {
    const { thread, steps, next } = this.starts[index]!;
    const step = steps[next]!;
    if (step.kind !== "network") return;
    this.host.scheduler.run(thread, step.ns + this.networks * step.each, this.networkMade, index);
  };

  private readonly networkMade = (index: number): void => {
    this.networks++;
    this.stepDone(index);
    this.locks.engine.release();
  };

  /** Pages that are missing come from the disk, file by file, and then cost a fault each. */
  private read(start: Start, { path, bytes, content, files }: ReadStep, index: number): void {
    const { host } = this;
    const pages = pagesOf(bytes);
    if (pages === 0) {
      this.stepDone(index);
      return;
    }
    const file = host.file(path, bytes, content);
    host.memory.mapFile(start.owner, file);
    const { minor, fileReads } = host.memory.touch(file, 0, pages, false, start.owner);
    host.flushSwap();
    const work = (minor + fileReads) * host.costs.minorFault;
    const fault = (): void => host.scheduler.run(start.thread, Math.max(1, work), this.stepDone, index);
    const requests = Math.ceil((files * fileReads) / pages);
    let left = fileReads;
    const next = (asked: number): void => {
      if (asked === requests) {
        fault();
        return;
      }
      const size = Math.ceil(left / (requests - asked));
      left -= size;
      host.read(start.owner, size, next, asked + 1);
    };
    next(0);
  }

  /** The time of a fetch has two phases: until the last layer had come, and the rest. */
  private readonly fetched = (index: number): void => {
    const start = this.starts[index]!;
    const { downloadedAt } = this.fetch;
    const pulled = Math.max(0, downloadedAt - start.since);
    this.add("pull", pulled);
    this.add("unpack", this.host.clock.now - start.since - pulled);
    start.next++;
    this.step(index);
  };

  private readonly stepDone = (index: number): void => {
    const start = this.starts[index]!;
    this.add(start.steps[start.next]!.phase, this.host.clock.now - start.since);
    start.next++;
    this.step(index);
  };

  private add(phase: PhaseName, time: number): void {
    this.phases.set(phase, (this.phases.get(phase) ?? 0) + time);
  }

  private finish(start: Start): void {
    this.times.push(this.host.clock.now - start.asked);
    this.host.scheduler.removeThread(start.thread);
    start.done();
  }
}

function nothing(): void {}
