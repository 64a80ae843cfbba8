/**
 * Whatever a program does, in any order: memory behaves as a plain model of private memory says, every frame
 * and table is accounted for, and no stale translation is ever used (the vcpu remembers all and throws).
 */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { audit } from "../testing/audit.js";
import { bootGuest, FORMATS, reach, type TestGuest } from "../testing/guests.js";
import { GuestFailure } from "./guest-failure.js";
import type { Process } from "./process.js";

type Operation =
  | { readonly kind: "map"; readonly pages: number; readonly large: boolean; readonly populate: boolean }
  | {
      readonly kind: "unmap" | "protect" | "allow";
      readonly at: number;
      readonly skip: number;
      readonly pages: number;
    }
  | { readonly kind: "touch"; readonly at: number; readonly page: number; readonly write: boolean }
  | { readonly kind: "fork" | "scan" }
  | { readonly kind: "switch" | "exit"; readonly which: number };

const small = fc.nat({ max: 40 });
const operation: fc.Arbitrary<Operation> = fc.oneof(
  fc.record({
    kind: fc.constant("map" as const),
    pages: fc.integer({ min: 1, max: 40 }),
    large: fc.boolean(),
    populate: fc.boolean(),
  }),
  {
    arbitrary: fc.record({
      kind: fc.constantFrom("unmap" as const, "protect" as const, "allow" as const),
      at: small,
      skip: small,
      pages: small,
    }),
    weight: 2,
  },
  {
    arbitrary: fc.record({
      kind: fc.constant("touch" as const),
      at: small,
      page: small,
      write: fc.boolean(),
    }),
    weight: 8,
  },
  { arbitrary: fc.record({ kind: fc.constantFrom("fork" as const, "scan" as const) }), weight: 1 },
  {
    arbitrary: fc.record({ kind: fc.constantFrom("switch" as const, "exit" as const), which: small }),
    weight: 2,
  },
);

/**
 * What a process should see at each page it touched: a number that stands for the page's history of writes.
 */
type Contents = Map<number, number>;

class Model {
  /** What each frame holds now, by the number of its last write. */
  private readonly frames = new Map<number, number>();
  private readonly seen = new Map<Process, Contents>();
  private writes = 0;

  constructor(private readonly guest: TestGuest) {}

  start(process: Process, from?: Process): void {
    this.seen.set(process, new Map(from === undefined ? [] : this.seen.get(from)));
  }

  forget(process: Process, start: number, bytes: number): void {
    const contents = this.seen.get(process)!;
    for (const va of contents.keys()) if (va >= start && va < start + bytes) contents.delete(va);
  }

  /** One reference; checks that what it finds is what the process wrote there last. */
  touch(process: Process, va: number, write: boolean): void {
    const contents = this.seen.get(process)!;
    const expected = contents.get(va);
    const frame = reach(this.guest, va, 0);
    if (expected !== undefined) expect(this.frames.get(frame)).toBe(expected);
    if (!write) return;
    const written = reach(this.guest, va, 1);
    this.frames.set(written, ++this.writes);
    contents.set(va, this.writes);
  }
}

function perform(guest: TestGuest, model: Model, op: Operation): void {
  const { kernel } = guest;
  const process = kernel.current;
  const areas = process.areas.list;
  switch (op.kind) {
    case "map": {
      const page = op.large ? (kernel.layout.pageFrames[2] === 1024 ? "4M" : "2M") : "4K";
      const pages = op.large ? Math.ceil(op.pages / 20) : op.pages;
      kernel.mmap(page === "4K" ? pages * 4096 : pages * 2 ** 21, { page, populate: op.populate });
      return;
    }
    case "unmap":
    case "protect":
    case "allow": {
      const area = areas[op.at % Math.max(1, areas.length)];
      if (area === undefined) return;
      const inArea = (area.end - area.start) / area.pageBytes;
      const skip = op.skip % inArea;
      const start = area.start + skip * area.pageBytes;
      const bytes = (1 + (op.pages % (inArea - skip))) * area.pageBytes;
      if (op.kind !== "unmap") kernel.protect(start, bytes, op.kind === "allow");
      else {
        kernel.munmap(start, bytes);
        model.forget(process, start, bytes);
      }
      return;
    }
    case "touch": {
      const area = areas[op.at % Math.max(1, areas.length)];
      if (area === undefined) return;
      const va = area.start + (op.page % ((area.end - area.start) / 4096)) * 4096;
      if (op.write && !area.writable) expect(() => reach(guest, va, 1)).toThrow(GuestFailure);
      else model.touch(process, va, op.write);
      return;
    }
    case "fork":
      if (kernel.processes.length < 9) model.start(kernel.fork(), process);
      return;
    case "scan":
      kernel.scanAccessed(process);
      return;
    case "switch":
      kernel.switchTo(kernel.processes[op.which % kernel.processes.length]!);
      return;
    case "exit":
      if (kernel.processes.length === 1) return;
      kernel.exit(kernel.processes[op.which % kernel.processes.length]!);
      kernel.switchTo(kernel.processes[0]!);
  }
}

const KINDS = [{}, { pcid: true }, { xen: true }];

describe.each(FORMATS)("random operations, %s", (format) => {
  it.each(KINDS)("%o", (options) => {
    fc.assert(
      fc.property(fc.array(operation, { maxLength: 60 }), (operations) => {
        const guest = bootGuest(format, options);
        const { kernel, cpu } = guest;
        const model = new Model(guest);
        const first = kernel.spawn();
        const tables = kernel.tablesInUse;
        model.start(first);
        kernel.switchTo(first);
        for (const op of operations) {
          if (op.kind === "map" && op.large && guest.xen !== undefined) continue;
          perform(guest, model, op);
        }
        audit(kernel, cpu);
        for (const process of kernel.processes.slice(1)) kernel.exit(process);
        kernel.switchTo(kernel.processes[0]!);
        for (const area of [...kernel.current.areas.list]) kernel.munmap(area.start, area.end - area.start);
        expect(kernel.dataFrames.inUse).toBe(0);
        expect(kernel.tablesInUse).toBe(tables);
      }),
      { numRuns: 40, seed: 1 },
    );
  });
});
