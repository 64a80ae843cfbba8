/** The statistics of host times, held to published values. */
import { describe, expect, it } from "vitest";
import { median } from "../util/median.js";
import { Random } from "../util/random.js";
import { centre, changePoints, signedRanks, signFlipTest } from "./statistics.js";

/** Darwin's maize: crossed less self-fertilised, eighths of an inch (Fisher, The Design of Experiments, 1935, 15). */
const MAIZE = [49, -67, 8, 16, 6, 23, 28, 41, 14, 29, 56, 24, 75, 60, -48];

/** Annual flow of the Nile at Aswan, 1871 to 1970, 10^8 m³ (Cobb, Biometrika 65, 1978): its level falls after 1898. */
const NILE = [
  1120, 1160, 963, 1210, 1160, 1160, 813, 1230, 1370, 1140, 995, 935, 1110, 994, 1020, 960, 1180, 799, 958,
  1140, 1100, 1210, 1150, 1250, 1260, 1220, 1030, 1100, 774, 840, 874, 694, 940, 833, 701, 916, 692, 1020,
  1050, 969, 831, 726, 456, 824, 702, 1120, 1100, 832, 764, 821, 768, 845, 864, 862, 698, 845, 744, 796, 1040,
  759, 781, 865, 845, 944, 984, 897, 822, 1010, 771, 676, 649, 846, 812, 742, 801, 1040, 860, 874, 848, 890,
  744, 749, 838, 1050, 918, 986, 797, 923, 975, 815, 1020, 906, 901, 1170, 912, 746, 919, 718, 714, 740,
];

describe("signFlipTest", () => {
  it("gives Fisher's 863 of 32768 for Darwin's maize", () => {
    expect(signFlipTest(MAIZE)).toBe(863 / 32768);
  });

  it("gives Wilcoxon's test with signed ranks: W- = 24 and p = 0.0206 for the maize", () => {
    const ranks = signedRanks(MAIZE);
    expect(-ranks.filter((rank) => rank < 0).reduce((sum, rank) => sum + rank, 0)).toBe(24);
    expect(signFlipTest(ranks)).toBeCloseTo(0.0206, 4);
  });

  it("cannot be below 2^-n, nor surprised by what does not differ", () => {
    expect(signFlipTest([1, 2, 3, 4, 5])).toBe(2 ** -5);
    expect(signFlipTest([0, 0, 0])).toBe(1);
    expect(signFlipTest([])).toBe(1);
    expect(() => signFlipTest(new Array(21).fill(1))).toThrow("pairs");
  });

  it("is as often below alpha as alpha says, when nothing differs", () => {
    const random = new Random(7);
    const noise = () => Math.log(random.unit() + 1e-9) * (random.unit() < 0.5 ? -1 : 1); // heavy tails
    let low = 0;
    for (let i = 0; i < 1000; i++)
      if (signFlipTest(signedRanks(Array.from({ length: 10 }, noise))) <= 0.05) low++;
    expect(low).toBeGreaterThan(20); // 1000 draws with p at most 0.05: 42 expected (the test is discrete), sd 6.3
    expect(low).toBeLessThan(70);
  });
});

describe("centre", () => {
  it("is the centre of the maize's differences, about 25", () => {
    expect(centre(MAIZE)).toBeCloseTo(25, 0);
  });

  it("is not moved far by a wild value", () => {
    expect(centre([1, 2, 3, 4, 1000])).toBe(3);
    expect(median([4, 1, 3, 2])).toBe(2.5);
  });
});

describe("changePoints", () => {
  it("finds the fall of the Nile after 1898, and nothing else", () => {
    const mean = (values: readonly number[]) => values.reduce((sum, value) => sum + value, 0) / values.length;
    expect(mean(NILE.slice(0, 28))).toBeCloseTo(1097.75, 2); // the published means of the two stretches
    expect(mean(NILE.slice(28))).toBeCloseTo(849.97, 2);
    const points = changePoints(NILE);
    expect(points.map(({ at }) => 1871 + at)).toEqual([1899]);
    expect(points[0]).toMatchObject({ before: 1130, after: 842.5, p: 0.001 });
  });

  it("finds two levels' ends, and one wild value is no level", () => {
    const random = new Random(3);
    const level = (height: number, length: number) =>
      Array.from({ length }, () => height + random.unit() / 10);
    const series = [...level(1, 12), ...level(2, 12), ...level(1.5, 12)];
    expect(changePoints(series).map(({ at }) => at)).toEqual([12, 24]);
    const spike = level(1, 20);
    spike[9] = 50;
    expect(changePoints(spike)).toEqual([]);
  });

  it("finds nothing in what is constant, short or mere noise", () => {
    expect(changePoints(new Array(30).fill(4))).toEqual([]);
    expect(changePoints([1, 2, 3, 4])).toEqual([]);
    const random = new Random(11);
    const alarms = Array.from({ length: 100 }, () =>
      changePoints(Array.from({ length: 30 }, () => random.unit())),
    );
    expect(alarms.filter((points) => points.length > 0).length).toBeLessThan(6); // alpha 0.01: 1 expected, sd 1
  });
});
