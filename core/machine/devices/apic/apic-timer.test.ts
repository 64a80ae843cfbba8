/** The local APIC's timer: counts and deadlines to the cycle, in its three modes. */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { TickRate } from "../clock.js";
import { Bench, TEST_HERTZ } from "../testing/bench.js";
import { REGISTER as R } from "./registers.js";

const BASE = 0xfee0_0000;
const VECTOR = 0x41;
const [ONE_SHOT, PERIODIC, TSC_DEADLINE] = [0, 0x2_0000, 0x4_0000];
const BUS = new TickRate(100_000_000, TEST_HERTZ);
const MASKED = 0x1_0000;
const DEADLINE_MSR = 0x6e0;

class TimerBench extends Bench {
  constructor(mode: number) {
    super();
    this.set(R.spurious, 0x1ff);
    this.set(R.lvtTimer, mode | VECTOR);
  }

  set(register: number, value: number): void {
    this.store(BASE + register * 16, value);
  }

  get(register: number): number {
    return this.load(BASE + register * 16);
  }

  /** Runs to a cycle and says whether the timer has interrupted since. */
  hasExpiredBy(cycles: number): boolean {
    this.run(cycles - this.cycles);
    const vector = this.take();
    if (vector === VECTOR) this.set(R.endOfInterrupt, 0);
    return vector === VECTOR;
  }
}

describe("one-shot", () => {
  it("expires once, on the cycle, for every divider", () => {
    for (const [code, divisor] of [
      [0, 2],
      [1, 4],
      [2, 8],
      [3, 16],
      [8, 32],
      [9, 64],
      [10, 128],
      [11, 1],
    ] as const) {
      for (const start of [0, 13, 1_000_000_007]) {
        const bench = new TimerBench(ONE_SHOT);
        bench.cycles = start;
        bench.set(R.divide, code);
        bench.set(R.initialCount, 1000);
        const due = BUS.cyclesOf(BUS.ticksAt(start) + 1000 * divisor);
        expect(bench.hasExpiredBy(due - 1)).toBe(false);
        expect(bench.get(R.currentCount)).toBe(1);
        expect(bench.hasExpiredBy(due)).toBe(true);
        expect(bench.get(R.currentCount)).toBe(0);
        expect(bench.get(R.initialCount)).toBe(1000);
        expect(bench.pc.schedule.next).toBe(Number.POSITIVE_INFINITY);
      }
    }
  });

  it("is stopped by a count of 0, and begun anew by another", () => {
    const bench = new TimerBench(ONE_SHOT);
    bench.set(R.initialCount, 1000);
    bench.set(R.initialCount, 0);
    expect(bench.get(R.currentCount)).toBe(0);
    expect(bench.pc.schedule.next).toBe(Number.POSITIVE_INFINITY);
    bench.set(R.initialCount, 0xffff_ffff);
    expect(bench.get(R.currentCount)).toBe(0xffff_ffff);
    expect(bench.pc.schedule.next).toBe(BUS.cyclesOf(2 * 0xffff_ffff));
  });

  it("counts while masked, and then does not interrupt", () => {
    const bench = new TimerBench(ONE_SHOT | MASKED);
    bench.set(R.initialCount, 100);
    bench.run(BUS.cyclesOf(100));
    expect(bench.get(R.currentCount)).toBe(50);
    expect(bench.hasExpiredBy(BUS.cyclesOf(200))).toBe(false);
    expect(bench.get(R.currentCount)).toBe(0);
  });
});

describe("periodic", () => {
  it("expires every period, without drift", () => {
    const bench = new TimerBench(PERIODIC);
    bench.set(R.divide, 11);
    bench.set(R.initialCount, 333);
    for (let n = 1; n <= 1000; n++) {
      expect(bench.hasExpiredBy(BUS.cyclesOf(n * 333) - 1)).toBe(false);
      expect(bench.hasExpiredBy(BUS.cyclesOf(n * 333))).toBe(true);
      expect(bench.get(R.currentCount)).toBe(333);
    }
  });

  it("misses periods that pass unseen, and keeps its phase", () => {
    const bench = new TimerBench(PERIODIC);
    bench.set(R.divide, 11);
    bench.set(R.initialCount, 10);
    bench.cycles = BUS.cyclesOf(1_000_000_005);
    bench.pc.schedule.runDue(bench.cycles);
    expect(bench.take()).toBe(VECTOR);
    expect(bench.pc.schedule.next).toBe(BUS.cyclesOf(1_000_000_010));
  });

  it("goes on when made one-shot, until its count is over", () => {
    const bench = new TimerBench(PERIODIC);
    bench.set(R.divide, 11);
    bench.set(R.initialCount, 100);
    bench.run(BUS.cyclesOf(250));
    bench.take();
    bench.set(R.endOfInterrupt, 0);
    bench.set(R.lvtTimer, ONE_SHOT | VECTOR);
    expect(bench.get(R.currentCount)).toBe(50);
    expect(bench.hasExpiredBy(BUS.cyclesOf(300))).toBe(true);
    expect(bench.pc.schedule.next).toBe(Number.POSITIVE_INFINITY);
  });
});

it("lets the count go on when the divider changes", () => {
  const bench = new TimerBench(ONE_SHOT);
  bench.set(R.divide, 11);
  bench.set(R.initialCount, 100);
  bench.run(BUS.cyclesOf(40));
  bench.set(R.divide, 0);
  expect(bench.get(R.currentCount)).toBe(60);
  expect(bench.pc.schedule.next).toBe(BUS.cyclesOf(40 + 120));
});

it("reads the count that a counter going one by one would show", () => {
  const property = fc.property(
    fc.boolean(),
    fc.integer({ min: 1, max: 60 }),
    fc.constantFrom(11, 0, 1),
    fc.array(fc.nat(40), { maxLength: 30 }),
    (isPeriodic, initial, code, waits) => {
      const bench = new TimerBench(isPeriodic ? PERIODIC : ONE_SHOT);
      const divisor = code === 11 ? 1 : 2 << code;
      bench.set(R.divide, code);
      bench.set(R.initialCount, initial);
      let tick = 0;
      let count = initial;
      for (const wait of waits) {
        for (let i = 0; i < wait; i++) {
          tick++;
          if (tick % divisor !== 0 || count === 0) continue;
          count--;
          if (count === 0 && isPeriodic) count = initial;
        }
        bench.run(BUS.cyclesOf(tick) - bench.cycles);
        expect(bench.get(R.currentCount)).toBe(count);
      }
    },
  );
  fc.assert(property, { seed: 6, numRuns: 200 });
});

describe("TSC-deadline", () => {
  const deadline = (bench: TimerBench): [number, number] => {
    const value = bench.pc.msrs!.read(DEADLINE_MSR)!;
    return [value.low, value.high];
  };

  it("expires on the cycle of the deadline, once, and reads 0 then", () => {
    const bench = new TimerBench(TSC_DEADLINE);
    bench.pc.msrs!.write(DEADLINE_MSR, 5, 2);
    const due = 2 * 2 ** 32 + 5;
    expect(deadline(bench)).toEqual([5, 2]);
    expect(bench.hasExpiredBy(due - 1)).toBe(false);
    expect(bench.hasExpiredBy(due)).toBe(true);
    expect(deadline(bench)).toEqual([0, 0]);
    expect(bench.pc.schedule.next).toBe(Number.POSITIVE_INFINITY);
  });

  it("expires at once when the deadline has passed", () => {
    const bench = new TimerBench(TSC_DEADLINE);
    bench.cycles = 1000;
    bench.pc.msrs!.write(DEADLINE_MSR, 999, 0);
    expect(bench.hasExpiredBy(1000)).toBe(true);
  });

  it("follows the TSC when it is written", () => {
    const bench = new TimerBench(TSC_DEADLINE);
    bench.pc.msrs!.write(DEADLINE_MSR, 10_000, 0);
    bench.pc.localApic!.timer.tscOffset = 4000;
    expect(bench.pc.schedule.next).toBe(6000);
    expect(bench.hasExpiredBy(5999)).toBe(false);
    expect(bench.hasExpiredBy(6000)).toBe(true);
  });

  it("is disarmed by 0, and by a change of mode", () => {
    const bench = new TimerBench(TSC_DEADLINE);
    bench.pc.msrs!.write(DEADLINE_MSR, 100, 0);
    bench.pc.msrs!.write(DEADLINE_MSR, 0, 0);
    expect(bench.pc.schedule.next).toBe(Number.POSITIVE_INFINITY);
    bench.pc.msrs!.write(DEADLINE_MSR, 100, 0);
    bench.set(R.lvtTimer, ONE_SHOT | VECTOR);
    expect(deadline(bench)).toEqual([0, 0]);
    expect(bench.pc.schedule.next).toBe(Number.POSITIVE_INFINITY);
  });

  it("ignores the count, and the other modes ignore the deadline", () => {
    const bench = new TimerBench(TSC_DEADLINE);
    bench.set(R.initialCount, 100);
    expect([bench.get(R.initialCount), bench.get(R.currentCount)]).toEqual([0, 0]);
    bench.set(R.lvtTimer, PERIODIC | VECTOR);
    bench.pc.msrs!.write(DEADLINE_MSR, 100, 0);
    expect(deadline(bench)).toEqual([0, 0]);
  });
});
