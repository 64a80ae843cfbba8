/**
 * The guest's memory by the linear addresses that it hands to hypercalls. An access that the guest's tables do not allow
 * throws the machine's GuestFault; nothing can be written that the guest could not write itself.
 */
import type { Core } from "../../machine/cpu/core.js";
import { GuestFault } from "../../machine/cpu/fault.js";
import { EXCEPTION } from "../../machine/cpu/state.js";

const HIGH = 2 ** 32;

export class GuestAccess {
  /** @param wordBytes of the guest's `unsigned long`. */
  constructor(
    private readonly core: () => Core,
    readonly wordBytes: 4 | 8,
  ) {}

  read8(address: number): number {
    return this.core().memory.read(this.highOf(address), address | 0, 1, false);
  }
  read16(address: number): number {
    return this.core().memory.read(this.highOf(address), address | 0, 2, false) & 0xffff;
  }
  write16(address: number, value: number): void {
    this.core().memory.write(this.highOf(address), address | 0, 2, value, false);
  }
  read32(address: number): number {
    return this.core().memory.read(this.highOf(address), address | 0, 4, false);
  }
  write32(address: number, value: number): void {
    this.core().memory.write(this.highOf(address), address | 0, 4, value, false);
  }

  /** 64 bits, as far as numbers are exact: an address, or nanoseconds. */
  read64(address: number): number {
    return this.read32(address + 4) * HIGH + (this.read32(address) >>> 0);
  }
  write64(address: number, value: number): void {
    this.write32(address, value | 0);
    this.write32(address + 4, Math.floor(value / HIGH) | 0);
  }

  /** A word of the guest's: unsigned of 32 bits, signed of 64. */
  readWord(address: number): number {
    return this.wordBytes === 4 ? this.read32(address) >>> 0 : this.read64(address);
  }
  writeWord(address: number, value: number): void {
    if (this.wordBytes === 4) this.write32(address, value | 0);
    else this.write64(address, value);
  }

  private highOf(address: number): number {
    if (this.wordBytes === 4) return 0;
    const high = Math.floor(address / HIGH) | 0;
    if (!this.core().isCanonical(high)) throw new GuestFault(EXCEPTION.GP, 0);
    return high;
  }
}
