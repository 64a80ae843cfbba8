/**
 * The 8254's counter against the waveforms of its datasheet (order 231164-005), pulse by pulse; and going
 * many pulses at once against going one by one.
 */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  advance,
  type CounterState,
  clock,
  countRegister,
  nextChange,
  powerOnCounter,
  programMode,
  setGate,
  writeCount,
  writeFirstByte,
} from "./counter.js";

/**
 * Programs a counter, then writes what the wave looks like after each of `pulses` pulses: the count, with `'` where
 * OUT is high. `events` happen before the pulse of their number, counted from 1.
 */
function wave(
  mode: number,
  count: number,
  pulses: number,
  events: Record<number, (s: CounterState) => void> = {},
  options: { gate?: boolean; bcd?: boolean } = {},
): string {
  const s = powerOnCounter(options.gate ?? true, 0);
  programMode(s, mode, options.bcd ?? false);
  writeCount(s, count);
  const marks: string[] = [];
  for (let pulse = 1; pulse <= pulses; pulse++) {
    events[pulse]?.(s);
    clock(s);
    marks.push(countRegister(s).toString(16) + (s.out ? "'" : ""));
  }
  return marks.join(" ");
}

const gate = (high: boolean) => (s: CounterState) => setGate(s, high);
const write = (count: number) => (s: CounterState) => writeCount(s, count);
const trigger = (s: CounterState): void => {
  setGate(s, false);
  setGate(s, true);
};

describe("mode 0, interrupt on terminal count", () => {
  it("goes high N + 1 pulses after the count is written, and counts on", () => {
    expect(wave(0, 4, 7)).toBe("4 3 2 1 0' ffff' fffe'");
  });
  it("stands still while GATE is low", () => {
    expect(wave(0, 3, 7, { 3: gate(false), 5: gate(true) })).toBe("3 2 2 2 1 0' ffff'");
  });
  it("loads a count written while GATE is low, and then needs N pulses", () => {
    expect(wave(0, 2, 5, { 3: gate(true) }, { gate: false })).toBe("2 2 1 0' ffff'");
  });
  it("loads a new count on the next pulse", () => {
    expect(wave(0, 3, 6, { 3: write(2) })).toBe("3 2 2 1 0' ffff'");
  });
  it("goes low when a new count is written after the end", () => {
    expect(wave(0, 1, 5, { 4: write(2) })).toBe("1 0' ffff' 2 1");
  });
  it("stops, low, between the two bytes of a count", () => {
    expect(wave(0, 3, 6, { 3: writeFirstByte, 5: write(1) })).toBe("3 2 2 2 1 0'");
  });
});

describe("mode 1, hardware retriggerable one-shot", () => {
  it("goes low on the pulse after a trigger, for N pulses", () => {
    expect(wave(1, 3, 8, { 3: trigger })).toBe("ffff' fffe' 3 2 1 0' ffff' fffe'");
  });
  it("is extended by another trigger", () => {
    expect(wave(1, 3, 7, { 1: trigger, 3: trigger })).toBe("3 2 3 2 1 0' ffff'");
  });
  it("keeps its pulse when a new count is written, until the next trigger", () => {
    expect(wave(1, 2, 7, { 1: trigger, 2: write(4), 5: trigger })).toBe("2 1 0' ffff' 4 3 2");
  });
  it("does not mind GATE going low", () => {
    expect(wave(1, 2, 4, { 1: trigger, 2: gate(false) })).toBe("2 1 0' ffff'");
  });
});

describe("mode 2, rate generator", () => {
  it("is low for one pulse in N", () => {
    expect(wave(2, 3, 8)).toBe("3' 2' 1 3' 2' 1 3' 2'");
  });
  it("is set high by GATE going low, and begins anew on the pulse after it rises", () => {
    expect(wave(2, 3, 8, { 4: gate(false), 6: gate(true) })).toBe("3' 2' 1 1' 1' 3' 2' 1");
  });
  it("takes a new count at the end of the cycle", () => {
    expect(wave(2, 4, 9, { 3: write(2) })).toBe("4' 3' 2' 1 2' 1 2' 1 2'");
  });
  it("takes a new count at once when triggered", () => {
    expect(wave(2, 4, 6, { 3: (s) => [write(5)(s), trigger(s)] })).toBe("4' 3' 5' 4' 3' 2'");
  });
});

describe("mode 3, square wave", () => {
  it("is high for half of an even count", () => {
    expect(wave(3, 4, 8)).toBe("4' 2' 4 2 4' 2' 4 2");
  });
  it("is high for one pulse more of an odd count", () => {
    expect(wave(3, 5, 10)).toBe("4' 2' 0' 4 2 4' 2' 0' 4 2");
  });
  it("is set high by GATE going low, and begins anew on the pulse after it rises", () => {
    expect(wave(3, 4, 8, { 4: gate(false), 6: gate(true) })).toBe("4' 2' 4 4' 4' 4' 2' 4");
  });
  it("takes a new count at the end of the half-cycle", () => {
    expect(wave(3, 4, 8, { 2: write(6) })).toBe("4' 2' 6 4 2 6' 4' 2'");
  });
});

describe("mode 4, software triggered strobe", () => {
  it("is low for one pulse, N + 1 pulses after the count is written", () => {
    expect(wave(4, 3, 6)).toBe("3' 2' 1' 0 ffff' fffe'");
  });
  it("stands still while GATE is low, but for the strobe's end", () => {
    expect(wave(4, 2, 6, { 2: gate(false), 4: gate(true) })).toBe("2' 2' 2' 1' 0 ffff'");
    expect(wave(4, 1, 4, { 3: gate(false) })).toBe("1' 0 0' 0'");
  });
  it("is begun anew by a new count", () => {
    expect(wave(4, 3, 6, { 3: write(2) })).toBe("3' 2' 2' 1' 0 ffff'");
  });
});

describe("mode 5, hardware triggered strobe", () => {
  it("is low for one pulse, N + 1 pulses after a trigger", () => {
    expect(wave(5, 3, 6, { 1: trigger })).toBe("3' 2' 1' 0 ffff' fffe'");
  });
  it("is begun anew by another trigger", () => {
    expect(wave(5, 3, 7, { 1: trigger, 3: trigger })).toBe("3' 2' 3' 2' 1' 0 ffff'");
  });
});

describe("edges", () => {
  it("0 stands for the greatest count: 65,536, or 10,000 in BCD", () => {
    expect(wave(0, 0, 3)).toBe("0 ffff fffe");
    expect(wave(0, 0, 3, {}, { bcd: true })).toBe("0 9999 9998");
    for (const [bcd, pulses] of [
      [false, 65_536],
      [true, 10_000],
    ] as const) {
      const s = powerOnCounter(true, 0);
      programMode(s, 0, bcd);
      writeCount(s, 0);
      expect(nextChange(s)).toBe(pulses + 1);
      advance(s, pulses);
      expect([s.out, countRegister(s)]).toEqual([false, 1]);
      advance(s, pulses + 1);
      expect([s.out, countRegister(s)]).toEqual([true, 0]);
    }
  });
  it("BCD borrows between digits and wraps at 9999", () => {
    expect(wave(0, 0x1000, 3, {}, { bcd: true })).toBe("1000 999 998");
    expect(wave(0, 0x0001, 4, {}, { bcd: true })).toBe("1 0' 9999' 9998'");
  });
  it("modes 6 and 7 are 2 and 3", () => {
    expect(wave(6, 3, 6)).toBe(wave(2, 3, 6));
    expect(wave(7, 5, 6)).toBe(wave(3, 5, 6));
  });
  it("the least legal counts work, and 1 in modes 2 and 3 is taken as 2", () => {
    expect(wave(0, 1, 3)).toBe("1 0' ffff'");
    for (const count of [1, 2]) {
      expect(wave(2, count, 5)).toBe("2' 1 2' 1 2'");
      expect(wave(3, count, 5)).toBe("2' 2 2' 2 2'");
    }
  });
  it("a counter without a count stands still", () => {
    const s = powerOnCounter(true, 0);
    programMode(s, 2, false);
    expect(nextChange(s)).toBe(Number.POSITIVE_INFINITY);
    advance(s, 1_000_000);
    expect([s.out, s.nullCount]).toEqual([true, true]);
  });
});

type Step = (s: CounterState) => void;
const count = fc.oneof(fc.integer({ min: 0, max: 12 }), fc.integer({ min: 0, max: 0xffff }));
const step: fc.Arbitrary<Step> = fc.oneof(
  count.map(write),
  count.map((value) => (s: CounterState) => {
    writeFirstByte(s);
    writeCount(s, value);
  }),
  fc.constant<Step>(writeFirstByte),
  fc.boolean().map(gate),
  fc.constant<Step>(trigger),
  fc.tuple(fc.nat(7), fc.boolean(), count).map(([mode, bcd, value]) => (s: CounterState) => {
    programMode(s, mode, bcd);
    writeCount(s, value);
  }),
);
const program = fc.array(fc.tuple(step, fc.oneof(fc.nat(20), fc.nat(3000))), { maxLength: 12 });

it("goes many pulses at once as it goes one by one", () => {
  const property = fc.property(program, (steps) => {
    const [fast, slow] = [powerOnCounter(true, 0), powerOnCounter(true, 0)];
    for (const [act, pulses] of steps) {
      act(fast);
      act(slow);
      advance(fast, fast.pulse + pulses);
      for (let i = 0; i < pulses; i++) clock(slow);
      expect(fast).toEqual(slow);
    }
  });
  fc.assert(property, { seed: 11, numRuns: 400 });
});

it("knows the pulse on which OUT changes next", () => {
  const property = fc.property(program, (steps) => {
    const s = powerOnCounter(true, 0);
    for (const [act, pulses] of steps) {
      act(s);
      advance(s, s.pulse + pulses);
      const next = nextChange(s);
      const probe = { ...s };
      const horizon = Math.min(next, s.pulse + 3000);
      while (probe.pulse < horizon && probe.out === s.out) clock(probe);
      if (probe.out !== s.out) expect(probe.pulse).toBe(next);
      else expect(next).toBeGreaterThan(s.pulse + 2999);
    }
  });
  fc.assert(property, { seed: 12, numRuns: 300 });
});
