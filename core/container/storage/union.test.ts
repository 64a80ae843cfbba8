import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { layerOf } from "../images/layer.js";
import { copiedBytes, createWork, firstWriteTime } from "./driver-costs.js";
import { findDriver, STORAGE_DRIVERS } from "./drivers.js";
import { UnionMount } from "./union.js";

const file = (path: string, bytes: number, content = path) => ({ path, bytes, content });

const base = layerOf(undefined, [file("/a", 100), file("/b", 200), file("/c", 300)], 0.5);
const middle = layerOf(base, [file("/b", 250, "new b")], 0.5, ["/c"]);
const top = layerOf(middle, [file("/d", 400)], 0.5);

describe("a union mount", () => {
  it("looks from the top down and stops at a whiteout", () => {
    const mount = new UnionMount([base, middle, top]);
    expect(mount.lookup("/d")).toMatchObject({ layer: 2, probes: 2 });
    expect(mount.lookup("/b")).toMatchObject({ layer: 1, probes: 3, file: { content: "new b" } });
    expect(mount.lookup("/a")).toMatchObject({ layer: 0, probes: 4 });
    expect(mount.lookup("/c")).toMatchObject({ file: undefined, probes: 3 });
    expect(mount.lookup("/e")).toMatchObject({ file: undefined, probes: 4 });
  });

  it("copies a lower file up once, whatever is written", () => {
    const mount = new UnionMount([base, middle, top]);
    expect([mount.write("/a", 101, "mine"), mount.write("/a", 102, "mine")]).toEqual([100, 0]);
    expect(mount.lookup("/a")).toMatchObject({ layer: 3, probes: 1 });
    expect([mount.copied, mount.upperBytes]).toEqual([{ files: 1, bytes: 100 }, 102]);
  });

  it("shows what a plain copy of all layers would show, after any writes and removals", () => {
    const paths = ["/a", "/b", "/c", "/d", "/e"];
    const operation = fc.record({
      path: fc.constantFrom(...paths),
      bytes: fc.nat(1000),
      isRemoval: fc.boolean(),
    });
    fc.assert(
      fc.property(fc.array(operation, { maxLength: 30 }), (operations) => {
        const mount = new UnionMount([base, middle, top]);
        const plain = new Map(new UnionMount([base, middle, top]).visible());
        for (const { path, bytes, isRemoval } of operations) {
          if (isRemoval) expect(mount.remove(path)).toBe(plain.delete(path));
          else {
            mount.write(path, bytes, "w");
            plain.set(path, file(path, bytes, "w"));
          }
        }
        expect(mount.visible()).toEqual(plain);
        for (const path of paths) expect(mount.lookup(path).file).toEqual(plain.get(path));
      }),
    );
  });
});

describe("storage drivers", () => {
  it("copy files, blocks, or all at once", () => {
    const copied = (name: string): number => copiedBytes(findDriver(name)!, 10_000_000, 1);
    expect(["overlay", "aufs", "btrfs", "devicemapper", "vfs"].map(copied)).toEqual([
      10_000_000, 10_000_000, 4096, 65_536, 0,
    ]);
  });

  it("pay for what they copy, at creation or at the first write", () => {
    for (const driver of STORAGE_DRIVERS) {
      const isCopy = driver.copies === "everything-at-create";
      expect(createWork(driver, 8, 9000, 300e6) > 50e6).toBe(isCopy);
      expect(firstWriteTime(driver, 1e6) > 0).toBe(!isCopy);
    }
  });
});
