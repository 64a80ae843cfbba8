/** The MSR permissions map (AMD APM vol. 2, 15.11): two bits for each of 8,192 MSRs in three ranges; 1: it leaves. */
const MSRS = 0x2000;
const BITS_PER_MSR = 2;
/** First MSR of each range, and the range's first byte. */
const RANGES: readonly (readonly [first: number, byte: number])[] = [
  [0, 0],
  [0xc000_0000, 0x800],
  [0xc001_0000, 0x1000],
];

/** The place of an MSR's bit for reads in the map, before that for writes; -1 where it has none, and always leaves. */
export function msrPermissionBit(register: number): number {
  const range = RANGES.find(([first]) => register >= first && register < first + MSRS);
  return range === undefined ? -1 : range[1] * 8 + (register - range[0]) * BITS_PER_MSR;
}
