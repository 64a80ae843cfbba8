import { expect, it } from "vitest";
import { loadScenario, planScenario } from "../scenario/index.js";
import { selectCells } from "./selection.js";

const plan = planScenario(
  loadScenario({
    path: "selection.yaml",
    text: `
      size: tiny
      workload: gups
      matrix: { technique: [native, hardware/nested], page: [4K, 2M] }`,
  }),
);

it("keeps the cells whose axes match, in order and numbered from 0", () => {
  const { cells } = selectCells(plan, "page == '2M'", "--only");
  expect(cells.map(({ index, id }) => `${index} ${id}`)).toEqual([
    "0 technique=native page=2M",
    "1 technique=hardware/nested page=2M",
  ]);
});

it("is another run than the whole, and than another part", () => {
  const hashes = ["page == '2M'", "page == '4K'"].map((text) => selectCells(plan, text, "--only").hash);
  expect(new Set([plan.hash, ...hashes]).size).toBe(3);
});

it("is the plan itself when everything matches, and empty when nothing does", () => {
  expect(selectCells(plan, "seed == 1", "--only")).toBe(plan);
  expect(selectCells(plan, "page == '1G'", "--only").cells).toEqual([]);
});

it("refuses a column that no cell has", () => {
  expect(() => selectCells(plan, "pages == '4K'", "--only")).toThrow(/pages/);
});
