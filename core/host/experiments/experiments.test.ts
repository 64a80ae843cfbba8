/** Experiments as wholes: the same input gives the same row, more memory never carries fewer, sharing and balloons do what they say. */
import { describe, expect, it } from "vitest";
import { findProfile } from "../../events/profiles/index.js";
import { defaultOf, type ParameterValue } from "../../util/parameters.js";
import { GIB, MIB } from "../../util/units.js";
import { APPLICATION_NAMES } from "../applications/index.js";
import { findTechnology, TECHNOLOGIES } from "../instances/technologies.js";
import { HOST_METRICS } from "../metrics.js";
import { DENSITY } from "./density.js";
import type { Experiment, ExperimentSetting } from "./experiment.js";
import { HOST_EXPERIMENTS } from "./index.js";
import { POPULATION } from "./population.js";

interface Asked {
  readonly technique?: string;
  readonly memory?: number;
  readonly parameters?: Readonly<Record<string, ParameterValue>>;
  readonly seed?: number;
  readonly isHuge?: boolean;
}

function settingOf(experiment: Experiment, asked: Asked = {}): ExperimentSetting {
  const { technique = "container", memory = 4 * GIB, parameters = {}, seed = 1, isHuge = false } = asked;
  const defaults = Object.entries(experiment.parameters).map(([name, spec]) => [
    name,
    defaultOf(spec, "tiny"),
  ]);
  return {
    technology: findTechnology(technique)!,
    profile: findProfile("skylake-2015")!,
    memory,
    isHuge,
    seed,
    parameters: { ...Object.fromEntries(defaults), processors: 4, ...parameters },
  };
}

const run = (experiment: Experiment, asked?: Asked) =>
  experiment.run(settingOf(experiment, asked)) as Readonly<Record<string, number>>;

describe.each(HOST_EXPERIMENTS)("$name", (experiment) => {
  it("gives the same row for the same input, another one for another seed, and columns of the dictionary alone", () => {
    const names = new Set(HOST_METRICS.map(({ name }) => name));
    const row = run(experiment);
    expect(run(experiment)).toEqual(row);
    expect(run(experiment, { seed: 2 })).not.toEqual(row);
    expect(Object.keys(row).filter((name) => !names.has(name))).toEqual([]);
  });

  it.skipIf(!("application" in experiment.parameters))("refuses what can never fit, before it runs", () => {
    const setting = settingOf(experiment, {
      memory: 1.2 * GIB,
      parameters: { application: "database", count: 5 },
    });
    const small = { ...setting, memory: 0.6 * GIB };
    expect(experiment.refusal!(small)).toMatch(
      /of database can never fit: .* of private memory, and the host has/,
    );
  });

  it("refuses a host without room for its own software", () => {
    expect(() => run(experiment, { memory: 700 * MIB, parameters: { count: 1 } })).toThrow(
      "has no room beside its own",
    );
  });
});

describe("density", () => {
  const carried = (asked: Asked): number => run(DENSITY, asked)["instances"]!;

  it.each(TECHNOLOGIES.map(({ name }) => name))("of %s grows with memory", (technique) => {
    const parameters = { application: "key-value-cache", rate: 1 };
    const [less, more] = [4, 8].map((gib) => carried({ technique, memory: gib * GIB, parameters }));
    expect(less).toBeGreaterThan(0);
    expect(more! / less!).toBeGreaterThan(1.8); // the host's own software takes the same of both
  });

  it("ends where processors give out", () => {
    const parameters = { application: "batch", processors: 2, threadsPerCore: 1 };
    expect(run(DENSITY, { memory: 64 * GIB, parameters })).toMatchObject({ instances: 1, limit: "cpu" });
  });

  it("takes every application", () => {
    for (const application of APPLICATION_NAMES)
      expect(
        carried({ memory: 2 * GIB, parameters: { application, most: 3, processors: 16 } }),
      ).toBeGreaterThan(0);
  });
});

describe("a population", () => {
  const vms = {
    technique: "vm",
    parameters: { count: 8, application: "idle", pagesToScan: 20_000, settle: 4 },
  };

  it("has fewer frames when equal pages are shared, and the same pages", () => {
    const apart = run(POPULATION, vms);
    const shared = run(POPULATION, { ...vms, parameters: { ...vms.parameters, sharing: true } });
    const saved = apart["memory_used_bytes"]! - shared["memory_used_bytes"]!;
    expect(saved).toBe(shared["shared_saving_bytes"]);
    expect(saved).toBe(apart["duplicate_bytes"]);
    expect(shared["cpu_work_share"]).toBeGreaterThan(apart["cpu_work_share"]!);
  });

  it("needs fewer tables with huge pages, and not less memory", () => {
    const [small, huge] = [false, true].map((isHuge) => run(POPULATION, { ...vms, isHuge }));
    expect(huge!["ledger_tables_bytes"]).toBeLessThan(0.6 * small!["ledger_tables_bytes"]!);
    expect(huge!["ledger_guest_system_bytes"]).toBeGreaterThanOrEqual(small!["ledger_guest_system_bytes"]!);
  });

  it("gives back what guests have freed, once they report it", () => {
    const { parameters } = vms;
    const reported = run(POPULATION, { ...vms, parameters: { ...parameters, giveBack: "reporting" } });
    const { freed } = findTechnology("vm")!.guest!;
    expect(reported["ballooned_bytes"]! / (8 * freed.value)).toBeCloseTo(1, 2);
  });
});

describe("arrivals", () => {
  it.each(["poisson", "diurnal", "bursts"])("come at the same rate over a minute: %s", (arrivals) => {
    const parameters = { arrivals, count: 10, rate: 4, settle: 0, watch: 60, threadsPerCore: 1 };
    // 2,400 requests: five standard deviations of a Poisson count are 10%.
    expect(run(POPULATION, { parameters })["requests_per_second"]! / 40).toBeCloseTo(1, 0.7);
  });

  it("are limited by the processors where each follows the one before", () => {
    const parameters = { arrivals: "closed", count: 10, processors: 2, threadsPerCore: 1 };
    const row = run(POPULATION, { parameters });
    expect(row["cpu_idle_share"]).toBeLessThan(0.01);
    expect(row["requests_per_second"]! / 2000).toBeGreaterThan(0.9); // 1 ms each on two processors
    expect(row["requests_per_second"]! / 2000).toBeLessThanOrEqual(1.01);
  });
});

describe("schedulers", () => {
  it("carry the same load: a policy shares out time, it makes none", () => {
    const load = (scheduler: string) =>
      run(POPULATION, { parameters: { scheduler, count: 100, processors: 4, rate: 8, watch: 5 } });
    const [fair, credit] = [load("fair"), load("credit")];
    expect(credit["requests_per_second"]! / fair["requests_per_second"]!).toBeCloseTo(1, 2);
  });
});
