/**
 * A VMCS region in simulated memory: 4 KiB of a frame, read and written where they are. What the fields mean is not known here.
 *
 *      byte   0  revision identifier        4  VMX-abort indicator      8  launch state: 0 clear, 1 launched
 *            16  fields, 8 bytes each, in the order of fields.ts
 */
import { FIELD, FIELDS, type FieldName, WIDTH } from "./fields.js";

/** Of this processor's layout: IA32_VMX_BASIC bits 30..0. */
export const REVISION = 0x11;
const REVISION_WORD = 0;
const LAUNCH_WORD = 2;
const FIRST_WORD = 4;
const FIELD_WORDS = 2;
const FRAME_WORDS = 1024;
const TWO_32 = 2 ** 32;

export class Vmcs {
  private readonly words: Int32Array;

  /** @param ram of the machine. @param frame that holds the region. */
  constructor(
    ram: Int32Array,
    readonly frame: number,
  ) {
    this.words = ram.subarray(frame * FRAME_WORDS, (frame + 1) * FRAME_WORDS);
  }

  get revision(): number {
    return this.words[REVISION_WORD]!;
  }
  set revision(value: number) {
    this.words[REVISION_WORD] = value;
  }

  get isLaunched(): boolean {
    return this.words[LAUNCH_WORD] !== 0;
  }
  set isLaunched(yes: boolean) {
    this.words[LAUNCH_WORD] = yes ? 1 : 0;
  }

  /** Bits 31..0 of a field, as int32. @param field FIELD.… */
  low(field: number): number {
    return this.words[FIRST_WORD + FIELD_WORDS * field]!;
  }

  high(field: number): number {
    return this.words[FIRST_WORD + FIELD_WORDS * field + 1]!;
  }

  /** A field as an unsigned number; exact below 2^53, which every physical address is. */
  unsigned(field: number): number {
    return (this.high(field) >>> 0) * TWO_32 + (this.low(field) >>> 0);
  }

  /** Sets a field; what does not fit its width is dropped. */
  set(field: number, low: number, high = 0): void {
    const { width } = FIELDS[field]!;
    const at = FIRST_WORD + FIELD_WORDS * field;
    this.words[at] = width === WIDTH.bits16 ? low & 0xffff : low;
    this.words[at + 1] = width === WIDTH.bits16 || width === WIDTH.bits32 ? 0 : high;
  }

  /** Sets a field to an unsigned number. */
  setUnsigned(field: number, value: number): void {
    this.set(field, value | 0, Math.floor(value / TWO_32) | 0);
  }

  /** Sets fields to unsigned numbers, or to 32 bits as int32. */
  setAll(values: Readonly<Partial<Record<FieldName, number>>>): void {
    for (const [name, value] of Object.entries(values))
      this.setUnsigned(FIELD[name as FieldName], value < 0 ? value >>> 0 : value);
  }
}
