/**
 * Cells of a plan tried under other constants (scenario/replaced-constants.ts), many at once, so that workers start once. What differs
 * in nothing is run once.
 */
import { tableOf } from "../results/table.js";
import { type Cell, type CellOutcome, type Plan, type Row, runPlan } from "../scenario/index.js";
import { type Change, changedCell } from "../scenario/replaced-constants.js";

/** A cell, and what is changed for it; undefined: nothing. */
export interface Trial {
  readonly cell: Cell;
  readonly change: Change | undefined;
}

export interface TrialOptions {
  readonly workers?: number | undefined;
  readonly signal?: AbortSignal;
  /** Trials done, of all that are known of. */
  readonly progress?: (done: number, total: number) => void;
}

/** The outcome of each, in order. Undefined when it was stopped. */
export async function tryAll(
  plan: Plan,
  trials: readonly Trial[],
  { workers, signal, progress }: TrialOptions,
): Promise<CellOutcome[] | undefined> {
  const cells = new Map<string, Cell>();
  const keys = trials.map(({ cell, change }) => {
    const config = change === undefined ? cell.config : changedCell(cell.config, change);
    const key = JSON.stringify(config);
    const index = cells.size;
    if (!cells.has(key)) cells.set(key, { ...cell, config, index, id: `${cell.id} trial=${index}` });
    return key;
  });
  if (cells.size === 0) return [];
  const { outcomes, interrupted } = await runPlan(
    { ...plan, cells: [...cells.values()] },
    {
      ...(workers === undefined ? {} : { workers }),
      ...(signal === undefined ? {} : { signal }),
      progress: (event) => {
        if (event.kind === "finished") progress?.(event.done, event.total);
      },
    },
  );
  return interrupted ? undefined : keys.map((key) => outcomes.get(cells.get(key)!.id)!);
}

/** The rows of all cells of a plan, as rows.csv would have them. @param outcomes in the order of its cells */
export function rowsFrom(plan: Plan, outcomes: readonly CellOutcome[]): Row[] {
  return [...tableOf(plan, new Map(plan.cells.map(({ id }, at) => [id, outcomes[at]!]))).rows];
}

/** The rows under a change of every cell. Undefined when it was stopped. */
export async function rowsUnder(
  plan: Plan,
  change: Change | undefined,
  options: TrialOptions,
): Promise<Row[] | undefined> {
  const outcomes = await tryAll(
    plan,
    plan.cells.map((cell): Trial => ({ cell, change })),
    options,
  );
  return outcomes === undefined ? undefined : rowsFrom(plan, outcomes);
}

/** One constant times a factor, or several. */
export function scaled(names: string | readonly string[], factor: number): Change {
  const all = new Set([names].flat());
  return (name, value) => (all.has(name) ? value * factor : undefined);
}
