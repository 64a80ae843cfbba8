/**
 * Runs one cell: assembles machine and guest, boots, prepares the workload, and measures its region of interest. A pure
 * function of the configuration: no clock, no chance but the seed's, nothing of the host. Guests that execute code are
 * code/run-code.ts's, hosts with instances host/run-host.ts's.
 */
import { CYCLE_CATEGORIES } from "../events/categories.js";
import type { Counters } from "../events/counters.js";
import { EVENT, EVENTS } from "../events/events.js";
import { MEMORY_OWNERS, OWNER } from "../events/memory-owners.js";
import { GuestFailure } from "../guest/kernel/guest-failure.js";
import { GuestKernel } from "../guest/kernel/kernel.js";
import { findWorkload } from "../guest/workloads/index.js";
import type { Machine, MachineOptions } from "../machine/machine.js";
import { invariant } from "../util/errors.js";
import type { ParameterSpecs, ParameterValues } from "../util/parameters.js";
import { Random } from "../util/random.js";
import { assemble } from "./assemble.js";
import { auditCounters } from "./audit.js";
import { runCode } from "./code/run-code.js";
import type { CellConfig, CellOutcome } from "./config.js";
import { exitsOf } from "./exits.js";
import { runHost } from "./host/run-host.js";
import { findHostWorkload } from "./host/workload.js";
import { underItsConstants } from "./replaced-constants.js";

/** A cell that is ready to run: booted and prepared, its counters at zero. */
export interface PreparedCell {
  readonly machine: Machine;
  readonly kernel: GuestKernel;
  /** The region of interest. */
  run(): void;
  /** The outcome after `run`. */
  outcome(): CellOutcome;
}

/**
 * @throws UnsupportedError when the cell asks for what does not exist. A guest that runs out of memory is a `failed`
 * outcome; anything else thrown is our bug.
 */
export function runCell(config: CellConfig): CellOutcome {
  return config.constants === undefined
    ? outcomeOf(config)
    : underItsConstants(config, () => outcomeOf(config));
}

function outcomeOf(config: CellConfig): CellOutcome {
  if (config.code !== undefined) return runCode(config);
  const host = findHostWorkload(config.workload);
  if (host !== undefined) return runHost(config, host);
  try {
    const cell = prepareCell(config);
    cell.run();
    return cell.outcome();
  } catch (error) {
    if (error instanceof GuestFailure)
      return { status: "failed", reason: error.message, values: {}, exits: [] };
    throw error;
  }
}

/** Everything up to the begin mark. `driver`: which of the machine's two drivers, for tests that they agree. */
export function prepareCell(config: CellConfig, driver: MachineOptions["driver"] = "compiled"): PreparedCell {
  const definition = findWorkload(config.workload);
  invariant(definition !== undefined, "the scenario was checked", () => config.workload);
  const parameters = config.parameters as ParameterValues<ParameterSpecs>;
  const { machine, vcpu } = assemble(config, definition.footprint(parameters, config.page), { driver });
  const kernel = new GuestKernel(vcpu, { pcid: config.guest.pcid });
  kernel.boot();
  const workload = definition.create({
    kernel,
    parameters,
    page: config.page,
    random: new Random(config.seed).fork(config.workload),
  });
  workload.prepare();
  machine.counters.reset();
  machine.frames.resetPeaks();
  kernel.dataFrames.peak = kernel.dataFrames.inUse;
  kernel.tableFrames.peak = kernel.tableFrames.inUse;
  return {
    machine,
    kernel,
    run: () => workload.run(),
    outcome: () => {
      auditCounters(machine.counters, config.machine.caches !== "off");
      return {
        status: "done",
        reason: "",
        values: {
          ...countersOf(machine.counters),
          ...ledgerOf(machine, kernel, config.technique === "native"),
          fingerprint: kernel.fingerprint(),
        },
        exits: exitsOf(machine.counters),
      };
    },
  };
}

function countersOf(counters: Counters): Record<string, number> {
  const values: Record<string, number> = { cycles: counters.totalCycles };
  CYCLE_CATEGORIES.forEach((category, index) => {
    values[`cycles_${category.name}`] = counters.cycles[index]!;
  });
  for (const event of EVENTS) values[event.name] = counters.events[EVENT[event.name]]!;
  return values;
}

/** Bytes by owner now, and at their most during the region of interest. A native guest's memory is what it uses. */
function ledgerOf(machine: Machine, kernel: GuestKernel, isNative: boolean): Record<string, number> {
  const now = Float64Array.from(machine.frames.owned);
  const peak = Float64Array.from(machine.frames.peak);
  const { dataFrames, tableFrames } = kernel;
  now[OWNER.guest_data] = dataFrames.inUse;
  peak[OWNER.guest_data] = dataFrames.peak;
  now[OWNER.guest_tables] = tableFrames.inUse;
  peak[OWNER.guest_tables] = tableFrames.peak;
  if (isNative) {
    now[OWNER.guest_memory] = dataFrames.inUse + tableFrames.inUse;
    peak[OWNER.guest_memory] = dataFrames.peak + tableFrames.peak;
  }
  const values: Record<string, number> = {};
  MEMORY_OWNERS.forEach((owner, index) => {
    values[`${owner.name}_bytes`] = now[index]! * 4096;
    values[`${owner.name}_peak_bytes`] = peak[index]! * 4096;
  });
  return values;
}
