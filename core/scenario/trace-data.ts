/**
 * What a trace is: one access to one address, in several states of the machine, as a list of steps. Plain data, so that it
 * can be printed as text or as JSON. A value that a question hides is null. Cycles of an access's steps sum to its total.
 */
import type { GuestPaging } from "./config.js";

/** What the machine holds of the address when it is accessed: trace.ts describes them. */
export const TRACE_STATES = ["cold", "walk", "neighbour", "warm"] as const;
export type TraceState = (typeof TRACE_STATES)[number];

export const ACCESS_KINDS = ["read", "write", "fetch"] as const;
export type AccessKind = (typeof ACCESS_KINDS)[number];

/** Null where a question hides it. */
export type Known<T> = T | null;

/** Which table an entry belongs to: the one CR3 points to, or the EPT or NPT. */
export type Dimension = "guest" | "host";

/** Where a reference was found: a cache, memory, or at a flat price because caches are off. */
export type Place = "L1" | "L2" | "L3" | "DRAM" | "flat";

/** Bits [high, low] of the virtual address. */
export interface AddressField {
  /** "sign", a table's name (PML4), or "offset". */
  readonly name: string;
  readonly high: number;
  readonly low: number;
  readonly value: Known<number>;
}

export interface Amount {
  readonly name: string;
  readonly count: number;
}

/** Exits of one reason. */
export interface ExitGroup {
  readonly reason: string;
  readonly count: number;
  /** Transition and monitor together. */
  readonly cycles: number;
}

/** What a monitor or the guest's kernel did meanwhile. */
export interface Work {
  /** Cycles by category, those that are not 0. */
  readonly categories: readonly Amount[];
  /** Events, those that happened. */
  readonly events: readonly Amount[];
  readonly exits: readonly ExitGroup[];
  /** Host memory taken, bytes by owner. */
  readonly memory: readonly Amount[];
}

export type LookupOutcome = "hit" | "miss" | "refused" | "off";

// biome-ignore format: one kind of step a line
export type TraceStep = { readonly cycles: Known<number> } & (
  /** The TLB is asked. `refused`: it holds the page but not this right (or its D bit). `l2` undefined: not asked. */
  | { readonly kind: "lookup"; readonly l1: LookupOutcome; readonly l2?: LookupOutcome }
  /** The walker starts. */
  | { readonly kind: "walk" }
  /** A paging-structure cache gives the table of a level; the walk begins there. */
  | { readonly kind: "shortcut"; readonly dimension: Dimension; readonly level: number; readonly table: string }
  /** PAE: the first index chooses a register. */
  | { readonly kind: "register"; readonly index: Known<number> }
  /** A guest-physical address goes through the second dimension. `hit`: the nested TLB knows it, nothing is read. */
  | { readonly kind: "translate"; readonly address: string; readonly what: string; readonly hit: boolean }
  /** An entry is read. `number` counts from 1 in each access. */
  | { readonly kind: "reference"; readonly number: number; readonly dimension: Dimension; readonly level: number;
      readonly table: string; readonly index: Known<number>; readonly address: Known<string>; readonly value: string;
      readonly flags: readonly string[]; readonly place: Known<Place> }
  /** Accessed and dirty bits are set in this many entries. */
  | { readonly kind: "bits"; readonly dimension: Dimension; readonly entries: number }
  /** The walk ends without a translation. */
  | { readonly kind: "stop"; readonly why: "page-fault"; readonly errorCode: Known<number> }
  | { readonly kind: "stop"; readonly why: "violation"; readonly address: string }
  /** The guest is left, its monitor works, the guest goes on. */
  | { readonly kind: "exit"; readonly work: Work }
  /** The guest's kernel handles a page fault that was delivered to it. */
  | { readonly kind: "handler"; readonly errorCode: Known<number>; readonly work: Work }
  /** The access itself. */
  | { readonly kind: "data"; readonly address: Known<string>; readonly place: Place | "unmodelled" }
);

/** Where a TLB holds the translation after the access. */
export interface HeldIn {
  readonly tlb: "L1D" | "L1I" | "L2";
  readonly entries: number;
  readonly ways: number;
  readonly set: Known<number>;
  readonly way: Known<number>;
  /** Size held, and that of the guest's page: fractured when they differ. */
  readonly page: Known<string>;
  readonly guestPage: string;
}

export interface TracedAccess {
  readonly state: TraceState;
  readonly steps: readonly TraceStep[];
  /** Null where the steps are the question. */
  readonly references: Known<number>;
  readonly cycles: Known<number>;
  readonly categories: readonly Amount[];
  readonly held: readonly HeldIn[];
}

/** References of a walk with nothing cached: (g + 1)(h + 1) - 1. */
export interface ClosedForm {
  /** Entries read in the table that CR3 points to, and for each translation of the second dimension. */
  readonly guest: number;
  readonly host: number;
  readonly references: number;
}

export interface Trace {
  /** Seed of the address (and of what else was left to chance). */
  readonly seed: number;
  readonly technique: string;
  readonly profile: string;
  readonly paging: GuestPaging;
  readonly page: string;
  readonly hostPage: string;
  readonly kind: AccessKind;
  readonly address: string;
  readonly fields: readonly AddressField[];
  /** Host-physical address of the table in CR3, or guest-physical under nested paging. */
  readonly cr3: string;
  /** Host-physical address of the EPT's or NPT's root. */
  readonly nestedRoot?: string;
  /** What the second dimension is called on this CPU. */
  readonly nestedFormat: "EPT" | "NPT";
  readonly facts: TraceFacts;
  readonly closedForm: Known<ClosedForm>;
  readonly accesses: readonly TracedAccess[];
}

/** What a reader needs to work a walk out by hand. */
export interface TraceFacts {
  readonly profileTitle: string;
  /** Latency of each place, cycles. */
  readonly latencies: Readonly<Partial<Record<Place, number>>>;
  /** The profile's other prices, cycles. */
  readonly prices: {
    readonly walkStart: number;
    readonly tlbL2Hit: number;
    readonly entryBits: number;
    readonly reference: number;
  };
  readonly tlbs: readonly {
    readonly tlb: string;
    readonly entries: number;
    readonly ways: number;
    readonly pages: readonly string[];
  }[];
  /** Entries of the paging-structure caches by the table whose entries they hold, and of the nested TLB. */
  readonly walkCaches: {
    readonly guest: readonly Amount[];
    readonly host: readonly Amount[];
    readonly nestedTlb: number;
  };
  readonly hostLevels: number;
  readonly accessedDirty: boolean;
}
