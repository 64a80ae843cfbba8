import { describe, expect, it } from "vitest";
import { Fnv64 } from "./fingerprint.js";

/** FNV-1a as published, in 64-bit arithmetic. */
function published(words: readonly number[]): string {
  let hash = 0xcbf29ce484222325n;
  for (const word of words) {
    for (let shift = 0; shift < 32; shift += 8) {
      hash = BigInt.asUintN(64, (hash ^ BigInt((word >>> shift) & 0xff)) * 0x100000001b3n);
    }
  }
  return hash.toString(16).padStart(16, "0");
}

describe("Fnv64", () => {
  it.each([
    [[]],
    [[0]],
    [[1, -1, 0x12345678, 0x7fffffff | 0]],
    [Array.from({ length: 99 }, (_, i) => i * i * 7919)],
  ])("is FNV-1a of 64 bits", (words) => {
    const hash = new Fnv64();
    for (const word of words) hash.add(word);
    expect(hash.hex).toBe(published(words));
  });
});
