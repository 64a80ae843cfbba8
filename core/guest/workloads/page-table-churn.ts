/**
 * Small mappings made, written and unmapped again, several alive at a time: the pattern of allocators and
 * servers that return memory, and the worst one for whoever must keep a second copy of the page tables.
 */

import type { Gva } from "../../machine/address.js";
import { REF_WRITE } from "../../machine/address.js";
import type { ParameterSpecs } from "../../util/parameters.js";
import { PAGE_SIZES } from "../../util/units.js";
import { pageSweep } from "./batches.js";
import { wholePages } from "./sizes.js";
import type { Workload, WorkloadContext, WorkloadDefinition } from "./workload.js";

const PARAMETERS = {
  mapping: {
    kind: "bytes",
    description: "Size of one mapping.",
    default: 64 * 2 ** 10,
    minimum: 4096,
    maximum: 2 ** 30,
  },
  alive: {
    kind: "count",
    description: "Mappings alive at a time; the oldest is unmapped first.",
    default: 16,
    minimum: 1,
    maximum: 4_096,
  },
  rounds: {
    kind: "count",
    description: "Mappings made in the measured region.",
    default: { tiny: 200, small: 3_000, full: 2_000_000 },
    minimum: 1,
  },
} as const satisfies ParameterSpecs;

class PageTableChurn implements Workload {
  private readonly bytes: number;
  private readonly ring: Gva[] = [];
  /** Writes to each page of a mapping, by its address: addresses come back. */
  private readonly sweeps = new Map<Gva, Int32Array>();
  private next = 0;

  constructor(private readonly context: WorkloadContext<typeof PARAMETERS>) {
    this.bytes = wholePages(context.parameters.mapping, context.page);
  }

  prepare(): void {
    const { kernel, parameters } = this.context;
    kernel.switchTo(kernel.spawn());
    for (let i = 0; i < parameters.alive; i++) this.ring.push(this.mapAndTouch());
    for (let i = 0; i < parameters.alive; i++) this.replaceOldest();
  }

  run(): void {
    for (let round = 0; round < this.context.parameters.rounds; round++) this.replaceOldest();
  }

  private replaceOldest(): void {
    this.context.kernel.munmap(this.ring[this.next]!, this.bytes);
    this.ring[this.next] = this.mapAndTouch();
    this.next = (this.next + 1) % this.ring.length;
  }

  private mapAndTouch(): Gva {
    const { kernel, page } = this.context;
    const va = kernel.mmap(this.bytes, { page });
    let sweep = this.sweeps.get(va);
    if (sweep === undefined) {
      sweep = pageSweep(va, this.bytes, PAGE_SIZES[page], REF_WRITE);
      this.sweeps.set(va, sweep);
    }
    kernel.user(sweep, sweep.length / 2);
    return va;
  }
}

export const PAGE_TABLE_CHURN: WorkloadDefinition<typeof PARAMETERS> = {
  name: "page-table-churn",
  title: "Page-table churn",
  description:
    "Maps, touches and unmaps small regions: page faults, page-table writes and invalidations, little else.",
  source: "lmbench lat_mmap (McVoy & Staelin, USENIX ATC 1996); ptemod of Adams & Agesen, ASPLOS 2006",
  parameters: PARAMETERS,
  footprint: ({ mapping, alive }, page) => {
    const bytes = wholePages(mapping, page);
    return {
      dataBytes: (alive + 1) * bytes,
      mappedBytes: (alive + 1) * (bytes + 2 * PAGE_SIZES[page]),
      processes: 1,
    };
  },
  create: (context) => new PageTableChurn(context),
};
