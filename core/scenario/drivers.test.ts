/**
 * Do the machine's two drivers agree? Every workload under every technique, on profiles with different geometries and in
 * every paging format: all counters, cycles, exits and the guest's fingerprint, to the last digit.
 */
import { describe, expect, it } from "vitest";
import { PROFILES } from "../events/profiles/index.js";
import { WORKLOADS } from "../guest/workloads/index.js";
import { CompiledDriver } from "../machine/execute/compiled/driver.js";
import type { CellConfig, CellOutcome } from "./config.js";
import { prepareCell } from "./run-cell.js";
import { unsupportedReason } from "./support.js";
import { type CellChanges, cellOf } from "./testing/cells.js";

const TECHNIQUES = ["native", "hardware/nested", "hardware/shadow", "paravirtual/direct", "hardware/agile"];

function outcomeUnder(config: CellConfig, driver: "compiled" | "reference"): CellOutcome {
  const cell = prepareCell(config, driver);
  expect(cell.machine.driver instanceof CompiledDriver).toBe(driver === "compiled");
  cell.run();
  return cell.outcome();
}

function expectAgreement(changes: CellChanges): void {
  const config = cellOf(changes);
  if (unsupportedReason(config) !== undefined) return;
  expect(outcomeUnder(config, "compiled")).toEqual(outcomeUnder(config, "reference"));
}

describe.each(WORKLOADS.map(({ name }) => name))("%s", (workload) => {
  it.each(TECHNIQUES)("%s", (technique) => {
    expectAgreement({ workload, technique, machine: { caches: "all" } });
  });
});

/** Where long mode is not there, or not what is to be tried. */
const OLD_FORMATS: Readonly<Record<string, "32-bit" | "pae">> = {
  "northwood-2002": "32-bit",
  "prescott-2005": "pae",
};

describe.each(PROFILES.map(({ name }) => name))("%s", (profile) => {
  const paging = OLD_FORMATS[profile] ?? "4-level";
  it.each(TECHNIQUES)("%s", (technique) => {
    for (const caches of ["all", "off"] as const) {
      expectAgreement({
        workload: "mix",
        technique,
        machine: { profile, caches },
        guest: { paging, pcid: true },
      });
    }
  });
});

describe("formats and switches", () => {
  it.each([
    ["32-bit", "4K"],
    ["32-bit", "4M"],
    ["pae", "2M"],
    ["4-level", "2M"],
    ["5-level", "2M"],
  ] as const)("%s, %s pages", (paging, page) => {
    for (const technique of TECHNIQUES.slice(0, 3)) {
      const machine = { profile: "ice-lake-2019", caches: "walker" } as const;
      expectAgreement({ workload: "forkwait", technique, page, machine, guest: { paging } });
    }
  });

  it.each([{ walkCaches: false }, { tlb: false }, { tlb: false, walkCaches: false }])("%o", (switches) => {
    for (const technique of TECHNIQUES) expectAgreement({ workload: "mix", technique, machine: switches });
  });

  it.each([
    { start: "shadow", dirtyBits: false },
    { start: "nested", dirtyBits: true },
  ] as const)("agile paging with short intervals, %o", (agile) => {
    for (const workload of ["mix", "forkwait", "page-table-churn"])
      expectAgreement({
        workload,
        technique: "hardware/agile",
        agile: { ...agile, settle: 20_000, interval: 100_000 },
      });
  });

  it("a flat nested table", () => {
    for (const tlb of [true, false])
      expectAgreement({
        workload: "mix",
        technique: "hardware/nested",
        machine: { tlb },
        host: { levels: 1 },
      });
  });

  it("accessed and dirty bits in the EPT, 5 levels", () => {
    const machine = { profile: "ice-lake-2019" };
    expectAgreement({
      workload: "mix",
      technique: "hardware/nested",
      machine,
      host: { levels: 5, accessedDirty: true },
    });
  });
});
