/**
 * Port 0x61, the NMI status and control register (82371SB PIIX3 datasheet, NMISC): GATE and OUT of the PIT's
 * counter 2, the speaker, the refresh toggle, and the enables of two NMI sources that never arise here.
 */
import { type Bus, BYTES } from "../bus.js";
import { type Clock, TickRate } from "../clock.js";
import type { AccessSize, PortDevice, Stateful } from "../device.js";
import { PIT_HERTZ, type Pit } from "./pit.js";

const PORT = 0x61;
const GATE_2 = 0x01;
const SPEAKER_DATA = 0x02;
/** PCI SERR# and IOCHK# disables. */
const NMI_DISABLES = 0x0c;
const REFRESH_TOGGLE = 0x10;
const OUT_2 = 0x20;
/** Memory is refreshed every 15.09 µs: 18 periods of the PIT's clock, as the PC/AT's BIOS programs counter 1. */
const REFRESH_PULSES = 18;

/** Bits 3..1 as written. */
export interface SystemPortState {
  control: number;
}

export class SystemPort implements PortDevice, Stateful<SystemPortState> {
  private readonly rate: TickRate;
  private state: SystemPortState = { control: 0 };

  constructor(
    bus: Bus,
    private readonly clock: Clock,
    private readonly pit: Pit,
  ) {
    this.rate = new TickRate(PIT_HERTZ, clock.cyclesPerSecond);
    bus.claimPorts(PORT, 1, this, BYTES);
  }

  readPort(): number {
    const refreshes = Math.floor(this.rate.ticksAt(this.clock.now()) / REFRESH_PULSES);
    return (
      this.state.control |
      (this.pit.speakerGate ? GATE_2 : 0) |
      (refreshes % 2 === 1 ? REFRESH_TOGGLE : 0) |
      (this.pit.speakerOut ? OUT_2 : 0)
    );
  }

  writePort(_port: number, _size: AccessSize, value: number): void {
    this.pit.speakerGate = (value & GATE_2) !== 0;
    this.state.control = value & (SPEAKER_DATA | NMI_DISABLES);
  }

  reset(): void {
    this.state = { control: 0 };
    this.pit.speakerGate = false;
  }

  save(): SystemPortState {
    return { ...this.state };
  }

  restore(state: SystemPortState): void {
    this.state = { ...state };
  }
}
