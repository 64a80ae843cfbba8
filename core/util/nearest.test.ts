import { describe, expect, it } from "vitest";
import { editDistance, nearestWords } from "./nearest.js";

describe("editDistance", () => {
  it.each([
    ["", "", 0],
    ["", "gups", 4],
    ["gups", "gups", 0],
    ["gusp", "gups", 1], // a swap is one edit
    ["workers", "worker", 1],
    ["kitten", "sitting", 3],
  ])("%s to %s is %i", (a, b, edits) => {
    expect(editDistance(a, b)).toBe(edits);
    expect(editDistance(b, a)).toBe(edits);
  });
});

describe("nearestWords", () => {
  const words = ["gups", "pointer-chase", "forkwait", "context-switch"];

  it("finds a misspelled word whatever its case", () => {
    expect(nearestWords("Forkwiat", words)).toEqual(["forkwait"]);
  });

  it("finds the word of which a part was written", () => {
    expect(nearestWords("pointer", words)).toEqual(["pointer-chase"]);
  });

  it("finds nothing for an unrelated word", () => {
    expect(nearestWords("zipf", words)).toEqual([]);
    expect(nearestWords("x", ["y"])).toEqual([]);
  });

  it("puts the nearest first, and each once", () => {
    expect(nearestWords("seed", ["seedling", "speed", "seed", "seed"])).toEqual([
      "seed",
      "speed",
      "seedling",
    ]);
  });
});
