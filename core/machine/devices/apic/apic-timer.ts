/**
 * The local APIC's timer (Intel SDM vol. 3, "APIC timer"): one-shot and periodic, counting the bus clock through a
 * divider, and TSC-deadline. The current count follows from the tick at which counting began, so reading it is
 * exact and free.
 *
 * A change of the divider lets the count go on from where it is. Periods that pass unseen are one expiry: IRR has
 * one bit.
 */
import { type Clock, TickRate } from "../clock.js";
import type { Stateful } from "../device.js";
import type { Schedule, Timer } from "../schedule.js";

/** Modes in the timer's LVT entry. */
const MODE = { oneShot: 0, periodic: 1, tscDeadline: 2 } as const;

const TWO_32 = 0x1_0000_0000;
/** Bits 3, 1 and 0 of the divide configuration register are used. */
const DIVIDE_MASK = 0x0b;

export interface ApicTimerState {
  mode: number;
  /** The divide configuration register. */
  divide: number;
  initialCount: number;
  /** Count at `origin`, from which it goes down; 0 when the timer does not count. */
  startCount: number;
  /** Bus tick at which the count was `startCount`. */
  origin: number;
  /** IA32_TSC_DEADLINE; both halves 0 when disarmed. */
  deadlineLow: number;
  deadlineHigh: number;
  /** TSC less cycles. */
  tscOffset: number;
}

const POWER_ON: ApicTimerState = {
  mode: MODE.oneShot,
  divide: 0,
  initialCount: 0,
  startCount: 0,
  origin: 0,
  deadlineLow: 0,
  deadlineHigh: 0,
  tscOffset: 0,
};

export class ApicTimer implements Stateful<ApicTimerState> {
  private readonly rate: TickRate;
  private readonly timer: Timer;
  private state: ApicTimerState = { ...POWER_ON };

  /** @param hertz the bus clock. @param expire the count reached 0, or the TSC its deadline. */
  constructor(
    private readonly clock: Clock,
    schedule: Schedule,
    hertz: number,
    private readonly expire: () => void,
  ) {
    this.rate = new TickRate(hertz, clock.cyclesPerSecond);
    this.timer = schedule.timer(() => this.reach());
  }

  get initialCount(): number {
    return this.state.initialCount;
  }

  /** Starts the count; 0 stops it. Ignored in TSC-deadline mode. */
  set initialCount(count: number) {
    const { state } = this;
    if (state.mode === MODE.tscDeadline) return;
    state.initialCount = count;
    state.startCount = count;
    state.origin = this.tick;
    this.arm();
  }

  /** The current-count register. */
  get currentCount(): number {
    const { state } = this;
    if (state.startCount === 0) return 0;
    const elapsed = Math.floor((this.tick - state.origin) / this.divisor);
    if (elapsed < state.startCount) return state.startCount - elapsed;
    if (state.mode !== MODE.periodic) return 0;
    return state.initialCount - ((elapsed - state.startCount) % state.initialCount);
  }

  /** Cycle at which it expires next; Infinity while it is not armed. */
  get deadline(): number {
    return this.timer.deadline;
  }

  get divide(): number {
    return this.state.divide;
  }

  set divide(value: number) {
    this.rebase();
    this.state.divide = value & DIVIDE_MASK;
    this.arm();
  }

  /** Changing to or from TSC-deadline mode disarms the timer. */
  set mode(mode: number) {
    const { state } = this;
    if (mode === state.mode) return;
    const disarms = mode === MODE.tscDeadline || state.mode === MODE.tscDeadline;
    this.rebase();
    if (disarms) Object.assign(state, { initialCount: 0, startCount: 0, deadlineLow: 0, deadlineHigh: 0 });
    state.mode = mode;
    this.arm();
  }

  /** IA32_TSC_DEADLINE: reads 0 when disarmed, and in the other modes. */
  get tscDeadline(): { readonly low: number; readonly high: number } {
    return { low: this.state.deadlineLow, high: this.state.deadlineHigh };
  }

  /** Arms the deadline, or disarms it with 0. Ignored in the other modes. */
  writeTscDeadline(low: number, high: number): void {
    const { state } = this;
    if (state.mode !== MODE.tscDeadline) return;
    state.deadlineLow = low >>> 0;
    state.deadlineHigh = high >>> 0;
    this.arm();
  }

  /** TSC less cycles; to be set when a guest writes the TSC. */
  set tscOffset(cycles: number) {
    this.state.tscOffset = cycles;
    this.arm();
  }

  /** The TSC goes on. */
  reset(): void {
    const { tscOffset } = this.state;
    this.state = { ...POWER_ON, tscOffset };
    this.timer.cancel();
  }

  save(): ApicTimerState {
    return { ...this.state };
  }

  restore(state: ApicTimerState): void {
    this.state = { ...state };
  }

  private get tick(): number {
    return this.rate.ticksAt(this.clock.now());
  }

  /** Bus ticks of one count: 2, 4, ..., 128 for 0 to 6, and 1 for 7 of bits 3, 1 and 0. */
  private get divisor(): number {
    const { divide } = this.state;
    const code = (divide & 3) | ((divide & 8) >> 1);
    return code === 7 ? 1 : 2 << code;
  }

  /** Makes the present count the one from which counting goes on. */
  private rebase(): void {
    this.state.startCount = this.currentCount;
    this.state.origin = this.tick;
  }

  private arm(): void {
    this.timer.at(this.nextExpiry());
  }

  /** Cycle of the next expiry, Infinity for none. */
  private nextExpiry(): number {
    const { state } = this;
    if (state.mode === MODE.tscDeadline) {
      const deadline = state.deadlineHigh * TWO_32 + state.deadlineLow;
      return deadline === 0 ? Number.POSITIVE_INFINITY : deadline - state.tscOffset;
    }
    if (state.startCount === 0) return Number.POSITIVE_INFINITY;
    const elapsed = Math.floor((this.tick - state.origin) / this.divisor);
    let counts = state.startCount;
    if (elapsed >= counts) {
      if (state.mode !== MODE.periodic) return Number.POSITIVE_INFINITY;
      counts += (Math.floor((elapsed - counts) / state.initialCount) + 1) * state.initialCount;
    }
    return this.rate.cyclesOf(state.origin + counts * this.divisor);
  }

  private reach(): void {
    const { state } = this;
    if (state.mode === MODE.tscDeadline) {
      state.deadlineLow = 0;
      state.deadlineHigh = 0;
    } else if (state.mode === MODE.oneShot) {
      state.startCount = 0;
    }
    this.arm();
    this.expire();
  }
}
