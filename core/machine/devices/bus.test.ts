/** Ports and device memory: who answers, how accesses are split, and what nobody answers. */
import { describe, expect, it } from "vitest";
import { ALL_SIZES, Bus, BYTES, DWORDS, WORDS_DWORDS } from "./bus.js";
import type { AccessSize, MemoryDevice, PortDevice } from "./device.js";

/** Answers with its letter and the port's low bits, and remembers what was written. */
class Probe implements PortDevice, MemoryDevice {
  readonly writes: string[] = [];

  constructor(private readonly letter: number) {}

  readPort(port: number, size: AccessSize): number {
    return size === 1 ? (this.letter << 4) | (port & 15) : size === 2 ? 0x1234 : 0x89ab_cdef;
  }

  writePort(port: number, size: AccessSize, value: number): void {
    this.writes.push(`${port.toString(16)}/${size}=${value.toString(16)}`);
  }

  readMemory(offset: number, size: AccessSize): number {
    return this.readPort(offset, size);
  }

  writeMemory(offset: number, size: AccessSize, value: number): void {
    this.writePort(offset, size, value);
  }
}

describe("ports", () => {
  it("split an access wider than the device, lowest first, each part to its owner", () => {
    const bus = new Bus();
    const [a, b] = [new Probe(0xa), new Probe(0xb)];
    bus.claimPorts(0x70, 1, a, BYTES);
    bus.claimPorts(0x71, 1, b, BYTES);
    bus.writePort(0x70, 2, 0x1234_5678);
    expect(a.writes).toEqual(["70/1=78"]);
    expect(b.writes).toEqual(["71/1=56"]);
    expect(bus.readPort(0x70, 2)).toBe(0xb1a0);
    // The upper half of a dword finds nobody: ones, counted byte by byte where it was split.
    expect(bus.readPort(0x70, 4)).toBe(0xffff_b1a0);
    expect(bus.unowned.portReads).toBe(1);
  });

  it("give a device the sizes it answers, whole", () => {
    const bus = new Bus();
    const data = new Probe(0xd);
    bus.claimPorts(0x1f0, 1, data, WORDS_DWORDS);
    expect(bus.readPort(0x1f0, 2)).toBe(0x1234);
    expect(bus.readPort(0x1f0, 4)).toBe(0x89ab_cdef);
    bus.writePort(0x1f0, 4, -1);
    expect(data.writes).toEqual(["1f0/4=ffffffff"]);
  });

  it("find nobody when they are narrower than the device", () => {
    const bus = new Bus();
    const [pci, reset] = [new Probe(0xc), new Probe(0xe)];
    bus.claimPorts(0xcf8, 1, pci, DWORDS);
    bus.claimPorts(0xcf9, 1, reset, BYTES);
    expect(bus.readPort(0xcf8, 4)).toBe(0x89ab_cdef);
    expect(bus.readPort(0xcf8, 1)).toBe(0xff);
    expect(bus.readPort(0xcf9, 1)).toBe(0xe9);
    bus.writePort(0xcf8, 1, 1);
    expect(pci.writes).toEqual([]);
    expect(bus.unowned).toEqual({ portReads: 1, portWrites: 1, memoryReads: 0, memoryWrites: 0 });
  });

  it("that nobody owns read ones, swallow writes, and are counted once an access", () => {
    const bus = new Bus();
    expect([bus.readPort(0x300, 1), bus.readPort(0x300, 2), bus.readPort(0x300, 4)]).toEqual([
      0xff, 0xffff, 0xffff_ffff,
    ]);
    bus.writePort(0x2ff, 4, 0);
    bus.readPort(0xffff, 4);
    expect(bus.unowned).toEqual({ portReads: 4, portWrites: 1, memoryReads: 0, memoryWrites: 0 });
    expect(bus.unownedPorts()).toEqual([
      { address: 0x2ff, reads: 0, writes: 1 },
      { address: 0x300, reads: 3, writes: 0 },
      { address: 0xffff, reads: 1, writes: 0 },
    ]);
  });

  it("of a range that moves leave those that others own", () => {
    const bus = new Bus();
    const [fixed, movable] = [new Probe(0xf), new Probe(0xb)];
    bus.claimPorts(0x104, 1, fixed, BYTES);
    const range = bus.claimPorts(undefined, 8, movable, ALL_SIZES);
    expect(bus.readPort(0x100, 1)).toBe(0xff);
    range.move(0x100);
    expect([bus.readPort(0x103, 1), bus.readPort(0x104, 1), bus.readPort(0x105, 1)]).toEqual([
      0xb3, 0xf4, 0xb5,
    ]);
    range.move(0xfffc);
    expect([bus.readPort(0x103, 1), bus.readPort(0x104, 1), bus.readPort(0xffff, 1)]).toEqual([
      0xff, 0xf4, 0xbf,
    ]);
    expect(bus.readPort(0, 1)).toBe(0xff);
    range.move(undefined);
    expect(bus.readPort(0xffff, 1)).toBe(0xff);
  });
});

describe("device memory", () => {
  const HIGH = 0xf_fee0_0000;

  it("is reached above 4 GiB, in every size", () => {
    const bus = new Bus();
    const page = new Probe(0xa);
    bus.claimMemory(HIGH, 0x1000, page);
    expect(bus.readMemory(HIGH + 3, 1)).toBe(0xa3);
    expect(bus.readMemory(HIGH, 8)).toBe(0x89ab_cdef);
    expect(bus.high).toBe(0x89ab_cdef);
    bus.writeMemory(HIGH + 0x10, 8, 0x1111_1111, 0x2222_2222);
    bus.writeMemory(HIGH + 0x20, 2, -1);
    expect(page.writes).toEqual(["10/4=11111111", "14/4=22222222", "20/2=ffff"]);
    expect(bus.readMemory(HIGH - 1, 1)).toBe(0xff);
    expect(bus.unownedAddresses()).toEqual([{ address: HIGH - 1, reads: 1, writes: 0 }]);
  });

  it("splits an access over the edge of a range", () => {
    const bus = new Bus();
    const page = new Probe(0xa);
    bus.claimMemory(0x1000, 0x1000, page);
    expect(bus.readMemory(0x1ffe, 4)).toBe(0xffff_1234);
    expect(bus.readMemory(0xfff, 2)).toBe(0xa0ff);
    bus.writeMemory(0x1fff, 4, 0x4433_2211);
    expect(page.writes).toEqual(["fff/1=11"]);
  });

  it("moves with its range", () => {
    const bus = new Bus();
    const range = bus.claimMemory(undefined, 0x1000, new Probe(0xa));
    expect(bus.readMemory(0x5000, 1)).toBe(0xff);
    range.move(0x5000);
    expect(bus.readMemory(0x5001, 1)).toBe(0xa1);
    range.move(undefined);
    expect(bus.readMemory(0x5001, 1)).toBe(0xff);
  });

  it("remembers a bounded number of unowned addresses and counts them all", () => {
    const bus = new Bus();
    for (let i = 0; i < 5000; i++) bus.readMemory(0x1_0000 + i, 1);
    expect(bus.unowned.memoryReads).toBe(5000);
    expect(bus.unownedAddresses()).toHaveLength(1024);
    const saved = bus.save();
    bus.readMemory(0, 1);
    bus.restore(saved);
    expect(bus.unowned.memoryReads).toBe(5000);
  });
});
