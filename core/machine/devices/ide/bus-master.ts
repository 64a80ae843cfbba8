/**
 * The bus master half of an IDE channel (Intel, "Programming interface for bus master IDE controller", revision
 * 1.0, 1994; 82371SB PIIX3 datasheet, BMICX, BMISX, BMIDTPX): command, status, and a table of physical regions in
 * memory.
 *
 *      entry of the table:   63 end of table   |   47..32 bytes, 0 = 64 KiB   |   31..0 address, bit 0 is 0
 *
 * At the end of a transfer, active and interrupt say how the table fitted it: 0 1 exactly, 1 1 the table was longer,
 * 0 0 it was shorter, and the drive is left waiting.
 */
import type { GuestMemory, Stateful } from "../device.js";
import type { UsePiece } from "./drive.js";

/** Registers by offset. */
const COMMAND = 0;
const STATUS = 2;
const TABLE = 4;
const REGISTERS = 8;

const COMMAND_START = 0x01;
const COMMAND_TO_MEMORY = 0x08;
const STATUS_ACTIVE = 0x01;
const STATUS_ERROR = 0x02;
const STATUS_INTERRUPT = 0x04;
/** Set by firmware or driver when a drive can do DMA. */
const STATUS_CAPABLE = 0x60;

const ENTRY_BYTES = 8;
const END_OF_TABLE = 0x8000_0000;
const WHOLE_REGION = 0x1_0000;
/** A table does not cross a 64 KiB boundary. */
const MOST_ENTRIES = 0x1_0000 / ENTRY_BYTES;

export interface BusMasterState {
  command: number;
  status: number;
  /** Physical address of the table. */
  table: number;
}

export class BusMaster implements Stateful<BusMasterState> {
  private state: BusMasterState = { command: 0, status: 0, table: 0 };

  /**
   * @param onStart the engine was started.
   * @param onStop it was stopped while active.
   */
  constructor(
    private readonly memory: GuestMemory,
    private readonly onStart: () => void,
    private readonly onStop: () => void,
  ) {}

  /** Started, and not at the table's end. */
  get isRunning(): boolean {
    return (this.state.command & COMMAND_START) !== 0 && (this.state.status & STATUS_ACTIVE) !== 0;
  }

  /** The channel's interrupt line rose. */
  latchInterrupt(): void {
    this.state.status |= STATUS_INTERRUPT;
  }

  /**
   * Moves the bytes of a command, piece by piece. False when the table, or its direction, did not allow all of it.
   */
  move(toMemory: boolean, bytes: number, use: UsePiece): boolean {
    const { state } = this;
    if (toMemory !== ((state.command & COMMAND_TO_MEMORY) !== 0)) return false;
    let moved = 0;
    for (let index = 0; index < MOST_ENTRIES; index++) {
      const { address, size, isLast } = this.entry(index);
      const count = Math.min(size, bytes - moved);
      const piece = new Uint8Array(count);
      if (toMemory) {
        use(moved, piece);
        this.memory.write(address, piece);
      } else {
        this.memory.read(address, piece);
        use(moved, piece);
      }
      moved += count;
      if (isLast && count === size) state.status &= ~STATUS_ACTIVE;
      if (isLast || moved === bytes) break;
    }
    return moved === bytes;
  }

  readByte(offset: number): number {
    const { command, status, table } = this.state;
    if (offset === COMMAND) return command;
    if (offset === STATUS) return status;
    return offset >= TABLE && offset < REGISTERS ? (table >>> (8 * (offset - TABLE))) & 0xff : 0;
  }

  writeByte(offset: number, value: number): void {
    const { state } = this;
    if (offset === COMMAND) this.writeCommand(value);
    else if (offset === STATUS) {
      const cleared = value & (STATUS_INTERRUPT | STATUS_ERROR);
      state.status = (state.status & ~(STATUS_CAPABLE | cleared)) | (value & STATUS_CAPABLE);
    } else if (offset >= TABLE && offset < REGISTERS) {
      const shift = 8 * (offset - TABLE);
      state.table = ((state.table & ~(0xff << shift) & ~3) | ((value << shift) & ~3)) >>> 0;
    }
  }

  reset(): void {
    this.state = { command: 0, status: 0, table: 0 };
  }

  save(): BusMasterState {
    return { ...this.state };
  }

  restore(state: BusMasterState): void {
    this.state = { ...state };
  }

  private writeCommand(value: number): void {
    const { state } = this;
    const wasStarted = (state.command & COMMAND_START) !== 0;
    state.command = value & (COMMAND_START | COMMAND_TO_MEMORY);
    const isStarted = (value & COMMAND_START) !== 0;
    if (isStarted && !wasStarted) {
      state.status |= STATUS_ACTIVE;
      this.onStart();
    } else if (!isStarted && wasStarted) {
      const wasActive = (state.status & STATUS_ACTIVE) !== 0;
      state.status &= ~STATUS_ACTIVE;
      if (wasActive) this.onStop();
    }
  }

  private entry(index: number): { address: number; size: number; isLast: boolean } {
    const { table } = this.state;
    const bytes = new Uint8Array(ENTRY_BYTES);
    // The table wraps inside its 64 KiB.
    const offset = (table + index * ENTRY_BYTES) % WHOLE_REGION;
    this.memory.read(table - (table % WHOLE_REGION) + offset, bytes);
    const view = new DataView(bytes.buffer);
    const flags = view.getUint32(4, true);
    const size = flags & 0xfffe;
    return {
      address: view.getUint32(0, true) - (view.getUint32(0, true) % 2),
      size: size === 0 ? WHOLE_REGION : size,
      isLast: (flags & END_OF_TABLE) !== 0,
    };
  }
}
