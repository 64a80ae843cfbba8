/**
 * Does a cell give a result that holds? Every workload under every technique ends as the same guest; the same cell gives
 * the same numbers whatever ran before it; each price and each setting shows where it should.
 */
import { describe, expect, it } from "vitest";
import { CYCLE_CATEGORIES } from "../events/categories.js";
import { WORKLOADS } from "../guest/workloads/index.js";
import { UnsupportedError } from "../util/errors.js";
import type { CellConfig, GuestPaging } from "./config.js";
import { runCell } from "./run-cell.js";
import { type CellChanges, cellOf } from "./testing/cells.js";

const TECHNIQUES = ["native", "hardware/nested", "hardware/shadow", "paravirtual/direct"];

/** Runs a cell that must succeed. */
function valuesOf(config: CellConfig): Readonly<Record<string, number | string>> {
  const { status, reason, values } = runCell(config);
  expect({ status, reason }).toEqual({ status: "done", reason: "" });
  return values;
}

function expectSameGuest(changes: CellChanges, techniques: readonly string[]): void {
  const found = techniques.map((technique) => {
    const { fingerprint, guest_page_faults, guest_copies, guest_zeroed, guest_switches } = valuesOf(
      cellOf({ ...changes, technique }),
    );
    return { fingerprint, guest_page_faults, guest_copies, guest_zeroed, guest_switches };
  });
  for (const guest of found) expect(guest).toEqual(found[0]);
}

describe.each(WORKLOADS.map(({ name }) => name))("%s", (workload) => {
  it("is the same guest under every technique", () => {
    const machine = { profile: "haswell-2013" };
    expectSameGuest({ workload, machine }, TECHNIQUES);
    expectSameGuest({ workload, machine, page: "2M" }, TECHNIQUES.slice(0, 3));
  });
});

const FORMATS: [GuestPaging, CellConfig["page"]][] = [
  ["32-bit", "4M"],
  ["pae", "2M"],
  ["5-level", "2M"],
];

describe.each(FORMATS)("%s paging", (paging, large) => {
  it.each(["forkwait", "context-switch", "page-table-churn", "mix"])("%s is the same guest", (workload) => {
    const common = { workload, machine: { profile: "ice-lake-2019" }, guest: { paging } };
    expectSameGuest(common, TECHNIQUES);
    expectSameGuest({ ...common, page: large, host: { page: "2M" } }, TECHNIQUES.slice(0, 3));
  });
});

describe("the same numbers every time", () => {
  const CELLS = [
    cellOf({ technique: "hardware/shadow", workload: "mix" }),
    cellOf({ technique: "hardware/nested", workload: "gups", machine: { profile: "zen-2-2019" } }),
    cellOf({ technique: "paravirtual/direct", workload: "forkwait" }),
    cellOf({ technique: "native", workload: "zipf", machine: { profile: "barcelona-2007" } }),
  ];

  it("whatever else ran in the process", () => {
    const first = CELLS.map((cell) => runCell(cell));
    const again = [...CELLS]
      .reverse()
      .map((cell) => runCell(cell))
      .reverse();
    expect(again).toEqual(first);
  });

  it("and others with another seed", () => {
    const cycles = [1, 2].map((seed) => valuesOf(cellOf({ workload: "gups", seed }))["cycles"]);
    expect(cycles[0]).not.toBe(cycles[1]);
  });
});

describe("what is counted", () => {
  it("cycles sum to the total", () => {
    for (const technique of TECHNIQUES) {
      const values = valuesOf(cellOf({ technique, workload: "mix" }));
      const sum = CYCLE_CATEGORIES.reduce((total, { name }) => total + Number(values[`cycles_${name}`]), 0);
      expect(sum).toBe(values["cycles"]);
    }
  });

  it("exits: none natively, only violations under nested paging, and each reason's share", () => {
    expect(valuesOf(cellOf())["exits"]).toBe(0);
    const nested = runCell(cellOf({ technique: "hardware/nested", workload: "mix" }));
    expect(nested.exits.map(({ reason }) => reason)).toEqual(["ept_violation"]);
    const populated = runCell(
      cellOf({ technique: "hardware/nested", workload: "mix", host: { populate: true } }),
    );
    expect(populated.exits).toEqual([]);
    const shadow = runCell(cellOf({ technique: "hardware/shadow", workload: "demand-zero" }));
    const cycles = shadow.exits.reduce((sum, row) => sum + row.cycles, 0);
    expect(cycles).toBe(Number(shadow.values["cycles_transition"]) + Number(shadow.values["cycles_monitor"]));
  });

  it("a price that is replaced is charged as often as its event happened", () => {
    const at = (exception: number) =>
      valuesOf(cellOf({ workload: "demand-zero", machine: { costs: { exception } } }));
    const [free, dear] = [at(0), at(10)];
    expect(Number(dear["cycles"]) - Number(free["cycles"])).toBe(10 * Number(free["guest_page_faults"]));
  });

  it("without TLBs every look-up walks; without caches every walk reference costs the same", () => {
    const values = valuesOf(
      cellOf({
        machine: { tlb: false, walkCaches: false, caches: "off", costs: { walk_start: 0, entry_bits: 0 } },
      }),
    );
    expect(values["walks"]).toBe(values["tlb_lookups"]);
    expect(Number(values["cycles_walk_guest"]) % Number(values["walk_refs"])).toBe(0);
    expect(values["cycles_guest_memory"]).toBe(0);
  });

  it("nested walks of 4 KiB pages read 24 entries at most, and that is reached without caches", () => {
    const cold = { tlb: false, walkCaches: false } as const;
    const values = valuesOf(
      cellOf({ technique: "hardware/nested", machine: cold, parameters: { updates: 500 } }),
    );
    expect(values["walk_refs_max"]).toBe(24);
    expect(values["walk_refs"]).toBe(24 * Number(values["walks"]));
  });
});

describe("what ends otherwise", () => {
  it("a machine that is too small is unsupported, and says what is needed", () => {
    const config = cellOf({ machine: { memory: 1024 * 1024 } });
    expect(() => runCell(config)).toThrow(UnsupportedError);
    expect(() => runCell(config)).toThrow(/machine\.memory is 1 MiB, but this cell needs/);
  });

  it("a span that the format cannot map is unsupported", () => {
    const config = cellOf({ guest: { paging: "32-bit" }, parameters: { footprint: 16 * 2 ** 30 } });
    expect(() => runCell(config)).toThrow(/32-bit/);
  });
});
