/** A cell under other constants: it shows in its row, and nothing of it is left behind. */
import { expect, test } from "vitest";
import type { CellConfig } from "./config.js";
import { hostConstants, profileConstants } from "./constants.js";
import { loadScenario, planScenario } from "./index.js";
import { changedCell, constantsOfCell, underItsConstants } from "./replaced-constants.js";
import { runCell } from "./run-cell.js";

function configOf(text: string): CellConfig {
  return planScenario(loadScenario({ text: `size: tiny\n${text}`, path: "test.yaml" })).cells[0]!.config;
}

const START =
  "machine: { memory: 8GiB }\ntechnique: container\nworkload: { name: host/start-time, imageAt: memory }";
const KERNEL =
  "technique: native\nworkload: { name: kernel/page-fault, bits: 32 }\nmachine: { memory: 64MiB }";

test.each([
  ["of a host", START, "start.client", "start_time"],
  ["of a processor's instructions", KERNEL, "instructions.store", "cycles"],
  ["of a processor's caches", KERNEL, "caches.dram", "cycles"],
  ["a price", KERNEL, "costs.interrupt_delivery", "cycles"],
])("a constant %s, twice as great, makes more of it", (_, text, name, column) => {
  const config = configOf(text);
  const before = constantsOfCell(config).get(name)![0];
  const changed = changedCell(config, (each, value) => (each === name ? 2 * value : undefined));
  const [plain, dearer, again] = [config, changed, config].map((each) => runCell(each).values[column]);
  expect(Number(dearer)).toBeGreaterThan(Number(plain));
  expect(again).toBe(plain);
  expect(constantsOfCell(config).get(name)![0]).toBe(before);
});

test("values are put back when the run fails", () => {
  const config = configOf(START);
  const { value } = hostConstants().get("start.client")!;
  const changed = changedCell(config, (name) => (name === "start.client" ? 1 : undefined));
  const fail = (): never => {
    expect(hostConstants().get("start.client")!.value).toBe(1);
    throw new Error("planned");
  };
  expect(() => underItsConstants(changed, fail)).toThrow("planned");
  expect(hostConstants().get("start.client")!.value).toBe(value);
});

test("cycles become multiples of 1/64; what changes nothing is the same cell", () => {
  const config = configOf(KERNEL);
  const third = changedCell(config, (name, value) =>
    name === "costs.interrupt_return" ? value / 3 : undefined,
  );
  const price = profileConstants(config.machine.profile).get("costs.interrupt_return")!.value;
  expect(third.machine.costs["interrupt_return"]).toBe(Math.round((price / 3) * 64) / 64);
  expect(changedCell(config, () => undefined)).toBe(config);
});
