/**
 * The keyboard controller: what firmware and Linux's i8042 driver ask of it, A20, resets, and a keyboard that
 * answers.
 */
import { describe, expect, it } from "vitest";
import { Bench } from "../testing/bench.js";

const DATA = 0x60;
const STATUS = 0x64;

class KeyboardBench extends Bench {
  constructor() {
    super({ apic: undefined });
    this.outs(0x20, 0x11);
    this.outs(0x21, 0x20, 0x04, 0x01, 0xf9);
    this.outs(0xa0, 0x11);
    this.outs(0xa1, 0x28, 0x02, 0x01, 0xef);
    this.command(0x60, 0x27); // both interrupts, no translation
    this.log.length = 0;
  }

  /** Sends a command with its parameters, and returns what is in the output buffer afterwards. */
  command(command: number, ...parameters: number[]): number[] {
    this.out(STATUS, command);
    this.outs(DATA, ...parameters);
    return this.drain();
  }

  drain(): number[] {
    const bytes: number[] = [];
    while (this.in(STATUS) & 1) bytes.push(this.in(DATA));
    return bytes;
  }

  takeIrq(): number | undefined {
    const vector = this.take();
    if (vector === undefined) return undefined;
    if (vector >= 0x28) this.out(0xa0, 0x20);
    this.out(0x20, 0x20);
    return vector;
  }
}

describe("commands", () => {
  it("tests pass", () => {
    const bench = new KeyboardBench();
    expect(bench.command(0xaa)).toEqual([0x55]);
    expect(bench.command(0xab)).toEqual([0x00]);
    expect(bench.command(0xa9)).toEqual([0x00]);
  });

  it("read and write the command byte and RAM", () => {
    const bench = new KeyboardBench();
    bench.command(0x60, 0x47);
    expect(bench.command(0x20)).toEqual([0x47]);
    bench.command(0x7f, 0x99);
    expect(bench.command(0x3f)).toEqual([0x99]);
    bench.command(0xad);
    bench.command(0xa7);
    expect(bench.command(0x20)).toEqual([0x77]);
    bench.command(0xae);
    bench.command(0xa8);
    expect(bench.command(0x20)).toEqual([0x47]);
  });

  it("show in status bit 3 whether the last write was a command, in bit 2 the system flag", () => {
    const bench = new KeyboardBench();
    expect(bench.in(STATUS)).toBe(0x14);
    bench.command(0x60);
    expect(bench.in(STATUS)).toBe(0x1c);
    bench.out(DATA, 0x00);
    expect(bench.in(STATUS)).toBe(0x10);
  });

  it("move A20, which port 0x92 can hold open", () => {
    const bench = new KeyboardBench();
    expect(bench.command(0xd0)).toEqual([0xc3]);
    bench.command(0xd1, 0xdd);
    expect(bench.command(0xd0)).toEqual([0xc1]);
    bench.command(0xdf);
    bench.command(0xdd);
    bench.out(0x92, 0x02);
    bench.command(0xdf);
    bench.out(0x92, 0x00);
    expect([bench.in(0x92), bench.command(0xd0)]).toEqual([0x00, [0xc3]]);
    const changes = bench.log.filter((line) => line.startsWith("a20"));
    expect(changes).toEqual(["a20 false @0", "a20 true @0", "a20 false @0", "a20 true @0"]);
  });

  it("reset the CPU by pulsing output bit 0, and by writing it low", () => {
    const bench = new KeyboardBench();
    for (const pulse of [0xfe, 0xf0, 0xff]) bench.command(pulse);
    bench.command(0xd1, 0x02);
    expect(bench.log).toEqual(["reset cpu @0", "reset cpu @0", "reset cpu @0"]);
  });

  it("without a meaning are ignored", () => {
    expect(new KeyboardBench().command(0x99)).toEqual([]);
  });
});

describe("Linux's probing", () => {
  it("finds an auxiliary port that loops back, has no multiplexer, and interrupts", () => {
    const bench = new KeyboardBench();
    bench.command(0x60, 0x36);
    for (const value of [0x5a, 0xf0, 0x56, 0xa4]) {
      bench.out(STATUS, 0xd3);
      bench.out(DATA, value);
      expect(bench.in(STATUS) & 0x21).toBe(0x21);
      expect(bench.in(DATA)).toBe(value);
    }
    bench.command(0x60, 0x06);
    bench.out(STATUS, 0xd3);
    bench.out(DATA, 0xa5);
    expect(bench.takeIrq()).toBe(0x2c);
    expect(bench.in(DATA)).toBe(0xa5);
    expect(bench.takeIrq()).toBeUndefined();
  });

  it("learns at once that no mouse answers", () => {
    const bench = new KeyboardBench();
    bench.out(STATUS, 0xd4);
    bench.out(DATA, 0xf2);
    expect(bench.in(STATUS) & 0x61).toBe(0x61);
    expect(bench.in(DATA)).toBe(0xfe);
  });
});

describe("translation to scan code set 1", () => {
  it("turns keys, their releases and the identity, and leaves answers", () => {
    const bench = new KeyboardBench();
    bench.command(0x60, 0x45);
    bench.pc.keyboard.keyboard.press([0x1c, 0xf0, 0x1c, 0xe0, 0x75, 0xe0, 0xf0, 0x75, 0x83]);
    expect(bench.drain()).toEqual([0x1e, 0x9e, 0xe0, 0x48, 0xe0, 0xc8, 0x41]);
    bench.out(DATA, 0xf2);
    expect(bench.drain()).toEqual([0xfa, 0xab, 0x41]);
  });
});

describe("the keyboard", () => {
  it("answers commands", () => {
    const bench = new KeyboardBench();
    const ask = (...bytes: number[]): number[] => {
      bench.outs(DATA, ...bytes);
      return bench.drain();
    };
    expect(ask(0xff)).toEqual([0xfa, 0xaa]);
    expect(ask(0xf2)).toEqual([0xfa, 0xab, 0x83]);
    expect(ask(0xed, 0x07)).toEqual([0xfa, 0xfa]);
    expect(ask(0xf0, 0x00)).toEqual([0xfa, 0xfa, 0x02]);
    expect(ask(0xf0, 0x01)).toEqual([0xfa, 0xfa]);
    expect(ask(0xf3, 0x20)).toEqual([0xfa, 0xfa]);
    expect(ask(0xee)).toEqual([0xee]);
    expect(ask(0x12)).toEqual([0xfe]);
    expect(ask(0xf4)).toEqual([0xfa]);
    expect(ask(0xfe)).toEqual([0xfa]);
  });

  it("interrupts once for each byte", () => {
    const bench = new KeyboardBench();
    bench.pc.keyboard.keyboard.press([0x1c, 0xf0, 0x1c]);
    const read: number[] = [];
    while (bench.takeIrq() === 0x21) read.push(bench.in(DATA));
    expect(read).toEqual([0x1c, 0xf0, 0x1c]);
  });

  it("does not interrupt when the command byte says so, and keeps its bytes while disabled", () => {
    const bench = new KeyboardBench();
    bench.command(0x60, 0x10);
    bench.pc.keyboard.keyboard.press([0x1c]);
    expect(bench.in(STATUS) & 1).toBe(0);
    expect(bench.command(0xaa)).toEqual([0x55]);
    bench.out(STATUS, 0xae);
    expect(bench.in(STATUS) & 1).toBe(1);
    expect(bench.takeIrq()).toBeUndefined();
    expect(bench.in(DATA)).toBe(0x1c);
  });

  it("scans keys only when enabled", () => {
    const bench = new KeyboardBench();
    bench.out(DATA, 0xf5);
    expect(bench.drain()).toEqual([0xfa]);
    bench.pc.keyboard.keyboard.press([0x1c]);
    expect(bench.drain()).toEqual([]);
  });

  it("loses bytes when nobody reads for long, and never more than that", () => {
    const bench = new KeyboardBench();
    for (let i = 0; i < 1000; i++) bench.pc.keyboard.keyboard.press([i & 0x7f]);
    expect(bench.drain()).toHaveLength(33);
  });
});

describe("an empty output buffer", () => {
  it("reads as the last byte", () => {
    const bench = new KeyboardBench();
    bench.command(0xaa);
    expect(bench.in(DATA)).toBe(0x55);
  });
});
