/**
 * The PC's two 8259As: the slave's output is the master's IR2, the master's is INTR. Ports as in the PC/AT: master
 * 0x20 and 0x21, slave 0xA0 and 0xA1, edge/level control registers 0x4D0 and 0x4D1 (82371SB PIIX3 datasheet: IRQ 0,
 * 1, 2, 8 and 13 are always edge-triggered).
 */
import { type Bus, BYTES } from "../bus.js";
import type { AccessSize, Line, PortDevice, Stateful } from "../device.js";
import { PicChip, type PicChipState } from "./chip.js";

const MASTER = 0x20;
const SLAVE = 0xa0;
const ELCR = 0x4d0;
/** Inputs that may be level-triggered. */
const MASTER_LEVEL_INPUTS = 0xf8;
const SLAVE_LEVEL_INPUTS = 0xde;
/** The master's input from the slave. */
const CASCADE = 2;

export interface PicPairState {
  readonly master: PicChipState;
  readonly slave: PicChipState;
}

export class PicPair implements PortDevice, Stateful<PicPairState> {
  readonly master: PicChip;
  readonly slave: PicChip;

  /** @param onOutput told every change of INTR. */
  constructor(bus: Bus, onOutput: Line) {
    this.master = new PicChip(1 << CASCADE, onOutput);
    this.slave = new PicChip(0, (high) => this.master.setLine(CASCADE, high));
    for (const first of [MASTER, SLAVE, ELCR]) bus.claimPorts(first, 2, this, BYTES);
  }

  /** INTR. */
  get output(): boolean {
    return this.master.output;
  }

  /** Drives one of IRQ 0-15; IRQ 2 is the cascade and has no wire of its own. */
  setIrq(irq: number, high: boolean): void {
    if (irq >= 8) this.slave.setLine(irq - 8, high);
    else if (irq !== CASCADE) this.master.setLine(irq, high);
  }

  /** What the CPU's two INTA cycles fetch. Without a request, the master's vector 7: a spurious interrupt. */
  acknowledge(): number {
    return this.master.acknowledge(() => this.slave.acknowledge(() => 0));
  }

  readPort(port: number): number {
    if (port === ELCR) return this.master.levelTriggered;
    if (port === ELCR + 1) return this.slave.levelTriggered;
    return this.chipAt(port).read(port & 1);
  }

  writePort(port: number, _size: AccessSize, value: number): void {
    if (port === ELCR) this.master.levelTriggered = value & MASTER_LEVEL_INPUTS;
    else if (port === ELCR + 1) this.slave.levelTriggered = value & SLAVE_LEVEL_INPUTS;
    else this.chipAt(port).write(port & 1, value);
  }

  reset(): void {
    this.slave.reset();
    this.master.reset();
  }

  save(): PicPairState {
    return { master: this.master.save(), slave: this.slave.save() };
  }

  restore(state: PicPairState): void {
    this.master.restore(state.master);
    this.slave.restore(state.slave);
  }

  private chipAt(port: number): PicChip {
    return port < SLAVE ? this.master : this.slave;
  }
}
