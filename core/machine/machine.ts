/**
 * The simulated computer's memory side: linear memory, frames, MMU, caches and counters, built from a CPU profile. It
 * knows nothing of monitors: it translates, and reports what it could not translate.
 */

import type { CostName, Costs } from "../events/costs.js";
import { COUNTER_SLOTS, Counters } from "../events/counters.js";
import { type CpuProfile, pricesOf, type TlbGeometry } from "../events/profile.js";
import { invariant } from "../util/errors.js";
import { Random } from "../util/random.js";
import { allocateCaches, Caches } from "./cache.js";
import { allocateCodeMemory, type CodeMemory, type CodeMemoryOptions, NEVER } from "./execute/code/memory.js";
import { CompiledDriver, canCompile } from "./execute/compiled/driver.js";
import type { Places } from "./execute/compiled/emitter.js";
import { type Driver, PREDICTIONS } from "./execute/driver.js";
import { ReferenceDriver } from "./execute/references.js";
import { Frames } from "./frames.js";
import { makeLinearMemory } from "./memory.js";
import { AgileWalker } from "./mmu/agile-walker.js";
import { allocateContexts, Contexts } from "./mmu/contexts.js";
import { PAGING_FORMATS, type PagingFormat, type PagingName } from "./mmu/format.js";
import type { NestedLevels } from "./mmu/host-walker.js";
import { allocateLeafHints, LeafHints } from "./mmu/leaf-hints.js";
import { Mmu } from "./mmu/mmu.js";
import { PhysicalWalker } from "./mmu/physical-walker.js";
import { Tlb } from "./mmu/tlb.js";
import { makeHostWalker, makeWalker, type WalkObserver } from "./mmu/traced-walkers.js";
import { AssociativeArray, allocateTranslations } from "./mmu/translations.js";
import { WalkCaches, walkCacheEntries } from "./mmu/walk-caches.js";
import { REGISTER_WORDS, registersOver } from "./registers.js";

export interface MachineOptions {
  readonly profile: CpuProfile;
  readonly costs?: Partial<Record<CostName, number>>;
  /** Format of the tables that CR3 points to. */
  readonly paging: PagingName;
  /** Nested paging: levels of the EPT or NPT, and whether its A and D bits are on. `agile`: walks begin in shadow tables (mmu/agile-walker.ts). */
  readonly nested?: {
    readonly levels: NestedLevels;
    readonly accessedDirty: boolean;
    readonly agile?: boolean;
  };
  /** 4 KiB frames with contents, and all frames. */
  readonly backedFrames: number;
  readonly frames: number;
  /** References that go through the data caches; "off" prices walk references flat, at the L2 cache's latency. */
  readonly caches: "all" | "walker" | "off";
  readonly walkCaches: boolean;
  readonly tlb: boolean;
  readonly seed: number;
  /** "reference" makes references in TypeScript; by default they are compiled where the profile's policies allow. */
  readonly driver?: "compiled" | "reference" | undefined;
  /** Told of every reference of every walk; chosen once, so that runs without it pay nothing. */
  readonly observer?: WalkObserver;
  /** The machine is to execute code (execute/code/): it gets a CPU's state and room for decoded code. */
  readonly code?: CodeMemoryOptions;
}

/** References of a batch that the compiled driver takes at a time. */
const BATCH = 4096;
const NESTED_SHIFTS = PAGING_FORMATS["5-level"].shifts;

export class Machine {
  readonly profile: CpuProfile;
  readonly costs: Costs;
  readonly counters: Counters;
  readonly memory: WebAssembly.Memory;
  /** RAM of the backed frames as words: frame f's are f * 1024 onwards. */
  readonly ram: Int32Array;
  readonly frames: Frames;
  readonly paging: PagingFormat;
  readonly mmu: Mmu;
  readonly driver: Driver;
  readonly nestedFormat: "ept" | "npt";
  /** Undefined unless the machine executes code. */
  readonly code: CodeMemory | undefined;
  /** Where things lie in linear memory, for compiled code. */
  readonly places: Places;
  readonly caches: Caches;
  private readonly mmus = new Map<PagingName, Mmu>();
  private readonly makeMmu: (paging: PagingFormat, isPhysical: boolean) => Mmu;
  private unpaged: Mmu | undefined;

  constructor(readonly options: MachineOptions) {
    const { profile } = options;
    this.profile = profile;
    this.costs = pricesOf(profile, options.costs);
    this.paging = PAGING_FORMATS[options.paging];
    this.nestedFormat = profile.vendor === "intel" ? "ept" : "npt";
    const random = new Random(options.seed).fork("replacement");
    const { l1i, l1d, l2 } = profile.tlb;
    const entriesOf = (arrays: readonly { entries: number }[]): number =>
      arrays.reduce((n, a) => n + a.entries, 0);
    const { guest, host, nestedTlb } = profile.walkCaches;
    const nested = options.nested;
    const sizes = {
      l1i: entriesOf(l1i),
      l1d: entriesOf(l1d),
      l2: entriesOf(l2),
      guest: walkCacheEntries(guest),
      host: walkCacheEntries(host),
      nestedTlb: nestedTlb?.entries ?? 0,
    };
    const { memory, ram, state } = makeLinearMemory((allocation) => {
      const registers = allocation.int32(REGISTER_WORDS);
      const counters = allocation.float64(COUNTER_SLOTS);
      const contexts = allocateContexts(allocation);
      const entries = Object.values(sizes).reduce((sum, n) => sum + n, 0);
      return {
        registers,
        counters,
        // One more than the caches need: the entry of references while paging is off.
        store: allocateTranslations(allocation, entries + 1, contexts),
        caches: allocateCaches(allocation, profile),
        hints: allocateLeafHints(allocation),
        batch: allocation.int32(2 * BATCH),
        predicted: allocation.int32(2 * PREDICTIONS),
        code:
          options.code === undefined
            ? undefined
            : allocateCodeMemory(
                allocation,
                options.code,
                entries + 1,
                options.backedFrames,
                this.costs.decode_line > 0,
              ),
      };
    }, options.backedFrames);
    this.memory = memory;
    this.ram = ram;
    this.code = state.code;
    this.code?.decodedLines.fill(NEVER);
    this.counters = new Counters(state.counters);
    this.frames = new Frames(options.backedFrames, options.frames);

    const { store } = state;
    const registers = registersOver(state.registers);
    let first = 0;
    const take = (entries: number): number => {
      first += entries;
      return first - entries;
    };
    let firstProbe = 0;
    const takeProbes = (geometries: readonly TlbGeometry[]): number => {
      const count = geometries.reduce((sum, { pages }) => sum + pages.length, 0);
      firstProbe += count;
      return firstProbe - count;
    };
    const tlbs = {
      l1d: new Tlb(registers, store, takeProbes(l1d), take(sizes.l1d), l1d, true, random),
      l1i: new Tlb(registers, store, takeProbes(l1i), take(sizes.l1i), l1i, true, random),
      l2:
        l2.length === 0
          ? undefined
          : new Tlb(registers, store, takeProbes(l2), take(sizes.l2), l2, false, random),
    };
    const firstGuest = take(sizes.guest);
    const hostWalkCaches =
      options.walkCaches && nested !== undefined
        ? new WalkCaches(store, take(sizes.host), host, NESTED_SHIFTS, nested.levels, random)
        : undefined;
    const nestedArray =
      options.walkCaches && nested !== undefined && nestedTlb !== undefined
        ? new AssociativeArray(store, take(sizes.nestedTlb), nestedTlb.entries, nestedTlb.ways, "lru", random)
        : undefined;
    const contexts = new Contexts(store.contexts, () => {
      const guestWalkCaches = [...this.mmus.values()].map((mmu) => mmu.parts.guestWalkCaches);
      for (const part of [tlbs.l1i, tlbs.l1d, tlbs.l2, ...guestWalkCaches, hostWalkCaches, nestedArray])
        part?.sweep();
    });
    const caches = new Caches(state.caches, profile);
    this.caches = caches;
    const walkerCommon = {
      registers,
      ram,
      counters: this.counters,
      caches: options.caches === "off" ? undefined : caches,
      flatLatency: profile.caches.l2.latency.value,
      entryBitsCost: this.costs.entry_bits,
    };
    const hints = (format: PagingFormat) =>
      new LeafHints(state.hints, ram, format.entryBytes, nested !== undefined);
    const hostWalker =
      nested === undefined
        ? undefined
        : makeHostWalker(
            {
              ...walkerCommon,
              hints: hints(this.paging),
              nestedTlb: nestedArray,
              walkCaches: hostWalkCaches,
              format: this.nestedFormat,
              levels: nested.levels,
              accessedDirty: nested.accessedDirty || this.nestedFormat === "npt",
              tableReadsAreWrites:
                nested.agile !== true && (nested.accessedDirty || this.nestedFormat === "npt"),
            },
            options.observer,
          );
    invariant(nested?.agile !== true || options.observer === undefined, "agile walks have no observer");
    this.makeMmu = (format, isPhysical) => {
      const guestWalkCaches = options.walkCaches
        ? new WalkCaches(store, firstGuest, guest, format.shifts, format.levels, random)
        : undefined;
      const walkerParts = {
        ...walkerCommon,
        hints: hints(format),
        walkCaches: guestWalkCaches,
        host: hostWalker,
        format,
        physicalAddressBits: profile.physicalAddressBits,
        hasPage1G: profile.features.page1G,
        noExecute: profile.features.nx,
      };
      const walker = isPhysical
        ? new PhysicalWalker(walkerParts)
        : nested?.agile === true
          ? new AgileWalker(walkerParts)
          : makeWalker(walkerParts, options.observer);
      return new Mmu({
        registers,
        counters: this.counters,
        store,
        contexts,
        ...tlbs,
        walker,
        guestWalkCaches,
        tlbEnabled: options.tlb,
        l2HitCost: this.costs.tlb_l2_hit,
        walkStartCost: this.costs.walk_start,
      });
    };
    this.mmu = this.mmuFor(options.paging);
    this.places = {
      registers,
      counters: this.counters,
      store: store.words.byteOffset,
      contexts: store.contexts.byteOffset,
      ram: ram.byteOffset,
    };
    const isCompiled =
      options.observer === undefined && options.driver !== "reference" && canCompile(this.mmu);
    this.driver = isCompiled
      ? new CompiledDriver({
          memory,
          places: this.places,
          mmu: this.mmu,
          caches,
          cachesData: options.caches === "all",
          referenceCost: this.costs.reference,
          batch: state.batch,
          batchLength: BATCH,
          predicted: state.predicted,
        })
      : new ReferenceDriver({
          mmu: this.mmu,
          counters: this.counters,
          dataCaches: options.caches === "all" ? caches : undefined,
          referenceCost: this.costs.reference,
          hints: this.mmu.walker.parts.hints,
        });
  }

  /**
   * The MMU that walks tables of a format. All share registers, TLBs and walk caches: a CPU that changes its format must
   * flush, as hardware does.
   */
  mmuFor(name: PagingName): Mmu {
    let mmu = this.mmus.get(name);
    if (mmu === undefined) {
      mmu = this.makeMmu(PAGING_FORMATS[name], false);
      this.mmus.set(name, mmu);
    }
    return mmu;
  }

  /** The MMU of a guest whose paging is off, where the machine has the second dimension. */
  get physicalMmu(): Mmu {
    invariant(this.options.nested !== undefined, "the machine has a second dimension");
    this.unpaged ??= this.makeMmu(this.paging, true);
    return this.unpaged;
  }
}
