/**
 * A run on disk: the same bytes in any order, resumed after a kill, and nothing lost when the disk refuses.
 */
import * as fs from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { Cell } from "../scenario/config.js";
import type { Plan } from "../scenario/scenario.js";
import { UserError } from "../util/errors.js";
import { Disk, type FileSystem } from "./disk.js";
import { recordOf } from "./record.js";
import { createRun, findResumable, type RunFolder } from "./run-folder.js";
import { findRun, readRun } from "./stored-run.js";
import { outcomeOf, smallPlan } from "./testing/plan.js";

let results: string;
beforeEach(() => {
  results = fs.mkdtempSync(join(tmpdir(), "virtlab-results-"));
});
afterEach(() => fs.rmSync(results, { recursive: true, force: true }));

const plan = smallPlan();
const at = (second: number): Date => new Date(Date.UTC(2026, 0, 31, 12, 0, second));
const record = (of: Plan) =>
  recordOf(of, {
    command: ["test"],
    workers: 1,
    started: at(0),
    hostSeconds: 1,
    expectations: [],
    project: results,
  });

function finish(run: RunFolder, cells: readonly Cell[]): void {
  for (const cell of cells) run.finished(cell, outcomeOf(cell));
}

function failing(call: keyof FileSystem, code: string, after = 0): Disk {
  let calls = 0;
  const system: FileSystem = { ...fs };
  const real = system[call] as (...all: never[]) => unknown;
  const refuse = (...parameters: never[]): unknown => {
    if (calls++ >= after) throw Object.assign(new Error(code), { code });
    return real(...parameters);
  };
  return new Disk({ ...system, [call]: refuse });
}

function refusal(action: () => unknown): UserError {
  try {
    action();
  } catch (error) {
    if (error instanceof UserError) return error;
    throw error;
  }
  throw new Error("nothing was refused");
}

describe("rows.csv", () => {
  it("is the same bytes whatever order the cells finish in", () => {
    const texts = [plan.cells, [...plan.cells].reverse()].map((cells, index) => {
      const run = createRun(plan, { results }, at(index));
      finish(run, cells);
      run.complete(record(plan));
      return (
        fs.readFileSync(join(run.path, "rows.csv"), "utf8") +
        fs.readFileSync(join(run.path, "exits.csv"), "utf8")
      );
    });
    expect(texts[0]).toBe(texts[1]);
    expect(texts[0]!.split("\n")[0]).toMatch(
      /^cell,technique,page,workload,profile,size,seed,status,reason,cycles,cycles_guest_user,/,
    );
  });

  it("holds no time, host or path", () => {
    const run = createRun(plan, { results }, at(0));
    finish(run, plan.cells);
    run.complete(record(plan));
    const text = fs.readFileSync(join(run.path, "rows.csv"), "utf8");
    for (const word of ["2026", results, "linux"]) expect(text).not.toContain(word);
  });

  it("is found again by name, by latest and by path, with its record", () => {
    for (const second of [1, 2]) {
      const run = createRun(plan, { results }, at(second));
      finish(run, plan.cells);
      run.complete(record(plan));
    }
    const folder = join(results, "runs", "small", "20260131T120002Z-01234567");
    for (const name of ["small", "small/latest", join(results, "runs/small/latest"), folder])
      expect(findRun(name, results)).toBe(folder);
    const stored = readRun("small", results);
    expect(stored.rows).toHaveLength(6);
    expect(stored.rows[0]!["fingerprint"]).toBe("0012");
    expect(stored.record?.files?.["rows.csv"]).toMatch(/^[0-9a-f]{64}$/);
    expect(stored.record?.constants.some((constant) => constant.assumed)).toBe(true);
    expect(refusal(() => findRun("smal", results)).mend).toBe("did you mean small?");
  });
});

describe("a killed run", () => {
  it("is resumed where it stopped, its torn last line ignored, and ends in the same bytes", () => {
    const whole = createRun(plan, { results }, at(0));
    finish(whole, plan.cells);
    whole.complete(record(plan));

    const killed = createRun(plan, { results }, at(1));
    finish(killed, plan.cells.slice(0, 3));
    fs.appendFileSync(join(killed.path, "journal.jsonl"), '{"cell":"technique=hardware/sh');
    fs.writeFileSync(join(killed.path, "lock"), "4194399\n"); // beyond the largest process id

    const resumed = findResumable(plan, { results })!;
    expect(resumed.path).toBe(killed.path);
    expect([...resumed.completed.keys()]).toEqual(plan.cells.slice(0, 3).map(({ id }) => id));
    finish(resumed, plan.cells.slice(3));
    resumed.complete(record(plan));
    expect(fs.readFileSync(join(resumed.path, "rows.csv"))).toEqual(
      fs.readFileSync(join(whole.path, "rows.csv")),
    );
    expect(fs.existsSync(join(resumed.path, "journal.jsonl"))).toBe(false);
    expect(findResumable(plan, { results })).toBeUndefined();
  });

  it("is left alone when it is another plan's, or a living process writes it", () => {
    const run = createRun(plan, { results }, at(0));
    expect(findResumable({ ...plan, hash: "f".repeat(64) }, { results })).toBeUndefined();
    fs.writeFileSync(join(run.path, "lock"), `${process.ppid}\n`);
    expect(findResumable(plan, { results })).toBeUndefined();
  });

  it("is not the latest", () => {
    const done = createRun(plan, { results }, at(0));
    finish(done, plan.cells);
    done.complete(record(plan));
    finish(createRun(plan, { results }, at(1)), plan.cells.slice(0, 1));
    expect(findRun("small", results)).toBe(done.path);
  });

  it.each(["null", "5", "{}", '{"cell":"x"}', '{"cell":null,"outcome":{}}'])(
    "whose journal has a line %s is resumed all the same",
    (line) => {
      const killed = createRun(plan, { results }, at(1));
      finish(killed, plan.cells.slice(0, 1));
      const hurt = line.replace('"x"', JSON.stringify(plan.cells[1]!.id));
      fs.appendFileSync(join(killed.path, "journal.jsonl"), `${hurt}\n`);
      killed.release();
      expect([...findResumable(plan, { results })!.completed.keys()]).toEqual([plan.cells[0]!.id]);
    },
  );
});

describe("run.json", () => {
  it.each(["", "null", "[]", "{}", '{"format":1,"scenario":{}}'])(
    "that holds %j is called damaged",
    (text) => {
      const run = createRun(plan, { results }, at(0));
      finish(run, plan.cells);
      run.complete(record(plan));
      fs.writeFileSync(join(run.path, "run.json"), text);
      expect(refusal(() => readRun(run.path, results)).message).toBe("run.json is damaged");
    },
  );
});

describe("when the disk refuses", () => {
  it("a full disk keeps what has finished, and says how to go on", () => {
    const run = createRun(plan, { results, disk: failing("appendFileSync", "ENOSPC", 2) }, at(0));
    finish(run, plan.cells.slice(0, 2));
    const error = refusal(() => finish(run, plan.cells.slice(2, 3)));
    expect(error.text).toContain("the disk is full");
    expect(error.mend).toContain("run the same command again");
    run.release();
    expect(findResumable(plan, { results })!.completed.size).toBe(2);
  });

  it.each([0, 1])("a disk that is full from the start (write %i) leaves nothing in the way", (after) => {
    const out = join(results, "mine");
    const disk = failing("writeFileSync", "ENOSPC", after);
    expect(refusal(() => createRun(plan, { results, out, disk }, at(0))).message).toContain("disk is full");
    expect(fs.readdirSync(out)).toEqual([]);
    expect(createRun(plan, { results, out }, at(0)).path).toBe(out);
  });

  it("a file is replaced whole or not at all", () => {
    const path = join(results, "rows.csv");
    fs.writeFileSync(path, "old");
    const disk = failing("renameSync", "ENOSPC");
    expect(refusal(() => disk.replace(path, "new")).where).toBe(path);
    expect(fs.readFileSync(path, "utf8")).toBe("old");
    expect(fs.readdirSync(results)).toEqual(["rows.csv"]);
  });

  it.each(["EACCES", "EROFS"])("an unwritable folder (%s) is named, with --out as the way round", (code) => {
    const error = refusal(() => createRun(plan, { results, disk: failing("mkdirSync", code) }, at(0)));
    expect(error.where).toContain("small");
    expect(error.mend).toContain("--out");
  });

  it("a folder in which nobody can make folders is refused, not tried for ever", () => {
    const disk = failing("mkdirSync", "ENOENT");
    expect(refusal(() => disk.makeFolder(join(results, "a", "b"))).message).toContain(
      "cannot make the folder",
    );
  });

  it("an existing run is not overwritten", () => {
    const out = join(results, "mine");
    createRun(plan, { results, out }, at(0));
    const before = fs.readdirSync(out);
    expect(refusal(() => createRun(plan, { results, out }, at(1))).mend).toContain("--out");
    expect(fs.readdirSync(out)).toEqual(before);
  });

  it("two runs of one second have two folders", () => {
    expect(createRun(plan, { results }, at(0)).path).not.toBe(createRun(plan, { results }, at(0)).path);
  });

  it.each(["../outside", "a/../../..", "/etc"])(
    "a name that leaves the results folder (%s) is refused",
    (name) => {
      expect(refusal(() => createRun(smallPlan(name), { results }, at(0))).message).toContain(
        "leaves the folder",
      );
    },
  );

  it("a link out of the run's folder is refused", () => {
    const run = createRun(plan, { results }, at(0));
    fs.symlinkSync(tmpdir(), join(run.path, "charts"));
    expect(refusal(() => run.write("charts/a.svg", "x")).message).toContain("leaves the folder");
  });
});
