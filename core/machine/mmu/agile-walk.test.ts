/**
 * How many references does a cold walk of agile paging make? One for each level in the shadow; from the switch on, one for
 * the guest's table there and (h + 1) for each step below, so 4, 8, 12, 16, 20 and 24 with four levels each way (Gandhi, Hill
 * & Swift, ISCA 2016). The guest's and the shadow's tables map the page alike here; a fault says whose it is.
 */
import { describe, expect, it } from "vitest";
import { EVENT } from "../../events/events.js";
import type { Machine } from "../machine.js";
import { makeTestMachine } from "../testing/machines.js";
import { mapNested, nestedFlags, newNestedTable } from "../testing/nested-tables.js";
import { mapPage, newTable } from "../testing/tables.js";
import { type AgileWalker, NESTED_MODE, SHADOW_MODE } from "./agile-walker.js";
import { A, D, entryLo, frameOf, P, RW, SWITCH, US } from "./entry.js";
import { indexAt } from "./format.js";
import { READ, WRITE } from "./permissions.js";
import { WALK_DONE, WALK_PAGE_FAULT, WALK_SHADOW_FAULT } from "./walker.js";

const VA = 0x4567_8000;
const DATA = 2 ** 18;
const PAGE_FLAGS = RW | US | A | P;

interface Agile {
  readonly machine: Machine;
  readonly walker: AgileWalker;
  readonly guestRoot: number;
  readonly shadowRoot: number;
}

/** A page mapped by guest tables, whose frames are their own hosts, and by shadow tables. */
function agile(levels: 4 | 5, isDirty = true): Agile {
  const machine = makeTestMachine({
    paging: levels === 4 ? "4-level" : "5-level",
    nested: { levels, accessedDirty: true, agile: true },
    backedFrames: 2048,
  });
  const walker = machine.mmu.walker as AgileWalker;
  const nested = newNestedTable(machine);
  walker.host!.root = nested;
  const roots = [newTable(machine), newTable(machine)] as const;
  for (const root of roots) mapPage(machine, root, VA, DATA, isDirty ? PAGE_FLAGS | D : PAGE_FLAGS, 1);
  const [guestRoot, shadowRoot] = roots;
  for (const gfn of [...Array(64).keys(), DATA])
    mapNested(machine, nested, levels, gfn, gfn, nestedFlags(machine), 1);
  walker.guestRoot = guestRoot;
  walker.rootMode = SHADOW_MODE;
  walker.root = shadowRoot;
  return { machine, walker, guestRoot, shadowRoot };
}

/** RAM word of the entry of a level on the way to VA. */
function entryAt({ machine }: Agile, root: number, level: number): number {
  const { paging, ram } = machine;
  let table = root;
  for (let at = paging.levels; ; at--) {
    const word = table * 1024 + indexAt(paging.shifts[at]!, paging.entries, 0, VA) * 2;
    if (at === level) return word;
    table = frameOf(ram[word]!, ram[word + 1]!);
  }
}

/** Has the walk go over to the guest's table of a level, or at 0 stay in the shadow. */
function switchAt(one: Agile, level: number): void {
  const { machine, walker, guestRoot, shadowRoot } = one;
  const { ram, paging } = machine;
  if (level === SHADOW_MODE) return;
  if (level >= paging.levels) {
    walker.rootMode = level;
    walker.root = guestRoot;
    return;
  }
  const guest = ram[entryAt(one, guestRoot, level + 1)]!;
  ram[entryAt(one, shadowRoot, level + 1)] = entryLo(frameOf(guest, 0), PAGE_FLAGS | SWITCH);
}

const referencesOf = ({ machine, walker }: Agile, kind = READ): number => {
  // The first walk sets accessed and dirty bits.
  for (let round = 0; round < 2; round++) {
    machine.counters.reset();
    expect(walker.walk(0, VA, kind, true, 0, 1)).toBe(WALK_DONE);
    expect(walker.frame).toBe(DATA);
  }
  return machine.counters.events[EVENT.walk_refs]!;
};

describe("references by the level of the switch", () => {
  it.each([
    [4, SHADOW_MODE, 4],
    [4, 1, 8],
    [4, 2, 12],
    [4, 3, 16],
    [4, 4, 20],
    [4, NESTED_MODE, 24],
    [5, SHADOW_MODE, 5],
    [5, 1, 10],
    [5, 2, 15],
    [5, 5, 30],
    [5, NESTED_MODE, 35],
  ] as const)("%i levels, mode %i: %i", (levels, mode, references) => {
    const one = agile(levels);
    switchAt(one, mode);
    expect(referencesOf(one)).toBe(references);
    expect(one.machine.counters.events[EVENT.walks_shadow + mode]).toBe(1);
  });
});

it("the first write walks in two dimensions, and makes all three leaves dirty", () => {
  const one = agile(4, false);
  const { machine, walker, guestRoot, shadowRoot } = one;
  expect(walker.walk(0, VA, WRITE, true, 0, 1)).toBe(WALK_DONE);
  expect(machine.counters.events[EVENT.walk_refs]).toBe(4 + 24);
  expect(machine.counters.events[EVENT.walks_dirty]).toBe(1);
  for (const root of [guestRoot, shadowRoot]) expect(machine.ram[entryAt(one, root, 1)]! & D).toBe(D);
  expect(walker.host!.writable).toBe(true);
  expect(referencesOf(one, WRITE)).toBe(4);
});

it("the walker's reads of guest tables do not make them dirty in the nested table", () => {
  const one = agile(4);
  switchAt(one, NESTED_MODE);
  referencesOf(one);
  one.walker.host!.translate(one.guestRoot, false, false);
  expect(one.walker.host!.writable).toBe(false);
});

it.each([
  ["shadow", SHADOW_MODE, WALK_SHADOW_FAULT],
  ["guest", 1, WALK_PAGE_FAULT],
])("a fault in the %s's table is told as that", (_, mode, status) => {
  const one = agile(4);
  switchAt(one, mode);
  const root = mode === SHADOW_MODE ? one.shadowRoot : one.guestRoot;
  one.machine.ram[entryAt(one, root, 1)] = 0;
  expect(one.walker.walk(0, VA, READ, true, 0, 1)).toBe(status);
});
