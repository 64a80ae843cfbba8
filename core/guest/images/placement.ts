/**
 * Puts the parts of an image and what the loader makes for it into guest memory: no two overlap, all lie in RAM.
 *
 * The loader's own structures (information, GDT, page tables) go as high as possible below the extended BIOS data area,
 * where images seldom are; modules go above the image.
 */
import { UserError } from "../../util/errors.js";
import { formatBytes, KIB } from "../../util/units.js";
import type { MemoryRegion, MemoryWrite, ZeroRange } from "./boot-plan.js";
import { hex } from "./image-reader.js";
import { HIGH_MEMORY_START, LOW_MEMORY_END, MEMORY_USABLE, type MemoryMap } from "./memory-map.js";

/** The interrupt vector table and BIOS data area: nothing is placed there unless the image says so. */
const FIRST_FREE = 0x1000;
/** Option ROMs and firmware lie from here to 1 MiB; on a PC of today it is RAM that the firmware filled. */
const SHADOW_START = 768 * KIB;
export const PAGE = 0x1000;

const alignUp = (value: number, alignment: number): number => Math.ceil(value / alignment) * alignment;
const alignDown = (value: number, alignment: number): number => Math.floor(value / alignment) * alignment;

export class Placement {
  readonly writes: MemoryWrite[] = [];
  readonly zero: ZeroRange[] = [];
  /** In ascending order. */
  readonly regions: MemoryRegion[] = [];

  /** @param image what messages call the image */
  constructor(
    private readonly map: MemoryMap,
    private readonly memoryBytes: number,
    private readonly image: string,
  ) {}

  /** Memory that the image asks for at this address. @throws UserError when it is not RAM or overlaps another part */
  reserve(name: string, physical: number, length: number): void {
    this.checkRam(name, physical, length);
    this.occupy(name, physical, length);
  }

  /** Contents of reserved memory. @param length bytes of memory; those after `bytes` are zero */
  fill(name: string, physical: number, bytes: Uint8Array, length = bytes.length): void {
    if (bytes.length > 0) this.writes.push({ name, physical, bytes });
    if (length > bytes.length) {
      this.zero.push({ physical: physical + bytes.length, length: length - bytes.length });
    }
  }

  /** Bytes at an address in RAM or where firmware lies, from 768 KiB to 1 MiB: a BIOS, or its tables. @throws UserError */
  loadFirmware(name: string, physical: number, bytes: Uint8Array): void {
    const isShadow = physical >= SHADOW_START && physical + bytes.length <= HIGH_MEMORY_START;
    if (!isShadow) this.checkRam(name, physical, bytes.length);
    this.occupy(name, physical, bytes.length);
    this.fill(name, physical, bytes);
  }

  /** Bytes anywhere in low memory, as high as possible. @returns the address */
  placeLow(name: string, bytes: Uint8Array, alignment = 16): number {
    const physical = this.reserveBelow(name, bytes.length, LOW_MEMORY_END, alignment);
    this.fill(name, physical, bytes);
    return physical;
  }

  /** Bytes as high as possible below `limit`. @returns the address */
  placeBelow(name: string, bytes: Uint8Array, limit: number, alignment = PAGE): number {
    const physical = this.reserveBelow(name, bytes.length, limit, alignment);
    this.fill(name, physical, bytes);
    return physical;
  }

  /** Memory as high as possible below `limit`, its contents unspecified. @returns the address */
  reserveBelow(name: string, length: number, limit: number, alignment = PAGE): number {
    const usable = this.map.filter((range) => range.type === MEMORY_USABLE).reverse();
    for (const range of usable) {
      const first = Math.max(range.base, FIRST_FREE);
      let physical = alignDown(Math.min(range.base + range.length, limit) - length, alignment);
      for (let i = this.regions.length - 1; i >= 0 && physical >= first; i--) {
        const region = this.regions[i]!;
        if (region.physical >= physical + length) continue;
        if (region.physical + region.length <= physical) break;
        physical = alignDown(region.physical - length, alignment);
      }
      if (physical >= first) {
        this.occupy(name, physical, length);
        return physical;
      }
    }
    return this.full(name, length);
  }

  /** Bytes as low as possible above 1 MiB and above everything that is there. @returns the address */
  placeAbove(name: string, bytes: Uint8Array, alignment = PAGE): number {
    const end = this.regions.reduce((last, region) => Math.max(last, region.physical + region.length), 0);
    const physical = alignUp(Math.max(end, HIGH_MEMORY_START), alignment);
    if (!this.isRam(physical, bytes.length)) this.full(name, bytes.length);
    this.occupy(name, physical, bytes.length);
    this.fill(name, physical, bytes);
    return physical;
  }

  private isRam(physical: number, length: number): boolean {
    return this.map.some(
      (range) =>
        range.type === MEMORY_USABLE &&
        physical >= range.base &&
        physical + length <= range.base + range.length,
    );
  }

  private checkRam(name: string, physical: number, length: number): void {
    if (this.isRam(physical, length)) return;
    const ram = this.map
      .filter((range) => range.type === MEMORY_USABLE)
      .map((range) => `${hex(range.base)} to ${hex(range.base + range.length)}`);
    throw new UserError(
      `${name} goes to ${hex(physical)}, ${formatBytes(length)}, which is not all RAM: that is ${ram.join(" and ")}`,
      { where: this.image, mend: "give the machine more memory, or link the image to another address" },
    );
  }

  private occupy(name: string, physical: number, length: number): void {
    if (length === 0) return;
    let at = this.regions.findIndex((region) => region.physical + region.length > physical);
    if (at < 0) at = this.regions.length;
    const next = this.regions[at];
    if (next !== undefined && next.physical < physical + length) {
      throw new UserError(
        `${name} (${hex(physical)} to ${hex(physical + length)}) overlaps ${next.name} ` +
          `(${hex(next.physical)} to ${hex(next.physical + next.length)})`,
        { where: this.image },
      );
    }
    this.regions.splice(at, 0, { name, physical, length });
  }

  private full(name: string, length: number): never {
    throw new UserError(
      `there is no room for ${name}, ${formatBytes(length)}, in ${formatBytes(this.memoryBytes)} of memory`,
      { where: this.image, mend: "give the machine more memory" },
    );
  }
}
