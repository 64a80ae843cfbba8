/** `virtlab bench` over guests that execute code: the same rows however they are run, and what a run keeps of them. */
import { existsSync, readdirSync, readFileSync } from "node:fs";
import path from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { GuestFolder } from "../scenario/code/testing/raw-guests.js";
import { Workshop } from "./testing/command-line.js";

const workshop = new Workshop();
const guests = new GuestFolder();
afterAll(() => {
  workshop.end();
  guests.end();
});

const RAW = "kind: raw, rawMode: 32";
const scenario = (name: string, text: string): string =>
  guests.write(name, `technique: native\nsize: tiny\nmachine: { memory: 64MiB }\n${text}`);
const bench = (...args: string[]) => workshop.run("bench", ...args);
const read = (...names: string[]): string => readFileSync(workshop.path(...names), "utf8");

describe("rows", () => {
  const file = scenario(
    "several.yaml",
    `matrix:
  workload: [{ image: marked.bin, ${RAW} }, { name: program/page-fault, n: 200 }, { name: program/context-switch, bits: 32, n: 50 }]
  machine.caches: [all, "off"]
expect: [exit_status == 0]`,
  );

  it("have the same bytes with one worker, with two, and in the main thread, and by either engine", async () => {
    const rows: string[] = [];
    for (const [index, options] of [
      ["--workers", "0"],
      ["--workers", "1"],
      ["--workers", "2"],
      ["--workers", "2", "--set", "machine.engine=interpreter"],
    ].entries()) {
      const { code } = await bench(file, "--no-charts", "--quiet", "--out", `run-${index}`, ...options);
      expect(code).toBe(0);
      rows.push(read(`run-${index}`, "rows.csv"));
    }
    expect(new Set(rows).size).toBe(1);
    expect(rows[0]!.trim().split("\n")).toHaveLength(7);
  });

  it("say nothing of where the scenario lies", () => {
    expect(read("run-0", "rows.csv")).not.toContain(guests.path);
    const record = JSON.parse(read("run-0", "run.json")) as { guestFiles: Record<string, string> };
    expect(Object.keys(record.guestFiles).sort()).toEqual([
      "images/context-switch-32.elf",
      "images/page-fault-64.elf",
      "marked.bin",
    ]);
  });
});

describe("a guest that fails", () => {
  it("is a failed row with its reason and its console, and exit code 1", async () => {
    const file = scenario("bad.yaml", `workload: { ${RAW} , image: bad.bin }\nmatrix: { seed: [1, 2] }`);
    const { code, stdout } = await bench(file, "--out", "bad");
    expect(code).toBe(1);
    expect(stdout).toContain("2 of 2 cells failed");
    expect(read("bad", "rows.csv")).toContain("the guest ended with status 3; it last printed");
    const files = readdirSync(workshop.path("bad", "console"));
    expect(files).toHaveLength(2);
    expect(read("bad", "console", files[0]!)).toBe("oh no\n");
    expect(read("bad", "report.html")).toContain("What the guests printed");
  });
});

describe("a file that is missing", () => {
  it("is a mistake, with its place", async () => {
    const { code, stderr } = await bench(scenario("missing.yaml", "workload: { image: nowhere.elf }"));
    expect(code).toBe(2);
    expect(stderr).toMatch(/^error: \S*missing\.yaml:4:20: there is no file nowhere\.elf/);
  });

  it("is an unsupported row where the scenario expects it, and what is expected of it is skipped", async () => {
    const file = scenario(
      "optional.yaml",
      "ifMissing: run npm run fetch-it\nworkload: { image: nowhere.elf }\nexpect: [exit_status == 0]",
    );
    const { code, stdout } = await bench(file, "--out", "optional");
    expect(code).toBe(0);
    expect(stdout).toContain("expectations: 0 of 1 hold, 1 skipped");
    expect(read("optional", "rows.csv")).toContain(
      "unsupported,nowhere.elf is not there: run npm run fetch-it",
    );
  });
});

describe("host time", () => {
  it("is of what passes between the marks, in instructions a second", async () => {
    const file = scenario("timed.yaml", `workload: { image: marked.bin, ${RAW} }\ntiming: { samples: 2 }`);
    const { code, stdout } = await bench(file, "--no-charts", "--out", "timed");
    expect(code).toBe(0);
    expect(stdout).toContain("instructions/s");
    const [head, line] = read("timed", "timing.csv").trim().split("\n");
    const at = (column: string): string => line!.split(",")[head!.split(",").indexOf(column)]!;
    expect([at("simulated_instructions"), at("references_per_second")]).toEqual(["103", ""]);
    expect(Number(at("instructions_per_second"))).toBeGreaterThan(0);
    expect(existsSync(path.join(workshop.folder, "timed", "timing.csv"))).toBe(true);
  });
});
