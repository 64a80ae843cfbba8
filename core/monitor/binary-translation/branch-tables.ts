/**
 * Where indirect branches go: two tables in the data pages, which translated code searches (sequences.ts, `branch`).
 *
 *      guest address  … │ second byte │ low byte │
 *                              │            └──→ its place in the first table, where a new one goes
 *                              └───────────────→ its place in the second: one that a new one puts out of the first moves there
 *
 * With the first alone two returns of a path whose addresses end alike would put one another out for ever.
 */
import { highHalf, lowHalf } from "../../machine/address.js";
import type { BranchTable, CodeWidth } from "./code-width.js";

const ENTRIES = 256;
/** No instruction of a guest kernel begins here: a tag of nothing. */
const NOWHERE = -1;

/** Where the tables are: words by their offsets, bytes. */
interface Words {
  word(offset: number): number;
  setWord(offset: number, value: number): void;
}

export class BranchTables {
  constructor(
    private readonly data: Words,
    private width: CodeWidth,
  ) {
    this.forget(width);
  }

  /** From now on branches are those of code of a width, and none is remembered. */
  forget(width: CodeWidth): void {
    this.width = width;
    for (const { tags } of width.data.branches)
      for (let at = 0; at < ENTRIES * width.bytes; at += 4) this.data.setWord(tags + at, NOWHERE);
  }

  /** Remembers where a guest address is translated. */
  remember(guest: number, translated: number): void {
    const [first, second] = this.width.data.branches;
    const low = lowHalf(guest);
    const place = low & (ENTRIES - 1);
    const held = this.data.word(first.tags + this.width.bytes * place);
    if (held !== NOWHERE) {
      const heldHigh = this.data.word(first.tags + this.width.bytes * place + 4);
      const heldTranslation = this.data.word(first.translations + 4 * place);
      this.write(second, (held >>> 8) & (ENTRIES - 1), held, heldHigh, heldTranslation);
    }
    this.write(first, place, low, highHalf(guest), translated);
  }

  /** @param high of the guest address: written where tags have 64 bits. */
  private write(table: BranchTable, place: number, low: number, high: number, translated: number): void {
    const { data } = this;
    const { bytes } = this.width;
    data.setWord(table.tags + bytes * place, low);
    if (bytes === 8) data.setWord(table.tags + bytes * place + 4, high);
    data.setWord(table.translations + 4 * place, translated);
  }
}
