/**
 * The local vector table (Intel SDM vol. 3, "Local vector table"): how a local APIC's own sources interrupt: timer,
 * thermal sensor, performance counters, errors, corrected machine checks, and the pins LINT0 and LINT1.
 */
import type { Stateful } from "../device.js";
import type { ApicMessage } from "./apic-bus.js";
import {
  DELIVERY,
  DELIVERY_MODE,
  DELIVERY_MODE_SHIFT,
  LEVEL_TRIGGERED,
  MASKED,
  POLARITY_LOW,
  REGISTER,
  REMOTE_IRR,
  TIMER_MODE,
  VECTOR,
} from "./registers.js";

const SOURCE_BITS = VECTOR | DELIVERY_MODE | MASKED;
const PIN_BITS = SOURCE_BITS | POLARITY_LOW | LEVEL_TRIGGERED;

/** The entries' registers, and the bits of each that can be written. */
export const LVT_WRITABLE: ReadonlyMap<number, number> = new Map<number, number>([
  [REGISTER.lvtCmci, SOURCE_BITS],
  [REGISTER.lvtTimer, VECTOR | MASKED | TIMER_MODE],
  [REGISTER.lvtThermal, SOURCE_BITS],
  [REGISTER.lvtPerformance, SOURCE_BITS],
  [REGISTER.lvtLint0, PIN_BITS],
  [REGISTER.lvtLint1, PIN_BITS],
  [REGISTER.lvtError, VECTOR | MASKED],
]);
/** LINT0's delivery mode for an external interrupt controller, unmasked. */
const EXT_INT = DELIVERY.extInt << DELIVERY_MODE_SHIFT;
const PINS: readonly number[] = [REGISTER.lvtLint0, REGISTER.lvtLint1];

export interface LocalVectorTableState {
  /** Entries by register. */
  entries: Record<number, number>;
  /** Levels of LINT0 and LINT1. */
  pins: boolean[];
}

const maskedEntries = (): Record<number, number> =>
  Object.fromEntries(Array.from(LVT_WRITABLE.keys(), (register) => [register, MASKED]));

export class LocalVectorTable implements Stateful<LocalVectorTableState> {
  private state: LocalVectorTableState = { entries: maskedEntries(), pins: PINS.map(() => false) };

  /** @param deliver takes what an unmasked entry sends to its own processor. */
  constructor(private readonly deliver: (message: ApicMessage, register: number) => void) {}

  /** An entry. @param register one of LVT_WRITABLE's. */
  read(register: number): number {
    return this.state.entries[register]!;
  }

  /** Writes an entry. While the APIC is software-disabled its mask cannot be cleared. */
  write(register: number, value: number, isSoftwareEnabled: boolean): void {
    let entry = value & LVT_WRITABLE.get(register)!;
    if (!isSoftwareEnabled) entry |= MASKED;
    // Remote IRR belongs to level-triggered fixed interrupts.
    if (entry & LEVEL_TRIGGERED && (entry & DELIVERY_MODE) === 0) entry |= this.read(register) & REMOTE_IRR;
    this.state.entries[register] = entry;
    const pin = PINS.indexOf(register);
    if (pin >= 0 && entry & LEVEL_TRIGGERED && this.isAsserted(pin)) this.assertPin(pin);
  }

  /** Sets every mask, as software-disabling the APIC does. */
  maskAll(): void {
    for (const register of LVT_WRITABLE.keys()) this.state.entries[register]! |= MASKED;
  }

  /** A source interrupts. An overflow of performance counters then masks its own entry. */
  raise(register: number): void {
    const entry = this.read(register);
    if (entry & MASKED) return;
    if (register === REGISTER.lvtPerformance) this.state.entries[register] = entry | MASKED;
    const mode = (entry & DELIVERY_MODE) >> DELIVERY_MODE_SHIFT;
    const isLevelTriggered = mode === DELIVERY.fixed && (entry & REMOTE_IRR) !== 0;
    this.deliver({ mode, vector: entry & VECTOR, isLevelTriggered }, register);
  }

  /** Drives LINT0 or LINT1. */
  setPin(pin: number, high: boolean): void {
    const wasAsserted = this.isAsserted(pin);
    this.state.pins[pin] = high;
    if (!wasAsserted && this.isAsserted(pin)) this.assertPin(pin);
  }

  /** LINT0 passes the request of an external interrupt controller on to the processor. */
  get requestsExtInt(): boolean {
    const isExtInt = (this.read(REGISTER.lvtLint0) & (DELIVERY_MODE | MASKED)) === EXT_INT;
    return isExtInt && this.isAsserted(0);
  }

  /** EOI of a level-triggered vector: a pin that is still asserted interrupts again. */
  endOfInterrupt(vector: number): void {
    for (const [pin, register] of PINS.entries()) {
      const entry = this.read(register);
      if ((entry & REMOTE_IRR) === 0 || (entry & VECTOR) !== vector) continue;
      this.state.entries[register] = entry & ~REMOTE_IRR;
      if (this.isAsserted(pin)) this.assertPin(pin);
    }
  }

  /** Every entry masked; the pins keep their levels. */
  reset(): void {
    this.state.entries = maskedEntries();
  }

  save(): LocalVectorTableState {
    return structuredClone(this.state);
  }

  restore(state: LocalVectorTableState): void {
    this.state = structuredClone(state);
  }

  private isAsserted(pin: number): boolean {
    const isLow = (this.read(PINS[pin]!) & POLARITY_LOW) !== 0;
    return this.state.pins[pin] !== isLow;
  }

  /** A pin became asserted, or a level-triggered entry was written while it is. */
  private assertPin(pin: number): void {
    const register = PINS[pin]!;
    const entry = this.read(register);
    if (entry & MASKED) return;
    switch ((entry & DELIVERY_MODE) >> DELIVERY_MODE_SHIFT) {
      case DELIVERY.extInt: // a level that the processor looks at: requestsExtInt
        return;
      case DELIVERY.fixed:
        if (entry & LEVEL_TRIGGERED) {
          if (entry & REMOTE_IRR) return;
          this.state.entries[register] = entry | REMOTE_IRR;
        }
    }
    this.raise(register);
  }
}
