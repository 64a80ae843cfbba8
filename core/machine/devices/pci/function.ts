/**
 * The configuration space of one PCI function (PCI Local Bus Specification 2.1, chapter 6): 256 bytes, of which a
 * function says what they are after reset and which bits can be written.
 */
import type { Stateful } from "../device.js";

/** Offsets in the header. */
export const HEADER = {
  vendor: 0x00,
  device: 0x02,
  command: 0x04,
  status: 0x06,
  revision: 0x08,
  interface: 0x09,
  subclass: 0x0a,
  class: 0x0b,
  type: 0x0e,
  bar4: 0x20,
} as const;

export const COMMAND_IO = 0x01;
export const COMMAND_MEMORY = 0x02;
export const COMMAND_MASTER = 0x04;

const SPACE_BYTES = 256;
/** Status bits that are cleared by writing 1. */
const STATUS_CLEARED = 0xf9;

export interface PciFunctionOptions {
  readonly vendor: number;
  readonly device: number;
  readonly revision: number;
  /** Class, subclass and programming interface, as 0x060000. */
  readonly classCode: number;
  /** The function's device has others. */
  readonly isMultifunction?: boolean;
  /** Bytes after reset beyond those above, by offset. */
  readonly initial?: Readonly<Record<number, number>>;
  /** Bits that can be written, by offset. */
  readonly writable: Readonly<Record<number, number>>;
  /** Told after every write, and after reset and restore. */
  readonly onChange?: () => void;
}

export class PciFunction implements Stateful<Uint8Array> {
  private readonly initial = new Uint8Array(SPACE_BYTES);
  private readonly writable = new Uint8Array(SPACE_BYTES);
  private space: Uint8Array;

  constructor(private readonly options: PciFunctionOptions) {
    const { vendor, device, revision, classCode, isMultifunction, initial = {}, writable } = options;
    const view = new DataView(this.initial.buffer);
    view.setUint16(HEADER.vendor, vendor, true);
    view.setUint16(HEADER.device, device, true);
    view.setUint32(HEADER.revision, (classCode << 8) | revision, true);
    if (isMultifunction) view.setUint8(HEADER.type, 0x80);
    for (const [offset, value] of Object.entries(initial)) this.initial[Number(offset)] = value;
    for (const [offset, mask] of Object.entries(writable)) this.writable[Number(offset)] = mask;
    this.space = this.initial.slice();
  }

  /** The command register. */
  get command(): number {
    return this.dword(HEADER.command) & 0xffff;
  }

  /** A dword of the space; unsigned. @param offset a multiple of 4. */
  dword(offset: number): number {
    return new DataView(this.space.buffer).getUint32(offset, true);
  }

  readByte(offset: number): number {
    return this.space[offset]!;
  }

  /** Writes the bytes of one access. */
  write(offset: number, bytes: readonly number[]): void {
    for (const [index, value] of bytes.entries()) {
      const at = offset + index;
      const mask = this.writable[at]!;
      this.space[at] = (this.space[at]! & ~mask) | (value & mask);
      if (at === HEADER.status + 1) this.space[at]! &= ~(value & STATUS_CLEARED);
    }
    this.options.onChange?.();
  }

  reset(): void {
    this.space = this.initial.slice();
    this.options.onChange?.();
  }

  save(): Uint8Array {
    return this.space.slice();
  }

  restore(state: Uint8Array): void {
    this.space = state.slice();
    this.options.onChange?.();
  }
}
