/**
 * Does the two-dimensional walk equal the composition of both dimensions? Random guest tables in every format over
 * random nested tables (EPT and NPT, four and five levels, A and D bits on and off), walked by the machine and by the
 * composed oracle (testing/nested-oracle.ts): same page and rights, same fault or violation, same bits in memory.
 */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { loadPdptes, type PagingControls } from "../../guest/testing/reference-translator.js";
import type { Machine } from "../machine.js";
import { makeTestMachine, TEST_AMD_PROFILE, TEST_PROFILE } from "../testing/machines.js";
import { type NestedControls, nestedTranslate, translateNested } from "../testing/nested-oracle.js";
import { mapNested, nestedFlags, nestedIndex, newNestedTable } from "../testing/nested-tables.js";
import { RamMemory } from "../testing/ram-memory.js";
import {
  linearOf,
  randomAccesses,
  randomEntries,
  TABLE_FRAMES,
  writeTables,
} from "../testing/random-tables.js";
import { firstDifference } from "../testing/words.js";
import { D, EPT_W, EPT_X, frameOf, G, NX, RW, US } from "./entry.js";
import { PAGING_FORMATS, type PagingName } from "./format.js";
import { WALK_DONE, WALK_PAGE_FAULT, WALK_VIOLATION } from "./walker.js";

const BACKED = 64;
/** Guest table g is at host frame HOST_OF[g]: nothing is where it seems. */
const HOST_OF = [11, 9, 14, 8, 13, 10];
const FORMATS = Object.keys(PAGING_FORMATS) as PagingName[];
const NESTED: readonly (readonly ["ept" | "npt", 4 | 5, boolean])[] = [
  ["ept", 4, false],
  ["ept", 4, true],
  ["ept", 5, true],
  ["npt", 4, true],
  ["npt", 5, true],
];

/** Guest frames below this are mapped by 4 KiB nested pages, then 2 MiB pages, then from 2^18 by 1 GiB pages. */
const SMALL_FRAMES = 16;
const LARGE_AT = [512, 1024, 1536];
const HUGE_AT = [2 ** 18, 2 ** 19];
const PLACES = SMALL_FRAMES + LARGE_AT.length + HUGE_AT.length + 2;
const guestFrames = fc.oneof(
  fc.nat(SMALL_FRAMES + 2),
  fc.integer({ min: 512, max: 2100 }),
  fc.integer({ min: 2 ** 18, max: 2 ** 19 + 2 ** 18 + 5 }),
);

/** What is taken away of a nested mapping that allows everything: present, write, execute. */
interface Withheld {
  readonly present: boolean;
  readonly write: boolean;
  readonly execute: boolean;
}
const withheld: fc.Arbitrary<Withheld> = fc.record({
  present: fc.nat(24).map((n) => n === 0),
  write: fc.nat(9).map((n) => n === 0),
  execute: fc.nat(9).map((n) => n === 0),
});

/** A nested table that maps all the guest frames there are, and allows everything. Returns its root. */
function buildNested(machine: Machine, levels: 4 | 5): number {
  const root = newNestedTable(machine);
  const map = (gfn: number, host: number, leaf: number): void =>
    mapNested(machine, root, levels, gfn, host, nestedFlags(machine), leaf);
  for (let gfn = 0; gfn < SMALL_FRAMES; gfn++) map(gfn, HOST_OF[gfn] ?? 4000 - gfn, 1);
  for (const gfn of LARGE_AT) map(gfn, 5 * 512 + gfn, 2);
  for (const gfn of HUGE_AT) map(gfn, 2 ** 20 + gfn, 3);
  return root;
}

/** RAM words of the entries to take something away from: every leaf, and both tables above the 4 KiB pages. */
function nestedEntries(
  machine: Machine,
  root: number,
  levels: number,
): readonly { word: number; isGuestTable: boolean }[] {
  const entryFor = (gfn: number, leaf: number): { word: number; isGuestTable: boolean } => {
    let table = root;
    for (let level = levels; ; level--) {
      const word = table * 1024 + nestedIndex(gfn, level) * 2;
      if (level === leaf) return { word, isGuestTable: gfn < TABLE_FRAMES };
      table = frameOf(machine.ram[word]!, machine.ram[word + 1]!);
    }
  };
  const small = Array.from({ length: SMALL_FRAMES }, (_, gfn) => entryFor(gfn, 1));
  const large = [...LARGE_AT.map((gfn) => entryFor(gfn, 2)), ...HUGE_AT.map((gfn) => entryFor(gfn, 3))];
  const above = [entryFor(0, 2), entryFor(0, 3)];
  return [...small, ...large, ...above];
}

describe.each(FORMATS)("%s guest", (paging) => {
  it.each(NESTED)("under %s with %i levels, A/D %s", (nestedFormat, levels, accessedDirty) => {
    const profile = nestedFormat === "ept" ? TEST_PROFILE : TEST_AMD_PROFILE;
    const format = PAGING_FORMATS[paging];
    const machine = makeTestMachine({
      paging,
      profile,
      backedFrames: BACKED,
      nested: { levels, accessedDirty },
    });
    const { ram, mmu } = machine;
    const { walker } = mmu;
    for (let frame = 0; frame < 16; frame++) machine.frames.takeBacked(0);
    const root = buildNested(machine, levels);
    walker.host!.root = root;
    walker.root = 0;
    const entriesOfNested = nestedEntries(machine, root, levels);
    const pristine = ram.slice();
    const isEpt = nestedFormat === "ept";
    const hasBits = !isEpt || accessedDirty;
    const nested: NestedControls = { format: nestedFormat, levels, accessedDirty, root: BigInt(root) };
    const withhold = (takes: readonly Withheld[]): void =>
      entriesOfNested.forEach(({ word, isGuestTable }, at) => {
        const take = takes[at]!;
        if (take.present) ram[word] = 0;
        // Without A and D bits the walker's own writes to guest tables are not checked: those stay writable.
        if (take.write && (hasBits || !isGuestTable)) ram[word]! &= ~(isEpt ? EPT_W : RW);
        if (take.execute && isEpt) ram[word]! &= ~EPT_X;
        if (take.execute && !isEpt) ram[word + 1]! |= NX;
      });
    const guest: PagingControls = {
      format: paging,
      noExecute: true,
      writeProtect: true,
      page1G: true,
      physicalAddressBits: profile.physicalAddressBits,
    };
    const outcomes = new Set<string>();
    const property = fc.property(
      randomEntries(format, guestFrames),
      fc.array(withheld, { minLength: PLACES, maxLength: PLACES }),
      randomAccesses(format, 25),
      (entries, taken, accesses) => {
        ram.set(pristine);
        withhold(taken);
        writeTables(ram, format, entries, (table) => HOST_OF[table]!);
        if (paging === "pae") {
          for (let i = 0; i < 4; i++)
            ram.set([((i + 1) << 12) | (entries[i]!.lo & 1), 0], HOST_OF[0]! * 1024 + i * 2);
        }
        const memory = new RamMemory(ram.slice());
        let pdptes: readonly bigint[] = [];
        if (paging === "pae") {
          const page = nestedTranslate(memory, nested, 0n, { write: hasBits, fetch: false });
          expect(walker.loadPdptes(0)).toBe(page !== undefined);
          if (page === undefined) return;
          pdptes = loadPdptes(memory, page.frame << 12n, profile.physicalAddressBits)!;
        }
        for (const access of accesses) {
          const { hi, lo, kind, user } = access;
          const status = walker.walk(hi, lo, kind, user, 0, 1);
          const wanted = translateNested(memory, guest, nested, 0n, pdptes, linearOf(format, access), {
            write: kind === 1,
            fetch: kind === 2,
            user,
          });
          outcomes.add(wanted.kind === "violation" ? `violation, table ${wanted.table}` : wanted.kind);
          if (wanted.kind === "fault") {
            expect({ status, code: walker.errorCode }).toEqual({
              status: WALK_PAGE_FAULT,
              code: wanted.code,
            });
          } else if (wanted.kind === "violation") {
            expect([status, walker.violationFrame, walker.violationWrite, walker.violationTable]).toEqual([
              WALK_VIOLATION,
              Number(wanted.frame),
              wanted.write,
              wanted.table,
            ]);
          } else {
            const { rights } = walker;
            expect([status, walker.frame, walker.order]).toEqual([
              WALK_DONE,
              Number(wanted.address >> 12n),
              Math.log2(Number(wanted.pageBytes) / 4096),
            ]);
            const found = [rights & US, rights & RW, rights & D, rights & G].map((flag) => flag !== 0);
            expect([...found, (rights & NX) === 0]).toEqual([
              wanted.user,
              wanted.writable,
              wanted.dirty,
              wanted.global,
              wanted.executable,
            ]);
          }
        }
        expect(firstDifference(ram, memory.words)).toBe("");
      },
    );
    fc.assert(property, { seed: 2, numRuns: 120 });
    // The random tables reach every way in which a walk can end.
    expect([...outcomes].sort()).toEqual([
      "fault",
      "page",
      "violation, table false",
      "violation, table true",
    ]);
  });
});
