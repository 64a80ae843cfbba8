/**
 * The 8254 at ports 0x40-0x43: control words, count and status latches, read-back, and three counters. Counter 0's
 * OUT is IRQ 0, exact to the cycle through a deadline; counters 1 and 2 are advanced when somebody looks. Counter
 * 2's GATE and OUT are at port 0x61 (pit/system-port.ts).
 */
import { type Bus, BYTES } from "../bus.js";
import { type Clock, TickRate } from "../clock.js";
import type { AccessSize, Line, PortDevice, Stateful } from "../device.js";
import type { Schedule, Timer } from "../schedule.js";
import {
  advance,
  type CounterState,
  countRegister,
  nextChange,
  powerOnCounter,
  programMode,
  setGate,
  writeCount,
  writeFirstByte,
} from "./counter.js";

/** CLK of the PC's 8254: 14.31818 MHz ÷ 12, to the nearest Hz. */
export const PIT_HERTZ = 1_193_182;

const FIRST_PORT = 0x40;
const CONTROL = 3;
const COUNTERS = 3;
const SPEAKER = 2;

/** RW1 RW0 of a control word. */
const LATCH_COMMAND = 0;
const LOW_BYTE = 1;
const HIGH_BYTE = 2;
const BOTH_BYTES = 3;

/** SC1 SC0 = 11. */
const READ_BACK = 3;
/** Active low. */
const READ_BACK_NO_COUNT = 0x20;
const READ_BACK_NO_STATUS = 0x10;

const STATUS_OUT = 0x80;
const STATUS_NULL_COUNT = 0x40;

/** A counter with its read and write logic. */
interface Channel {
  counter: CounterState;
  /** Bits 5..0 of the control word: RW, mode, BCD. */
  control: number;
  /** Output latch of the count, -1 when it follows the counter. */
  latchedCount: number;
  /** The same of the status. */
  latchedStatus: number;
  /** The next read, or write, of a two-byte count is the high byte. */
  readsHigh: boolean;
  writesHigh: boolean;
  /** Low byte of a two-byte count whose high byte is to come. */
  lowByte: number;
}

export type PitState = Channel[];

export class Pit implements PortDevice, Stateful<PitState> {
  private readonly rate: TickRate;
  private readonly timer: Timer;
  private channels: PitState;

  /** @param irq0 driven by counter 0's OUT. */
  /** Cycle at which counter 0's output changes next, as far as that is followed; Infinity if never. */
  get deadline(): number {
    return this.timer.deadline;
  }

  constructor(
    bus: Bus,
    private readonly clock: Clock,
    schedule: Schedule,
    private readonly irq0: Line,
  ) {
    this.rate = new TickRate(PIT_HERTZ, clock.cyclesPerSecond);
    this.timer = schedule.timer((deadline) => this.followCounter0(this.rate.ticksAt(deadline)));
    this.channels = this.powerOn();
    bus.claimPorts(FIRST_PORT, CONTROL + 1, this, BYTES);
  }

  readPort(port: number): number {
    const index = port - FIRST_PORT;
    if (index === CONTROL) return 0xff; // the control word cannot be read
    const channel = this.at(index);
    if (channel.latchedStatus >= 0) {
      const status = channel.latchedStatus;
      channel.latchedStatus = -1;
      return status;
    }
    const access = channel.control >> 4;
    const count = channel.latchedCount >= 0 ? channel.latchedCount : countRegister(channel.counter);
    const isHigh = access === HIGH_BYTE || (access === BOTH_BYTES && channel.readsHigh);
    if (access === BOTH_BYTES) channel.readsHigh = !isHigh;
    if (access !== BOTH_BYTES || isHigh) channel.latchedCount = -1;
    return isHigh ? count >> 8 : count & 0xff;
  }

  writePort(port: number, _size: AccessSize, value: number): void {
    const index = port - FIRST_PORT;
    if (index === CONTROL) this.writeControl(value);
    else this.writeCounter(this.at(index), value);
    this.followCounter0(this.tick);
  }

  /** GATE of counter 2; those of the others are tied high. */
  set speakerGate(high: boolean) {
    setGate(this.at(SPEAKER).counter, high);
  }

  get speakerGate(): boolean {
    return this.channels[SPEAKER]!.counter.gate;
  }

  /** OUT of counter 2. */
  get speakerOut(): boolean {
    return this.at(SPEAKER).counter.out;
  }

  reset(): void {
    this.channels = this.powerOn();
    this.followCounter0(this.tick);
  }

  save(): PitState {
    return structuredClone(this.channels);
  }

  restore(state: PitState): void {
    this.channels = structuredClone(state);
  }

  private get tick(): number {
    return this.rate.ticksAt(this.clock.now());
  }

  private powerOn(): PitState {
    return Array.from({ length: COUNTERS }, (_, index) => ({
      counter: powerOnCounter(index !== SPEAKER, this.tick),
      control: BOTH_BYTES << 4,
      latchedCount: -1,
      latchedStatus: -1,
      readsHigh: false,
      writesHigh: false,
      lowByte: 0,
    }));
  }

  /** A channel, advanced to now. */
  private at(index: number): Channel {
    const channel = this.channels[index]!;
    advance(channel.counter, this.tick);
    return channel;
  }

  private writeControl(value: number): void {
    const select = value >> 6;
    if (select === READ_BACK) {
      for (let index = 0; index < COUNTERS; index++) {
        if ((value & (2 << index)) === 0) continue;
        const channel = this.at(index);
        if ((value & READ_BACK_NO_COUNT) === 0) latchCount(channel);
        if ((value & READ_BACK_NO_STATUS) === 0) latchStatus(channel);
      }
      return;
    }
    const channel = this.at(select);
    if ((value >> 4) % 4 === LATCH_COMMAND) {
      latchCount(channel);
      return;
    }
    channel.control = value & 0x3f;
    channel.latchedCount = -1;
    channel.latchedStatus = -1;
    channel.readsHigh = false;
    channel.writesHigh = false;
    programMode(channel.counter, (value >> 1) & 7, (value & 1) !== 0);
  }

  private writeCounter(channel: Channel, value: number): void {
    const { counter } = channel;
    const access = channel.control >> 4;
    if (access === LOW_BYTE) writeCount(counter, value);
    else if (access === HIGH_BYTE) writeCount(counter, value << 8);
    else if (!channel.writesHigh) {
      channel.lowByte = value;
      channel.writesHigh = true;
      writeFirstByte(counter);
    } else {
      channel.writesHigh = false;
      writeCount(counter, (value << 8) | channel.lowByte);
    }
  }

  /** Puts counter 0's OUT on IRQ 0 at a tick, and comes back when it changes next. */
  private followCounter0(tick: number): void {
    const { counter } = this.channels[0]!;
    advance(counter, tick);
    this.irq0(counter.out);
    this.timer.at(this.rate.cyclesOf(nextChange(counter)));
  }
}

/** A latched count stays until it is read: later commands do not replace it. */
function latchCount(channel: Channel): void {
  if (channel.latchedCount < 0) channel.latchedCount = countRegister(channel.counter);
}

function latchStatus(channel: Channel): void {
  if (channel.latchedStatus >= 0) return;
  const { out, nullCount } = channel.counter;
  channel.latchedStatus = (out ? STATUS_OUT : 0) | (nullCount ? STATUS_NULL_COUNT : 0) | channel.control;
}
