/**
 * Host timing: as many samples as asked for, statistics in order. No time is asserted: that would be noise.
 */
import { describe, expect, it } from "vitest";
import { measure, TIMING_COLUMNS, timingTable } from "./timing.js";

describe("measure", () => {
  it("runs as often as asked, warm-up besides, and keeps every sample", async () => {
    let runs = 0;
    const timing = await measure(() => void runs++, { samples: 7, warmup: 2 });
    expect(timing.samples).toHaveLength(7);
    expect(runs).toBe(9);
    expect([...timing.samples].sort((a, b) => a - b)).toEqual(timing.samples);
    expect(timing.min).toBe(timing.samples[0]);
    expect(timing.median).toBeLessThanOrEqual(timing.p75);
    expect(timing.p75).toBeLessThanOrEqual(timing.p99);
  });

  it("waits for what is asynchronous, and passes errors on", async () => {
    const timing = await measure(() => new Promise((resolve) => setTimeout(resolve, 5)), {
      samples: 2,
      warmup: 0,
    });
    expect(timing.min).toBeGreaterThan(0.003);
    await expect(measure(() => Promise.reject(new Error("broken")), { samples: 2 })).rejects.toThrow(
      "broken",
    );
  });

  it("takes the seconds that count from who knows them", async () => {
    const seconds = [3, 1, 2];
    const timing = await measure(() => seconds.pop()!, { samples: 3, warmup: 0 });
    expect(timing.samples).toEqual([1, 2, 3]);
    expect([timing.min, timing.median]).toEqual([1, 2]);
  });
});

describe("timingTable", () => {
  it("has a column for each statistic, and references a second by the median", () => {
    const timing = { samples: [1, 2, 3], min: 1, median: 2, mean: 2, p75: 2.5, p99: 3, sd: 1 };
    const { columns, rows } = timingTable([{ cell: "a", timing, references: 1000, peakRssBytes: 5 }]);
    expect(columns).toEqual(TIMING_COLUMNS.map(({ name }) => name));
    expect(rows[0]).toMatchObject({
      cell: "a",
      samples: 3,
      median_seconds: 2,
      references_per_second: 500,
      instructions_per_second: "",
      peak_rss_bytes: 5,
    });
  });

  it("has instructions a second for what executes code", () => {
    const timing = { samples: [2], min: 2, median: 2, mean: 2, p75: 2, p99: 2, sd: 0 };
    const { rows } = timingTable([{ cell: "a", timing, instructions: 1000, peakRssBytes: 5 }]);
    expect(rows[0]).toMatchObject({ references_per_second: "", instructions_per_second: 500 });
  });
});
