/**
 * Sweeps over memory at a fixed step, from the start again at the end: `sequential` and `strided` are this
 * with other defaults. A sweep of up to a million references is made once and replayed, since it repeats
 * exactly; longer ones are generated batch by batch. Hot code.
 */
import { REF_WRITE } from "../../machine/address.js";
import type { ParameterSpecs } from "../../util/parameters.js";
import { BATCH_REFERENCES, newBatch, runStream, warmUpFor } from "./batches.js";
import { processWith } from "./processes.js";
import { wholePages } from "./sizes.js";
import type { Workload, WorkloadContext, WorkloadDefinition } from "./workload.js";

/** Longest sweep kept whole (8 MiB). */
const REPLAYED_REFERENCES = 1 << 20;

const ACCESSES = ["read", "write"] as const;

function parametersOf(
  strideBytes: number,
  strideText: string,
  references: { tiny: number; small: number; full: number },
) {
  return {
    footprint: {
      kind: "bytes",
      description: "Memory swept over.",
      default: { tiny: 16 * 2 ** 20, small: 256 * 2 ** 20, full: 16 * 2 ** 30 },
      minimum: 4096,
    },
    stride: {
      kind: "bytes",
      description: `Step from one reference to the next; a multiple of 8. ${strideText}`,
      default: strideBytes,
      minimum: 8,
      maximum: 2 ** 30,
    },
    references: {
      kind: "count",
      description: "References in the measured region.",
      default: references,
      minimum: 1,
    },
    access: { kind: "choice", description: "What each reference does.", default: "read", choices: ACCESSES },
  } as const satisfies ParameterSpecs;
}

type SweepParameters = ReturnType<typeof parametersOf>;

class Sweep implements Workload {
  private readonly batch: Int32Array;
  private readonly isReplayed: boolean;
  private readonly kind: number;
  private readonly stride: number;
  private firstPage = 0;
  private endPage = 0;
  /** Where the stream is: page number and offset when generating, index into the sweep when replaying. */
  private page = 0;
  private offset = 0;

  constructor(private readonly context: WorkloadContext<SweepParameters>) {
    const { footprint, stride, access } = context.parameters;
    this.stride = Math.max(8, Math.floor(stride / 8) * 8);
    this.kind = access === "write" ? REF_WRITE : 0;
    const length = Math.ceil((Math.ceil(footprint / 4096) * 4096) / this.stride);
    this.isReplayed = length <= REPLAYED_REFERENCES;
    this.batch = newBatch(this.isReplayed ? length : BATCH_REFERENCES);
  }

  prepare(): void {
    const { kernel, parameters, page } = this.context;
    this.firstPage = processWith(kernel, parameters.footprint, page);
    this.endPage = this.firstPage + Math.ceil(parameters.footprint / 4096);
    this.page = this.firstPage;
    if (this.isReplayed) {
      this.fill(this.batch.length / 2);
      this.offset = 0;
    }
    this.advance(warmUpFor(parameters.references));
  }

  run(): void {
    this.advance(this.context.parameters.references);
  }

  private advance(count: number): void {
    const { kernel } = this.context;
    if (this.isReplayed) this.replay(count);
    else runStream(kernel, this.batch, count, (n) => this.fill(n));
  }

  private replay(count: number): void {
    const length = this.batch.length / 2;
    for (let left = count; left > 0; ) {
      const end = Math.min(length, this.offset + left);
      this.context.kernel.user(this.batch, end, this.offset);
      left -= end - this.offset;
      this.offset = end === length ? 0 : end;
    }
  }

  private fill(count: number): void {
    const { batch, stride, kind, firstPage, endPage } = this;
    let { page, offset } = this;
    for (let i = 0; i < 2 * count; i += 2) {
      batch[i] = (page << 12) | offset | kind;
      batch[i + 1] = page >>> 20;
      offset += stride;
      page += offset >>> 12;
      offset &= 4095;
      if (page >= endPage) {
        page = firstPage;
        offset = 0;
      }
    }
    this.page = page;
    this.offset = offset;
  }
}

function footprintOf(
  { footprint }: { readonly footprint: number },
  page: WorkloadContext<SweepParameters>["page"],
) {
  const bytes = wholePages(footprint, page);
  return { dataBytes: bytes, mappedBytes: bytes, processes: 1 };
}

export const SEQUENTIAL: WorkloadDefinition<SweepParameters> = {
  name: "sequential",
  title: "Sequential",
  description:
    "Walks through memory word by word, over and over: the friendliest pattern, one TLB miss a page at most.",
  source: "McCalpin's STREAM, reduced to one array",
  parameters: parametersOf(8, "By default one word.", {
    tiny: 500_000,
    small: 5_000_000,
    full: 1_000_000_000,
  }),
  footprint: footprintOf,
  create: (context) => new Sweep(context),
};

export const STRIDED: WorkloadDefinition<SweepParameters> = {
  name: "strided",
  title: "Strided",
  description:
    "Walks through memory at a fixed step: with a step of a page, every reference is to another page.",
  source: "lmbench lat_mem_rd (McVoy & Staelin, USENIX ATC 1996), without its dependence of loads",
  parameters: parametersOf(
    4096 + 64,
    "By default a page and a cache line, so that lines spread over cache sets.",
    { tiny: 100_000, small: 1_500_000, full: 500_000_000 },
  ),
  footprint: footprintOf,
  create: (context) => new Sweep(context),
};
