/** Machines for tests: small, with everything that only costs time switched off unless a test asks for it. */
import type { CpuProfile } from "../../events/profile.js";
import { NEHALEM_2008 } from "../../events/profiles/nehalem-2008.js";
import { Machine, type MachineOptions } from "../machine.js";

/** Nehalem with every feature that a format may need. */
export const TEST_PROFILE: CpuProfile = {
  ...NEHALEM_2008,
  name: "test",
  features: {
    ...NEHALEM_2008.features,
    page1G: true,
    pcid: true,
    invpcid: true,
    la57: true,
    nestedPages: ["4K", "2M", "1G"],
    nestedAccessedDirty: true,
  },
};

/** The same with nested tables in AMD's format. */
export const TEST_AMD_PROFILE: CpuProfile = { ...TEST_PROFILE, name: "test-amd", vendor: "amd" };

export function makeTestMachine(options: Partial<MachineOptions> = {}): Machine {
  return new Machine({
    profile: TEST_PROFILE,
    paging: "4-level",
    backedFrames: 256,
    frames: 1 << 21,
    caches: "off",
    walkCaches: false,
    tlb: false,
    seed: 1,
    ...options,
  });
}

/** A profile with some features changed. */
export function withFeatures(profile: CpuProfile, features: Partial<CpuProfile["features"]>): CpuProfile {
  return { ...profile, features: { ...profile.features, ...features } };
}

/** Every event, cycle and exit counted so far. */
export function countersOf(machine: Machine): number[] {
  const { events, cycles, exits, exitCycles } = machine.counters;
  return [...events, ...cycles, ...exits, ...exitCycles];
}
