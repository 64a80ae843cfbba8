/**
 * Reads a guest image, which may be truncated or hostile: every access is checked against the file, and what is wrong is
 * said with the field, its offset and what was expected. Little-endian, as everything on x86.
 */
import { UserError } from "../../util/errors.js";

const TWO_TO_32 = 0x1_0000_0000;
/** Above this a 64-bit field is no exact number, and no address or size of a machine that exists. */
const HIGH_HALF_LIMIT = 0x20_0000;

/** 4096 → "0x1000"; a negative (canonical kernel) address as the 64 bits it stands for. */
export function hex(value: number): string {
  return `0x${(value < 0 ? BigInt.asUintN(64, BigInt(value)) : value).toString(16)}`;
}

export class ImageReader {
  private readonly view: DataView;

  /** @param name what messages call the image, e.g. its file name */
  constructor(
    readonly bytes: Uint8Array,
    readonly name: string,
  ) {
    this.view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  get length(): number {
    return this.bytes.length;
  }

  /** True when `length` bytes from `offset` lie in the file. */
  has(offset: number, length: number): boolean {
    return offset >= 0 && length >= 0 && offset + length <= this.length;
  }

  u8(offset: number, field: string): number {
    this.check(offset, 1, field);
    return this.view.getUint8(offset);
  }

  u16(offset: number, field: string): number {
    this.check(offset, 2, field);
    return this.view.getUint16(offset, true);
  }

  u32(offset: number, field: string): number {
    this.check(offset, 4, field);
    return this.view.getUint32(offset, true);
  }

  /** A 64-bit address or size in a file or in physical memory. @throws UserError from 2^53 on */
  u64(offset: number, field: string): number {
    this.check(offset, 8, field);
    const high = this.view.getUint32(offset + 4, true);
    if (high >= HIGH_HALF_LIMIT) {
      const value = this.view.getBigUint64(offset, true);
      this.fail(`${field} (at byte ${hex(offset)}) is 0x${value.toString(16)}, larger than any machine`);
    }
    return high * TWO_TO_32 + this.view.getUint32(offset, true);
  }

  /** A 64-bit virtual address, signed and canonical (48 bits), or undefined when it is not canonical. */
  virtual(offset: number, field: string): number | undefined {
    this.check(offset, 8, field);
    const high = this.view.getInt32(offset + 4, true);
    const isCanonical = high >> 15 === 0 || high >> 15 === -1;
    return isCanonical ? high * TWO_TO_32 + this.view.getUint32(offset, true) : undefined;
  }

  /** `length` bytes at `offset`: a view, not a copy. */
  slice(offset: number, length: number, field: string): Uint8Array {
    this.check(offset, length, field);
    return this.bytes.subarray(offset, offset + length);
  }

  /** True when the bytes at `offset` are these. */
  matches(offset: number, expected: readonly number[]): boolean {
    return (
      this.has(offset, expected.length) &&
      expected.every((byte, index) => this.bytes[offset + index] === byte)
    );
  }

  /** @throws UserError whose place is the image */
  fail(message: string, mend?: string): never {
    throw new UserError(message, { where: this.name, ...(mend === undefined ? {} : { mend }) });
  }

  private check(offset: number, length: number, field: string): void {
    if (this.has(offset, length)) return;
    const reach = offset + length;
    this.fail(
      `${field} (${hex(length)} bytes at ${hex(offset)}) reaches byte ${reach}, but the file has ${this.length}`,
      "the file was cut off, or is no such image: build or copy it again",
    );
  }
}
