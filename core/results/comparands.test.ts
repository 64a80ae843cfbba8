/** What `compare` may name: runs, folders, scenarios, files and commits. */
import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { toCsv } from "../scenario/csv.js";
import { UserError } from "../util/errors.js";
import { baselineFiles } from "./baseline.js";
import { comparandsOf } from "./comparands.js";
import { sha256Of } from "./digest.js";
import { SMALL_RECORD, SMALL_ROWS } from "./testing/run-rows.js";

const work = mkdtempSync(path.join(tmpdir(), "virtlab-comparands-"));
const before = process.cwd();
const place = { results: "results", scenarios: ["small", "other"] };
const rowsText = toCsv(Object.keys(SMALL_ROWS[0]!), SMALL_ROWS);

function write(name: string, text: string): void {
  mkdirSync(path.dirname(path.join(work, name)), { recursive: true });
  writeFileSync(path.join(work, name), text);
}

function writeRun(folder: string, changes: object = {}, rows = rowsText): void {
  const record = {
    ...SMALL_RECORD,
    scenario: { name: "small", axes: [], charts: [], files: ["small.yaml"] },
    command: [],
    expectations: [],
    host: {},
    files: { "rows.csv": sha256Of(rowsText) },
    ...changes,
  };
  write(`${folder}/rows.csv`, rows);
  write(`${folder}/run.json`, JSON.stringify(record));
}

function git(...parameters: string[]): void {
  const identity = ["-c", "user.name=a", "-c", "user.email=a@b"];
  execFileSync("git", [...identity, ...parameters], { cwd: work, stdio: "ignore" });
}

beforeAll(() => {
  process.chdir(work);
  const files = baselineFiles(SMALL_ROWS, SMALL_RECORD, []);
  write("results/baselines/small.csv", files.csv);
  write("results/baselines/small.json", files.json);
  git("init", "-q", "-b", "main");
  git("add", ".");
  git("commit", "-q", "-m", "baselines");
  writeRun("results/runs/small/20260101T000000Z-a");
  writeRun("results/runs/small/20260102T000000Z-a", { seed: 2 });
  writeRun("ci/small");
  write("bare.csv", rowsText);
});
afterAll(() => {
  process.chdir(before);
  rmSync(work, { recursive: true, force: true });
});

const read = (reference: string, prefers: "baseline" | "run" = "run") =>
  comparandsOf(reference, prefers, place);

describe("comparandsOf", () => {
  it.each([
    ["results/baselines", "baseline", true],
    ["results/baselines/small.csv", "baseline", false],
    ["results/runs", "run", true],
    ["results/runs/small", "run", false],
    ["results/runs/small/latest", "run", false],
    ["results/runs/small/20260101T000000Z-a/rows.csv", "run", false],
    ["ci", "run", true],
    ["ci/small", "run", false],
    ["bare.csv", "rows", false],
    ["main", "baseline", true],
    ["HEAD:small", "baseline", false],
  ])("reads %s", (reference, kind, isSet) => {
    const found = read(reference);
    expect(found.isSet).toBe(isSet);
    expect(found.runs.map((run) => run.kind)).toEqual([kind]);
    expect(found.runs[0]!.rows).toHaveLength(SMALL_ROWS.length);
  });

  it("takes a scenario's name as its baseline or its latest run, by the side it stands on", () => {
    expect(read("small", "baseline").runs[0]).toMatchObject({ kind: "baseline" });
    expect(read("small", "run").runs[0]).toMatchObject({ kind: "run", seed: 2 });
  });

  it("has no runs where a baseline is not there", () => {
    for (const reference of ["other", "gone.csv"]) expect(read(reference, "baseline").runs).toEqual([]);
    expect(read("main:other", "baseline").runs).toEqual([]);
    expect(read("elsewhere/baselines", "baseline")).toMatchObject({ isSet: true, runs: [] });
  });

  it("refuses what is nothing at all, and what is not whole", () => {
    expect(() => read("no-such-branch")).toThrow('no run "no-such-branch"');
    mkdirSync(path.join(work, "empty"), { recursive: true });
    expect(() => read("empty")).toThrow("neither runs nor baselines");
    writeRun("without", {}, rowsText);
    rmSync(path.join(work, "without", "rows.csv"));
    expect(() => read("without")).toThrow("the run has no rows.csv");
    writeRun("cut", {}, rowsText.slice(0, -40));
    expect(() => read("cut")).toThrow(UserError);
    writeRun("short", {}, `${rowsText.split("\n").slice(0, 3).join("\n")}\n`);
    expect(() => read("short")).toThrow("cut off or edited");
    writeRun("part", { shard: { index: 1, of: 2, plan: "p", cells: 6 } });
    expect(() => read("part")).toThrow("is shard 1/2 of a run");
  });
});
