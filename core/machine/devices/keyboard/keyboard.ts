/**
 * A PS/2 keyboard as its controller sees it (IBM, "Personal System/2 hardware interface technical reference:
 * keyboards", 1988): it answers commands and sends what keys the host gives it, in scan code set 2. LEDs, rates and
 * delays are accepted and change nothing.
 */
import type { Stateful } from "../device.js";

const ACKNOWLEDGE = 0xfa;
const RESEND = 0xfe;
const SELF_TEST_PASSED = 0xaa;
const ECHO = 0xee;
/** Identification of an MF2 keyboard. */
const IDENTITY = [0xab, 0x83];

const COMMAND = {
  leds: 0xed,
  echo: ECHO,
  scanCodeSet: 0xf0,
  identify: 0xf2,
  typematic: 0xf3,
  enable: 0xf4,
  disable: 0xf5,
  defaults: 0xf6,
  resend: 0xfe,
  reset: 0xff,
} as const;

export interface KeyboardState {
  /** Command whose parameter is the next byte, or 0. */
  command: number;
  /** Scans keys. */
  isEnabled: boolean;
  lastSent: number;
}

const POWER_ON: KeyboardState = { command: 0, isEnabled: true, lastSent: 0 };

export class Keyboard implements Stateful<KeyboardState> {
  private state: KeyboardState = { ...POWER_ON };

  /** @param send bytes to the controller. */
  constructor(private readonly send: (bytes: readonly number[]) => void) {}

  /** Scan codes of keys pressed and released; lost while scanning is off. */
  press(scanCodes: readonly number[]): void {
    if (this.state.isEnabled) this.answer(...scanCodes);
  }

  /** A byte from the controller. */
  receive(byte: number): void {
    const { state } = this;
    if (state.command !== 0) {
      const { command } = state;
      state.command = 0;
      // Parameter 0 asks which scan code set is in use.
      if (command === COMMAND.scanCodeSet && byte === 0) this.answer(ACKNOWLEDGE, 2);
      else this.answer(ACKNOWLEDGE);
      return;
    }
    switch (byte) {
      case COMMAND.leds:
      case COMMAND.scanCodeSet:
      case COMMAND.typematic:
        state.command = byte;
        this.answer(ACKNOWLEDGE);
        break;
      case COMMAND.echo:
        this.answer(ECHO);
        break;
      case COMMAND.identify:
        this.answer(ACKNOWLEDGE, ...IDENTITY);
        break;
      case COMMAND.enable:
      case COMMAND.defaults:
        state.isEnabled = true;
        this.answer(ACKNOWLEDGE);
        break;
      case COMMAND.disable:
        state.isEnabled = false;
        this.answer(ACKNOWLEDGE);
        break;
      case COMMAND.resend:
        this.answer(state.lastSent);
        break;
      case COMMAND.reset:
        this.reset();
        this.answer(ACKNOWLEDGE, SELF_TEST_PASSED);
        break;
      default:
        this.answer(RESEND);
    }
  }

  reset(): void {
    this.state = { ...POWER_ON };
  }

  save(): KeyboardState {
    return { ...this.state };
  }

  restore(state: KeyboardState): void {
    this.state = { ...state };
  }

  private answer(...bytes: number[]): void {
    this.state.lastSent = bytes.at(-1) ?? this.state.lastSent;
    this.send(bytes);
  }
}
