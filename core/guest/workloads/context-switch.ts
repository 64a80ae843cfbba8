/**
 * Processes that run in turn, each reading its own working set before it gives way: what a switch costs in
 * itself, and in translations lost. All have their memory at the same addresses, so one batch of references
 * serves them all.
 */
import type { ParameterSpecs } from "../../util/parameters.js";
import type { Process } from "../kernel/process.js";
import { newBatch, pageNumber } from "./batches.js";
import { wholePages } from "./sizes.js";
import type { Workload, WorkloadContext, WorkloadDefinition } from "./workload.js";

const PARAMETERS = {
  processes: {
    kind: "count",
    description: "Processes that run in turn.",
    default: 8,
    minimum: 2,
    maximum: 100_000,
  },
  workingSet: {
    kind: "bytes",
    description: "Memory that a process reads in its turn, a cache line at a time.",
    default: 64 * 2 ** 10,
    minimum: 4096,
    maximum: 2 ** 30,
  },
  switches: {
    kind: "count",
    description: "Context switches in the measured region.",
    default: { tiny: 200, small: 4_000, full: 1_000_000 },
    minimum: 1,
  },
} as const satisfies ParameterSpecs;

const LINES = 64;

class ContextSwitch implements Workload {
  private readonly processes: Process[] = [];
  private turn = 0;
  private reads: Int32Array = new Int32Array(0);

  constructor(private readonly context: WorkloadContext<typeof PARAMETERS>) {}

  prepare(): void {
    const { kernel, parameters, page } = this.context;
    const pages = Math.ceil(parameters.workingSet / 4096);
    let firstPage = 0;
    for (let i = 0; i < parameters.processes; i++) {
      const process = kernel.spawn();
      this.processes.push(process);
      kernel.switchTo(process);
      firstPage = pageNumber(kernel.mmap(pages * 4096, { page, populate: true }));
    }
    this.reads = linesOf(firstPage, pages);
    this.rotate(parameters.processes);
  }

  run(): void {
    this.rotate(this.context.parameters.switches);
  }

  private rotate(switches: number): void {
    const { kernel } = this.context;
    for (let i = 0; i < switches; i++) {
      kernel.systemCall(); // yield
      kernel.switchTo(this.processes[this.turn]!);
      this.turn = (this.turn + 1) % this.processes.length;
      kernel.user(this.reads, this.reads.length / 2);
    }
  }
}

/** One read of each cache line of some pages. */
function linesOf(firstPage: number, pages: number): Int32Array {
  const batch = newBatch(pages * LINES);
  for (let i = 0; i < pages * LINES; i++) {
    const page = firstPage + Math.floor(i / LINES);
    batch[2 * i] = (page << 12) | ((i % LINES) * 64);
    batch[2 * i + 1] = page >>> 20;
  }
  return batch;
}

export const CONTEXT_SWITCH: WorkloadDefinition<typeof PARAMETERS> = {
  name: "context-switch",
  title: "Context switch",
  description:
    "Switches among processes that each read a working set: CR3 loads and the TLB misses after them.",
  source: "lmbench lat_ctx (McVoy & Staelin, USENIX ATC 1996)",
  parameters: PARAMETERS,
  footprint: ({ processes, workingSet }, page) => {
    const bytes = wholePages(workingSet, page);
    return { dataBytes: processes * bytes, mappedBytes: bytes, processes };
  },
  create: (context) => new ContextSwitch(context),
};
