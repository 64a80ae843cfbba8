/** Does a configuration become the machine and the virtual CPU that it asks for? */
import { describe, expect, it } from "vitest";
import { OWNER } from "../events/memory-owners.js";
import type { WorkloadFootprint } from "../guest/workloads/workload.js";
import type { WalkReference } from "../machine/mmu/traced-walkers.js";
import { DirectVcpu } from "../monitor/memory/direct/vcpu.js";
import { NestedVcpu } from "../monitor/memory/nested/vcpu.js";
import { ParavirtualVcpu } from "../monitor/memory/paravirtual/vcpu.js";
import { ShadowVcpu } from "../monitor/memory/shadow/vcpu.js";
import { UnsupportedError } from "../util/errors.js";
import { GIB, MIB, TIB } from "../util/units.js";
import { assemble } from "./assemble.js";
import { cellOf } from "./testing/cells.js";

const FOOTPRINT: WorkloadFootprint = { dataBytes: 64 * MIB, processes: 2, mappedBytes: 64 * MIB };

describe("techniques", () => {
  it.each([
    ["native", DirectVcpu],
    ["hardware/nested", NestedVcpu],
    ["hardware/shadow", ShadowVcpu],
    ["paravirtual/direct", ParavirtualVcpu],
  ] as const)("%s has its virtual CPU", (technique, kind) => {
    const { vcpu, machine } = assemble(cellOf({ technique }), FOOTPRINT);
    expect(vcpu).toBeInstanceOf(kind);
    expect(machine.mmu.walker.host !== undefined).toBe(technique === "hardware/nested");
  });

  it("an unknown one is unsupported", () => {
    expect(() => assemble(cellOf({ technique: "magic" }), FOOTPRINT)).toThrow(UnsupportedError);
  });
});

describe("threads that share the third level of cache", () => {
  it("leave each a part of its sets, and the other levels whole", () => {
    const whole = assemble(cellOf({ technique: "native" }), FOOTPRINT).profile.caches;
    const part = assemble(cellOf({ technique: "native", machine: { sharers: 8 } }), FOOTPRINT).profile.caches;
    expect(part.l3!.sizeBytes).toBe(whole.l3!.sizeBytes / 8);
    expect(part.l3!.ways).toBe(whole.l3!.ways);
    expect([part.l1d, part.l2]).toEqual([whole.l1d, whole.l2]);
  });

  it("are unsupported where there is no third level", () => {
    const machine = { profile: "merom-2006", sharers: 2 };
    expect(() => assemble(cellOf({ technique: "native", machine }), FOOTPRINT)).toThrow(UnsupportedError);
  });
});

describe("a machine too large", () => {
  it.each([
    ["native", 4097 * TIB],
    ["paravirtual/direct", 2 * TIB],
  ])("for %s is unsupported, not an exception of the array", (technique, memory) => {
    expect(() => assemble(cellOf({ technique, machine: { memory } }), FOOTPRINT)).toThrow(UnsupportedError);
  });
});

describe("features", () => {
  const featuresOf = (technique: string, profile: string, pcid: boolean) =>
    assemble(cellOf({ technique, machine: { profile }, guest: { pcid } }), FOOTPRINT).vcpu.features;

  it("PCIDs need the profile, the guest's wish, and a guest that owns CR3", () => {
    expect(featuresOf("native", "haswell-2013", true)).toMatchObject({ pcid: true, invpcid: true });
    expect(featuresOf("native", "haswell-2013", false)).toMatchObject({ pcid: false, invpcid: false });
    expect(featuresOf("native", "nehalem-2008", true)).toMatchObject({ pcid: false });
    expect(featuresOf("native", "westmere-2010", true)).toMatchObject({ pcid: true, invpcid: false });
    expect(featuresOf("hardware/nested", "haswell-2013", true)).toMatchObject({ pcid: true });
    expect(featuresOf("hardware/shadow", "haswell-2013", true)).toMatchObject({ pcid: false });
  });

  it("a paravirtual guest has no large pages; 1 GiB pages are the profile's", () => {
    expect(featuresOf("paravirtual/direct", "westmere-2010", false)).toMatchObject({
      largePages: false,
      page1G: false,
    });
    expect(featuresOf("native", "westmere-2010", false)).toMatchObject({ largePages: true, page1G: true });
    expect(featuresOf("native", "nehalem-2008", false)).toMatchObject({ page1G: false });
  });
});

describe("memory", () => {
  it.each(["native", "hardware/nested", "hardware/shadow", "paravirtual/direct"])(
    "%s holds its guest",
    (technique) => {
      for (const page of ["4K", "2M"] as const) {
        const { machine, vcpu } = assemble(
          cellOf({ technique, machine: { profile: "westmere-2010" }, host: { page, populate: true } }),
          FOOTPRINT,
        );
        expect(vcpu.memory.frames * 4096).toBeGreaterThan(FOOTPRINT.dataBytes);
        const given = technique === "native" ? 0 : vcpu.memory.frames;
        expect(machine.frames.owned[OWNER.guest_memory]).toBe(given);
      }
    },
  );

  it("is as stated, or refused", () => {
    const config = (memory: number) => cellOf({ technique: "hardware/nested", machine: { memory } });
    expect(assemble(config(2 * GIB), FOOTPRINT).machine.frames.total).toBe((2 * GIB) / 4096);
    expect(() => assemble(config(32 * MIB), FOOTPRINT)).toThrow(/machine\.memory is 32 MiB/);
  });

  it("of 64 GiB in small pages needs page tables alone", () => {
    const footprint = { dataBytes: 64 * GIB, processes: 1, mappedBytes: 64 * GIB };
    const { machine } = assemble(cellOf({ technique: "hardware/nested" }), footprint);
    expect(machine.frames.total * 4096).toBeGreaterThan(64 * GIB);
    expect(machine.memory.buffer.byteLength).toBeLessThan(GIB);
  });
});

it("tells an observer of every reference of a walk", () => {
  const seen: WalkReference[] = [];
  const config = cellOf({ technique: "hardware/nested", machine: { tlb: false, walkCaches: false } });
  const { vcpu, machine } = assemble(config, FOOTPRINT, { observer: (reference) => seen.push(reference) });
  expect(machine.mmu.walker.walk(0, 0, 0, true, 0, 0)).not.toBe(0);
  expect(vcpu.counters.events.some((count) => count > 0)).toBe(true);
  expect(seen.map(({ dimension, level }) => `${dimension} ${level}`)).toEqual(["host 4"]);
});
