/** Runs a cell that is a host with instances. The counterpart of run-cell.ts's reference streams and of code/run-code.ts. */
import type { CostName } from "../../events/costs.js";
import { withPrices } from "../../events/profile.js";
import { findProfile } from "../../events/profiles/index.js";
import type { Experiment, ExperimentSetting } from "../../host/experiments/experiment.js";
import { findTechnology, TECHNOLOGIES } from "../../host/instances/technologies.js";
import { invariant } from "../../util/errors.js";
import type { CellConfig, CellOutcome } from "../config.js";
import type { HostWorkload } from "./workload.js";

/** @throws UserError and UnsupportedError as the experiment does */
export function runHost(config: CellConfig, { experiment }: HostWorkload): CellOutcome {
  return { status: "done", reason: "", values: experiment.run(settingOf(config)), exits: [] };
}

/** Why a host cannot be asked this at all: the user's to mend; undefined when it can. */
export function hostRefusal(config: CellConfig, experiment: Experiment): string | undefined {
  if (findTechnology(config.technique) === undefined) {
    const names = TECHNOLOGIES.map(({ name }) => name).join(", ");
    return `${experiment.name} runs instances (${names}), which ${config.technique} is not`;
  }
  return experiment.refusal?.(settingOf(config));
}

function settingOf({ technique, machine, host, seed, parameters }: CellConfig): ExperimentSetting {
  const technology = findTechnology(technique);
  const profile = findProfile(machine.profile);
  invariant(technology !== undefined && profile !== undefined, "the scenario was checked", () => technique);
  return {
    technology,
    profile: withPrices(profile, machine.costs as Partial<Record<CostName, number>>),
    memory: machine.memory,
    isHuge: host.page !== "4K",
    seed,
    parameters,
  };
}
