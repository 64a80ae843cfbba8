/**
 * A dictionary compressor at work: the references that an LZMA encoder of XZ Utils makes at preset 2, which looks for matches by hash
 * chains and takes the longest (its fast mode). Links and heads lie scattered over some sixteen MiB, eight times what
 * a second-level TLB of 512 entries reaches, while their page-table entries fit the first cache.
 *
 * Each decision of the range coder reads and writes a probability; these 16 KiB stay in the first cache. Left out: matches found by the
 * 2-byte and 3-byte hashes alone, repeated distances, the output. Hot code.
 */
import { REF_WRITE } from "../../machine/address.js";
import type { ParameterSpecs } from "../../util/parameters.js";
import { BATCH_REFERENCES, newBatch, runStream, warmUpFor } from "./batches.js";
import { layoutOf, MatchFinder } from "./match-finder.js";
import { processWith } from "./processes.js";
import { RunningText } from "./running-text.js";
import { wholePages } from "./sizes.js";
import type { Workload, WorkloadContext, WorkloadDefinition } from "./workload.js";

const PARAMETERS = {
  dictionary: {
    kind: "bytes",
    description:
      "How far back matches reach, a power of two; memory is a little over eight times as much. 2 MiB is preset 2.",
    default: 2 * 2 ** 20,
    minimum: 2 ** 17,
    maximum: 2 ** 26,
  },
  depth: {
    kind: "count",
    description: "Links of a chain that are followed at most.",
    default: 24,
    minimum: 1,
    maximum: 1_000,
  },
  references: {
    kind: "count",
    description: "References in the measured region.",
    default: { tiny: 80_000, small: 1_500_000, full: 500_000_000 },
    minimum: 1,
  },
} as const satisfies ParameterSpecs;

/** Binary decisions of a literal (1 + 8) and of a match (kind 2, length 1 + 8, distance 6 + 4), of the LZMA format. */
const LITERAL_DECISIONS = 9;
const MATCH_DECISIONS = 21;
/** Probabilities, of two bytes each: 0x300 for each of eight contexts of literals, and the others. */
const CODER_BYTES = 16_384;
/** References of one symbol at most: chains, comparisons and entries of the longest match. */
const SYMBOL_REFERENCES = 1 << 17;

class Compress implements Workload {
  private readonly batch = newBatch();
  private readonly finder: MatchFinder;
  private readonly coder: number;
  /** References made and not yet handed out, as offset * 2 + write. */
  private readonly made = new Float64Array(BATCH_REFERENCES + SYMBOL_REFERENCES);
  private count = 0;
  private firstPage = 0;
  /** The probability used last. */
  private decision = 0;

  constructor(private readonly context: WorkloadContext<typeof PARAMETERS>) {
    const { dictionary, depth } = context.parameters;
    const bytes = 2 ** Math.floor(Math.log2(dictionary));
    this.finder = new MatchFinder(bytes, depth, new RunningText(context.random.fork("text")));
    this.coder = this.finder.layout.bytes;
  }

  prepare(): void {
    const { kernel, parameters, page } = this.context;
    this.firstPage = processWith(kernel, this.coder + CODER_BYTES, page);
    // A dictionary full of text, so that chains are as long as they will be.
    this.finder.skip(this.finder.dictionary, () => undefined);
    this.refer(warmUpFor(parameters.references));
  }

  run(): void {
    this.refer(this.context.parameters.references);
  }

  private refer(count: number): void {
    runStream(this.context.kernel, this.batch, count, (n) => this.fill(n));
  }

  private readonly sink = (offset: number, isWrite: number): void => {
    this.made[this.count++] = 2 * offset + isWrite;
  };

  private fill(count: number): void {
    while (this.count < count) this.symbol();
    const { batch, made, firstPage } = this;
    for (let i = 0; i < count; i++) {
      const offset = Math.floor(made[i]! / 2);
      const page = firstPage + (offset >>> 12);
      batch[2 * i] = (page << 12) | (offset & 0xff8) | ((made[i]! % 2) * REF_WRITE);
      batch[2 * i + 1] = page >>> 20;
    }
    made.copyWithin(0, count, this.count);
    this.count -= count;
  }

  /** A literal or a match: looked for, coded, and what it covers entered. */
  private symbol(): void {
    const length = this.finder.find(this.sink);
    const decisions = length === 0 ? LITERAL_DECISIONS : MATCH_DECISIONS;
    for (let i = 0; i < decisions; i++) {
      // Which probability depends on what is coded; any of them is as near as another.
      this.decision = (Math.imul(this.decision, 5) + 1) & (CODER_BYTES - 1);
      this.sink(this.coder + this.decision, 0);
      this.sink(this.coder + this.decision, 1);
    }
    if (length > 1) this.finder.skip(length - 1, this.sink);
  }
}

export const COMPRESS: WorkloadDefinition<typeof PARAMETERS> = {
  name: "compress",
  title: "Compress",
  description: "Looks for matches in text by hash chains, as xz does: short walks, but many of them.",
  source:
    "XZ Utils 5, preset 2 (2 MiB dictionary, HC4, depth 24; 17 MiB of memory: xz(1)); the LZMA specification (Pavlov)",
  parameters: PARAMETERS,
  footprint: ({ dictionary }, page) => {
    const bytes = wholePages(layoutOf(dictionary).bytes + CODER_BYTES, page);
    return { dataBytes: bytes, mappedBytes: bytes, processes: 1 };
  },
  create: (context) => new Compress(context),
};
