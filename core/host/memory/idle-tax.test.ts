import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { type MemoryClient, priceOf, revoke } from "./idle-tax.js";

const client = (active: number, shares = 1000): MemoryClient => ({
  shares,
  pages: 65_536,
  active,
  available: 65_536,
});

describe("the idle-memory tax", () => {
  it("makes an idle client pay 1 / (1 − τ) times as little for a page", () => {
    const [busy, idle] = [priceOf(client(1), 65_536, 0.75), priceOf(client(0), 65_536, 0.75)];
    expect(busy / idle).toBeCloseTo(4, 12);
    expect(priceOf(client(0), 65_536, 0)).toBe(priceOf(client(1), 65_536, 0));
  });

  it("takes from the idle one of two with equal shares, and without a tax from both alike", () => {
    // Two VMs of 256 MiB with equal shares, one idle (Waldspurger, OSDI 2002, 5.4): at 75% the busy one keeps its memory.
    const clients = [client(0.95), client(0.02)];
    expect(revoke(clients, 20_000, 0.75, 256)).toEqual([0, 20_000]);
    const [a, b] = revoke(clients, 20_000, 0, 256);
    expect(Math.abs(a! - b!)).toBeLessThanOrEqual(256);
  });

  it("takes from who has fewer shares", () => {
    const [a, b] = revoke([client(0.5, 3000), client(0.5, 1000)], 30_000, 0.75, 256);
    expect(b).toBeGreaterThan(a!);
  });

  it("takes what is wanted, or all that there is, and from nobody more than can be taken", () => {
    const clients = fc.array(
      fc.record({
        shares: fc.integer({ min: 1, max: 5000 }),
        pages: fc.integer({ min: 1, max: 10_000 }),
        active: fc.double({ min: 0, max: 1, noNaN: true }),
        available: fc.nat(5000),
      }),
      { minLength: 1, maxLength: 6 },
    );
    fc.assert(
      fc.property(
        clients,
        fc.nat(20_000),
        fc.double({ min: 0, max: 0.95, noNaN: true }),
        (drawn, wanted, tax) => {
          const all = drawn.map((each) => ({ ...each, available: Math.min(each.available, each.pages) }));
          const taken = revoke(all, wanted, tax, 128);
          const available = all.reduce((sum, each) => sum + each.available, 0);
          expect(taken.reduce((sum, pages) => sum + pages, 0)).toBe(Math.min(wanted, available));
          for (const [index, pages] of taken.entries())
            expect(pages).toBeLessThanOrEqual(all[index]!.available);
        },
      ),
    );
  });
});
