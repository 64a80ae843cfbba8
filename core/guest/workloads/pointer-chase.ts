/**
 * Follows pointers around one random cycle through all nodes of a region: each node is visited once before
 * any is visited again, so least-recently-used caches smaller than the region never hit. The order is a
 * computed permutation (scatter.ts): nothing is stored. A node larger than a cache line has its pointer in a
 * line that its number decides, so that nodes do not all fall into the same cache sets.
 *
 * Short cycles are made once and replayed. Hot code.
 */

import { UnsupportedError } from "../../util/errors.js";
import type { ParameterSpecs } from "../../util/parameters.js";
import { BATCH_REFERENCES, newBatch, runStream, warmUpFor } from "./batches.js";
import { processWith } from "./processes.js";
import { Scatter } from "./scatter.js";
import { wholePages } from "./sizes.js";
import type { Workload, WorkloadContext, WorkloadDefinition } from "./workload.js";

const PARAMETERS = {
  footprint: {
    kind: "bytes",
    description: "Memory that the nodes fill.",
    default: { tiny: 32 * 2 ** 20, small: 512 * 2 ** 20, full: 16 * 2 ** 30 },
    minimum: 4096,
  },
  node: {
    kind: "bytes",
    description:
      "Size of a node, rounded down to a power of two: 64 is one for each cache line, 4KiB one a page.",
    default: 64,
    minimum: 64,
    maximum: 4096,
  },
  references: {
    kind: "count",
    description: "Pointers followed in the measured region.",
    default: { tiny: 80_000, small: 1_000_000, full: 1_000_000_000 },
    minimum: 1,
  },
} as const satisfies ParameterSpecs;

/** Longest cycle kept whole (2 MiB). */
const REPLAYED_NODES = 1 << 18;

class PointerChase implements Workload {
  private readonly batch: Int32Array;
  private readonly isReplayed: boolean;
  private readonly scatter: Scatter;
  /** log2 of the nodes in a page. */
  private readonly nodesShift: number;
  private readonly nodes: number;
  private firstPage = 0;
  private position = 0;

  constructor(private readonly context: WorkloadContext<typeof PARAMETERS>) {
    const { footprint, node } = context.parameters;
    this.nodesShift = 12 - Math.floor(Math.log2(node));
    this.nodes = Math.ceil(footprint / 4096) * 2 ** this.nodesShift;
    if (this.nodes > 2 ** 31)
      throw new UnsupportedError("pointer-chase has at most 2^31 nodes: make nodes larger");
    this.scatter = new Scatter(this.nodes, context.random);
    this.isReplayed = this.nodes <= REPLAYED_NODES;
    this.batch = newBatch(this.isReplayed ? this.nodes : BATCH_REFERENCES);
  }

  prepare(): void {
    const { kernel, parameters, page } = this.context;
    this.firstPage = processWith(kernel, parameters.footprint, page);
    if (this.isReplayed) {
      this.fill(this.nodes);
      this.position = 0;
    }
    this.chase(warmUpFor(parameters.references));
  }

  run(): void {
    this.chase(this.context.parameters.references);
  }

  private chase(count: number): void {
    const { kernel } = this.context;
    if (!this.isReplayed) {
      runStream(kernel, this.batch, count, (n) => this.fill(n));
      return;
    }
    for (let left = count; left > 0; ) {
      const end = Math.min(this.nodes, this.position + left);
      kernel.user(this.batch, end, this.position);
      left -= end - this.position;
      this.position = end === this.nodes ? 0 : end;
    }
  }

  /**
   * Visits the permutation's whole domain in order, skipping what is beyond the nodes: a cycle through all
   * nodes.
   */
  private fill(count: number): void {
    const { batch, scatter, nodes, nodesShift, firstPage } = this;
    const { mask } = scatter;
    const nodeShift = 12 - nodesShift;
    const inPage = (1 << nodesShift) - 1;
    const lineMask = (1 << nodeShift) - 64;
    let { position } = this;
    for (let i = 0; i < 2 * count; ) {
      const node = scatter.mix(position);
      position = (position + 1) & mask;
      if (node >= nodes) continue;
      const page = firstPage + (node >>> nodesShift);
      const line = (Math.imul(node, 0x9e3779b1) >>> 20) & lineMask;
      batch[i] = (page << 12) | ((node & inPage) << nodeShift) | line;
      batch[i + 1] = page >>> 20;
      i += 2;
    }
    this.position = position;
  }
}

export const POINTER_CHASE: WorkloadDefinition<typeof PARAMETERS> = {
  name: "pointer-chase",
  title: "Pointer chase",
  description:
    "Follows a random cycle of pointers through memory: reads with neither locality nor early reuse.",
  source:
    "lmbench lat_mem_rd (McVoy & Staelin, USENIX ATC 1996), in random order as in Drepper (2007), section 3.3.2",
  parameters: PARAMETERS,
  footprint: ({ footprint }, page) => {
    const bytes = wholePages(footprint, page);
    return { dataBytes: bytes, mappedBytes: bytes, processes: 1 };
  },
  create: (context) => new PointerChase(context),
};
