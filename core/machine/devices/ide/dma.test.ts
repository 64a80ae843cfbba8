/**
 * Bus-master DMA: tables that fit, are longer or shorter, the order of drive and engine, status bits, and the
 * deadline.
 */
import { describe, expect, it } from "vitest";
import { TEST_HERTZ } from "../testing/bench.js";
import {
  BUS_MASTER,
  COMMAND_BLOCK,
  CONTROL,
  differenceAt,
  IdeBench,
  PRD_TABLE,
  randomImage,
  SECTOR,
} from "../testing/ide-bench.js";

const MICROSECOND = TEST_HERTZ / 1e6;
const [READ_DMA, WRITE_DMA, READ_DMA_EXT, WRITE_DMA_EXT] = [0xc8, 0xca, 0x25, 0x35];
const [START, TO_MEMORY] = [0x01, 0x08];

const engineStatus = (bench: IdeBench): number => bench.in(BUS_MASTER + 2);
const start = (bench: IdeBench, direction: number): void => {
  bench.out(BUS_MASTER, direction);
  bench.out(BUS_MASTER, direction | START);
};

describe("a read", () => {
  it("fills the table's regions at the deadline, and interrupts", () => {
    const bench = new IdeBench();
    bench.putTable([
      [0x2000, 512],
      [0x8002, 1022],
      [0x4000, 514],
    ]);
    bench.command({ command: READ_DMA, lba: 40, count: 4 });
    expect(bench.status & 0x80).toBe(0x80);
    bench.run(1_000_000); // nothing happens before the engine runs
    expect(bench.status & 0x80).toBe(0x80);
    start(bench, TO_MEMORY);
    expect(engineStatus(bench)).toBe(0x01);
    const due = Math.ceil(bench.cycles + 104 * MICROSECOND);
    bench.run(due - 1 - bench.cycles);
    expect([engineStatus(bench), bench.takeIrq()]).toEqual([0x01, false]);
    expect(bench.memory.bytes[0x2000]).toBe(0);
    bench.run(1);
    expect([engineStatus(bench), bench.takeIrq(), bench.status]).toEqual([0x04, true, 0x50]);
    const read = [
      ...bench.memory.bytes.subarray(0x2000, 0x2200),
      ...bench.memory.bytes.subarray(0x8002, 0x8400),
      ...bench.memory.bytes.subarray(0x4000, 0x4202),
    ];
    expect(differenceAt(Uint8Array.from(read), bench.sectors(40, 4))).toBe(-1);
    expect(bench.memory.bytes[0x8400]).toBe(0);
    bench.out(BUS_MASTER, 0);
    bench.out(BUS_MASTER + 2, 0x04);
    expect(engineStatus(bench)).toBe(0);
  });

  it("may be started before the command", () => {
    const bench = new IdeBench();
    bench.putTable([[0x2000, 512]]);
    start(bench, TO_MEMORY);
    bench.command({ command: READ_DMA, lba: 1, count: 1 });
    expect(bench.awaitIrq()).toBe(true);
    expect(differenceAt(bench.memory.bytes.slice(0x2000, 0x2200), bench.sectors(1, 1))).toBe(-1);
  });

  it("of 64 KiB regions has count 0 in the table", () => {
    const bench = new IdeBench();
    bench.putTable([
      [0x1_0000, 0],
      [0x2_0000, 0],
    ]);
    bench.command({ command: READ_DMA_EXT, lba: 100, count: 256, extended: true });
    start(bench, TO_MEMORY);
    expect(bench.awaitIrq()).toBe(true);
    expect(engineStatus(bench)).toBe(0x04);
    expect(differenceAt(bench.memory.bytes.slice(0x1_0000, 0x3_0000), bench.sectors(100, 256))).toBe(-1);
  });
});

describe("a write", () => {
  it("gathers the regions, and is read back", () => {
    const bench = new IdeBench();
    const data = randomImage(9, 3 * SECTOR);
    bench.memory.bytes.set(data.subarray(0, 1000), 0x2000);
    bench.memory.bytes.set(data.subarray(1000), 0x9000);
    bench.putTable([
      [0x2000, 1000],
      [0x9000, 536],
    ]);
    bench.command({ command: WRITE_DMA_EXT, lba: 60, count: 3, extended: true });
    start(bench, 0);
    expect(bench.awaitIrq()).toBe(true);
    bench.out(BUS_MASTER, 0);
    bench.putTable([[0x2_0000, 5 * SECTOR]]);
    bench.command({ command: READ_DMA, lba: 59, count: 5 });
    start(bench, TO_MEMORY);
    expect(bench.awaitIrq()).toBe(true);
    const read = bench.memory.bytes.slice(0x2_0000, 0x2_0000 + 5 * SECTOR);
    expect(
      differenceAt(read, Uint8Array.from([...bench.sectors(59, 1), ...data, ...bench.sectors(63, 1)])),
    ).toBe(-1);
  });

  it("takes its data at the deadline", () => {
    const bench = new IdeBench();
    bench.putTable([[0x2000, 512]]);
    bench.command({ command: WRITE_DMA, lba: 0, count: 1 });
    start(bench, 0);
    bench.memory.bytes[0x2000] = 0x77;
    expect(bench.awaitIrq()).toBe(true);
    bench.command({ command: 0x20, lba: 0, count: 1 });
    bench.awaitIrq();
    expect(bench.readData(SECTOR)[0]).toBe(0x77);
  });
});

describe("a table", () => {
  it("longer than the transfer leaves the engine active", () => {
    const bench = new IdeBench();
    for (const regions of [
      [[0x2000, 1024]],
      [
        [0x2000, 512],
        [0x4000, 512],
      ],
    ] as const) {
      bench.putTable(regions);
      bench.command({ command: READ_DMA, lba: 2, count: 1 });
      start(bench, TO_MEMORY);
      expect(bench.awaitIrq()).toBe(true);
      expect(engineStatus(bench)).toBe(0x05);
      bench.out(BUS_MASTER, 0);
      bench.out(BUS_MASTER + 2, 0x04);
      expect(engineStatus(bench)).toBe(0);
    }
  });

  it("shorter than the transfer stops the engine, and the drive waits until it is reset", () => {
    const bench = new IdeBench();
    bench.putTable([[0x2000, 512]]);
    bench.command({ command: READ_DMA, lba: 2, count: 2 });
    start(bench, TO_MEMORY);
    expect(bench.awaitIrq()).toBe(false);
    expect(engineStatus(bench)).toBe(0);
    expect(bench.status & 0x80).toBe(0x80);
    bench.out(BUS_MASTER, 0);
    bench.out(CONTROL, 0x04);
    bench.out(CONTROL, 0x00);
    expect(bench.status).toBe(0x50);
  });

  it("without an end stops at 64 KiB", () => {
    const bench = new IdeBench();
    bench.memory.bytes.fill(0x02, PRD_TABLE, 0x1_1000); // regions of 514 bytes, never the last
    bench.out(BUS_MASTER + 4, PRD_TABLE, 4);
    bench.command({ command: WRITE_DMA_EXT, lba: 0, count: 4096, extended: true });
    start(bench, 0);
    expect(bench.awaitIrq()).toBe(true);
  });

  it("outside memory reads as ones, and moves nothing it should not", () => {
    const bench = new IdeBench();
    bench.out(BUS_MASTER + 4, 0xffff_fff0, 4);
    const before = bench.memory.bytes.slice();
    bench.command({ command: READ_DMA, lba: 2, count: 2 });
    start(bench, TO_MEMORY);
    bench.awaitIrq();
    expect(differenceAt(bench.memory.bytes, before)).toBe(-1);
  });
});

describe("the engine", () => {
  it("stopped in the middle moves nothing; started again it does", () => {
    const bench = new IdeBench();
    bench.putTable([[0x2000, 512]]);
    bench.command({ command: READ_DMA, lba: 2, count: 1 });
    start(bench, TO_MEMORY);
    bench.run(1000);
    bench.out(BUS_MASTER, TO_MEMORY);
    expect(engineStatus(bench)).toBe(0);
    expect(bench.awaitIrq()).toBe(false);
    start(bench, TO_MEMORY);
    expect(bench.awaitIrq()).toBe(true);
    expect(differenceAt(bench.memory.bytes.slice(0x2000, 0x2200), bench.sectors(2, 1))).toBe(-1);
  });

  it("in the other direction moves nothing", () => {
    const bench = new IdeBench();
    bench.putTable([[0x2000, 512]]);
    bench.command({ command: READ_DMA, lba: 2, count: 1 });
    start(bench, 0);
    expect(bench.awaitIrq()).toBe(false);
    expect(bench.memory.bytes[0x2000]).toBe(0);
  });

  it("latches interrupts of PIO commands too, and not while nIEN is set", () => {
    const bench = new IdeBench();
    bench.command({ command: 0xec });
    expect(engineStatus(bench)).toBe(0x04);
    bench.in(COMMAND_BLOCK + 7);
    expect(engineStatus(bench)).toBe(0x04);
    bench.out(BUS_MASTER + 2, 0x04);
    bench.readData(512);
    bench.out(CONTROL, 0x02);
    bench.command({ command: 0xec });
    expect(engineStatus(bench)).toBe(0);
  });

  it("latches an interrupt that comes again after a restore", () => {
    const bench = new IdeBench();
    const saved = bench.save();
    for (let round = 0; round < 2; round++) {
      bench.command({ command: 0xec });
      expect(engineStatus(bench)).toBe(0x04);
      bench.restore(saved); // with the interrupt still on the line
      expect(engineStatus(bench)).toBe(0);
    }
  });

  it("keeps the capability bits and the table's address", () => {
    const bench = new IdeBench();
    bench.out(BUS_MASTER + 2, 0xff);
    expect(engineStatus(bench)).toBe(0x60);
    bench.out(BUS_MASTER + 4, 0xffff_ffff, 4);
    expect(bench.in(BUS_MASTER + 4, 4)).toBe(0xffff_fffc);
    bench.out(BUS_MASTER + 5, 0x12);
    expect(bench.in(BUS_MASTER + 4, 4)).toBe(0xffff_12fc);
    bench.out(BUS_MASTER, 0xf6);
    expect(bench.in(BUS_MASTER)).toBe(0x00);
  });
});
