/**
 * Guests that execute code, in cells: what a row says of its region of interest and of its end; that both engines give one row;
 * and that every cycle has an owner.
 */
import { afterAll, describe, expect, it } from "vitest";
import { CYCLE_CATEGORIES } from "../../events/categories.js";
import { MIB } from "../../util/units.js";
import type { CellConfig, CellOutcome } from "../config.js";
import { runCell } from "../run-cell.js";
import { unsupportedReason } from "../support.js";
import { timedCell } from "../timed-cell.js";
import { GuestFolder, type RawGuest } from "./testing/raw-guests.js";

const folder = new GuestFolder();
afterAll(() => folder.end());

const MACHINE = "machine: { profile: skylake-2015, memory: 64MiB }";

function configOf(guest: RawGuest, more = ""): CellConfig {
  const workload = `{ image: ${guest}.bin, kind: raw, rawMode: 32 }`;
  return folder.plan(`technique: native\n${more || MACHINE}\nworkload: ${workload}`).cells[0]!.config;
}

const run = (guest: RawGuest, more = ""): CellOutcome => runCell(configOf(guest, more));

describe("how a guest ends", () => {
  it("status 0 is done, with what it printed", () => {
    const { status, reason, values, console } = run("good");
    expect({ status, reason, console }).toEqual({ status: "done", reason: "", console: "hello\n" });
    expect(values["exit_status"]).toBe(0);
  });

  it("a reset is an end too, without a status", () => {
    expect(run("reset")).toMatchObject({ status: "done", values: { exit_status: "" } });
  });

  const SMALL = `${MACHINE}\nbudget: { instructions: 100000, seconds: 0.01 }`;
  it.each<[RawGuest, string, string]>([
    ["bad", MACHINE, 'the guest ended with status 3; it last printed "oh no"'],
    [
      "endless",
      SMALL,
      'the guest did not end within 100,000 instructions (budget.instructions); it was at 0x100013; it last printed "busy"',
    ],
    [
      "endless",
      `${MACHINE}\nbudget: { seconds: 0.001 }`,
      'the guest did not end within 0.001 s of its own time (budget.seconds); it was at 0x100013; it last printed "busy"',
    ],
    [
      "asleep",
      SMALL,
      "the guest halted for ever, at 0x100002; a guest ends by writing its status to port 0xf4",
    ],
    [
      "tripleFault",
      MACHINE,
      "triple fault: #UD, then #GP, then #GP, then #GP while the double fault was delivered, at 0x100007",
    ],
  ])("%s fails", (guest, settings, reason) => {
    expect(run(guest, settings)).toMatchObject({ status: "failed", reason, values: {} });
  });

  it("a flood of output is cut, and the guest has failed by its budget", () => {
    const { status, console } = run("flood", `${MACHINE}\nbudget: { instructions: 3000000 }`);
    expect(status).toBe("failed");
    expect(console!.length).toBeLessThan(1.2 * MIB);
    expect(console).toContain("bytes left out");
  });
});

describe("the region of interest", () => {
  it("lies between the first two marks", () => {
    const { values } = run("marked");
    // mov, mov and out of the second mark belong to it.
    expect(values["instructions"]).toBe(103);
    expect(values["port_accesses"]).toBe(1);
  });

  it("is the whole run without marks", () => {
    const { values } = run("good");
    expect(values["instructions"]).toBe(15);
    expect(values["port_accesses"]).toBe(7);
  });
});

const WORKLOADS = [
  "{ name: program/compute, bits: 32 }",
  "{ name: program/page-fault, bits: 64 }",
  "{ name: program/context-switch, bits: 32 }",
  "{ name: program/timer, bits: 64, n: 3, period: 50 }",
  "{ name: program/random, bits: 64, footprint: 8MiB }",
];

describe.each(WORKLOADS)("%s", (workload) => {
  const cellOf = (engine: string, caches: string, tlb = true): CellConfig => {
    const machine = `{ profile: skylake-2015, memory: 64MiB, engine: ${engine}, caches: "${caches}", tlb: ${tlb} }`;
    return folder.plan(`technique: native\nsize: tiny\nmachine: ${machine}\nworkload: ${workload}`).cells[0]!
      .config;
  };

  it.each(["all", "off"])(
    "gives one row in both engines, caches %s, and every cycle has an owner",
    (caches) => {
      const translated = runCell(cellOf("translator", caches));
      expect(translated).toMatchObject({ status: "done", reason: "" });
      expect(runCell(cellOf("interpreter", caches))).toEqual(translated);
      const { values } = translated;
      const sum = CYCLE_CATEGORIES.reduce((total, { name }) => total + Number(values[`cycles_${name}`]), 0);
      expect(sum).toBe(values["cycles"]);
    },
  );
});

describe("under hardware/nested", () => {
  const cellOf = (technique: string, engine = "translator"): CellConfig => {
    const machine = `{ profile: skylake-2015, memory: 64MiB, engine: ${engine} }`;
    const workload = "{ name: program/page-fault, bits: 64 }";
    return folder.plan(`technique: ${technique}\nsize: tiny\nmachine: ${machine}\nworkload: ${workload}`)
      .cells[0]!.config;
  };

  it("the guest is the same, exits are told, and both engines give one row", () => {
    const native = runCell(cellOf("native"));
    const virtual = runCell(cellOf("hardware/nested"));
    expect(virtual).toMatchObject({ status: "done", console: native.console });
    expect(virtual.values["fingerprint"]).toBe(native.values["fingerprint"]);
    expect(virtual.values["instructions"]).toBe(native.values["instructions"]);
    const exits = Object.fromEntries(virtual.exits.map(({ reason, count }) => [reason, count]));
    // The second mark leaves for the user side; first touches are EPT violations.
    expect(exits["io_user"]).toBeGreaterThan(0);
    expect(virtual.values["nested_tables_bytes"]).toBeGreaterThan(0);
    expect(runCell(cellOf("hardware/nested", "interpreter"))).toEqual(virtual);
  });
});

describe("what the guest is", () => {
  const fingerprintOf = (text: string): unknown => {
    const { config } = folder.plan(`technique: native\nsize: tiny\n${text}`).cells[0]!;
    return runCell(config).values["fingerprint"];
  };

  it("does not depend on the machine", () => {
    const workload = "workload: program/compute";
    const one = fingerprintOf(`${workload}\nmachine: { profile: nehalem-2008 }`);
    expect(one).toMatch(/^[0-9a-f]{16}$/);
    expect(fingerprintOf(`${workload}\nmachine: { profile: zen-2-2019, caches: "off", tlb: false }`)).toBe(
      one,
    );
  });

  it("shows in its fingerprint", () => {
    const [one, other] = ["crc", "sort"].map((part) =>
      fingerprintOf(`workload: { name: program/compute, part: ${part} }`),
    );
    expect(one).not.toBe(other);
  });
});

describe("a kernel under paravirtual/direct", () => {
  it.each([32, 64])("is what it is natively, %i bits", (bits) => {
    const cellOf = (technique: string): CellOutcome =>
      runCell(
        folder.plan(
          `size: tiny\n${MACHINE}\ntechnique: ${technique}\nworkload: { name: kernel/forkwait, bits: ${bits} }`,
        ).cells[0]!.config,
      );
    const [native, paravirtual] = ["native", "paravirtual/direct"].map(cellOf);
    expect(paravirtual!.status).toBe("done");
    expect(paravirtual!.values["checksum"]).toBe(native!.values["checksum"]);
    expect(paravirtual!.console).toBe(native!.console);
    expect(paravirtual!.values["hypercalls"]).toBeGreaterThan(0);
  });
});

describe("what cannot be", () => {
  const reasonOf = (text: string): string | undefined =>
    unsupportedReason(folder.plan(`size: tiny\n${text}`).cells[0]!.config);

  it.each([
    [
      "technique: hardware/shadow\nhost: { page: 2M }\nworkload: program/compute",
      "shadows of guests that are code map 4K host pages alone",
    ],
    [
      "technique: hardware/nested\nmachine: { profile: prescott-2005 }\nworkload: program/compute",
      "prescott-2005 has no EPT or NPT",
    ],
    [
      "technique: hardware/nested\nmachine: { profile: nehalem-2008 }\nhost: { page: 1G }\nworkload: program/compute",
      "nehalem-2008 has no 1G pages in its nested table",
    ],
    [
      "technique: native\nworkload: program/compute\nguest: { paging: pae }",
      "the 64-bit programs make 4-level page tables, not pae",
    ],
    [
      "technique: native\nworkload: { name: program/gups, bits: 32 }\npage: 2M",
      "32-bit paging has no 2M pages here",
    ],
    ["technique: native\nworkload: program/gups\npage: 2M", undefined],
  ])("%s", (text, reason) => {
    expect(reasonOf(text)).toEqual(reason);
  });

  it("an image without Xen's notes is no paravirtual guest", () => {
    const config = { ...configOf("good"), technique: "paravirtual/direct" };
    expect(timedCell(config, runCell).outcome).toMatchObject({
      status: "unsupported",
      reason: expect.stringContaining("no Xen notes") as unknown,
    });
  });

  it("more than 3 GiB of memory is unsupported", () => {
    const config = configOf("good", "machine: { memory: 4GiB }");
    expect(timedCell(config, runCell).outcome).toMatchObject({
      status: "unsupported",
      reason: expect.stringContaining("at most 3 GiB") as unknown,
    });
  });
});
