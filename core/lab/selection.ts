/** Part of a plan: the cells that an expression over their axes selects (`--only`), or another choice. */
import { createHash } from "node:crypto";
import { type Cell, type Plan, type Row, rowOf, selectRows } from "../scenario/index.js";

const NOTHING_YET = { status: "done", reason: "", values: {}, exits: [] } as const;

/**
 * The plan with the selected cells alone, renumbered, and with a hash of its own: it is another run.
 * @param where names the expression's place in errors. @throws UserError for syntax and unknown columns
 */
export function selectCells(plan: Plan, expression: string, where: string): Plan {
  const rows = plan.cells.map((cell): Row => rowOf(cell, NOTHING_YET));
  const selected = new Set(selectRows(plan, rows, expression, where));
  return partOf(plan, (cell) => selected.has(rows[cell.index]!));
}

/** The plan with some of its cells, renumbered; @param salt tells plans with the same cells apart. */
export function partOf(plan: Plan, isIn: (cell: Cell, at: number) => boolean, salt = ""): Plan {
  const cells = plan.cells.filter(isIn).map((cell, index) => ({ ...cell, index }));
  if (cells.length === plan.cells.length && salt === "") return plan;
  const hash = createHash("sha256").update(plan.hash).update(salt);
  for (const cell of cells) hash.update(`\n${cell.id}`);
  return { ...plan, cells, hash: hash.digest("hex") };
}
