/** Do context numbers that come round again ever match what they meant before? More flushes than there are numbers. */
import { expect, it } from "vitest";
import { EVENT } from "../../events/events.js";
import { Random } from "../../util/random.js";
import { highHalf, lowHalf } from "../address.js";
import { NaiveTlb } from "../testing/naive-tlb.js";
import { makeTlbMachine, PAGES, smallTlbProfile } from "../testing/tlb-machine.js";

/** More than the 131,072 numbers there are. */
const FLUSHES = 140_000;

it("after every number was used, stale entries never match and living ones still do", () => {
  const { machine, rootOf, mappingOf } = makeTlbMachine("lru", false);
  const { mmu, driver, counters } = machine;
  const { events } = counters;
  const missesOf = (page: number): number => {
    const before = events[EVENT.tlb_misses]!;
    if (!driver.once(highHalf(page * 4096), lowHalf(page * 4096), 0, false)) throw new Error("not mapped");
    return events[EVENT.tlb_misses]! - before;
  };
  // In a PCID that is not flushed: a page whose sets nothing else uses.
  mmu.loadCr3(rootOf(0, 2), 2, true);
  const kept = PAGES[6]!;
  const used = [PAGES[1]!, PAGES[5]!];
  expect(missesOf(kept)).toBe(1);
  mmu.loadCr3(rootOf(0, 0), 0, false);
  let wrong = 0;
  for (let flush = 0; flush < FLUSHES; flush++) {
    const page = used[flush % used.length]!;
    wrong += 1 - missesOf(page);
    wrong += missesOf(page);
    mmu.invalidatePcid(0);
  }
  expect(wrong).toBe(0);
  mmu.loadCr3(rootOf(0, 2), 2, true);
  expect(missesOf(kept)).toBe(0);

  // What was flushed counts as empty when victims are chosen: from here on as from the beginning.
  mmu.flushAll(false);
  mmu.loadCr3(rootOf(0, 1), 1, false);
  const naive = new NaiveTlb(smallTlbProfile("lru").tlb);
  naive.pcid = 1;
  const random = new Random(3);
  for (let i = 0; i < 2000; i++) {
    const page = PAGES[random.below(PAGES.length)]!;
    const { l1 } = naive.access({ page, kind: 0, user: false }, () => ({
      mapping: mappingOf(0, 1, page),
      dirty: false,
    }));
    if (missesOf(page) !== (l1 === "miss" ? 1 : 0)) expect({ i, page }).toBe(l1);
  }
});

it("an entry left from before does not match when its number comes round", () => {
  const { machine, rootOf, mappingOf } = makeTlbMachine("lru", false);
  const { mmu, driver, counters } = machine;
  mmu.loadCr3(rootOf(0, 0), 0, false);
  const refer = (page: number): number => {
    const before = counters.events[EVENT.tlb_misses]!;
    driver.once(highHalf(page * 4096), lowHalf(page * 4096), 0, false);
    return counters.events[EVENT.tlb_misses]! - before;
  };
  const planted = PAGES.slice(0, 24).filter((page) => !mappingOf(0, 0, page).global);
  for (const page of planted) refer(page);
  const { context } = mmu;
  let flushes = 0;
  do {
    mmu.invalidatePcid(0);
    flushes++;
  } while (mmu.context !== context && flushes < FLUSHES);
  expect(mmu.context).toBe(context);
  expect(flushes).toBeGreaterThan(100_000);
  // The last planted first: what is filled takes the places of the first.
  expect(planted.reverse().map(refer)).toEqual(planted.map(() => 1));
});
