/**
 * What a guest sends by its first serial port, as a text within bounds: a guest that prints for ever takes no more than this.
 * The first bytes are kept and the last; between them a line says how many are missing.
 */

/** Bytes kept of the beginning, and of the end. */
const FIRST_BYTES = 1 << 20;
const LAST_BYTES = 1 << 16;
const SMALLEST = 1 << 10;
const NOTHING = new Uint8Array(0);

export interface ConsoleState {
  readonly length: number;
  readonly last: Uint8Array;
}

export class Console {
  /** Bytes received. */
  length = 0;
  private first = new Uint8Array(SMALLEST);
  private readonly last = new Uint8Array(LAST_BYTES);

  add(byte: number): void {
    if (this.length >= FIRST_BYTES) this.last[(this.length - FIRST_BYTES) % LAST_BYTES] = byte;
    else {
      if (this.length === this.first.length) this.grow();
      this.first[this.length] = byte;
    }
    this.length++;
  }

  /** As UTF-8; bytes that are none become U+FFFD. */
  get text(): string {
    const decoder = new TextDecoder();
    const first = decoder.decode(this.first.subarray(0, Math.min(this.length, FIRST_BYTES)));
    const more = this.length - FIRST_BYTES;
    if (more <= 0) return first;
    const missing = Math.max(0, more - LAST_BYTES);
    const end = more % LAST_BYTES;
    const last = missing === 0 ? this.last.subarray(0, more) : rotated(this.last, end);
    return first + (missing === 0 ? "" : `\n… ${missing} bytes left out …\n`) + decoder.decode(last);
  }

  save(): ConsoleState {
    return { length: this.length, last: this.length > FIRST_BYTES ? this.last.slice() : NOTHING };
  }

  /** Back to what this same console was: the beginning is still there. */
  restore({ length, last }: ConsoleState): void {
    this.length = length;
    this.last.set(last);
  }

  private grow(): void {
    const larger = new Uint8Array(2 * this.first.length);
    larger.set(this.first);
    this.first = larger;
  }
}

/** The bytes from `start` on, then those before it. */
function rotated(bytes: Uint8Array, start: number): Uint8Array {
  const result = new Uint8Array(bytes.length);
  result.set(bytes.subarray(start));
  result.set(bytes.subarray(0, start), bytes.length - start);
  return result;
}
