/** A PC with disks, and an IDE driver as small as one can be: commands, PIO, PRD tables, polling. */
import { Random } from "../../../util/random.js";
import { Bench, TEST_HERTZ } from "./bench.js";

export const SECTOR = 512;
export const DISK_SECTORS = 4096;
export const COMMAND_BLOCK = 0x1f0;
export const CONTROL = 0x3f6;
export const BUS_MASTER = 0xc000;
export const PRD_TABLE = 0x1000;

/** Latency and bytes a second that come out at whole microseconds: 100 µs, and 1 µs for each 512 bytes. */
const TIMING = { latencySeconds: 100e-6, bytesPerSecond: 512e6 };

/** Ten milliseconds; the longest command of the tests moves 2 MiB in four. */
const LONGEST_CYCLES = TEST_HERTZ / 100;

const images = new Map<string, Uint8Array>();

/** An image of random bytes, the same for the same seed: shared, so not to be written. */
export function randomImage(seed: number, bytes = DISK_SECTORS * SECTOR): Uint8Array {
  const key = `${seed}/${bytes}`;
  let image = images.get(key);
  if (image === undefined) {
    const random = new Random(seed);
    const words = Int32Array.from({ length: Math.ceil(bytes / 4) }, () => random.int32());
    image = new Uint8Array(words.buffer, 0, bytes);
    images.set(key, image);
  }
  return image;
}

/** Where two arrays first differ, -1 when they are equal: what `toEqual` says, in a thousandth of its time. */
export function differenceAt(a: Uint8Array, b: Uint8Array): number {
  if (a.length !== b.length) return Math.min(a.length, b.length);
  return a.findIndex((byte, index) => byte !== b[index]);
}

export interface Request {
  readonly command: number;
  readonly lba?: number;
  readonly count?: number;
  /** 48-bit address. */
  readonly extended?: boolean;
  readonly slave?: boolean;
  readonly features?: number;
}

export class IdeBench extends Bench {
  constructor(readonly images: readonly (Uint8Array | undefined)[] = [randomImage(1)]) {
    super({ disks: images, diskTiming: TIMING, apic: undefined, firmware: true });
    // IRQ 14 as vector 0x76 alone.
    this.out(0x21, 0xfb);
    this.out(0xa1, 0xbf);
    this.log.length = 0;
  }

  get status(): number {
    return this.in(CONTROL);
  }

  /** Writes a command with its parameters. */
  command({ command, lba = 0, count = 0, extended = false, slave = false, features = 0 }: Request): void {
    const put = (register: number, value: number): void => this.out(COMMAND_BLOCK + register, value & 0xff);
    put(6, 0xe0 | (slave ? 0x10 : 0) | (extended ? 0 : Math.floor(lba / 2 ** 24) & 15));
    put(1, features);
    if (extended) {
      put(2, count >> 8);
      for (let i = 0; i < 3; i++) put(3 + i, Math.floor(lba / 2 ** (24 + 8 * i)));
    }
    put(2, count);
    for (let i = 0; i < 3; i++) put(3 + i, Math.floor(lba / 2 ** (8 * i)));
    put(7, command);
  }

  /** Reads words of data as bytes. */
  readData(bytes: number): Uint8Array {
    const data = new Uint8Array(bytes);
    for (let i = 0; i < bytes; i += 2) {
      const word = this.in(COMMAND_BLOCK, 2);
      data[i] = word & 0xff;
      data[i + 1] = word >> 8;
    }
    return data;
  }

  writeData(data: Uint8Array): void {
    for (let i = 0; i < data.length; i += 2) this.out(COMMAND_BLOCK, data[i]! | (data[i + 1]! << 8), 2);
  }

  /** Takes IRQ 14 if it is pending, and ends it at both 8259As. */
  takeIrq(): boolean {
    if (this.take() !== 0x76) return false;
    this.out(0xa0, 0x20);
    this.out(0x20, 0x20);
    return true;
  }

  /**
   * Runs to the next interrupt, which it takes, and reads the status, as a handler does. False when none comes for
   * longer than any command takes.
   */
  awaitIrq(): boolean {
    const { schedule, interrupts } = this.pc;
    const end = this.cycles + LONGEST_CYCLES;
    while (!interrupts.hasPending() && this.cycles < end)
      this.run(Math.min(schedule.next, end) - this.cycles);
    const isTaken = this.takeIrq();
    this.in(COMMAND_BLOCK + 7);
    return isTaken;
  }

  /** Writes a PRD table: [address, bytes] for each region, with the end mark on the last. */
  putTable(regions: readonly (readonly [number, number])[]): void {
    const view = new DataView(this.memory.bytes.buffer);
    for (const [index, [address, bytes]] of regions.entries()) {
      const isLast = index === regions.length - 1;
      view.setUint32(PRD_TABLE + 8 * index, address, true);
      view.setUint32(PRD_TABLE + 8 * index + 4, (bytes & 0xffff) | (isLast ? 0x8000_0000 : 0), true);
    }
    this.out(BUS_MASTER + 4, PRD_TABLE, 4);
  }

  /** Sectors of an image. */
  sectors(lba: number, count: number, disk = 0): Uint8Array {
    return this.images[disk]!.slice(lba * SECTOR, (lba + count) * SECTOR);
  }
}
