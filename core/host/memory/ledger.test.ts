import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { type AreaKind, UNIQUE, ZERO } from "../contracts.js";
import { EventQueue } from "../event-queue.js";
import { HostMemory } from "./ledger.js";
import { SharingScanner } from "./sharing.js";
import { ledgerOf } from "./snapshot.js";

const KINDS: readonly AreaKind[] = [
  "anonymous",
  "guest",
  "services",
  "guest-system",
  "file",
  "kernel",
  "tables",
  "monitor",
];

/** One random operation, as numbers that are taken modulo what there is. */
const operation = fc.record({
  what: fc.integer({ min: 0, max: 9 }),
  which: fc.nat(1000),
  first: fc.nat(5000),
  pages: fc.integer({ min: 1, max: 3000 }),
  flag: fc.boolean(),
});
type Operation = { what: number; which: number; first: number; pages: number; flag: boolean };

/** Applies random operations, and looks at the whole ledger after each. */
class RandomHost {
  readonly clock = new EventQueue();
  readonly memory: HostMemory;
  readonly scanner: SharingScanner;
  readonly cache: number;
  private owners: number[] = [];
  private areas: { id: number; owner: number; pages: number; isFile: boolean }[] = [];

  constructor(frames: number, swapPages: number) {
    this.memory = new HostMemory(this.clock, { frames, swapPages });
    this.scanner = new SharingScanner(this.memory);
    this.cache = this.memory.addOwner();
  }

  apply({ what, which, first, pages, flag }: Operation): void {
    const { memory } = this;
    this.clock.runUntil(this.clock.now + 1000);
    const owner = this.owners[which % this.owners.length];
    const area = this.areas[which % this.areas.length];
    if (what === 0 || owner === undefined) {
      this.owners.push(memory.addOwner(flag ? owner : undefined));
    } else if (what <= 2 || area === undefined) this.addArea(owner, which, pages, flag);
    else if (what === 6) memory.touchSome(area.id, pages, flag, (first % 97) / 97);
    else if (what <= 5) {
      const from = first % area.pages;
      const faults = memory.touch(area.id, from, Math.min(pages, area.pages - from), flag);
      const counts = [faults.minor, faults.fileReads, faults.swapReads, faults.copies];
      for (const count of counts) expect(count).toBeGreaterThanOrEqual(0);
    } else if (what === 7) {
      const from = first % area.pages;
      memory.release(area.id, from, Math.min(pages, area.pages - from));
    } else if (what === 8) this.scanner.scan(pages);
    else if (flag) memory.limit(owner, { maximum: 500 + pages, soft: pages });
    else this.removeOwner(owner);
  }

  private addArea(owner: number, which: number, pages: number, flag: boolean): void {
    const kind = KINDS[which % KINDS.length]!;
    const content = [UNIQUE, ZERO, 2, 700][which % 4]!;
    const isFile = kind === "file";
    const spec = { owner: isFile ? this.cache : owner, kind, pages, content, isMergeable: !isFile };
    const id = this.memory.addArea({ ...spec, isHuge: flag });
    if (isFile) this.memory.mapFile(owner, id);
    this.areas.push({ id, owner: spec.owner, pages, isFile });
  }

  private removeOwner(owner: number): void {
    if (this.memory.owners.firstChild[owner] !== -1) return;
    this.memory.removeOwner(owner);
    this.owners = this.owners.filter((other) => other !== owner);
    this.areas = this.areas.filter((area) => area.owner !== owner);
  }
}

describe("the memory ledger", () => {
  it("balances after every operation: each frame in one entry, nothing negative", () => {
    fc.assert(
      fc.property(fc.array(operation, { maxLength: 120 }), fc.boolean(), (operations, hasSwap) => {
        const host = new RandomHost(6000, hasSwap ? 2500 : 0);
        for (const each of operations) {
          host.apply(each);
          const { categories, duplicate } = ledgerOf(host.memory);
          for (const frames of [...Object.values(categories), duplicate])
            expect(frames).toBeGreaterThanOrEqual(0);
        }
      }),
      { numRuns: 200 },
    );
  });

  it("charges what is resident, to the owner and to all above it", () => {
    const memory = new HostMemory(new EventQueue(), { frames: 1000 });
    const parent = memory.addOwner();
    const [a, b] = [memory.addOwner(parent), memory.addOwner(parent)];
    memory.touch(memory.addArea({ owner: a, kind: "anonymous", pages: 100 }), 0, 60, true);
    memory.touch(memory.addArea({ owner: b, kind: "kernel", pages: 50 }), 0, 50, true);
    expect([a, b, parent].map((owner) => memory.residentOf(owner))).toEqual([60, 50, 110]);
    memory.removeOwner(a);
    expect([memory.residentOf(parent), memory.framesFree]).toEqual([50, 950]);
  });

  it("reads a file once, however many map it, and keeps it when they are gone", () => {
    const memory = new HostMemory(new EventQueue(), { frames: 1000 });
    const cache = memory.addOwner();
    const file = memory.addArea({ owner: cache, kind: "file", pages: 200, content: 2 });
    const [a, b] = [memory.addOwner(), memory.addOwner()];
    memory.mapFile(a, file);
    memory.mapFile(b, file);
    expect(memory.touch(file, 0, 200, false, a).fileReads).toBe(200);
    expect(memory.touch(file, 0, 200, false, b).fileReads).toBe(0);
    expect(ledgerOf(memory).categories).toMatchObject({ free: 800, fileShared: 200 });
    memory.removeOwner(a);
    expect(ledgerOf(memory).categories.filePrivate).toBe(200);
    memory.removeOwner(b);
    expect(ledgerOf(memory).categories.fileUnmapped).toBe(200);
    expect(memory.residentOf(cache)).toBe(200);
  });

  it("reclaims what was not used for longest, drops files, and swaps the rest", () => {
    const clock = new EventQueue();
    const memory = new HostMemory(clock, { frames: 1000, swapPages: 1000, swappiness: 100 });
    const owner = memory.addOwner();
    const area = (kind: AreaKind, pages: number): number => {
      clock.runUntil(clock.now + 1000);
      const id = memory.addArea({ owner, kind, pages });
      expect(memory.touch(id, 0, pages, true).isSatisfied).toBe(true);
      return id;
    };
    const [old, middle] = [area("anonymous", 400), area("anonymous", 400)];
    clock.runUntil(clock.now + 1000);
    memory.touch(old, 0, 400, true); // now the younger of the two
    area("anonymous", 500);
    expect([memory.areas.swapped[old], memory.areas.swapped[middle]]).toEqual([0, 300]);
    expect(memory.touch(middle, 0, 400, false).swapReads).toBe(300);
    expect(ledgerOf(memory).swapped).toBe(300);
  });

  it("says when memory is used up", () => {
    const memory = new HostMemory(new EventQueue(), { frames: 1000 });
    const owner = memory.addOwner();
    const area = memory.addArea({ owner, kind: "anonymous", pages: 5000 });
    expect(memory.touch(area, 0, 5000, true).isSatisfied).toBe(false);
    const limited = memory.addOwner();
    memory.release(area, 0, 5000);
    memory.limit(limited, { maximum: 100 });
    const small = memory.addArea({ owner: limited, kind: "anonymous", pages: 200 });
    expect(memory.touch(small, 0, 100, true).isSatisfied).toBe(true);
    expect(memory.touch(small, 100, 1, true).isSatisfied).toBe(false);
    ledgerOf(memory);
  });

  it("backs a huge area by whole huge pages", () => {
    const memory = new HostMemory(new EventQueue(), { frames: 5000 });
    const area = memory.addArea({ owner: memory.addOwner(), kind: "guest", pages: 1300, isHuge: true });
    expect(memory.touch(area, 600, 1, true).minor).toBe(512);
    expect(memory.touch(area, 1299, 1, true).minor).toBe(1300 - 1024);
  });
});

describe("the sharing scanner", () => {
  it("merges equal pages after two rounds, copies what is written, and frees the last", () => {
    const memory = new HostMemory(new EventQueue(), { frames: 10_000 });
    const scanner = new SharingScanner(memory);
    const guests = [0, 1, 2].map(() => {
      const owner = memory.addOwner();
      const spec = { owner, kind: "guest", pages: 1000, isMergeable: true } as const;
      const area = memory.addArea({ ...spec, content: 2 });
      memory.touch(area, 0, 1000, false);
      return { owner, area };
    });
    expect(ledgerOf(memory).duplicate).toBe(2000);
    scanner.scan(3000); // first sight: nothing is known to be unchanged yet
    expect(memory.shared.frames).toBe(0);
    scanner.scan(1000); // the first guest's pages are candidates
    expect(memory.shared.frames).toBe(0);
    scanner.scan(2000);
    expect(ledgerOf(memory)).toMatchObject({ duplicate: 0, mergedPages: 3000 });
    expect(memory.framesFree).toBe(9000);
    expect(memory.touch(guests[0]!.area, 0, 10, true).copies).toBe(10);
    expect(memory.framesFree).toBe(8990);
    for (const { owner } of guests) memory.removeOwner(owner);
    expect([memory.shared.frames, memory.framesFree]).toEqual([0, 10_000]);
  });

  it("never finds pages of different contents equal, and saves what duplicates there are", () => {
    const memory = new HostMemory(new EventQueue(), { frames: 20_000 });
    const scanner = new SharingScanner(memory);
    [2, 2, 502, 5000, UNIQUE, ZERO].forEach((content) => {
      const owner = memory.addOwner();
      const spec = { owner, kind: "guest", pages: 1000, content, isMergeable: true } as const;
      memory.touch(memory.addArea(spec), 0, 1000, false);
    });
    const { duplicate } = ledgerOf(memory);
    expect(duplicate).toBe(1000 + 500 + 999); // the twin, the overlap of the third, zero pages but one
    for (let i = 0; i < 40; i++) scanner.scan(700);
    expect(20_000 - memory.framesFree).toBe(6000 - duplicate);
    expect(ledgerOf(memory).duplicate).toBe(0);
  });
});
