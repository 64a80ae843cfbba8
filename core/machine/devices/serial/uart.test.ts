/**
 * The 16550A, from its datasheet: registers, FIFOs, interrupt identification, loopback; and bytes in time and out
 * of it.
 */
import { describe, expect, it } from "vitest";
import { TickRate } from "../clock.js";
import { Bench, TEST_HERTZ } from "../testing/bench.js";

const COM1 = 0x3f8;
const BAUD = new TickRate(115_200, TEST_HERTZ);
/** Offsets of the registers. */
const [IER, FCR, LCR, MCR, LSR, MSR, SCR] = [1, 2, 3, 4, 5, 6, 7];
const IIR = FCR;

class UartBench extends Bench {
  write(register: number, value: number): void {
    this.out(COM1 + register, value);
  }

  read(register: number): number {
    return this.in(COM1 + register);
  }

  /** 8 data bits, no parity, one stop bit. */
  setDivisor(divisor: number): void {
    this.write(LCR, 0x83);
    this.write(0, divisor & 0xff);
    this.write(1, divisor >> 8);
    this.write(LCR, 0x03);
  }
}

describe("registers", () => {
  it("read back what can be written", () => {
    const bench = new UartBench();
    for (const [register, mask] of [
      [IER, 0x0f],
      [LCR, 0x7f],
      [MCR, 0x1f],
      [SCR, 0xff],
    ] as const) {
      for (const value of [0xff, 0x55, 0xaa, 0x00]) {
        bench.write(register, value & mask);
        expect(bench.read(register)).toBe(value & mask);
      }
    }
    bench.write(IER, 0xff);
    bench.write(MCR, 0xff);
    expect([bench.read(IER), bench.read(MCR)]).toEqual([0x0f, 0x1f]);
  });

  it("show the divisor when DLAB is set", () => {
    const bench = new UartBench();
    bench.write(IER, 0x05);
    bench.setDivisor(0x1234);
    expect(bench.read(IER)).toBe(0x05);
    bench.write(LCR, 0x80);
    expect([bench.read(0), bench.read(1)]).toEqual([0x34, 0x12]);
    expect(bench.sent[0]).toEqual([]);
  });

  it("after a reset are those of the datasheet", () => {
    const bench = new UartBench();
    expect([bench.read(IER), bench.read(IIR), bench.read(LCR), bench.read(MCR)]).toEqual([0, 1, 0, 0]);
    expect([bench.read(LSR), bench.read(MSR)]).toEqual([0x60, 0xb0]);
  });

  it("tell a 16550A from its forerunners: both FIFO bits in IIR", () => {
    const bench = new UartBench();
    expect(bench.read(IIR) & 0xc0).toBe(0);
    bench.write(FCR, 0x01);
    expect(bench.read(IIR)).toBe(0xc1);
    bench.write(FCR, 0x00);
    expect(bench.read(IIR)).toBe(0x01);
  });
});

describe("transmitter", () => {
  it("sends in the cycle of the write, and is empty again", () => {
    const bench = new UartBench();
    for (const byte of [0x48, 0x69]) {
      bench.write(0, byte);
      expect(bench.read(LSR)).toBe(0x60);
    }
    expect(bench.sent[0]).toEqual([0x48, 0x69]);
    expect(bench.pc.schedule.next).toBe(Number.POSITIVE_INFINITY);
  });

  it("interrupts when enabled while empty, and after each byte; reading IIR takes it back", () => {
    const bench = new UartBench();
    bench.write(IER, 0x02);
    expect(bench.read(IIR)).toBe(0x02);
    expect(bench.read(IIR)).toBe(0x01);
    bench.write(0, 1);
    expect(bench.read(IIR)).toBe(0x02);
    expect(bench.read(IIR)).toBe(0x01);
    bench.write(IER, 0x02); // was enabled already
    expect(bench.read(IIR)).toBe(0x01);
    bench.write(IER, 0x00);
    bench.write(IER, 0x02);
    expect(bench.read(IIR)).toBe(0x02);
  });

  it("gives the 8259A a new edge with each byte", () => {
    const bench = new UartBench({ apic: undefined });
    bench.outs(0x20, 0x11);
    bench.outs(0x21, 0x20, 0x04, 0x01, 0xef);
    bench.write(IER, 0x02);
    expect(bench.take()).toBe(0x24);
    bench.out(0x20, 0x20);
    bench.write(0, 0x41); // the line was still high
    expect(bench.take()).toBe(0x24);
  });
});

describe("transmitter at the speed of the line", () => {
  it("takes ten bits for a byte, and is empty when the FIFO is", () => {
    const bench = new UartBench({ serialTiming: "baud" });
    bench.setDivisor(12); // 9,600 baud
    bench.write(FCR, 0x01);
    bench.write(IER, 0x02);
    const start = BAUD.ticksAt(bench.cycles);
    for (const byte of [1, 2, 3]) bench.write(0, byte);
    expect(bench.read(LSR)).toBe(0);
    expect(bench.read(IIR)).toBe(0xc1);
    const byteEnd = (n: number): number => BAUD.cyclesOf(start + n * 120);
    bench.run(byteEnd(1) - 1 - bench.cycles);
    expect(bench.sent[0]).toEqual([]);
    bench.run(1);
    expect(bench.sent[0]).toEqual([1]);
    expect(bench.read(LSR)).toBe(0);
    bench.run(byteEnd(2) - bench.cycles);
    // The last byte is in the shift register: the FIFO is empty, the transmitter is not.
    expect(bench.read(LSR)).toBe(0x20);
    expect(bench.read(IIR)).toBe(0xc2);
    bench.run(byteEnd(3) - bench.cycles);
    expect(bench.read(LSR)).toBe(0x60);
    expect(bench.sent[0]).toEqual([1, 2, 3]);
  });

  it("counts parity and stop bits", () => {
    const bench = new UartBench({ serialTiming: "baud" });
    bench.setDivisor(1);
    bench.write(LCR, 0x0c); // 5 bits, parity, 2 stops: 9 bits
    bench.write(0, 7);
    bench.run(BAUD.cyclesOf(9) - 1 - bench.cycles);
    expect(bench.sent[0]).toEqual([]);
    bench.run(1);
    expect(bench.sent[0]).toEqual([7]);
  });

  it("loses what is written to a full FIFO", () => {
    const bench = new UartBench({ serialTiming: "baud" });
    bench.write(FCR, 0x01);
    for (let i = 0; i < 30; i++) bench.write(0, i);
    bench.runSeconds(1);
    expect(bench.sent[0]).toEqual(Array.from({ length: 17 }, (_, i) => i)); // one in the shift register, 16 behind it
  });

  it("clearing the FIFO lets the byte on the line end", () => {
    const bench = new UartBench({ serialTiming: "baud" });
    bench.write(FCR, 0x01);
    for (const byte of [1, 2, 3]) bench.write(0, byte);
    bench.write(FCR, 0x05);
    bench.runSeconds(1);
    expect(bench.sent[0]).toEqual([1]);
  });
});

describe("receiver", () => {
  it("interrupts at the trigger level of the FIFO, until it is below", () => {
    for (const [fcr, level] of [
      [0x01, 1],
      [0x41, 4],
      [0x81, 8],
      [0xc1, 14],
    ] as const) {
      const bench = new UartBench();
      bench.write(FCR, fcr);
      bench.write(IER, 0x01);
      bench.pc.serial[0]!.receive(Array.from({ length: level - 1 }, (_, i) => i));
      expect(bench.read(IIR)).toBe(0xc1);
      bench.pc.serial[0]!.receive([99]);
      expect(bench.read(IIR)).toBe(0xc4);
      bench.read(0);
      expect(bench.read(IIR)).toBe(0xc1);
    }
  });

  it("reports bytes below the trigger level after four character times of silence", () => {
    const bench = new UartBench();
    bench.setDivisor(1);
    bench.write(FCR, 0xc1);
    bench.write(IER, 0x01);
    bench.cycles = 1000;
    const start = BAUD.ticksAt(bench.cycles);
    bench.pc.serial[0]!.receive([1, 2]);
    bench.run(BAUD.cyclesOf(start + 40) - 1 - bench.cycles);
    expect(bench.read(IIR)).toBe(0xc1);
    bench.run(1);
    expect(bench.read(IIR)).toBe(0xcc);
    expect(bench.read(0)).toBe(1);
    expect(bench.read(IIR)).toBe(0xc1);
    bench.runSeconds(1);
    expect(bench.read(IIR)).toBe(0xcc);
    expect(bench.read(0)).toBe(2);
    bench.runSeconds(1);
    expect(bench.read(IIR)).toBe(0xc1);
  });

  it("holds the host's bytes back while there is no room", () => {
    const bench = new UartBench();
    const bytes = Array.from({ length: 100 }, (_, i) => i);
    bench.pc.serial[0]!.receive(bytes);
    const read: number[] = [];
    while (bench.read(LSR) & 1) read.push(bench.read(0));
    expect(read).toEqual(bytes);
    expect(bench.read(LSR)).toBe(0x60);
  });

  it("without FIFOs interrupts for each byte", () => {
    const bench = new UartBench();
    bench.write(IER, 0x01);
    bench.pc.serial[0]!.receive([1, 2]);
    expect([bench.read(IIR), bench.read(0), bench.read(IIR), bench.read(0), bench.read(IIR)]).toEqual([
      4, 1, 4, 2, 1,
    ]);
  });

  it("has nothing when it is empty", () => {
    const bench = new UartBench();
    expect(bench.read(0)).toBe(0);
  });
});

describe("loopback", () => {
  it("receives what it sends, and sends nothing", () => {
    const bench = new UartBench();
    bench.write(FCR, 0x01);
    bench.write(MCR, 0x10);
    for (const byte of [5, 6]) bench.write(0, byte);
    expect([bench.read(0), bench.read(0), bench.read(LSR)]).toEqual([5, 6, 0x60]);
    expect(bench.sent[0]).toEqual([]);
  });

  it("overruns: the FIFO keeps the old bytes, the single register the new one; reading LSR clears OE", () => {
    for (const [fcr, capacity, first] of [
      [0x01, 16, 0],
      [0x00, 1, 1],
    ] as const) {
      const bench = new UartBench();
      bench.write(FCR, fcr);
      bench.write(MCR, 0x10);
      bench.write(IER, 0x05);
      for (let i = 0; i <= capacity; i++) bench.write(0, i);
      expect(bench.read(IIR) & 0x0f).toBe(0x06); // line status is above received data
      expect(bench.read(LSR)).toBe(0x63);
      expect(bench.read(LSR)).toBe(0x61);
      expect(bench.read(IIR) & 0x0f).toBe(0x04);
      expect(bench.read(0)).toBe(first);
    }
  });

  it("shows the modem outputs at the inputs, with their changes", () => {
    const bench = new UartBench();
    bench.write(MCR, 0x1a); // RTS and OUT2: what Linux tests for
    expect(bench.read(MSR) & 0xf0).toBe(0x90);
    bench.write(IER, 0x08);
    bench.write(MCR, 0x10);
    expect(bench.read(IIR)).toBe(0x00);
    expect(bench.read(MSR)).toBe(0x09);
    expect(bench.read(MSR)).toBe(0x00);
    expect(bench.read(IIR)).toBe(0x01);
    bench.write(MCR, 0x14);
    expect(bench.read(MSR)).toBe(0x40); // RI rising is not reported
    bench.write(MCR, 0x10);
    expect(bench.read(MSR)).toBe(0x04); // its trailing edge is
    bench.write(MCR, 0x00);
    expect(bench.read(MSR)).toBe(0xbb);
  });

  it("lets the host's bytes wait", () => {
    const bench = new UartBench();
    bench.write(MCR, 0x10);
    bench.pc.serial[0]!.receive([1]);
    expect(bench.read(LSR)).toBe(0x60);
    bench.write(MCR, 0x00);
    expect(bench.read(LSR)).toBe(0x61);
  });
});

describe("FIFO control", () => {
  it("clears the receiver, and both when the FIFOs are switched", () => {
    for (const fcr of [0x03, 0x00]) {
      const bench = new UartBench();
      bench.write(FCR, 0x01);
      bench.write(MCR, 0x10);
      for (let i = 0; i < 5; i++) bench.write(0, i);
      bench.write(FCR, fcr);
      expect(bench.read(LSR)).toBe(0x60);
    }
  });

  it("ignores the trigger level without the enable", () => {
    const bench = new UartBench();
    bench.write(FCR, 0xc0);
    bench.write(IER, 0x01);
    bench.pc.serial[0]!.receive([1]);
    expect(bench.read(IIR)).toBe(0x04);
  });
});

it("a reset keeps divisor, scratch and the host's bytes", () => {
  const bench = new UartBench();
  bench.setDivisor(3);
  bench.write(SCR, 0x5a);
  bench.write(IER, 0x0f);
  bench.pc.serial[0]!.receive([1, 2, 3]);
  bench.pc.reset();
  expect([bench.read(IER), bench.read(SCR), bench.read(LSR) & 1, bench.read(0)]).toEqual([0, 0x5a, 1, 2]);
  bench.write(LCR, 0x80);
  expect(bench.read(0)).toBe(3);
});

it("COM2 is another", () => {
  const bench = new Bench();
  bench.out(0x2f8, 0x42);
  expect(bench.sent).toEqual([[], [0x42]]);
});
