/**
 * The symbols of an image, for profiles and traces: from an address to the function it lies in.
 * Addresses are virtual, signed and canonical, as everywhere (machine/address.ts).
 */
import { lastAtMost } from "../../util/search.js";

export interface SymbolMatch {
  readonly name: string;
  /** Bytes from the symbol's address. */
  readonly offset: number;
}

export interface ImageSymbol {
  readonly address: number;
  /** Bytes, or 0 when unknown, as for labels in assembly: such a symbol reaches to the next. */
  readonly size: number;
  /** Offset of its zero-terminated name in the string table. */
  readonly nameOffset: number;
}

export class SymbolTable {
  /** In ascending order; of several at one address the one with a size, then the first in the file. */
  private readonly addresses: Float64Array;
  private readonly sizes: Float64Array;
  private readonly nameOffsets: Uint32Array;

  /** @param strings the names, decoded when they are asked for; each offset must have a terminating zero after it */
  constructor(
    symbols: readonly ImageSymbol[],
    private readonly strings: Uint8Array,
  ) {
    const sorted = [...symbols].sort(
      (a, b) => a.address - b.address || Number(b.size > 0) - Number(a.size > 0),
    );
    const kept = sorted.filter((symbol, i) => i === 0 || symbol.address !== sorted[i - 1]!.address);
    this.addresses = Float64Array.from(kept, (symbol) => symbol.address);
    this.sizes = Float64Array.from(kept, (symbol) => symbol.size);
    this.nameOffsets = Uint32Array.from(kept, (symbol) => symbol.nameOffset);
  }

  get length(): number {
    return this.addresses.length;
  }

  address(index: number): number {
    return this.addresses[index]!;
  }

  /** Bytes, 0 when unknown. */
  size(index: number): number {
    return this.sizes[index]!;
  }

  name(index: number): string {
    const start = this.nameOffsets[index]!;
    return new TextDecoder().decode(this.strings.subarray(start, this.strings.indexOf(0, start)));
  }

  /** The symbol that `address` lies in: the last that begins at or before it and reaches it. */
  find(address: number): SymbolMatch | undefined {
    const index = this.indexOf(address);
    return index < 0 ? undefined : { name: this.name(index), offset: address - this.addresses[index]! };
  }

  /** The index of that symbol, or -1: for profiles that count by symbol. */
  indexOf(address: number): number {
    const { addresses } = this;
    const index = lastAtMost(addresses.length, (at) => addresses[at]!, address);
    if (index < 0) return -1;
    const size = this.sizes[index]!;
    return size > 0 && address >= addresses[index]! + size ? -1 : index;
  }

  /** The address of the symbol with this name, or undefined. Reads all names until it is found. */
  addressOf(name: string): number | undefined {
    for (let index = 0; index < this.length; index++) {
      if (this.name(index) === name) return this.addresses[index];
    }
    return undefined;
  }
}

export const NO_SYMBOLS = new SymbolTable([], new Uint8Array(0));
