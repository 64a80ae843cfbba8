/** PCI configuration mechanism #1: the address, the window in every size, what is there and what is not. */
import { describe, expect, it } from "vitest";
import type { AccessSize } from "../device.js";
import { Bench } from "../testing/bench.js";

class PciBench extends Bench {
  address(device: number, number: number, register: number, bus = 0): void {
    this.out(0xcf8, 0x8000_0000 + (bus << 16) + (device << 11) + (number << 8) + (register & 0xfc), 4);
  }

  read(device: number, number: number, register: number, size: AccessSize = 4, bus = 0): number {
    this.address(device, number, register, bus);
    return this.in(0xcfc + (register & 3), size);
  }

  write(device: number, number: number, register: number, value: number, size: AccessSize = 4): void {
    this.address(device, number, register);
    this.out(0xcfc + (register & 3), value, size);
  }
}

describe("the address", () => {
  it("is a dword; reserved bits read 0", () => {
    const bench = new PciBench();
    bench.out(0xcf8, 0xffff_ffff, 4);
    expect(bench.in(0xcf8, 4)).toBe(0x80ff_fffc);
    bench.out(0xcf8, 0x8000_0000, 4);
    expect(bench.in(0xcf8, 4)).toBe(0x8000_0000);
  });

  it("is not touched by Linux's byte to 0xCFB", () => {
    const bench = new PciBench();
    bench.out(0xcf8, 0x8000_0800, 4);
    bench.out(0xcfb, 0x01);
    expect(bench.in(0xcf8, 4)).toBe(0x8000_0800);
  });

  it("selects nothing without the enable bit", () => {
    const bench = new PciBench();
    bench.out(0xcf8, 0, 4);
    expect(bench.in(0xcfc, 4)).toBe(0xffff_ffff);
  });
});

describe("the bus", () => {
  it("has a host bridge, an ISA bridge and an IDE function, and nothing else", () => {
    const bench = new PciBench();
    const found: string[] = [];
    for (let device = 0; device < 32; device++) {
      for (let number = 0; number < 8; number++) {
        const id = bench.read(device, number, 0);
        if (id === 0xffff_ffff) continue;
        const kind = bench.read(device, number, 8) >>> 8;
        found.push(`${device}.${number} ${id.toString(16)} ${kind.toString(16)}`);
      }
    }
    expect(found).toEqual(["0.0 12378086 60000", "1.0 70008086 60100", "1.1 70108086 10180"]);
    expect(bench.read(0, 0, 0, 4, 1)).toBe(0xffff_ffff);
    expect(bench.read(1, 0, 0x0e, 1)).toBe(0x80); // functions 1 to 7 are worth a look
  });

  it("is read and written in bytes, words and dwords", () => {
    const bench = new PciBench();
    expect([bench.read(0, 0, 2, 2), bench.read(0, 0, 1, 1), bench.read(0, 0, 0x0b, 1)]).toEqual([
      0x1237, 0x80, 0x06,
    ]);
    bench.write(1, 1, 0x41, 0x80, 1);
    expect(bench.read(1, 1, 0x40)).toBe(0x0000_8000);
    bench.write(1, 1, 0x42, 0x1234, 2);
    expect(bench.read(1, 1, 0x40)).toBe(0x1234_8000);
  });

  it("does not let an access run out of the window", () => {
    const bench = new PciBench();
    bench.address(1, 1, 0x40);
    bench.out(0xcff, 0xffff_ffff, 4);
    expect(bench.read(1, 1, 0x40)).toBe(0xff00_0000);
    bench.address(0, 0, 0);
    expect(bench.in(0xcfe, 4)).toBe(0xffff_1237);
  });

  it("keeps read-only registers", () => {
    const bench = new PciBench();
    for (const register of [0x00, 0x08, 0x0c, 0x10, 0x2c, 0x3c]) {
      const before = bench.read(1, 1, register);
      bench.write(1, 1, register, 0xffff_ffff);
      expect(bench.read(1, 1, register)).toBe(before);
    }
    bench.write(1, 0, 0x60, 0xffff_ffff);
    expect(bench.read(1, 0, 0x60)).toBe(0x8f8f_8f8f);
  });
});

describe("the IDE function's base address 4", () => {
  it("is sized by writing ones: 16 I/O ports", () => {
    const bench = new PciBench();
    bench.write(1, 1, 0x20, 0xffff_ffff);
    expect(bench.read(1, 1, 0x20)).toBe(0x0000_fff1);
    for (const register of [0x10, 0x14, 0x18, 0x1c, 0x24]) {
      bench.write(1, 1, register, 0xffff_ffff);
      expect(bench.read(1, 1, register)).toBe(0);
    }
  });

  it("answers where it is, if I/O is enabled", () => {
    const bench = new PciBench();
    bench.write(1, 1, 0x20, 0xc001);
    expect(bench.in(0xc002)).toBe(0xff);
    bench.write(1, 1, 0x04, 0x05);
    expect(bench.in(0xc002)).toBe(0x00);
    bench.out(0xc004, 0x1234_5678, 4);
    expect([bench.in(0xc004, 4), bench.in(0xc006, 2), bench.in(0xc005)]).toEqual([0x1234_5678, 0x1234, 0x56]);
    bench.write(1, 1, 0x20, 0xd001);
    expect([bench.in(0xc004, 4), bench.in(0xd004, 4)]).toEqual([0xffff_ffff, 0x1234_5678]);
    bench.write(1, 1, 0x04, 0x00);
    expect(bench.in(0xd004, 4)).toBe(0xffff_ffff);
  });

  it("does not take ports that others have", () => {
    const bench = new PciBench();
    bench.write(1, 1, 0x04, 0x05);
    bench.write(1, 1, 0x20, 0x0061);
    expect(bench.in(0x64)).toBe(0x14);
    bench.write(1, 1, 0x20, 0xc001);
    expect(bench.in(0x64)).toBe(0x14);
  });

  it("is found again by a restore, and gone after a reset", () => {
    const bench = new PciBench();
    bench.write(1, 1, 0x20, 0xc001);
    bench.write(1, 1, 0x04, 0x05);
    const saved = bench.save();
    bench.pc.reset();
    expect(bench.in(0xc002)).toBe(0xff);
    expect(bench.read(1, 1, 0x20)).toBe(0x0000_0001);
    bench.restore(saved);
    expect(bench.in(0xc002)).toBe(0x00);
  });
});
