/**
 * The map of physical memory that every boot protocol hands to the guest, in the types of the BIOS call INT 15h E820
 * (ACPI specification 6.5, 15.1 and table 15.2). The classical PC:
 *
 *     0         639 KiB   RAM
 *     639 KiB   640 KiB   reserved: extended BIOS data area
 *     640 KiB   960 KiB   not listed: frame buffer and option ROMs
 *     960 KiB   1 MiB     reserved: firmware, where the MP and ACPI tables are
 *     1 MiB     …         RAM, up to the hole for devices below 4 GiB
 *     4 GiB     …         the RAM that the hole displaced
 */
import { GIB, KIB, MIB } from "../../util/units.js";

export const MEMORY_USABLE = 1;
export const MEMORY_RESERVED = 2;
export type MemoryType = typeof MEMORY_USABLE | typeof MEMORY_RESERVED;

export interface MemoryRange {
  readonly base: number;
  readonly length: number;
  readonly type: MemoryType;
}
export type MemoryMap = readonly MemoryRange[];

/** Where the extended BIOS data area begins: the end of low RAM. */
export const LOW_MEMORY_END = 639 * KIB;
const LEGACY_HOLE_START = 640 * KIB;
/** Where guests look for tables of the firmware (MP specification 1.4, 4; ACPI specification 6.5, 5.2.5.1). */
export const FIRMWARE_START = 960 * KIB;
export const HIGH_MEMORY_START = MIB;
export const DEFAULT_DEVICE_HOLE_START = 3 * GIB;
const DEVICE_HOLE_END = 4 * GIB;

/**
 * The map of a PC with this much RAM, in ascending order.
 * @param memoryBytes RAM, including what lies behind the legacy hole
 * @param deviceHoleStart devices are mapped from here to 4 GiB; RAM beyond it moves above 4 GiB
 */
export function buildMemoryMap(memoryBytes: number, deviceHoleStart = DEFAULT_DEVICE_HOLE_START): MemoryMap {
  const below = Math.min(memoryBytes, deviceHoleStart);
  const ranges: MemoryRange[] = [
    { base: 0, length: Math.min(below, LOW_MEMORY_END), type: MEMORY_USABLE },
    { base: LOW_MEMORY_END, length: LEGACY_HOLE_START - LOW_MEMORY_END, type: MEMORY_RESERVED },
    { base: FIRMWARE_START, length: HIGH_MEMORY_START - FIRMWARE_START, type: MEMORY_RESERVED },
    { base: HIGH_MEMORY_START, length: below - HIGH_MEMORY_START, type: MEMORY_USABLE },
    { base: DEVICE_HOLE_END, length: memoryBytes - below, type: MEMORY_USABLE },
  ];
  return ranges.filter((range) => range.length > 0);
}

/** Bytes of RAM from 1 MiB to the first hole: what "upper memory" means to Multiboot. */
export function upperMemory(map: MemoryMap): number {
  return map.find((range) => range.base === HIGH_MEMORY_START)?.length ?? 0;
}
