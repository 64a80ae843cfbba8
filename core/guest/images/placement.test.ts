/** Memory maps, and where things are put in them. */
import { describe, expect, test } from "vitest";
import { GIB, MIB } from "../../util/units.js";
import { buildMemoryMap, upperMemory } from "./memory-map.js";
import { Placement } from "./placement.js";

const KIB = 1024;
const bytes = (length: number): Uint8Array => new Uint8Array(length).fill(1);

describe("memory maps", () => {
  const lengths = (memory: number, hole?: number): [number, number][] =>
    buildMemoryMap(memory, hole)
      .filter(({ type }) => type === 1)
      .map(({ base, length }) => [base, length]);

  test("RAM below the legacy hole, above it, and above 4 GiB", () => {
    expect(lengths(512 * KIB)).toEqual([[0, 512 * KIB]]);
    expect(lengths(64 * MIB)).toEqual([
      [0, 639 * KIB],
      [MIB, 63 * MIB],
    ]);
    expect(lengths(3 * GIB)).toEqual([
      [0, 639 * KIB],
      [MIB, 3 * GIB - MIB],
    ]);
    expect(lengths(5 * GIB)).toEqual([
      [0, 639 * KIB],
      [MIB, 3 * GIB - MIB],
      [4 * GIB, 2 * GIB],
    ]);
    expect(lengths(2 * GIB, GIB)).toEqual([
      [0, 639 * KIB],
      [MIB, GIB - MIB],
      [4 * GIB, GIB],
    ]);
  });

  test("upper memory ends at the first hole", () => {
    expect(upperMemory(buildMemoryMap(5 * GIB))).toBe(3 * GIB - MIB);
    expect(upperMemory(buildMemoryMap(512 * KIB))).toBe(0);
  });
});

describe("placement", () => {
  const empty = (memory = 16 * MIB): Placement => new Placement(buildMemoryMap(memory), memory, "image");

  test("low memory is filled from above, past what is there", () => {
    const placement = empty();
    placement.reserve("kernel", 0x9_f000, 0x400);
    expect(placement.placeLow("a", bytes(0x800), 16)).toBe(0x9_f400);
    expect(placement.placeLow("b", bytes(0x800), 16)).toBe(0x9_e800);
    expect(placement.placeLow("c", bytes(0x1000), 0x1000)).toBe(0x9_d000);
    expect(placement.placeLow("d", bytes(0x100), 16)).toBe(0x9_e700); // between c and b
    expect(placement.regions.map(({ name }) => name)).toEqual(["c", "d", "b", "kernel", "a"]);
  });

  test("what does not fit in low memory is refused, not put elsewhere", () => {
    const placement = empty();
    placement.reserve("kernel", 0x1000, 639 * KIB - 0x1000);
    expect(() => placement.placeLow("a", bytes(16))).toThrow(
      "there is no room for a, 16 B, in 16 MiB of memory",
    );
  });

  test("modules go above everything, each on a page of its own", () => {
    const placement = empty();
    expect(placement.placeAbove("m1", bytes(1))).toBe(MIB);
    placement.reserve("kernel", 4 * MIB, 0x1001);
    expect(placement.placeAbove("m2", bytes(1))).toBe(4 * MIB + 0x2000);
    expect(() => placement.placeAbove("m3", bytes(16 * MIB))).toThrow("no room for m3");
  });

  test("below a limit, in the highest RAM that is free", () => {
    const placement = empty(5 * GIB);
    expect(placement.placeBelow("a", bytes(0x1000), 8 * GIB)).toBe(6 * GIB - 0x1000);
    expect(placement.placeBelow("b", bytes(0x1000), 4 * GIB)).toBe(3 * GIB - 0x1000);
    expect(placement.placeBelow("c", bytes(0x1000), MIB + 0x2800)).toBe(MIB + 0x1000);
  });

  test("no overlap, and nothing outside RAM but firmware in its place", () => {
    const placement = empty();
    placement.reserve("kernel", MIB, 0x1000);
    expect(() => placement.reserve("more", MIB + 0xfff, 1)).toThrow(
      "more (0x100fff to 0x101000) overlaps kernel (0x100000 to 0x101000)",
    );
    expect(() => placement.reserve("before", MIB - 0x1000, 0x1001)).toThrow("not all RAM");
    expect(() => placement.reserve("first", MIB + 0xff0, 16)).toThrow(
      "first (0x100ff0 to 0x101000) overlaps kernel",
    );
    placement.reserve("next", MIB + 0x2000, 16);
    expect(() => placement.reserve("last", MIB + 0x1fff, 2)).toThrow(
      "last (0x101fff to 0x102001) overlaps next",
    );
    expect(() => placement.reserve("far", 16 * MIB - 1, 2)).toThrow("not all RAM");
    expect(() => placement.reserve("hole", 0xa_0000, 1)).toThrow("not all RAM");
    expect(() => placement.loadFirmware("video", 0xb_8000, bytes(16))).toThrow("not all RAM");
    placement.loadFirmware("tables", 0xf_0000, bytes(16));
    placement.reserve("nothing", MIB, 0);
    expect(placement.writes.map(({ physical }) => physical)).toEqual([0xf_0000]);
  });
});
