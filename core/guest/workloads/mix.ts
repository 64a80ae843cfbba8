/**
 * A bit of everything, in stated proportions: processes with Zipf references to their data and fetches over
 * their code, interrupted by system calls, first touches of fresh memory, context switches and forks at fixed
 * intervals.
 */
import { REF_FETCH, REF_WRITE } from "../../machine/address.js";
import type { ParameterSpecs } from "../../util/parameters.js";
import type { Random } from "../../util/random.js";
import { PAGE_SIZES } from "../../util/units.js";
import type { Process } from "../kernel/process.js";
import { BATCH_REFERENCES, newBatch, pageNumber, pageSweep, touchAll, warmUpFor } from "./batches.js";
import { forkAndWait } from "./processes.js";
import { wholePages } from "./sizes.js";
import type { Workload, WorkloadContext, WorkloadDefinition } from "./workload.js";
import { ZipfStream } from "./zipf-stream.js";

const PARAMETERS = {
  footprint: {
    kind: "bytes",
    description: "Data of one process.",
    default: { tiny: 4 * 2 ** 20, small: 32 * 2 ** 20, full: 2 ** 30 },
    minimum: 4096,
  },
  code: {
    kind: "bytes",
    description: "Code of one process, fetched from with Zipf's law.",
    default: 2 * 2 ** 20,
    minimum: 4096,
    maximum: 2 ** 30,
  },
  processes: {
    kind: "count",
    description: "Processes that run in turn.",
    default: 4,
    minimum: 1,
    maximum: 1_000,
  },
  references: {
    kind: "count",
    description: "User references in the measured region.",
    default: { tiny: 80_000, small: 1_500_000, full: 500_000_000 },
    minimum: 1,
  },
  exponent: {
    kind: "number",
    description: "Zipf's exponent, of data and code.",
    default: 0.99,
    minimum: 0,
    maximum: 4,
  },
  writePercent: {
    kind: "number",
    description: "Share of data references that write, percent.",
    default: 25,
    minimum: 0,
    maximum: 100,
  },
  fetchEvery: {
    kind: "count",
    description: "One reference in so many is a fetch; 0 for none.",
    default: 4,
    minimum: 0,
  },
  systemCallEvery: {
    kind: "count",
    description: "User references from one system call to the next; 0 for none.",
    default: 2_000,
    minimum: 0,
  },
  faultEvery: {
    kind: "count",
    description: "User references from one first touch of a page to the next; 0 for none.",
    default: 4_000,
    minimum: 0,
  },
  switchEvery: {
    kind: "count",
    description: "User references from one context switch to the next; 0 for none.",
    default: 20_000,
    minimum: 0,
  },
  forkEvery: {
    kind: "count",
    description: "User references from one fork, with exit, to the next; 0 for none.",
    default: { tiny: 20_000, small: 200_000, full: 200_000 },
    minimum: 0,
  },
} as const satisfies ParameterSpecs;

type MixParameters = typeof PARAMETERS;

/** Pages that a forked child writes before it exits. */
const CHILD_WRITES = 4;
/** Pages of the region for first touches, which is mapped anew when all are touched. */
const FRESH_PAGES = 16;

/** Something that happens every so many references. */
interface Interval {
  readonly every: number;
  /** References until it happens next. */
  left: number;
  readonly act: () => void;
}

/** One process's region for first touches, and how far it is touched. */
interface FreshRegion {
  readonly writes: Int32Array;
  readonly va: number;
  touched: number;
}

class Mix implements Workload {
  private readonly batch = newBatch();
  private readonly data: ZipfStream;
  private readonly code: ZipfStream;
  private readonly fetches = newBatch();
  private readonly processes: Process[] = [];
  private readonly fresh = new Map<Process, FreshRegion>();
  private readonly intervals: Interval[];
  private turn = 0;
  private dataPage = 0;
  private codePage = 0;
  private childWrites: Int32Array = new Int32Array(0);

  constructor(private readonly context: WorkloadContext<MixParameters>) {
    const { parameters, random } = context;
    const stream = (bytes: number, writes: number, own: Random): ZipfStream =>
      new ZipfStream(Math.ceil(bytes / 4096), parameters.exponent, writes, own);
    this.data = stream(parameters.footprint, parameters.writePercent, random.fork("data"));
    this.code = stream(parameters.code, 0, random.fork("code"));
    const every = (interval: number, act: () => void): Interval => ({ every: interval, left: interval, act });
    this.intervals = [
      every(parameters.systemCallEvery, () => context.kernel.systemCall()),
      every(parameters.faultEvery, () => this.touchFresh()),
      every(parameters.switchEvery, () => this.switchProcess()),
      every(parameters.forkEvery, () => forkAndWait(this.context.kernel, this.childWrites)),
    ].filter(({ every: interval }) => interval > 0);
  }

  prepare(): void {
    const { kernel, parameters, page } = this.context;
    for (let i = 0; i < parameters.processes; i++) {
      const process = kernel.spawn();
      this.processes.push(process);
      kernel.switchTo(process);
      const va = kernel.mmap(parameters.footprint, { page, populate: true });
      const code = kernel.mmap(parameters.code, { populate: true, writable: false, executable: true });
      touchAll(kernel, va, parameters.footprint, REF_WRITE);
      touchAll(kernel, code, parameters.code, REF_FETCH);
      this.dataPage = pageNumber(va);
      this.codePage = pageNumber(code);
      const bytes = Math.min(wholePages(parameters.footprint, page), CHILD_WRITES * PAGE_SIZES[page]);
      this.childWrites = pageSweep(va, bytes, PAGE_SIZES[page], REF_WRITE);
    }
    this.refer(warmUpFor(parameters.references));
  }

  run(): void {
    this.refer(this.context.parameters.references);
  }

  /** Runs user references in slices that end where the next interval does. */
  private refer(count: number): void {
    const { batch, intervals } = this;
    const { kernel } = this.context;
    let done = 0;
    while (done < count) {
      let slice = Math.min(BATCH_REFERENCES, count - done);
      for (const { left } of intervals) slice = Math.min(slice, left);
      this.fill(slice);
      kernel.user(batch, slice);
      done += slice;
      for (const interval of intervals) {
        interval.left -= slice;
        if (interval.left > 0) continue;
        interval.left = interval.every;
        interval.act();
      }
    }
  }

  /** Data references, every so many of them replaced by a fetch. */
  private fill(count: number): void {
    const { batch, fetches, context } = this;
    const step = context.parameters.fetchEvery;
    this.data.fill(batch, 0, count, this.dataPage);
    if (step === 0) return;
    const replaced = Math.ceil(count / step);
    this.code.fill(fetches, 0, replaced, this.codePage);
    for (let i = 0; i < replaced; i++) {
      batch[2 * i * step] = fetches[2 * i]! | REF_FETCH;
      batch[2 * i * step + 1] = fetches[2 * i + 1]!;
    }
  }

  private touchFresh(): void {
    const { kernel } = this.context;
    const process = kernel.current;
    let region = this.fresh.get(process);
    if (region === undefined || region.touched === FRESH_PAGES) {
      if (region !== undefined) kernel.munmap(region.va, FRESH_PAGES * 4096);
      const va = kernel.mmap(FRESH_PAGES * 4096);
      region = { va, writes: pageSweep(va, FRESH_PAGES * 4096, 4096, REF_WRITE), touched: 0 };
      this.fresh.set(process, region);
    }
    region.touched++;
    kernel.user(region.writes, region.touched, region.touched - 1);
  }

  private switchProcess(): void {
    this.turn = (this.turn + 1) % this.processes.length;
    this.context.kernel.switchTo(this.processes[this.turn]!);
  }
}

export const MIX: WorkloadDefinition<MixParameters> = {
  name: "mix",
  title: "Mix",
  description:
    "Zipf references and fetches of several processes, with system calls, faults, switches and forks in stated proportions.",
  source: "this project: every mechanism of the guest in one run",
  parameters: PARAMETERS,
  footprint: ({ footprint, code, processes }, page) => {
    const data = wholePages(footprint, page);
    const other = wholePages(code, "4K") + FRESH_PAGES * 4096;
    const copied = CHILD_WRITES * PAGE_SIZES[page];
    return {
      dataBytes: processes * (data + other) + copied,
      mappedBytes: data + other,
      processes: processes + 1,
    };
  },
  create: (context) => new Mix(context),
};
