/** Union file systems and isolation as experiments: what must hold whatever the prices are. */
import { describe, expect, it } from "vitest";
import { findProfile } from "../../events/profiles/index.js";
import type { Experiment, ExperimentSetting } from "../../host/experiments/experiment.js";
import { findTechnology } from "../../host/instances/technologies.js";
import type { HostValues } from "../../host/metrics.js";
import { defaultOf, type ParameterValue } from "../../util/parameters.js";
import { Random } from "../../util/random.js";
import { GIB } from "../../util/units.js";
import { CONTROLLERS } from "../isolation/control-groups.js";
import { ISOLATION_SYSTEMS } from "../isolation/lineage.js";
import { DRIVER_NAMES } from "../storage/drivers.js";
import { FAILOVER } from "./failover.js";
import { ISOLATION } from "./isolation.js";
import { NOISY_NEIGHBOUR } from "./noisy-neighbour.js";
import { placed } from "./placement.js";
import { UNION_FS } from "./union-fs.js";

type Changes = Readonly<Record<string, ParameterValue>>;

function settingOf(experiment: Experiment, technology: string, changes: Changes): ExperimentSetting {
  const defaults = Object.entries(experiment.parameters).map(([name, spec]) => [
    name,
    defaultOf(spec, "tiny"),
  ]);
  return {
    technology: findTechnology(technology)!,
    profile: findProfile("skylake-2015")!,
    memory: 16 * GIB,
    isHuge: false,
    seed: 1,
    parameters: { ...Object.fromEntries(defaults), ...changes },
  };
}

const unionFs = (changes: Changes): HostValues =>
  UNION_FS.run(settingOf(UNION_FS, "container", { image: "base", ...changes }));
const amount = (values: HostValues, name: string): number => values[name] as number;

describe("storage drivers as an experiment", () => {
  it.each(DRIVER_NAMES)("%s: disk grows by the same amount with each container", (driver) => {
    const [one, three] = [1, 3].map((containers) => unionFs({ driver, containers }));
    const grown = amount(three!, "storage_bytes") - amount(one!, "storage_bytes");
    expect(grown).toBe(2 * amount(one!, "storage_per_container"));
  });

  it("share page cache or duplicate it, as the driver's inodes are", () => {
    const duplicates = DRIVER_NAMES.map((driver) =>
      amount(unionFs({ driver, containers: 3 }), "duplicate_bytes"),
    );
    expect(duplicates.map((bytes) => bytes > 0)).toEqual([false, false, true, true, true, false]);
  });

  it("copy nothing where nothing is written", () => {
    for (const driver of DRIVER_NAMES) expect(unionFs({ driver, writes: 0 })["copied_bytes"]).toBe(0);
  });

  it("are refused to what is no container", () => {
    expect(UNION_FS.refusal!(settingOf(UNION_FS, "vm", {}))).toMatch(/for containers/);
  });
});

describe("isolation as an experiment", () => {
  const KINDS = { mnt: "mounts", pid: "processes", net: "network", ipc: "ipc", uts: "names", user: "users" };
  const containers = ISOLATION_SYSTEMS.filter(({ name }) => findTechnology(name) === undefined);

  it.each(containers)("$name: sees others of exactly the kinds without a namespace", (system) => {
    const tenants = 3;
    const values = ISOLATION.run(settingOf(ISOLATION, "container", { tenants, lineage: system.name }));
    for (const [kind, column] of Object.entries(KINDS)) {
      const isHidden = (system.namespaces as readonly string[]).includes(kind);
      expect([kind, values[`sees_${column}`]]).toEqual([kind, isHidden ? 0 : tenants - 1]);
    }
    expect(values["unlimited_resources"]).toBe(CONTROLLERS.length - system.controllers.length);
  });

  it("ends at the guest's kernel where there is one", () => {
    const reach = (technology: string) =>
      ISOLATION.run(settingOf(ISOLATION, technology, { tenants: 4 }))["kernel_flaw_reach"];
    expect(["process", "container", "microvm", "vm"].map(reach)).toEqual([1, 1, 0.25, 0.25]);
  });
});

describe("placement", () => {
  const jobs = Array.from({ length: 50 }, (_, index) => ({
    isHeavy: index < 10,
    demand: index < 10 ? 1 : 0.1,
  }));

  it.each(["by-kind", "random", "mixed"] as const)("%s: every application is on one host", (policy) => {
    const hosts = placed(jobs, 5, policy, new Random(1));
    expect(new Set(hosts.flat()).size).toBe(jobs.length);
    expect(hosts.flat()).toHaveLength(jobs.length);
  });

  it("mixed: no host has more than its part and one application", () => {
    const loads = placed(jobs, 5, "mixed", new Random(1)).map((own) =>
      own.reduce((sum, { demand }) => sum + demand, 0),
    );
    expect(Math.max(...loads) - Math.min(...loads)).toBeLessThanOrEqual(1);
  });
});

describe("failover", () => {
  const fail = (changes: Changes): HostValues => FAILOVER.run(settingOf(FAILOVER, "container", changes));

  it("a rack of 16 hosts with 10 applications each takes 160, and spare room brings back what fits", () => {
    expect(fail({ spare: 0 })).toMatchObject({
      applications_lost: 160,
      applications_down: 160,
      recovery_time: "",
    });
    expect(fail({ spare: 0.1 })).toMatchObject({ applications_lost: 160, applications_down: 160 - 48 });
    expect(fail({ spare: 0.5 })).toMatchObject({ applications_lost: 160, applications_down: 0 });
    expect(fail({ spare: 5, racks: 1 })).toMatchObject({ applications_down: 160 });
  });
});

describe("a noisy neighbour", () => {
  const base = {
    application: "database",
    watch: 4,
    begin: 4,
    processors: 4,
    swap: 4 * GIB,
    rate: 20,
    storage: "ssd",
    linkBandwidth: 125e6,
  };
  const beside = (hog: string, control: string, changes: Changes = {}): HostValues =>
    NOISY_NEIGHBOUR.run({
      ...settingOf(NOISY_NEIGHBOUR, "container", { ...base, hog, control, ...changes }),
      memory: 4 * GIB,
    });

  it("is bounded in memory by its limit: the victim notices nothing", () => {
    const [groups, limits] = ["groups", "limits"].map((control) => beside("memory", control));
    expect(amount(groups!, "page_waits_share")).toBeGreaterThan(0);
    expect(limits!["page_waits_share"]).toBe(0);
    expect(amount(limits!, "oom_kills")).toBeGreaterThan(0);
  });

  it("writes past version 1's limits, and not past version 2's", () => {
    const [v1, v2] = ["v1", "v2"].map((cgroups) => beside("write", "limits", { cgroups }));
    expect(amount(v1!, "latency_p99")).toBeGreaterThan(1.5 * amount(v2!, "latency_p99"));
  });

  it("starts as many processes as pids.max says, and else as many as there is room for", () => {
    const [groups, limits] = ["groups", "limits"].map((control) => beside("fork", control));
    const kernel = "ledger_kernel_bytes";
    expect(amount(groups!, kernel) - amount(limits!, kernel)).toBeGreaterThan(100e6);
  });

  it("sends what its bucket lets pass", () => {
    const [groups, limits] = ["groups", "limits"].map((control) => beside("network", control));
    expect(amount(groups!, "latency_p50")).toBeGreaterThan(1.2 * amount(limits!, "latency_p50"));
  });

  it("is refused limits that the host cannot give, with what to mend", () => {
    const refused = NOISY_NEIGHBOUR.refusal!(
      settingOf(NOISY_NEIGHBOUR, "container", { control: "limits", hogShare: 2, processors: 4 }),
    );
    expect(refused).toMatch(/cpu.max asks for 8 processors of 4/);
  });
});
