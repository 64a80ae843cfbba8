/**
 * As much ACPI Machine Language as the description of a PC's PCI bus needs (ACPI specification 6.5, chapter 20; resource
 * descriptors: 6.4). Each function returns the encoded term.
 */

export type Aml = readonly number[];

const ROOT_CHARACTER = 0x5c;
const NAME_OP = 0x08;
const WORD_PREFIX = 0x0b;
const DWORD_PREFIX = 0x0c;
const SCOPE_OP = 0x10;
const BUFFER_OP = 0x11;
const DEVICE_OP: Aml = [0x5b, 0x82];

const ascii = (text: string): number[] => [...text].map((letter) => letter.charCodeAt(0));
const word = (value: number): number[] => [value & 0xff, (value >>> 8) & 0xff];
const dword = (value: number): number[] => [...word(value & 0xffff), ...word(value >>> 16)];

/** Four characters, padded with "_"; a leading backslash is the root. */
function nameString(name: string): Aml {
  const isAbsolute = name.startsWith("\\");
  const segment = ascii((isAbsolute ? name.slice(1) : name).padEnd(4, "_"));
  return isAbsolute ? [ROOT_CHARACTER, ...segment] : segment;
}

/** Contents behind their length, which counts itself: one byte up to 63, else two (20.2.4). */
function withLength(contents: Aml): Aml {
  const short = contents.length + 1;
  if (short < 0x40) return [short, ...contents];
  const long = contents.length + 2;
  return [0x40 | (long & 0xf), long >> 4, ...contents];
}

export const scope = (name: string, ...terms: Aml[]): Aml => [
  SCOPE_OP,
  ...withLength([...nameString(name), ...terms.flat()]),
];

export const device = (name: string, ...terms: Aml[]): Aml => [
  ...DEVICE_OP,
  ...withLength([...nameString(name), ...terms.flat()]),
];

/** @param value a term, e.g. of `eisaId` or `resources` */
export const name = (text: string, value: Aml): Aml => [NAME_OP, ...nameString(text), ...value];

/** "PNP0A03" as the 32 bits of a compressed identifier: three letters of five bits, four digits (19.3.4). */
export function eisaId(id: string): Aml {
  const letters = ascii(id.slice(0, 3)).map((code) => code - 0x40);
  const packed = (letters[0]! << 10) | (letters[1]! << 5) | letters[2]!;
  const product = Number.parseInt(id.slice(3), 16);
  return [DWORD_PREFIX, packed >> 8, packed & 0xff, product >> 8, product & 0xff];
}

/** A buffer of resource descriptors, with the end tag. */
export function resources(...descriptors: Aml[]): Aml {
  const bytes = [...descriptors.flat(), 0x79, 0];
  return [BUFFER_OP, ...withLength([WORD_PREFIX, ...word(bytes.length), ...bytes])];
}

/** What a bridge passes on: kinds, and flags of the kind, of address-space descriptors (6.4.3.5). */
export const MEMORY_RANGE = [0, 1] as const; // read and write
export const IO_RANGE = [1, 3] as const; // all addresses, ISA or not
export const BUS_RANGE = [2, 0] as const;
/** Minimum and maximum are fixed. */
const FIXED = 0x0c;

/** Addresses `first`..`last` that a bridge passes on, of 16 or 32 bits as they need. */
export function addressRange([kind, flags]: readonly [number, number], first: number, last: number): Aml {
  const [tag, field] = last > 0xffff ? [0x87, dword] : [0x88, word];
  const values = [0, first, last, 0, last - first + 1].flatMap(field); // granularity, range, translation, length
  return [tag, ...word(3 + values.length), kind, FIXED, flags, ...values];
}

/** Ports that a device has itself (6.4.2.5). */
export const ports = (first: number, count: number): Aml => [
  0x47,
  1,
  ...word(first),
  ...word(first),
  1,
  count,
];
