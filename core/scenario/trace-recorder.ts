/**
 * Turns what the machine does during one access into steps. The walkers tell of each entry they read; what lies between two
 * entries is read off the counters, and is put in the order in which the machine does it:
 *
 *      entry … │ bits set · walk fails · exit │ TLB look-up · walk starts · walk cache · nested TLB │ … entry
 *
 * Every cycle of an access is in exactly one step.
 */
import type { Vcpu } from "../guest/vcpu.js";
import { type Gva, lowHalf } from "../machine/address.js";
import type { Machine } from "../machine/machine.js";
import { frameOf, PS } from "../machine/mmu/entry.js";
import type { WalkReference } from "../machine/mmu/traced-walkers.js";
import { invariant } from "../util/errors.js";
import type { AccessKind, Amount, LookupOutcome, Place, TraceStep, Work } from "./trace-data.js";
import { entryHex, flagNames, hex, tableName } from "./trace-entries.js";
import { Meter, type Reading } from "./trace-meter.js";
import { heldIn } from "./trace-tlb.js";
import type { ExecuteListener } from "./trace-vcpu.js";

const PLACES: readonly Place[] = ["flat", "L1", "L2", "L3", "DRAM"];

export interface Recording {
  readonly steps: readonly TraceStep[];
  readonly references: number;
  readonly cycles: number;
  readonly categories: readonly Amount[];
}

/** Latency of each place by the observer's `cacheLevel`, cycles. */
export function latenciesOf({ profile }: Machine): readonly number[] {
  const { l1d, l2, l3, dram } = profile.caches;
  return [l2, l1d, l2, l3 ?? l2].map((cache) => cache.latency.value).concat(dram.value);
}

export class Recorder implements ExecuteListener {
  private steps: TraceStep[] = [];
  private number = 0;
  private mode: "off" | "user" | "kernel" = "off";
  private isWalking = false;
  private inHostWalk = false;
  /** The guest frame that the second dimension translates next, and what it is. */
  private target = { gfn: 0, what: "" };
  private meter: Meter;
  private address: Gva = 0;
  private kind: AccessKind = "read";
  /** Bits 31..12 of the address. */
  private page = 0;
  private readonly latencies: readonly number[];

  constructor(
    private readonly machine: Machine,
    private readonly vcpu: Vcpu,
  ) {
    this.meter = new Meter(machine);
    this.latencies = latenciesOf(machine);
  }

  /** Records one user access to an address, with all that it causes: faults and exits too. */
  record(address: Gva, kind: AccessKind, access: () => void): Recording {
    const whole = new Meter(this.machine);
    this.meter = new Meter(this.machine);
    this.steps = [];
    this.number = 0;
    this.address = address;
    this.kind = kind;
    this.page = lowHalf(address) >>> 12;
    this.mode = "kernel";
    access();
    this.mode = "off";
    const { total, categories } = whole.read();
    const sum = this.steps.reduce((cycles, step) => cycles + (step.cycles ?? 0), 0);
    invariant(Math.abs(sum - total) < 1e-6, "every cycle of a traced access is in a step", () => ({
      sum,
      total,
    }));
    return { steps: this.steps, references: this.number, cycles: total, categories };
  }

  starts(): void {
    if (this.mode === "off") return;
    const reading = this.meter.read();
    if (reading.event("guest_page_faults") > 0) {
      this.push({
        kind: "handler",
        errorCode: this.vcpu.faultCode,
        work: reading.work,
        cycles: reading.total,
      });
    }
    this.mode = "user";
    this.isWalking = false;
  }

  ends(faulted: boolean): void {
    if (this.mode === "off") return;
    this.mode = "kernel";
    const reading = this.meter.read();
    if (faulted) this.fails(reading);
    else {
      if (this.isWalking) {
        this.translates(reading, false);
        this.setsBits(reading, true);
      } else this.looksUp(reading);
      this.accessesData(reading);
    }
  }

  /** A walker read an entry. */
  observe(reference: WalkReference): void {
    if (this.mode !== "user") return;
    const reading = this.meter.read();
    const { dimension, level, lo, hi, address, cacheLevel } = reference;
    if (reading.event("walks") > 0) this.fails(reading);
    if (!this.isWalking) this.startsWalk(reading, reference);
    this.translates(reading, dimension === "host");
    if (dimension === "guest") this.setsBits(reading, false);
    else if (!this.inHostWalk && reading.event("walk_cache_host_hits") > 0) {
      this.push({ kind: "shortcut", dimension, level, table: tableName(level), cycles: 0 });
    }
    this.inHostWalk = dimension === "host";
    const entryBytes = dimension === "host" ? 8 : this.machine.paging.entryBytes;
    this.push({
      kind: "reference",
      number: ++this.number,
      dimension,
      level,
      table: tableName(level),
      index: (address % 4096) / entryBytes,
      address: hex(address),
      value: entryHex(lo, hi),
      flags: flagNames(lo, hi, level, dimension === "host" && this.machine.nestedFormat === "ept"),
      place: PLACES[cacheLevel]!,
      cycles: this.latencies[cacheLevel]!,
    });
    if (dimension === "guest") this.aim(level, lo, hi);
  }

  /** TLB, walker, and where the walk begins. `reference` undefined: it ended before it read anything. */
  private startsWalk(reading: Reading, reference: WalkReference | undefined): void {
    const { machine } = this;
    const { walker } = machine.mmu;
    this.looksUp(reading);
    this.push({ kind: "walk", cycles: machine.costs.walk_start });
    this.isWalking = true;
    this.inHostWalk = false;
    if (reference !== undefined && reading.event("walk_cache_guest_hits") > 0) {
      const { level } = reference;
      this.push({ kind: "shortcut", dimension: "guest", level, table: tableName(level), cycles: 0 });
    } else if (machine.paging.name === "pae") {
      const index = this.page >>> 18;
      this.push({ kind: "register", index, cycles: 0 });
      const gfn = frameOf(walker.pdptes[2 * index]!, walker.pdptes[2 * index + 1]!);
      this.target = { gfn, what: "PD" };
    } else this.target = { gfn: walker.root, what: tableName(machine.paging.levels) };
  }

  /** What the TLBs answered. */
  private looksUp(reading: Reading): void {
    const refused = reading.event("tlb_permission_walks") > 0;
    const missedL1 = reading.event("tlb_l1d_misses") + reading.event("tlb_l1i_misses") > 0;
    const { l2, tlbEnabled } = this.machine.mmu.parts;
    const cycles = reading.cycles("tlb_l2");
    if (!tlbEnabled) this.push({ kind: "lookup", l1: "off", cycles });
    else if (!missedL1) this.push({ kind: "lookup", l1: refused ? "refused" : "hit", cycles });
    else if (l2 === undefined) this.push({ kind: "lookup", l1: "miss", cycles });
    else {
      const answer: LookupOutcome = refused ? "refused" : reading.event("tlb_l2_hits") > 0 ? "hit" : "miss";
      this.push({ kind: "lookup", l1: "miss", l2: answer, cycles });
    }
  }

  /** A guest-physical address enters the second dimension: it is walked, or the nested TLB knows it. */
  private translates(reading: Reading, isWalked: boolean): void {
    const isKnown = reading.event("nested_tlb_hits") > 0;
    if (!isKnown && (!isWalked || this.inHostWalk)) return;
    const { gfn, what } = this.target;
    this.push({ kind: "translate", address: hex(gfn * 4096), what, hit: isKnown, cycles: 0 });
  }

  /** The entry just read says what is translated next. */
  private aim(level: number, lo: number, hi: number): void {
    const base = frameOf(lo, hi);
    const pages = 2 ** (this.machine.paging.shifts[level]! - 12);
    const isLeaf = level === 1 || (lo & PS) !== 0;
    // Bit 12 of a large page's entry is PAT: it lies within the page, as do the bits that are dropped.
    this.target = isLeaf
      ? { gfn: base - (base % pages) + (this.page % pages), what: "page" }
      : { gfn: base, what: tableName(level - 1) };
  }

  /** Accessed and dirty bits: the second dimension's whenever it has translated, the guest's when the whole walk is done. */
  private setsBits(reading: Reading, isDone: boolean): void {
    const entries = reading.event("entry_bits_set");
    const price = this.machine.costs.entry_bits;
    const host = isDone ? (price > 0 ? reading.cycles("walk_host") / price : 0) : entries;
    if (host > 0) this.push({ kind: "bits", dimension: "host", entries: host, cycles: host * price });
    const guest = entries - host;
    if (guest > 0) this.push({ kind: "bits", dimension: "guest", entries: guest, cycles: guest * price });
  }

  /** The translation was not to be had: the walk ends, and the monitor works if it is its affair. */
  private fails(reading: Reading): void {
    const { mmu } = this.machine;
    invariant(reading.event("walks") === 1, "walks fail one at a time");
    if (!this.isWalking) this.startsWalk(reading, undefined);
    const { work } = reading;
    const isViolation = reading.event("ept_violations") > 0;
    if (isViolation) {
      const address = hex(mmu.walker.violationFrame * 4096);
      this.push({ kind: "stop", why: "violation", address, cycles: 0 });
    } else this.push({ kind: "stop", why: "page-fault", errorCode: mmu.walker.errorCode, cycles: 0 });
    const cycles = work.exits.reduce((sum, exit) => sum + exit.cycles, 0);
    if (work.exits.length > 0) this.push({ kind: "exit", work: monitorsPart(work), cycles });
    this.isWalking = false;
  }

  private accessesData(reading: Reading): void {
    const { machine, address, kind } = this;
    const frame = this.isWalking ? machine.mmu.walker.frame : heldIn(machine, address, kind)[0]!.frame;
    const stall = reading.cycles("guest_memory");
    const latency = stall + this.latencies[1]!;
    const place =
      machine.options.caches === "all" ? PLACES[this.latencies.indexOf(latency, 1)]! : "unmodelled";
    this.push({
      kind: "data",
      address: hex(frame * 4096 + (lowHalf(address) & 0xfff)),
      place,
      cycles: stall + reading.cycles("guest_user"),
    });
  }

  private push(step: TraceStep): void {
    this.steps.push(step);
  }
}

/** Of what happened around an exit, what the monitor did: without the walk that comes after it. */
function monitorsPart(work: Work): Work {
  const isMonitors = ({ name }: Amount): boolean =>
    /^(shadow_|ept_|exits|hypercalls|mmu_updates|tables_)/.test(name);
  return {
    ...work,
    categories: work.categories.filter(({ name }) => name === "transition" || name === "monitor"),
    events: work.events.filter(isMonitors),
  };
}
