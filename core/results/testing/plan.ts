/** A small plan with made-up outcomes, for tests of what is written and read: no cell is run. */
import { CYCLE_CATEGORIES } from "../../events/categories.js";
import { EVENTS } from "../../events/events.js";
import { MEMORY_OWNERS } from "../../events/memory-owners.js";
import type { Cell, CellConfig, CellOutcome } from "../../scenario/config.js";
import type { Plan, Scenario } from "../../scenario/scenario.js";
import { DEFAULT_SETTINGS } from "../../scenario/settings.js";

const TECHNIQUES = ["native", "hardware/shadow", "hardware/nested"];
const PAGES = ["4K", "2M"] as const;

/** Six cells: three techniques with two page sizes. */
export function smallPlan(name = "small"): Plan {
  const scenario: Scenario = {
    name,
    files: [`scenarios/${name}.yaml`],
    title: "A small plan",
    question: "Which is faster?",
    seed: 1,
    size: "tiny",
    charts: [{ kind: "stack" }],
    expect: [],
    figures: [],
    orderings: [],
    baseline: { technique: "native" },
    timing: { samples: 0 },
    document: {} as Scenario["document"],
    locate: () => `scenarios/${name}.yaml:1:1`,
  };
  const cells: Cell[] = [];
  for (const technique of TECHNIQUES) {
    for (const page of PAGES) {
      const id = `technique=${technique} page=${page}`;
      cells.push({ index: cells.length, id, axes: { technique, page }, config: config(technique, page) });
    }
  }
  return { scenario, cells, axes: ["technique", "page"], hash: "0123456789abcdef".repeat(4) };
}

/** The outcome of one cell; numbers depend on its place in the plan alone. The last cell is unsupported. */
export function outcomeOf(cell: Cell): CellOutcome {
  if (cell.index === 5)
    return { status: "unsupported", reason: 'no 2M pages, "here"', values: {}, exits: [] };
  const at = cell.index + 1;
  const values: Record<string, number | string> = {};
  for (const { name } of EVENTS) values[name] = 0;
  Object.assign(values, {
    references: 1000,
    tlb_lookups: 1000,
    tlb_misses: 10 * at,
    walks: 10 * at,
    walk_refs: 43 * at,
    exits: at,
  });
  for (const { name } of CYCLE_CATEGORIES) values[`cycles_${name}`] = at / 3;
  values["cycles"] = (at / 3) * CYCLE_CATEGORIES.length;
  for (const { name } of MEMORY_OWNERS)
    Object.assign(values, { [`${name}_bytes`]: 4096, [`${name}_peak_bytes`]: 4096 * at });
  values["fingerprint"] = "0012";
  return {
    status: "done",
    reason: "",
    values,
    exits: [{ reason: "ept_violation", count: at, cycles: at / 3 }],
  };
}

function config(technique: string, page: "4K" | "2M"): CellConfig {
  return {
    technique,
    workload: "gups",
    parameters: {},
    size: "tiny",
    ...DEFAULT_SETTINGS,
    page,
  };
}
