/** Random guests on both engines: none throws, none goes over its budget, the engines agree. scripts/fuzz.mjs runs more. */
import { expect, it } from "vitest";
import { CORPUS } from "./corpus.js";
import { randomGuest } from "./guests.js";
import { runGuest } from "./run-guest.js";

const BUDGET = 20_000;
const FIRST = 1;
const LAST = 60;

const seeds = Array.from({ length: LAST - FIRST + 1 }, (_, at) => FIRST + at);
const mended = CORPUS.filter(({ seed, isMended }) => isMended && seed > LAST).map(({ seed }) => seed);

it.each([...seeds, ...mended])("guest %i hurts nobody", (seed) => {
  const { description, load } = randomGuest(seed);
  expect(runGuest(load, BUDGET), description).toBeUndefined();
});

it("the same seed gives the same guest", () => {
  expect(randomGuest(3)).toEqual(randomGuest(3));
});
