/**
 * Ports by which a guest talks to whoever runs it, as emulators have them and no PC does: a console at 0xE9
 * (Bochs), an exit at 0xF4 (QEMU's isa-debug-exit); and the diagnostic display at 0x80, which PCs do have (PIIX3
 * forwards it to ISA).
 */
import { ALL_SIZES, type Bus, BYTES } from "../bus.js";
import type { AccessSize, PortDevice, Stateful } from "../device.js";

const CONSOLE_PORT = 0xe9;
const EXIT_PORT = 0xf4;
const EXIT_PORTS = 4;
const POST_PORT = 0x80;

export interface DebugPortsOptions {
  /** A byte for the console. */
  readonly write: (byte: number) => void;
  /** The guest asks to end, with a status: (value written × 2) + 1, modulo 2^32, so never 0. */
  readonly exit: (status: number) => void;
  /** A power-on self-test code. */
  readonly post: (code: number) => void;
}

export interface DebugPortsState {
  post: number;
}

export class DebugPorts implements PortDevice, Stateful<DebugPortsState> {
  private state: DebugPortsState = { post: 0 };

  constructor(
    bus: Bus,
    private readonly options: DebugPortsOptions,
  ) {
    bus.claimPorts(CONSOLE_PORT, 1, this, BYTES);
    bus.claimPorts(EXIT_PORT, EXIT_PORTS, this, ALL_SIZES);
    bus.claimPorts(POST_PORT, 1, this, BYTES);
  }

  /** The console reads its own port number: that is how a guest finds it. The display reads back what it shows. */
  readPort(port: number): number {
    if (port === CONSOLE_PORT) return CONSOLE_PORT;
    return port === POST_PORT ? this.state.post : 0;
  }

  writePort(port: number, _size: AccessSize, value: number): void {
    if (port === CONSOLE_PORT) this.options.write(value);
    else if (port === POST_PORT) {
      this.state.post = value;
      this.options.post(value);
    } else this.options.exit(((value << 1) | 1) >>> 0);
  }

  reset(): void {
    this.state = { post: 0 };
  }

  save(): DebugPortsState {
    return { ...this.state };
  }

  restore(state: DebugPortsState): void {
    this.state = { ...state };
  }
}
