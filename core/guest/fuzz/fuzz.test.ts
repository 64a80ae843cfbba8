/** Random guests and broken programs on both engines: none throws, none goes over its budget, the engines agree. */
import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { CORPUS, type FuzzKind } from "./corpus.js";
import { randomGuest } from "./guests.js";
import { MUTANT_BUDGET, MUTANT_BYTES, randomMutant } from "./mutants.js";
import { runGuest } from "./run-guest.js";

const BUDGET = 20_000;
const GUESTS = 60;
const MUTANTS = 12;

const read = (file: string): Uint8Array => readFileSync(new URL(`../programs/${file}`, import.meta.url));

/** The first seeds, and those that found something in scripts/fuzz.mjs. */
function seedsOf(
  kind: FuzzKind,
  first: number,
): readonly { readonly seed: number; readonly budget?: number }[] {
  const seeds = Array.from({ length: first }, (_, at) => ({ seed: 1 + at }));
  const found = CORPUS.filter((finding) => finding.kind === kind && (finding.budget ?? finding.seed > first));
  return [...seeds, ...found];
}

describe("a random guest hurts nobody", () => {
  it.each(seedsOf("guest", GUESTS))("seed $seed", ({ seed, budget = BUDGET }) => {
    const { description, load } = randomGuest(seed);
    expect(runGuest(load, budget), description).toBeUndefined();
  });

  it("the same seed gives the same guest", () => {
    expect(randomGuest(3)).toEqual(randomGuest(3));
  });
});

describe("a broken program hurts nobody", () => {
  it.each(seedsOf("mutant", MUTANTS))("seed $seed", ({ seed, budget = MUTANT_BUDGET }) => {
    const { description, load } = randomMutant(seed, read);
    expect(runGuest(load, budget, MUTANT_BYTES), description).toBeUndefined();
  });

  it("the same seed gives the same program, broken in the same places", () => {
    expect(randomMutant(3, read)).toEqual(randomMutant(3, read));
  });
});
