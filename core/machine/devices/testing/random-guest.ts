/**
 * A guest that does anything: random accesses to every device, biased so that sequences that mean something occur,
 * with time passing, interrupts taken, and the host's input arriving. Everything it sees goes into one list.
 */
import type { Random } from "../../../util/random.js";
import type { AccessSize } from "../device.js";
import { Bench } from "./bench.js";
import { DISK_SECTORS, randomImage } from "./ide-bench.js";

const SIZES: readonly AccessSize[] = [1, 1, 1, 2, 4];

/** Port ranges of the PC's devices, as [first, count]. */
const PORTS: readonly (readonly [number, number])[] = [
  [0x20, 2],
  [0xa0, 2],
  [0x4d0, 2],
  [0x40, 4],
  [0x61, 1],
  [0x60, 1],
  [0x64, 1],
  [0x70, 2],
  [0x92, 1],
  [0x80, 1],
  [0x2f8, 8],
  [0x3f8, 8],
  [0x1f0, 8],
  [0x3f6, 1],
  [0x170, 8],
  [0x376, 1],
  [0xcf8, 8],
  [0xc000, 16],
];

const LOCAL_APIC = 0xfee0_0000;
const IO_APIC = 0xfec0_0000;
const MSRS = [0x1b, 0x6e0, ...Array.from({ length: 64 }, (_, i) => 0x800 + i)];
/** ATA commands that begin something. */
const COMMANDS = [0x20, 0x24, 0x30, 0xc4, 0xc5, 0xc8, 0xca, 0x25, 0x35, 0xec, 0xe7, 0xc6, 0x90];
/** PIT control words and reads back. */
const CONTROLS = [0x30, 0x34, 0x36, 0x14, 0x38, 0x70, 0xb0, 0xb6, 0xba, 0xc2, 0xe2, 0x00, 0x80];

export function makeRandomBench(): Bench {
  return new Bench({
    firmware: true,
    serialTiming: "baud",
    disks: [randomImage(1), undefined, randomImage(2, 100_000), randomImage(3, 5000)],
  });
}

/**
 * Does `steps` random things. Returns a line for each: what was read, and how much and what the devices said
 * meanwhile, as a hash. Empties the bench's records.
 */
export function act(bench: Bench, random: Random, steps: number): string[] {
  return Array.from({ length: steps }, () => {
    const values = actOnce(bench, random);
    const said = [...bench.log, bench.sent[0].join(), bench.sent[1].join()];
    bench.log.length = 0;
    for (const sent of bench.sent) sent.length = 0;
    return `${values.join(" ")}; ${said.length - 2} said, ${hashOf(said)}`;
  });
}

/** FNV-1a over the lines. */
function hashOf(lines: readonly string[]): number {
  let hash = 0x811c9dc5;
  for (const line of lines) {
    for (let i = 0; i < line.length; i++) hash = Math.imul(hash ^ line.charCodeAt(i), 0x01000193);
    hash = Math.imul(hash ^ 10, 0x01000193);
  }
  return hash >>> 0;
}

function actOnce(bench: Bench, random: Random): number[] {
  const pick = <T>(list: readonly T[]): T => list[random.below(list.length)]!;
  const size = pick(SIZES);
  switch (random.below(16)) {
    case 0:
    case 1:
    case 2: {
      const [first, count] = pick(PORTS);
      return [bench.in(first + random.below(count), size)];
    }
    case 3:
    case 4:
    case 5: {
      const [first, count] = pick(PORTS);
      bench.out(first + random.below(count), randomValue(random), size);
      return [];
    }
    case 6:
      bench.out(random.below(0x1_0000), randomValue(random), size);
      return [bench.in(random.below(0x1_0000), size)];
    case 7: {
      const address = pick([LOCAL_APIC, IO_APIC]) + random.below(0x40) * 16;
      bench.store(address, randomValue(random));
      return [];
    }
    case 8: {
      const address = LOCAL_APIC + random.below(0x400);
      const { bus } = bench.pc;
      return random.below(4) === 0 ? [bus.readMemory(address, 8), bus.high] : [bus.readMemory(address, size)];
    }
    case 9: {
      const msr = pick(MSRS);
      const { low = -1, high = -1 } = bench.pc.msrs!.read(msr) ?? {};
      // The base seldom moves, or all else would be unreachable.
      const isWritten =
        (msr !== 0x1b || random.below(40) === 0) && bench.pc.msrs!.write(msr, randomValue(random), 0);
      return [low, high, Number(isWritten)];
    }
    case 10:
      bench.run(random.below(pick([100, 10_000, 1_000_000, 30_000_000])));
      return [bench.cycles];
    case 11:
      bench.cycles += random.below(100_000); // deadlines pass before anybody looks
      return [];
    case 12:
      return [bench.take() ?? -1];
    case 13:
      for (const port of [0xa0, 0x20]) bench.out(port, 0x20);
      bench.store(LOCAL_APIC + 0xb0, 0);
      bench.pc.serial[random.below(2)]!.receive([random.below(256)]);
      return [bench.in(0x1f7), bench.in(0x177)];
    case 14:
      bench.out(0x43, pick(CONTROLS));
      bench.outs(0x40 + random.below(3), random.below(256), random.below(8));
      return [];
    default: {
      const base = pick([0x1f0, 0x170]);
      bench.out(base + 6, 0xe0 | (random.below(2) << 4));
      bench.outs(base + 2, random.below(9));
      bench.outs(base + 3, random.below(DISK_SECTORS), 0, 0);
      bench.out(base + 7, pick(COMMANDS));
      if (random.below(2) === 0)
        bench.out(base === 0x1f0 ? 0xc000 : 0xc008, random.below(2) === 0 ? 0x09 : 0x01);
      return [];
    }
  }
}

/** Small numbers, single bits, bytes and anything. */
function randomValue(random: Random): number {
  switch (random.below(4)) {
    case 0:
      return random.below(8);
    case 1:
      return 2 ** random.below(32);
    case 2:
      return random.below(256);
    default:
      return random.int32() >>> 0;
  }
}
