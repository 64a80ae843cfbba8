/** What firmware keeps in CMOS RAM for operating systems: memory sizes, equipment, the century, and a checksum. */
import { KIB, MIB } from "../../../util/units.js";
import type { Rtc } from "../rtc/rtc.js";

/** Addresses in CMOS RAM (IBM PC/AT technical reference; those from 0x30 are common extensions). */
const CMOS = {
  diskTypes: 0x12,
  equipment: 0x14,
  baseMemory: 0x15,
  extendedMemory: 0x17,
  disk0Type: 0x19,
  checksumFirst: 0x10,
  checksumLast: 0x2d,
  checksum: 0x2e,
  extendedMemoryCopy: 0x30,
  century: 0x32,
  memoryAbove16MiB: 0x34,
  memoryAbove4GiB: 0x5b,
} as const;

const BASE_MEMORY_KIB = 640;
/** Coprocessor present, no diskette drives. */
const EQUIPMENT = 0x02;
/** Drive 0 has an extended type. */
const DISK_0 = 0xf0;
const DISK_0_USER_TYPE = 47;

/**
 * Fills CMOS RAM.
 * @param memoryBytes RAM below 4 GiB, from address 0, and above it.
 * @param hasDisk drive 0 is a hard disk.
 */
export function fillCmos(
  rtc: Rtc,
  memoryBytes: { readonly below4GiB: number; readonly above4GiB: number },
  century: number,
  hasDisk: boolean,
): void {
  const ram = new Uint8Array(128);
  const put = (address: number, bytes: number, value: number): void => {
    for (let i = 0; i < bytes; i++) ram[address + i] = Math.floor(value / 256 ** i) % 256;
  };
  const { below4GiB, above4GiB } = memoryBytes;
  const extendedKib = Math.min(0xffff, Math.max(0, Math.floor((below4GiB - MIB) / KIB)));
  put(CMOS.diskTypes, 1, hasDisk ? DISK_0 : 0);
  put(CMOS.disk0Type, 1, hasDisk ? DISK_0_USER_TYPE : 0);
  put(CMOS.equipment, 1, EQUIPMENT);
  put(CMOS.baseMemory, 2, BASE_MEMORY_KIB);
  put(CMOS.extendedMemory, 2, extendedKib);
  put(CMOS.extendedMemoryCopy, 2, extendedKib);
  put(CMOS.century, 1, (Math.floor(century / 10) << 4) | (century % 10));
  put(
    CMOS.memoryAbove16MiB,
    2,
    Math.min(0xffff, Math.max(0, Math.floor((below4GiB - 16 * MIB) / (64 * KIB)))),
  );
  put(CMOS.memoryAbove4GiB, 3, Math.floor(above4GiB / (64 * KIB)));
  const summed = ram.subarray(CMOS.checksumFirst, CMOS.checksumLast + 1).reduce((sum, byte) => sum + byte, 0);
  ram[CMOS.checksum] = summed >> 8;
  ram[CMOS.checksum + 1] = summed & 0xff;
  for (let address = CMOS.checksumFirst; address < ram.length; address++) rtc.setRam(address, ram[address]!);
}
