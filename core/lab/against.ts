/**
 * This build (B) against another revision of the project (A), over one scenario: the rows of both by equality, each made by its own
 * build, and where the scenario has `timing:` the host's times of both, alternating (host-comparison.ts).
 */
import { execFile, fork } from "node:child_process";
import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { type Comparands, comparandsOf } from "../results/comparands.js";
import { type Gate, gateOf } from "../results/gate.js";
import type { CellConfig } from "../scenario/index.js";
import { UserError } from "../util/errors.js";
import {
  compareHosts,
  HOST_RULES,
  type HostComparison,
  type HostHooks,
  type HostSubject,
} from "./host-comparison.js";
import type { PlanReply, PlanRequest } from "./plan-process.js";
import { type BuildHooks, revisionOf } from "./revision.js";
import { type PlanOptions, planCells } from "./run.js";

export interface AgainstOptions extends PlanOptions {
  /** This project's folder. */
  readonly project: string;
  /** A git reference, or a folder with a checkout. */
  readonly against: string;
  /** Pairs of processes; default: HOST_RULES'. */
  readonly pairs?: number | undefined;
  readonly hooks?: BuildHooks & HostHooks;
}

export interface AgainstResult {
  /** For people. */
  readonly name: string;
  readonly gate: Gate;
  /** Undefined where the scenario measures no host time. */
  readonly host: HostComparison | undefined;
  readonly isGreen: boolean;
}

const PLAN_PROCESS = fileURLToPath(new URL("./plan-process.js", import.meta.url));
const run = promisify(execFile);

/** @param scenario a file. @throws UserError for a revision that does not build, or does not know the scenario */
export async function against(scenario: string, options: AgainstOptions): Promise<AgainstResult> {
  const { project, hooks = {} } = options;
  const file = path.resolve(scenario);
  const plan = planCells(file, options); // before anything is built: a mistake in the scenario costs nothing
  const other = await revisionOf(options.against, project, hooks);
  const work = mkdtempSync(path.join(tmpdir(), "virtlab-rows-"));
  try {
    hooks.working?.(`rows of ${other.name}`);
    const before = await rowsBy(other.folder, file, path.join(work, "a"), options);
    hooks.working?.("rows of this build");
    const after = await rowsBy(project, file, path.join(work, "b"), options);
    const gate = gateOf({ ...before, name: other.name }, { ...after, name: "this build" }, false);
    const { samples } = plan.scenario.timing;
    if (samples === 0) return { name: other.name, gate, host: undefined, isGreen: gate.isGreen };
    const theirs = await planBy(other.folder, file, options);
    const subjects = subjectsOf(plan.cells, theirs, [before, after]);
    const [a, b] = [other.folder, project].map((folder) =>
      path.join(folder, "dist", "lab", "timing-process.js"),
    );
    const rules = { ...HOST_RULES, samples, pairs: options.pairs ?? HOST_RULES.pairs };
    const host = await compareHosts({ a: a!, b: b! }, subjects, rules, hooks);
    return { name: other.name, gate, host, isGreen: gate.isGreen && host.slower === 0 };
  } finally {
    rmSync(work, { recursive: true, force: true });
    other.remove();
  }
}

/** Runs the scenario by a build's own command line. */
async function rowsBy(
  build: string,
  scenario: string,
  out: string,
  { sets = [], size, seed, only, hooks }: AgainstOptions,
): Promise<Comparands> {
  const given = { size, seed, only };
  const written = Object.entries(given).flatMap(([name, value]) =>
    value === undefined ? [] : [`--${name}`, String(value)],
  );
  const overrides = [...sets, "timing.samples=0"].flatMap((set) => ["--set", set]);
  const quiet = ["--out", out, "--no-charts", "--quiet"];
  const parameters = [
    path.join("dist", "cli", "main.js"),
    "bench",
    scenario,
    ...written,
    ...overrides,
    ...quiet,
  ];
  const signal = hooks?.signal === undefined ? {} : { signal: hooks.signal };
  try {
    await run(process.execPath, parameters, { cwd: build, ...signal });
  } catch (error) {
    if (hooks?.signal?.aborted === true) throw error;
    // A failed expectation is told by the exit code, and its rows are there.
    if (!existsSync(path.join(out, "run.json"))) {
      const { stderr = "" } = error as { stderr?: string };
      throw new UserError(`this build cannot run the scenario: ${stderr.trim()}`, {
        where: build,
        mend: "choose cells that both builds know, with --only, or a revision nearer to this one",
      });
    }
  }
  return comparandsOf(out, "run", { results: out, scenarios: [] });
}

/** Each cell as a build plans it, by id. */
async function planBy(
  build: string,
  scenario: string,
  { sets, size, seed, only }: AgainstOptions,
): Promise<ReadonlyMap<string, CellConfig>> {
  const request: PlanRequest = {
    entry: path.join(build, "dist", "index.js"),
    scenario,
    options: { sets, size, seed, only },
  };
  const reply = await new Promise<PlanReply>((resolve) => {
    const child = fork(PLAN_PROCESS, { stdio: ["ignore", "ignore", "inherit", "ipc"], cwd: build });
    let answer: PlanReply = { error: "the process ended without an answer" };
    child.on("message", (message) => {
      answer = message as PlanReply;
    });
    child.on("close", () => resolve(answer));
    child.send(request);
  });
  if ("error" in reply)
    throw new UserError(reply.error, { where: build, mend: "choose a revision nearer to this one" });
  return new Map(reply.cells.map(({ id, config }) => [id, config]));
}

/** Cells that are done in both builds, in plan order. */
function subjectsOf(
  cells: readonly { readonly id: string; readonly config: CellConfig }[],
  theirs: ReadonlyMap<string, CellConfig>,
  sides: readonly Comparands[],
): HostSubject[] {
  const done = sides.map(({ runs }) => {
    const rows = (runs[0]?.rows ?? []).filter((row) => row["status"] === "done");
    return new Set(rows.map((row) => String(row["cell"])));
  });
  return cells.flatMap(({ id, config }) => {
    const a = theirs.get(id);
    const group = groupOf(config);
    return a !== undefined && done.every((ids) => ids.has(id)) ? [{ cell: id, group, a, b: config }] : [];
  });
}

/** What does the work: the drivers and engines are judged apart, for one may win what another loses. */
function groupOf({ code, machine }: CellConfig): string {
  return code === undefined ? "reference streams" : `code by the ${machine.engine}`;
}
