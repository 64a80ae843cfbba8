/**
 * The ATA drive by PIO (ATA/ATAPI-6): every register protocol that drivers use, addresses, errors, resets, and its
 * timing.
 */
import { describe, expect, it } from "vitest";
import { TEST_HERTZ } from "../testing/bench.js";
import {
  COMMAND_BLOCK,
  CONTROL,
  DISK_SECTORS,
  differenceAt,
  IdeBench,
  randomImage,
  SECTOR,
} from "../testing/ide-bench.js";

const READY = 0x50;
const DATA = 0x58;
const ERROR = 0x51;
const MICROSECOND = TEST_HERTZ / 1e6;

const registers = (bench: IdeBench): number[] =>
  [1, 2, 3, 4, 5, 6].map((offset) => bench.in(COMMAND_BLOCK + offset));

describe("after reset", () => {
  it("shows the signature of a drive without PACKET, and is ready", () => {
    const bench = new IdeBench();
    expect(registers(bench)).toEqual([1, 1, 1, 0, 0, 0]);
    expect(bench.status).toBe(READY);
  });

  it("by SRST is busy while it is set, ends what went on, and shows the signature", () => {
    const bench = new IdeBench();
    bench.command({ command: 0x20, lba: 5, count: 3, slave: false });
    bench.out(CONTROL, 0x04);
    expect(bench.status).toBe(0x80);
    bench.command({ command: 0xec });
    bench.out(CONTROL, 0x00);
    expect(bench.status).toBe(READY);
    expect(registers(bench)).toEqual([1, 1, 1, 0, 0, 0]);
    expect(bench.awaitIrq()).toBe(false);
  });
});

describe("IDENTIFY DEVICE", () => {
  it("interrupts with 256 words", () => {
    const bench = new IdeBench();
    bench.command({ command: 0xec });
    expect(bench.awaitIrq()).toBe(true);
    expect(bench.status).toBe(DATA);
    const data = bench.readData(512);
    expect(bench.status).toBe(READY);
    const word = (index: number): number => data[2 * index]! | (data[2 * index + 1]! << 8);
    const text = (first: number, count: number): string =>
      Array.from({ length: count }, (_, i) =>
        String.fromCharCode(word(first + i) >> 8, word(first + i) & 255),
      ).join("");
    expect(text(27, 20).trim()).toBe("virtlab disk");
    expect([word(1), word(3), word(6)]).toEqual([4, 16, 63]);
    expect(word(60) | (word(61) << 16)).toBe(DISK_SECTORS);
    expect([word(100), word(101), word(102), word(103)]).toEqual([DISK_SECTORS, 0, 0, 0]);
    expect(word(47)).toBe(0x8010);
    expect(word(49) & 0x0300).toBe(0x0300);
    expect([word(63), word(88)]).toEqual([0x0007, 0x003f]);
    expect(word(83) & 0xc000).toBe(0x4000);
    expect(word(255) & 0xff).toBe(0xa5);
    expect(data.reduce((sum, byte) => sum + byte, 0) % 256).toBe(0);
  });

  it("shows what SET FEATURES, SET MULTIPLE and INITIALIZE DEVICE PARAMETERS set", () => {
    const bench = new IdeBench();
    const identify = (): Uint16Array => {
      bench.command({ command: 0xec });
      return new Uint16Array(bench.readData(512).buffer);
    };
    bench.command({ command: 0xef, features: 0x03, count: 0x22 });
    bench.command({ command: 0xc6, count: 8 });
    expect([identify()[63], identify()[88], identify()[59]]).toEqual([0x0407, 0x003f, 0x0108]);
    bench.command({ command: 0xef, features: 0x03, count: 0x45 });
    expect([identify()[63], identify()[88]]).toEqual([0x0007, 0x203f]);
    bench.command({ command: 0xef, features: 0x82 });
    bench.command({ command: 0xef, features: 0x55 });
    expect(identify()[85]).toBe(0);
    bench.out(COMMAND_BLOCK + 2, 32);
    bench.out(COMMAND_BLOCK + 6, 0x07);
    bench.out(COMMAND_BLOCK + 7, 0x91);
    expect([...identify().subarray(54, 57)]).toEqual([16, 8, 32]);
  });
});

describe("READ SECTORS", () => {
  it("gives one interrupt and 512 bytes for each sector", () => {
    const bench = new IdeBench();
    bench.command({ command: 0x20, lba: 17, count: 3 });
    expect(bench.status & 0x80).toBe(0x80);
    for (let n = 0; n < 3; n++) {
      expect(bench.awaitIrq()).toBe(true);
      expect(bench.status).toBe(DATA);
      expect(differenceAt(bench.readData(SECTOR), bench.sectors(17 + n, 1))).toBe(-1);
    }
    expect(bench.status).toBe(READY);
    expect(bench.awaitIrq()).toBe(false);
  });

  it("takes 100 µs, and then 1 µs a sector, as the timing says", () => {
    const bench = new IdeBench();
    bench.command({ command: 0x20, lba: 0, count: 2 });
    bench.run(Math.ceil(101 * MICROSECOND) - 1);
    expect(bench.status & 0x80).toBe(0x80);
    bench.run(1);
    expect(bench.status).toBe(DATA);
    bench.readData(SECTOR);
    const start = bench.cycles;
    bench.run(Math.ceil(start + MICROSECOND) - 1 - start);
    expect(bench.status & 0x80).toBe(0x80);
    bench.run(1);
    expect(bench.status).toBe(DATA);
  });

  it("reads by 48-bit address, by cylinder, head and sector, and with counts of 0", () => {
    const bench = new IdeBench();
    const read = (count: number): Uint8Array => {
      const data = new Uint8Array(count * SECTOR);
      for (let n = 0; n < count; n++) {
        expect(bench.awaitIrq()).toBe(true);
        data.set(bench.readData(SECTOR), n * SECTOR);
      }
      return data;
    };
    bench.command({ command: 0x24, lba: 1000, count: 2, extended: true });
    expect(differenceAt(read(2), bench.sectors(1000, 2))).toBe(-1);
    bench.command({ command: 0x20, lba: 0, count: 0 });
    expect(differenceAt(read(256), bench.sectors(0, 256))).toBe(-1);
    for (const [register, value] of [
      [2, 1],
      [3, 9],
      [4, 2],
      [5, 0],
      [6, 0xa3],
      [7, 0x20],
    ] as const)
      bench.out(COMMAND_BLOCK + register, value);
    expect(differenceAt(read(1), bench.sectors((2 * 16 + 3) * 63 + 8, 1))).toBe(-1);
  });

  it("of blocks gives one interrupt for each", () => {
    const bench = new IdeBench();
    bench.command({ command: 0xc6, count: 4 });
    expect(bench.awaitIrq()).toBe(true);
    bench.command({ command: 0xc4, lba: 8, count: 6 });
    expect(bench.awaitIrq()).toBe(true);
    expect(differenceAt(bench.readData(4 * SECTOR), bench.sectors(8, 4))).toBe(-1);
    expect(bench.awaitIrq()).toBe(true);
    expect(differenceAt(bench.readData(2 * SECTOR), bench.sectors(12, 2))).toBe(-1);
    expect(bench.status).toBe(READY);
  });

  it("may use dwords", () => {
    const bench = new IdeBench();
    bench.command({ command: 0x20, lba: 3, count: 1 });
    bench.awaitIrq();
    const words = Uint32Array.from({ length: 128 }, () => bench.in(COMMAND_BLOCK, 4));
    expect(differenceAt(new Uint8Array(words.buffer), bench.sectors(3, 1))).toBe(-1);
  });
});

describe("WRITE SECTORS", () => {
  it("asks for the first sector at once, and interrupts after each", () => {
    const bench = new IdeBench();
    const image = bench.images[0]!.slice();
    const data = randomImage(7, 2 * SECTOR);
    bench.command({ command: 0x30, lba: 30, count: 2 });
    expect(bench.status).toBe(DATA);
    expect(bench.takeIrq()).toBe(false);
    bench.writeData(data.subarray(0, SECTOR));
    expect(bench.status & 0x80).toBe(0x80);
    expect(bench.awaitIrq()).toBe(true);
    expect(bench.status).toBe(DATA);
    bench.writeData(data.subarray(SECTOR));
    expect(bench.awaitIrq()).toBe(true);
    expect(bench.status).toBe(READY);
    bench.command({ command: 0x20, lba: 29, count: 4 });
    const read = Array.from({ length: 4 }, () => {
      bench.awaitIrq();
      return bench.readData(SECTOR);
    });
    expect(read).toEqual([
      bench.sectors(29, 1),
      data.slice(0, SECTOR),
      data.slice(SECTOR),
      bench.sectors(32, 1),
    ]);
    expect(differenceAt(bench.images[0]!, image)).toBe(-1); // images are never written
  });

  it("of blocks, by 48-bit address", () => {
    const bench = new IdeBench();
    const data = randomImage(8, 5 * SECTOR);
    bench.command({ command: 0xc6, count: 2 });
    bench.command({ command: 0x39, lba: 7, count: 5, extended: true });
    for (const [from, to] of [
      [0, 2],
      [2, 4],
      [4, 5],
    ] as const) {
      bench.writeData(data.subarray(from * SECTOR, to * SECTOR));
      expect(bench.awaitIrq()).toBe(true);
    }
    bench.command({ command: 0x29, lba: 7, count: 5, extended: true });
    const read: number[] = [];
    for (const sectors of [2, 2, 1]) {
      bench.awaitIrq();
      read.push(...bench.readData(sectors * SECTOR));
    }
    expect(differenceAt(Uint8Array.from(read), data)).toBe(-1);
  });
});

describe("errors", () => {
  it("beyond the last sector the address is not found", () => {
    const bench = new IdeBench();
    for (const [lba, count, extended] of [
      [DISK_SECTORS, 1, false],
      [DISK_SECTORS - 1, 2, false],
      [2 ** 40, 1, true],
      [DISK_SECTORS - 0x1_0000 + 1, 0, true],
    ] as const) {
      for (const command of extended ? [0x24, 0x34, 0x25, 0x42] : [0x20, 0x30, 0xc8, 0x40]) {
        bench.command({ command, lba: Math.max(0, lba), count, extended });
        expect(bench.awaitIrq()).toBe(true);
        expect([bench.status, bench.in(COMMAND_BLOCK + 1)]).toEqual([ERROR, 0x10]);
      }
    }
    bench.command({ command: 0x20, lba: DISK_SECTORS - 1, count: 1 });
    bench.awaitIrq();
    expect(differenceAt(bench.readData(SECTOR), bench.sectors(DISK_SECTORS - 1, 1))).toBe(-1);
  });

  it("a head or sector that is not there is not found", () => {
    const bench = new IdeBench();
    for (const sector of [0, 64]) {
      for (const [register, value] of [
        [2, 1],
        [3, sector],
        [4, 0],
        [5, 0],
        [6, 0xa0],
        [7, 0x20],
      ] as const)
        bench.out(COMMAND_BLOCK + register, value);
      expect([bench.status, bench.in(COMMAND_BLOCK + 1)]).toEqual([ERROR, 0x10]);
    }
  });

  it("what the drive does not know or cannot do is aborted", () => {
    const bench = new IdeBench();
    for (const [command, count, features] of [
      [0x00, 0, 0],
      [0x08, 0, 0], // DEVICE RESET belongs to PACKET
      [0xa1, 0, 0],
      [0xb0, 0, 0xd8],
      [0xc4, 1, 0], // before SET MULTIPLE
      [0xc6, 3, 0],
      [0xc6, 32, 0],
      [0x91, 0, 0],
      [0xef, 0, 0x99],
      [0xef, 0x46, 0x03],
      [0xef, 0x23, 0x03],
      [0xef, 0x10, 0x03],
    ] as const) {
      bench.command({ command, count, features });
      expect(bench.awaitIrq()).toBe(true);
      expect([bench.status, bench.in(COMMAND_BLOCK + 1)]).toEqual([ERROR, 0x04]);
    }
    bench.command({ command: 0xe5 }); // the next command clears it
    expect([bench.status, bench.in(COMMAND_BLOCK + 2)]).toEqual([READY, 0xff]);
  });
});

describe("commands without data", () => {
  it("end with an interrupt", () => {
    const bench = new IdeBench();
    for (const command of [0x10, 0x70, 0xe0, 0xe1, 0xe2, 0xe3, 0xe6, 0xe7, 0xea]) {
      bench.command({ command });
      expect(bench.awaitIrq(), command.toString(16)).toBe(true);
      expect(bench.status).toBe(READY);
    }
  });

  it("flush takes a latency, verification also the sectors' time", () => {
    const bench = new IdeBench();
    const elapsed = (command: number, count: number): number => {
      const start = bench.cycles;
      bench.command({ command, count });
      bench.awaitIrq();
      return Math.round((bench.cycles - start) / MICROSECOND);
    };
    expect([elapsed(0xe7, 0), elapsed(0x40, 100)]).toEqual([100, 200]);
  });

  it("EXECUTE DEVICE DIAGNOSTIC is for both drives, whichever is selected", () => {
    const bench = new IdeBench([randomImage(1), randomImage(2)]);
    bench.command({ command: 0x90, slave: true, lba: 0x123456 });
    for (const device of [0xa0, 0xb0]) {
      bench.out(COMMAND_BLOCK + 6, device);
      expect(registers(bench).slice(0, 5)).toEqual([1, 1, 1, 0, 0]);
    }
  });
});

describe("interrupts", () => {
  it("are taken back by reading the status, not the alternate status", () => {
    const bench = new IdeBench();
    bench.command({ command: 0xec });
    expect(bench.status).toBe(DATA);
    expect(bench.pc.interrupts.hasPending()).toBe(true);
    bench.in(COMMAND_BLOCK + 7);
    expect(bench.pc.interrupts.hasPending()).toBe(false);
  });

  it("wait while nIEN is set", () => {
    const bench = new IdeBench();
    bench.out(CONTROL, 0x02);
    bench.command({ command: 0xec });
    expect(bench.takeIrq()).toBe(false);
    bench.out(CONTROL, 0x00);
    expect(bench.takeIrq()).toBe(true);
  });

  it("of a drive that is not selected do not reach the line", () => {
    const bench = new IdeBench([randomImage(1), randomImage(2)]);
    bench.command({ command: 0x20, lba: 0, count: 1 });
    bench.out(COMMAND_BLOCK + 6, 0xb0);
    bench.runSeconds(0.001);
    expect(bench.takeIrq()).toBe(false);
    bench.out(COMMAND_BLOCK + 6, 0xa0);
    expect(bench.takeIrq()).toBe(true);
  });
});

describe("registers", () => {
  it("keep the value before the last, which HOB shows", () => {
    const bench = new IdeBench();
    for (const offset of [2, 3, 4, 5]) {
      bench.out(COMMAND_BLOCK + offset, 0x10 + offset);
      bench.out(COMMAND_BLOCK + offset, 0x20 + offset);
    }
    expect(registers(bench).slice(1, 5)).toEqual([0x22, 0x23, 0x24, 0x25]);
    bench.out(CONTROL, 0x80);
    expect(registers(bench).slice(1, 5)).toEqual([0x12, 0x13, 0x14, 0x15]);
    bench.out(COMMAND_BLOCK + 2, 0x99); // any write to the command block clears HOB
    expect(registers(bench).slice(1, 5)).toEqual([0x99, 0x23, 0x24, 0x25]);
  });

  it("cannot be written while the drive is busy", () => {
    const bench = new IdeBench();
    bench.command({ command: 0x20, lba: 5, count: 1 });
    bench.out(COMMAND_BLOCK + 3, 0xaa);
    bench.out(COMMAND_BLOCK + 7, 0xec);
    expect(bench.in(COMMAND_BLOCK + 3)).toBe(5);
    bench.awaitIrq();
    expect(differenceAt(bench.readData(SECTOR), bench.sectors(5, 1))).toBe(-1);
  });

  it("data without a request are nothing", () => {
    const bench = new IdeBench();
    expect(bench.in(COMMAND_BLOCK, 2)).toBe(0);
    bench.out(COMMAND_BLOCK, 0x1234, 2);
    expect(bench.status).toBe(READY);
  });
});

describe("absent drives", () => {
  it("a slave reads status 0 and ignores commands; the master's registers answer", () => {
    const bench = new IdeBench();
    bench.out(COMMAND_BLOCK + 6, 0xb0);
    expect([bench.in(COMMAND_BLOCK + 7), bench.status]).toEqual([0, 0]);
    bench.out(COMMAND_BLOCK + 2, 0x55);
    expect(bench.in(COMMAND_BLOCK + 2)).toBe(0x55);
    bench.command({ command: 0xec, slave: true });
    expect(bench.awaitIrq()).toBe(false);
  });

  it("a channel without drives floats: never busy, nothing kept", () => {
    const bench = new IdeBench();
    expect([bench.in(0x177), bench.in(0x376)]).toEqual([0x7f, 0x7f]);
    bench.out(0x172, 0x55);
    expect(bench.in(0x172)).toBe(0x7f);
    bench.out(0x376, 0x04);
    bench.out(0x376, 0x00);
    bench.out(0x177, 0xec);
    expect([bench.in(0x177), bench.in(0x170, 2)]).toEqual([0x7f, 0xff7f]);
  });

  it("a slave without a master answers for itself", () => {
    const bench = new IdeBench([undefined, randomImage(2)]);
    expect(bench.in(COMMAND_BLOCK + 7)).toBe(0x7f);
    bench.command({ command: 0x20, lba: 9, count: 1, slave: true });
    expect(bench.awaitIrq()).toBe(true);
    expect(differenceAt(bench.readData(SECTOR), bench.sectors(9, 1, 1))).toBe(-1);
  });
});

describe("images", () => {
  it("need not be whole sectors", () => {
    const bench = new IdeBench([randomImage(3, 1000)]);
    bench.command({ command: 0x20, lba: 1, count: 1 });
    bench.awaitIrq();
    const expected = new Uint8Array(SECTOR);
    expected.set(bench.images[0]!.subarray(512));
    expect(bench.readData(SECTOR)).toEqual(expected);
    bench.command({ command: 0x20, lba: 2, count: 1 });
    expect(bench.status).toBe(ERROR);
  });

  it("may be four, on both channels", () => {
    const bench = new IdeBench([1, 2, 3, 4].map((seed) => randomImage(seed)));
    bench.out(0x176, 0xf0);
    for (const [register, value] of [
      [2, 1],
      [3, 6],
      [4, 0],
      [5, 0],
      [7, 0x20],
    ] as const)
      bench.out(0x170 + register, value);
    bench.runSeconds(0.001);
    const read = Uint16Array.from({ length: 256 }, () => bench.in(0x170, 2));
    expect(differenceAt(new Uint8Array(read.buffer), bench.sectors(6, 1, 3))).toBe(-1);
  });
});
