/** Starts as wholes: phases add up, what is shared is fetched once, what only one may do takes its turn. */
import { describe, expect, it } from "vitest";
import { findProfile } from "../../events/profiles/index.js";
import type { ExperimentSetting } from "../../host/experiments/experiment.js";
import { findTechnology, TECHNOLOGIES } from "../../host/instances/technologies.js";
import { defaultOf, type ParameterValue } from "../../util/parameters.js";
import { GIB } from "../../util/units.js";
import { START_TIME } from "../experiments/start-time.js";
import { MACHINE_STARTS, START_COSTS } from "./costs.js";
import { HostLock } from "./lock.js";
import { START_PHASES } from "./phases.js";
import { findRuntime } from "./runtimes.js";

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

  it("in a pod begin with a container more", () => {
    const [alone, pod] = [false, true].map((pod) =>
      number(run("container", { imageAt: "memory", pod })["start_time"]),
    );
    expect(pod! - alone!).toBeGreaterThan(START_COSTS.daemon.value);
    expect(pod).toBeLessThan(2 * alone!);
  });

  it("beside others take longer for the network alone", () => {
    const [none, many] = [0, 1000].map((present) => run("container", { imageAt: "memory", present }));
    const longer = number(many!["start_time"]) - number(none!["start_time"]);
    expect(longer).toBeCloseTo(1000 * START_COSTS.networkPresent.value, -3);
    expect(number(many!["start_network"]) - number(none!["start_network"])).toBeCloseTo(longer, -3);
  });

  it("one after another take longer for each network made before", () => {
    const [one, many] = [1, 51].map((starts) =>
      number(run("container", { imageAt: "memory", atOnce: 1, starts })["start_network"]),
    );
    expect(many! - one!).toBeCloseTo(25 * START_COSTS.networkPresent.value, -3);
  });

  it("wait in a guest's kernel, and longer for a network card, whatever else runs", () => {
    const [host, bridge] = ["host", "bridge"].map((network) =>
      number(run("microvm", { imageAt: "memory", network })["start_kernel"]),
    );
    const { kernel, kernelNetwork, kernelWaits } = MACHINE_STARTS["microvm"]!;
    expect(host).toBeCloseTo(kernel.value, -3);
    expect(bridge! - host!).toBeCloseTo(kernelNetwork.value, -3);
    const crowded = number(
      run("microvm", { imageAt: "memory", network: "host", processors: 1, starts: 4 })["start_kernel"],
    );
    expect(crowded).toBeLessThan(kernelWaits.value + 4.2 * (kernel.value - kernelWaits.value));
  });

  it("read their runtime where caches were dropped, the larger the longer", () => {
    const [runc, crun] = ["runc", "crun"].map((runtime) => {
      const [disk, memory] = ["disk", "memory"].map((runtimeAt) =>
        number(run("container", { imageAt: "memory", runtime, runtimeAt })["start_runtime"]),
      );
      return disk! - memory!;
    });
    expect(crun).toBeGreaterThan(0);
    expect(runc).toBeGreaterThan(5 * crun!);
  });

  it("that end with the container gone take two calls more, and what the runtime sleeps", () => {
    const asked = { imageAt: "memory", daemon: false, network: "host" };
    for (const runtime of ["runc", "crun"]) {
      const [kept, removed] = [false, true].map((removed) =>
        run("container", { ...asked, runtime, removed }),
      );
      const longer = number(removed!["start_runtime"]) - number(kept!["start_runtime"]);
      const { removalWait } = findRuntime(runtime)!;
      expect(longer).toBeCloseTo(2 * START_COSTS.forkExec.value + removalWait.value, -4);
      expect([kept!["instances"], removed!["instances"]]).toEqual([1, 0]);
    }
    expect(START_TIME.refusal!(setting("container", { removed: true }))).toMatch(/needs daemon: false/);
  });

  it("from a zygote do without the program's own, and share its memory", () => {
    const asked = { imageAt: "memory", application: "python-handler", starts: 5 };
    const [boot, zygote] = ["boot", "zygote"].map((from) => run("container", { ...asked, from }));
    expect(number(boot!["start_time"]) - number(zygote!["start_time"])).toBeGreaterThan(90e6);
    expect(number(zygote!["bytes_per_instance"])).toBeLessThan(0.7 * number(boot!["bytes_per_instance"]));
  });

  it("are refused what they have not", () => {
    expect(START_TIME.refusal!(setting("vm", { from: "zygote" }))).toMatch(/forks from no zygote/);
    expect(START_TIME.refusal!(setting("vm", { pod: true }))).toMatch(/for containers/);
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
