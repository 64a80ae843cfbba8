import { expect, test } from "vitest";
import { rowOf, rowsOf } from "./row.js";
import { fakeRun, planFrom } from "./testing/catalogue.js";

const TEXT =
  "workload: gups\nbaseline: { technique: native }\nmatrix: { page: [4K, 2M], technique: [native, hardware/nested], host.vpid: [false] }";

test("columns: axes in plan order, what every row has, the outcome, then values", () => {
  const { cells } = planFrom(TEXT);
  const row = rowOf(cells[1]!, fakeRun(cells[1]!.config));
  expect(Object.entries(row)).toEqual([
    ["page", "4K"],
    ["technique", "hardware/nested"],
    ["host_vpid", "false"],
    ["workload", "gups"],
    ["profile", "nehalem-2008"],
    ["size", "small"],
    ["seed", 1],
    ["status", "done"],
    ["reason", ""],
    ["cycles", 2000],
    ["exits", 1],
    ["walk_refs_max", 24],
  ]);
});

test("rows come in plan order whatever the order of outcomes, with slowdown against the baseline row", () => {
  const plan = planFrom(TEXT);
  const outcomes = plan.cells.map(({ id, config }) => [id, fakeRun(config)] as const).reverse();
  expect(rowsOf(plan, new Map(outcomes)).map((row) => [row["page"], row["slowdown"]])).toEqual([
    ["4K", 1],
    ["4K", 2],
    ["2M", 1],
    ["2M", 2],
  ]);
});

test("slowdown is empty where the baseline row did not finish", () => {
  const plan = planFrom(TEXT);
  const outcomes = new Map(plan.cells.slice(1).map(({ id, config }) => [id, fakeRun(config)]));
  expect(rowsOf(plan, outcomes).map((row) => row["slowdown"])).toEqual(["", 1, 2]);
});
