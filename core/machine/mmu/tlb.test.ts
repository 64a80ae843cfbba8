/**
 * Do the modelled TLBs hit and miss where they should? Random references and invalidations on a machine and on a naive
 * model (testing/naive-tlb.ts): the same outcome and frame at each step, for every replacement policy, in one dimension
 * and with pages held in pieces. And the fast driver of batches must give what single references give.
 */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { EVENT } from "../../events/events.js";
import type { ReplacementPolicy } from "../../events/profile.js";
import { type Gva, highHalf, lowHalf } from "../address.js";
import { countersOf } from "../testing/machines.js";
import { NaiveTlb } from "../testing/naive-tlb.js";
import {
  makeTlbMachine,
  PAGES,
  PCIDS,
  smallTlbProfile,
  type TlbMachine,
  VPIDS,
} from "../testing/tlb-machine.js";

type Step =
  | { readonly do: "refer"; readonly page: number; readonly kind: number; readonly user: boolean }
  | { readonly do: "cr3" | "invpcid"; readonly pcid: number; readonly keep: boolean }
  | { readonly do: "invlpg" | "invpcid address"; readonly page: number; readonly pcid: number }
  | { readonly do: "flush"; readonly keepGlobal: boolean }
  | { readonly do: "vpid"; readonly vpid: number }
  | { readonly do: "invept" };

const page = fc.oneof(
  { weight: 3, arbitrary: fc.constantFrom(...PAGES) },
  { weight: 2, arbitrary: fc.constantFrom(...PAGES.slice(0, 6)) },
);
const pcid = fc.nat(PCIDS - 1);
const reference = fc.record({
  do: fc.constant("refer" as const),
  page,
  kind: fc.nat(5).map((n) => Math.max(0, n - 3)),
  user: fc.nat(3).map((n) => n > 0),
});
const steps: fc.Arbitrary<Step[]> = fc.array(
  fc.oneof(
    { weight: 60, arbitrary: reference },
    {
      weight: 4,
      arbitrary: fc.record({ do: fc.constant("cr3" as const), pcid, keep: fc.nat(3).map((n) => n > 0) }),
    },
    {
      weight: 1,
      arbitrary: fc.record({ do: fc.constant("invpcid" as const), pcid, keep: fc.constant(false) }),
    },
    {
      weight: 3,
      arbitrary: fc.record({
        do: fc.constantFrom("invlpg" as const, "invpcid address" as const),
        page,
        pcid,
      }),
    },
    { weight: 1, arbitrary: fc.record({ do: fc.constant("flush" as const), keepGlobal: fc.boolean() }) },
    { weight: 2, arbitrary: fc.record({ do: fc.constant("vpid" as const), vpid: fc.nat(VPIDS - 1) }) },
    { weight: 1, arbitrary: fc.record({ do: fc.constant("invept" as const) }) },
  ),
  { maxLength: 1500, size: "max" },
);

/** The same steps on the machine: everything but references. */
function applyStep(
  { machine, rootOf }: TlbMachine,
  naive: NaiveTlb,
  step: Exclude<Step, { do: "refer" }>,
): void {
  const { mmu } = machine;
  switch (step.do) {
    case "cr3":
      mmu.loadCr3(rootOf(naive.vpid, step.pcid), step.pcid, step.keep);
      naive.pcid = step.pcid;
      if (step.keep) return;
      naive.drop(({ vpid, pcid, global }) => vpid === naive.vpid && pcid === step.pcid && !global);
      return;
    case "invpcid":
      mmu.invalidatePcid(step.pcid);
      naive.drop(({ vpid, pcid, global }) => vpid === naive.vpid && pcid === step.pcid && !global);
      return;
    case "invlpg":
      mmu.invalidatePage(addressOfPage(step.page));
      naive.dropPage(step.page, naive.pcid, true);
      return;
    case "invpcid address":
      mmu.invalidatePageOf(step.pcid, addressOfPage(step.page));
      naive.dropPage(step.page, step.pcid, false);
      return;
    case "flush":
      mmu.flushAll(step.keepGlobal);
      naive.drop(({ vpid, global }) => vpid === naive.vpid && !(global && step.keepGlobal));
      return;
    case "vpid":
      naive.vpid = step.vpid;
      mmu.select(step.vpid, naive.pcid);
      mmu.walker.root = rootOf(step.vpid, naive.pcid);
      return;
    case "invept":
      mmu.invalidateNested();
      naive.drop(({ vpid }) => vpid !== 0 || vpid === naive.vpid);
  }
}

function addressOfPage(page: number): Gva {
  return page * 4096;
}

/** What a reference counted, in the naive model's words. */
const COUNTED = {
  hit: { l1: 0, l2: 0, misses: 0, walks: 0 },
  "second level": { l1: 1, l2: 1, misses: 0, walks: 0 },
  miss: { l1: 1, l2: 0, misses: 1, walks: 1 },
} as const;

function outcomeOf(events: Float64Array, before: Float64Array): string {
  const gained = (event: number): number => events[event]! - before[event]!;
  const found = {
    l1: gained(EVENT.tlb_l1d_misses) + gained(EVENT.tlb_l1i_misses),
    l2: gained(EVENT.tlb_l2_hits),
    misses: gained(EVENT.tlb_misses),
    walks: gained(EVENT.walks),
  };
  for (const [name, counts] of Object.entries(COUNTED)) {
    if (Object.entries(counts).every(([key, count]) => found[key as keyof typeof found] === count))
      return name;
  }
  return gained(EVENT.tlb_permission_walks) === 1 && found.walks === 1
    ? "not allowed"
    : JSON.stringify(found);
}

const POLICIES: ReplacementPolicy[] = ["lru", "tree-plru", "fifo"];

describe.each(POLICIES)("%s", (policy) => {
  it.each([false, true])("hits and misses as lists do; nested: %s", (nested) => {
    const outcomes = new Map<string, number>();
    const property = fc.property(steps, (sequence) => {
      const made = makeTlbMachine(policy, nested);
      const { machine, mappingOf } = made;
      const { events } = machine.counters;
      const naive = new NaiveTlb(smallTlbProfile(policy).tlb);
      const dirty = new Set<number>();
      machine.mmu.loadCr3(made.rootOf(0, 0), 0, false);
      sequence.forEach((step, at) => {
        if (step.do !== "refer") {
          applyStep(made, naive, step);
          return;
        }
        const before = events.slice();
        const va = addressOfPage(step.page);
        const isMade = machine.driver.once(highHalf(va), lowHalf(va), step.kind, step.user);
        const { vpid, pcid } = naive;
        const wanted = naive.access(step, () => {
          const mapping = mappingOf(vpid, pcid, step.page);
          if ((step.user && !mapping.user) || (step.kind === 1 && !mapping.writable)) return undefined;
          if (step.kind === 2 && !mapping.executable) return undefined;
          // Each space has a leaf of its own, by the guest's page.
          const leaf = (vpid * PCIDS + pcid) * 2 ** 22 + Math.floor(step.page / 2 ** mapping.guestOrder);
          if (step.kind === 1) dirty.add(leaf);
          return { mapping, dirty: dirty.has(leaf) };
        });
        const found = { l1: outcomeOf(events, before), frame: isMade ? machine.driver.frame : undefined };
        if (found.l1 !== wanted.l1 || found.frame !== wanted.frame)
          expect({ at, ...found }).toEqual({ at, ...wanted });
        outcomes.set(wanted.l1, (outcomes.get(wanted.l1) ?? 0) + 1);
      });
    });
    fc.assert(property, { seed: 6, numRuns: 20 });
    expect(
      Math.min(...["hit", "second level", "miss", "not allowed"].map((name) => outcomes.get(name) ?? 0)),
    ).toBeGreaterThan(50);
  });

  const cuts = fc.array(fc.integer({ min: 1, max: 60 }), { minLength: 1 });

  it.each([false, true])("batches give what single references give; nested: %s", (nested) => {
    const property = fc.property(steps, cuts, (sequence, sizes) => {
      const countersAfter = (driver: "compiled" | "reference", run: BatchRunner): number[] => {
        const made = makeTlbMachine(policy, nested, "all", driver);
        runInBatches(made, sequence, run);
        return countersOf(made.machine);
      };
      const wanted = countersAfter("reference", runSingly);
      for (const driver of ["compiled", "reference"] as const) {
        expect(countersAfter(driver, runSingly)).toEqual(wanted);
        expect(countersAfter(driver, runWhole)).toEqual(wanted);
        expect(countersAfter(driver, runCut(sizes))).toEqual(wanted);
      }
    });
    fc.assert(property, { seed: 8, numRuns: 8 });
  });
});

/** Makes the references of a batch; those that fault are left out. */
type BatchRunner = (made: TlbMachine, refs: Int32Array, user: boolean) => void;

const runSingly: BatchRunner = ({ machine }, refs, user) => {
  for (let at = 0; at < refs.length / 2; at++) {
    machine.driver.once(refs[2 * at + 1]!, refs[2 * at]! & ~7, refs[2 * at]! & 3, user);
  }
};

const runWhole: BatchRunner = (made, refs, user) => runCut([refs.length])(made, refs, user);

/** Runs a batch in parts of these sizes, again and again. */
function runCut(sizes: readonly number[]): BatchRunner {
  let part = 0;
  return ({ machine }, refs, user) => {
    const count = refs.length / 2;
    for (let at = 0; at < count; ) {
      const end = Math.min(count, at + sizes[part++ % sizes.length]!);
      const stopped = machine.driver.run(refs, at, end, user);
      at = stopped < end ? stopped + 1 : end;
    }
  };
}

/** Neighbouring references of one privilege are a batch; everything else happens between batches. */
function runInBatches(made: TlbMachine, sequence: readonly Step[], run: BatchRunner): void {
  const naive = new NaiveTlb({ l1d: [], l1i: [], l2: [] });
  made.machine.mmu.loadCr3(made.rootOf(0, 0), 0, false);
  let batch: number[] = [];
  let isUser = true;
  const flush = (): void => {
    run(made, Int32Array.from(batch), isUser);
    batch = [];
  };
  for (const step of sequence) {
    if (step.do !== "refer" || step.user !== isUser) flush();
    if (step.do !== "refer") {
      applyStep(made, naive, step);
      continue;
    }
    isUser = step.user;
    // Different lines of different pages, so that the data caches matter.
    const va = addressOfPage(step.page) + ((step.page * 200) % 4096);
    batch.push((lowHalf(va) & ~7) | step.kind, highHalf(va));
  }
  flush();
}
