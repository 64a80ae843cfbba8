/** The API of notebooks without a kernel: values, their formats, and what is said of mistakes. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { inspect } from "node:util";
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import { BASELINE_FORMAT } from "../results/baseline.js";
import { chart } from "./chart.js";
import { compare } from "./compare.js";
import { exercises } from "./exercises.js";
import { show } from "./exhibit.js";
import { history } from "./history.js";
import { load } from "./load.js";
import { check } from "./promise.js";
import type { Results } from "./results.js";
import { run } from "./run.js";
import { table } from "./table.js";
import { trace } from "./trace.js";

const SCENARIO = `
title: A small comparison
question: Does it run?
size: tiny
matrix: { technique: [native, hardware/nested], page: [4K, 2M] }
workload: gups
parameters: { footprint: 4MiB, updates: 2000 }
baseline: { technique: native }
charts: [{ kind: compare }]
expect: [exits == 0 where technique == 'native']
`;

const home = process.cwd();
const work = mkdtempSync(path.join(tmpdir(), "virtlab-notebook-"));
const said = vi.spyOn(console, "log").mockImplementation(() => {});
let small: Results;

beforeAll(async () => {
  process.chdir(work); // outside of the project, results are kept in the folder one works in
  small = await run(SCENARIO, { name: "small", workers: 0 });
});
afterAll(() => {
  process.chdir(home);
  rmSync(work, { recursive: true, force: true });
  said.mockRestore();
});

describe("run", () => {
  it("gives rows, axes, the answer and the verdicts", () => {
    expect(small.rows).toHaveLength(4);
    expect(small.axes).toEqual(["technique", "page"]);
    expect(small.expectations.map(({ passed }) => passed)).toEqual([true]);
    expect(small.answer.join(" ")).toContain("hardware/nested");
    expect(small.row({ technique: "native", page: "4K" }).slowdown).toBe(1);
  });

  it("reuses what has been run, unless it shall not", async () => {
    expect((await run(SCENARIO, { name: "small" })).place).toBe(small.place);
    expect(said.mock.lastCall?.[0]).toMatch(/^small: 4 cells as run before, kept in /);
    const fresh = await run(SCENARIO, { name: "small", workers: 0, fresh: true });
    expect(fresh.place).not.toBe(small.place);
    expect(compare(small, fresh).isEqual).toBe(true);
  });

  it("does not take one scenario's rows for another's", async () => {
    const other = await run(SCENARIO, {
      name: "small",
      workers: 0,
      set: { "machine.costs.walk_start": 12345 },
    });
    expect(compare(small, other).isEqual).toBe(false);
    expect(compare(small, other).bundle().data["text/plain"]).toContain("walk_start");
  });

  it("says where a scenario is wrong, and which it knows", async () => {
    await expect(run("title: x\ntecnique: native\n", { name: "mine" })).rejects.toThrow(/tecnique/);
    await expect(run("eptt")).rejects.toThrow(/eptt/);
  });
});

describe("a column that there is not", () => {
  it.each([
    ["a row", () => (small.rows[0] as unknown as Record<string, number>)["cyclez"]],
    ["where()", () => small.where({ cyclez: 1 } as never)],
    ["a chart", () => chart(small, { kind: "stack", x: "cyclez" })],
    [
      "a chart of the author's own",
      () => chart(small, { spec: { mark: "bar", encoding: { x: { field: "cyclez" } } } }),
    ],
    ["a table", () => table(small, { columns: ["cyclez"] })],
    ["a table's where", () => table(small, { where: "cyclez > 1" })],
  ])("is an error that names the nearest: %s", (_, use) => {
    expect(use).toThrow(expect.objectContaining({ message: 'no row has a column "cyclez"' }));
    expect(use).toThrow(expect.objectContaining({ mend: expect.stringContaining("cycles") }));
  });

  it("does not hinder what JavaScript asks of an object", () => {
    const [row] = small.rows;
    expect(JSON.parse(JSON.stringify(row))).toMatchObject({ technique: "native" });
    expect({ ...row! }.cycles).toBe(row!.cycles);
    expect(inspect(row)).toContain("native");
  });
});

describe("one row", () => {
  it("is asked for exactly", () => {
    expect(() => small.row({ page: "4K" })).toThrow(/2 rows have page 4K/);
    expect(() => small.row({ technique: "natif" as string })).toThrow(
      expect.objectContaining({ mend: expect.stringContaining("native, hardware/nested") }),
    );
  });
});

describe("load", () => {
  const baseline = (change: (record: Record<string, unknown>) => void): string => {
    const from = path.join(home, "results", "baselines", "mini-kernel");
    const record = JSON.parse(readFileSync(`${from}.json`, "utf8")) as Record<string, unknown>;
    change(record);
    writeFileSync("copy.csv", readFileSync(`${from}.csv`));
    writeFileSync("copy.json", JSON.stringify(record));
    return "copy.csv";
  };

  it("reads the latest run, and a baseline with its derived columns", () => {
    expect(load("small").rows).toHaveLength(4);
    const { rows } = load(baseline(() => {}));
    expect(rows[0]?.cycles_per_instruction).toBeGreaterThan(0);
  });

  it("refuses a baseline of another schema version", () => {
    const file = baseline((record) => {
      record["format"] = BASELINE_FORMAT + 1;
    });
    expect(() => load(file)).toThrow(/a newer schema version: 2, this virtlab knows 1/);
  });

  it("refuses a baseline that was cut off, and says how much is left", () => {
    const file = baseline(() => {});
    writeFileSync(file, readFileSync(file, "utf8").split("\n").slice(0, 3).join("\n"));
    expect(() => load(file)).toThrow(/cut off: 2 of \d+ rows are left/);
  });

  it("refuses rows of a run that were cut off", async () => {
    const { place } = await run(SCENARIO, { name: "cut", workers: 0 });
    const file = path.join(place, "rows.csv");
    writeFileSync(file, readFileSync(file, "utf8").slice(0, -200));
    expect(() => load("cut")).toThrow(expect.objectContaining({ mend: expect.stringMatching(/run/) }));
    // It is not taken for a finished run either.
    await expect(run(SCENARIO, { name: "cut", workers: 0 })).resolves.toMatchObject({ rows: { length: 4 } });
  });

  it("says what there is", () => {
    expect(() => load("smal")).toThrow(expect.objectContaining({ mend: expect.stringContaining("small") }));
    expect(() => load("ept.csv")).toThrow(/there is no run "ept.csv"/);
  });
});

describe("what is shown", () => {
  it("is a chart that front ends draw, and a picture", async () => {
    const { data, metadata } = await chart(small, { kind: "compare", title: "Slow" }).bundle();
    expect(data["application/vnd.vegalite.v5+json"]).toMatchObject({
      $schema: "https://vega.github.io/schema/vega-lite/v5.json",
    });
    expect(Buffer.from(String(data["image/png"]), "base64").subarray(1, 4).toString()).toBe("PNG");
    expect(data["text/plain"]).toBe("[chart: Slow]");
    expect((metadata["image/png"] as { width: number }).width).toBeGreaterThan(100);
    expect(inspect(small.charts[0])).toMatch(/^chart: .* \(await show\(…\) shows it\)$/);
  });

  it("is a table of chosen rows and columns, sorted, with the dictionary's labels", () => {
    const { text } = table(small, {
      columns: ["page", "cycles"],
      where: "technique == 'native'",
      sort: "cycles",
    });
    const [head, ...lines] = text.split("\n");
    expect(head).toMatch(/^Guest page size +Cycles$/);
    expect(lines.map((line) => line.slice(0, 2))).toEqual(["2M", "4K"]);
    expect(table([{ a: 1, b: "<x>" }]).bundle().data["text/html"]).toContain("&lt;x&gt;");
  });

  it("is text where there is no kernel", async () => {
    said.mockClear();
    await show("some *words*", small);
    expect(said.mock.calls.map(([text]) => String(text).split("\n")[0])).toEqual([
      "some *words*",
      small.title,
    ]);
  });
});

describe("trace", () => {
  it("is the walk by the book", () => {
    expect(trace({ technique: "hardware/nested", walkCaches: false }).references("walk")).toBe(24);
    expect(trace({ technique: "native", walkCaches: false }).references("walk")).toBe(4);
  });

  it("hides with a seed what is to be found, and reveals it", () => {
    const [open, solved] = [trace({ seed: 7 }), trace({ seed: 7, answers: true })];
    expect(open.questions.every(({ answer }) => answer === null)).toBe(true);
    expect(solved.questions.every(({ answer }) => answer !== null)).toBe(true);
    expect(solved.data.technique).toBe(open.data.technique);
  });

  it("refuses what a machine cannot do", () => {
    expect(() => trace({ technique: "native", hostPage: "2M" })).toThrow(/no host pages/);
  });
});

describe("check", () => {
  it("passes quietly, and tells the rows for which a claim does not hold", async () => {
    await check(small, "exits == 0 where technique == 'native'");
    await check("one and one", 1 + 1 === 2);
    await expect(check("one and one", 1 + 1 === 3)).rejects.toThrow("this does not hold: one and one");
    await expect(check(small, "slowdown > 5")).rejects.toThrow(
      expect.objectContaining({ mend: expect.stringContaining("technique=native page=4K: slowdown = 1") }),
    );
    await expect(check(load("small"), "exits == 0")).rejects.toThrow(/was loaded, not run/);
  });
});

describe("exercises", () => {
  const make = (seed: number, answers: boolean): string =>
    String(
      exercises({ seed, answers }, ({ whole }) => {
        const levels = whole(1, 1000);
        return [{ question: `Levels: ${levels}`, answer: `Answer: ${levels + 1}` }];
      }).bundle().data["text/plain"],
    );

  it("depend on the seed alone, and keep the answers", () => {
    expect(make(1, false)).toBe(make(1, false));
    expect(make(1, false)).not.toBe(make(2, false));
    expect(make(1, false)).not.toContain("Answer:");
    expect(make(1, true)).toContain("> Answer:");
  });
});

describe("history", () => {
  it("finds every change of modelled numbers, and changes of level of a host's", async () => {
    const slower = await run(SCENARIO, {
      name: "small",
      workers: 0,
      set: { "machine.costs.walk_start": 12345 },
    });
    const exact = history([
      { commit: "a", results: small },
      { commit: "b", results: small },
      { commit: "c", results: slower },
    ]);
    const cycles = exact.series.find(({ metric }) => metric === "cycles");
    expect(cycles?.changes.map(({ commit, isWorse }) => [commit, isWorse])).toEqual([["c", true]]);
    const rates = [100, 101, 99, 100, 102, 100, 98, 101, 80, 81, 79, 80, 82, 80, 79, 81];
    const host = history(
      rates.map((rate, at) => ({ commit: `c${at}`, host: { references_per_second: rate } })),
    );
    expect(host.series[0]?.changes.map(({ at, isWorse }) => [at, isWorse])).toEqual([[8, true]]);
  });
});
