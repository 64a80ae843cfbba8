/** ACPI's PM1 registers: what is read back of what an operating system writes. */
import { expect, it } from "vitest";
import { Bench } from "../testing/bench.js";
import { PM_CONTROL_PORT, PM_EVENT_PORT } from "./power-registers.js";

const STATUS = PM_EVENT_PORT;
const ENABLE = PM_EVENT_PORT + 2;

const words = (bench: Bench): number[] =>
  [STATUS, ENABLE, PM_CONTROL_PORT].map((port) => bench.pc.bus.readPort(port, 2));

it("nothing has happened, nothing is enabled, ACPI is on", () => {
  expect(words(new Bench())).toEqual([0, 0, 1]);
});

it("enables and the sleep type are kept, commands and status are not", () => {
  const bench = new Bench();
  for (const port of [STATUS, ENABLE, PM_CONTROL_PORT]) bench.pc.bus.writePort(port, 2, 0xffff);
  expect(words(bench)).toEqual([0, 0x0721, 0x1c03]);
  bench.pc.bus.writePort(ENABLE, 2, 0x0400);
  expect(bench.in(ENABLE + 1)).toBe(0x04);
});

it("they are saved, and cleared by a reset", () => {
  const bench = new Bench();
  bench.pc.bus.writePort(ENABLE, 2, 0x0020);
  const saved = bench.pc.save();
  bench.pc.reset();
  expect(words(bench)).toEqual([0, 0, 1]);
  bench.pc.restore(saved);
  expect(words(bench)).toEqual([0, 0x0020, 1]);
});
