import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { UnsupportedError } from "../util/errors.js";
import type { Cell, CellConfig, CellOutcome } from "./config.js";
import { thisThread, workerPool } from "./pool.js";
import { rowsOf } from "./row.js";
import { runPlan } from "./run.js";
import type { ProgressEvent, RunOptions } from "./scenario.js";
import { fakeRun, planFrom, TEST_CATALOGUE } from "./testing/catalogue.js";

const PLAN = planFrom(
  "matrix: { technique: [native, hardware/nested], workload: [gups, zipf], seed: [1, 2, 3] }",
);
const run = (options: RunOptions, runner = thisThread(fakeRun)) =>
  runPlan(PLAN, options, TEST_CATALOGUE, runner);
const counted = ({ outcomes }: { outcomes: ReadonlyMap<string, CellOutcome> }) =>
  [...outcomes.values()].map(({ status }) => status).filter((status) => status === "done").length;

/** A worker whose cells may die: seed 2 ends its thread, seed 3 throws; lower seeds take longer. */
const WORKER = `
import { setTimeout } from "node:timers/promises";
export async function runTimedCell(config) {
  await setTimeout(20 - 5 * config.seed);
  if (config.workload === "zipf" && config.seed === 2) process.exit(7);
  if (config.workload === "zipf" && config.seed === 3) throw new Error("no");
  return { outcome: { status: "done", reason: "", values: { cycles: config.seed }, exits: [] }, host: { seconds: 0.5 } };
}`;
let folder = "";
let script = "";
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "workers-"));
  script = join(folder, "worker.mjs");
  writeFileSync(script, WORKER);
});
afterAll(() => rmSync(folder, { recursive: true }));

test("every outcome reaches the sink before the progress says so", async () => {
  const log: string[] = [];
  const sink = { finished: (cell: Cell) => void log.push(`sink ${cell.index}`) };
  const progress = (event: ProgressEvent) =>
    void log.push(`${event.kind} ${event.cell.index} ${event.done}/${event.total}`);
  const result = await run({ sink, progress });
  expect([result.interrupted, counted(result)]).toEqual([false, 12]);
  expect(log.slice(0, 6)).toEqual([
    "started 0 0/12",
    "sink 0",
    "finished 0 1/12",
    "started 1 1/12",
    "sink 1",
    "finished 1 2/12",
  ]);
});

test("what a cell throws is its outcome", async () => {
  const { outcomes } = await run(
    {},
    thisThread((config: CellConfig) => {
      if (config.seed === 2) throw new UnsupportedError("not this");
      if (config.seed === 3) throw new TypeError("oh\nno");
      return fakeRun(config);
    }),
  );
  expect([...outcomes.values()].slice(0, 3).map(({ status, reason }) => `${status} ${reason}`)).toEqual([
    "done ",
    "unsupported not this",
    "failed TypeError: oh",
  ]);
});

test("what a profile cannot do is not run", async () => {
  const plan = planFrom(
    "workload: gups\nmachine: { profile: old-2001 }\nguest: { paging: pae }\nmatrix: { technique: [native, hardware/nested] }",
  );
  const ran: string[] = [];
  const { outcomes } = await runPlan(
    plan,
    {},
    TEST_CATALOGUE,
    thisThread((config) => {
      ran.push(config.technique);
      return fakeRun(config);
    }),
  );
  expect(ran).toEqual(["native"]);
  expect(outcomes.get("technique=hardware/nested")).toMatchObject({
    status: "unsupported",
    reason: "old-2001 has no EPT or NPT",
  });
});

test("a resumed run does what is missing, and gives the same rows", async () => {
  const whole = await run({});
  const completed = new Map([...whole.outcomes].filter((_, index) => index % 3 === 1));
  const sent: string[] = [];
  const resumed = await run({ completed, sink: { finished: ({ id }) => void sent.push(id) } });
  expect(sent).toHaveLength(8);
  expect(JSON.stringify(rowsOf(PLAN, resumed.outcomes))).toBe(JSON.stringify(rowsOf(PLAN, whole.outcomes)));
  expect([...resumed.outcomes.keys()]).toEqual([...whole.outcomes.keys()]);
});

test("an abort keeps what finished", async () => {
  const controller = new AbortController();
  const progress = ({ done }: ProgressEvent) => void (done === 3 && controller.abort());
  const result = await run({ signal: controller.signal, progress });
  expect([result.interrupted, result.outcomes.size]).toEqual([true, 3]);
});

test("a sink that rejects stops the run", async () => {
  let calls = 0;
  const sink = {
    finished: () => (++calls === 2 ? Promise.reject(new Error("disk full")) : Promise.resolve()),
  };
  await expect(run({ sink })).rejects.toThrow("disk full");
  expect(calls).toBe(2);
});

test.each([1, 3])(
  "%i workers: one that dies or throws fails its cell alone, and rows are in plan order",
  async (workers) => {
    const { outcomes, interrupted } = await run({}, workerPool(workers, script));
    expect(interrupted).toBe(false);
    expect([...outcomes.keys()]).toEqual(PLAN.cells.map(({ id }) => id));
    const failed = [...outcomes]
      .filter(([, { status }]) => status === "failed")
      .map(([id, { reason }]) => `${id}: ${reason}`);
    expect(failed).toEqual([
      "technique=native workload=zipf seed=2: the worker died: worker exited with code: 7",
      "technique=native workload=zipf seed=3: the worker died: no",
      "technique=hardware/nested workload=zipf seed=2: the worker died: worker exited with code: 7",
      "technique=hardware/nested workload=zipf seed=3: the worker died: no",
    ]);
    expect(counted({ outcomes })).toBe(8);
  },
);

test("an abort ends the workers in the middle of their cells", async () => {
  writeFileSync(join(folder, "slow.mjs"), "export function runTimedCell() { for (;;) {} }");
  const controller = new AbortController();
  const progress = () => void setTimeout(() => controller.abort(), 50);
  const result = await run({ signal: controller.signal, progress }, workerPool(2, join(folder, "slow.mjs")));
  expect([result.interrupted, result.outcomes.size]).toEqual([true, 0]);
});
