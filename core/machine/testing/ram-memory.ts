/** RAM as the oracle reads it (guest/testing/reference-translator.ts): by byte address, entries as BigInts. */
import type { PhysicalMemory } from "../../guest/testing/reference-translator.js";

export class RamMemory implements PhysicalMemory {
  constructor(readonly words: Int32Array) {}

  read(address: bigint, bytes: 4 | 8): bigint {
    const word = Number(address / 4n);
    const low = BigInt(this.words[word]! >>> 0);
    return bytes === 4 ? low : low | (BigInt(this.words[word + 1]! >>> 0) << 32n);
  }

  write(address: bigint, bytes: 4 | 8, value: bigint): void {
    const word = Number(address / 4n);
    this.words[word] = Number(BigInt.asIntN(32, value));
    if (bytes === 8) this.words[word + 1] = Number(BigInt.asIntN(32, value >> 32n));
  }
}
