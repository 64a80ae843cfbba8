/** What conclusions rest on: one that breaks and where, one that does not, what matters to a cell, and how many runs that takes. */
import { expect, test } from "vitest";
import { sensitivityChart } from "../charts/sensitivity.js";
import { sensitivityMarkdown } from "../results/sensitivity-markdown.js";
import { sensitivityRows } from "../results/sensitivity-table.js";
import { loadScenario, type Plan, planScenario } from "../scenario/index.js";
import { selectCells } from "./selection.js";
import { type Sensitivity, sensitivityOf } from "./sensitivity.js";

/** A VMCALL's cycles are a constant and the sum of its prices: where they pass a bound can be computed. */
const SCENARIO = `
size: tiny
machine: { memory: 8MiB, caches: "off", profile: skylake-2015 }
matrix: { technique: [hardware/nested, native], workload: [exit/vmcall, exit/cpuid] }
exclude: [{ technique: native, workload: exit/vmcall }]
expect:
  - { claim: cpu-6, expect: "cycles / exits < 1300 where workload == 'exit/vmcall'" }
  - "cycles / exits > 100 where workload == 'exit/vmcall'"
  - "cycles / exits < 10 where workload == 'exit/vmcall'"
`;
const DISPATCH = "costs.monitor_dispatch";
const NAMES = [
  DISPATCH,
  "costs.emulate_register",
  "costs.decode_instruction",
  "costs.kernel_switch",
  "costs.kernel_fork",
];

function plan(): Plan {
  return planScenario(loadScenario({ text: SCENARIO, path: "test.yaml" }));
}

function study(of: Plan, spread = 0.5): Promise<Sensitivity | undefined> {
  return sensitivityOf(of, { constants: NAMES, spread, workers: 1 });
}

test("where a conclusion breaks is bisected; the others hold; what is broken anyway is told", async () => {
  const own = plan();
  const { effects, idle, broken, runs } = (await study(own))!;
  expect(broken).toEqual(["cycles / exits < 10 where workload == 'exit/vmcall'"]);
  expect(idle).toEqual(expect.arrayContaining(["costs.kernel_fork", "costs.kernel_switch"]));
  const limit = effects.find(({ constant, claim }) => constant === DISPATCH && claim === "cpu-6")!;
  // 480 cycles of some 1,190: the bound of 1,300 is passed at 480 + 110, to a 32nd of the interval from 1 to the range's end.
  const step = (limit.tried[1] - 1) / 32;
  expect(limit.holds[0]).toBe(limit.tried[0]);
  expect(limit.holds[1]).toBeLessThan(limit.tried[1]);
  expect(limit.holds[1]).toBeGreaterThan((480 + 80) / 480 - step);
  expect(limit.holds[1]).toBeLessThan((480 + 140) / 480 + step);
  const robust = effects.filter(({ line }) => line.includes("> 100"));
  expect(robust.every(({ tried, holds }) => tried[0] === holds[0] && tried[1] === holds[1])).toBe(true);
  // One by one, both ends of five constants in three cells are thirty runs besides the plain ones and the bisection.
  expect(runs).toBeLessThan(3 + 30 + 5);
});

test("some cells alone can be studied (--only)", async () => {
  const part = selectCells(plan(), "technique == 'hardware/nested'", "--only");
  const { effects } = (await study(part))!;
  expect(effects.some(({ constant }) => constant === "costs.emulate_register")).toBe(true);
});

test("a page and a chart of it: limits in a table, what holds throughout in words", async () => {
  const { effects, ...rest } = (await study(plan()))!;
  const page = sensitivityMarkdown(
    [{ scenario: "test", title: "A test", size: "tiny", effects, ...rest }],
    50,
  );
  expect(page).toContain("0 of 1 hold over the whole range");
  expect(page).toContain(`| \`${DISPATCH}\` | 480 |`);
  expect(page).toContain("Does not hold with the constants as they are");
  expect(sensitivityChart(sensitivityRows(effects), "A test")).toBeDefined();
  expect(sensitivityChart([], "A test")).toBeUndefined();
});

test("an unknown constant is told with the nearest", async () => {
  const asked = sensitivityOf(plan(), { constants: ["costs.monitor_dispach"], spread: 0.5 });
  await expect(asked).rejects.toMatchObject({
    text: expect.stringContaining("did you mean costs.monitor_dispatch?"),
  });
});
