/**
 * Does the hardware's walk do what the manual says? Random tables in every format, walked by the machine and by the
 * oracle (guest/testing/reference-translator.ts): same page, same rights, same fault, same bits left in memory.
 */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { loadPdptes, type PagingControls, translate } from "../../guest/testing/reference-translator.js";
import { makeTestMachine, TEST_PROFILE, withFeatures } from "../testing/machines.js";
import { RamMemory } from "../testing/ram-memory.js";
import {
  linearOf,
  randomAccesses,
  randomEntries,
  TABLE_FRAMES,
  writeTables,
} from "../testing/random-tables.js";
import { firstDifference } from "../testing/words.js";
import { D, G, NX, RW, US } from "./entry.js";
import { PAGING_FORMATS, type PagingName } from "./format.js";
import { WALK_DONE, WALK_PAGE_FAULT } from "./walker.js";

const CPUS = {
  "40 physical bits": TEST_PROFILE,
  "36 physical bits": { ...TEST_PROFILE, physicalAddressBits: 36 },
  "no 1G pages, no NX": withFeatures(TEST_PROFILE, { page1G: false, nx: false }),
};
const FORMATS = Object.keys(PAGING_FORMATS) as PagingName[];

describe.each(FORMATS)("%s", (paging) => {
  it.each(Object.keys(CPUS) as (keyof typeof CPUS)[])("walks as the oracle does: %s", (cpu) => {
    const profile = CPUS[cpu];
    const machine = makeTestMachine({ paging, profile, backedFrames: 8 });
    const { ram } = machine;
    const { walker } = machine.mmu;
    const format = PAGING_FORMATS[paging];
    const property = fc.property(
      randomEntries(format, fc.nat(2 ** 24 - 1)),
      randomAccesses(format, 40),
      fc.boolean(),
      (entries, accesses, writeProtect) => {
        ram.fill(0);
        writeTables(ram, format, entries);
        // PAE: the root's four entries are registers, whose present bit alone matters once they are loaded.
        if (paging === "pae")
          for (let i = 0; i < 4; i++) ram.set([((i % TABLE_FRAMES) << 12) | (entries[i]!.lo & 1), 0], i * 2);
        const memory = new RamMemory(ram.slice());
        const controls: PagingControls = {
          format: paging,
          noExecute: profile.features.nx,
          page1G: profile.features.page1G,
          physicalAddressBits: profile.physicalAddressBits,
          writeProtect,
        };
        walker.writeProtect = writeProtect;
        walker.root = 0;
        if (paging === "pae") walker.loadPdptes(0);
        const pdptes = paging === "pae" ? loadPdptes(memory, 0n, profile.physicalAddressBits)! : [];
        for (const access of accesses) {
          const { hi, lo, kind, user } = access;
          const status = walker.walk(hi, lo, kind, user, 0, 1);
          const wanted = translate(memory, controls, 0n, pdptes, linearOf(format, access), {
            write: kind === 1,
            fetch: kind === 2,
            user,
          });
          if (wanted.kind === "fault") {
            expect({ status, code: walker.errorCode }).toEqual({
              status: WALK_PAGE_FAULT,
              code: wanted.code,
            });
          } else {
            expect({
              status,
              frame: walker.frame,
              order: walker.order,
              user: (walker.rights & US) !== 0,
              writable: (walker.rights & RW) !== 0,
              executable: (walker.rights & NX) === 0,
              global: (walker.rights & G) !== 0,
              dirty: (walker.rights & D) !== 0,
            }).toEqual({
              status: WALK_DONE,
              frame: Number(wanted.address >> 12n),
              order: Math.log2(Number(wanted.pageBytes) / 4096),
              user: wanted.user,
              writable: wanted.writable,
              executable: wanted.executable,
              global: wanted.global,
              dirty: wanted.dirty,
            });
          }
        }
        expect(firstDifference(ram, memory.words)).toBe("");
      },
    );
    fc.assert(property, { seed: 1, numRuns: 300 });
  });
});
