/** A lab of its own for the engine's tests: three techniques, four workloads, two profiles; nothing runs. */

import type { CpuProfile } from "../../events/profile.js";
import { NEHALEM_2008 } from "../../events/profiles/nehalem-2008.js";
import type { WorkloadDefinition } from "../../guest/workloads/workload.js";
import type { TechniqueDefinition } from "../../system/techniques.js";
import type { ParameterSpecs } from "../../util/parameters.js";
import { GIB, MIB } from "../../util/units.js";
import type { Catalogue } from "../catalogue.js";
import type { CellConfig, CellOutcome, Plan, Scenario } from "../index.js";
import { loadScenario, planScenario } from "../index.js";

const footprint = {
  kind: "bytes",
  default: { tiny: 4 * MIB, small: 64 * MIB, full: 4 * GIB },
  minimum: 4096,
  description: "Bytes touched",
} as const;
const processes = { kind: "count", default: 4, minimum: 1, description: "Processes" } as const;

function workload(name: string, parameters: ParameterSpecs): WorkloadDefinition {
  const footprintOf = () => ({ dataBytes: 0, processes: 1, mappedBytes: 0 });
  const create = () => ({ prepare: () => {}, run: () => {} });
  return { name, title: name, description: name, source: "test", parameters, footprint: footprintOf, create };
}

function technique(
  name: string,
  unsupported: (profile: CpuProfile) => string | undefined = () => undefined,
): TechniqueDefinition {
  return { name, title: name, description: name, source: "test", unsupported };
}

const OLD: CpuProfile = {
  ...NEHALEM_2008,
  name: "old-2001",
  features: {
    ...NEHALEM_2008.features,
    longMode: false,
    hardwareAssist: false,
    nestedPaging: false,
    nestedPages: [],
  },
};
const NEW: CpuProfile = {
  ...NEHALEM_2008,
  name: "new-2020",
  features: { ...NEHALEM_2008.features, page1G: true, la57: true, nestedPages: ["4K", "2M", "1G"] },
};

export const TEST_CATALOGUE: Catalogue = {
  techniques: [
    technique("native"),
    technique("hardware/shadow", ({ features, name }) =>
      features.hardwareAssist ? undefined : `${name} has no VT-x or AMD-V`,
    ),
    technique("hardware/nested", ({ features, name }) =>
      features.nestedPaging ? undefined : `${name} has no EPT or NPT`,
    ),
  ],
  workloads: [
    workload("gups", { footprint }),
    workload("zipf", { footprint, skew: { kind: "number", default: 0.9, minimum: 0, description: "Skew" } }),
    workload("forkwait", { processes }),
    workload("context-switch", {
      processes,
      footprint,
      pinned: { kind: "boolean", default: false, description: "Pinned" },
    }),
  ],
  profiles: [OLD, NEHALEM_2008, NEW],
};

/** A scenario of the test's lab from its text. */
export function scenarioFrom(text: string, sets: readonly string[] = []): Scenario {
  return loadScenario({ text, path: "test.yaml" }, { sets, catalogue: TEST_CATALOGUE });
}

export function planFrom(text: string, sets: readonly string[] = []): Plan {
  return planScenario(scenarioFrom(text, sets), TEST_CATALOGUE);
}

/** A made-up outcome that depends on the configuration alone. */
export function fakeRun(config: CellConfig): CellOutcome {
  const factor = config.technique === "native" ? 1 : config.technique === "hardware/nested" ? 2 : 3;
  const values = { cycles: 1000 * factor, exits: factor - 1, walk_refs_max: factor === 2 ? 24 : 4 };
  return { status: "done", reason: "", values, exits: [] };
}
