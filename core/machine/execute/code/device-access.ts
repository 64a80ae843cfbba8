/**
 * Accesses of code that are no plain ones of RAM: to a device's registers, to pages of decoded code, or across the border of
 * such a page. Their bytes pass through the bounce buffer of the CPU's state; frame and place are in STATE.pending….
 */
import { PAGE_BYTES } from "../../address.js";
import { STATE } from "../../cpu/state.js";
import type { Machine } from "../../machine.js";
import type { CodeCache } from "./code-cache.js";
import { FRAME_KIND } from "./memory.js";
import type { Surroundings } from "./surroundings.js";

export class DeviceAccess {
  private readonly words: Int32Array;
  private readonly floats: Float64Array;
  private readonly bytes: Uint8Array;
  private readonly frameKinds: Uint8Array;

  constructor(
    private readonly machine: Machine,
    private readonly cache: CodeCache,
    private readonly surroundings: Surroundings,
  ) {
    const { cpu, frameKinds } = machine.code!;
    this.words = cpu.words;
    this.floats = cpu.floats;
    this.bytes = cpu.bytes;
    this.frameKinds = frameKinds;
  }

  /** Fills the bounce buffer with the bytes of the pending access. */
  read(): void {
    this.eachPart((frame, offset, length, at) => {
      const address = (frame >>> 0) * PAGE_BYTES + offset;
      if (this.isMemory(frame)) {
        const from = this.machine.ram.byteOffset + address;
        this.bytes.set(new Uint8Array(this.machine.memory.buffer, from, length), STATE.bounce + at);
        return;
      }
      forEachPiece(length, (done, size) => {
        const value = this.surroundings.readMemory(address + done, size);
        for (let i = 0; i < size; i++) this.bytes[STATE.bounce + at + done + i] = value >>> (8 * i);
      });
    });
    this.touched();
  }

  /** Carries out the pending write of what is in the bounce buffer. */
  commit(): void {
    this.eachPart((frame, offset, length, at) => {
      const address = (frame >>> 0) * PAGE_BYTES + offset;
      const from = STATE.bounce + at;
      if (this.isMemory(frame)) {
        const to = this.machine.ram.byteOffset + address;
        new Uint8Array(this.machine.memory.buffer, to, length).set(this.bytes.subarray(from, from + length));
        if (this.cache.wrote(frame, offset, length)) this.words[STATE.codeChanged / 4] = 1;
        return;
      }
      forEachPiece(length, (done, size) => {
        let value = 0;
        for (let i = 0; i < size; i++) value |= this.bytes[from + done + i]! << (8 * i);
        this.surroundings.writeMemory(address + done, size, value >>> 0);
      });
      this.touched();
    });
  }

  private isMemory(frame: number): boolean {
    const { frameKinds } = this;
    return frame >= 0 && frame < frameKinds.length && frameKinds[frame] !== FRAME_KIND.device;
  }

  /**
   * After an access to a device the next deadline is now, so that the rest of the world has its turn before the next block,
   * and before the next iteration of a string instruction.
   */
  private touched(): void {
    const { floats } = this;
    this.words[STATE.codeChanged / 4] = 1;
    const left = floats[STATE.left / 8]!;
    if (left <= 0) return;
    floats[STATE.target / 8]! -= left;
    floats[STATE.markLeft / 8]! -= left;
    floats[STATE.left / 8] = 0;
  }

  /** The one or two pages of the pending access: frame, first byte, bytes, and where they are in the bounce buffer. */
  private eachPart(part: (frame: number, offset: number, length: number, at: number) => void): void {
    const { words } = this;
    const bytes = words[STATE.pendingBytes / 4]!;
    const offset = words[STATE.pendingAddress / 4]! & (PAGE_BYTES - 1);
    const first = words[STATE.pendingFrame / 4]!;
    const second = words[STATE.pendingFrame2 / 4]!;
    const inFirst = Math.min(bytes, PAGE_BYTES - offset);
    part(first, offset, inFirst, 0);
    if (inFirst < bytes) part(second, 0, bytes - inFirst, inFirst);
  }
}

/** Cuts an access into pieces that a bus carries. */
function forEachPiece(length: number, piece: (done: number, size: 1 | 2 | 4) => void): void {
  for (let done = 0; done < length; ) {
    const size = length - done >= 4 ? 4 : length - done >= 2 ? 2 : 1;
    piece(done, size);
    done += size;
  }
}
