/** The I/O APIC (82093AA): registers, edges and levels, remote IRR and EOI, destinations, and its place in the PC. */
import { describe, expect, it } from "vitest";
import { Bench } from "../testing/bench.js";
import { REGISTER as R } from "./registers.js";

const BASE = 0xfec0_0000;
const LOCAL = 0xfee0_0000;
const [LEVEL, LOW, MASKED] = [0x8000, 0x2000, 0x1_0000];

class IoApicBench extends Bench {
  constructor() {
    super();
    this.store(LOCAL + R.spurious * 16, 0x1ff);
    this.log.length = 0;
  }

  set(register: number, value: number): void {
    this.store(BASE, register);
    this.store(BASE + 0x10, value);
  }

  get(register: number): number {
    this.store(BASE, register);
    return this.load(BASE + 0x10);
  }

  redirect(pin: number, low: number, destination = 0): void {
    this.set(0x11 + 2 * pin, destination << 24);
    this.set(0x10 + 2 * pin, low);
  }

  pin(pin: number, high: boolean): void {
    this.pc.ioApic!.setPin(pin, high);
  }

  eoi(): void {
    this.store(LOCAL + R.endOfInterrupt * 16, 0);
  }
}

describe("registers", () => {
  it("are ID, version with 24 entries, arbitration ID, and redirection entries, masked", () => {
    const bench = new IoApicBench();
    bench.set(0, 0xffff_ffff);
    expect([bench.get(0), bench.get(1), bench.get(2)]).toEqual([0x0f00_0000, 0x0017_0011, 0x0f00_0000]);
    for (let pin = 0; pin < 24; pin++) {
      expect([bench.get(0x10 + 2 * pin), bench.get(0x11 + 2 * pin)]).toEqual([MASKED, 0]);
    }
    bench.set(0x10, 0xffff_ffff);
    bench.set(0x11, 0xffff_ffff);
    expect([bench.get(0x10), bench.get(0x11)]).toEqual([0x1_afff, 0xff00_0000]);
  });

  it("beyond the last are nothing", () => {
    const bench = new IoApicBench();
    bench.set(0x40, 0xffff_ffff);
    bench.set(0xff, 0xffff_ffff);
    expect([bench.get(0x40), bench.get(0x0f), bench.get(0xff)]).toEqual([0, 0, 0]);
    expect(bench.load(BASE + 0x20)).toBe(0);
  });
});

describe("an edge", () => {
  it("sends once for each rise", () => {
    const bench = new IoApicBench();
    bench.redirect(5, 0x55);
    bench.pin(5, true);
    bench.pin(5, true);
    expect(bench.takeAll()).toEqual([0x55]);
    bench.eoi();
    bench.pin(5, false);
    expect(bench.takeAll()).toEqual([]);
    bench.pin(5, true);
    expect(bench.takeAll()).toEqual([0x55]);
  });

  it("is a fall when the polarity is low", () => {
    const bench = new IoApicBench();
    bench.pin(5, true);
    bench.redirect(5, LOW | 0x55);
    bench.pin(5, false);
    expect(bench.takeAll()).toEqual([0x55]);
  });

  it("on a masked pin is lost", () => {
    const bench = new IoApicBench();
    bench.redirect(5, MASKED | 0x55);
    bench.pin(5, true);
    bench.redirect(5, 0x55);
    expect(bench.takeAll()).toEqual([]);
  });
});

describe("a level", () => {
  it("sends once, and again after EOI while it lasts", () => {
    const bench = new IoApicBench();
    bench.redirect(10, LEVEL | 0x66);
    bench.pin(10, true);
    expect(bench.get(0x24)).toBe(0xc066);
    expect(bench.takeAll()).toEqual([0x66]);
    expect(bench.load(LOCAL + (R.triggerMode + 3) * 16)).toBe(1 << 6);
    bench.eoi();
    expect(bench.takeAll()).toEqual([0x66]);
    bench.pin(10, false);
    bench.pin(10, true); // the remote IRR is still set
    expect(bench.takeAll()).toEqual([]);
    bench.pin(10, false);
    bench.eoi();
    expect(bench.takeAll()).toEqual([]);
    expect(bench.get(0x24)).toBe(0x8066);
  });

  it("on a masked pin waits", () => {
    const bench = new IoApicBench();
    bench.redirect(10, MASKED | LEVEL | 0x66);
    bench.pin(10, true);
    expect(bench.takeAll()).toEqual([]);
    bench.redirect(10, LEVEL | 0x66);
    expect(bench.takeAll()).toEqual([0x66]);
  });

  it("in service is not sent again when its entry is masked and unmasked", () => {
    const bench = new IoApicBench();
    bench.redirect(10, LEVEL | 0x66);
    bench.pin(10, true);
    bench.take();
    bench.redirect(10, MASKED | LEVEL | 0x66);
    bench.redirect(10, LEVEL | 0x66);
    expect(bench.load(LOCAL + (R.requests + 3) * 16)).toBe(0);
    expect(bench.get(0x24)).toBe(0xc066);
  });

  it("is ended by hand by making the entry an edge for a moment", () => {
    const bench = new IoApicBench();
    bench.redirect(10, LEVEL | 0x66);
    bench.pin(10, true);
    bench.take();
    bench.redirect(10, MASKED | 0x66);
    expect(bench.get(0x24)).toBe(MASKED | 0x66);
    bench.redirect(10, LEVEL | 0x66);
    bench.eoi();
    expect(bench.takeAll()).toEqual([0x66]);
  });

  it("of two pins on one vector is ended for both", () => {
    const bench = new IoApicBench();
    for (const pin of [10, 11]) {
      bench.redirect(pin, LEVEL | 0x66);
      bench.pin(pin, true);
    }
    expect(bench.takeAll()).toEqual([0x66]);
    bench.pin(10, false);
    bench.eoi();
    expect([bench.get(0x24), bench.get(0x26)]).toEqual([0x8066, 0xc066]);
  });

  it("is not ended by EOI when broadcasts are suppressed", () => {
    const bench = new IoApicBench();
    bench.store(LOCAL + R.spurious * 16, 0x11ff);
    bench.redirect(10, LEVEL | 0x66);
    bench.pin(10, true);
    bench.take();
    bench.eoi();
    expect(bench.get(0x24)).toBe(0xc066);
    expect(bench.takeAll()).toEqual([]);
  });
});

describe("delivery", () => {
  it("goes where the destination says", () => {
    const bench = new IoApicBench();
    bench.redirect(5, 0x55, 3);
    bench.pin(5, true);
    expect(bench.takeAll()).toEqual([]);
    bench.store(LOCAL + R.logicalDestination * 16, 0x0200_0000);
    bench.redirect(6, 0x856, 0x03);
    bench.pin(6, true);
    bench.redirect(7, 0x177, 0xff); // lowest priority, to all
    bench.pin(7, true);
    expect(bench.take()).toBe(0x77);
    bench.eoi();
    expect(bench.take()).toBe(0x56);
  });

  it("of SMI, NMI and INIT is to the processor, as edges", () => {
    const bench = new IoApicBench();
    for (const [pin, mode] of [
      [4, 0x200],
      [5, 0x400],
      [6, 0x500],
    ] as const) {
      bench.redirect(pin, LEVEL | mode);
      bench.pin(pin, true);
    }
    expect(bench.log).toEqual(["smi @0", "nmi @0", "init @0"]);
    expect(bench.get(0x1a)).toBe(LEVEL | 0x400);
  });

  it("of an illegal vector is an error at the local APIC", () => {
    const bench = new IoApicBench();
    bench.redirect(5, 0x05);
    bench.pin(5, true);
    bench.store(LOCAL + R.errorStatus * 16, 0);
    expect(bench.load(LOCAL + R.errorStatus * 16)).toBe(0x40);
  });
});

describe("in the PC", () => {
  it("IRQ 0 is at pin 2, the others at their own", () => {
    const bench = new IoApicBench();
    bench.redirect(2, 0x42);
    bench.redirect(4, 0x44);
    bench.out(0x43, 0x34);
    bench.outs(0x40, 100, 0);
    bench.runSeconds(0.001);
    bench.out(0x3f9, 0x02);
    expect(bench.take()).toBe(0x44);
    bench.eoi();
    expect(bench.take()).toBe(0x42);
  });

  it("pin 0 as ExtINT delivers the 8259As' vectors", () => {
    const bench = new IoApicBench();
    bench.outs(0x20, 0x11);
    bench.outs(0x21, 0x30, 0x04, 0x03, 0x00); // automatic EOI
    bench.redirect(0, 0x700);
    bench.pc.pic.setIrq(3, true);
    bench.pc.pic.setIrq(5, true);
    expect(bench.takeAll()).toEqual([0x33, 0x35]);
  });
});
