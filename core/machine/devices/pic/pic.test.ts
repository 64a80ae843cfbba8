/**
 * The 8259A pair, from its datasheet (order 231468-003): initialisation, priorities, EOI modes, cascade, poll,
 * default IR7.
 */
import { describe, expect, it } from "vitest";
import { Bus } from "../bus.js";
import { PicChip } from "./chip.js";
import { PicPair } from "./pair.js";

const OCW3_IRR = 0x0a;
const OCW3_ISR = 0x0b;
const EOI = 0x20;

class PicBench {
  readonly bus = new Bus();
  readonly output: boolean[] = [];
  readonly pic = new PicPair(this.bus, (high) => this.output.push(high));

  /** ICW1-4 of both chips: vectors 0x20 and 0x28, nothing masked. */
  initialise(icw4 = 0x01): this {
    for (const [port, values] of [
      [0x20, [0x11]],
      [0x21, [0x20, 0x04, icw4]],
      [0xa0, [0x11]],
      [0xa1, [0x28, 0x02, icw4]],
    ] as const) {
      for (const value of values) this.out(port, value);
    }
    this.output.length = 0;
    return this;
  }

  out(port: number, value: number): void {
    this.bus.writePort(port, 1, value);
  }

  in(port: number): number {
    return this.bus.readPort(port, 1);
  }

  raise(...irqs: number[]): void {
    for (const irq of irqs) this.pic.setIrq(irq, true);
  }

  lower(...irqs: number[]): void {
    for (const irq of irqs) this.pic.setIrq(irq, false);
  }

  /** Vectors of all requests that get through, none of them ended. */
  take(): number[] {
    const vectors: number[] = [];
    while (this.pic.output) vectors.push(this.pic.acknowledge());
    return vectors;
  }

  irr(port = 0x20): number {
    this.out(port, OCW3_IRR);
    return this.in(port);
  }

  isr(port = 0x20): number {
    this.out(port, OCW3_ISR);
    return this.in(port);
  }
}

describe("initialisation", () => {
  it("takes ICW2 to ICW4 at A0 = 1, then masks again", () => {
    const bench = new PicBench();
    bench.out(0x21, 0xff);
    bench.out(0x20, 0x11);
    expect(bench.in(0x21)).toBe(0); // ICW1 clears the mask
    for (const value of [0x48, 0x04, 0x01]) bench.out(0x21, value);
    bench.out(0x21, 0x5a);
    expect(bench.in(0x21)).toBe(0x5a);
    bench.raise(0);
    expect(bench.pic.acknowledge()).toBe(0x48);
  });

  it("skips ICW3 when single and ICW4 when not needed", () => {
    const bench = new PicBench();
    bench.out(0x20, 0x12); // single, no ICW4
    bench.out(0x21, 0x40);
    bench.out(0x21, 0x77);
    expect(bench.in(0x21)).toBe(0x77);
  });

  it("needs a new edge from an input that is high already", () => {
    const bench = new PicBench().initialise();
    bench.raise(1);
    bench.initialise();
    expect(bench.take()).toEqual([]);
    bench.lower(1);
    bench.raise(1);
    expect(bench.take()).toEqual([0x21]);
  });

  it("may begin in the middle of another", () => {
    const bench = new PicBench();
    bench.out(0x20, 0x11);
    bench.out(0x21, 0x60);
    bench.initialise();
    bench.raise(3);
    expect(bench.take()).toEqual([0x23]);
  });

  it("uses the upper five bits of ICW2", () => {
    const bench = new PicBench();
    bench.out(0x20, 0x13);
    bench.out(0x21, 0x37);
    bench.out(0x21, 0x01);
    bench.raise(1);
    expect(bench.take()).toEqual([0x31]);
  });
});

describe("priority", () => {
  it("is fully nested: a level in service holds back itself and all lower ones", () => {
    const bench = new PicBench().initialise();
    bench.raise(5, 4);
    expect(bench.take()).toEqual([0x24]);
    bench.raise(3);
    expect(bench.take()).toEqual([0x23]);
    expect(bench.isr()).toBe(0x18);
    expect(bench.irr()).toBe(0x20);
    bench.out(0x20, EOI);
    expect(bench.take()).toEqual([]);
    bench.out(0x20, EOI);
    expect(bench.take()).toEqual([0x25]);
  });

  it("of masked levels waits until they are unmasked", () => {
    const bench = new PicBench().initialise();
    bench.out(0x21, 0xff);
    bench.raise(0, 6);
    expect(bench.take()).toEqual([]);
    expect(bench.irr()).toBe(0x41);
    bench.out(0x21, 0xbf);
    expect(bench.take()).toEqual([0x26]);
  });

  it("rotates on EOI, and is set by command", () => {
    const bench = new PicBench().initialise();
    bench.raise(3);
    bench.take();
    bench.out(0x20, 0xa0); // rotate on non-specific EOI: 3 is now the lowest
    bench.lower(3);
    bench.raise(3, 2, 4);
    bench.out(0x21, 0x04); // no slave
    expect(bench.take()).toEqual([0x24]);
    bench.out(0x20, EOI);
    bench.out(0x20, 0xc0 | 4); // set priority: 4 lowest, so 5 is highest
    bench.raise(1, 7);
    expect(bench.take()).toEqual([0x27]);
    bench.out(0x20, 0xe0 | 7); // rotate on specific EOI: 7 lowest
    expect(bench.take()).toEqual([0x21]);
  });
});

describe("end of interrupt", () => {
  it("is specific or of the highest level in service", () => {
    const bench = new PicBench().initialise();
    bench.raise(6);
    bench.take();
    bench.raise(1);
    bench.take();
    bench.out(0x20, 0x60 | 6);
    expect(bench.isr()).toBe(0x02);
    bench.out(0x20, EOI);
    expect(bench.isr()).toBe(0);
    bench.out(0x20, EOI); // none in service: nothing happens
    bench.out(0x20, 0x40); // no operation
    expect(bench.isr()).toBe(0);
  });

  it("is automatic with AEOI, which may rotate", () => {
    const bench = new PicBench().initialise(0x03);
    bench.raise(1, 4);
    expect(bench.take()).toEqual([0x21, 0x24]);
    expect(bench.isr()).toBe(0);
    bench.out(0x20, 0x80); // rotate in AEOI mode
    bench.lower(1, 4);
    bench.raise(1);
    expect(bench.take()).toEqual([0x21]);
    bench.lower(1);
    bench.raise(1, 3);
    expect(bench.take()).toEqual([0x23, 0x21]);
    bench.out(0x20, 0x00); // rotate no more: 1 stays the lowest
    bench.lower(1, 3);
    bench.raise(1, 0);
    expect(bench.take()).toEqual([0x20, 0x21]);
  });
});

describe("special mask mode", () => {
  it("lets lower levels through when the one in service is masked", () => {
    const bench = new PicBench().initialise();
    bench.raise(1, 5);
    expect(bench.take()).toEqual([0x21]);
    bench.out(0x21, 0x02);
    expect(bench.take()).toEqual([]);
    bench.out(0x20, 0x68);
    expect(bench.take()).toEqual([0x25]);
    bench.out(0x20, EOI); // does not end the masked level
    expect(bench.isr()).toBe(0x02);
    bench.out(0x20, 0x48); // back to normal
    bench.raise(6);
    expect(bench.take()).toEqual([]);
    bench.out(0x20, EOI);
    expect(bench.isr()).toBe(0);
    expect(bench.take()).toEqual([0x26]);
  });
});

describe("cascade", () => {
  it("gives the slave's vector and puts both in service", () => {
    const bench = new PicBench().initialise();
    bench.raise(12);
    expect(bench.take()).toEqual([0x2c]);
    expect([bench.isr(0x20), bench.isr(0xa0)]).toEqual([0x04, 0x10]);
    bench.raise(9);
    // Fully nested, the master holds back its own input 2.
    expect(bench.take()).toEqual([]);
    bench.out(0xa0, EOI);
    bench.out(0x20, EOI);
    expect(bench.take()).toEqual([0x29]);
  });

  it("in special fully nested mode lets higher levels of a slave in service through", () => {
    const bench = new PicBench().initialise(0x11);
    bench.raise(12);
    expect(bench.take()).toEqual([0x2c]);
    bench.raise(14, 9, 3);
    expect(bench.take()).toEqual([0x29]);
    expect([bench.isr(0x20), bench.isr(0xa0)]).toEqual([0x04, 0x12]);
  });

  it("has the slave between IRQ 1 and IRQ 3", () => {
    const bench = new PicBench().initialise(0x03);
    bench.raise(3, 15, 8, 1);
    expect(bench.take()).toEqual([0x21, 0x28, 0x2f, 0x23]);
  });

  it("has no wire for IRQ 2", () => {
    const bench = new PicBench().initialise();
    bench.raise(2);
    expect(bench.take()).toEqual([]);
  });
});

describe("a request that is gone", () => {
  it("is the default IR7, not in service", () => {
    const bench = new PicBench().initialise();
    bench.raise(4);
    bench.lower(4);
    expect(bench.pic.output).toBe(false);
    expect(bench.pic.acknowledge()).toBe(0x27);
    expect(bench.isr()).toBe(0);
  });

  it("of the slave is taken back at the master too", () => {
    const bench = new PicBench().initialise();
    bench.raise(10);
    bench.out(0xa1, 0xff);
    expect(bench.pic.output).toBe(false);
    bench.out(0xa1, 0x00);
    expect(bench.take()).toEqual([0x2a]);
  });

  it("between the master's latch and the slave's INTA is the slave's default, with the master's input in service", () => {
    const master = new PicChip(1 << 2, () => {});
    const slave = new PicChip(0, () => {});
    for (const [chip, base] of [
      [master, 0x20],
      [slave, 0x28],
    ] as const) {
      chip.write(0, 0x13);
      chip.write(1, base);
      chip.write(1, 0x01);
    }
    master.setLine(2, true);
    expect(master.acknowledge(() => slave.acknowledge(() => 0))).toBe(0x2f);
    master.write(0, OCW3_ISR);
    slave.write(0, OCW3_ISR);
    expect([master.read(0), slave.read(0)]).toEqual([0x04, 0x00]);
  });
});

describe("level-triggered inputs", () => {
  it("ask again after EOI while they are high", () => {
    const bench = new PicBench().initialise();
    bench.out(0x4d1, 0x08);
    bench.raise(11);
    expect(bench.take()).toEqual([0x2b]);
    for (const port of [0xa0, 0x20]) bench.out(port, EOI);
    expect(bench.take()).toEqual([0x2b]);
    bench.lower(11);
    for (const port of [0xa0, 0x20]) bench.out(port, EOI);
    expect(bench.take()).toEqual([]);
  });

  it("show in IRR while high, and not after", () => {
    const bench = new PicBench().initialise();
    bench.out(0x4d0, 0x20);
    bench.raise(5);
    bench.take();
    expect(bench.irr()).toBe(0x20);
    bench.lower(5);
    expect(bench.irr()).toBe(0);
  });

  it("cannot be 0, 1, 2, 8 and 13", () => {
    const bench = new PicBench();
    bench.out(0x4d0, 0xff);
    bench.out(0x4d1, 0xff);
    expect([bench.in(0x4d0), bench.in(0x4d1)]).toEqual([0xf8, 0xde]);
  });
});

describe("poll", () => {
  it("acknowledges at the next read and says which level", () => {
    const bench = new PicBench().initialise();
    bench.raise(6);
    bench.out(0x20, 0x0c);
    expect(bench.in(0x20)).toBe(0x86);
    expect(bench.pic.output).toBe(false);
    expect(bench.isr()).toBe(0x40);
    bench.out(0x20, 0x0c);
    expect(bench.in(0x20)).toBe(0);
    expect(bench.isr()).toBe(0x40);
  });
});

describe("the output", () => {
  it("pulses low with each acknowledge", () => {
    const bench = new PicBench().initialise(0x03);
    bench.raise(4, 3);
    bench.pic.acknowledge();
    bench.pic.acknowledge();
    expect(bench.output).toEqual([true, false, true, false]);
  });
});
