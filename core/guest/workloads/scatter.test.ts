import { describe, expect, it } from "vitest";
import { Random } from "../../util/random.js";
import { Scatter } from "./scatter.js";

describe("Scatter", () => {
  it.each([1, 2, 3, 64, 100, 1000, 4097, 65_536])("permutes %i elements", (size) => {
    const scatter = new Scatter(size, new Random(size));
    const image = Array.from({ length: size }, (_, i) => scatter.at(i));
    expect(new Set(image).size).toBe(size);
    expect(Math.max(...image)).toBe(size - 1);
  });

  it("parts neighbours", () => {
    const scatter = new Scatter(1 << 16, new Random(1));
    let near = 0;
    for (let i = 1; i < 1 << 16; i++) if (Math.abs(scatter.at(i) - scatter.at(i - 1)) < 655) near++;
    // Random pairs are nearer than 1 % of the range in 2 % of cases: 1,311, standard deviation 36.
    expect(near).toBeLessThan(2_000);
  });

  it("reaches 2^31 elements", () => {
    const scatter = new Scatter(2 ** 31, new Random(3));
    expect(scatter.at(2 ** 31 - 1)).toBeGreaterThanOrEqual(0);
    expect(() => new Scatter(2 ** 31 + 1, new Random(3))).toThrow(/2\^31/);
  });
});
