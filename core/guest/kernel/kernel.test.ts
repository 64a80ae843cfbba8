import { describe, expect, it } from "vitest";
import { CYCLES } from "../../events/categories.js";
import { EVENT } from "../../events/events.js";
import { A, D, RW } from "../../machine/mmu/entry.js";
import type { PageSizeName } from "../../util/units.js";
import { audit, mappedPages, tableCount } from "../testing/audit.js";
import {
  batchOf,
  bootGuest,
  FORMATS,
  reach,
  type TestGuest,
  type TestGuestOptions,
} from "../testing/guests.js";

const KINDS: [string, TestGuestOptions][] = [
  ["native", {}],
  ["pcid", { pcid: true }],
  ["xen", { xen: true }],
];
const EVERY = FORMATS.flatMap((format) => KINDS.map(([kind, options]) => [format, kind, options] as const));

function start(guest: TestGuest): TestGuest {
  guest.kernel.switchTo(guest.kernel.spawn());
  return guest;
}

describe.each(EVERY)("%s, %s", (format, _kind, options) => {
  const boot = (): TestGuest => start(bootGuest(format, options));

  it("maps a page on first touch, and only that page", () => {
    const guest = boot();
    const va = guest.kernel.mmap(64 * 1024);
    expect(guest.kernel.dataFrames.inUse).toBe(0);
    const frame = reach(guest, va + 8192);
    expect(guest.kernel.dataFrames.inUse).toBe(1);
    expect(reach(guest, va + 8192, 1)).toBe(frame);
    expect(guest.cpu.counters.events[EVENT.guest_page_faults]).toBe(1);
    expect(guest.cpu.counters.events[EVENT.guest_zeroed]).toBe(1);
    expect(mappedPages(guest.kernel, guest.cpu).map(({ flags }) => flags & (A | D | RW))).toEqual([
      A | D | RW,
    ]);
    audit(guest.kernel, guest.cpu);
  });

  it("keeps a forked child's writes from its parent, and the reverse", () => {
    const guest = boot();
    const { kernel } = guest;
    const parent = kernel.current;
    const va = kernel.mmap(16 * 4096, { populate: true });
    const before = [0, 1, 2].map((page) => reach(guest, va + page * 4096, 1));
    const child = kernel.fork();
    kernel.switchTo(child);
    expect(reach(guest, va)).toBe(before[0]);
    const written = reach(guest, va, 1);
    expect(written).not.toBe(before[0]);
    kernel.switchTo(parent);
    expect(reach(guest, va)).toBe(before[0]);
    expect(reach(guest, va + 4096, 1)).not.toBe(before[1]);
    audit(kernel, guest.cpu);
    kernel.switchTo(child);
    expect(reach(guest, va)).toBe(written);
    expect(reach(guest, va + 4096, 1)).toBe(before[1]); // the last owner takes the page over
    expect(guest.cpu.counters.events[EVENT.guest_copies]).toBe(2);
    audit(kernel, guest.cpu);
  });

  it("frees every frame and table of an ended process", () => {
    const guest = boot();
    const { kernel, cpu } = guest;
    const parent = kernel.current;
    const va = kernel.mmap(600 * 4096, { populate: true });
    const tables = kernel.tablesInUse;
    for (let round = 0; round < 3; round++) {
      const child = kernel.fork();
      kernel.switchTo(child);
      const own = kernel.mmap(40 * 4096);
      for (let page = 0; page < 40; page++) reach(guest, own + page * 4096, 1);
      for (let page = 0; page < 600; page += 7) reach(guest, va + page * 4096, 1);
      kernel.exit(child);
      kernel.switchTo(parent);
      expect(kernel.dataFrames.inUse).toBe(600);
      expect(kernel.tablesInUse).toBe(tables);
    }
    audit(kernel, cpu);
    kernel.exit(parent);
    expect(kernel.dataFrames.inUse).toBe(0);
    expect(tableCount(kernel, cpu)).toBe(0);
  });

  it("unmaps: frames and empty tables come back, the addresses fault", () => {
    const guest = boot();
    const { kernel, cpu } = guest;
    const tables = kernel.tablesInUse;
    const va = kernel.mmap(100 * 4096, { populate: true });
    const kept = kernel.mmap(4096, { populate: true });
    reach(guest, va + 4096);
    kernel.munmap(va, 60 * 4096);
    expect(kernel.dataFrames.inUse).toBe(41);
    audit(kernel, cpu);
    expect(() => reach(guest, va + 4096)).toThrow(/segmentation fault: read of/);
    reach(guest, va + 60 * 4096);
    kernel.munmap(va + 60 * 4096, 40 * 4096);
    kernel.munmap(kept, 4096);
    expect(kernel.dataFrames.inUse).toBe(0);
    expect(kernel.tablesInUse).toBe(tables);
  });

  it("protects: writes fault for good, and are possible again when allowed again", () => {
    const guest = boot();
    const { kernel } = guest;
    const va = kernel.mmap(8 * 4096, { populate: true });
    const frame = reach(guest, va, 1);
    kernel.protect(va, 4096, false);
    expect(reach(guest, va)).toBe(frame);
    expect(() => reach(guest, va, 1)).toThrow(/segmentation fault: write to/);
    reach(guest, va + 4096, 1);
    const child = kernel.fork();
    kernel.protect(va, 4096, true);
    expect(reach(guest, va, 1)).not.toBe(frame);
    kernel.switchTo(child);
    expect(reach(guest, va)).toBe(frame);
    expect(() => reach(guest, va, 1)).toThrow(/segmentation fault/);
    audit(kernel, guest.cpu);
  });

  it("finds the pages touched since the last scan", () => {
    const guest = boot();
    const { kernel } = guest;
    const va = kernel.mmap(32 * 4096, { populate: true });
    expect(kernel.scanAccessed(kernel.current)).toBe(32);
    for (const page of [3, 9, 27]) reach(guest, va + page * 4096);
    expect(kernel.scanAccessed(kernel.current)).toBe(3);
    expect(kernel.scanAccessed(kernel.current)).toBe(0);
  });

  it("runs more processes than there are PCIDs in turn", () => {
    const guest = boot();
    const { kernel } = guest;
    const processes = [kernel.current, ...Array.from({ length: 9 }, () => kernel.spawn())];
    const frames = processes.map((process) => {
      kernel.switchTo(process);
      return reach(guest, kernel.mmap(4096), 1);
    });
    expect(new Set(frames).size).toBe(10);
    for (const turn of [0, 3, 9, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 1]) {
      kernel.switchTo(processes[turn]!);
      expect(reach(guest, kernel.layout.userStart)).toBe(frames[turn]);
    }
  });
});

describe("large pages", () => {
  const CASES: [(typeof FORMATS)[number], PageSizeName, number][] = [
    ["32-bit", "4M", 1024],
    ["pae", "2M", 512],
    ["4-level", "2M", 512],
    ["5-level", "2M", 512],
  ];

  it.each(CASES)("%s maps, copies and frees %s pages", (format, page, frames) => {
    const guest = start(bootGuest(format));
    const { kernel, cpu } = guest;
    const tables = kernel.tablesInUse;
    const va = kernel.mmap(3 * frames * 4096, { page });
    const frame = reach(guest, va + 5 * 4096, 1);
    expect(frame % frames).toBe(5);
    expect(kernel.dataFrames.inUse).toBe(frames);
    const child = kernel.fork();
    expect(reach(guest, va + 4096)).toBe(frame - 4);
    const copy = reach(guest, va + 5 * 4096, 1);
    expect(copy).not.toBe(frame);
    expect(reach(guest, va + 4096)).toBe(copy - 4);
    expect(kernel.dataFrames.inUse).toBe(2 * frames);
    audit(kernel, cpu);
    kernel.exit(child);
    kernel.munmap(va, 3 * frames * 4096);
    expect(kernel.dataFrames.inUse).toBe(0);
    expect(kernel.tablesInUse).toBe(tables);
    expect(cpu.counters.events[EVENT.guest_copies]).toBe(1);
  });

  it("maps 1G pages where the CPU has them", () => {
    const guest = start(bootGuest("4-level", { page1G: true, dataFrames: 3 * 262_144 }));
    const va = guest.kernel.mmap(1, { page: "1G" });
    expect(reach(guest, va + 0x2345_6000, 1) % 262_144).toBe(0x23456);
    expect(() => start(bootGuest("4-level")).kernel.mmap(1, { page: "1G" })).toThrow(/no 1G pages/);
    expect(() => start(bootGuest("pae")).kernel.mmap(1, { page: "4M" })).toThrow(/pae tables have no 4M/);
    expect(() => start(bootGuest("4-level", { xen: true })).kernel.mmap(1, { page: "2M" })).toThrow(
      /only 4K/,
    );
  });
});

describe("accounting", () => {
  it("charges a demand-zero fault: delivery, handler, allocation and zeroing", () => {
    const guest = start(bootGuest("4-level"));
    const va = guest.kernel.mmap(2 * 4096);
    reach(guest, va, 1);
    const { cycles } = guest.cpu.counters;
    guest.cpu.counters.reset();
    reach(guest, va + 4096, 1);
    const { costs } = guest.cpu;
    expect(cycles[CYCLES.guest_fault]).toBe(costs.exception);
    expect(cycles[CYCLES.guest_kernel]).toBe(
      costs.kernel_fault + costs.kernel_allocate_page + costs.kernel_zero_page,
    );
  });

  it("has Xen validate batches, not single updates, when it unmaps", () => {
    const guest = start(bootGuest("4-level", { xen: true }));
    const va = guest.kernel.mmap(64 * 4096, { populate: true });
    const { updates, batches } = guest.xen!;
    guest.kernel.munmap(va, 64 * 4096);
    expect(guest.xen!.updates - updates).toBe(64 + 3);
    expect(guest.xen!.batches - batches).toBe(2 + 3);
  });

  it("leaves only the kernel's tables validated when the last process has ended", () => {
    const guest = bootGuest("4-level", { xen: true });
    const before = guest.xen!.validated;
    const process = guest.kernel.spawn();
    guest.kernel.switchTo(process);
    guest.kernel.mmap(64 * 4096, { populate: true });
    expect(guest.xen!.validated).toBeGreaterThan(before);
    guest.kernel.exit(process);
    expect(guest.xen!.validated).toBe(before);
  });
});

describe("failures", () => {
  it("says when memory is out", () => {
    const guest = start(bootGuest("4-level", { dataFrames: 10 }));
    expect(() => guest.kernel.mmap(11 * 4096, { populate: true })).toThrow(/guest out of memory: 10 of 10/);
  });

  it("says when addresses are out", () => {
    const guest = start(bootGuest("pae"));
    expect(() => guest.kernel.mmap(4 * 1024 ** 3)).toThrow(/pae addresses cannot map 4 GiB/);
    guest.kernel.mmap(2 * 1024 ** 3);
    expect(() => guest.kernel.mmap(1024 ** 3)).toThrow(/out of addresses/);
  });

  it("refuses writes and fetches that no area allows", () => {
    const guest = start(bootGuest("4-level"));
    const va = guest.kernel.mmap(4096, { writable: false });
    reach(guest, va);
    expect(() => reach(guest, va, 1)).toThrow(/write to/);
    expect(() => reach(guest, va, 2)).toThrow(/fetch from/);
    expect(() => guest.kernel.user(batchOf([guest.kernel.layout.directMap], 0), 1)).toThrow(/read of/);
  });
});
