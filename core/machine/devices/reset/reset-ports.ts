/**
 * Two more ways to reset a PC, one of which also moves A20 (82371SB PIIX3 datasheet, P92 and RC): port 0x92, and
 * the reset control register at 0xCF9.
 */
import { type Bus, BYTES } from "../bus.js";
import type { AccessSize, PortDevice, Stateful } from "../device.js";
import type { A20Gate } from "./a20.js";

/** What a reset request resets: the whole machine, or the CPU alone (INIT). */
export type ResetKind = "machine" | "cpu";

const PORT_A = 0x92;
const FAST_INIT = 0x01;
const FAST_A20 = 0x02;

const RESET_CONTROL = 0xcf9;
const RESET_CPU = 0x04;
const SYSTEM_RESET = 0x02;
const RESET_CONTROL_MASK = SYSTEM_RESET | RESET_CPU;

export interface ResetPortsState {
  portA: number;
  resetControl: number;
}

const POWER_ON: ResetPortsState = { portA: 0, resetControl: 0 };

export class ResetPorts implements PortDevice, Stateful<ResetPortsState> {
  private state: ResetPortsState = { ...POWER_ON };

  constructor(
    bus: Bus,
    private readonly a20: A20Gate,
    private readonly onReset: (kind: ResetKind) => void,
  ) {
    bus.claimPorts(PORT_A, 1, this, BYTES);
    bus.claimPorts(RESET_CONTROL, 1, this, BYTES);
  }

  readPort(port: number): number {
    return port === RESET_CONTROL ? this.state.resetControl : this.state.portA;
  }

  /** Both resets are pulses: they happen when their bit goes from 0 to 1. */
  writePort(port: number, _size: AccessSize, value: number): void {
    const { state } = this;
    if (port === RESET_CONTROL) {
      const isRising = (value & ~state.resetControl & RESET_CPU) !== 0;
      state.resetControl = value & RESET_CONTROL_MASK;
      if (isRising) this.onReset(value & SYSTEM_RESET ? "machine" : "cpu");
      return;
    }
    const isRising = (value & ~state.portA & FAST_INIT) !== 0;
    state.portA = value;
    this.driveA20();
    if (isRising) this.onReset("cpu");
  }

  reset(): void {
    this.state = { ...POWER_ON };
    this.driveA20();
  }

  save(): ResetPortsState {
    return { ...this.state };
  }

  restore(state: ResetPortsState): void {
    this.state = { ...state };
    this.driveA20();
  }

  private driveA20(): void {
    this.a20.drive("port92", (this.state.portA & FAST_A20) !== 0);
  }
}
