/**
 * Are large pages split and merged where they must be? A large page of the direct map is mapped large while it holds no
 * guest page table, in pieces from the moment it holds one, and large again when the last has gone.
 */
import { describe, expect, it } from "vitest";
import { EVENT } from "../../../events/events.js";
import type { Gfn } from "../../../machine/address.js";
import { P, PS } from "../../../machine/mmu/entry.js";
import type { PagingName } from "../../../machine/mmu/format.js";
import { bootLabGuest, type LabGuest } from "../../testing/lab-guests.js";
import { auditShadow } from "../../testing/shadow-audit.js";
import type { ShadowVcpu } from "./vcpu.js";

const MEMORY = { backedFrames: 1536, frames: 1536 + 16 * 512 };
/** A guest frame in the second 2 MiB, which no table uses until the test takes tables from there. */
const SECOND: Gfn = 512 + 40;

function boot(paging: PagingName, hostOrder: number): LabGuest {
  return bootLabGuest(
    paging,
    {
      name: "shadow",
      hostOrder,
      vpid: true,
      populate: false,
      eager: false,
      outOfSync: false,
      reuse: true,
      maximumTables: 0,
      writeFlood: 3,
    },
    { memory: MEMORY },
  );
}

/** Whether the shadow maps a frame of the direct map by a large page; undefined where it does not map it. */
function isMappedLarge({ vcpu, kernel, machine }: LabGuest, gfn: Gfn): boolean | undefined {
  const shadow = vcpu as ShadowVcpu;
  const { paging } = shadow;
  const page = kernel.layout.directMap / 4096 + gfn;
  let table = shadow.tables.find(kernel.current.root, paging.levels);
  for (let level = paging.levels; table !== undefined; level--) {
    const entries = level === paging.levels ? paging.rootEntries : paging.entries;
    const index = Math.floor(page / 2 ** (paging.shifts[level]! - 12));
    const word = shadow.tables.word(table, ((index % entries) + entries) % entries);
    const lo = machine.ram[word]!;
    if ((lo & P) === 0) return undefined;
    if (level === 1) return false;
    if ((lo & PS) !== 0) return true;
    table = [...shadow.tables.all].find(({ parents }) => parents.has(word));
  }
  return undefined;
}

function audit({ vcpu, kernel }: LabGuest): void {
  const spaces = kernel.processes.map(({ root }) => ({ root, isRunning: root === kernel.current.root }));
  auditShadow(vcpu as ShadowVcpu, spaces);
}

describe.each(["pae", "4-level", "5-level"] as const)("%s", (paging) => {
  it("splits a large page when a table comes to lie in it, and merges it when the last is gone", () => {
    const guest = boot(paging, 9);
    const { kernel, vcpu, machine } = guest;
    const { events } = machine.counters;
    kernel.switchTo(kernel.spawn());
    const at = kernel.layout.directMap + SECOND * 4096;
    vcpu.touch(at, true);
    expect(isMappedLarge(guest, SECOND)).toBe(true);

    // The next table frames are in the second 2 MiB.
    while (kernel.tableFrames.allocate() < SECOND - 1);
    const start = kernel.mmap(4096, { populate: true });
    kernel.user(Int32Array.of(start | 1, 0), 1);
    audit(guest);
    vcpu.touch(at + 4096 * 100, true);
    expect(isMappedLarge(guest, SECOND + 100)).toBe(false);
    expect(events[EVENT.shadow_large_split]).toBeGreaterThan(0);
    audit(guest);

    // All shadows of tables in there go: the page is whole again, and mapped so at the next touch.
    const merged = events[EVENT.shadow_large_merged]!;
    const { tables } = vcpu as ShadowVcpu;
    for (const table of [...tables.all]) if (!table.isSplit && table.gfn >= 512) tables.drop(table);
    expect(events[EVENT.shadow_large_merged]).toBeGreaterThan(merged);
    vcpu.touch(at, true);
    expect(isMappedLarge(guest, SECOND)).toBe(true);
    audit(guest);
  });

  it("maps in small pieces where the host's pages are small", () => {
    const guest = boot(paging, 0);
    guest.kernel.switchTo(guest.kernel.spawn());
    guest.vcpu.touch(guest.kernel.layout.directMap + SECOND * 4096, true);
    expect(isMappedLarge(guest, SECOND)).toBe(false);
    audit(guest);
  });
});
