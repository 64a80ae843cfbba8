/** Shards and their merge: the whole's bytes, and every way in which the parts may not fit. */
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { UserError } from "../util/errors.js";
import { merge } from "./merge.js";
import { run } from "./run.js";

/** Seven cells with a baseline in one shard that the others need, one cell unsupported, and a size and `--set` to carry over. */
const SCENARIO = `
title: A scenario in parts
size: tiny
matrix:
  technique: [native, hardware/shadow, hardware/nested]
  workload: [gups, forkwait]
include: [{ technique: paravirtual/direct, workload: gups, page: 2M }]
baseline: { technique: native }
sizes: { tiny: { parameters: { gups: { updates: 500 }, forkwait: { forks: 2 } } } }
expect:
  - slowdown >= 1 where technique == 'hardware/nested'
`;

const work = mkdtempSync(path.join(tmpdir(), "virtlab-merge-"));
afterAll(() => rmSync(work, { recursive: true, force: true }));
const at = (...names: string[]): string => path.join(work, ...names);
const common = { project: work, results: at("results"), workers: 0, charts: false } as const;
const source = { text: SCENARIO, path: at("parts.yaml") };
const sets = ["parameters.gups.updates=700"];

beforeAll(async () => {
  await run(source, { ...common, sets, out: at("whole") });
  for (const index of [1, 2, 3])
    await run(source, { ...common, sets, out: at("shards", String(index)), shard: { index, of: 3 } });
}, 60_000);

const mergeAll = (folders: readonly string[], out: string) =>
  merge(folders, { project: work, results: at("results"), out: at(out), charts: false });

describe("merge", () => {
  it("gives the bytes that one machine would have, and the whole's expectations", async () => {
    const merged = await mergeAll([at("shards")], "merged");
    for (const file of ["rows.csv", "exits.csv"])
      expect(readFileSync(at("merged", file), "utf8")).toBe(readFileSync(at("whole", file), "utf8"));
    expect(merged.expectations).toMatchObject([{ passed: true, rows: 2 }]);
    const record = JSON.parse(readFileSync(at("merged", "run.json"), "utf8")) as Record<string, unknown>;
    const whole = JSON.parse(readFileSync(at("whole", "run.json"), "utf8")) as Record<string, unknown>;
    expect(record["plan"]).toBe(whole["plan"]);
    expect(record["shard"]).toBeUndefined();
  });

  it.each([
    [
      "a shard is missing",
      [at("shards", "1"), at("shards", "3")],
      "shard 2/3 of parts is missing",
      "--shard 2/3",
    ],
    [
      "one is there twice",
      [at("shards"), at("shards", "2")],
      "shard 2/3 is given twice",
      "leave one of them out",
    ],
    ["one is a whole run", [at("shards"), at("whole")], "is a run, but no shard", "leave it out"],
    ["a folder has none", [at("whole", "nothing")], "no complete run of a shard here", "--shard k/n --out"],
  ])("refuses where %s", async (_, folders, message, mend) => {
    const error = await mergeAll(folders, "refused").catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(UserError);
    expect((error as UserError).text).toContain(message);
    expect((error as UserError).text).toContain(mend);
  });

  it("refuses shards of another run", async () => {
    await run(source, { ...common, out: at("other"), shard: { index: 2, of: 3 } }); // without --set
    const folders = [at("shards", "1"), at("other"), at("shards", "3")];
    await expect(mergeAll(folders, "mixed")).rejects.toThrow("shard 2/3 of another run of parts");
  });

  it("refuses shards of a version that plans other cells", async () => {
    const copies = ["1", "2", "3"].map((name) => {
      cpSync(at("shards", name), at("old", name), { recursive: true });
      const file = at("old", name, "run.json");
      const record = JSON.parse(readFileSync(file, "utf8")) as { shard: { plan: string } };
      record.shard.plan = "0".repeat(64);
      writeFileSync(file, JSON.stringify(record));
      return at("old", name);
    });
    await expect(mergeAll(copies, "older")).rejects.toThrow("plans other cells");
  });

  it("has empty shards where there are more than cells", async () => {
    const { table } = await run(source, { ...common, out: at("empty"), shard: { index: 9, of: 9 } });
    expect(table.rows).toEqual([]);
  });
});
