/** Comparing memories: vitest's deep equality takes milliseconds on a frame, so look for the first difference by hand. */

/** "" when equal, else where they differ first. */
export function firstDifference(actual: Int32Array, wanted: Int32Array): string {
  if (actual.length !== wanted.length) return `${actual.length} words, not ${wanted.length}`;
  for (let word = 0; word < actual.length; word++) {
    if (actual[word] === wanted[word]) continue;
    const hex = (value: number): string => (value >>> 0).toString(16);
    return `frame ${word >>> 10}, word ${word & 1023}: ${hex(actual[word]!)}, not ${hex(wanted[word]!)}`;
  }
  return "";
}
