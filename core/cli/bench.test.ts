/** `virtlab bench` and `plan` as a process: what a run leaves behind, its exit codes, and what interrupts it. */
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { afterAll, describe, expect, it } from "vitest";
import { Workshop } from "./testing/command-line.js";

const workshop = new Workshop();
afterAll(() => workshop.end());

const SCENARIO = `
title: A small comparison
question: Does it run?
seed: 3
size: tiny
matrix:
  technique: [native, hardware/nested]
  page: [4K, 2M]
workload: gups
parameters: { footprint: 4MiB, updates: 2000 }
charts:
  - { kind: stack, x: technique, facet: page, title: Cycles }
expect:
  - exits == 0 where technique == 'native'
  - walk_refs_max <= 24
`;
const small = workshop.write("small.yaml", SCENARIO);
const bench = (...args: string[]) => workshop.run("bench", ...args);
const read = (...names: string[]): string => readFileSync(workshop.path(...names), "utf8");

describe("what is said of the rows", () => {
  it.each([
    ["expect: [cycels == 1]", 'broken.yaml:13:10: no row has a column "cycels"'],
    ["expect: [\"cycles > peer('page', '4K').cycels\"]", 'no row has a column "cycels"'],
    [
      "charts: [{ kind: stack, x: tecnique }]",
      'broken.yaml:13:10: charts[0]: no row has a column "tecnique"',
    ],
    ["charts: [{ kind: compare, baseline: nativ }]", "nativ"],
    ["charts: [{ kind: compare }]", "broken.yaml:13:10: charts[0]: there is nothing to compare"],
  ])("is checked before a cell runs: %s", async (lines, message) => {
    const text = SCENARIO.slice(0, SCENARIO.indexOf("charts:"));
    const { code, stderr } = await bench(
      workshop.write("broken.yaml", `${text}\n\n${lines}\n`),
      "--out",
      "broken",
    );
    expect(stderr).toContain(message);
    expect(code).toBe(2);
    expect(existsSync(workshop.path("broken"))).toBe(false);
  });
});

describe("a run", () => {
  it("leaves rows, exits, provenance and charts, and says where", async () => {
    const { code, stdout, stderr } = await bench(small, "--out", "run");
    expect(stderr).toContain("[4/4] done");
    expect(stdout).toContain("Does it run?");
    expect(stdout).toContain("expectations: 2 of 2 hold");
    expect(stdout).toContain("run: run");
    expect(code).toBe(0);
    expect(read("run", "rows.csv").trim().split("\n")).toHaveLength(5);
    expect(existsSync(workshop.path("run", "exits.csv"))).toBe(true);
    expect(readdirSync(workshop.path("run", "charts"))).toContain("1-cycles.svg");
    const record = JSON.parse(read("run", "run.json")) as { command: string[]; seed: number };
    expect(record.command).toEqual(["virtlab", "bench", "small.yaml", "--out", "run"]);
    expect(record.seed).toBe(3);
  });

  it("whose rows were cut off is not drawn again", async () => {
    expect((await bench(small, "--no-charts", "--quiet", "--out", "cut")).code).toBe(0);
    workshop.write("cut/rows.csv", `${read("cut", "rows.csv").split("\n").slice(0, 3).join("\n")}\n`);
    const { code, stdout, stderr } = await workshop.run("report", "cut");
    expect([code, stdout]).toEqual([2, ""]);
    expect(stderr).toContain("cut/rows.csv: is not what the run wrote: it was cut off or edited");
    expect(existsSync(workshop.path("cut", "report.html"))).toBe(false);
  });

  it("gives the same bytes with one worker, with two, and in the main thread", async () => {
    for (const workers of ["0", "1", "2"]) {
      const { code } = await bench(
        small,
        "--no-charts",
        "--quiet",
        "--workers",
        workers,
        "--out",
        `workers-${workers}`,
      );
      expect(code).toBe(0);
    }
    const rows = ["0", "1", "2"].map((workers) => read(`workers-${workers}`, "rows.csv"));
    expect(rows[1]).toBe(rows[0]);
    expect(rows[2]).toBe(rows[0]);
  });

  it("prints one JSON document, and nothing else, on stdout", async () => {
    const { code, stdout, stderr } = await bench(small, "--json", "--quiet", "--no-charts");
    expect([code, stderr]).toEqual([0, ""]);
    const result = JSON.parse(stdout) as {
      rows: object[];
      folder: string;
      expectations: { passed: boolean }[];
    };
    expect(result.rows).toHaveLength(4);
    expect(result.expectations.map(({ passed }) => passed)).toEqual([true, true]);
    expect(existsSync(`${result.folder}/rows.csv`)).toBe(true);
  });

  it("takes overrides and a part of the cells, and then checks no expectation", async () => {
    const { code, stdout } = await bench(
      small,
      ...[
        "--set",
        "machine.profile=haswell-2013",
        "--seed",
        "9",
        "--only",
        "page == '4K'",
        "--no-charts",
        "--json",
      ],
    );
    const { rows, expectations } = JSON.parse(stdout) as {
      rows: Record<string, unknown>[];
      expectations: unknown;
    };
    expect([code, expectations]).toEqual([0, null]);
    expect(rows.map(({ page, profile, seed }) => [page, profile, seed])).toEqual([
      ["4K", "haswell-2013", 9],
      ["4K", "haswell-2013", 9],
    ]);
  });

  it("exits with 1 when an expectation fails, and shows the failing rows", async () => {
    const file = workshop.write("wrong.yaml", SCENARIO.replace("exits == 0", "exits == 7"));
    const { code, stdout } = await bench(file, "--no-charts", "--out", "wrong");
    expect(code).toBe(1);
    expect(stdout).toContain("expectations: 1 of 2 hold");
    expect(stdout).toMatch(
      /FAIL {2}exits == 7 where technique == 'native' {2}wrong.yaml:14:\d+\n +technique=native page=4K: exits = 0/,
    );
  });

  it("keeps an unsupported cell as a row, which is no failure", async () => {
    const { code, stdout } = await bench(
      small,
      "--set",
      "machine.profile=prescott-2005",
      "--no-charts",
      "--json",
      "--set",
      "expect=[]",
    );
    const { rows } = JSON.parse(stdout) as { rows: { technique: string; status: string; reason: string }[] };
    expect(code).toBe(0);
    const nested = rows.find(({ technique }) => technique === "hardware/nested");
    expect(nested?.status).toBe("unsupported");
    expect(nested?.reason).toContain("prescott-2005");
  });

  it("of which no cell could run has no answer: exit code 1, and why", async () => {
    const old = ["--set", "machine.profile=prescott-2005", "--set", "expect=[]"];
    const nested = ["--only", "technique == 'hardware/nested'", "--no-charts", "--quiet"];
    const { code, stdout } = await bench(small, ...old, ...nested);
    expect([code, stdout]).toEqual([1, expect.stringContaining("prescott-2005 has no EPT or NPT")]);
  });
});

describe("host time", () => {
  it("goes into its own file, and changes no row", async () => {
    const [plain, timed] = [
      ["--out", "untimed"],
      ["--out", "timed", "--set", "timing.samples=2"],
    ];
    for (const args of [plain, timed])
      expect((await bench(small, "--no-charts", "--quiet", ...args)).code).toBe(0);
    const [head, ...lines] = read("timed", "timing.csv").trim().split("\n");
    expect(head).toMatch(/^cell,samples,.*references_per_second,.*peak_rss_bytes$/);
    expect(lines).toHaveLength(4);
    expect(lines.every((line) => /^technique=\S+ page=\w+,2,/.test(line))).toBe(true);
    expect(read("timed", "rows.csv")).toBe(read("untimed", "rows.csv"));
    expect(existsSync(workshop.path("untimed", "timing.csv"))).toBe(false);
  });
});

describe("plan", () => {
  it("shows the cells, and why one is unsupported, without running", async () => {
    const text = await workshop.run("plan", small, "--set", "machine.profile=prescott-2005");
    expect(text.code).toBe(0);
    expect(text.stdout).toContain("4 cells, 2 of them unsupported");
    const json = await workshop.run("plan", small, "--json");
    const { cells, axes } = JSON.parse(json.stdout) as {
      cells: { id: string; unsupported: string | null }[];
      axes: string[];
    };
    expect(axes).toEqual(["technique", "page"]);
    expect(cells[0]).toMatchObject({ id: "technique=native page=4K", unsupported: null });
  });
});

describe("a mistake", () => {
  it.each([
    ["an unknown key", SCENARIO.replace("question:", "qestion:"), /bad-0.yaml:3:1: .*qestion/, "question"],
    [
      "an unknown technique",
      SCENARIO.replace("hardware/nested]", "hardware/nestd]"),
      /bad-1.yaml:7:\d+: /,
      "hardware/nested",
    ],
    ["a wrong unit", SCENARIO.replace("4MiB", "4MQ"), /bad-2.yaml:10:\d+: /, "MiB"],
    ["broken YAML", SCENARIO.replace("[4K, 2M]", "[4K, 2M"), /bad-3.yaml:\d+:\d+: /, ""],
    ["a duplicate key", `${SCENARIO}seed: 4\n`, /bad-4.yaml:16:1: /, ""],
    ["a broken expectation", SCENARIO.replace("exits == 0", "exits == "), /bad-5.yaml:14:\d+: /, ""],
  ])("in the scenario: %s", async (_what, text, message, mend) => {
    const number = String(message).match(/bad-\d/)![0];
    const { code, stdout, stderr } = await bench(workshop.write(`${number}.yaml`, text));
    expect([code, stdout]).toEqual([2, ""]);
    expect(stderr).toMatch(message);
    expect(stderr).toContain(mend);
  });

  it.each([
    [["--set", "machine.profle=x"], "machine.profle", "machine.profile"],
    [["--only", "pge == '4K'"], "pge", "page"],
    [["--only", "page == '1G'"], "selects none of the 4 cells", "technique, page"],
    [["--resume"], "no unfinished run of small", "--resume"],
  ])("in the options: %j", async (args, message, mend) => {
    const { code, stderr } = await bench(small, ...args);
    expect(code).toBe(2);
    expect(stderr).toContain(message);
    expect(stderr).toContain(mend);
  });

  it("in --only, where no key has several values", async () => {
    const file = workshop.write("single.yaml", "technique: native\nworkload: gups\n");
    const { code, stderr } = await bench(file, "--only", "page == '1G'");
    expect(code).toBe(2);
    expect(stderr).toContain("there are no axes; `virtlab plan` shows the cells");
  });

  it("in a chart: the rows are kept, and the message says where", async () => {
    const spec = "{ spec: { mark: nothing, encoding: { x: { field: cycles } } } }";
    const file = workshop.write("chart.yaml", SCENARIO.replace(/\{ kind: stack.*\}/, spec));
    const { code, stderr } = await bench(file, "--out", "charted");
    expect(code).toBe(2);
    expect(stderr).toContain("chart.yaml: charts[0]: the chart cannot be drawn");
    expect(stderr).toContain("kept in charted");
    expect(existsSync(workshop.path("charted", "run.json"))).toBe(true);
  });

  it("a folder that cannot be written, or has a run already: nothing is overwritten", async () => {
    workshop.write("plain", "a file");
    const unwritable = await bench(small, "--out", "plain/run");
    expect(unwritable.code).toBe(2);
    expect(unwritable.stderr).toContain("plain");
    const taken = await bench(small, "--no-charts", "--quiet", "--out", "taken");
    const before = read("taken", "run.json");
    const again = await bench(small, "--out", "taken");
    expect([taken.code, again.code]).toEqual([0, 2]);
    expect(again.stderr).toContain("--out");
    expect(read("taken", "run.json")).toBe(before);
  });
});

describe("Ctrl-C", () => {
  // One short cell, then three that take about half a second each: the signal comes while the second runs.
  const slow = workshop.write(
    "slow.yaml",
    SCENARIO.replace("parameters:", "#").replace(
      "  page: [4K, 2M]",
      "zip:\n  updates: [1000, 20000000]\n  page: [4K, 4K]",
    ),
  );

  it("keeps what has finished; the same command goes on; the rows are those of a run in one go", async () => {
    const args = [slow, "--no-charts", "--workers", "1"];
    const command = workshop.start("bench", ...args);
    await command.said("[1/4] done");
    command.process.kill("SIGINT");
    const stopped = await command.result;
    expect(stopped.code).toBe(130);
    expect(stopped.stderr).toContain("finished rows are kept");
    const folder = workshop.path(
      "results",
      "runs",
      "slow",
      readdirSync(workshop.path("results", "runs", "slow"))[0]!,
    );
    expect(readFileSync(`${folder}/rows.csv`, "utf8").trim().split("\n").length).toBeGreaterThan(1);
    expect(existsSync(`${folder}/run.json`)).toBe(false);

    const resumed = await bench(...args, "--resume");
    expect(resumed.stderr).toMatch(/resuming results\/runs\/slow\/\S+: [1-3] of 4 cells are done/);
    const whole = await bench(...args, "--fresh", "--out", "whole");
    expect([resumed.code, whole.code]).toEqual([0, 0]);
    expect(readFileSync(`${folder}/rows.csv`, "utf8")).toBe(read("whole", "rows.csv"));
  });

  it("in the main thread ends the process within a cell, and keeps what has finished too", async () => {
    const args = [slow, "--no-charts", "--workers", "0", "--out", "main-thread"];
    const command = workshop.start("bench", ...args);
    await command.said("[1/4] done");
    command.process.kill("SIGINT");
    await command.result;
    expect(command.process.signalCode).toBe("SIGINT");

    const resumed = workshop.start("bench", ...args, "--resume");
    await resumed.said("of 4 cells are done");
    resumed.process.kill("SIGINT");
    expect((await resumed.result).stderr).toMatch(/resuming main-thread: [1-3] of 4 cells are done/);
  });
});
