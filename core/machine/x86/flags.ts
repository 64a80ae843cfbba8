/** The bits of EFLAGS that instructions read and write (Intel SDM vol. 1, 3.4.3); masks of a row are over these places. */
export const FLAG = {
  CF: 1 << 0,
  PF: 1 << 2,
  AF: 1 << 4,
  ZF: 1 << 6,
  SF: 1 << 7,
  TF: 1 << 8,
  IF: 1 << 9,
  DF: 1 << 10,
  OF: 1 << 11,
  AC: 1 << 18,
} as const;

/** The six flags that arithmetic sets. */
export const STATUS_FLAGS = FLAG.OF | FLAG.SF | FLAG.ZF | FLAG.AF | FLAG.PF | FLAG.CF;

/** One letter a flag, as the columns of SDM vol. 1, appendix A. "X" is AC, the alignment check. */
const LETTERS: Readonly<Record<string, number>> = {
  O: FLAG.OF,
  S: FLAG.SF,
  Z: FLAG.ZF,
  A: FLAG.AF,
  P: FLAG.PF,
  C: FLAG.CF,
  T: FLAG.TF,
  I: FLAG.IF,
  D: FLAG.DF,
  X: FLAG.AC,
};

/** Mask of flags written as letters: "OSZAPC". A letter that is none gives NaN, which the table's test finds. */
export function flagMask(letters: string): number {
  let mask = 0;
  for (const letter of letters) mask += LETTERS[letter] ?? Number.NaN;
  return mask;
}
