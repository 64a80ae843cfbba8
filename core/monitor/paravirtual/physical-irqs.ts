/**
 * Interrupts of the board's devices, which the monitor takes and the guest gets as events: the pair of 8259As is the
 * monitor's, with every line masked but those that the guest has bound (Intel 8259A data sheet).
 */
import type { Pc } from "../../machine/devices/pc.js";

const MASTER = 0x20;
const SLAVE = 0xa0;
/** First vector of each, where no exception is. */
const MASTER_VECTOR = 0x20;
const SLAVE_VECTOR = 0x28;
const CASCADE_LINE = 2;
const LINES = 16;
/** Initialisation: edge-triggered, cascaded, ICW4 follows; 8086 mode. */
const ICW1 = 0x11;
const ICW4_8086 = 1;
const END_OF_INTERRUPT = 0x20;

export class PhysicalIrqs {
  /** Channel of each line; 0: not bound. */
  private readonly channels = new Int32Array(LINES);

  constructor(private readonly pc: Pc) {}

  start(): void {
    const { bus } = this.pc;
    const controllers = [
      [MASTER, MASTER_VECTOR, 1 << CASCADE_LINE],
      [SLAVE, SLAVE_VECTOR, CASCADE_LINE],
    ] as const;
    for (const [port, vector, cascade] of controllers) {
      bus.writePort(port, 1, ICW1);
      for (const word of [vector, cascade, ICW4_8086]) bus.writePort(port + 1, 1, word);
    }
    this.mask();
  }

  isFree(line: number): boolean {
    return line >= 0 && line < LINES && line !== CASCADE_LINE && this.channels[line] === 0;
  }

  bind(line: number, channel: number): void {
    this.channels[line] = channel;
    this.mask();
  }

  /** Takes the interrupt that waits. Returns its channel, 0: none. */
  take(): number {
    const { interrupts, bus } = this.pc;
    const line = interrupts.acknowledge() - MASTER_VECTOR;
    if (line < 0 || line >= LINES) return 0;
    if (line >= 8) bus.writePort(SLAVE, 1, END_OF_INTERRUPT);
    bus.writePort(MASTER, 1, END_OF_INTERRUPT);
    return this.channels[line]!;
  }

  private mask(): void {
    let masked = 0xffff & ~(1 << CASCADE_LINE);
    for (const [line, channel] of this.channels.entries()) if (channel !== 0) masked &= ~(1 << line);
    this.pc.bus.writePort(MASTER + 1, 1, masked & 0xff);
    this.pc.bus.writePort(SLAVE + 1, 1, masked >>> 8);
  }
}
