/** The 8254 behind its ports: latches, read-back, IRQ 0 to the cycle, and counter 2 at port 0x61. */
import { describe, expect, it } from "vitest";
import { TickRate } from "../clock.js";
import { Bench, TEST_HERTZ } from "../testing/bench.js";
import { PIT_HERTZ } from "./pit.js";

const CONTROL = 0x43;
const RATE = new TickRate(PIT_HERTZ, TEST_HERTZ);

/** Unmasked master 8259A at vector 0x20, no slave levels. */
function benchWithPic(): Bench {
  const bench = new Bench({ apic: undefined });
  bench.outs(0x20, 0x11);
  bench.outs(0x21, 0x20, 0x04, 0x01, 0xfe);
  bench.log.length = 0;
  return bench;
}

const program = (bench: Bench, counter: number, control: number, ...bytes: number[]): void => {
  bench.out(CONTROL, (counter << 6) | control);
  bench.outs(0x40 + counter, ...bytes);
};

/** Cycles at which the interrupt line rose. */
const rises = (bench: Bench): number[] =>
  bench.log.filter((line) => line.startsWith("interrupt true")).map((line) => Number(line.split("@")[1]));

describe("IRQ 0", () => {
  it("rises on the cycle that begins the tick, at any phase of the write", () => {
    for (const start of [0, 1, 1000, 2234, 2236, 999_999_999]) {
      const bench = benchWithPic();
      bench.cycles = start;
      program(bench, 0, 0x30, 100, 0);
      const due = RATE.cyclesOf(RATE.ticksAt(start) + 101);
      bench.run(due - 1 - start);
      expect(rises(bench)).toEqual([]);
      bench.run(1);
      expect(rises(bench)).toEqual([due]);
    }
  });

  it("in mode 2 comes every N ticks for ever, without drift", () => {
    const bench = benchWithPic();
    program(bench, 0, 0x34, 1193 & 0xff, 1193 >> 8);
    const end = 10 * TEST_HERTZ;
    while (bench.cycles < end) {
      bench.run(1_000_000);
      if (bench.take() !== undefined) bench.out(0x20, 0x20);
    }
    const expected = Array.from({ length: Math.floor((10 * PIT_HERTZ - 1) / 1193) }, (_, i) =>
      RATE.cyclesOf(1 + (i + 1) * 1193),
    );
    // OUT is high from the control word.
    expect(rises(bench)).toEqual([0, ...expected]);
    expect(expected).toHaveLength(10_001);
  });

  it("in mode 3 rises once a period", () => {
    const bench = benchWithPic();
    program(bench, 0, 0x36, 5, 0);
    for (let tick = 1; tick <= 30; tick++) {
      bench.run(RATE.cyclesOf(tick) - bench.cycles);
      if (bench.take() !== undefined) bench.out(0x20, 0x20);
    }
    // OUT is high from the control word; it falls 3 ticks after the load and rises 2 later.
    expect(rises(bench)).toEqual([0, 6, 11, 16, 21, 26].map((tick) => RATE.cyclesOf(tick)));
  });

  it("is not lost when the CPU comes late", () => {
    const bench = benchWithPic();
    program(bench, 0, 0x34, 50, 0);
    bench.take();
    bench.out(0x20, 0x20);
    bench.cycles = RATE.cyclesOf(175); // past three periods, with no deadline run
    bench.in(0x40);
    expect(bench.take()).toBe(0x20);
  });
});

describe("reading", () => {
  it("gives the low and high byte in turn, live", () => {
    const bench = new Bench();
    program(bench, 0, 0x34, 0x00, 0x10);
    bench.run(RATE.cyclesOf(1));
    expect([bench.in(0x40), bench.in(0x40)]).toEqual([0x00, 0x10]);
    bench.run(RATE.cyclesOf(2) - bench.cycles);
    expect([bench.in(0x40), bench.in(0x40)]).toEqual([0xff, 0x0f]);
  });

  it("of a latched count is of the moment of the latch, once", () => {
    const bench = new Bench();
    program(bench, 0, 0x34, 0x00, 0x10);
    bench.run(RATE.cyclesOf(0x101));
    bench.out(CONTROL, 0x00);
    bench.run(RATE.cyclesOf(0x500) - bench.cycles);
    bench.out(CONTROL, 0x00); // ignored: the first has not been read
    expect([bench.in(0x40), bench.in(0x40)]).toEqual([0x00, 0x0f]);
    expect([bench.in(0x40), bench.in(0x40)]).toEqual([0x01, 0x0b]);
  });

  it("of one-byte counters gives that byte only", () => {
    const bench = new Bench();
    program(bench, 0, 0x14, 0x80); // low byte only
    program(bench, 1, 0x64 & 0x3f, 0x12); // high byte only
    bench.run(RATE.cyclesOf(1));
    expect([bench.in(0x40), bench.in(0x40)]).toEqual([0x80, 0x80]);
    expect([bench.in(0x41), bench.in(0x41)]).toEqual([0x12, 0x12]);
  });

  it("back latches status and count of several counters; the status is read first", () => {
    const bench = new Bench();
    program(bench, 0, 0x34, 0x34, 0x12);
    program(bench, 1, 0x35, 0x34, 0x12);
    bench.run(RATE.cyclesOf(1));
    bench.out(CONTROL, 0xc0 | 0x06);
    bench.run(RATE.cyclesOf(100) - bench.cycles);
    expect([bench.in(0x40), bench.in(0x40), bench.in(0x40)]).toEqual([0xb4, 0x34, 0x12]);
    expect([bench.in(0x41), bench.in(0x41), bench.in(0x41)]).toEqual([0xb5, 0x34, 0x12]);
  });

  it("status shows OUT, the null count, and the mode as written", () => {
    const bench = new Bench();
    const status = (): number => {
      bench.out(CONTROL, 0xe2);
      return bench.in(0x40);
    };
    bench.out(CONTROL, 0x3e); // mode 7
    expect(status()).toBe(0xfe);
    bench.outs(0x40, 100, 0);
    expect(status()).toBe(0xfe);
    bench.run(RATE.cyclesOf(1));
    expect(status()).toBe(0xbe);
    bench.run(RATE.cyclesOf(51) - bench.cycles);
    expect(status()).toBe(0x3e);
    bench.out(0x40, 50); // half of a new count changes nothing
    expect(status()).toBe(0x3e);
    bench.out(0x40, 0);
    expect(status()).toBe(0x7e);
  });

  it("the control port gives ones", () => {
    expect(new Bench().in(CONTROL)).toBe(0xff);
  });
});

describe("port 0x61", () => {
  it("gates counter 2 and shows its OUT", () => {
    const bench = new Bench();
    expect(bench.in(0x61) & 0x2f).toBe(0);
    program(bench, 2, 0x30, 10, 0);
    bench.run(RATE.cyclesOf(100));
    expect(bench.in(0x61) & 0x20).toBe(0);
    bench.out(0x61, 0x01);
    bench.run(RATE.cyclesOf(109) - bench.cycles);
    expect(bench.in(0x61) & 0x21).toBe(0x01);
    bench.run(RATE.cyclesOf(110) - bench.cycles);
    expect(bench.in(0x61) & 0x21).toBe(0x21);
  });

  it("toggles bit 4 with each refresh, every 18 ticks", () => {
    const bench = new Bench();
    for (let refresh = 0; refresh < 6; refresh++) {
      bench.cycles = RATE.cyclesOf(refresh * 18);
      expect(bench.in(0x61) & 0x10).toBe(refresh % 2 === 0 ? 0 : 0x10);
      bench.cycles = RATE.cyclesOf((refresh + 1) * 18) - 1;
      expect(bench.in(0x61) & 0x10).toBe(refresh % 2 === 0 ? 0 : 0x10);
    }
  });

  it("keeps the speaker's and the NMI sources' bits; the others are read-only", () => {
    const bench = new Bench();
    bench.out(0x61, 0xff);
    expect(bench.in(0x61) & 0xcf).toBe(0x0f);
    bench.out(0x61, 0x00);
    expect(bench.in(0x61) & 0xcf).toBe(0x00);
  });
});
