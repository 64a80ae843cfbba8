/**
 * The PC as a whole: what firmware leaves, that nothing a guest does to the devices breaks them, that the same
 * actions give the same run, and that a run goes on from a snapshot as if it had not been interrupted.
 */
import { describe, expect, it } from "vitest";
import { Random } from "../../util/random.js";
import { Bench } from "./testing/bench.js";
import { act, makeRandomBench } from "./testing/random-guest.js";

const SEEDS = Array.from({ length: 8 }, (_, seed) => seed);
const STEPS = 1000;

/**
 * A state as text, its typed arrays as their bytes; much faster to compare than by `toEqual` where there are
 * megabytes.
 */
const textOf = (state: unknown): string =>
  JSON.stringify(state, (_, value: unknown) =>
    ArrayBuffer.isView(value)
      ? Buffer.from(value.buffer, value.byteOffset, value.byteLength).toString("latin1")
      : value,
  );
const isSame = (a: unknown, b: unknown): boolean => textOf(a) === textOf(b);

describe("any guest", () => {
  it("sees the same in every run of the same actions", () => {
    for (const seed of SEEDS.slice(0, 2)) {
      const runs = [0, 1].map(() => act(makeRandomBench(), new Random(seed), STEPS));
      expect(runs[0]).toEqual(runs[1]);
    }
  });

  it("goes on from a snapshot as without one, in the same PC and in another", () => {
    for (const seed of SEEDS) {
      const random = new Random(seed);
      const bench = makeRandomBench();
      act(bench, random, random.below(STEPS));
      const saved = bench.save();
      const [onward, again, elsewhere] = [1, 2, 3].map(() => new Random(seed + 1000));
      const expected = act(bench, onward!, STEPS);
      const end = bench.save();

      for (const [other, generator] of [
        [bench, again!],
        [makeRandomBench(), elsewhere!],
      ] as const) {
        other.restore(saved);
        other.log.length = 0; // a restore tells the CPU the present level
        expect(act(other, generator, STEPS)).toEqual(expected);
        expect(isSame(other.save(), end)).toBe(true);
      }
    }
  });

  it("leaves a snapshot as it was", () => {
    const bench = makeRandomBench();
    const random = new Random(77);
    act(bench, random, STEPS);
    const saved = bench.save();
    const copy = structuredClone(saved);
    act(bench, random, STEPS);
    bench.restore(saved);
    act(bench, random, STEPS);
    expect(isSame(saved, copy)).toBe(true);
  });

  it("leaves nothing behind that a reset does not mend", () => {
    for (const seed of SEEDS) {
      const bench = makeRandomBench();
      act(bench, new Random(seed), STEPS);
      bench.pc.reset();
      const [used, fresh] = [bench, makeRandomBench()].map((each) => {
        each.cycles = bench.cycles;
        each.pc.schedule.runDue(each.cycles);
        each.log.length = 0;
        return probe(each);
      });
      expect(used).toEqual(fresh);
    }
  });
});

/** Bytes that the host has sent are still on their way after a reset. */
const LINE_STATUS = [0x3fd, 0x2fd];
const RECEIVED = 0x01;

/** What a driver finds after a reset, but for the time, CMOS, and what keeps its value. */
function probe(bench: Bench): number[] {
  const ports = [
    0x21, 0xa1, 0x4d0, 0x4d1, 0x64, 0x92, 0xcf9, 0x1f7, 0x1f1, 0x1f2, 0x177, 0x3f6, 0xc000, 0xc002, 0xc008,
  ];
  const uarts = [0x3f8, 0x2f8].flatMap((base) => [1, 2, 3, 4, 5, 6].map((register) => base + register));
  const apic = [2, 3, 8, 10, 13, 14, 15, 0x10, 0x20, 0x28, 0x30, 0x32, 0x35, 0x36, 0x37, 0x38, 0x39, 0x3e];
  return [
    ...[...ports, ...uarts].map((port) => bench.in(port) & (LINE_STATUS.includes(port) ? ~RECEIVED : 0xff)),
    ...apic.map((register) => bench.load(0xfee0_0000 + register * 16)),
    ...Array.from({ length: 0x40 }, (_, register) => {
      bench.store(0xfec0_0000, register);
      return bench.load(0xfec0_0010);
    }),
    ...[0, 0x800, 0x900].flatMap((place) =>
      Array.from({ length: 64 }, (_, index) => {
        bench.out(0xcf8, 0x8000_0000 + place + 4 * index, 4);
        return bench.in(0xcfc, 4);
      }),
    ),
    bench.pc.msrs!.read(0x1b)!.low,
    Number(bench.pc.interrupts.hasPending()),
  ];
}

describe("firmware", () => {
  it("leaves what SeaBIOS leaves", () => {
    const bench = new Bench({
      firmware: true,
      disks: [new Uint8Array(1 << 20)],
      memoryBytes: { below4GiB: 64 << 20, above4GiB: 0 },
    });
    const cmos = (address: number): number => {
      bench.out(0x70, address);
      return bench.in(0x71);
    };
    expect([bench.in(0x21), bench.in(0xa1)]).toEqual([0xb8, 0x8e]);
    bench.runSeconds(1e-5);
    bench.out(0x43, 0xe2);
    expect(bench.in(0x40) & 0x3f).toBe(0x34);
    expect([0x0a, 0x0b, 0x12, 0x15, 0x16, 0x17, 0x18, 0x30, 0x31, 0x32, 0x34, 0x35].map(cmos)).toEqual([
      0x26, 0x02, 0xf0, 0x80, 0x02, 0x00, 0xfc, 0x00, 0xfc, 0x20, 0x00, 0x03,
    ]);
    expect([0x0f0, 0x350, 0x360].map((offset) => bench.load(0xfee0_0000 + offset))).toEqual([
      0x1ff, 0x8700, 0x8400,
    ]);
    bench.out(0xcf8, 0x8000_0920, 4);
    expect(bench.in(0xcfc, 4)).toBe(0xc001);
  });

  it("reports memory on both sides of 4 GiB, and a checksum that is right", () => {
    const bench = new Bench({
      firmware: true,
      memoryBytes: { below4GiB: 3 * 2 ** 30, above4GiB: 5 * 2 ** 30 },
    });
    const cmos = (address: number): number => {
      bench.out(0x70, address);
      return bench.in(0x71);
    };
    expect(cmos(0x34) | (cmos(0x35) << 8)).toBe((3 * 2 ** 30 - 16 * 2 ** 20) / 65_536);
    expect(cmos(0x5b) | (cmos(0x5c) << 8) | (cmos(0x5d) << 16)).toBe((5 * 2 ** 30) / 65_536);
    expect(cmos(0x17) | (cmos(0x18) << 8)).toBe(0xffff);
    const sum = Array.from({ length: 0x1e }, (_, i) => cmos(0x10 + i)).reduce((a, b) => a + b, 0);
    expect((cmos(0x2e) << 8) | cmos(0x2f)).toBe(sum);
  });

  it("leaves the timer ticking at 18.2 Hz through the 8259A and the virtual wire", () => {
    const bench = new Bench({ firmware: true });
    const taken: number[] = [];
    for (let i = 0; i < 1000; i++) {
      bench.runSeconds(0.001);
      const vector = bench.take();
      if (vector === undefined) continue;
      taken.push(vector);
      bench.out(0x20, 0x20);
    }
    expect(taken).toEqual(new Array(19).fill(0x08));
  });
});

describe("without APICs", () => {
  it("has none, and the 8259As reach the CPU", () => {
    const bench = new Bench({ firmware: true, apic: undefined });
    expect(bench.load(0xfee0_0030)).toBe(0xffff_ffff);
    expect(bench.load(0xfec0_0000)).toBe(0xffff_ffff);
    bench.runSeconds(0.06);
    expect(bench.take()).toBe(0x08);
  });
});
