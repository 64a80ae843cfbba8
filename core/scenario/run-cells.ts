/**
 * Phase 6: the cells of a plan, each to the sink as soon as it ends. Cells start in plan order and end in any; what
 * they give does not depend on which worker ran them, nor on how many there are.
 */
import type { Catalogue } from "./catalogue.js";
import type { Cell, CellOutcome } from "./config.js";
import { type CellRunner, cellRunner } from "./pool.js";
import type { Plan, RunOptions, RunResult } from "./scenario.js";
import { unsupportedReason } from "./support.js";
import { type TimedOutcome, unsupportedOutcome } from "./timed-cell.js";

/** Rejects when the sink does; cells that finished before are in the sink. */
export async function runCells(
  plan: Plan,
  options: RunOptions,
  catalogue: Catalogue,
  own?: CellRunner,
): Promise<RunResult> {
  const { sink, signal, progress, completed = new Map<string, CellOutcome>() } = options;
  const outcomes = new Map<string, CellOutcome>();
  const pending = plan.cells.filter((cell) => !completed.has(cell.id));
  const total = plan.cells.length;
  let done = total - pending.length;

  const runner = own ?? (await cellRunner(options.workers, pending.length));
  const stop = (): void => void runner.close();
  signal?.addEventListener("abort", stop, { once: true });
  let failure: { readonly error: unknown } | undefined;
  const isStopped = (): boolean => failure !== undefined || signal?.aborted === true;

  let deliveries = Promise.resolve();
  const deliver = (cell: Cell, { outcome, host }: TimedOutcome): Promise<void> => {
    deliveries = deliveries.then(async () => {
      if (failure !== undefined) return;
      await sink?.finished(cell, outcome, host);
      outcomes.set(cell.id, outcome);
      done++;
      progress?.({ kind: "finished", cell, outcome, host, done, total });
    });
    return deliveries;
  };
  let next = 0;
  const lane = async (): Promise<void> => {
    while (next < pending.length && !isStopped()) {
      const cell = pending[next++]!;
      const refused = unsupportedReason(cell.config, catalogue);
      if (refused !== undefined) {
        await deliver(cell, { outcome: unsupportedOutcome(refused), host: { seconds: 0 } });
        continue;
      }
      progress?.({ kind: "started", cell, done, total });
      let timed: TimedOutcome;
      try {
        timed = await runner.run(cell.config);
      } catch (error) {
        if (isStopped()) return; // the runner was closed under it
        throw error;
      }
      await deliver(cell, timed);
    }
  };
  const guarded = (): Promise<void> =>
    lane().catch((error: unknown) => {
      failure ??= { error };
      stop();
    });

  try {
    await Promise.all(Array.from({ length: runner.lanes }, guarded));
  } finally {
    signal?.removeEventListener("abort", stop);
    await runner.close();
  }
  if (failure !== undefined) throw failure.error;
  const inOrder = new Map<string, CellOutcome>();
  for (const { id } of plan.cells) {
    const outcome = completed.get(id) ?? outcomes.get(id);
    if (outcome !== undefined) inOrder.set(id, outcome);
  }
  return { outcomes: inOrder, interrupted: inOrder.size < total };
}
