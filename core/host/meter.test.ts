import fc from "fast-check";
import { expect, it } from "vitest";
import { RequestMeter } from "./meter.js";

it("gives percentiles within a bucket's width, a sixteenth of a doubling", () => {
  const latencies = fc.array(fc.integer({ min: 1, max: 1e11 }), { minLength: 1, maxLength: 300 });
  fc.assert(
    fc.property(latencies, fc.constantFrom(0.5, 0.9, 0.99, 1), (all, share) => {
      const meter = new RequestMeter(1e9);
      for (const latency of all) meter.finished(latency);
      const exact = [...all].sort((a, b) => a - b)[Math.ceil(all.length * share - 1e-9) - 1]!;
      const found = meter.percentile(share);
      expect(found / exact).toBeGreaterThan(1 - 1 / 16);
      expect(found).toBeLessThanOrEqual(exact * (1 + 1 / 16) + 1); // whole nanoseconds
      expect(meter.late).toBe(all.filter((latency) => latency > 1e9).length);
    }),
  );
});

it("counts refused requests as late, and forgets all when it begins anew", () => {
  const meter = new RequestMeter(100);
  for (const latency of [50, 60, 200]) meter.finished(latency);
  meter.refused();
  expect(meter.lateShare).toBe(0.5);
  meter.reset();
  expect([meter.lateShare, meter.percentile(0.99), meter.completed]).toEqual([0, 0, 0]);
});
