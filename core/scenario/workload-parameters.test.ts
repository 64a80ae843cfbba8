/** A workload with parameters may stand where a workload stands, and what is laid over it is never ignored. */
import { describe, expect, test } from "vitest";
import { MIB } from "../util/units.js";
import { planFrom, scenarioFrom } from "./testing/catalogue.js";

const BASE =
  "technique: native\nmachine: { profile: nehalem-2008 }\nworkload: { name: zipf, footprint: 8MiB }";

/** Each cell's workload and its parameters. */
function cellsOf(text: string, sets: readonly string[] = []): unknown[] {
  return planFrom(text, sets).cells.map(({ config }) => [config.workload, config.parameters]);
}

test("a base workload with parameters", () => {
  expect(cellsOf(BASE)).toEqual([["zipf", { footprint: 8 * MIB, skew: 0.9 }]]);
});

test("its parameters are told by their place", () => {
  expect(scenarioFrom(BASE).locate(["parameters", "zipf", "footprint"])).toBe("test.yaml:3:36");
});

test("a size may have another", () => {
  const text = `${BASE}\nsize: tiny\nsizes: { tiny: { workload: { name: zipf, skew: 0.5 } } }`;
  expect(cellsOf(text)).toEqual([["zipf", { footprint: 8 * MIB, skew: 0.5 }]]);
});

test("a size may leave out the workload that has them", () => {
  const text =
    "technique: native\nmatrix: { workload: [gups, forkwait] }\nparameters: { gups: { footprint: 1MiB } }\nsize: tiny";
  expect(cellsOf(`${text}\nsizes: { tiny: { matrix: { workload: [forkwait] } } }`)).toEqual([
    ["forkwait", { processes: 4 }],
  ]);
});

describe("--set over parameters written with a name", () => {
  const LISTED =
    "technique: native\nmatrix: { workload: [{ name: zipf, footprint: 8MiB, skew: 0.5 }, { name: gups, footprint: 1MiB }] }";
  const SIXTEEN = 16 * MIB;
  test.each([
    ["the base", BASE, "footprint=16M", [["zipf", { footprint: SIXTEEN, skew: 0.9 }]]],
    [
      "a list",
      LISTED,
      "footprint=16M",
      [
        ["zipf", { footprint: SIXTEEN, skew: 0.5 }],
        ["gups", { footprint: SIXTEEN }],
      ],
    ],
    ["one of them", BASE, "zipf.skew=0", undefined],
    ["a whole workload", BASE, "workload={name: gups, footprint: 16M}", [["gups", { footprint: SIXTEEN }]]],
    [
      "an axis",
      "technique: native\nworkload: gups\nmatrix: { footprint: [1MiB, 2MiB] }",
      "workload={name: gups, footprint: 16M}",
      [["gups", { footprint: SIXTEEN }]],
    ],
  ])("%s", (_, text, set, expected) => {
    if (expected === undefined) expect(() => cellsOf(text, [set])).toThrow('nothing is called "zipf.skew"');
    else expect(cellsOf(text, [set])).toEqual(expected);
  });

  test("entries that become equal are one", () => {
    const text =
      "technique: native\nmatrix: { workload: [{ name: zipf, skew: 0.1 }, { name: zipf, skew: 0.2 }] }";
    expect(cellsOf(text, ["skew=0"])).toHaveLength(1);
  });
});

test.each([
  [
    `${BASE}\nparameters: { zipf: { footprint: 4MiB } }`,
    "footprint is given with the workload and again by parameters.zipf",
  ],
  [
    `${BASE}\nmatrix: { footprint: [4MiB] }`,
    "footprint is given with the workload and again by the axis footprint",
  ],
  [
    `${BASE}\nmatrix: { workload: [gups] }`,
    "workload is an axis (matrix.workload), so its base value has no effect",
  ],
  ["technique: native\nworkload: { name: gups, skew: 1 }", 'unknown key "skew" in workload'],
  ["technique: native\nworkload: { name: gusp }", 'workload.name: "gusp" is not valid here'],
  ["technique: native\nworkload: { footprint: 1MiB }", "workload: has no name"],
])("refused: %s", (text, expected) => {
  expect(() => scenarioFrom(text)).toThrow(expected);
});
