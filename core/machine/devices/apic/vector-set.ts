/**
 * 256 bits, one a vector, as IRR, ISR and TMR hold them: eight 32-bit words, vector v in bit v % 32 of word v ÷ 32.
 */

export const SET_WORDS = 8;

export function hasVector(set: Int32Array, vector: number): boolean {
  return ((set[vector >> 5]! >> (vector & 31)) & 1) === 1;
}

export function addVector(set: Int32Array, vector: number): void {
  set[vector >> 5]! |= 1 << (vector & 31);
}

export function removeVector(set: Int32Array, vector: number): void {
  set[vector >> 5]! &= ~(1 << (vector & 31));
}

/** The highest vector, -1 when the set is empty. */
export function highestVector(set: Int32Array): number {
  for (let word = SET_WORDS - 1; word >= 0; word--) {
    const bits = set[word]!;
    if (bits !== 0) return word * 32 + 31 - Math.clz32(bits);
  }
  return -1;
}
