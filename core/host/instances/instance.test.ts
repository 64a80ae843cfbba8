/** Instances of every technology come, work, are scanned and go: the ledger balances, and gives back what they had. */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { findProfile } from "../../events/profiles/index.js";
import { GIB } from "../../util/units.js";
import { findApplication } from "../applications/index.js";
import { Host } from "../host.js";
import { ledgerOf } from "../memory/snapshot.js";
import { Instance } from "./instance.js";
import { findTechnology, TECHNOLOGIES } from "./technologies.js";

const hostOf = (memory: number, swap: number): Host =>
  new Host({
    profile: findProfile("skylake-2015")!,
    memory,
    swap,
    processors: 2,
    threadsPerCore: 1,
    scheduler: "fair",
    disk: "nvme",
    linkBandwidth: 1e9,
  });

const step = fc.record({
  what: fc.integer({ min: 0, max: 4 }),
  which: fc.nat(100),
  application: fc.constantFrom("idle", "web-server", "database"),
  isRestored: fc.boolean(),
  isHuge: fc.boolean(),
});

describe("instances", () => {
  it("of any technology leave a ledger that balances, and take nothing with them", () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 25 }), fc.boolean(), (steps, hasSwap) => {
        const host = hostOf(2 * GIB, hasSwap ? GIB : 0);
        const { memory } = host;
        let instances: Instance[] = [];
        for (const { what, which, application, isRestored, isHuge } of steps) {
          const technology = TECHNOLOGIES[which % TECHNOLOGIES.length]!;
          const old = instances[which % Math.max(1, instances.length)];
          const options = { image: which % 2, isMergeable: true, isHuge, isRestored, cacheFill: 0.5 };
          if (what <= 1)
            instances.push(new Instance(host, findApplication(application)!, technology, options));
          else if (what === 2) host.scanner.scan(50_000);
          else if (what === 3 && old?.hot !== undefined) memory.touchSome(old.hot, 100, true, 0.5, old.owner);
          else if (old !== undefined) {
            old.stop();
            instances = instances.filter((instance) => instance !== old);
          }
          host.clock.runUntil(host.clock.now + 1e6);
          for (const frames of Object.values(ledgerOf(memory).categories))
            expect(frames).toBeGreaterThanOrEqual(0);
        }
        for (const instance of instances) instance.stop();
        const { categories, swapped } = ledgerOf(memory);
        const { anonymous, guest, guestSystem, fileShared, filePrivate, monitor, tables, merged } =
          categories;
        expect(guest + guestSystem + fileShared + filePrivate + monitor + tables + merged).toBe(0);
        expect(memory.framesTotal - categories.free - categories.fileUnmapped).toBe(
          categories.kernel + anonymous, // the host's own
        );
        if (!hasSwap) expect(swapped).toBe(0);
      }),
      { numRuns: 40 },
    );
  });

  it("that go on from one snapshot share what they read, and own what they write", () => {
    const host = hostOf(4 * GIB, 0);
    const free = (): number => host.memory.framesFree;
    const add = (isRestored: boolean): number => {
      const before = free();
      const options = { image: 0, isMergeable: false, isHuge: false, isRestored };
      new Instance(host, findApplication("web-server")!, findTechnology("microvm")!, options);
      return before - free();
    };
    const [first, second, third, booted] = [add(true), add(true), add(true), add(false)];
    expect(second).toBeLessThan(first!);
    expect(third).toBe(second);
    expect(booted).toBeGreaterThan(4 * second!);
  });
});
