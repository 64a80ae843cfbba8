/** Memory divided by shares and a tax: equal shares give equal parts, a tax takes what is idle, and nobody gets more than wanted. */
import { describe, expect, it } from "vitest";
import { findProfile } from "../events/profiles/index.js";
import { defaultOf, type ParameterValue } from "../util/parameters.js";
import { GIB, MIB } from "../util/units.js";
import type { ExperimentSetting } from "./experiments/experiment.js";
import { IDLE_TAX } from "./experiments/idle-tax.js";
import { findTechnology } from "./instances/technologies.js";

function settingOf(technology: string, changes: Record<string, ParameterValue>): ExperimentSetting {
  const defaults = Object.entries(IDLE_TAX.parameters).map(([name, spec]) => [name, defaultOf(spec, "tiny")]);
  return {
    technology: findTechnology(technology)!,
    profile: findProfile("skylake-2015")!,
    memory: 4 * GIB,
    isHuge: false,
    seed: 1,
    parameters: { ...Object.fromEntries(defaults), watch: 5, ...changes },
  };
}

const run = (changes: Record<string, ParameterValue>) =>
  IDLE_TAX.run(settingOf("microvm", changes)) as Record<string, number>;

describe("memory divided among guests", () => {
  it("by equal shares comes out equal, whatever is idle", () => {
    const { busy_guest_bytes: busy, idle_guest_bytes: idle } = run({ tax: 0 });
    expect(Math.abs(busy! - idle!)).toBeLessThanOrEqual(2 * MIB);
    expect(busy! + idle!).toBeLessThanOrEqual(358 * MIB);
  });

  it("with a tax goes to who uses it, up to what it was promised", () => {
    const { busy_guest_bytes: busy, idle_guest_bytes: idle } = run({ tax: 0.75, settle: 600 });
    expect(busy).toBe(256 * MIB);
    expect(idle).toBeLessThan(110 * MIB);
  });

  it("is not divided where there is enough for all", () => {
    const { busy_guest_bytes: busy, idle_guest_bytes: idle } = run({ tax: 0.75, available: 600 * MIB });
    expect([busy, idle]).toEqual([256 * MIB, 256 * MIB]);
  });

  it("is refused where it does not hold what no balloon can take, or where there is no guest", () => {
    const refusal = (technology: string, changes: Record<string, ParameterValue>) =>
      IDLE_TAX.refusal!(settingOf(technology, changes));
    expect(refusal("container", {})).toMatch(/no guest/);
    expect(refusal("microvm", { configured: 16 * MIB })).toMatch(/\(configured\)/);
    expect(refusal("microvm", { available: 32 * MIB })).toMatch(/\(available\)/);
    expect(refusal("microvm", {})).toBeUndefined();
  });
});
