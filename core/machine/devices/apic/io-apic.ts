/**
 * The I/O APIC (Intel, "82093AA I/O Advanced Programmable Interrupt Controller", order 290566-001): 24 pins, each
 * with a redirection entry, behind an index and a window at 0xFEC00000.
 *
 * An edge on a masked pin is lost; a level stays. A level-triggered entry sends once and sets its remote IRR; the
 * EOI message of its vector clears that, and a pin still asserted sends again. Making an entry edge-triggered
 * clears its remote IRR, which is how system software ends a level-triggered interrupt by hand. Delivery takes no
 * time.
 */
import { PAGE_BYTES } from "../../address.js";
import type { Bus } from "../bus.js";
import type { AccessSize, MemoryDevice, Stateful } from "../device.js";
import type { ApicBus, EndOfInterruptTarget } from "./apic-bus.js";
import { partOf } from "./mmio.js";
import {
  DELIVERY,
  DELIVERY_MODE,
  DELIVERY_MODE_SHIFT,
  LEVEL_TRIGGERED,
  LOGICAL,
  MASKED,
  POLARITY_LOW,
  REMOTE_IRR,
  VECTOR,
} from "./registers.js";

export const IO_APIC_BASE = 0xfec0_0000;
export const IO_APIC_PINS = 24;

/** Offsets in the page. */
const SELECT = 0x00;
const WINDOW = 0x10;

/** Registers by index. */
const ID = 0x00;
const VERSION = 0x01;
const ARBITRATION = 0x02;
const REDIRECTION = 0x10;

const ID_MASK = 0x0f00_0000;
/** Version 0x11, and the number of the last entry. */
const VERSION_VALUE = 0x11 | ((IO_APIC_PINS - 1) << 16);
const WRITABLE = VECTOR | DELIVERY_MODE | LOGICAL | POLARITY_LOW | LEVEL_TRIGGERED | MASKED;
const DESTINATION = 0xff00_0000;

export interface IoApicState {
  select: number;
  id: number;
  /** Redirection entries, low and high halves alternating. */
  entries: Uint32Array;
  /** Levels of the pins. */
  pins: boolean[];
}

function powerOn(): IoApicState {
  const entries = new Uint32Array(2 * IO_APIC_PINS);
  for (let pin = 0; pin < IO_APIC_PINS; pin++) entries[2 * pin] = MASKED;
  return { select: 0, id: 0, entries, pins: new Array<boolean>(IO_APIC_PINS).fill(false) };
}

export class IoApic implements MemoryDevice, EndOfInterruptTarget, Stateful<IoApicState> {
  private state = powerOn();

  constructor(
    bus: Bus,
    private readonly apicBus: ApicBus,
  ) {
    bus.claimMemory(IO_APIC_BASE, PAGE_BYTES, this);
    apicBus.ioApics.push(this);
  }

  /** Drives a pin. */
  setPin(pin: number, high: boolean): void {
    const { pins } = this.state;
    if (pins[pin] === high) return;
    pins[pin] = high;
    if (this.isAsserted(pin)) this.send(pin);
  }

  endOfInterrupt(vector: number): void {
    const { entries } = this.state;
    for (let pin = 0; pin < IO_APIC_PINS; pin++) {
      const entry = entries[2 * pin]!;
      if ((entry & REMOTE_IRR) === 0 || (entry & VECTOR) !== vector) continue;
      entries[2 * pin]! &= ~REMOTE_IRR;
      this.sendLevel(pin);
    }
  }

  /** Vectors of the level-triggered entries: whose ends matter here. */
  get levelVectors(): readonly number[] {
    const { entries } = this.state;
    const low = Array.from({ length: IO_APIC_PINS }, (_, pin) => entries[2 * pin]!);
    return low
      .filter((entry) => (entry & LEVEL_TRIGGERED) !== 0 && (entry & MASKED) === 0)
      .map((entry) => entry & VECTOR);
  }

  readMemory(offset: number, size: AccessSize): number {
    const register = offset & ~3;
    if (register === SELECT) return partOf(this.state.select, offset, size);
    return register === WINDOW ? partOf(this.readRegister(), offset, size) : 0;
  }

  /** Registers are written as dwords; the index may be written as a byte. */
  writeMemory(offset: number, size: AccessSize, value: number): void {
    if (offset === SELECT) this.state.select = value & 0xff;
    else if (offset === WINDOW && size === 4) this.writeRegister(value);
  }

  reset(): void {
    const { pins } = this.state;
    this.state = { ...powerOn(), pins };
  }

  save(): IoApicState {
    return structuredClone(this.state);
  }

  restore(state: IoApicState): void {
    this.state = structuredClone(state);
  }

  private readRegister(): number {
    const { select, id, entries } = this.state;
    if (select === ID || select === ARBITRATION) return id;
    if (select === VERSION) return VERSION_VALUE;
    return entries[select - REDIRECTION] ?? 0;
  }

  private writeRegister(value: number): void {
    const { state } = this;
    const index = state.select - REDIRECTION;
    if (state.select === ID) state.id = value & ID_MASK;
    if (index < 0 || index >= state.entries.length) return;
    if (index % 2 === 1) {
      state.entries[index] = value & DESTINATION;
      return;
    }
    const kept = value & LEVEL_TRIGGERED ? state.entries[index]! & REMOTE_IRR : 0;
    state.entries[index] = (value & WRITABLE) | kept;
    this.sendLevel(index / 2);
  }

  private isAsserted(pin: number): boolean {
    const isLow = (this.state.entries[2 * pin]! & POLARITY_LOW) !== 0;
    return this.state.pins[pin] !== isLow;
  }

  /** Sends a level-triggered pin that is asserted and has nothing outstanding. */
  private sendLevel(pin: number): void {
    if (this.state.entries[2 * pin]! & LEVEL_TRIGGERED && this.isAsserted(pin)) this.send(pin);
  }

  private send(pin: number): void {
    const { entries } = this.state;
    const entry = entries[2 * pin]!;
    const mode = (entry & DELIVERY_MODE) >> DELIVERY_MODE_SHIFT;
    // SMI, NMI, INIT and ExtINT are edges whatever the trigger mode says.
    const isLevelTriggered = (entry & LEVEL_TRIGGERED) !== 0 && mode <= DELIVERY.lowestPriority;
    if (entry & MASKED || (isLevelTriggered && entry & REMOTE_IRR)) return;
    if (isLevelTriggered) entries[2 * pin]! |= REMOTE_IRR;
    this.apicBus.send(
      { mode, vector: entry & VECTOR, isLevelTriggered },
      entries[2 * pin + 1]! >>> 24,
      (entry & LOGICAL) !== 0,
    );
  }
}
