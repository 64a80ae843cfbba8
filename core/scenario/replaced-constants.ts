/**
 * A cell under other constants: its prices are replaced where its machine takes them (machine.costs); all other constants are
 * definitions that parts read when they are made, so they hold other values for as long as the cell runs. A cell runs by itself in its
 * thread, from beginning to end, so nothing else sees them.
 */
import { inGrains } from "../events/costs.js";
import type { Constant } from "../events/profile.js";
import { invariant } from "../util/errors.js";
import type { CellConfig } from "./config.js";
import { hostConstants, PRICE_PREFIX, profileConstants } from "./constants.js";
import { findHostWorkload } from "./host/workload.js";

/** What a constant becomes; undefined: it stays. `value` is what the cell has: the profile's, or what the scenario put there. */
export type Change = (name: string, value: number, constant: Constant) => number | undefined;

/** Every constant that the cell may rest on, by name, with the value that it has there. */
export function constantsOfCell({ machine, workload }: CellConfig): Map<string, [number, Constant]> {
  const found = new Map<string, [number, Constant]>();
  const costs = machine.costs as Readonly<Record<string, number | undefined>>;
  for (const [name, constant] of profileConstants(machine.profile)) {
    const replaced = name.startsWith(PRICE_PREFIX) ? costs[name.slice(PRICE_PREFIX.length)] : undefined;
    found.set(name, [replaced ?? constant.value, constant]);
  }
  if (findHostWorkload(workload) !== undefined)
    for (const [name, constant] of hostConstants()) found.set(name, [constant.value, constant]);
  return found;
}

/** The cell with constants changed; the same object where none is. */
export function changedCell(config: CellConfig, change: Change): CellConfig {
  const costs: Record<string, number> = {};
  const constants: Record<string, number> = {};
  for (const [name, [value, constant]] of constantsOfCell(config)) {
    const changed = change(name, value, constant);
    if (changed === undefined || changed === value) continue;
    if (name.startsWith(PRICE_PREFIX)) costs[name.slice(PRICE_PREFIX.length)] = inGrains(changed);
    else constants[name] = profileConstants(config.machine.profile).has(name) ? inGrains(changed) : changed;
  }
  if (Object.keys(costs).length + Object.keys(constants).length === 0) return config;
  return {
    ...config,
    machine: { ...config.machine, costs: { ...config.machine.costs, ...costs } },
    ...(Object.keys(constants).length === 0 ? {} : { constants: { ...config.constants, ...constants } }),
  };
}

/** Runs with `config.constants` in force. */
export function underItsConstants<T>(config: CellConfig, run: () => T): T {
  const all = constantsOfCell(config);
  const changed = Object.entries(config.constants ?? {}).map(([name, value]) => {
    const found = all.get(name);
    invariant(found !== undefined, "the cell has the constant that is replaced", () => name);
    // A definition is not to be written to, but for this.
    const constant = found[1] as { value: number };
    const before = constant.value;
    constant.value = value;
    return { constant, before };
  });
  try {
    return run();
  } finally {
    for (const { constant, before } of changed.reverse()) constant.value = before;
  }
}
