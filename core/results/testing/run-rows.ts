/** A run of the small plan as it is read back: rows, and a record of what matters. */
import type { Row } from "../../scenario/scenario.js";
import type { RunRecord } from "../record.js";
import { tableOf } from "../table.js";
import { outcomeOf, smallPlan } from "./plan.js";

export const SMALL_ROWS: readonly Row[] = (() => {
  const plan = smallPlan();
  return tableOf(plan, new Map(plan.cells.map((cell) => [cell.id, outcomeOf(cell)]))).rows;
})();

/** What baselines use of run.json. */
export const SMALL_RECORD = {
  format: 1,
  scenario: { name: "small" },
  size: "tiny",
  seed: 1,
  plan: smallPlan().hash,
  cells: SMALL_ROWS.length,
  constants: [
    { profile: "nehalem-2008", name: "costs.vm_exit", value: 1009, source: "", assumed: false },
    { profile: "nehalem-2008", name: "costs.invlpg", value: 120, source: "", assumed: false },
  ],
} as unknown as RunRecord;
