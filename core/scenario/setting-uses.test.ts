/**
 * What is not declared as used has no effect: for each kind of cell and technique, one cell with everything else changed at once
 * gives the same row. A setting wrongly refused would fail here.
 */
import { describe, expect, test } from "vitest";
import { COSTS } from "../events/costs.js";
import { withPrices } from "../events/profile.js";
import { HASWELL_2013 } from "../events/profiles/haswell-2013.js";
import { hostCosts } from "../host/machine-costs.js";
import { CATALOGUE } from "./catalogue.js";
import { loadScenario, planScenario } from "./index.js";
import { runCell } from "./run-cell.js";
import { languageOf } from "./schema.js";
import { kindOfWorkload, useOfSetting, usersText, usesSetting } from "./setting-uses.js";

/** Each setting as no scenario has it by default. */
const CHANGED: Readonly<Record<string, string | number | boolean>> = {
  page: "2M",
  "machine.caches": "off",
  "machine.sharers": 2,
  "machine.walkCaches": false,
  "machine.tlb": false,
  "machine.engine": "interpreter",
  "guest.paging": "5-level",
  "guest.pcid": true,
  "host.page": "2M",
  "host.levels": 5,
  "host.vpid": false,
  "host.accessedDirty": false,
  "host.populate": true,
  "host.apicVirtualization": "off",
  "host.pauseLoopExiting": true,
  "host.monitor": "virtualbox",
  "host.mitigations": true,
  "shadow.fill": "eager",
  "shadow.outOfSync": false,
  "shadow.reuse": false,
  "shadow.keepGlobal": true,
  "shadow.prefetch": 8,
  "shadow.maximumTables": 3,
  "shadow.writeFlood": 1,
  "agile.start": "shadow",
  "agile.writes": 50,
  "agile.interval": 5000,
  "agile.settle": 1000,
  "agile.dirtyBits": false,
  "agile.rootCache": 0,
  "translation.cache": 8192,
  "translation.chaining": false,
  "translation.adaptive": false,
  "translation.iret": "in-cache",
  "paravirtual.batch": 1,
  "budget.instructions": 1_999_999_999,
  "budget.seconds": 59,
  ...Object.fromEntries(COSTS.map(({ name }) => [`machine.costs.${name}`, 12_345])),
};

const STREAMS = ["native", "hardware/shadow", "hardware/nested", "hardware/agile", "paravirtual/direct"];
const CODE = [
  "native",
  "hardware/shadow",
  "hardware/nested",
  "trap-and-emulate/shadow",
  "binary-translation/shadow",
  "paravirtual/direct",
];
const CELLS: readonly (readonly [technique: string, workload: string])[] = [
  ...STREAMS.map((technique) => [technique, "mix"] as const),
  ...CODE.map((technique) => [technique, "{ name: kernel/forkwait, bits: 32, n: 3 }"] as const),
  ...["process", "microvm"].map(
    (technique) =>
      [technique, "{ name: host/population, application: idle, count: 3, processors: 2 }"] as const,
  ),
];

/** As a record of a run, which may set what no cell uses. */
function outcomeOf(technique: string, workload: string, sets: Readonly<Record<string, unknown>>) {
  const text = `technique: ${technique}\nworkload: ${workload}\nmachine: { profile: haswell-2013 }\nsize: tiny\n`;
  const source = { text, path: "test.yaml", isRecord: true };
  const scenario = loadScenario(source, {
    sets: Object.entries(sets).map(([path, value]) => `${path}=${String(value)}`),
  });
  return runCell(planScenario(scenario).cells[0]!.config);
}

describe("what is not declared as used changes no row", () => {
  test.each(CELLS)("%s, %s", (technique, workload) => {
    const kind = kindOfWorkload(/[a-z-]+\/?[a-z-]+(?=,|$)/.exec(workload)![0], CATALOGUE);
    const unused = Object.entries(CHANGED).filter(
      ([path]) => !usesSetting(useOfSetting(path), kind, technique),
    );
    expect(unused.length).toBeGreaterThan(5);
    const plain = outcomeOf(technique, workload, {});
    expect(plain.status).toBe("done");
    expect(outcomeOf(technique, workload, Object.fromEntries(unused))).toEqual(plain);
  });
});

test("every setting is changed above, and every price", () => {
  const settings = languageOf()
    .axes.all.map(({ path }) => path)
    .filter((path) => !/^(parameters\.|technique|workload|seed|machine\.(profile|memory)$)/.test(path));
  expect(Object.keys(CHANGED).sort()).toEqual(settings.sort());
});

test("the prices that hosts are declared to use change what a host's work costs, and no others", () => {
  const plain = hostCosts(HASWELL_2013);
  for (const { name } of COSTS) {
    const changed = hostCosts(withPrices(HASWELL_2013, { [name]: 12_345 }));
    const isUsed = usesSetting(useOfSetting(`machine.costs.${name}`), "host", "microvm");
    expect([name, JSON.stringify(changed) !== JSON.stringify(plain)]).toEqual([name, isUsed]);
  }
});

test("who uses a setting is told in words", () => {
  expect(usersText(useOfSetting("agile.writes"))).toBe("reference streams under hardware/agile");
  expect(usersText(useOfSetting("machine.engine"))).toBe("guests that are code");
  expect(usersText(useOfSetting("machine.profile"))).toBeUndefined();
});
