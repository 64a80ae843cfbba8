import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { UserError } from "../util/errors.js";
import { type LoadOptions, loadScenario } from "./run.js";
import type { Scenario } from "./scenario.js";
import { scenarioFrom, TEST_CATALOGUE } from "./testing/catalogue.js";

let folder = "";
const FILES: Readonly<Record<string, string>> = {
  "base.yaml": `
title: Base
technique: hardware/nested
machine: { profile: new-2020, memory: 4GiB }
matrix: { page: [4K, 2M], workload: [gups, zipf] }
charts: [{ kind: stack }]
sizes: { tiny: { matrix: { workload: [gups] }, title: Tiny } }`,
  "child.yaml":
    "extends: base.yaml\ntitle: Child\nmachine: { memory: 8GiB }\nmatrix: { workload: [forkwait], host.page: [4K, 2M] }",
  "page.yaml": "extends: base.yaml\npage: 1G",
  "circle-a.yaml": "extends: circle-b.yaml",
  "circle-b.yaml": "title: B\nextends: circle-a.yaml",
  "orphan.yaml": "title: O\nextends: none.yaml",
  "bad-parent.yaml": "extends: bad.yaml",
  "bad.yaml": "titel: x",
};

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "scenario-"));
  for (const [name, text] of Object.entries(FILES)) writeFileSync(join(folder, name), text);
  mkdirSync(join(folder, "folder.yaml"));
  writeFileSync(join(folder, "binary.yaml"), Buffer.from([0xff, 0xfe, 0x00, 0x80]));
  writeFileSync(join(folder, "large.yaml"), Buffer.alloc(2_000_000, 0x61));
});
afterAll(() => rmSync(folder, { recursive: true }));

function load(name: string, options: LoadOptions = {}): Scenario {
  return loadScenario(join(folder, name), { ...options, catalogue: TEST_CATALOGUE });
}
function complaint(name: string): string {
  try {
    load(name);
  } catch (error) {
    expect(error).toBeInstanceOf(UserError);
    return (error as UserError).text;
  }
  return "accepted";
}

test("mappings merge, lists and values replace", () => {
  const { title, document, charts, files } = load("child.yaml");
  expect(title).toBe("Child");
  expect(document.machine).toEqual({ profile: "new-2020", memory: 8 * 2 ** 30 });
  expect(document.matrix).toEqual({ page: ["4K", "2M"], workload: ["forkwait"], "host.page": ["4K", "2M"] });
  expect(charts).toHaveLength(1);
  expect(files.map((file) => file.slice(folder.length + 1))).toEqual(["child.yaml", "base.yaml"]);
});

test("what a size changes lies over all files, and the scenario knows its size", () => {
  const { title, size, document } = load("child.yaml", { size: "tiny" });
  expect([title, size, document.matrix?.["workload"]]).toEqual(["Tiny", "tiny", ["gups"]]);
});

test("a value laid over an axis replaces its values, and it stays an axis", () => {
  expect(load("page.yaml").document.matrix?.["page"]).toEqual(["1G"]);
});

test("places are those of the file that says it", () => {
  const scenario = load("child.yaml");
  expect(scenario.locate(["machine", "memory"])).toBe(`${join(folder, "child.yaml")}:3:20`);
  expect(scenario.locate(["matrix", "page", 1])).toBe(`${join(folder, "base.yaml")}:5:22`);
  expect(scenario.locate(["matrix", "host.page"])).toBe(`${join(folder, "child.yaml")}:4:44`);
});

test.each([
  [
    "circle-a.yaml",
    "circle-b.yaml:2:10: extends goes in a circle: circle-a.yaml → circle-b.yaml → circle-a.yaml",
  ],
  ["orphan.yaml", "orphan.yaml:2:10: extends none.yaml: it does not exist"],
  ["bad-parent.yaml", 'bad.yaml:1:1: unknown key "titel"'],
  ["none.yaml", "none.yaml: does not exist"],
  ["folder.yaml", "folder.yaml: is a folder"],
  ["binary.yaml", "binary.yaml: is not text in UTF-8"],
  ["large.yaml", "large.yaml: is larger than 1 MiB"],
])("%s is refused", (name, expected) => {
  expect(complaint(name)).toContain(expected);
});

const TEXT =
  "technique: hardware/nested\nmachine: { profile: nehalem-2008 }\nmatrix: { workload: [gups, zipf], page: [4K, 2M] }";

test.each([
  ["machine.profile=new-2020", ["machine", "profile"], "new-2020"],
  ["profile=new-2020", ["machine", "profile"], "new-2020"],
  ["machine.memory=16GiB", ["machine", "memory"], 16 * 2 ** 30],
  ["footprint=1GiB", ["parameters", "footprint"], 2 ** 30],
  ["parameters.gups.footprint=1GiB", ["parameters", "gups", "footprint"], 2 ** 30],
  ["workload.footprint=1GiB", ["parameters", "footprint"], 2 ** 30],
  ["page=2M", ["matrix", "page"], ["2M"]],
  ["page=[2M, 1G]", ["matrix", "page"], ["2M", "1G"]],
  ["matrix.page=[2M]", ["matrix", "page"], ["2M"]],
  ["technique=[native, hardware/nested]", ["matrix", "technique"], ["native", "hardware/nested"]],
  ["machine.costs.vm_exit=7", ["machine", "costs", "vm_exit"], 7],
  ["timing.samples=5", ["timing", "samples"], 5],
])("--set %s", (set, path, expected) => {
  const { document } = scenarioFrom(TEXT, [set]);
  expect(path.reduce<unknown>((at, key) => (at as Record<string, unknown>)[key], document)).toEqual(expected);
});

test.each([
  ["machin.profile=old-2001", 'nothing is called "machin.profile"\n  did you mean "machine.profile"?'],
  ["machine.profile=old", '--set machine.profile=old: machine.profile: "old" is not valid here'],
  ["page", "expected path=value"],
  ["=3", "expected path=value"],
])("--set %s is refused", (set, expected) => {
  expect(() => scenarioFrom(TEXT, [set])).toThrow(UserError);
  try {
    scenarioFrom(TEXT, [set]);
  } catch (error) {
    expect((error as UserError).text).toContain(expected);
  }
});

test("the seed and size given to load win over all", () => {
  const scenario = loadScenario(
    { text: `${TEXT}\nseed: 1\nsize: full`, path: "x.yaml" },
    { seed: 9, size: "tiny", catalogue: TEST_CATALOGUE },
  );
  expect([scenario.seed, scenario.size]).toEqual([9, "tiny"]);
});
