/**
 * Host time of a run's cells: each is measured in a process that does nothing else, one after another, so that neither
 * workers nor another cell's compiled code disturb it.
 */
import { fork } from "node:child_process";
import { fileURLToPath } from "node:url";
import type { CellTiming } from "../results/index.js";
import type { Cell, CellConfig, CellOutcome, Plan } from "../scenario/index.js";

/** What the process is asked. */
export interface TimingRequest {
  readonly config: CellConfig;
  readonly samples: number;
  /** Runs before the first that counts; 1 when absent. */
  readonly warmup?: number;
  /** The clock on the wall (the default), or the time that processors spent on the process: less noisy where others work too. */
  readonly clock?: "wall" | "processor";
}

/** What it answers; one of before there was a choice of clocks names none. */
export type TimingReply =
  | (Omit<CellTiming, "cell"> & { readonly clock?: "wall" | "processor" })
  | { readonly error: string };

const PROCESS = fileURLToPath(new URL("./timing-process.js", import.meta.url));

/**
 * Measures the cells that are done, in plan order. A cell whose process fails is left out, and told to `onFailure`.
 * @param signal stops between cells and ends the process at work.
 */
export async function timeCells(
  plan: Plan,
  outcomes: ReadonlyMap<string, CellOutcome>,
  hooks: { signal?: AbortSignal; started(cell: Cell): void; failed(cell: Cell, reason: string): void },
): Promise<CellTiming[]> {
  const timings: CellTiming[] = [];
  for (const cell of plan.cells) {
    if (outcomes.get(cell.id)?.status !== "done") continue;
    hooks.started(cell);
    const request = { config: cell.config, samples: plan.scenario.timing.samples };
    const reply = await askTiming(PROCESS, request, hooks.signal);
    if (hooks.signal?.aborted === true) break;
    if ("error" in reply) hooks.failed(cell, reply.error);
    else timings.push({ cell: cell.id, ...reply });
  }
  return timings;
}

/**
 * One process, one answer.
 * @param script timing-process.js of this build, or of another
 */
export function askTiming(
  script: string,
  request: TimingRequest,
  signal: AbortSignal | undefined,
): Promise<TimingReply> {
  return new Promise((resolve) => {
    const child = fork(script, {
      stdio: ["ignore", "ignore", "inherit", "ipc"],
      ...(signal === undefined ? {} : { signal }),
    });
    let reply: TimingReply = { error: "the process ended without an answer" };
    child.on("message", (message) => {
      reply = message as TimingReply;
    });
    child.on("error", (error) => {
      reply = { error: error.message };
    });
    child.on("close", () => resolve(reply));
    child.send(request);
  });
}
