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

  it("puts the nearest first, and each once; of equally near ones the shorter", () => {
    expect(nearestWords("sead", ["seaside", "seed", "seed", "read"])).toEqual(["seed", "read"]);
    expect(nearestWords("shadow", ["binary-translation/shadow", "hardware/shadow"])).toEqual([
      "hardware/shadow",
      "binary-translation/shadow",
    ]);
  });

  it.each([
    ["a whole part before a few letters in common", "agile", ["alive", "hardware/agile"], ["hardware/agile"]],
    ["a name but for its punctuation", "vm-exit", ["vm_exit", "vm_entry"], ["vm_exit"]],
    ["a name in another case style", "out_of_sync", ["shadow_reuse", "outOfSync"], ["outOfSync"]],
    ["the beginning of a name", "nehalem", ["penryn-2008", "nehalem-2008"], ["nehalem-2008"]],
    ["a beginning misspelled in nothing else", "host.level", ["host.vpid", "host.levels"], ["host.levels"]],
    ["and nothing far", "hardware/shaddow", ["hardware/agile", "hardware/shadow"], ["hardware/shadow"]],
    ["nor a letter of a short word", "xen", ["n", "vm"], []],
  ])("prefers %s", (_, written, names, near) => {
    expect(nearestWords(written, names)).toEqual(near);
  });
});
