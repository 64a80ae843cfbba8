/**
 * What a cell is made from, fully resolved: every default filled in, every size in bytes. Plain data, so that it can be
 * hashed, sent to a worker and written to run.json.
 */

import type { ImageKind } from "../guest/images/boot-plan.js";
import type { NestedLevels } from "../machine/mmu/host-walker.js";
import type { HardwareMonitor } from "../monitor/hardware-assisted/monitor-path.js";
import type { ApicAssist } from "../monitor/hardware-assisted/vendor.js";
import type { ParameterValue, RunSize } from "../util/parameters.js";
import type { PageSizeName } from "../util/units.js";

/** How the guest's page tables look (Intel SDM vol. 3, 4.3 to 4.5). */
export type GuestPaging = "32-bit" | "pae" | "4-level" | "5-level";

/** What executes code; the results are the same. */
export const ENGINES = ["translator", "interpreter"] as const;

/** A file that a guest is made of. */
export interface GuestFile {
  /** As the scenario writes it, relative to its own folder. */
  readonly name: string;
  /** Where it is on this host: in no hash, and in no row. */
  readonly path: string;
  /** SHA-256 (hex) of its contents; "" where it is missing. */
  readonly sha256: string;
}

/** The code of a guest that executes some, and how it is started. */
export interface GuestCode {
  readonly image: GuestFile;
  readonly kind: "auto" | ImageKind;
  /** The kernel's command line. */
  readonly append: string;
  readonly modules: readonly GuestFile[];
  readonly disk: GuestFile | undefined;
  /** Of a raw image: where it lies, where it is entered and in which mode; 0 is the loader's default. */
  readonly raw: { readonly address: number; readonly entry: number; readonly mode: number };
  /** Why a file that is missing is no mistake: the cell is then unsupported for this reason; else undefined. */
  readonly missing: string | undefined;
}

export interface CellConfig {
  /** A name from the registry of techniques: `native`, `hardware/shadow`, `hardware/nested`, `hardware/agile`, `paravirtual/direct`. */
  readonly technique: string;
  /** A name from the registry of workloads. */
  readonly workload: string;
  /** The workload's parameters, all of them. */
  readonly parameters: Readonly<Record<string, ParameterValue>>;
  /** Page size with which the guest maps the workload's data. */
  readonly page: PageSizeName;
  readonly machine: {
    readonly profile: string;
    /** Machine memory in bytes, or 0: as much as the cell needs. */
    readonly memory: number;
    /** Which references go through the modelled data caches. */
    readonly caches: "all" | "walker" | "off";
    /** Threads that share the third level of cache: the cell has one of so many equal parts. A power of two. */
    readonly sharers: number;
    /** Constants replaced by name, cycles (for sensitivity). */
    readonly costs: Readonly<Record<string, number>>;
    /** Paging-structure caches and nested TLB on or off. */
    readonly walkCaches: boolean;
    /** Modelled TLBs on or off (off: every reference walks). */
    readonly tlb: boolean;
    /** What executes code. */
    readonly engine: (typeof ENGINES)[number];
  };
  readonly guest: {
    readonly paging: GuestPaging;
    /** Use PCIDs where the profile has them. */
    readonly pcid: boolean;
  };
  readonly host: {
    /** Page size of host mappings (EPT, NPT or the shadow's upper bound). */
    readonly page: PageSizeName;
    /** Levels of the EPT or NPT; 1 is a flat table, proposed hardware. */
    readonly levels: NestedLevels;
    /** Tag TLB entries by VPID or ASID where the profile has it. */
    readonly vpid: boolean;
    /** Accessed and dirty bits in the EPT where the profile has them. */
    readonly accessedDirty: boolean;
    /** Give the guest its frames at boot (true) or on first touch (false). */
    readonly populate: boolean;
    /** The local APIC by the hardware (APICv, AVIC), which the profile must have if on; kvm: as KVM's modules have it by default. */
    readonly apicVirtualization: ApicAssist;
    /** Long loops of PAUSE leave, where the profile can tell. */
    readonly pauseLoopExiting: boolean;
    /** Whose way exits take through the monitor, where guests are code. */
    readonly monitor: HardwareMonitor;
    /** The host's kernel defends itself against speculative execution, at each exit of a guest that is code. */
    readonly mitigations: boolean;
  };
  readonly shadow: {
    /** Fill on fault, or a whole table when it is first shadowed. */
    readonly fill: "lazy" | "eager";
    /** Let level-1 guest tables go out of sync between flushes. */
    readonly outOfSync: boolean;
    /** Keep shadows of address spaces that are not running. */
    readonly reuse: boolean;
    /** Without that, keep what the guest maps globally. */
    readonly keepGlobal: boolean;
    /** Entries of a guest's table that one fault fills. */
    readonly prefetch: number;
    /** Most shadow frames; 0 is no limit. Beyond it the least recently used are dropped. */
    readonly maximumTables: number;
    /** Emulated writes to a guest table without a use after which its shadow is dropped; 0 is never. */
    readonly writeFlood: number;
  };
  readonly agile: {
    /** How an address space begins: nested, until it was left unwritten for a while, or shadowed. */
    readonly start: "nested" | "shadow";
    /** Writes to a guest table within an interval after which the hardware walks it itself. */
    readonly writes: number;
    /** Cycles that a guest table is unwritten before it is shadowed: at first, and at most. */
    readonly settle: number;
    readonly interval: number;
    /** The hardware carries dirty bits from the shadow to the guest's tables. */
    readonly dirtyBits: boolean;
    /** Entries of the hardware's cache of roots; 0 is none. */
    readonly rootCache: number;
  };
  readonly translation: {
    /** Bytes of the translation cache. */
    readonly cache: number;
    /** Let direct branches go from unit to unit without the monitor. */
    readonly chaining: boolean;
    /** Translate stores anew that fault often. */
    readonly adaptive: boolean;
    /** What a kernel's return to a program is translated to. */
    readonly iret: "call-out" | "in-cache";
  };
  readonly paravirtual: {
    /** Most updates in one mmu_update hypercall. */
    readonly batch: number;
  };
  /** What a guest that executes code may use up before it has failed: instructions, and seconds of the machine's time. */
  readonly budget: { readonly instructions: number; readonly seconds: number };
  /** Undefined for a reference stream, and for code until the plan has found its files. */
  readonly code?: GuestCode;
  /** Constants replaced by name besides prices (replaced-constants.ts); the lab alone does so, and no scenario can. */
  readonly constants?: Readonly<Record<string, number>>;
  readonly seed: number;
  readonly size: RunSize;
}

/** One point of a scenario's matrix. */
export interface Cell {
  /** Position in the plan, from 0; rows are written in this order. */
  readonly index: number;
  /** `technique=native workload=gups page=4K`: unique within the scenario. */
  readonly id: string;
  /** The coordinates by column, every axis of the plan in its order: the first columns of the row. "" where the cell has no such axis. */
  readonly axes: Readonly<Record<string, ParameterValue>>;
  readonly config: CellConfig;
}

/** What running a cell gave. */
export interface CellOutcome {
  readonly status: "done" | "failed" | "unsupported";
  /** Empty when done. */
  readonly reason: string;
  /** Modelled numbers by column name (events, cycles and `cycles_*`, `*_bytes`, fingerprint); empty unless done. */
  readonly values: Readonly<Record<string, number | string>>;
  /** Exits by reason, those that happened. */
  readonly exits: readonly { readonly reason: string; readonly count: number; readonly cycles: number }[];
  /** What a guest that executes code printed by its serial port. */
  readonly console?: string;
}
