/**
 * A Kronecker graph as Graph500 generates it, as a law and not as a list of edges: bit by bit of the two ends' numbers an edge falls into
 * one quarter of the matrix, with probabilities A = 0.57, B = C = 0.19, D = 0.05 (Graph500 Benchmark Specification, "Graph generation").
 * So a bit of an end is 1 with probability C + D, and given the other end's bit with B / (A + B) or D / (C + D). Numbers are scrambled
 * at last, so that well-connected vertices lie anywhere. Hot code.
 */
import type { Random } from "../../util/random.js";
import { Scatter } from "./scatter.js";

/** Edges for each vertex that the specification generates. */
const EDGE_FACTOR = 16;
/** Entries of adjacency lists for each vertex: an edge stands in the lists of both its ends. */
export const ENTRIES_OF_VERTEX = 2 * EDGE_FACTOR;
const [A, B, D] = [0.57, 0.19, 0.05];

/** Chances are given in 256ths, a bit for each word of chance. */
const CHANCE_BITS = 8;
const chance = (probability: number): number => Math.round(probability * 2 ** CHANCE_BITS);
const ONE = chance(B + D);
const ONE_BESIDE_ZERO = chance(B / (A + B));
const ONE_BESIDE_ONE = chance(D / (B + D));

export class KroneckerGraph {
  readonly vertices: number;
  /** Entries of all adjacency lists. */
  readonly entries: number;
  private readonly mask: number;
  private readonly scatter: Scatter;
  /** Mean length of the list of a vertex with so many ones in its number. */
  private readonly meanDegree: Float64Array;

  /** @param scale log2 of the vertices, at most 30. */
  constructor(
    scale: number,
    private readonly random: Random,
  ) {
    this.vertices = 2 ** scale;
    this.mask = this.vertices - 1;
    this.entries = ENTRIES_OF_VERTEX * this.vertices;
    this.scatter = new Scatter(this.vertices, random);
    this.meanDegree = Float64Array.from(
      { length: scale + 1 },
      (_, ones) => this.entries * (B + D) ** ones * (A + B) ** (scale - ones),
    );
  }

  /** One end of a random edge, before scrambling: a vertex as often as its list is long. */
  endOfEdge(): number {
    return this.bits(ONE) & this.mask;
  }

  /** The other end of an edge of a vertex, before scrambling. */
  neighbourOf(vertex: number): number {
    return ((~vertex & this.bits(ONE_BESIDE_ZERO)) | (vertex & this.bits(ONE_BESIDE_ONE))) & this.mask;
  }

  /** Length that the list of a vertex has in the mean, at least 1. */
  degreeOf(vertex: number): number {
    return Math.max(1, Math.round(this.meanDegree[onesIn(vertex)]!));
  }

  /** The number by which the program knows a vertex. */
  numberOf(vertex: number): number {
    return this.scatter.at(vertex);
  }

  /** 32 bits, each 1 with a probability in 256ths: from its lowest binary place up, a word of chance ORed for a 1, ANDed for a 0. */
  private bits(probability: number): number {
    let word = 0;
    for (let place = 0; place < CHANCE_BITS; place++) {
      const drawn = this.random.int32();
      word = (probability >>> place) & 1 ? word | drawn : word & drawn;
    }
    return word;
  }
}

function onesIn(word: number): number {
  let ones = 0;
  for (let rest = word; rest !== 0; rest &= rest - 1) ones++;
  return ones;
}
