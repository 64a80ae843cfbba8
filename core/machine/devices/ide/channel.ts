/**
 * One IDE channel: two places for drives, which share the command block and the interrupt line, and the bus master.
 * Where drive 1 is absent, drive 0 answers for it: status 0, its own registers otherwise (ATA/ATAPI-6, "Device 0
 * only configurations"). With no drive, the lines float: they read 0x7F, since DD7 alone is pulled down, so no
 * status is busy.
 *
 * Data are 16 bits wide; a 32-bit access is two of them, as the PIIX3 makes it.
 */
import { type Bus, BYTES, WORDS_DWORDS } from "../bus.js";
import type { AccessSize, GuestMemory, Line, PortDevice, Stateful } from "../device.js";
import { BusMaster, type BusMasterState } from "./bus-master.js";
import { COMMAND } from "./commands.js";
import { Drive, type DriveOptions, type DriveState } from "./drive.js";
import { DEVICE_SELECT, REGISTER } from "./task-file.js";

const COMMAND_PORTS = 8;
const FLOATING = 0x7f;
const FLOATING_WORD = 0xff7f;

/** Device control register. */
const CONTROL_NO_INTERRUPT = 0x02;
const CONTROL_RESET = 0x04;
const CONTROL_HIGH = 0x80;

export interface ChannelOptions {
  readonly bus: Bus;
  readonly memory: GuestMemory;
  /** First of the command block's eight ports, and the control block's one: 0x1F0 and 0x3F6. */
  readonly commandPort: number;
  readonly controlPort: number;
  readonly irq: Line;
  /** Up to two drives; undefined for an empty place. */
  readonly drives: readonly (DriveParts | undefined)[];
}

/** A drive but for what its channel is to it. */
export type DriveParts = Omit<DriveOptions, "onInterrupt" | "onDmaRequest" | "moveDma">;

export interface ChannelState {
  control: number;
  /** Drive 1 is selected. */
  isSecond: boolean;
  drives: (DriveState | undefined)[];
  busMaster: BusMasterState;
}

export class Channel implements PortDevice, Stateful<ChannelState> {
  readonly busMaster: BusMaster;
  readonly drives: readonly (Drive | undefined)[];
  private readonly firstPort: number;
  private readonly controlPort: number;
  private readonly irq: Line;
  private control = 0;
  private isSecond = false;
  /** INTRQ as it is on the cable. */
  private line = false;

  constructor(options: ChannelOptions) {
    const { bus, memory, commandPort, controlPort, irq, drives } = options;
    this.firstPort = commandPort;
    this.controlPort = controlPort;
    this.irq = irq;
    this.busMaster = new BusMaster(
      memory,
      () => this.startDma(),
      () => this.selected?.stopDma(),
    );
    this.drives = drives.map((parts) => parts && this.makeDrive(parts));
    bus.claimPorts(commandPort, 1, this, WORDS_DWORDS);
    bus.claimPorts(commandPort + 1, COMMAND_PORTS - 1, this, BYTES);
    bus.claimPorts(controlPort, 1, this, BYTES);
  }

  readPort(port: number, size: AccessSize): number {
    if (port === this.controlPort) return this.alternateStatus;
    const register = port - this.firstPort;
    if (register === REGISTER.data) return this.readData(size);
    const { selected, drives } = this;
    if (selected === undefined && register === REGISTER.status) return this.alternateStatus;
    const drive = selected ?? drives[0];
    return drive?.readRegister(register, (this.control & CONTROL_HIGH) !== 0) ?? FLOATING;
  }

  writePort(port: number, size: AccessSize, value: number): void {
    if (port === this.controlPort) {
      this.writeControl(value);
      return;
    }
    const register = port - this.firstPort;
    if (register === REGISTER.data) {
      this.selected?.writeData(value & 0xffff);
      if (size === 4) this.selected?.writeData(value >>> 16);
      return;
    }
    this.control &= ~CONTROL_HIGH;
    if (register === REGISTER.status) this.execute(value);
    else {
      for (const drive of this.drives) drive?.writeRegister(register, value);
      if (register === REGISTER.device) this.isSecond = (value & DEVICE_SELECT) !== 0;
      this.follow();
    }
  }

  reset(): void {
    this.control = 0;
    this.isSecond = false;
    for (const drive of this.drives) drive?.reset();
    this.busMaster.reset();
    this.follow();
  }

  save(): ChannelState {
    return {
      control: this.control,
      isSecond: this.isSecond,
      drives: this.drives.map((drive) => drive?.save()),
      busMaster: this.busMaster.save(),
    };
  }

  restore(state: ChannelState): void {
    this.control = state.control;
    this.isSecond = state.isSecond;
    for (const [index, drive] of this.drives.entries()) drive?.restore(state.drives[index]!);
    this.busMaster.restore(state.busMaster);
    this.line = this.isInterrupting;
  }

  private get selected(): Drive | undefined {
    return this.drives[this.isSecond ? 1 : 0];
  }

  private get alternateStatus(): number {
    const { selected, drives } = this;
    if (selected !== undefined) return selected.status;
    return drives[0] === undefined ? FLOATING : 0;
  }

  private get isInterrupting(): boolean {
    return (this.control & CONTROL_NO_INTERRUPT) === 0 && this.selected?.interrupts === true;
  }

  private makeDrive(parts: DriveParts): Drive {
    return new Drive({
      ...parts,
      onInterrupt: () => this.follow(),
      onDmaRequest: () => this.startDma(),
      moveDma: (toMemory, bytes, use) => this.busMaster.move(toMemory, bytes, use),
    });
  }

  private readData(size: AccessSize): number {
    const low = this.selected?.readData() ?? FLOATING_WORD;
    if (size === 2) return low;
    return (low | ((this.selected?.readData() ?? FLOATING_WORD) << 16)) >>> 0;
  }

  private execute(command: number): void {
    if (command === COMMAND.executeDiagnostic) {
      for (const drive of this.drives) drive?.diagnose();
    } else this.selected?.execute(command);
  }

  private writeControl(value: number): void {
    this.control = value;
    const isReset = (value & CONTROL_RESET) !== 0;
    if (isReset) this.isSecond = false;
    for (const drive of this.drives) drive?.setSoftwareReset(isReset);
    this.follow();
  }

  /** Lets the selected drive's DMA go on, if it and the bus master are both ready. */
  private startDma(): void {
    if (this.busMaster.isRunning) this.selected?.startDma();
  }

  /** Drives the interrupt line; only the selected drive does. */
  private follow(): void {
    const high = this.isInterrupting;
    if (high && !this.line) this.busMaster.latchInterrupt();
    this.line = high;
    this.irq(high);
  }
}
