/**
 * A machine with small TLBs of every kind and a few address spaces whose tables never change: small, large and 1 GiB
 * pages, global ones, forbidden ones. What a page is, is a function of its number and space, so that a naive model can
 * say it without reading tables.
 */
import type { CpuProfile, ReplacementPolicy, TlbGeometry } from "../../events/profile.js";
import type { PageSizeName } from "../../util/units.js";
import type { Machine } from "../machine.js";
import { A, D, G, NX, P, RW, US } from "../mmu/entry.js";
import { makeTestMachine, TEST_PROFILE } from "./machines.js";
import type { NaiveMapping } from "./naive-tlb.js";
import { mapNested, nestedFlags, newNestedTable } from "./nested-tables.js";
import { mapPage, newTable } from "./tables.js";

export const VPIDS = 2;
export const PCIDS = 3;
export const SMALL_PAGES = 28;
export const LARGE_PAGES = 5;
/** First page numbers of each kind. */
const SMALL_AT = 0x1_0000;
const LARGE_AT = 0x4_0000;
const HUGE_AT = 0x10_0000;
const HUGE_FRAME = 2 ** 18;
const BACKED = 256;

/** Page numbers to refer to: each small page, and pages within large ones. */
export const PAGES: readonly number[] = [
  ...Array.from({ length: SMALL_PAGES }, (_, i) => SMALL_AT + i),
  ...Array.from({ length: LARGE_PAGES * 3 }, (_, i) => LARGE_AT + Math.floor(i / 3) * 512 + (i % 3) * 100),
  ...[0, 1, 511, 512, 5000, 130_000].map((offset) => HUGE_AT + offset),
];

/** A profile with TLBs so small that random references fill them; fetches and the second level lack some sizes. */
export function smallTlbProfile(policy: ReplacementPolicy): CpuProfile {
  const array = (entries: number, ways: number, pages: readonly PageSizeName[]): TlbGeometry => ({
    entries,
    ways,
    pages,
    policy,
    source: "test",
  });
  return {
    ...TEST_PROFILE,
    tlb: {
      l1d: [array(8, 4, ["4K"]), array(4, 2, ["2M", "4M"])],
      l1i: [array(4, 4, ["4K"])],
      l2: [array(32, 8, ["4K", "2M"])],
    },
  };
}

export interface TlbMachine {
  readonly machine: Machine;
  /** Root frame of a space. */
  rootOf(vpid: number, pcid: number): number;
  /** What the tables of a space map at a page. */
  mappingOf(vpid: number, pcid: number, page: number): NaiveMapping;
}

/** @param nested under nested paging with smaller host pages: large guest pages are held in pieces. */
export function makeTlbMachine(
  policy: ReplacementPolicy,
  nested: boolean,
  caches: "all" | "off" = "off",
  driver?: "compiled" | "reference",
): TlbMachine {
  const machine = makeTestMachine({
    profile: smallTlbProfile(policy),
    tlb: true,
    walkCaches: true,
    caches,
    backedFrames: BACKED,
    driver,
    ...(nested ? { nested: { levels: 4, accessedDirty: false } } : {}),
  });
  if (nested) mapIdentity(machine);
  const mappingOf = (vpid: number, pcid: number, page: number): NaiveMapping =>
    mapping(vpid, pcid, page, nested);
  const roots: number[] = [];
  for (let vpid = 0; vpid < VPIDS; vpid++) {
    for (let pcid = 0; pcid < PCIDS; pcid++) {
      const root = newTable(machine);
      roots.push(root);
      for (const page of PAGES) {
        const { guestOrder, frame, global, user, writable, executable } = mappingOf(vpid, pcid, page);
        const flags =
          P | A | (global ? G : 0) | (user ? US : 0) | (writable ? RW : 0) | (executable ? 0 : NX);
        const offset = page % 2 ** guestOrder;
        mapPage(machine, root, (page - offset) * 4096, frame - offset, flags & ~D, 1 + guestOrder / 9);
      }
    }
  }
  return { machine, rootOf: (vpid, pcid) => roots[vpid * PCIDS + pcid]!, mappingOf };
}

/** Global pages are the same in every space of a VPID. */
function mapping(vpid: number, pcid: number, page: number, nested: boolean): NaiveMapping {
  const size = page >= HUGE_AT ? 18 : page >= LARGE_AT ? 9 : 0;
  const number =
    page >= HUGE_AT ? 0 : page >= LARGE_AT ? Math.floor((page - LARGE_AT) / 512) : page - SMALL_AT;
  const global = number % 4 === 3;
  const space = vpid * 4 + (global ? 3 : pcid);
  const small = 4096 + space * 32 + number;
  const large = 16_384 + number * 512 + (page % 512);
  return {
    guestOrder: size,
    // Host pages: 4 KiB under small and large ones, 2 MiB under the huge one.
    order: nested ? (size === 18 ? 9 : 0) : size,
    frame: size === 18 ? HUGE_FRAME + (page - HUGE_AT) : size === 9 ? large : small,
    global,
    user: number % 7 !== 6,
    writable: number % 5 !== 4,
    executable: number % 3 !== 2,
  };
}

function mapIdentity(machine: Machine): void {
  const root = newNestedTable(machine);
  machine.mmu.walker.host!.root = root;
  const map = (first: number, count: number, leaf: number): void => {
    for (let i = 0; i < count; i++) {
      const frame = first + i * 512 ** (leaf - 1);
      mapNested(machine, root, 4, frame, frame, nestedFlags(machine), leaf);
    }
  };
  map(0, BACKED, 1);
  map(4096, VPIDS * 4 * 32, 1);
  map(16_384, LARGE_PAGES * 512, 1);
  map(HUGE_FRAME, 512, 2);
}
