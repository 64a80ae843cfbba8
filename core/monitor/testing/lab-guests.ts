/** Booted guests for tests: the same small guest on the oracle's plain CPU or on a machine under any technique. */
import type { CpuProfile } from "../../events/profile.js";
import { GuestKernel } from "../../guest/kernel/kernel.js";
import { FlatVcpu } from "../../guest/testing/flat-vcpu.js";
import type { Vcpu } from "../../guest/vcpu.js";
import type { Gfn, Hfn } from "../../machine/address.js";
import { Machine } from "../../machine/machine.js";
import type { PagingName } from "../../machine/mmu/format.js";
import type { NestedLevels } from "../../machine/mmu/host-walker.js";
import { TEST_AMD_PROFILE, TEST_PROFILE } from "../../machine/testing/machines.js";
import { AgileVcpu } from "../memory/agile/vcpu.js";
import { DirectVcpu } from "../memory/direct/vcpu.js";
import type { MachineVcpu, VcpuOptions } from "../memory/machine-vcpu.js";
import { NestedVcpu } from "../memory/nested/vcpu.js";
import { ParavirtualVcpu } from "../memory/paravirtual/vcpu.js";
import { ShadowVcpu } from "../memory/shadow/vcpu.js";

/** A technique and how it is set. */
export type TestTechnique =
  | { readonly name: "native"; readonly pcid: boolean }
  | {
      readonly name: "nested";
      readonly format: "ept" | "npt";
      readonly levels: NestedLevels;
      readonly hostOrder: number;
      readonly vpid: boolean;
      readonly accessedDirty: boolean;
      readonly populate: boolean;
    }
  | {
      readonly name: "shadow";
      readonly hostOrder: number;
      readonly vpid: boolean;
      readonly populate: boolean;
      readonly eager: boolean;
      readonly outOfSync: boolean;
      readonly reuse: boolean;
      readonly maximumTables: number;
      readonly writeFlood: number;
    }
  | {
      readonly name: "agile";
      readonly format: "ept" | "npt";
      readonly levels: NestedLevels;
      readonly hostOrder: number;
      readonly vpid: boolean;
      readonly pcid: boolean;
      readonly populate: boolean;
      readonly startsNested: boolean;
      readonly writes: number;
      readonly settle: number;
      readonly interval: number;
      readonly marksDirty: boolean;
      readonly rootCache: number;
    }
  | { readonly name: "paravirtual"; readonly batch: number };

/** Agile paging with all of its hardware, and a policy quick enough for tests. */
export const AGILE = {
  name: "agile",
  format: "ept",
  levels: 4,
  hostOrder: 0,
  vpid: true,
  pcid: false,
  populate: false,
  startsNested: true,
  writes: 2,
  settle: 5_000,
  interval: 20_000,
  marksDirty: true,
  rootCache: 8,
} as const satisfies TestTechnique;

/** Guest frames: tables, then data. Whole host pages of 2 MiB. */
export const GUEST_MEMORY = { backedFrames: 512, frames: 512 + 16 * 512 };
/** Room for many large pages. */
export const LARGE_GUEST_MEMORY = { backedFrames: 512, frames: 512 + 72 * 512 };
/** Whole host pages of 1 GiB. */
export const HUGE_GUEST_MEMORY = { backedFrames: 2 ** 18, frames: 2 * 2 ** 18 };
const FEATURES: Vcpu["features"] = { pcid: false, invpcid: false, largePages: true, page1G: true };

export interface LabGuest {
  readonly machine: Machine;
  readonly vcpu: MachineVcpu;
  readonly kernel: GuestKernel;
  /** The host frame that holds a guest frame, or -1 when it has none yet. */
  hostFrame(gfn: Gfn): Hfn;
}

/** @param profile replaces the test's CPU. */
export function bootLabGuest(
  paging: PagingName,
  technique: TestTechnique,
  options: { readonly memory?: VcpuOptions["memory"]; readonly profile?: CpuProfile } = {},
): LabGuest {
  const { memory = GUEST_MEMORY } = options;
  const isAmd = "format" in technique && technique.format === "npt";
  const machine = new Machine({
    profile: options.profile ?? (isAmd ? TEST_AMD_PROFILE : TEST_PROFILE),
    paging,
    ...(technique.name === "nested"
      ? { nested: { levels: technique.levels, accessedDirty: technique.accessedDirty } }
      : technique.name === "agile"
        ? { nested: { levels: technique.levels, accessedDirty: true, agile: true } }
        : {}),
    // Alignment may skip a host page.
    backedFrames: 2 * memory.backedFrames + 4096,
    frames: 2 * memory.frames + 2 ** 20,
    caches: "walker",
    walkCaches: true,
    tlb: true,
    seed: 1,
  });
  const { vcpu, hostFrame } = makeVcpu(machine, technique, memory);
  const kernel = new GuestKernel(vcpu, { pcid: vcpu.features.pcid });
  kernel.boot();
  return { machine, vcpu, kernel, hostFrame };
}

/** The same guest with the oracle as its CPU; it throws where the kernel forgets a flush. */
export function bootFlatGuest(
  paging: PagingName,
  memory: VcpuOptions["memory"] = GUEST_MEMORY,
): { readonly cpu: FlatVcpu; readonly kernel: GuestKernel } {
  const cpu = new FlatVcpu({ paging, ...memory, features: FEATURES, remembersTranslations: true });
  const kernel = new GuestKernel(cpu, { pcid: false });
  kernel.boot();
  return { cpu, kernel };
}

function makeVcpu(
  machine: Machine,
  technique: TestTechnique,
  memory: VcpuOptions["memory"],
): { vcpu: MachineVcpu; hostFrame(gfn: Gfn): Hfn } {
  const common = { memory, features: FEATURES };
  switch (technique.name) {
    case "native": {
      const features = { ...FEATURES, pcid: technique.pcid, invpcid: technique.pcid };
      return { vcpu: new DirectVcpu(machine, { memory, features }), hostFrame: (gfn) => gfn as number };
    }
    case "nested": {
      const vcpu = new NestedVcpu(machine, { ...common, ...technique });
      return { vcpu, hostFrame: (gfn) => vcpu.map.find(gfn) };
    }
    case "shadow": {
      const vcpu = new ShadowVcpu(machine, { ...common, ...technique });
      return { vcpu, hostFrame: (gfn) => vcpu.map.find(gfn) };
    }
    case "agile": {
      const features = { ...FEATURES, pcid: technique.pcid, invpcid: technique.pcid };
      const vcpu = new AgileVcpu(machine, { memory, features, ...technique });
      return { vcpu, hostFrame: (gfn) => vcpu.map.find(gfn) };
    }
    case "paravirtual": {
      const features = { ...FEATURES, largePages: false, page1G: false };
      const vcpu = new ParavirtualVcpu(machine, { memory, features, ...technique });
      return { vcpu, hostFrame: (gfn) => vcpu.machineFrame(gfn) };
    }
  }
}

/** A technique's settings in a few words, for the names of tests. */
export function describeTechnique(technique: TestTechnique): string {
  const settings = Object.entries(technique).filter(([key]) => key !== "name");
  const words = settings.map(([key, value]) =>
    typeof value === "boolean" ? (value ? key : `no ${key}`) : `${key} ${value}`,
  );
  return [technique.name, ...words].join(", ");
}
