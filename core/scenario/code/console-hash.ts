/** The fingerprint of a guest that executes code: what it printed, and the status with which it ended. */
import { Fnv64 } from "../../guest/kernel/fingerprint.js";

export class ConsoleHash {
  private readonly hash = new Fnv64();
  private word = 0;
  private length = 0;

  add(byte: number): void {
    this.word |= byte << (8 * (this.length & 3));
    this.length++;
    if ((this.length & 3) !== 0) return;
    this.hash.add(this.word);
    this.word = 0;
  }

  /** The hash of all bytes and a status; once, at the end. */
  with(status: number): string {
    for (const word of [this.word, this.length, status]) this.hash.add(word);
    return this.hash.hex;
  }
}
