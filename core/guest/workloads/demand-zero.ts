/** First touch of fresh memory: maps a region, writes once to each page, unmaps it, and begins again. */
import { REF_WRITE } from "../../machine/address.js";
import type { ParameterSpecs } from "../../util/parameters.js";
import { PAGE_SIZES } from "../../util/units.js";
import { pageSweep } from "./batches.js";
import { wholePages } from "./sizes.js";
import type { Workload, WorkloadContext, WorkloadDefinition } from "./workload.js";

const PARAMETERS = {
  footprint: {
    kind: "bytes",
    description: "Memory mapped and touched in a round.",
    default: { tiny: 4 * 2 ** 20, small: 64 * 2 ** 20, full: 4 * 2 ** 30 },
    minimum: 4096,
  },
  rounds: {
    kind: "count",
    description: "Rounds of mapping, touching and unmapping.",
    default: { tiny: 2, small: 8, full: 100 },
    minimum: 1,
  },
} as const satisfies ParameterSpecs;

class DemandZero implements Workload {
  constructor(private readonly context: WorkloadContext<typeof PARAMETERS>) {}

  prepare(): void {
    const { kernel } = this.context;
    kernel.switchTo(kernel.spawn());
    this.round();
  }

  run(): void {
    for (let round = 0; round < this.context.parameters.rounds; round++) this.round();
  }

  private round(): void {
    const { kernel, page } = this.context;
    const bytes = wholePages(this.context.parameters.footprint, page);
    const va = kernel.mmap(bytes, { page });
    const sweep = pageSweep(va, bytes, PAGE_SIZES[page], REF_WRITE);
    kernel.user(sweep, sweep.length / 2);
    kernel.munmap(va, bytes);
  }
}

export const DEMAND_ZERO: WorkloadDefinition<typeof PARAMETERS> = {
  name: "demand-zero",
  title: "Demand zero",
  description:
    "Touches fresh pages for the first time: one page fault and one zeroed page for each reference.",
  source:
    "lmbench lat_pagefault and bw_mem's allocation, on anonymous memory (McVoy & Staelin, USENIX ATC 1996)",
  parameters: PARAMETERS,
  footprint: ({ footprint }, page) => {
    const bytes = wholePages(footprint, page);
    return { dataBytes: bytes, mappedBytes: bytes, processes: 1 };
  },
  create: (context) => new DemandZero(context),
};
