/** Do edges fall into the matrix's quarters as Graph500's specification says, and are lists as long as edges make them? */
import { describe, expect, it } from "vitest";
import { Random } from "../../util/random.js";
import { ENTRIES_OF_VERTEX, KroneckerGraph } from "./kronecker.js";

const SCALE = 12;
const EDGES = 40_000;

describe("a Kronecker graph", () => {
  const graph = new KroneckerGraph(SCALE, new Random(3));

  it("has edges in the quarters A, B, C, D of every level", () => {
    const quarters = [0, 0, 0, 0];
    for (let edge = 0; edge < EDGES; edge++) {
      const from = graph.endOfEdge();
      const to = graph.neighbourOf(from);
      for (let bit = 0; bit < SCALE; bit++) quarters[2 * ((from >> bit) & 1) + ((to >> bit) & 1)]!++;
    }
    const shares = quarters.map((count) => count / (EDGES * SCALE));
    // Chances are given in 256ths: a quarter's share may be off by two of them.
    for (const [quarter, share] of [0.57, 0.19, 0.19, 0.05].entries())
      expect(Math.abs(shares[quarter]! - share)).toBeLessThan(2 / 256);
  });

  it("has a vertex as an edge's end as often as its list is long", () => {
    const isHub = (vertex: number): boolean => graph.degreeOf(vertex) > 100;
    let atHubs = 0;
    for (let edge = 0; edge < EDGES; edge++) if (isHub(graph.endOfEdge())) atHubs++;
    let entries = 0;
    for (let vertex = 0; vertex < graph.vertices; vertex++)
      if (isHub(vertex)) entries += graph.degreeOf(vertex);
    expect(graph.entries).toBe(ENTRIES_OF_VERTEX * graph.vertices);
    expect(atHubs / EDGES).toBeCloseTo(entries / graph.entries, 1);
  });

  it("gives every vertex a number of its own", () => {
    const numbers = new Set(Array.from({ length: graph.vertices }, (_, vertex) => graph.numberOf(vertex)));
    expect(numbers.size).toBe(graph.vertices);
  });
});
