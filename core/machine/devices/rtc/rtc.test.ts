/**
 * The MC146818, from its datasheet: time formats, updates, UIP, the three interrupts and their flags, SET and
 * divider reset.
 */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { TickRate } from "../clock.js";
import { Bench, TEST_HERTZ } from "../testing/bench.js";
import { addSeconds, secondsToAlarm, setTime } from "./calendar.js";

const RATE = new TickRate(32_768, TEST_HERTZ);
const TICKS = 32_768;
/** 2023-12-31 23:59:57 UTC, a Sunday. */
const NEW_YEARS_EVE = 1_704_067_197;

/** A clock whose IRQ 8 is vector 0x28. */
class RtcBench extends Bench {
  constructor(epochSeconds = NEW_YEARS_EVE) {
    super({ epochSeconds, apic: undefined });
    this.outs(0x20, 0x11);
    this.outs(0x21, 0x20, 0x04, 0x01, 0xfb);
    this.outs(0xa0, 0x11);
    this.outs(0xa1, 0x28, 0x02, 0x01, 0xfe);
    this.log.length = 0;
  }

  read(register: number): number {
    this.out(0x70, register);
    return this.in(0x71);
  }

  write(register: number, value: number): void {
    this.out(0x70, register);
    this.out(0x71, value);
  }

  /** Year, month, day, weekday, hours, minutes, seconds as bytes in hexadecimal. */
  time(): string {
    return [9, 8, 7, 6, 4, 2, 0]
      .map((register) => this.read(register).toString(16).padStart(2, "0"))
      .join(" ");
  }

  runToTick(tick: number): void {
    this.run(RATE.cyclesOf(tick) - this.cycles);
  }

  /** Takes IRQ 8 and ends it; whether there was one. */
  takeIrq(): boolean {
    if (this.take() !== 0x28) return false;
    this.out(0xa0, 0x20);
    this.out(0x20, 0x20);
    return true;
  }
}

describe("time", () => {
  it("begins at the epoch and goes on at whole seconds of the virtual clock", () => {
    const bench = new RtcBench();
    expect(bench.time()).toBe("23 12 31 01 23 59 57");
    bench.runToTick(3 * TICKS - 1);
    expect(bench.time()).toBe("23 12 31 01 23 59 59");
    bench.runToTick(3 * TICKS);
    expect(bench.time()).toBe("24 01 01 02 00 00 00");
  });

  it("does not depend on whether anybody looked", () => {
    const [watched, alone] = [new RtcBench(), new RtcBench()];
    for (let i = 0; i < 50; i++) {
      watched.run(70_000_001 * i);
      watched.read(10);
      watched.read(12);
    }
    alone.cycles = watched.cycles;
    expect(alone.time()).toBe(watched.time());
  });

  it("is binary or BCD, 24 or 12 hours, as register B says at each update", () => {
    const bench = new RtcBench(1_700_000_000 - (1_700_000_000 % 86_400)); // midnight
    const hours = (b: number, hour: number): number => {
      bench.write(11, 0x80 | b);
      bench.write(4, hour);
      bench.write(2, b & 4 ? 59 : 0x59);
      bench.write(0, b & 4 ? 59 : 0x59);
      bench.write(11, b);
      bench.runSeconds(1.1);
      return bench.read(4);
    };
    expect(hours(0x02, 0x09)).toBe(0x10);
    expect(hours(0x06, 9)).toBe(10);
    expect(hours(0x02, 0x23)).toBe(0x00);
    expect(hours(0x00, 0x11)).toBe(0x92); // 11 AM → 12 PM
    expect(hours(0x00, 0x92)).toBe(0x81); // 12 PM → 1 PM
    expect(hours(0x00, 0x91)).toBe(0x12); // 11 PM → 12 AM
    expect(hours(0x04, 12)).toBe(1); // 12 AM → 1 AM
    expect(hours(0x04, 0x80 | 11)).toBe(12);
  });

  it("knows the lengths of months, and that every fourth year is a leap year", () => {
    const bench = new RtcBench();
    for (const [year, month, day, next] of [
      [0x23, 0x02, 0x28, "23 03 01"],
      [0x24, 0x02, 0x28, "24 02 29"],
      [0x24, 0x02, 0x29, "24 03 01"],
      [0x00, 0x02, 0x28, "00 02 29"],
      [0x25, 0x04, 0x30, "25 05 01"],
      [0x99, 0x12, 0x31, "00 01 01"],
    ] as const) {
      bench.write(11, 0x82);
      for (const [register, value] of [
        [9, year],
        [8, month],
        [7, day],
        [4, 0x23],
        [2, 0x59],
        [0, 0x59],
      ] as const)
        bench.write(register, value);
      bench.write(11, 0x02);
      bench.runSeconds(1);
      expect(bench.time().slice(0, 8)).toBe(next);
    }
  });

  it("stands still while SET is 1, and bytes that are no time stay as written", () => {
    const bench = new RtcBench();
    bench.write(11, 0x82);
    bench.write(0, 0xfe);
    bench.runSeconds(5);
    expect(bench.read(0)).toBe(0xfe);
    expect(bench.read(10) & 0x80).toBe(0);
  });

  it("agrees with the calendar of the language over a century of random jumps", () => {
    const second = fc.integer({ min: 0, max: 130 * 365 * 86_400 });
    const format = fc.constantFrom(0, 2, 4, 6);
    const property = fc.property(second, second, format, (a, b, f) => {
      const [start, end] = a < b ? [a, b] : [b, a];
      const [bytes, expected] = [new Uint8Array(10), new Uint8Array(10)];
      setTime(bytes, start, f);
      setTime(expected, end, f);
      addSeconds(bytes, f, end - start);
      expect(bytes).toEqual(expected);
    });
    fc.assert(property, { seed: 2, numRuns: 300 });
  });
});

describe("update in progress", () => {
  it("shows 244 µs before an update and during its 1,984 µs", () => {
    const bench = new RtcBench();
    bench.runToTick(TICKS - 73);
    bench.cycles--;
    expect(bench.read(10)).toBe(0x26);
    bench.cycles++;
    expect(bench.read(10)).toBe(0xa6);
    bench.runToTick(TICKS);
    expect(bench.read(10)).toBe(0x26);
    expect(73 / TICKS).toBeCloseTo(244e-6 + 1984e-6, 6);
  });

  it("comes half a second after the divider is released", () => {
    const bench = new RtcBench();
    bench.write(10, 0x66);
    bench.runSeconds(3);
    expect(bench.time()).toBe("23 12 31 01 23 59 57");
    bench.write(10, 0x26);
    const released = RATE.ticksAt(bench.cycles);
    bench.runToTick(released + TICKS / 2 - 1);
    expect(bench.read(0)).toBe(0x57);
    bench.runToTick(released + TICKS / 2);
    expect(bench.read(0)).toBe(0x58);
  });
});

describe("interrupts", () => {
  it("periodic: at every rate that needs less than four milliseconds, to the cycle", () => {
    // Microseconds by RS, from the datasheet's table for the 32.768 kHz time base.
    const periods = [3906.25, 7812.5, 122.07, 244.141, 488.281, 976.562, 1953.125, 3906.25];
    for (const [index, microseconds] of periods.entries()) {
      const bench = new RtcBench();
      bench.write(10, 0x20 | (index + 1));
      bench.write(11, 0x42);
      const ticks = Math.round((microseconds * TICKS) / 1e6);
      for (let n = 1; n <= 3; n++) {
        bench.run(RATE.cyclesOf(n * ticks) - bench.cycles - 1);
        expect(bench.takeIrq()).toBe(false);
        bench.run(1);
        expect(bench.takeIrq()).toBe(true);
        expect(bench.read(12)).toBe(0xc0);
      }
    }
  });

  it("periodic: none at rate 0", () => {
    const bench = new RtcBench();
    bench.write(10, 0x20);
    bench.write(11, 0x42);
    expect(bench.pc.schedule.next).toBe(Number.POSITIVE_INFINITY);
  });

  it("stay requested until register C is read, and come no more until then", () => {
    const bench = new RtcBench();
    bench.write(11, 0x42);
    bench.runSeconds(0.5);
    expect(bench.takeIrq()).toBe(true);
    bench.runSeconds(0.5);
    expect(bench.takeIrq()).toBe(false);
    expect(bench.pc.schedule.next).toBe(Number.POSITIVE_INFINITY);
    expect(bench.read(12) & 0xc0).toBe(0xc0);
    bench.runSeconds(0.5);
    expect(bench.takeIrq()).toBe(true);
  });

  it("flags are set without their enables, and cleared by reading", () => {
    const bench = new RtcBench();
    bench.runSeconds(1);
    expect(bench.read(12)).toBe(0x50);
    expect(bench.read(12)).toBe(0);
    expect(bench.log).toEqual([]);
  });

  it("update-ended: once a second", () => {
    const bench = new RtcBench();
    bench.write(11, 0x12);
    for (let second = 1; second <= 3; second++) {
      bench.runToTick(second * TICKS - 1);
      expect(bench.takeIrq()).toBe(false);
      bench.runToTick(second * TICKS);
      expect(bench.takeIrq()).toBe(true);
      expect(bench.read(12) & 0x90).toBe(0x90);
    }
  });

  it("alarm: when the time equals it, with don't-care bytes", () => {
    const bench = new RtcBench();
    bench.write(1, 0x02);
    bench.write(3, 0xc0);
    bench.write(5, 0xff);
    bench.write(11, 0x22);
    bench.runToTick(5 * TICKS - 1);
    expect(bench.takeIrq()).toBe(false);
    bench.runToTick(5 * TICKS);
    expect(bench.takeIrq()).toBe(true);
    expect(bench.time()).toBe("24 01 01 02 00 00 02");
    expect(bench.read(12) & 0xa0).toBe(0xa0);
    bench.runToTick(65 * TICKS);
    expect(bench.takeIrq()).toBe(true);
  });

  it("alarm: never at a time that does not exist", () => {
    const bench = new RtcBench();
    bench.write(1, 0x60);
    bench.write(11, 0x22);
    expect(bench.pc.schedule.next).toBe(Number.POSITIVE_INFINITY);
  });

  it("SET takes back the update-ended enable", () => {
    const bench = new RtcBench();
    bench.write(11, 0x92);
    expect(bench.read(11)).toBe(0x82);
  });
});

it("finds the alarm where going second by second finds it", () => {
  const byte = fc.oneof(fc.constant(0xc0), fc.nat(59), fc.nat(255));
  const property = fc.property(
    fc.nat(86_399),
    byte,
    byte,
    byte,
    fc.constantFrom(0, 2, 4, 6),
    (now, h, m, s, f) => {
      const bytes = new Uint8Array(10);
      setTime(bytes, now, f);
      [bytes[5], bytes[3], bytes[1]] = [h, m, s];
      const wait = secondsToAlarm(bytes, f);
      const equals = (time: number, alarm: number): boolean =>
        alarm >= 0xc0 || bytes[time] === bytes[time + 1];
      let naive = Number.POSITIVE_INFINITY;
      for (let i = 1; i <= 86_400 && naive > i; i++) {
        addSeconds(bytes, f, 1);
        if (equals(0, s) && equals(2, m) && equals(4, h)) naive = i;
      }
      expect(wait).toBe(naive);
    },
  );
  fc.assert(property, { seed: 4, numRuns: 60 });
});

describe("ports", () => {
  it("keep 114 bytes, and registers C and D are read-only", () => {
    const bench = new RtcBench();
    for (let address = 14; address < 128; address++) bench.write(address, address ^ 0x55);
    for (let address = 14; address < 128; address++) expect(bench.read(address)).toBe(address ^ 0x55);
    bench.write(12, 0xff);
    bench.write(13, 0x00);
    expect([bench.read(12), bench.read(13)]).toEqual([0, 0x80]);
  });

  it("mask NMI with bit 7 of the index, which is write-only", () => {
    const bench = new RtcBench();
    bench.out(0x70, 0x8d);
    expect(bench.pc.rtc.isNmiMasked).toBe(true);
    expect(bench.in(0x71)).toBe(0x80);
    expect(bench.in(0x70)).toBe(0xff);
    bench.out(0x70, 0x0d);
    expect(bench.pc.rtc.isNmiMasked).toBe(false);
  });

  it("a reset keeps time and RAM and takes back enables and flags", () => {
    const bench = new RtcBench();
    bench.write(0x40, 0x77);
    bench.write(11, 0x72);
    bench.runSeconds(2.5);
    bench.pc.reset();
    expect(bench.read(0x40)).toBe(0x77);
    expect(bench.read(11)).toBe(0x02);
    expect(bench.read(12)).toBe(0);
    expect(bench.read(0)).toBe(0x59);
  });
});
