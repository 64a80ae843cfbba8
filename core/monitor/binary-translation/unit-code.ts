/**
 * The bytes of a unit as it is translated. What is put in place of instructions is assembled once and copied from then on: a
 * sequence means the same wherever it lies, but for the displacement or the value that it may end with, which is put in.
 *
 *      │ copy of a sequence │ copy │ … jmp ──displacement── │ guest's own bytes │ …
 *                                                 point ↗
 */
import { Assembler } from "../../machine/x86/assemble.js";
import type { CodeWidth } from "./code-width.js";

/** Bytes of a near branch's displacement, and of a pushed value. */
export const FIELD_BYTES = 4;
/** A unit has more only where nearly all of its instructions become long sequences. */
const USUAL_BYTES = 256;

/** Code that was assembled. */
export interface Sequence {
  readonly bytes: Uint8Array;
  /** The place that whoever wrote it named, from its beginning; its end if none was. */
  readonly mark: number;
}

/** Writes a sequence; `mark` is a label that it may define. */
export type Writer = (code: Assembler, width: CodeWidth, mark: string) => void;

const MARK = "mark";

/** Sequences of a width by what they are. Each translator has its own. */
export class Sequences {
  private readonly known = new Map<string, Sequence>();

  constructor(readonly width: CodeWidth) {}

  /** @param key says all that the sequence depends on. */
  of(key: string, write: Writer): Sequence {
    let sequence = this.known.get(key);
    if (sequence === undefined) {
      sequence = this.assemble(write);
      this.known.set(key, sequence);
    }
    return sequence;
  }

  private assemble(write: Writer): Sequence {
    const code = new Assembler({ bits: this.width.bits });
    write(code, this.width, MARK);
    const { bytes, labels } = code.assemble();
    return { bytes, mark: Number(labels.get(MARK) ?? bytes.length) };
  }
}

export class UnitCode {
  private bytes = new Uint8Array(USUAL_BYTES);
  private length = 0;

  /** @param origin linear address of the first byte. */
  constructor(private readonly origin: number) {}

  /** Address of what is written next. */
  get address(): number {
    return this.origin + this.length;
  }

  /** Writes a sequence. Returns the address of its mark. */
  put({ bytes, mark }: Sequence): number {
    const { address } = this;
    this.copy(bytes);
    return address + mark;
  }

  copy(bytes: Uint8Array): void {
    const { length } = this;
    const end = length + bytes.length;
    if (end > this.bytes.length) {
      const larger = new Uint8Array(2 * end);
      larger.set(this.bytes);
      this.bytes = larger;
    }
    for (let at = 0; at < bytes.length; at++) this.bytes[length + at] = bytes[at]!;
    this.length = end;
  }

  /** Sets the value that ends at an address. */
  setField(end: number, value: number): void {
    const at = end - this.origin - FIELD_BYTES;
    for (let byte = 0; byte < FIELD_BYTES; byte++) this.bytes[at + byte] = value >>> (8 * byte);
  }

  /** Points the near branch that ends at an address to a target. */
  setTarget(end: number, target: number): void {
    this.setField(end, target - end);
  }

  /** What was written. */
  take(): Uint8Array {
    return this.bytes.slice(0, this.length);
  }
}
