/** A structure in guest memory being written, field after field, little-endian. */
export class ByteWriter {
  readonly bytes: Uint8Array<ArrayBuffer>;
  private readonly view: DataView;

  constructor(length: number) {
    this.bytes = new Uint8Array(length);
    this.view = new DataView(this.bytes.buffer);
  }

  u8(offset: number, value: number): this {
    this.view.setUint8(offset, value);
    return this;
  }

  u16(offset: number, value: number): this {
    this.view.setUint16(offset, value, true);
    return this;
  }

  u32(offset: number, value: number): this {
    this.view.setUint32(offset, value, true);
    return this;
  }

  /** @param value a nonnegative integer below 2^53 */
  u64(offset: number, value: number): this {
    this.u32(offset, value % 0x1_0000_0000);
    return this.u32(offset + 4, Math.floor(value / 0x1_0000_0000));
  }

  copy(offset: number, bytes: Uint8Array): this {
    this.bytes.set(bytes, offset);
    return this;
  }

  /** One byte for each character, without a terminating zero; the rest of a fixed field stays as it is. */
  ascii(offset: number, text: string): this {
    for (let i = 0; i < text.length; i++) this.u8(offset + i, text.charCodeAt(i) & 0xff);
    return this;
  }

  /** Sets the byte at `offset` so that bytes `start`..`end - 1` sum to 0 modulo 256: the checksum of firmware tables. */
  checksum(offset: number, start = 0, end = this.bytes.length): this {
    this.bytes[offset] = 0;
    const sum = this.bytes.subarray(start, end).reduce((total, byte) => total + byte, 0);
    return this.u8(offset, -sum & 0xff);
  }
}

/** A zero-terminated string, UTF-8. */
export function cString(text: string): Uint8Array {
  return new TextEncoder().encode(`${text}\0`);
}
