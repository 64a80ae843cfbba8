/** The data of IDENTIFY DEVICE (ATA/ATAPI-6, clause 8): the words that software reads, and what this drive can do. */

import {
  DEFAULT_TRANSLATION,
  type DriveSettings,
  MODE_KIND,
  MODE_NUMBER,
  MOST_MULTIPLE,
  MULTIWORD_DMA,
  ULTRA_DMA,
} from "./settings.js";
import type { Translation } from "./task-file.js";

const WORDS = 256;
const MODEL = "virtlab disk";
const SERIAL = "VL00000001";
const FIRMWARE = "1.0";
const MOST_CYLINDERS = 16_383;
/** Sectors that a 28-bit address reaches. */
const MOST_LBA28_SECTORS = 0xfff_ffff;
/** Shortest cycle of every mode that has one, ns. */
const CYCLE_NS = 120;

const SUPPORTS_LBA_DMA_IORDY = 0x0b00;
/** ATA-4 to ATA-6. */
const MAJOR_VERSIONS = 0x0070;
const WRITE_CACHE = 1 << 5;
const LOOK_AHEAD = 1 << 6;
const LBA_48 = 1 << 10;
const FLUSH_CACHE = 1 << 12;
const FLUSH_CACHE_EXT = 1 << 13;
/** Words 83, 84 and 87 show by bit 14 set and 15 clear that they are valid. */
const VALID = 1 << 14;
/** Device 0, jumpered; 80-conductor cable. */
const RESET_RESULT = 0x600b;
const SIGNATURE = 0xa5;

function cylindersOf(sectors: number, { heads, sectorsPerTrack }: Translation): number {
  return Math.min(MOST_CYLINDERS, Math.floor(sectors / (heads * sectorsPerTrack)));
}

/** The 512 bytes of a drive with these settings and so many sectors. */
export function identify(settings: DriveSettings, sectors: number): Uint8Array {
  const { translation, multiple, transferMode } = settings;
  const { heads, sectorsPerTrack } = translation;
  const words = new Uint16Array(WORDS);
  const cylinders = cylindersOf(sectors, translation);
  const translatedSectors = cylinders * heads * sectorsPerTrack;
  words[0] = 0x0040; // ATA device, not removable
  words[1] = cylindersOf(sectors, DEFAULT_TRANSLATION);
  words[3] = DEFAULT_TRANSLATION.heads;
  words[6] = DEFAULT_TRANSLATION.sectorsPerTrack;
  putText(words, 10, 10, SERIAL);
  putText(words, 23, 4, FIRMWARE);
  putText(words, 27, 20, MODEL);
  words[47] = 0x8000 | MOST_MULTIPLE;
  words[49] = SUPPORTS_LBA_DMA_IORDY;
  words[50] = VALID;
  words[53] = 0x0007; // words 54-58, 64-70 and 88 are valid
  words[54] = cylinders;
  words[55] = heads;
  words[56] = sectorsPerTrack;
  putNumber(words, 57, 2, translatedSectors);
  words[59] = multiple === 0 ? 0 : 0x0100 | multiple;
  putNumber(words, 60, 2, Math.min(sectors, MOST_LBA28_SECTORS));
  words[63] = modes(MULTIWORD_DMA, transferMode);
  words[64] = 0x0003; // PIO modes 3 and 4
  words.fill(CYCLE_NS, 65, 69);
  words[80] = MAJOR_VERSIONS;
  words[82] = WRITE_CACHE | LOOK_AHEAD;
  words[83] = VALID | LBA_48 | FLUSH_CACHE | FLUSH_CACHE_EXT;
  words[84] = VALID;
  words[85] = (settings.writeCache ? WRITE_CACHE : 0) | (settings.lookAhead ? LOOK_AHEAD : 0);
  words[86] = LBA_48 | FLUSH_CACHE | FLUSH_CACHE_EXT;
  words[87] = VALID;
  words[88] = modes(ULTRA_DMA, transferMode);
  words[93] = RESET_RESULT;
  putNumber(words, 100, 4, sectors);
  const bytes = new Uint8Array(2 * WORDS);
  for (const [index, word] of words.entries()) {
    bytes[2 * index] = word & 0xff;
    bytes[2 * index + 1] = word >> 8;
  }
  // Word 255: a signature, and what makes the sum of all bytes 0.
  bytes[510] = SIGNATURE;
  bytes[511] = -bytes.reduce((sum, byte) => sum + byte, 0);
  return bytes;
}

/** Modes 0 to `most` supported in the low byte; the selected one in the high. */
function modes({ kind, most }: { kind: number; most: number }, transferMode: number): number {
  const supported = (2 << most) - 1;
  const isSelected = (transferMode & MODE_KIND) === kind;
  return supported | (isSelected ? 0x100 << (transferMode & MODE_NUMBER) : 0);
}

/** Text has its first character in the upper byte of a word, and is filled up with spaces. */
function putText(words: Uint16Array, first: number, count: number, text: string): void {
  const padded = text.padEnd(2 * count);
  for (let i = 0; i < count; i++) {
    words[first + i] = (padded.charCodeAt(2 * i) << 8) | padded.charCodeAt(2 * i + 1);
  }
}

/** Numbers have their low word first. */
function putNumber(words: Uint16Array, first: number, count: number, value: number): void {
  for (let i = 0; i < count; i++) words[first + i] = Math.floor(value / 2 ** (16 * i)) % 0x1_0000;
}
