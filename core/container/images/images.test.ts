import { describe, expect, it } from "vitest";
import { UserError } from "../../util/errors.js";
import { median } from "../../util/median.js";
import { COMPRESSION, IMAGE_NAMES, imageOf } from "./catalogue.js";
import { HELLO_BENCH } from "./hello-bench.js";
import { ImageStore } from "./image-store.js";
import { bytesOf, type Layer, layerOf } from "./layer.js";

const base = layerOf(undefined, [{ path: "/a", bytes: 1, content: "a" }], 1);

describe("layers", () => {
  it("are named by their contents and what is below them", () => {
    const files = [{ path: "/b", bytes: 2, content: "b" }];
    expect(layerOf(base, files, 1).digest).toBe(layerOf(base, files, 1).digest);
    expect(layerOf(base, files, 1).digest).not.toBe(layerOf(undefined, files, 1).digest);
    expect(layerOf(base, files, 1).digest).not.toBe(layerOf(base, files, 1, ["/a"]).digest);
  });

  it("are kept once", () => {
    const store = new ImageStore();
    expect([store.add(base), store.add(base)]).toEqual([true, false]);
  });
});

describe("a chain of layers", () => {
  const layer = (digest: string, parent?: string): Layer => ({
    digest,
    parent,
    files: [],
    whiteouts: [],
    compressedBytes: 0,
  });
  const chainOf = (layers: Layer[], top: string): Layer[] => {
    const store = new ImageStore();
    for (const each of layers) store.add(each);
    return store.chain({ name: "mine", top });
  };

  it("is lowest first", () => {
    expect(chainOf([layer("x"), layer("y", "x")], "y").map(({ digest }) => digest)).toEqual(["x", "y"]);
  });

  it("is refused where a layer is missing, or is its own ancestor, with the place and a mend", () => {
    const refused = (layers: Layer[], top: string): UserError => {
      try {
        chainOf(layers, top);
      } catch (error) {
        if (error instanceof UserError) return error;
      }
      throw new Error("not refused");
    };
    expect(refused([layer("y", "x")], "y").text).toMatch(/image mine: layer x is missing\n {2}pull/);
    expect(refused([layer("x", "y"), layer("y", "x")], "y").text).toMatch(/cycle: y .*\n {2}give/);
  });
});

describe("the images of the catalogue", () => {
  it("have the published size and compression, and the same layers each time", () => {
    const { layers } = imageOf("median", 1);
    const bytes = layers.reduce((sum, layer) => sum + bytesOf(layer), 0);
    const compressed = layers.reduce((sum, layer) => sum + layer.compressedBytes, 0);
    expect(Math.abs(bytes / 329e6 - 1)).toBeLessThan(0.001);
    expect(compressed / bytes).toBeCloseTo(COMPRESSION.value, 3);
    expect(imageOf("median", 1).top).toBe(imageOf("median", 1).top);
    expect(imageOf("median", 2).top).not.toBe(imageOf("median", 1).top);
  });

  it("share the layers of their base", () => {
    const [base, median, runtime] = ["base", "median", "runtime"].map((name) => imageOf(name, 1));
    expect([median!.layers[0], runtime!.layers[0]]).toEqual([base!.layers[0], base!.layers[0]]);
    expect(IMAGE_NAMES).toContain("minimal");
  });

  it("are HelloBench's 57, whose median size is the published one within a quarter", () => {
    expect(new Set(HELLO_BENCH.map(({ name }) => name)).size).toBe(57);
    expect(Math.abs(median(HELLO_BENCH.map(({ size }) => size.value)) / 329e6 - 1)).toBeLessThan(0.25);
    expect(imageOf("hello-world", 1).startWork).toBe(0);
    expect(imageOf("mysql", 1).startWork).toBeGreaterThan(imageOf("python", 1).startWork);
  });
});
