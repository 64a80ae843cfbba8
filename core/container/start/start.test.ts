/** Starts as wholes: phases add up, what is shared is fetched once, what only one may do takes its turn. */
import { describe, expect, it } from "vitest";
import { findProfile } from "../../events/profiles/index.js";
import type { ExperimentSetting } from "../../host/experiments/experiment.js";
import { findTechnology, TECHNOLOGIES } from "../../host/instances/technologies.js";
import { defaultOf, type ParameterValue } from "../../util/parameters.js";
import { GIB } from "../../util/units.js";
import { START_TIME } from "../experiments/start-time.js";
import { START_COSTS } from "./costs.js";
import { HostLock } from "./lock.js";
import { START_PHASES } from "./phases.js";

function setting(technology: string, changes: Record<string, ParameterValue>): ExperimentSetting {
  const defaults = Object.entries(START_TIME.parameters).map(([name, spec]) => [
    name,
    defaultOf(spec, "tiny"),
  ]);
  return {
    technology: findTechnology(technology)!,
    profile: findProfile("skylake-2015")!,
    memory: 32 * GIB,
    isHuge: false,
    seed: 1,
    parameters: { ...Object.fromEntries(defaults), image: "base", ...changes },
  };
}

const run = (technology: string, changes: Record<string, ParameterValue> = {}) =>
  START_TIME.run(setting(technology, changes));
const number = (value: number | string | undefined): number => {
  expect(typeof value).toBe("number");
  return value as number;
};

describe("starts", () => {
  it.each(TECHNOLOGIES.map(({ name }) => name))("of a %s: phases add up to the whole", (technology) => {
    for (const imageAt of ["registry", "disk", "memory"]) {
      const values = run(technology, { imageAt, starts: 7 });
      const sum = START_PHASES.reduce((total, { name }) => total + number(values[`start_${name}`]), 0);
      expect(sum / number(values["start_time"])).toBeCloseTo(1, 9);
      expect(values["instances"]).toBe(7);
    }
  });

  it("are the slower the farther the image is", () => {
    const [registry, disk, memory] = ["registry", "disk", "memory"].map((imageAt) =>
      number(run("container", { imageAt })["start_time"]),
    );
    expect(registry).toBeGreaterThan(disk!);
    expect(disk).toBeGreaterThan(memory!);
  });

  it("of many pull an image once", () => {
    const one = run("container", { imageAt: "registry" })["downloaded_bytes"];
    expect(run("container", { imageAt: "registry", starts: 30 })["downloaded_bytes"]).toBe(one);
  });

  it("of many take turns at the daemon and the network", () => {
    const starts = 20;
    const values = run("container", { imageAt: "memory", starts });
    const turns = starts * START_COSTS.networkLocked.value;
    expect(number(values["start_p99"])).toBeGreaterThan(turns);
    const rate = 1e9 / START_COSTS.networkLocked.value;
    expect(number(values["start_rate"])).toBeLessThan(rate);
  });

  it("of drivers without a shared page cache read the disk once for each container", () => {
    const read = (driver: string): number =>
      number(run("container", { driver, imageAt: "disk", starts: 4 })["disk_read_bytes"]);
    expect(read("btrfs")).toBe(4 * read("overlay"));
  });

  it("are refused what they have not", () => {
    expect(START_TIME.refusal!(setting("vm", { runtime: "crun" }))).toMatch(/runtime crun is for containers/);
    expect(START_TIME.refusal!(setting("container", { from: "snapshot" }))).toMatch(/no guest/);
    expect(START_TIME.refusal!(setting("vm", { from: "snapshot" }))).toBeUndefined();
  });
});

describe("a lock", () => {
  it("goes to those who wait in their order", () => {
    const lock = new HostLock();
    const order: number[] = [];
    for (const each of [1, 2, 3]) lock.acquire((argument) => order.push(argument), each);
    expect([order, lock.waiters]).toEqual([[1], 2]);
    lock.release();
    lock.release();
    expect(order).toEqual([1, 2, 3]);
  });
});
