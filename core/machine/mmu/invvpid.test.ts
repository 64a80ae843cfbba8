/** Does each type of INVVPID drop what it names and nothing else? (Intel SDM vol. 3, 29.4.3.1) */
import { describe, expect, it } from "vitest";
import { EVENT } from "../../events/events.js";
import type { Machine } from "../machine.js";
import { makeTestMachine } from "../testing/machines.js";
import { mapPage, newTable } from "../testing/tables.js";
import { A, G, P, RW, US } from "./entry.js";

const PAGES = [0x1000_0000, 0x1000_1000, 0x1000_2000] as const;
const GLOBAL = PAGES[2];
/** As many spaces as a set has ways, so that nothing is evicted. */
const VPIDS = [0, 1] as const;

/** A machine whose VPIDs hold all pages, under PCIDs 0 and 1. */
function warmMachine(): Machine {
  const machine = makeTestMachine({ tlb: true, walkCaches: true });
  const root = newTable(machine);
  PAGES.forEach((va, index) => {
    mapPage(machine, root, va, 100 + index, P | RW | US | A | (va === GLOBAL ? G : 0));
  });
  machine.mmu.walker.root = root;
  for (const vpid of VPIDS) for (const pcid of [0, 1]) for (const va of PAGES) refer(machine, vpid, pcid, va);
  return machine;
}

function refer(machine: Machine, vpid: number, pcid: number, va: number): void {
  machine.mmu.select(vpid, pcid);
  expect(machine.driver.once(0, va, 0, true)).toBe(true);
}

/** Which of the twelve translations are gone: `vpid:pcid:page`, each looked up once. */
function missing(machine: Machine): string[] {
  const { events } = machine.counters;
  const found: string[] = [];
  for (const vpid of VPIDS) {
    for (const pcid of [0, 1]) {
      PAGES.forEach((va, page) => {
        const before = events[EVENT.tlb_misses]!;
        refer(machine, vpid, pcid, va);
        if (events[EVENT.tlb_misses]! > before) found.push(`${vpid}:${pcid}:${page}`);
      });
    }
  }
  return found;
}

describe("INVVPID", () => {
  it("nothing is missing before", () => {
    expect(missing(warmMachine())).toEqual([]);
  });

  it("type 0: one page of a VPID under all its PCIDs", () => {
    const machine = warmMachine();
    machine.mmu.invalidateVpidPage(1, PAGES[1]);
    expect(missing(machine)).toEqual(["1:0:1", "1:1:1"]);
  });

  it("type 0 drops a global page too; its one entry serves both PCIDs once it is back", () => {
    const machine = warmMachine();
    machine.mmu.invalidateVpidPage(1, GLOBAL);
    expect(missing(machine)).toEqual(["1:0:2"]);
  });

  it("type 1: everything of a VPID", () => {
    const machine = warmMachine();
    machine.mmu.invalidateVpid(1, false);
    expect(missing(machine)).toEqual(["1:0:0", "1:0:1", "1:0:2", "1:1:0", "1:1:1"]);
  });

  it("type 3: everything of a VPID but global pages", () => {
    const machine = warmMachine();
    machine.mmu.invalidateVpid(1, true);
    expect(missing(machine)).toEqual(["1:0:0", "1:0:1", "1:1:0", "1:1:1"]);
  });

  it("type 2: everything of every VPID but the host's", () => {
    const machine = warmMachine();
    machine.mmu.invalidateAllVpids();
    expect(missing(machine)).toEqual(["1:0:0", "1:0:1", "1:0:2", "1:1:0", "1:1:1"]);
  });
});
