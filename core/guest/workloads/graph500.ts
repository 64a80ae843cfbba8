/**
 * Graph500's breadth-first search, as the reference code's top-down step makes references to its four arrays of 64-bit words:
 *
 *      queue      in order           the vertices found, one after another
 *      offsets    anywhere, a pair   where the list of a vertex begins and ends
 *      adjacency  a list in order    the neighbours of a vertex
 *      parents    anywhere           whether a neighbour was found already: one for each entry of a list
 *
 * The graph is a law (kronecker.ts), so that 77 GB (scale 28) need none. Lists are read as often as they are long; of one longer than a
 * page's 512 entries, one page after another, wherever they are. Left out: building the graph, ends of levels, threads. Hot code.
 */
import { REF_WRITE } from "../../machine/address.js";
import type { ParameterSpecs } from "../../util/parameters.js";
import { BATCH_REFERENCES, newBatch, runStream, warmUpFor } from "./batches.js";
import { ENTRIES_OF_VERTEX, KroneckerGraph } from "./kronecker.js";
import { processWith } from "./processes.js";
import { wholePages } from "./sizes.js";
import type { Workload, WorkloadContext, WorkloadDefinition } from "./workload.js";

const PARAMETERS = {
  scale: {
    kind: "count",
    description: "log2 of the graph's vertices; each takes 288 bytes of memory.",
    default: { tiny: 18, small: 24, full: 28 },
    minimum: 10,
    maximum: 30,
  },
  references: {
    kind: "count",
    description: "References in the measured region.",
    default: { tiny: 80_000, small: 1_500_000, full: 1_000_000_000 },
    minimum: 1,
  },
} as const satisfies ParameterSpecs;

const WORD = 8;
/** Entries of a list that a page holds. */
const PAGE_ENTRIES = 4096 / WORD;
/** Words of the arrays for each vertex: queue, offsets (two), parents; and entries of adjacency lists. */
const WORDS_OF_VERTEX = 1 + 2 + 1 + ENTRIES_OF_VERTEX;
/** References made at a time at most: a vertex taken from the queue (2), and the last entry's (4). */
const MOST_AT_ONCE = 6;

class Graph500 implements Workload {
  private readonly batch = newBatch(BATCH_REFERENCES + MOST_AT_ONCE);
  private readonly graph: KroneckerGraph;
  /** Where arrays begin, in words: the queue at 0. */
  private readonly offsets: number;
  private readonly parents: number;
  private readonly adjacency: number;
  private firstPage = 0;
  /** The part of a list being read: whose it is, the place of its next entry and how many are left. */
  private vertex = 0;
  private entry = 0;
  private left = 0;
  /** Vertices taken from the queue and put there: as many are found as are taken. */
  private taken = 0;
  private found = 0;
  /** References in the batch. */
  private made = 0;

  constructor(private readonly context: WorkloadContext<typeof PARAMETERS>) {
    this.graph = new KroneckerGraph(context.parameters.scale, context.random);
    const { vertices } = this.graph;
    this.offsets = vertices;
    this.parents = 3 * vertices;
    this.adjacency = 4 * vertices;
  }

  prepare(): void {
    const { kernel, parameters, page } = this.context;
    this.firstPage = processWith(kernel, bytesOf(parameters), page);
    this.search(warmUpFor(parameters.references));
  }

  run(): void {
    this.search(this.context.parameters.references);
  }

  private search(count: number): void {
    runStream(this.context.kernel, this.batch, count, (n) => this.fill(n));
  }

  /** What of an entry does not fit into the batch any more is left out. */
  private fill(count: number): void {
    this.made = 0;
    while (this.made < count) {
      if (this.left === 0) this.takeList();
      this.readEntry();
    }
  }

  /**
   * The next part of a list: at most a page of it. A list is drawn as often as it is long and kept with one chance in the part's length, so
   * that each entry of each list is read equally often.
   */
  private takeList(): void {
    const { graph } = this;
    const { random } = this.context;
    let degree = 0;
    do {
      this.vertex = graph.endOfEdge();
      degree = graph.degreeOf(this.vertex);
      this.left = Math.min(degree, PAGE_ENTRIES);
    } while (random.unit() * this.left >= 1);
    this.entry = this.adjacency + random.below(graph.entries - this.left);
    if (random.unit() * degree < this.left) {
      // The list's first part: the search comes to the vertex.
      this.refer(this.taken++ % graph.vertices, 0);
      this.refer(this.offsets + 2 * graph.numberOf(this.vertex), 0);
    }
  }

  private readEntry(): void {
    const { graph } = this;
    this.left--;
    this.refer(this.entry++, 0);
    const parent = this.parents + graph.numberOf(graph.neighbourOf(this.vertex));
    this.refer(parent, 0);
    if (this.found === this.taken) return;
    this.refer(parent, REF_WRITE);
    this.refer(this.found++ % graph.vertices, REF_WRITE);
  }

  /** A reference to a word of the arrays. */
  private refer(word: number, kind: number): void {
    const page = this.firstPage + Math.floor(word / PAGE_ENTRIES);
    this.batch[2 * this.made] = (page << 12) | ((word % PAGE_ENTRIES) * WORD) | kind;
    this.batch[2 * this.made + 1] = page >>> 20;
    this.made++;
  }
}

function bytesOf({ scale }: { readonly scale: number }): number {
  return WORDS_OF_VERTEX * WORD * 2 ** scale;
}

export const GRAPH500: WorkloadDefinition<typeof PARAMETERS> = {
  name: "graph500",
  title: "Graph500",
  description:
    "Breadth-first search in a Kronecker graph: lists in order, and for each of their entries a vertex anywhere.",
  source: "Graph500 Benchmark Specification 1.2 (graph500.org), and its reference code's omp-csr.c, as cited",
  parameters: PARAMETERS,
  footprint: (parameters, page) => {
    const bytes = wholePages(bytesOf(parameters), page);
    return { dataBytes: bytes, mappedBytes: bytes, processes: 1 };
  },
  create: (context) => new Graph500(context),
};
