import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { findProfile } from "../../events/profiles/index.js";
import { Host } from "../../host/host.js";
import { GIB, MIB } from "../../util/units.js";
import { applyLimits, checkLimits, fromLegacy, groupOf } from "./control-groups.js";
import { FIRST_FIVE, NAMESPACE_NAMES, type NamespaceName, NamespaceWorld } from "./namespaces.js";

describe("namespaces", () => {
  it("hide of each kind what is in another, and nothing else", () => {
    for (const kind of NAMESPACE_NAMES) {
      const world = new NamespaceWorld();
      const [a, b] = [world.clone(world.init, [kind]), world.clone(world.init, [kind])];
      const seen = NAMESPACE_NAMES.filter((each) => world.sees(a, b, each));
      expect(seen).toEqual(NAMESPACE_NAMES.filter((each) => each !== kind));
    }
  });

  it("show the processes of descendants to the host, and not the other way round", () => {
    const world = new NamespaceWorld();
    const container = world.clone(world.init, FIRST_FIVE);
    const inner = world.clone(container, ["pid"]);
    expect([world.sees(world.init, inner, "pid"), world.sees(inner, world.init, "pid")]).toEqual([
      true,
      false,
    ]);
    expect([world.sees(container, inner, "pid"), world.sees(world.init, container, "net")]).toEqual([
      true,
      false,
    ]);
  });

  it("are seen by those inside, whoever made them, and both ways alike but for trees", () => {
    const births = fc.array(
      fc.record({ parent: fc.nat(), anew: fc.subarray([...NAMESPACE_NAMES] as NamespaceName[]) }),
      { maxLength: 20 },
    );
    fc.assert(
      fc.property(births, (all) => {
        const world = new NamespaceWorld();
        for (const { parent, anew } of all) world.clone(parent % world.processes, anew);
        for (let a = 0; a < world.processes; a++) {
          for (const kind of NAMESPACE_NAMES) expect(world.sees(a, a, kind)).toBe(true);
          for (let b = 0; b < world.processes; b++) {
            expect(world.sees(a, b, "net")).toBe(world.sees(b, a, "net"));
            if (world.sees(a, b, "pid") && world.sees(b, a, "pid"))
              for (let c = 0; c < world.processes; c++)
                expect(world.sees(a, c, "pid")).toBe(world.sees(b, c, "pid"));
          }
        }
      }),
      { numRuns: 50 },
    );
  });
});

describe("control groups", () => {
  const HOST = { processors: 4, memory: 8 * GIB };

  it("translate version 1's scales to version 2's, ends to ends and upwards", () => {
    const weight = (shares: number): number => fromLegacy({ shares }).cpuWeight!;
    expect([weight(2), weight(1024), weight(262_144)]).toEqual([1, 39, 10_000]);
    expect(fromLegacy({ blockWeight: 1000 }).ioWeight).toBe(10_000);
    expect(fromLegacy({ quota: -1, memory: MIB, memoryAndSwap: 3 * MIB })).toEqual({
      memoryMaximum: MIB,
      swapMaximum: 2 * MIB,
    });
    fc.assert(
      fc.property(fc.integer({ min: 2, max: 262_143 }), (shares) => {
        expect(weight(shares + 1)).toBeGreaterThanOrEqual(weight(shares));
      }),
    );
  });

  it.each([
    [{ cpuQuota: 500_000 }, "cpu.max asks for 5 processors of 4"],
    [{ cpuWeight: -3 }, "cpu.weight is -3"],
    [{ processors: [1, 4] }, "cpuset.cpus names processor 4"],
    [{ processors: [] }, "cpuset.cpus is empty"],
    [{ memoryMaximum: 16 * GIB }, "memory.max is 16 GiB"],
    [{ memoryMaximum: GIB, memoryHigh: 2 * GIB }, "memory.high is above memory.max"],
    [{ pids: -1 }, "pids.max is -1"],
  ])("refuses %j: %s", (limits, message) => {
    expect(() => checkLimits(limits, HOST)).toThrow(message);
  });

  it("refuses a negative share of version 1", () => {
    expect(() => fromLegacy({ shares: -1 })).toThrow("cpu.shares is -1");
  });

  it("hold a tenant's memory to its limit", () => {
    const host = new Host({
      profile: findProfile("skylake-2015")!,
      memory: 2 * GIB,
      swap: GIB,
      processors: 2,
      threadsPerCore: 1,
      scheduler: "fair",
      disk: "nvme",
      linkBandwidth: 1e9,
    });
    const owner = host.memory.addOwner();
    applyLimits(host, owner, { memoryMaximum: 4 * MIB });
    const area = host.memory.addArea({ owner, kind: "anonymous", pages: 4096 });
    host.memory.touch(area, 0, 4096, true);
    expect(host.memory.residentOf(owner)).toBeLessThanOrEqual(1024);
    expect(groupOf({ cpuQuota: 50_000 })).toEqual({ quota: 0.5, period: 1e8 });
  });
});
