/** A trace is what a run would have counted, its walks have the lengths of the closed form, and its entries chain. */
import { describe, expect, it } from "vitest";
import { GuestKernel } from "../guest/kernel/kernel.js";
import { highHalf, lowHalf, REF_WRITE } from "../machine/address.js";
import { UserError } from "../util/errors.js";
import { PAGE_SIZES } from "../util/units.js";
import { assemble } from "./assemble.js";
import { type TraceRequest, traceOf } from "./trace.js";
import { type TraceChoice, usualCell } from "./trace-choice.js";
import type { Trace, TracedAccess, TraceState, TraceStep } from "./trace-data.js";

function traced(choice: TraceChoice, request: Partial<TraceRequest> = {}): Trace {
  return traceOf({ config: usualCell(choice), kind: "read", seed: 1, ...request });
}

function accessIn(trace: Trace, state: TraceState): TracedAccess {
  return trace.accesses.find((access) => access.state === state)!;
}

type Reference = Extract<TraceStep, { kind: "reference" }>;
const referencesOf = ({ steps }: TracedAccess): Reference[] =>
  steps.filter((step) => step.kind === "reference");

describe("references of a walk with nothing cached", () => {
  const HASWELL = { profile: "haswell-2013", walkCaches: false };
  const OLD = { profile: "prescott-2005", walkCaches: false };
  it.each<[TraceChoice, number]>([
    [{ ...HASWELL, technique: "native" }, 4],
    [{ ...HASWELL, technique: "native", page: "2M" }, 3],
    [{ ...HASWELL, technique: "native", page: "1G" }, 2],
    [{ ...OLD, technique: "native", paging: "pae" }, 2],
    [{ ...OLD, technique: "native", paging: "32-bit", page: "4M" }, 1],
    [{ ...HASWELL, technique: "paravirtual/direct" }, 4],
    [{ ...HASWELL, technique: "hardware/shadow" }, 4],
    [{ ...HASWELL, technique: "hardware/shadow", page: "2M" }, 4],
    [{ ...HASWELL, technique: "hardware/shadow", page: "2M", hostPage: "2M" }, 3],
    [{ ...HASWELL, technique: "hardware/nested" }, 24],
    [{ ...HASWELL, technique: "hardware/nested", page: "2M" }, 19],
    [{ ...HASWELL, technique: "hardware/nested", page: "1G", hostPage: "2M" }, 11],
    [{ ...HASWELL, technique: "hardware/nested", hostPage: "2M" }, 19],
    [{ ...HASWELL, technique: "hardware/nested", page: "2M", hostPage: "2M" }, 15],
    [{ ...HASWELL, technique: "hardware/nested", hostPage: "1G" }, 14],
    [{ ...HASWELL, technique: "hardware/nested", paging: "pae" }, 14],
    [{ ...HASWELL, technique: "hardware/nested", paging: "32-bit" }, 14],
    [{ profile: "zen-2-2019", walkCaches: false, technique: "hardware/nested" }, 24],
    [{ profile: "ice-lake-2019", walkCaches: false, technique: "hardware/nested", paging: "5-level" }, 29],
  ])("%j: %i", (choice, references) => {
    const trace = traced(choice);
    expect(trace.closedForm?.references).toBe(references);
    for (const state of ["walk", "neighbour"] as const)
      expect(accessIn(trace, state).references).toBe(references);
    expect(accessIn(trace, "warm").references).toBe(0);
  });

  it("is what walk caches save from", () => {
    const trace = traced({ technique: "hardware/nested" });
    const [walk, neighbour] = [accessIn(trace, "walk"), accessIn(trace, "neighbour")];
    expect(neighbour.references).toBe(2); // the guest's PT and the EPT's
    expect(walk.references).toBeGreaterThan(2);
    expect(walk.references).toBeLessThan(24);
  });
});

describe("a trace", () => {
  const choices: readonly TraceChoice[] = [
    { technique: "native" },
    { technique: "hardware/nested", hostPage: "2M" },
    { technique: "hardware/shadow", paging: "pae" },
    { technique: "paravirtual/direct" },
  ];

  it.each(choices)("%j: costs what the same accesses cost without an observer", (choice) => {
    const config = usualCell(choice);
    const trace = traced(choice, { kind: "write" });
    const page = PAGE_SIZES[config.page];
    const { machine, vcpu } = assemble(config, { dataBytes: 2 * page, processes: 1, mappedBytes: 2 * page });
    const kernel = new GuestKernel(vcpu, { pcid: false });
    kernel.boot();
    kernel.switchTo(kernel.spawn());
    const address = Number(trace.address);
    const neighbour = Math.floor(address / page) % 2 === 1 ? address - page : address + page;
    kernel.mmap(Math.max(address, neighbour) + page - kernel.layout.userStart, { page: config.page });
    const spent = (va: number): number => {
      const before = machine.counters.totalCycles;
      kernel.user(Int32Array.of(lowHalf(va) | REF_WRITE, highHalf(va)), 1);
      return machine.counters.totalCycles - before;
    };
    const empty = (): void => machine.mmu.invalidateNested();
    empty();
    const cycles = [spent(address)];
    spent(neighbour);
    empty();
    cycles.push(spent(address));
    empty();
    spent(neighbour);
    cycles.push(spent(address), spent(address));
    expect(trace.accesses.map((access) => access.cycles)).toEqual(cycles);
  });

  it.each(choices)("%j: its steps and its categories sum to its cycles", (choice) => {
    for (const access of traced(choice).accesses) {
      const sum = (amounts: readonly number[]): number =>
        amounts.reduce((total, amount) => total + amount, 0);
      expect(sum(access.steps.map((step) => step.cycles!))).toBe(access.cycles);
      expect(sum(access.categories.map(({ count }) => count))).toBe(access.cycles);
      expect(referencesOf(access).map((step) => step.number)).toEqual(
        Array.from({ length: access.references! }, (_, index) => index + 1),
      );
    }
  });

  it("reads each nested entry where the one before points, and the index of the guest-physical address says", () => {
    const trace = traced({ technique: "hardware/nested", walkCaches: false, page: "2M" });
    const frame = (value: string): number => Number(BigInt(value) & 0xf_ffff_ffff_f000n);
    let guestPhysical = 0;
    let table = 0;
    for (const step of accessIn(trace, "walk").steps) {
      if (step.kind === "translate") {
        guestPhysical = Number(step.address);
        table = Number(trace.nestedRoot);
      } else if (step.kind === "reference") {
        const shift = 12 + 9 * (step.level - 1);
        const address = step.dimension === "host" ? guestPhysical : Number(trace.address);
        const index = Math.floor(address / 2 ** shift) % 512;
        expect([step.index, step.address]).toEqual([index, `0x${(table + 8 * index).toString(16)}`]);
        table = frame(step.value);
      } else if (step.kind === "data") {
        expect(step.address).toBe(`0x${(table + (Number(trace.address) % 4096)).toString(16)}`);
      }
    }
    expect(guestPhysical).toBeGreaterThan(0);
  });

  it("shows a shadow's first touch: true fault, the kernel's handling, hidden fault, walk", () => {
    const { steps } = accessIn(traced({ technique: "hardware/shadow" }, { kind: "write" }), "cold");
    const reasons = steps.flatMap((step) =>
      step.kind === "exit" ? step.work.exits.map(({ reason }) => reason) : [],
    );
    expect(reasons).toEqual(["page_fault_true", "page_fault_hidden"]);
    const kinds = steps
      .map(({ kind }) => kind)
      .filter((kind) => kind === "handler" || kind === "exit" || kind === "data");
    expect(kinds).toEqual(["exit", "handler", "exit", "data"]);
    expect(steps.find((step) => step.kind === "handler")).toMatchObject({ errorCode: 6 }); // user write, not present
  });

  it("counts the EPT violations that the kernel's handling causes", () => {
    const { steps } = accessIn(traced({ technique: "hardware/nested" }), "cold");
    const handler = steps.find((step) => step.kind === "handler");
    expect(handler?.work.exits).toMatchObject([{ reason: "ept_violation", count: 4 }]); // three tables and the page
  });

  it("says which page size the TLB holds", () => {
    const held = accessIn(traced({ technique: "hardware/nested", page: "2M" }), "warm").held[0];
    expect(held).toMatchObject({ tlb: "L1D", page: "4K", guestPage: "2M" });
    const whole = accessIn(traced({ technique: "native", page: "2M" }, { kind: "fetch" }), "warm").held[0];
    expect(whole).toMatchObject({ tlb: "L1I", page: "2M", guestPage: "2M" });
  });

  it("does not depend on which states are shown", () => {
    const all = traced({});
    for (const access of all.accesses)
      expect(traced({}, { states: [access.state] }).accesses).toEqual([access]);
  });
});

describe("what cannot be traced", () => {
  it.each<[TraceChoice, Partial<TraceRequest>, string]>([
    [{ page: "1G" }, {}, "nehalem-2008 has no 1G pages"],
    [{ technique: "paravirtual/direct", page: "2M" }, {}, "4K pages only"],
    [{ technique: "native", hostPage: "2M" }, {}, "no host pages"],
    [{ paging: "5-level" }, {}, "57-bit"],
    [{}, { address: 0x1000 }, "outside the guest's user memory"],
    [{ paging: "pae" }, { address: 0xc000_0000 }, "outside the guest's user memory"],
  ])("%j %j: %s", (choice, request, message) => {
    expect(() => traced(choice, request)).toThrow(UserError);
    expect(() => traced(choice, request)).toThrow(message);
  });

  it("traces the first and the last page of user memory", () => {
    for (const address of [0x1000_0000, 0x7fff_ffff_eff8])
      expect(accessIn(traced({}, { address }), "neighbour").references).toBeGreaterThan(0);
  });
});
