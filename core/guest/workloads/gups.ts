/**
 * Giga-updates per second: reads and writes back words at uniformly random places of one large table. The
 * words are drawn independently; HPCC's own generator (a shift register whose neighbours differ by one bit)
 * is left out. Hot code.
 */
import { REF_WRITE } from "../../machine/address.js";
import type { ParameterSpecs } from "../../util/parameters.js";
import { newBatch, runStream, warmUpFor } from "./batches.js";
import { processWith } from "./processes.js";
import { wholePages } from "./sizes.js";
import type { Workload, WorkloadContext, WorkloadDefinition } from "./workload.js";

const PARAMETERS = {
  footprint: {
    kind: "bytes",
    description: "Size of the table.",
    default: { tiny: 32 * 2 ** 20, small: 512 * 2 ** 20, full: 16 * 2 ** 30 },
    minimum: 4096,
  },
  updates: {
    kind: "count",
    description: "Updates in the measured region: two references each, a read and a write.",
    default: { tiny: 40_000, small: 600_000, full: 500_000_000 },
    minimum: 1,
  },
} as const satisfies ParameterSpecs;

class Gups implements Workload {
  private readonly batch = newBatch();
  private readonly pages: number;
  private firstPage = 0;

  constructor(private readonly context: WorkloadContext<typeof PARAMETERS>) {
    this.pages = Math.ceil(context.parameters.footprint / 4096);
  }

  prepare(): void {
    const { kernel, parameters, page } = this.context;
    this.firstPage = processWith(kernel, parameters.footprint, page);
    this.update(warmUpFor(parameters.updates));
  }

  run(): void {
    this.update(this.context.parameters.updates);
  }

  private update(count: number): void {
    runStream(this.context.kernel, this.batch, 2 * count, (n) => this.fill(n));
  }

  private fill(count: number): void {
    const { batch, pages, firstPage } = this;
    const { random } = this.context;
    for (let i = 0; i < 2 * count; i += 4) {
      const page = firstPage + ((((random.int32() >>> 0) * pages) / 0x1_0000_0000) | 0);
      const low = (page << 12) | (random.int32() & 0xff8);
      batch[i] = low;
      batch[i + 1] = page >>> 20;
      batch[i + 2] = low | REF_WRITE;
      batch[i + 3] = page >>> 20;
    }
  }
}

export const GUPS: WorkloadDefinition<typeof PARAMETERS> = {
  name: "gups",
  title: "GUPS",
  description: "Updates random words of a large table: nearly every update misses the TLB.",
  source: "HPC Challenge RandomAccess (Luszczek et al., 2005)",
  parameters: PARAMETERS,
  footprint: ({ footprint }, page) => {
    const bytes = wholePages(footprint, page);
    return { dataBytes: bytes, mappedBytes: bytes, processes: 1 };
  },
  create: (context) => new Gups(context),
};
