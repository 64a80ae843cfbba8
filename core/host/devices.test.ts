import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { QueuedDevice } from "./block-device.js";
import { EventQueue } from "./event-queue.js";
import { FluidNetwork } from "./network.js";

const MEGABYTE = 1e6;
const DISK = {
  readLatency: 100_000,
  writeLatency: 50_000,
  readBandwidth: 500 * MEGABYTE,
  writeBandwidth: 250 * MEGABYTE,
  channels: 4,
};

describe("a block device", () => {
  it("takes a latency, or the time of the bytes where that is longer", () => {
    const clock = new EventQueue();
    const device = new QueuedDevice(clock, DISK);
    const ends: number[] = [];
    device.submit(0, 4096, false, () => ends.push(clock.now), 0);
    clock.runUntil(1e9);
    device.submit(0, 5 * MEGABYTE, false, () => ends.push(clock.now), 0);
    clock.runUntil(2e9);
    expect(ends).toEqual([100_000, 1e9 + 10_000_000]);
  });

  it("is never faster than its bandwidth, and forgets no request", () => {
    const requests = fc.array(fc.record({ bytes: fc.integer({ min: 1, max: 1e6 }), owner: fc.nat(3) }), {
      minLength: 1,
      maxLength: 60,
    });
    fc.assert(
      fc.property(requests, (all) => {
        const clock = new EventQueue();
        const device = new QueuedDevice(clock, DISK);
        let last = 0;
        let done = 0;
        all.forEach(({ bytes, owner }) => {
          const finish = (): void => {
            done++;
            last = clock.now;
          };
          device.submit(owner, bytes, false, finish, 0);
        });
        clock.runUntil(1e12);
        const bytes = all.reduce((sum, each) => sum + each.bytes, 0);
        expect(done).toBe(all.length);
        expect(last).toBeGreaterThanOrEqual(Math.floor(bytes * (1e9 / DISK.readBandwidth)));
        expect([device.queued, device.served.readBytes]).toEqual([0, bytes]);
      }),
    );
  });

  /** Bytes that two owners got in a second, each always having eight requests waiting. */
  function contested(prepare: (device: QueuedDevice) => void): number[] {
    const clock = new EventQueue();
    const device = new QueuedDevice(clock, DISK);
    prepare(device);
    const got = [0, 0];
    const again = (owner: number): void => {
      got[owner]! += 1e5;
      device.submit(owner, 1e5, false, again, owner);
    };
    for (let i = 0; i < 16; i++) device.submit(i % 2, 1e5, false, again, i % 2);
    clock.runUntil(1e9);
    return got;
  }

  it("shares bandwidth by weight", () => {
    const [a, b] = contested((device) => {
      device.weigh(0, 300);
      device.weigh(1, 100);
    });
    expect(a! / b!).toBeGreaterThan(2.8);
    expect(a! / b!).toBeLessThan(3.2);
  });

  it("holds an owner to its limits", () => {
    const [a, b] = contested((device) => device.throttle(0, { bytesPerSecond: 50 * MEGABYTE }));
    expect(a! / 1e6).toBeCloseTo(50, 0);
    expect(b! / 1e6).toBeGreaterThan(440);
    const [c] = contested((device) => device.throttle(0, { operationsPerSecond: 100 }));
    expect(c! / 1e5).toBeCloseTo(100, -1);
  });
});

describe("a network", () => {
  const arrivals = (setUp: (network: FluidNetwork, arrived: (flow: number) => void) => void): number[] => {
    const clock = new EventQueue();
    const times: number[] = [];
    setUp(new FluidNetwork(clock), (flow) => {
      times[flow] = clock.now;
    });
    clock.runUntil(1e12);
    return times;
  };

  it("gives the flows of a link equal shares", () => {
    const times = arrivals((network, arrived) => {
      const link = network.addLink(100 * MEGABYTE, 1000);
      network.transfer([link], 50 * MEGABYTE, arrived, 0);
      network.transfer([link], 25 * MEGABYTE, arrived, 1);
    });
    expect(times).toEqual([750_001_000, 500_001_000]);
  });

  it("is max-min fair over several links: what one flow cannot use, others get", () => {
    const times = arrivals((network, arrived) => {
      const [wide, narrow] = [network.addLink(100 * MEGABYTE, 0), network.addLink(20 * MEGABYTE, 0)];
      network.transfer([wide, narrow], 20 * MEGABYTE, arrived, 0);
      network.transfer([wide], 80 * MEGABYTE, arrived, 1);
    });
    expect(times).toEqual([1e9, 1e9]);
  });

  it("delivers every flow, and no sooner than its links allow", () => {
    const flows = fc.array(fc.integer({ min: 1, max: 1e6 }), { minLength: 1, maxLength: 40 });
    fc.assert(
      fc.property(flows, (sizes) => {
        const times = arrivals((network, arrived) => {
          const link = network.addLink(10 * MEGABYTE, 500);
          for (const [index, bytes] of sizes.entries()) network.transfer([link], bytes, arrived, index);
        });
        const total = sizes.reduce((sum, bytes) => sum + bytes, 0);
        expect(times.filter(Number.isFinite)).toHaveLength(sizes.length);
        const expected = total * 100 + 500; // nanoseconds: each rate change rounds up by less than one
        expect(Math.max(...times)).toBeGreaterThanOrEqual(Math.floor(expected) - 1);
        expect(Math.max(...times)).toBeLessThanOrEqual(expected + 2 * sizes.length + 2);
      }),
    );
  });
});
