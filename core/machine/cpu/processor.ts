/**
 * What the system side needs to know of the generation it plays: which extensions exist (those of the profile that this
 * machine implements), and which bits of control registers are therefore defined. Derived once from a CPU profile.
 */
import type { CpuProfile } from "../../events/profile.js";
import type { Extension } from "../../events/profiles/extensions.js";
import { CR4, EFER } from "./control-bits.js";

/** Extensions of profiles that the machine leaves out; CPUID does not offer them, and their instructions are #UD. */
const ABSENT: readonly Extension[] = [
  "SSE3",
  "SSSE3",
  "SSE4.1",
  "SSE4.2",
  "MONITOR",
  "XSAVE",
  "SMEP",
  "SMAP",
];

/** What comes from the profile's own fields, by the names of the CPUID tables. */
export type FeatureName = Extension | "LM" | "NX" | "PAGE1G" | "PCID" | "INVPCID" | "LA57" | "LMSLE";

/** Bits of CR4 that come with an extension; the others are always there. */
const CR4_BITS: readonly (readonly [FeatureName, number])[] = [
  ["VME", CR4.VME | CR4.PVI],
  ["TSC", CR4.TSD],
  ["DE", CR4.DE],
  ["PSE", CR4.PSE],
  ["PAE", CR4.PAE],
  ["MCE", CR4.MCE],
  ["PGE", CR4.PGE],
  ["FXSR", CR4.OSFXSR],
  ["SSE", CR4.OSXMMEXCPT],
  ["UMIP", CR4.UMIP],
  ["LA57", CR4.LA57],
  ["FSGSBASE", CR4.FSGSBASE],
  ["PCID", CR4.PCIDE],
];

export interface Processor {
  readonly profile: CpuProfile;
  readonly isIntel: boolean;
  /** What CPUID offers and instructions need, by name; includes names of instruction rows (x86/instruction.ts, `feature`). */
  readonly features: ReadonlySet<string>;
  /** Bits of CR4 and EFER that may be set. */
  readonly cr4Defined: number;
  readonly eferDefined: number;
  /** Bits of a physical address's high half that do not exist: above MAXPHYADDR. */
  readonly reservedAddressHigh: number;
}

/** @param hasApic the machine has a local APIC. */
export function processorOf(profile: CpuProfile, hasApic: boolean): Processor {
  const { features: has, identity, physicalAddressBits } = profile;
  const features = new Set<FeatureName>(identity.extensions);
  for (const name of ABSENT) features.delete(name);
  if (!hasApic) for (const name of ["APIC", "X2APIC", "TSC-DEADLINE"] as const) features.delete(name);
  const fromProfile: readonly (readonly [FeatureName, boolean])[] = [
    ["LM", has.longMode],
    ["NX", has.nx],
    ["PAGE1G", has.page1G],
    ["PCID", has.pcid],
    ["INVPCID", has.invpcid],
    ["LA57", has.la57],
    ["LMSLE", has.longModeLimits],
  ];
  for (const [name, isThere] of fromProfile) if (isThere) features.add(name);
  let cr4: number = CR4.PCE;
  for (const [name, bit] of CR4_BITS) if (features.has(name)) cr4 |= bit;
  const efer =
    (features.has("SYSCALL") ? EFER.SCE : 0) |
    (features.has("LM") ? EFER.LME | EFER.LMA : 0) |
    (features.has("NX") ? EFER.NXE : 0) |
    (features.has("LMSLE") ? EFER.LMSLE : 0);
  return {
    profile,
    isIntel: profile.vendor === "intel",
    features,
    cr4Defined: cr4,
    eferDefined: efer,
    reservedAddressHigh: physicalAddressBits >= 64 ? 0 : ~0 << (physicalAddressBits - 32),
  };
}
