/** The dictionary: complete, unique, and the committed COLUMNS.md current. */
import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { CYCLE_CATEGORIES } from "../events/categories.js";
import { EVENTS } from "../events/events.js";
import { MEMORY_OWNERS } from "../events/memory-owners.js";
import { COLUMNS, columnOf, findColumn } from "./columns.js";
import { columnsMarkdown } from "./columns-markdown.js";
import { DERIVED, withDerived } from "./derived.js";
import { tableOf } from "./table.js";
import { outcomeOf, smallPlan } from "./testing/plan.js";

describe("the dictionary", () => {
  it("names each column once, in snake_case", () => {
    const names = COLUMNS.map(({ name }) => name);
    expect(new Set(names).size).toBe(names.length);
    for (const name of names) expect(name).toMatch(/^[a-z][a-z0-9_]*$/);
  });

  it("has every event, category and owner", () => {
    const wanted = [
      ...EVENTS.map(({ name }) => name),
      ...CYCLE_CATEGORIES.map(({ name }) => `cycles_${name}`),
      ...MEMORY_OWNERS.flatMap(({ name }) => [`${name}_bytes`, `${name}_peak_bytes`]),
    ];
    for (const name of wanted) expect(findColumn(name)?.name).toBe(name);
  });

  it("describes every column of a table", () => {
    const plan = smallPlan();
    const { columns } = tableOf(plan, new Map(plan.cells.map((cell) => [cell.id, outcomeOf(cell)])));
    for (const name of columns) expect(findColumn(name), name).toBeDefined();
  });

  it("knows axes by their columns, and makes a label for what it does not know", () => {
    expect(columnOf("host_page").description).toContain("host");
    expect(columnOf("cost_vm_exit").unit).toBe("cycles");
    expect(columnOf("some_thing").label).toBe("Some thing");
  });

  it("is written down in results/COLUMNS.md (npm run virtlab -- schema --write)", () => {
    const committed = readFileSync(new URL("../../results/COLUMNS.md", import.meta.url), "utf8");
    expect(committed === columnsMarkdown()).toBe(true);
  });
});

describe("derived columns", () => {
  it("are the ratios they say", () => {
    const row = withDerived({
      cycles: 100,
      references: 50,
      tlb_lookups: 40,
      tlb_misses: 10,
      walks: 4,
      walk_refs: 18,
      cycles_walk_guest: 5,
      cycles_walk_host: 15,
      cycles_transition: 7,
      cycles_monitor: 2,
      cycles_monitor_user: 1,
    });
    expect(row).toMatchObject({
      cycles_per_reference: 2,
      tlb_miss_rate: 0.25,
      walk_refs_per_walk: 4.5,
      walk_cycles_share: 0.2,
      virtualization_share: 0.1,
    });
  });

  it("are empty where there is nothing to divide by", () => {
    const row = withDerived({ cycles: 0, references: 0, status: "failed" });
    for (const { name } of DERIVED) expect(row[name]).toBe("");
  });
});
