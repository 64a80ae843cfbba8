import fc from "fast-check";
import { expect, test } from "vitest";
import { planFrom } from "./testing/catalogue.js";
import { complaint } from "./testing/complaint.js";

const ids = (text: string, sets: readonly string[] = []): string[] =>
  planFrom(text, sets).cells.map(({ id }) => id);

test("matrix: the first axis varies slowest", () => {
  expect(ids("workload: gups\nmatrix: { technique: [native, hardware/nested], page: [4K, 2M] }")).toEqual([
    "technique=native page=4K",
    "technique=native page=2M",
    "technique=hardware/nested page=4K",
    "technique=hardware/nested page=2M",
  ]);
});

test("zip: axes advance together, within each combination of the matrix", () => {
  const text =
    "workload: gups\nmatrix: { technique: [native, hardware/shadow] }\nzip: { page: [4K, 2M], host.page: [2M, 4K] }";
  expect(ids(text)).toEqual([
    "technique=native page=4K host_page=2M",
    "technique=native page=2M host_page=4K",
    "technique=hardware/shadow page=4K host_page=2M",
    "technique=hardware/shadow page=2M host_page=4K",
  ]);
});

test("exclude removes, include adds afterwards and runs over the axes it does not name", () => {
  const text = `
matrix: { technique: [native, hardware/nested], workload: [gups, zipf] }
exclude: [{ workload: [zipf, gups], technique: native }]
include: [{ workload: forkwait }, { technique: native, workload: gups, page: 2M }]`;
  expect(ids(text)).toEqual([
    "technique=hardware/nested workload=gups page=4K",
    "technique=hardware/nested workload=zipf page=4K",
    "technique=native workload=forkwait page=4K",
    "technique=hardware/nested workload=forkwait page=4K",
    "technique=native workload=gups page=2M",
  ]);
});

test("exclude may name what is not an axis", () => {
  expect(
    ids(
      "technique: native\nmatrix: { workload: [gups, zipf] }\npage: 4K\nexclude: [{ page: 4K, workload: zipf }]",
    ),
  ).toEqual(["workload=gups"]);
});

test("an axis that a workload does not have leaves it one cell, with the axis empty", () => {
  const { cells, axes } = planFrom(
    "technique: native\nmatrix: { workload: [gups, forkwait], processes: [1, 2] }",
  );
  expect(cells.map(({ id }) => id)).toEqual([
    "workload=gups",
    "workload=forkwait processes=1",
    "workload=forkwait processes=2",
  ]);
  expect([axes, cells[0]!.axes]).toEqual([["workload", "processes"], { workload: "gups", processes: "" }]);
});

test("a workload with parameters makes them axes of all", () => {
  const { cells } = planFrom(
    "technique: native\nmatrix: { workload: [{ name: gups, footprint: 1GiB }, { name: gups, footprint: 2GiB }, zipf] }",
  );
  expect(cells.map(({ id }) => id)).toEqual([
    "workload=gups footprint=1GiB",
    "workload=gups footprint=2GiB",
    "workload=zipf footprint=64MiB",
  ]);
});

test("parameters: axis over workload's own over shared over the default of the size", () => {
  const text =
    "technique: native\nsize: tiny\nmatrix: { workload: [gups, zipf, context-switch] }\nparameters: { gups: { footprint: 1GiB }, footprint: 2GiB, processes: 9 }";
  const footprints = (sets: readonly string[]) =>
    planFrom(text, sets).cells.map(({ config }) => config.parameters["footprint"]);
  expect(footprints([])).toEqual([2 ** 30, 2 ** 31, 2 ** 31]);
  expect(footprints(["footprint=[8KiB]"])).toEqual([8192, 8192, 8192]);
  const { config } = planFrom("technique: native\nworkload: context-switch\nsize: full").cells[0]!;
  expect(config.parameters).toEqual({ processes: 4, footprint: 4 * 2 ** 30, pinned: false });
});

test("a cell is resolved in full", () => {
  expect(
    planFrom("technique: native\nworkload: gups\nmachine: { costs: { cr3_load: 9 }, memory: 1GiB }").cells[0]!
      .config,
  ).toEqual({
    technique: "native",
    workload: "gups",
    parameters: { footprint: 64 * 2 ** 20 },
    page: "4K",
    machine: {
      profile: "nehalem-2008",
      memory: 2 ** 30,
      caches: "all",
      sharers: 1,
      costs: { cr3_load: 9 },
      walkCaches: true,
      tlb: true,
      engine: "translator",
    },
    guest: { paging: "4-level", pcid: false },
    host: {
      page: "4K",
      levels: 4,
      vpid: true,
      accessedDirty: true,
      populate: false,
      apicVirtualization: "kvm",
      pauseLoopExiting: false,
      monitor: "kvm",
      mitigations: false,
    },
    shadow: {
      ...{ fill: "lazy", outOfSync: true, reuse: true, keepGlobal: false, prefetch: 1 },
      ...{ maximumTables: 0, writeFlood: 3 },
    },
    agile: {
      start: "nested",
      writes: 2,
      settle: 5_000_000,
      interval: 2_500_000_000,
      dirtyBits: true,
      rootCache: 8,
    },
    translation: { cache: 2 ** 20, chaining: true, adaptive: true, iret: "call-out" },
    paravirtual: { batch: 32 },
    budget: { instructions: 2e9, seconds: 60 },
    seed: 1,
    size: "small",
  });
});

test("prices may vary, one axis a price", () => {
  const { cells } = planFrom(
    "technique: native\nworkload: gups\nmatrix: { machine.costs.cr3_load: [100, 200] }",
  );
  expect(cells.map(({ id, config }) => [id, config.machine.costs])).toEqual([
    ["cost_cr3_load=100", { cr3_load: 100 }],
    ["cost_cr3_load=200", { cr3_load: 200 }],
  ]);
});

const numbers = (length: number): string => `[${Array.from({ length }, (_, i) => i + 1).join(", ")}]`;
test.each([
  ["no technique", "workload: gups", "the scenario names no technique"],
  [
    "no cells",
    "technique: native\nworkload: gups\nexclude: [{ technique: native }]",
    "the scenario has no cells",
  ],
  ["unequal zip", "zip: { technique: [native], page: [4K, 2M] }", "technique has 1, page has 2"],
  [
    "half a zip",
    "workload: gups\nzip: { technique: [native], page: [4K] }\ninclude: [{ page: 2M }]",
    "include names page but not technique",
  ],
  [
    "a value twice",
    "workload: gups\ntechnique: native\nmatrix: { footprint: [1GiB, 1024MiB] }",
    "test.yaml:3:29: parameters.footprint has 1073741824 twice",
  ],
  [
    "a parameter in two places",
    "technique: native\nmatrix: { footprint: [1GiB], workload: [{ name: gups, footprint: 2GiB }] }",
    "footprint is an axis and also given",
  ],
  [
    "too many cells",
    `technique: native\nworkload: gups\nmatrix: { seed: ${numbers(400)}, memory: ${numbers(400)} }`,
    "the matrix has 160,000 cells, more than 100,000",
  ],
  [
    "a page larger than the memory it maps",
    "technique: native\nworkload: gups\npage: 2M\nparameters: { footprint: 1MiB }",
    "page 2M is larger than the footprint of gups (1 MiB)",
  ],
])("%s is refused", (_, text, expected) => {
  expect(complaint(text)).toContain(expected);
});

test("equal plans have equal hashes; another seed has another", () => {
  const text = "workload: gups\nmatrix: { technique: [native, hardware/nested] }";
  expect(planFrom(text).hash).toMatch(/^[0-9a-f]{64}$/);
  expect(planFrom(text).hash).toBe(planFrom(`# the same\n${text}\ntitle: T`).hash);
  expect(planFrom(text).hash).not.toBe(planFrom(text, ["seed=2"]).hash);
});

const subset = <T>(values: readonly T[]) => fc.subarray([...values], { minLength: 1 });
const matrices = fc.record({
  technique: subset(["native", "hardware/shadow", "hardware/nested"]),
  workload: subset(["gups", "zipf", "forkwait"]),
  page: subset(["4K", "2M"]),
});

test("the matrix is the cartesian product; excluding a value removes exactly its cells; including it restores them", () => {
  fc.assert(
    fc.property(matrices, fc.nat(), (matrix, pick) => {
      const text = `matrix: ${JSON.stringify(matrix)}`;
      const all = ids(text);
      expect(new Set(all).size).toBe(matrix.technique.length * matrix.workload.length * matrix.page.length);
      const technique = matrix.technique[pick % matrix.technique.length]!;
      const isPicked = (id: string): boolean => id.includes(`technique=${technique} `);
      const rest = all.filter((id) => !isPicked(id));
      const without = `${text}\nexclude: [{ technique: ${technique} }]`;
      if (rest.length > 0) expect(ids(without)).toEqual(rest);
      expect(ids(`${without}\ninclude: [{ technique: ${technique} }]`)).toEqual([
        ...rest,
        ...all.filter(isPicked),
      ]);
      expect(ids(`${text}\ninclude: [{ technique: ${technique} }]`)).toEqual(all);
    }),
    { numRuns: 60 },
  );
});

test("the order of --set does not matter where they differ in path", () => {
  const sets = ["page=2M", "profile=new-2020", "seed=7", "workload=[gups, zipf]", "machine.tlb=false"];
  fc.assert(
    fc.property(fc.shuffledSubarray(sets, { minLength: sets.length }), (order) => {
      const text = "technique: native\nworkload: gups";
      expect(planFrom(text, order).hash).toBe(planFrom(text, sets).hash);
    }),
    { numRuns: 30 },
  );
});
