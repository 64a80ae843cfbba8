/** One check of a VM entry, and what their lists are written with. */
import { EFER } from "../../cpu/control-bits.js";
import type { EntryState } from "./entry-state.js";

export interface EntryCheck {
  readonly name: string;
  /** Section of the manual (Intel SDM vol. 3). */
  readonly section: string;
  isMet(state: EntryState): boolean;
}

/** Bits of IA32_EFER that this machine has. */
export const EFER_DEFINED = EFER.SCE | EFER.LME | EFER.LMA | EFER.NXE;

/** The checks of a section by their names, in the order in which they are made. */
export const checksOf = (
  section: string,
  checks: Readonly<Record<string, EntryCheck["isMet"]>>,
): readonly EntryCheck[] => Object.entries(checks).map(([name, isMet]) => ({ name, section, isMet }));

/** If a condition holds, then another must. */
export const implies = (condition: boolean, then: boolean): boolean => !condition || then;

/** Bits set in `fixed0` are 1, bits clear in `fixed1` are 0 (A.7, A.8). */
export const isFixed = (value: number, fixed0: number, fixed1: number): boolean =>
  (value & fixed0) === fixed0 && (value & ~fixed1) === 0;
