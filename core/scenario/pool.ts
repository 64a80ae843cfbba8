/**
 * Where cells run: worker threads, or this thread. A worker that dies takes its own cell with it and no other; the pool
 * replaces it. Workers run compiled code: without a build (worker.js beside this file) cells run in this thread.
 * Only this file touches `piscina`.
 */
import { existsSync } from "node:fs";
import { availableParallelism } from "node:os";
import { fileURLToPath } from "node:url";
import { Piscina } from "piscina";
import type { CellConfig, CellOutcome } from "./config.js";
import { failedOutcome, type TimedOutcome, timedCell } from "./timed-cell.js";

export interface CellRunner {
  /** How many cells may run at once. */
  readonly lanes: number;
  /** Never rejects for the cell's sake; after `close` it may. */
  run(config: CellConfig): Promise<TimedOutcome>;
  /** Ends the workers, running cells included. */
  close(): Promise<void>;
}

const WORKER = fileURLToPath(new URL("./worker.js", import.meta.url));

/** Heap of a worker. Simulated memory is in typed arrays, outside of it. */
const WORKER_HEAP_MIB = 4096;

/** @param workers threads wanted: undefined is one a core, 0 is this thread; never more than `cells`. */
export async function cellRunner(workers: number | undefined, cells: number): Promise<CellRunner> {
  const threads = Math.min(workers ?? availableParallelism(), cells);
  if (threads > 0 && existsSync(WORKER)) return workerPool(threads, WORKER);
  const { runCell } = await import("./run-cell.js");
  return thisThread(runCell);
}

/** Cells one after another in this thread; it yields between them, so that signals and timers are heard. */
export function thisThread(run: (config: CellConfig) => CellOutcome): CellRunner {
  return {
    lanes: 1,
    run: (config) => new Promise((resolve) => setImmediate(() => resolve(timedCell(config, run)))),
    close: () => Promise.resolve(),
  };
}

/** @param script path of a module that exports `runTimedCell`, as worker.ts does. */
export function workerPool(threads: number, script: string): CellRunner {
  const pool = new Piscina<CellConfig, TimedOutcome>({
    filename: script,
    name: "runTimedCell",
    minThreads: threads,
    maxThreads: threads,
    resourceLimits: { maxOldGenerationSizeMb: WORKER_HEAP_MIB },
  });
  let isClosed = false;
  pool.on("error", () => {}); // an idle worker's death: the pool starts another
  return {
    lanes: threads,
    run: async (config) => {
      try {
        return await pool.run(config);
      } catch (error) {
        if (isClosed) throw error;
        const message = error instanceof Error ? error.message : String(error);
        return { outcome: failedOutcome(`the worker died: ${message}`), host: { seconds: 0 } };
      }
    },
    close: async () => {
      isClosed = true;
      await pool.destroy();
    },
  };
}
