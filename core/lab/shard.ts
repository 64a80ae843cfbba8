/** One part of n of a plan, so that several machines share a scenario; merge.ts puts the parts together again. */
import type { ShardRecord } from "../results/record.js";
import type { Plan } from "../scenario/index.js";
import { partOf } from "./selection.js";

/** The k-th of n parts, from 1. */
export interface Shard {
  readonly index: number;
  readonly of: number;
}

/** Every n-th cell: neighbours in a matrix take about as long, so the parts do too. May be empty where n is above the cells. */
export function shardOf(plan: Plan, { index, of }: Shard): Plan {
  return partOf(plan, (_, at) => at % of === index - 1, `shard ${index}/${of}`);
}

/** What run.json of a shard says of the whole. */
export function shardRecord(whole: Plan, { index, of }: Shard): ShardRecord {
  return { index, of, plan: whole.hash, cells: whole.cells.length };
}
