/**
 * MXCSR, the control and status register of SSE (Intel SDM vol. 1, 10.2.3).
 *
 *      15 FTZ   14..13 rounding   12..7 masks PM UM OM ZM DM IM   6 DAZ   5..0 sticky flags PE UE OE ZE DE IE
 */
export const MXCSR = {
  /** Exception flags; the masks are the same six bits, MASK_SHIFT further up. */
  IE: 1,
  DE: 2,
  ZE: 4,
  OE: 8,
  UE: 0x10,
  PE: 0x20,
  DAZ: 0x40,
  FTZ: 0x8000,
} as const;
export const MXCSR_FLAGS = 0x3f;
export const MXCSR_MASK_SHIFT = 7;
export const MXCSR_ROUNDING_SHIFT = 13;

/** At reset: every exception masked, round to nearest. */
export const MXCSR_RESET = 0x1f80;
/** Bits that exist, as FXSAVE tells them (MXCSR_MASK); setting another is #GP(0). */
export const MXCSR_DEFINED = 0xffff;

/** Whether arithmetic is beyond what engines do: controls other than those of reset. */
export const isExactMxcsr = (mxcsr: number): boolean =>
  (mxcsr & MXCSR_DEFINED & ~MXCSR_FLAGS) !== MXCSR_RESET;
