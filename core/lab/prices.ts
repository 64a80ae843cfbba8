/**
 * A plan under other prices: each cell with one price of its own profile scaled. Many such variants are run as one plan, so that
 * workers start once.
 */
import { findProfile } from "../events/profiles/index.js";
import { tableOf } from "../results/table.js";
import type { Cell, CellOutcome, Plan, Row } from "../scenario/index.js";
import { runPlan } from "../scenario/index.js";

/** A price (of events/costs.ts) times a factor. */
export interface Variant {
  readonly price: string;
  readonly factor: number;
}

export interface PriceRunOptions {
  readonly workers?: number | undefined;
  readonly signal?: AbortSignal;
  /** Cells done, of all. */
  readonly progress?: (done: number, total: number) => void;
}

/** Prices are multiples of 1/64 cycle, so that sums of them are exact in any order (core/README.md). */
const GRAIN = 64;

/** The rows of each variant, as rows.csv would have them. Undefined when it was stopped. */
export async function rowsUnder(
  plan: Plan,
  variants: readonly Variant[],
  { workers, signal, progress }: PriceRunOptions,
): Promise<Row[][] | undefined> {
  const cells = variants.flatMap((variant, at) =>
    plan.cells.map((cell): Cell => {
      const index = at * plan.cells.length + cell.index;
      return { ...priced(cell, variant), index, id: idIn(cell, at) };
    }),
  );
  const { outcomes, interrupted } = await runPlan(
    { ...plan, cells },
    {
      ...(workers === undefined ? {} : { workers }),
      ...(signal === undefined ? {} : { signal }),
      progress: (event) => {
        if (event.kind === "finished") progress?.(event.done, event.total);
      },
    },
  );
  if (interrupted) return undefined;
  return variants.map((_, at) => {
    const own = plan.cells.map(({ ...cell }): [string, CellOutcome] => [
      cell.id,
      outcomes.get(idIn(cell, at))!,
    ]);
    return [...tableOf(plan, new Map(own)).rows];
  });
}

/** The price in a cell: the scenario's own, else its profile's; undefined where there is none of that name. */
export function priceIn({ config: { machine } }: Cell, price: string): number | undefined {
  const replaced = (machine.costs as Readonly<Record<string, number | undefined>>)[price];
  const costs = findProfile(machine.profile)?.costs as Readonly<
    Record<string, { value: number } | undefined>
  >;
  return replaced ?? costs[price]?.value;
}

function priced(cell: Cell, { price, factor }: Variant): Cell {
  const value = priceIn(cell, price);
  if (value === undefined || factor === 1) return cell;
  const { config } = cell;
  const costs = { ...config.machine.costs, [price]: Math.round(value * factor * GRAIN) / GRAIN };
  return { ...cell, config: { ...config, machine: { ...config.machine, costs } } };
}

function idIn({ id }: Cell, variant: number): string {
  return `${id} variant=${variant}`;
}
