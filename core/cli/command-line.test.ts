/** The command line as a process: help, mistakes in the arguments, exit codes. Runs of scenarios are in bench.test.ts. */
import { mkdirSync } from "node:fs";
import { afterAll, describe, expect, it } from "vitest";
import { Workshop } from "./testing/command-line.js";

const workshop = new Workshop();
afterAll(() => workshop.end());

// biome-ignore format: a list
const COMMANDS = [
  "bench", "run", "plan", "list", "describe", "compare", "merge", "baseline", "history", "report", "schema",
  "sensitivity",
];

describe("help", () => {
  it("names every command, and examples", async () => {
    const { code, stdout } = await workshop.run("--help");
    expect(code).toBe(0);
    for (const command of COMMANDS) {
      expect(stdout).toContain(`virtlab ${command}`);
    }
    expect(stdout).toContain("Examples:");
  });

  it.each(COMMANDS)("of %s has examples", async (command) => {
    const { code, stdout } = await workshop.run(command, "--help");
    expect(code).toBe(0);
    expect(stdout).toMatch(new RegExp(`Examples:\\n {2}virtlab ${command}`));
    expect(stdout).not.toContain("?.");
  });

  it("goes to stderr, as a mistake, when there is no command", async () => {
    const { code, stdout, stderr } = await workshop.run();
    expect([code, stdout]).toEqual([2, ""]);
    expect(stderr).toContain("Usage:");
  });

  it("tells the version of package.json", async () => {
    const { code, stdout } = await workshop.run("--version");
    expect(code).toBe(0);
    expect(stdout).toMatch(/^\d+\.\d+\.\d+\n$/);
  });
});

describe("--json", () => {
  it.each([
    [["plan", "nowhere.yaml", "--json"], 'there is no scenario "nowhere.yaml"'],
    [["bench", "nowhere.yaml", "--json", "--wrokers", "2"], "unknown option --wrokers"],
    [["compare", "a", "b", "--json"], 'no run "b"'],
  ])("is one document for a mistake too: %j", async (args, message) => {
    const { code, stdout, stderr } = await workshop.run(...args);
    expect(code).toBe(2);
    const { error } = JSON.parse(stdout) as { error: Record<string, unknown> };
    expect(error["message"]).toBe(message);
    expect(stderr).toContain(message);
  });
});

describe("a mistake in the arguments", () => {
  it.each([
    [["bnch", "x.yaml"], 'unknown command "bnch"', 'did you mean "bench"?'],
    [["bench", "x.yaml", "--wrokers", "2"], "unknown option --wrokers", "did you mean --workers?"],
    [["bench", "x.yaml", "-z"], "unknown option -z", "virtlab bench --help"],
    [["bench", "x.yaml", "y.yaml"], 'unexpected argument "y.yaml"', "virtlab bench --help"],
    [["bench"], "virtlab bench needs <scenario>", "virtlab bench --help"],
    [["bench", "x.yaml", "--seed"], "--seed has no value", "--seed <number>"],
    [["bench", "x.yaml", "--seed=1", "--seed=2"], "--seed is given twice", "once"],
    [["bench", "x.yaml", "--workers", "many"], "--workers many: not a whole number from 0 to 1024", "e.g."],
    [["history", "ad"], "history ad: history can show or add", 'did you mean "add"?'],
    [["compare", "ept", "scenarios/ept.yaml"], "is a scenario, not its results", "then give its name: ept"],
    [["bench", "x.yaml", "--size", "smal"], "--size smal: not one of", 'did you mean "small"?'],
    [["bench", "x.yaml", "--fresh", "--resume"], "--resume and --fresh exclude each other", "one of them"],
    [["bench", "x.yaml"], 'there is no scenario "x.yaml"', "virtlab list scenarios"],
    [["compare", "a"], "virtlab compare needs <a> <b>", "virtlab compare --help"],
    [["list", "event", "s"], 'unexpected argument "s"', "virtlab list --help"],
    [["list", "evnts"], 'there is no list of "evnts"', 'did you mean "events"'],
    [["describe", "nested_tabels"], 'knows nothing named "nested_tabels"', 'did you mean "nested_tables'],
    [["describe", "cost"], "which cost?", "virtlab list costs"],
    [["report", "nowhere"], 'no run "nowhere"', ""],
    [["report", "x.yaml"], "is a scenario, not its results", "then give its name: x"],
    [
      ["sensitivity", "ept", "--over", "nope"],
      "no cell of the scenario has a constant nope",
      "virtlab list costs",
    ],
    [["schema", "--write", "--check"], "--write and --check exclude each other", "one of them"],
  ])("%j", async (args, message, mend) => {
    const { code, stdout, stderr } = await workshop.run(...args);
    expect([code, stdout]).toEqual([2, ""]);
    expect(stderr).toMatch(/^error: /);
    expect(stderr).toContain(message);
    expect(stderr).toContain(mend);
    expect(stderr).not.toContain("    at "); // no stack
  });
});

describe("answers", () => {
  it("lists by topic, singular or plural, also as JSON", async () => {
    const [plural, singular, json] = await Promise.all([
      workshop.run("list", "techniques"),
      workshop.run("list", "technique"),
      workshop.run("list", "techniques", "--json"),
    ]);
    expect(plural.stdout).toContain("hardware/nested");
    expect(singular.stdout).toBe(plural.stdout);
    const { techniques } = JSON.parse(json.stdout) as { techniques: { name: string }[] };
    expect(techniques.map(({ name }) => name)).toContain("native");
  });

  it("describes a profile with sources", async () => {
    const { code, stdout } = await workshop.run("describe", "nehalem-2008");
    expect(code).toBe(0);
    expect(stdout).toContain("vm_exit");
    expect(stdout).toContain("Intel");
    expect(stdout).not.toContain("\u001b"); // no colour where nobody watches
  });

  it("prints the schema as JSON", async () => {
    const { code, stdout } = await workshop.run("schema");
    expect(code).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({ $schema: "https://json-schema.org/draft/2020-12/schema" });
  });

  it("has no baseline: exit code 3 and how to make one", async () => {
    workshop.write("now.csv", "cell,technique,status,reason,cycles\na,native,done,,5\n");
    const { code, stderr } = await workshop.run("compare", "gone.csv", "now.csv");
    expect(code).toBe(3);
    expect(stderr).toContain("cp now.csv gone.csv");
  });

  it("knows a scenario's baseline by its name; without one the code is 3, without its record 2", async () => {
    workshop.write("b.csv", "cell,cycles\na,1\n");
    const { code, stderr } = await workshop.run("compare", "ept", "b.csv");
    expect(stderr).toContain("there is no baseline results/baselines/ept.csv");
    expect(code).toBe(3);
    mkdirSync(workshop.path("results", "baselines"), { recursive: true });
    workshop.write("results/baselines/ept.csv", "cell,cycles\na,1\n");
    const alone = await workshop.run("compare", "ept", "b.csv");
    expect(alone.stderr).toContain("the baseline's record is not beside it");
    expect(alone.code).toBe(2);
  });

  it("compares: 0 when equal, 1 when a modelled number differs", async () => {
    workshop.write("a.csv", "cell,technique,status,reason,cycles\nx,native,done,,5\n");
    workshop.write("b.csv", "cell,technique,status,reason,cycles\nx,native,done,,6\n");
    const [same, other, json] = await Promise.all([
      workshop.run("compare", "a.csv", "a.csv"),
      workshop.run("compare", "a.csv", "b.csv", "--markdown"),
      workshop.run("compare", "a.csv", "b.csv", "--json"),
    ]);
    expect([same.code, other.code, json.code]).toEqual([0, 1, 1]);
    expect(other.stdout).toContain("+20%");
    expect(JSON.parse(json.stdout)).toMatchObject({ isGreen: false });
  });

  it("says nothing when the reader of its answer has gone", async () => {
    const command = workshop.start("list", "events");
    command.process.stdout.destroy();
    const { code, stderr } = await command.result;
    expect([code, stderr]).toEqual([0, ""]);
  });
});
