/**
 * Reads and writes with Zipf's law over the pages of a region: few pages take most references, as in caches
 * and stores.
 */
import type { ParameterSpecs } from "../../util/parameters.js";
import { newBatch, runStream, warmUpFor } from "./batches.js";
import { processWith } from "./processes.js";
import { wholePages } from "./sizes.js";
import type { Workload, WorkloadContext, WorkloadDefinition } from "./workload.js";
import { ZipfStream } from "./zipf-stream.js";

const PARAMETERS = {
  footprint: {
    kind: "bytes",
    description: "Memory referenced.",
    default: { tiny: 32 * 2 ** 20, small: 512 * 2 ** 20, full: 16 * 2 ** 30 },
    minimum: 4096,
  },
  exponent: {
    kind: "number",
    description: "Zipf's exponent: 0 is uniform, 0.99 is YCSB's default.",
    default: 0.99,
    minimum: 0,
    maximum: 4,
  },
  writePercent: {
    kind: "number",
    description: "Share of references that write, percent.",
    default: 20,
    minimum: 0,
    maximum: 100,
  },
  references: {
    kind: "count",
    description: "References in the measured region.",
    default: { tiny: 80_000, small: 1_500_000, full: 1_000_000_000 },
    minimum: 1,
  },
} as const satisfies ParameterSpecs;

class Zipf implements Workload {
  private readonly batch = newBatch();
  private readonly stream: ZipfStream;
  private firstPage = 0;

  constructor(private readonly context: WorkloadContext<typeof PARAMETERS>) {
    const { footprint, exponent, writePercent } = context.parameters;
    this.stream = new ZipfStream(Math.ceil(footprint / 4096), exponent, writePercent, context.random);
  }

  prepare(): void {
    const { kernel, parameters, page } = this.context;
    this.firstPage = processWith(kernel, parameters.footprint, page);
    this.refer(warmUpFor(parameters.references));
  }

  run(): void {
    this.refer(this.context.parameters.references);
  }

  private refer(count: number): void {
    const { batch, stream, firstPage } = this;
    runStream(this.context.kernel, batch, count, (n) => stream.fill(batch, 0, n, firstPage));
  }
}

export const ZIPF: WorkloadDefinition<typeof PARAMETERS> = {
  name: "zipf",
  title: "Zipf",
  description:
    "References pages with Zipf's popularity, scattered over the region: partial locality, as key-value stores have.",
  source: "Cooper et al., Benchmarking cloud serving systems with YCSB, SoCC 2010",
  parameters: PARAMETERS,
  footprint: ({ footprint }, page) => {
    const bytes = wholePages(footprint, page);
    return { dataBytes: bytes, mappedBytes: bytes, processes: 1 };
  },
  create: (context) => new Zipf(context),
};
