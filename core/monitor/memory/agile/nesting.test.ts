/** Which guest tables are nested, and when? The policy, on a guest whose writes and quiet times are chosen. */
import { expect, it } from "vitest";
import { CYCLES } from "../../../events/categories.js";
import { EVENT, type EventName } from "../../../events/events.js";
import { EXIT } from "../../../events/exit-reasons.js";
import { OWNER } from "../../../events/memory-owners.js";
import { type Gva, highHalf, lowHalf } from "../../../machine/address.js";
import { AGILE, bootLabGuest, type LabGuest, type TestTechnique } from "../../testing/lab-guests.js";

const SETTLE = 1_000_000;
const INTERVAL = 8 * SETTLE;
const PAGES = 64;

interface Settled extends LabGuest {
  readonly start: Gva;
}

/** A process with one level-1 table of data. */
function boot(options: Partial<Extract<TestTechnique, { name: "agile" }>> = {}): Settled {
  const guest = bootLabGuest("4-level", {
    ...AGILE,
    settle: SETTLE,
    interval: INTERVAL,
    ...options,
  });
  guest.kernel.switchTo(guest.kernel.spawn());
  const start = guest.kernel.mmap(2 * PAGES * 4096);
  touch(guest, start);
  return { ...guest, start };
}

function touch({ kernel }: LabGuest, start: Gva): void {
  const refs = new Int32Array(2 * PAGES);
  for (let page = 0; page < PAGES; page++) {
    refs[2 * page] = (lowHalf(start + page * 4096) & ~7) | 1;
    refs[2 * page + 1] = highHalf(start + page * 4096);
  }
  kernel.user(refs, PAGES);
}

/** Lets time pass in which no table is written. */
function wait({ machine, kernel, start }: Settled, cycles: number): void {
  for (let passed = 0; passed < cycles; passed += SETTLE) {
    machine.counters.cycles[CYCLES.idle]! += SETTLE;
    kernel.user(Int32Array.of(lowHalf(start) & ~7, highHalf(start)), 1);
  }
}

const count = ({ machine }: LabGuest, name: EventName): number => machine.counters.events[EVENT[name]]!;
const writeExits = ({ machine }: LabGuest): number => machine.counters.exits[EXIT.table_write]!;
const shadows = ({ machine }: LabGuest): number => machine.frames.owned[OWNER.shadow_tables]!;

it("a new address space is nested: no shadow, and no exit but first touches of memory", () => {
  const guest = boot();
  expect(shadows(guest)).toBe(0);
  expect(count(guest, "walks_nested")).toBe(count(guest, "walks"));
  expect(writeExits(guest)).toBe(0);
});

it("what stays unwritten is shadowed after `settle`, and walks stay in the shadow", () => {
  const guest = boot();
  wait(guest, 4 * SETTLE);
  expect(shadows(guest)).toBeGreaterThanOrEqual(guest.machine.paging.levels);
  guest.machine.mmu.flushAll(false);
  const before = [count(guest, "walks"), count(guest, "walks_shadow")];
  touch(guest, guest.start);
  const after = [count(guest, "walks"), count(guest, "walks_shadow")];
  expect(after[1]! - before[1]!).toBe(after[0]! - before[0]!);
});

it.each([1, 2, 5])("a table is nested by the write number %i of an interval", (writes) => {
  const guest = boot({ writes });
  wait(guest, 4 * SETTLE);
  const exits = writeExits(guest);
  // Each first touch writes one entry of the level-1 table.
  touch(guest, guest.start + PAGES * 4096);
  expect(writeExits(guest) - exits).toBe(writes);
  expect(count(guest, "agile_nested")).toBe(1);
  expect(count(guest, "walks_switched_l1")).toBeGreaterThan(0);
});

it("each time that a table is written after all, it waits twice as long, an interval at most", () => {
  const guest = boot({ writes: 1 });
  const waited: number[] = [];
  wait(guest, 4 * SETTLE);
  for (let round = 0; round < 6; round++) {
    guest.kernel.munmap(guest.start + (1 + round) * 4096, 4096);
    const shadowed = count(guest, "agile_shadowed");
    let cycles = 0;
    for (; count(guest, "agile_shadowed") === shadowed; cycles += SETTLE) wait(guest, SETTLE);
    waited.push(cycles / SETTLE);
  }
  expect(waited).toEqual([...waited].sort((a, b) => a - b));
  expect(waited.at(-1)!).toBeGreaterThan(2 * waited[0]!);
  expect(waited.slice(-3)).toEqual(Array(3).fill(waited.at(-1)));
  // An interval from when the timer first saw it clean, and the timer waits as long at most.
  expect(waited.at(-1)! * SETTLE).toBeLessThanOrEqual(2 * INTERVAL);
});

it("without the cache of roots each switch leaves; with it those of roots that were there do not", () => {
  const switches = 10;
  const [none, eight] = [0, 8].map((rootCache) => {
    const guest = boot({ rootCache });
    const first = guest.kernel.current;
    const second = guest.kernel.spawn();
    const exits = guest.machine.counters.exits[EXIT.cr3_load]!;
    for (let i = 0; i < switches; i++) guest.kernel.switchTo(i % 2 === 0 ? second : first);
    return guest.machine.counters.exits[EXIT.cr3_load]! - exits;
  });
  expect([none, eight]).toEqual([switches, 1]);
});
