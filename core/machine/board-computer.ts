/**
 * What computers have in common whose devices are on a board (board.ts): natively, under a monitor, and under a user side of
 * KVM's kind. What a guest shows by its devices is the board's.
 */
import { UnsupportedError } from "../util/errors.js";
import { formatBytes } from "../util/units.js";
import type { Board } from "./board.js";
import type { Console } from "./console.js";
import type { GuestMemory } from "./devices/device.js";
import type { Pc } from "./devices/pc.js";
import type { CodeEngine } from "./execute/code/engine.js";

/** Addresses from here to 4 GiB are devices'. */
export const DEVICE_HOLE = 3 * 2 ** 30;

export abstract class BoardComputer {
  protected abstract readonly board: Board;
  abstract readonly engine: CodeEngine;

  get pc(): Pc {
    return this.board.pc;
  }
  /** The guest's RAM, as its devices reach it. */
  get guestMemory(): GuestMemory {
    return this.board.memory;
  }
  /** What the first serial port sent. */
  get output(): Console {
    return this.board.output;
  }
  /** The same as text (console.ts). */
  get console(): string {
    return this.board.output.text;
  }

  /** Told of every mark that the guest makes (devices/marks.ts). */
  get onMark(): ((value: number) => void) | undefined {
    return this.board.onMark;
  }
  set onMark(told: ((value: number) => void) | undefined) {
    this.board.onMark = told;
  }
  /** Told of every byte that the guest sends by its first serial port, when it does. */
  get onSerial(): ((byte: number) => void) | undefined {
    return this.board.onSerial;
  }
  set onSerial(told: ((byte: number) => void) | undefined) {
    this.board.onSerial = told;
  }

  /** Has `run` come back before the next block of code. */
  stop(): void {
    this.engine.stopRequested = true;
  }
}

/** @throws UnsupportedError where memory would reach the devices */
export function checkMemoryBytes(memoryBytes: number): void {
  if (memoryBytes > DEVICE_HOLE)
    throw new UnsupportedError(
      `a machine that executes code has at most 3 GiB of memory, not ${formatBytes(memoryBytes)}`,
    );
}
