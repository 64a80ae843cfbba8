/**
 * Hosts are deterministic: of each scenario with hosts, every cell at size tiny gives the same row when it is run again, after others,
 * and in whatever order: no cell leaves anything behind. Rows of one and of two workers are compared by .ci/run.
 */
import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { loadScenario, planScenario } from "../index.js";
import { runCell } from "../run-cell.js";

const SCENARIOS = [
  "density",
  "isolation",
  "memory-ledger",
  "noisy-neighbour",
  "page-sharing",
  "placement",
  "scheduling",
  "start-time",
  "union-fs",
] as const;
/** Every so many cells, so that the test is quick and each kind of cell is among them. */
const STRIDE = 5;

describe.each(SCENARIOS)("%s", (name) => {
  it("gives the same rows in any order, to the last digit", () => {
    const path = `scenarios/${name}.yaml`;
    const scenario = loadScenario({ text: readFileSync(path, "utf8"), path }, { size: "tiny" });
    const cells = planScenario(scenario).cells.filter((_, index) => index % STRIDE === 0);
    const forwards = cells.map(({ config }) => JSON.stringify(runCell(config)));
    const backwards = cells.map(({ config }) => config).reverse();
    expect(backwards.map((config) => JSON.stringify(runCell(config))).reverse()).toEqual(forwards);
  });
});
