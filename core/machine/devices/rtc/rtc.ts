/**
 * The MC146818 real-time clock and its battery-backed RAM (Motorola, "MC146818 real-time clock plus RAM") at ports
 * 0x70 and 0x71, as the PC/AT wires it: IRQ 8, and the NMI mask in bit 7 of the index (82371SB PIIX3 datasheet,
 * RTCI). The time begins at a given epoch and goes with the virtual clock, never with the host's.
 *
 * The time base is 32,768 Hz. A second, from one update of the time to the next, as register A's UIP shows it:
 *
 *      0                                      32,695            32,703              32,768 ticks
 *      ├───── UIP 0: bytes may be read ─────────┼── UIP 1: 244 µs ─┼─ update: 1,984 µs ─┤  UF, AF; UIP 0
 *
 * Left out: the other two crystals and the divider's test modes (all run as 32,768 Hz), the square wave's pin, DSE.
 */
import { type Bus, BYTES } from "../bus.js";
import { type Clock, TickRate } from "../clock.js";
import type { AccessSize, Line, PortDevice, Stateful } from "../device.js";
import type { Schedule, Timer } from "../schedule.js";
import {
  addSeconds,
  FORMAT_24_HOURS,
  FORMAT_BINARY,
  secondsToAlarm,
  setTime,
  TIME_BYTES,
} from "./calendar.js";

/** The time base, and so ticks from one update to the next. */
const HERTZ = 32_768;
/** tBUC + tUC, 244 µs + 1,984 µs (datasheet, "Update cycle times"). */
const UPDATE_IN_PROGRESS_TICKS = 73;
/** The first update comes half a second after the divider is released. */
const RELEASE_TICKS = HERTZ / 2;

const INDEX_PORT = 0x70;
const NMI_MASK = 0x80;
const RAM_BYTES = 128;

const REGISTER_A = 10;
const REGISTER_B = 11;
const REGISTER_C = 12;
const REGISTER_D = 13;

const A_UPDATE_IN_PROGRESS = 0x80;
const A_DIVIDER_RESET = 0x60;
const A_RATE = 0x0f;
/** 32,768 Hz time base, 1,024 Hz periodic rate: what the PC/AT's BIOS writes. */
const A_FIRMWARE = 0x26;
const B_SET = 0x80;
const FORMAT = FORMAT_BINARY | FORMAT_24_HOURS;
const C_REQUEST = 0x80;
/** Flags in C; the bits of B that enable them are the same. */
const PERIODIC = 0x40;
const ALARM = 0x20;
const UPDATE_ENDED = 0x10;
const B_ENABLES = PERIODIC | ALARM | UPDATE_ENDED;
/** Valid RAM and time: the battery is good. */
const D_VALID = 0x80;

export interface RtcState {
  /** The byte addressed by port 0x71, and the NMI mask. */
  index: number;
  /** The 128 bytes; 0-13 are the clock's. */
  bytes: Uint8Array;
  /** Tick at which the divider was last zero: updates come whole seconds after it. */
  origin: number;
  /** Tick up to which bytes and flags are true. */
  tick: number;
}

export class Rtc implements PortDevice, Stateful<RtcState> {
  private readonly rate: TickRate;
  private readonly timer: Timer;
  private state: RtcState;

  /**
   * @param irq8 high while the chip requests an interrupt.
   * @param epochSeconds the time at cycle 0, seconds since 1970-01-01 00:00:00 UTC.
   */
  constructor(
    bus: Bus,
    private readonly clock: Clock,
    schedule: Schedule,
    private readonly irq8: Line,
    epochSeconds: number,
  ) {
    this.rate = new TickRate(HERTZ, clock.cyclesPerSecond);
    this.timer = schedule.timer(() => this.catchUp());
    const bytes = new Uint8Array(RAM_BYTES);
    bytes[REGISTER_A] = A_FIRMWARE;
    bytes[REGISTER_B] = FORMAT_24_HOURS;
    setTime(bytes, epochSeconds, FORMAT_24_HOURS);
    this.state = { index: 0, bytes, origin: 0, tick: 0 };
    bus.claimPorts(INDEX_PORT, 2, this, BYTES);
  }

  /** Bit 7 of port 0x70: the board's NMI sources are held back. */
  get isNmiMasked(): boolean {
    return (this.state.index & NMI_MASK) !== 0;
  }

  /** Battery-backed RAM as firmware fills it. @param address 14 to 127. */
  setRam(address: number, value: number): void {
    this.state.bytes[address] = value;
  }

  readPort(port: number): number {
    if (port === INDEX_PORT) return 0xff; // write-only
    this.advance();
    const { bytes } = this.state;
    const address = this.state.index & ~NMI_MASK;
    switch (address) {
      case REGISTER_A:
        return bytes[REGISTER_A]! | (this.isUpdating ? A_UPDATE_IN_PROGRESS : 0);
      case REGISTER_C: {
        const flags = this.isRequesting ? bytes[REGISTER_C]! | C_REQUEST : bytes[REGISTER_C]!;
        bytes[REGISTER_C] = 0;
        this.follow();
        return flags;
      }
      case REGISTER_D:
        return D_VALID;
    }
    return bytes[address]!;
  }

  writePort(port: number, _size: AccessSize, value: number): void {
    if (port === INDEX_PORT) {
      this.state.index = value;
      return;
    }
    this.advance();
    const { state } = this;
    const address = state.index & ~NMI_MASK;
    switch (address) {
      case REGISTER_A: {
        const wasReset = !this.isDividing;
        state.bytes[REGISTER_A] = value & ~A_UPDATE_IN_PROGRESS;
        if (wasReset && this.isDividing) state.origin = state.tick - RELEASE_TICKS;
        break;
      }
      case REGISTER_B: // SET takes the update-ended interrupt's enable with it
        state.bytes[REGISTER_B] = value & B_SET ? value & ~UPDATE_ENDED : value;
        break;
      case REGISTER_C:
      case REGISTER_D:
        return; // read-only
      default:
        state.bytes[address] = value;
    }
    this.follow();
  }

  /** RESET clears the interrupt enables and flags; time and RAM go on (datasheet, "RESET"). */
  reset(): void {
    this.advance();
    const { bytes } = this.state;
    this.state.index = 0;
    bytes[REGISTER_B]! &= ~B_ENABLES;
    bytes[REGISTER_C] = 0;
    this.follow();
  }

  save(): RtcState {
    return structuredClone(this.state);
  }

  restore(state: RtcState): void {
    this.state = structuredClone(state);
  }

  private get isDividing(): boolean {
    return (this.state.bytes[REGISTER_A]! & A_DIVIDER_RESET) !== A_DIVIDER_RESET;
  }

  /** Whether the time goes on. */
  private get isRunning(): boolean {
    return this.isDividing && (this.state.bytes[REGISTER_B]! & B_SET) === 0;
  }

  private get isUpdating(): boolean {
    const { tick, origin } = this.state;
    return this.isRunning && (tick - origin) % HERTZ >= HERTZ - UPDATE_IN_PROGRESS_TICKS;
  }

  private get isRequesting(): boolean {
    const { bytes } = this.state;
    return (bytes[REGISTER_B]! & bytes[REGISTER_C]! & B_ENABLES) !== 0;
  }

  /** Ticks between periodic interrupts, Infinity for none (datasheet, "Periodic interrupt rate"). */
  private get periodTicks(): number {
    const rate = this.state.bytes[REGISTER_A]! & A_RATE;
    if (rate === 0 || !this.isDividing) return Number.POSITIVE_INFINITY;
    return 1 << (rate < 3 ? rate + 6 : rate - 1);
  }

  /** Brings bytes and flags to the present. */
  private advance(): void {
    const { state } = this;
    const { bytes } = state;
    const tick = this.rate.ticksAt(this.clock.now());
    if (this.multipleAfter(this.periodTicks) <= tick) bytes[REGISTER_C]! |= PERIODIC;
    if (this.isRunning) {
      const seconds =
        Math.floor((tick - state.origin) / HERTZ) - Math.floor((state.tick - state.origin) / HERTZ);
      if (seconds > 0) {
        const format = bytes[REGISTER_B]! & FORMAT;
        bytes[REGISTER_C]! |= UPDATE_ENDED;
        if (secondsToAlarm(bytes, format) <= seconds) bytes[REGISTER_C]! |= ALARM;
        addSeconds(bytes.subarray(0, TIME_BYTES), format, seconds);
      }
    }
    state.tick = tick;
  }

  private catchUp(): void {
    this.advance();
    this.follow();
  }

  /** Drives IRQ 8, and comes back when an enabled flag that is clear will be set. */
  private follow(): void {
    this.irq8(this.isRequesting);
    const { bytes } = this.state;
    const awaited = bytes[REGISTER_B]! & ~bytes[REGISTER_C]! & B_ENABLES;
    let next = Number.POSITIVE_INFINITY;
    if (awaited & PERIODIC) next = this.multipleAfter(this.periodTicks);
    if (this.isRunning && awaited & (ALARM | UPDATE_ENDED)) {
      const wait = awaited & UPDATE_ENDED ? 1 : secondsToAlarm(bytes, bytes[REGISTER_B]! & FORMAT);
      next = Math.min(next, this.multipleAfter(HERTZ) + (wait - 1) * HERTZ);
    }
    this.timer.at(this.rate.cyclesOf(next));
  }

  /** The first tick after `tick` that is a whole number of periods after the divider's origin. */
  private multipleAfter(period: number): number {
    const { origin, tick } = this.state;
    if (period === Number.POSITIVE_INFINITY) return period;
    return origin + (Math.floor((tick - origin) / period) + 1) * period;
  }
}
