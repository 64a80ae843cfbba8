/**
 * MSRs that keep what is written and do nothing else, with their values after reset and what may be written (SDM vol. 4,
 * table 2-2; vol. 3, 12.11 for MTRRs, 12.12 for the PAT; AMD's BKDGs and PPRs). Memory types have no effect on the model.
 */
import type { Processor } from "../processor.js";
import { MSR, VARIABLE_RANGES } from "./msr-numbers.js";

export interface KeptMsr {
  low: number;
  high: number;
  allows(low: number, high: number): boolean;
  /** Writes are accepted and lost. */
  readonly ignoresWrites?: boolean;
}

const ANY = (): boolean => true;
const NONE = (): boolean => false;
const within = (lowBits: number, highBits: number) => (low: number, high: number) =>
  (low & ~lowBits) === 0 && (high & ~highBits) === 0;

/** Memory types: UC 0, WC 1, WT 4, WP 5, WB 6; the PAT has UC- 7 too. */
const MEMORY_TYPES: ReadonlySet<number> = new Set([0, 1, 4, 5, 6]);
const PAT_TYPES: ReadonlySet<number> = new Set([...MEMORY_TYPES, 7]);

const bytesAreIn = (types: ReadonlySet<number>) => (low: number, high: number) =>
  [low, high].every((half) => [0, 8, 16, 24].every((shift) => types.has((half >>> shift) & 0xff)));

/** PAT after reset: WB WT UC- UC twice. */
const PAT_RESET = 0x0007_0406;
/** MTRRcap: 8 variable ranges, fixed ranges, WC. */
const MTRR_CAPABILITIES = 0x508;
const FIXED_RANGES = [
  MSR.mtrrFix64K,
  MSR.mtrrFix16K,
  MSR.mtrrFix16K + 1,
  ...Array.from({ length: 8 }, (_, index) => MSR.mtrrFix4K + index),
];
/** MTRRdefType: type, FE, E. */
const DEFAULT_TYPE_BITS = 0xcff;
const MASK_VALID = 0x800;
const PAGE_BITS = 0xffff_f000 | 0;
const TYPE_BITS = 0xff;

/** MISC_ENABLE: fast strings; BTS and PEBS unavailable. Its switches may be set but do nothing. */
const MISC_ENABLE_RESET = 0x1801;
/** LBR and BTF: kept, without effect. */
const DEBUG_CONTROL_BITS = 3;
/** A microcode revision that no errata list knows, in the high half. */
const MICROCODE_REVISION = 0x100;
const BUS_MHZ = 100;
/** HWCR.TscFreqSel, as firmware leaves it: the time-stamp counter counts at the frequency of P-state 0. */
const TSC_AT_P0 = 1 << 24;

/** All of them for a processor, fresh. */
export function keptMsrs(processor: Processor): Map<number, KeptMsr> {
  const msrs = new Map<number, KeptMsr>();
  const keep = (
    register: number,
    allows: KeptMsr["allows"],
    low = 0,
    high = 0,
    ignoresWrites = false,
  ): void => {
    msrs.set(register, { low, high, allows, ignoresWrites });
  };
  addMtrrs(keep, ~processor.reservedAddressHigh);
  keep(MSR.pageAttributes, bytesAreIn(PAT_TYPES), PAT_RESET, PAT_RESET);
  keep(MSR.mcgCapabilities, NONE);
  keep(MSR.mcgStatus, within(7, 0));
  keep(MSR.debugControl, within(DEBUG_CONTROL_BITS, 0));
  if (processor.features.has("RDTSCP") || processor.features.has("RDPID")) keep(MSR.tscAux, within(-1, 0));
  if (processor.isIntel) addIntel(keep, processor);
  else addAmd(keep, processor);
  return msrs;
}

type Keep = (
  register: number,
  allows: KeptMsr["allows"],
  low?: number,
  high?: number,
  ignoresWrites?: boolean,
) => void;

function addMtrrs(keep: Keep, addressHigh: number): void {
  keep(MSR.mtrrCapabilities, NONE, MTRR_CAPABILITIES);
  keep(
    MSR.mtrrDefaultType,
    (low, high) => within(DEFAULT_TYPE_BITS, 0)(low, high) && MEMORY_TYPES.has(low & TYPE_BITS),
  );
  for (const register of FIXED_RANGES) keep(register, bytesAreIn(MEMORY_TYPES));
  for (let range = 0; range < VARIABLE_RANGES; range++) {
    const base = MSR.mtrrPhysicalBase + 2 * range;
    keep(
      base,
      (low, high) =>
        within(PAGE_BITS | TYPE_BITS, addressHigh)(low, high) && MEMORY_TYPES.has(low & TYPE_BITS),
    );
    keep(base + 1, within(PAGE_BITS | MASK_VALID, addressHigh));
  }
}

function addIntel(keep: Keep, { profile }: Processor): void {
  const ratio = Math.round(profile.frequencyMHz / BUS_MHZ);
  keep(MSR.platformId, NONE);
  keep(MSR.biosSignId, ANY, 0, MICROCODE_REVISION, true);
  keep(MSR.miscEnable, ANY, MISC_ENABLE_RESET);
  keep(MSR.platformInfo, NONE, ratio << 8, ratio << 8);
  keep(MSR.perfStatus, NONE, ratio << 8);
}

function addAmd(keep: Keep, { features }: Processor): void {
  keep(MSR.biosSignId, ANY, MICROCODE_REVISION, 0, true);
  keep(MSR.hardwareConfiguration, ANY, features.has("INVARIANT-TSC") ? TSC_AT_P0 : 0);
  for (const register of [
    MSR.systemConfiguration,
    MSR.topOfMemory,
    MSR.topOfMemory2,
    MSR.northbridgeConfiguration,
    MSR.interruptPending,
    MSR.osVisibleWorkaroundLength,
    MSR.osVisibleWorkaroundStatus,
    MSR.loadStoreConfiguration,
    MSR.decodeConfiguration,
  ])
    keep(register, ANY);
}
