/**
 * The bus: who answers an I/O port or a physical address outside RAM. A port or address that nobody owns reads all
 * ones, swallows writes, and is counted: a guest that probes absent hardware is normal, one that expects it is
 * worth knowing.
 *
 * Accesses wider than a device answers are split as the ISA bus does: into halves at ascending ports, each to
 * whoever owns it (an outw to 0x70 writes 0x70 and 0x71). An access narrower than a device answers finds nobody (a
 * byte at 0xCF8 is not PCI's). Ports wrap at 64 Ki.
 */
import { invariant } from "../../util/errors.js";
import { type AccessSize, allOnes, type MemoryDevice, type PortDevice } from "./device.js";

/** Sizes a device answers, as the sum of them. */
export const BYTES = 1;
export const DWORDS = 4;
export const WORDS_DWORDS = 6;
export const ALL_SIZES = 7;

const PORTS = 0x1_0000;
const LAST_PORT = PORTS - 1;
const NOBODY = 0;
/** Owners have one byte in the map. */
const MOST_OWNERS = 255;
/** Distinct unowned ports, and addresses, remembered for a report; later ones are only in the totals. */
const MOST_TALLIES = 1024;

/** Accesses to a port or address that nobody owns. */
export interface Tally {
  readonly address: number;
  reads: number;
  writes: number;
}

/** Accesses that found nobody. */
export interface UnownedCounts {
  portReads: number;
  portWrites: number;
  memoryReads: number;
  memoryWrites: number;
}

export interface BusState {
  readonly unowned: UnownedCounts;
  readonly ports: readonly Tally[];
  readonly addresses: readonly Tally[];
}

/** Ports of a device that may move (a PCI base address). Ports that were owned before stay with their owner. */
export class PortRange {
  private taken: number[] = [];

  constructor(
    private readonly owners: Uint8Array,
    private readonly number: number,
    private readonly count: number,
  ) {}

  /** Answers `count` ports from `first`; undefined answers none. */
  move(first: number | undefined): void {
    for (const port of this.taken) this.owners[port] = NOBODY;
    this.taken = [];
    if (first === undefined) return;
    for (let port = first; port < Math.min(first + this.count, PORTS); port++) {
      if (this.owners[port] !== NOBODY) continue;
      this.owners[port] = this.number;
      this.taken.push(port);
    }
  }
}

/**
 * Physical addresses of a device that may move (the local APIC's base). The range made first answers where two
 * overlap.
 */
export class MemoryRange {
  /** First address, or NaN while the range answers none. */
  start = Number.NaN;

  constructor(
    readonly length: number,
    readonly device: MemoryDevice,
  ) {}

  move(start: number | undefined): void {
    this.start = start ?? Number.NaN;
  }

  holds(address: number): boolean {
    return address >= this.start && address < this.start + this.length;
  }
}

export class Bus {
  readonly unowned: UnownedCounts = { portReads: 0, portWrites: 0, memoryReads: 0, memoryWrites: 0 };
  /** Upper half of the last 8-byte read. */
  high = 0;

  private readonly owners = new Uint8Array(PORTS);
  /** By owner number less one. */
  private readonly devices: PortDevice[] = [];
  private readonly sizes: number[] = [];
  private readonly ranges: MemoryRange[] = [];
  private unownedPortTallies = new Map<number, Tally>();
  private unownedAddressTallies = new Map<number, Tally>();

  /**
   * @param catchUp called before each access: runs the deadlines that have passed, so that no device answers late.
   */
  constructor(private readonly catchUp: () => void = () => {}) {}

  /**
   * Gives ports to a device.
   * @param first undefined when the device has no ports yet.
   * @param sizes the access sizes it answers, e.g. BYTES.
   */
  claimPorts(first: number | undefined, count: number, device: PortDevice, sizes: number): PortRange {
    const number = this.devices.push(device);
    invariant(number <= MOST_OWNERS, "owners of ports have one byte");
    this.sizes.push(sizes);
    const range = new PortRange(this.owners, number, count);
    range.move(first);
    return range;
  }

  /** Gives `length` bytes of physical addresses to a device; undefined when it has none yet. */
  claimMemory(start: number | undefined, length: number, device: MemoryDevice): MemoryRange {
    const range = new MemoryRange(length, device);
    range.move(start);
    this.ranges.push(range);
    return range;
  }

  /** IN. The value is unsigned. */
  readPort(port: number, size: AccessSize): number {
    this.catchUp();
    const owner = this.owners[port]!;
    if (owner !== NOBODY && (this.sizes[owner - 1]! & size) !== 0) {
      return this.devices[owner - 1]!.readPort(port, size);
    }
    if (size === 1 || this.isUnowned(port, size)) {
      this.unowned.portReads++;
      const tally = tallyOf(this.unownedPortTallies, port);
      if (tally !== undefined) tally.reads++;
      return allOnes(size);
    }
    const half = (size >> 1) as AccessSize;
    const low = this.readPort(port, half);
    return (low | (this.readPort((port + half) & LAST_PORT, half) << (half * 8))) >>> 0;
  }

  /** OUT. Bits of `value` beyond the size are ignored. */
  writePort(port: number, size: AccessSize, value: number): void {
    this.catchUp();
    const owner = this.owners[port]!;
    if (owner !== NOBODY && (this.sizes[owner - 1]! & size) !== 0) {
      this.devices[owner - 1]!.writePort(port, size, (value & allOnes(size)) >>> 0);
      return;
    }
    if (size === 1 || this.isUnowned(port, size)) {
      this.unowned.portWrites++;
      const tally = tallyOf(this.unownedPortTallies, port);
      if (tally !== undefined) tally.writes++;
      return;
    }
    const half = (size >> 1) as AccessSize;
    this.writePort(port, half, value);
    this.writePort((port + half) & LAST_PORT, half, value >>> (half * 8));
  }

  /** Reads device memory. Returns the value, or its low half with the upper half in `high`; both unsigned. */
  readMemory(address: number, size: AccessSize | 8): number {
    if (size === 8) {
      const low = this.readMemory(address, 4);
      this.high = this.readMemory(address + 4, 4);
      return low;
    }
    this.catchUp();
    const range = this.rangeAt(address, size);
    if (range !== undefined) return range.device.readMemory(address - range.start, size) >>> 0;
    if (size > 1 && this.isPartlyOwned(address, size)) {
      const half = (size >> 1) as AccessSize;
      const low = this.readMemory(address, half);
      return (low | (this.readMemory(address + half, half) << (half * 8))) >>> 0;
    }
    this.unowned.memoryReads++;
    const tally = tallyOf(this.unownedAddressTallies, address);
    if (tally !== undefined) tally.reads++;
    return allOnes(size);
  }

  /** Writes device memory. `high` is the upper half of an 8-byte write. */
  writeMemory(address: number, size: AccessSize | 8, value: number, high = 0): void {
    if (size === 8) {
      this.writeMemory(address, 4, value);
      this.writeMemory(address + 4, 4, high);
      return;
    }
    this.catchUp();
    const range = this.rangeAt(address, size);
    if (range !== undefined) {
      range.device.writeMemory(address - range.start, size, (value & allOnes(size)) >>> 0);
      return;
    }
    if (size > 1 && this.isPartlyOwned(address, size)) {
      const half = (size >> 1) as AccessSize;
      this.writeMemory(address, half, value);
      this.writeMemory(address + half, half, value >>> (half * 8));
      return;
    }
    this.unowned.memoryWrites++;
    const tally = tallyOf(this.unownedAddressTallies, address);
    if (tally !== undefined) tally.writes++;
  }

  /** The first 1,024 ports that were accessed and had no owner, in order of their numbers. */
  unownedPorts(): Tally[] {
    return sorted(this.unownedPortTallies);
  }

  /** The same for physical addresses. */
  unownedAddresses(): Tally[] {
    return sorted(this.unownedAddressTallies);
  }

  save(): BusState {
    return {
      unowned: { ...this.unowned },
      ports: sorted(this.unownedPortTallies),
      addresses: sorted(this.unownedAddressTallies),
    };
  }

  restore(state: BusState): void {
    Object.assign(this.unowned, state.unowned);
    this.unownedPortTallies = new Map(state.ports.map((tally) => [tally.address, { ...tally }]));
    this.unownedAddressTallies = new Map(state.addresses.map((tally) => [tally.address, { ...tally }]));
  }

  private isUnowned(port: number, size: AccessSize): boolean {
    for (let i = 0; i < size; i++) if (this.owners[(port + i) & LAST_PORT] !== NOBODY) return false;
    return true;
  }

  private isPartlyOwned(address: number, size: AccessSize): boolean {
    return this.rangeAt(address, 1) !== undefined || this.rangeAt(address + size - 1, 1) !== undefined;
  }

  /** The range that holds the whole access. */
  private rangeAt(address: number, size: AccessSize): MemoryRange | undefined {
    return this.ranges.find((range) => range.holds(address) && range.holds(address + size - 1));
  }
}

function tallyOf(tallies: Map<number, Tally>, address: number): Tally | undefined {
  let tally = tallies.get(address);
  if (tally === undefined && tallies.size < MOST_TALLIES) {
    tally = { address, reads: 0, writes: 0 };
    tallies.set(address, tally);
  }
  return tally;
}

function sorted(tallies: Map<number, Tally>): Tally[] {
  return [...tallies.values()].map((tally) => ({ ...tally })).sort((a, b) => a.address - b.address);
}
