/**
 * The command block registers of a drive (ATA/ATAPI-6, clause 7): each keeps the last two values written, which
 * together make the 48-bit address and the 16-bit count; and how an address is read from them.
 *
 *   LBA48   previous high, mid, low | current high, mid, low
 *   LBA28   device 3..0 | high | mid | low
 *   CHS     cylinder = high, mid; head = device 3..0; sector = low, from 1
 */

/** Command block registers by their offset from the first port. */
export const REGISTER = {
  data: 0,
  /** Features when written. */
  error: 1,
  count: 2,
  lbaLow: 3,
  lbaMid: 4,
  lbaHigh: 5,
  device: 6,
  /** Command when written. */
  status: 7,
} as const;

const DEVICE_HEAD = 0x0f;
const DEVICE_LBA = 0x40;
/** Device 1 is selected. */
export const DEVICE_SELECT = 0x10;

const TWO_24 = 0x100_0000;
/** What a count of 0 stands for. */
const WHOLE_COUNT_8 = 0x100;
const WHOLE_COUNT_16 = 0x1_0000;

export interface TaskFile {
  /** By register: the value written last; error's is features. */
  current: Uint8Array;
  /** The value before that. */
  previous: Uint8Array;
}

/** How cylinders, heads and sectors are counted. */
export interface Translation {
  readonly heads: number;
  readonly sectorsPerTrack: number;
}

/** Registers after a reset: the signature of a drive without PACKET (ATA/ATAPI-6, "Signature and persistence"). */
export function signature(device = 0): TaskFile {
  const current = new Uint8Array(8);
  current[REGISTER.count] = 1;
  current[REGISTER.lbaLow] = 1;
  current[REGISTER.device] = device & DEVICE_SELECT;
  return { current, previous: new Uint8Array(8) };
}

/** Writes a register; its old value becomes the previous one. The device register has no previous value. */
export function writeRegister(file: TaskFile, register: number, value: number): void {
  file.previous[register] = file.current[register]!;
  file.current[register] = value;
}

/** The first sector that a command names; -1 for a cylinder, head or sector that is not. */
export function addressOf(file: TaskFile, isExtended: boolean, translation: Translation): number {
  const { current, previous } = file;
  const device = current[REGISTER.device]!;
  const low = lba24(current);
  if (isExtended) return lba24(previous) * TWO_24 + low;
  if (device & DEVICE_LBA) return (device & DEVICE_HEAD) * TWO_24 + low;
  const { heads, sectorsPerTrack } = translation;
  const head = device & DEVICE_HEAD;
  const sector = current[REGISTER.lbaLow]!;
  if (head >= heads || sector === 0 || sector > sectorsPerTrack) return -1;
  return ((low >> 8) * heads + head) * sectorsPerTrack + sector - 1;
}

/** Sectors that a command moves: 1 to 256, or to 65,536. */
export function countOf({ current, previous }: TaskFile, isExtended: boolean): number {
  const low = current[REGISTER.count]!;
  if (!isExtended) return low === 0 ? WHOLE_COUNT_8 : low;
  const count = (previous[REGISTER.count]! << 8) | low;
  return count === 0 ? WHOLE_COUNT_16 : count;
}

/** LBA bits 23..0. */
function lba24(values: Uint8Array): number {
  return values[REGISTER.lbaLow]! | (values[REGISTER.lbaMid]! << 8) | (values[REGISTER.lbaHigh]! << 16);
}
