/** Deadlines: earliest first, ties in the order timers were made, and `next` always the earliest. */
import fc from "fast-check";
import { expect, it } from "vitest";
import { Schedule, type Timer } from "./schedule.js";

it("runs what is due, earliest first, ties in the order timers were made", () => {
  const schedule = new Schedule();
  const ran: string[] = [];
  const timers = ["a", "b", "c", "d"].map((name) => schedule.timer((at) => ran.push(`${name}${at}`)));
  for (const [index, deadline] of [20, 10, 10, 30].entries()) timers[index]!.at(deadline);
  // The order in which ties were set must not matter.
  timers[1]!.cancel();
  timers[1]!.at(10);
  schedule.runDue(9);
  expect(ran).toEqual([]);
  schedule.runDue(25);
  expect(ran).toEqual(["b10", "c10", "a20"]);
  expect(schedule.next).toBe(30);
});

it("runs what is set meanwhile if it is due", () => {
  const schedule = new Schedule();
  const ran: number[] = [];
  const periodic: Timer = schedule.timer((at) => {
    ran.push(at);
    periodic.at(at + 10);
  });
  periodic.at(5);
  schedule.runDue(35);
  expect(ran).toEqual([5, 15, 25, 35]);
  expect(schedule.next).toBe(45);
});

it("tells every change of the earliest deadline, and no other", () => {
  const told: number[] = [];
  const schedule = new Schedule((next) => told.push(next));
  const a = schedule.timer(() => {});
  const b = schedule.timer(() => {});
  a.at(10);
  b.at(20);
  a.at(10);
  a.at(30);
  b.cancel();
  a.cancel();
  expect(told).toEqual([10, 20, 30, Number.POSITIVE_INFINITY]);
});

it("is at any time the least of the deadlines, and returns to a saved state", () => {
  const step = fc.tuple(fc.nat(5), fc.oneof(fc.nat(100), fc.constant(Number.POSITIVE_INFINITY)));
  const property = fc.property(fc.array(step), fc.array(step), (before, after) => {
    const schedule = new Schedule();
    const timers = Array.from({ length: 6 }, () => schedule.timer(() => {}));
    const set = ([index, deadline]: [number, number]): void => timers[index]!.at(deadline);
    before.forEach(set);
    expect(schedule.next).toBe(Math.min(...timers.map(({ deadline }) => deadline)));
    const saved = schedule.save();
    const next = schedule.next;
    after.forEach(set);
    schedule.restore(saved);
    expect(schedule.next).toBe(next);
    expect(schedule.save()).toEqual(saved);
  });
  fc.assert(property, { seed: 3, numRuns: 200 });
});

it("refuses a deadline that is not a number", () => {
  expect(() => new Schedule().timer(() => {}).at(Number.NaN)).toThrow("deadline");
});
