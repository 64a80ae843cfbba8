/**
 * The keyboard controller, an 8042 as in the IBM PS/2 (IBM, "Personal System/2 hardware interface technical
 * reference: keyboard and auxiliary device controller", 1988) at ports 0x60 and 0x64: status, command byte,
 * self-test, output port with A20 and the CPU's reset, one keyboard, and an auxiliary port that works but has no
 * mouse. Everything is answered in the cycle in which it is asked, so an operating system's probing ends quickly.
 *
 * What the keyboard sends, answers included, is translated from scan code set 2 to set 1 when the command byte says
 * so.
 */
import { type Bus, BYTES } from "../bus.js";
import type { AccessSize, Line, PortDevice, Stateful } from "../device.js";
import type { A20Gate } from "../reset/a20.js";
import { Keyboard, type KeyboardState } from "./keyboard.js";
import { BREAK_PREFIX, RELEASED, SET_2_TO_1 } from "./translation.js";

const DATA_PORT = 0x60;
const STATUS_PORT = 0x64;

const STATUS_OUTPUT_FULL = 0x01;
const STATUS_SYSTEM = 0x04;
const STATUS_COMMAND = 0x08;
const STATUS_NOT_INHIBITED = 0x10;
const STATUS_AUXILIARY = 0x20;
const STATUS_TIMEOUT = 0x40;

/** The controller's command byte, which is byte 0 of its RAM. */
const KEYBOARD_INTERRUPT = 0x01;
const AUXILIARY_INTERRUPT = 0x02;
const SYSTEM_FLAG = 0x04;
const KEYBOARD_DISABLED = 0x10;
const AUXILIARY_DISABLED = 0x20;
const TRANSLATE = 0x40;
/** As firmware leaves it. */
const COMMAND_BYTE = KEYBOARD_INTERRUPT | SYSTEM_FLAG | AUXILIARY_DISABLED | TRANSLATE;
const RAM_BYTES = 32;

const COMMAND = {
  readRam: 0x20,
  writeRam: 0x60,
  disableAuxiliary: 0xa7,
  enableAuxiliary: 0xa8,
  testAuxiliary: 0xa9,
  selfTest: 0xaa,
  testKeyboard: 0xab,
  disableKeyboard: 0xad,
  enableKeyboard: 0xae,
  readInputPort: 0xc0,
  readOutputPort: 0xd0,
  writeOutputPort: 0xd1,
  writeKeyboardBuffer: 0xd2,
  writeAuxiliaryBuffer: 0xd3,
  writeAuxiliary: 0xd4,
  disableA20: 0xdd,
  enableA20: 0xdf,
  readTestInputs: 0xe0,
  pulse: 0xf0,
} as const;

const SELF_TEST_PASSED = 0x55;
const INTERFACE_TEST_PASSED = 0x00;
/** Keyboard not locked, manufacturing jumper absent. */
const INPUT_PORT = 0xb0;
const OUTPUT_NOT_RESET = 0x01;
const OUTPUT_A20 = 0x02;
const OUTPUT_KEYBOARD_FULL = 0x10;
const OUTPUT_AUXILIARY_FULL = 0x20;
const OUTPUT_IDLE_LINES = 0xc0;
/** What a transfer to a device that is not there leaves in the output buffer, with STATUS_TIMEOUT. */
const NO_DEVICE = 0xfe;

/** Bytes that wait for the output buffer at most; a real keyboard holds 16, later ones are lost. */
const MOST_QUEUED = 32;

type Source = "controller" | "keyboard" | "auxiliary";

interface Output {
  readonly byte: number;
  readonly source: Source;
  readonly timeout: boolean;
}

export interface KeyboardControllerState {
  ram: Uint8Array;
  /** The output port's A20. */
  a20: boolean;
  /** Command whose parameter is the next byte at the data port, or 0. */
  command: number;
  /** The last write was a command (status bit 3). */
  lastWasCommand: boolean;
  /** The self-test passed, or firmware said so (status bit 2). */
  isSystem: boolean;
  /** The output buffer, which data-port reads take. */
  output: Output | undefined;
  /** The byte last in the output buffer: an empty one reads as it. */
  lastByte: number;
  /** Translation has seen the prefix of a key's release. */
  isReleasing: boolean;
  /** Bytes on their way to the output buffer, in order. */
  queue: Output[];
  keyboard: KeyboardState;
}

export class KeyboardController implements PortDevice, Stateful<KeyboardControllerState> {
  readonly keyboard: Keyboard;
  private state: Omit<KeyboardControllerState, "keyboard"> = powerOn();

  /** @param onReset the output port's bit 0 went low: the CPU is reset (INIT). */
  constructor(
    bus: Bus,
    private readonly irq1: Line,
    private readonly irq12: Line,
    private readonly a20: A20Gate,
    private readonly onReset: () => void,
  ) {
    this.keyboard = new Keyboard((bytes) => {
      for (const byte of bytes) this.takeFromKeyboard(byte);
    });
    bus.claimPorts(DATA_PORT, 1, this, BYTES);
    bus.claimPorts(STATUS_PORT, 1, this, BYTES);
  }

  readPort(port: number): number {
    return port === STATUS_PORT ? this.status : this.readData();
  }

  writePort(port: number, _size: AccessSize, value: number): void {
    this.state.lastWasCommand = port === STATUS_PORT;
    if (port === STATUS_PORT) this.execute(value);
    else this.writeData(value);
    this.follow();
  }

  reset(): void {
    this.state = powerOn();
    this.driveA20(this.state.a20);
    this.keyboard.reset();
    this.follow();
  }

  save(): KeyboardControllerState {
    return { ...structuredClone(this.state), keyboard: this.keyboard.save() };
  }

  restore(state: KeyboardControllerState): void {
    const { keyboard, ...rest } = structuredClone(state);
    this.state = rest;
    this.driveA20(rest.a20);
    this.keyboard.restore(keyboard);
  }

  private get status(): number {
    const { output, lastWasCommand, isSystem } = this.state;
    return (
      STATUS_NOT_INHIBITED |
      (isSystem ? STATUS_SYSTEM : 0) |
      (lastWasCommand ? STATUS_COMMAND : 0) |
      (output === undefined ? 0 : STATUS_OUTPUT_FULL) |
      (output?.source === "auxiliary" ? STATUS_AUXILIARY : 0) |
      (output?.timeout ? STATUS_TIMEOUT : 0)
    );
  }

  /** P2: bits 4 and 5 are the interrupt lines. */
  private get outputPort(): number {
    const { output } = this.state;
    return (
      OUTPUT_IDLE_LINES |
      OUTPUT_NOT_RESET |
      (this.state.a20 ? OUTPUT_A20 : 0) |
      (output !== undefined && output.source !== "auxiliary" ? OUTPUT_KEYBOARD_FULL : 0) |
      (output?.source === "auxiliary" ? OUTPUT_AUXILIARY_FULL : 0)
    );
  }

  private driveA20(high: boolean): void {
    this.state.a20 = high;
    this.a20.drive("controller", high);
  }

  private readData(): number {
    const { state } = this;
    state.output = undefined;
    const { lastByte } = state;
    this.follow();
    return lastByte;
  }

  private execute(command: number): void {
    const { ram } = this.state;
    this.state.command = 0;
    if (command >= COMMAND.readRam && command < COMMAND.readRam + RAM_BYTES) {
      this.enqueue(ram[command - COMMAND.readRam]!, "controller");
      return;
    }
    const isWriteRam = command >= COMMAND.writeRam && command < COMMAND.writeRam + RAM_BYTES;
    if (isWriteRam || (command >= COMMAND.writeOutputPort && command <= COMMAND.writeAuxiliary)) {
      this.state.command = command;
      return;
    }
    if (command >= COMMAND.pulse) {
      // Bits 3..0 say which lines of the output port not to pulse low; bit 0 is the CPU's reset.
      if ((command & OUTPUT_NOT_RESET) === 0) this.onReset();
      return;
    }
    switch (command) {
      case COMMAND.disableAuxiliary:
        ram[0]! |= AUXILIARY_DISABLED;
        break;
      case COMMAND.enableAuxiliary:
        ram[0]! &= ~AUXILIARY_DISABLED;
        break;
      case COMMAND.disableKeyboard:
        ram[0]! |= KEYBOARD_DISABLED;
        break;
      case COMMAND.enableKeyboard:
        ram[0]! &= ~KEYBOARD_DISABLED;
        break;
      case COMMAND.selfTest:
        this.state.isSystem = true;
        this.enqueue(SELF_TEST_PASSED, "controller");
        break;
      case COMMAND.testAuxiliary:
      case COMMAND.testKeyboard:
        this.enqueue(INTERFACE_TEST_PASSED, "controller");
        break;
      case COMMAND.readInputPort:
        this.enqueue(INPUT_PORT, "controller");
        break;
      case COMMAND.readOutputPort:
        this.enqueue(this.outputPort, "controller");
        break;
      case COMMAND.disableA20:
      case COMMAND.enableA20:
        this.driveA20(command === COMMAND.enableA20);
        break;
      case COMMAND.readTestInputs:
        this.enqueue(0, "controller");
        break;
    }
  }

  private writeData(value: number): void {
    const { state } = this;
    const { command } = state;
    state.command = 0;
    switch (command) {
      case 0: // writing to the keyboard turns its clock on again
        state.ram[0]! &= ~KEYBOARD_DISABLED;
        this.keyboard.receive(value);
        break;
      case COMMAND.writeOutputPort:
        this.driveA20((value & OUTPUT_A20) !== 0);
        if ((value & OUTPUT_NOT_RESET) === 0) this.onReset();
        break;
      case COMMAND.writeKeyboardBuffer:
        this.enqueue(value, "controller");
        break;
      case COMMAND.writeAuxiliaryBuffer:
        this.enqueue(value, "auxiliary");
        break;
      case COMMAND.writeAuxiliary:
        this.enqueue(NO_DEVICE, "auxiliary", true);
        break;
      default:
        state.ram[command - COMMAND.writeRam] = value;
        if (command === COMMAND.writeRam) state.isSystem = (value & SYSTEM_FLAG) !== 0;
    }
  }

  private takeFromKeyboard(byte: number): void {
    const { state } = this;
    if ((state.ram[0]! & TRANSLATE) === 0) this.enqueue(byte, "keyboard");
    else if (byte === BREAK_PREFIX) state.isReleasing = true;
    else {
      this.enqueue(SET_2_TO_1[byte]! | (state.isReleasing ? RELEASED : 0), "keyboard");
      state.isReleasing = false;
    }
  }

  private enqueue(byte: number, source: Source, timeout = false): void {
    const { queue } = this.state;
    if (queue.length < MOST_QUEUED) queue.push({ byte, source, timeout });
    this.follow();
  }

  /** Fills the output buffer when it is empty, and drives the interrupt lines. */
  private follow(): void {
    const { state } = this;
    const enabled = state.ram[0]!;
    if (state.output === undefined) {
      // A disabled keyboard holds its bytes; the controller's own and the auxiliary's go past them.
      const index = state.queue.findIndex(
        ({ source }) => source !== "keyboard" || (enabled & KEYBOARD_DISABLED) === 0,
      );
      if (index >= 0) {
        this.irq1(false);
        this.irq12(false);
        const [output] = state.queue.splice(index, 1);
        state.output = output;
        state.lastByte = output!.byte;
      }
    }
    const { output } = state;
    const isAuxiliary = output?.source === "auxiliary";
    this.irq1(output !== undefined && !isAuxiliary && (enabled & KEYBOARD_INTERRUPT) !== 0);
    this.irq12(isAuxiliary && (enabled & AUXILIARY_INTERRUPT) !== 0);
  }
}

function powerOn(): Omit<KeyboardControllerState, "keyboard"> {
  const ram = new Uint8Array(RAM_BYTES);
  ram[0] = COMMAND_BYTE;
  return {
    ram,
    a20: true,
    command: 0,
    lastWasCommand: false,
    isSystem: true,
    output: undefined,
    lastByte: 0,
    isReleasing: false,
    queue: [],
  };
}
