/** x87 comparisons (Intel SDM vol. 1, 8.3.6; vol. 2 by name). */
import type { Instruction } from "../../x86/instruction.js";
import type { Core } from "../core.js";
import { compare } from "../floating/arithmetic.js";
import { INVALID, isNan, operandFlags, type Real, zero } from "../floating/number.js";
import { RFLAGS } from "../state.js";
import { isMemory, loadReal, SIGN_BIT, stackIndex } from "./operands.js";
import {
  CONDITIONS,
  isEmpty,
  note,
  noteStackFault,
  pop,
  read,
  readBits,
  STATUS,
  setC1,
  setConditions,
} from "./registers.js";

/** Less, equal, greater, unordered: condition codes of the status word, and EFLAGS. */
const CODES = [STATUS.C0, STATUS.C3, 0, CONDITIONS];
const FLAGS = [RFLAGS.CF, RFLAGS.ZF, 0, RFLAGS.ZF | RFLAGS.PF | RFLAGS.CF];
const UNORDERED = 3;
const ALL_FLAGS = RFLAGS.CF | RFLAGS.PF | RFLAGS.AF | RFLAGS.ZF | RFLAGS.SF | RFLAGS.OF;

/** What a comparison found. */
interface Comparison {
  /** Place in CODES and FLAGS. They are set even if an exception is unmasked. */
  readonly place: number;
  /** No exception is unmasked: what pops may pop. */
  readonly goesOn: boolean;
}

/** Compares ST(0) with ST(index), or with a value. @param isQuiet quiet NaNs are not invalid (FUCOM). */
function order(core: Core, other: number | Real, isQuiet: boolean): Comparison {
  setC1(core, false);
  const isRegister = typeof other === "number";
  if (isEmpty(core, 0) || (isRegister && isEmpty(core, other))) {
    return { place: UNORDERED, goesOn: noteStackFault(core) };
  }
  const left = read(core, 0);
  const right = isRegister ? read(core, other) : other;
  const isUnordered = [left, right].some((value) => isNan(value) || value.kind === "unsupported");
  const goesOn = note(core, isUnordered && !isQuiet ? INVALID : operandFlags(left, right));
  return { place: isUnordered ? UNORDERED : compare(left, right) + 1, goesOn };
}

/** FCOM, FUCOM, FICOM and what pops; `pops` registers. */
export const compareToCodes =
  (isQuiet: boolean, pops: 0 | 1 | 2) =>
  (core: Core, instruction: Instruction): void => {
    // FCOMPP and FUCOMPP name no operand: it is ST(1).
    const index = instruction.operands.length === 0 ? 1 : stackIndex(instruction, 0);
    const other = isMemory(instruction, 0) ? loadReal(core, instruction, 0) : index;
    const { place, goesOn } = order(core, other, isQuiet);
    setConditions(core, CODES[place]!);
    for (let count = 0; goesOn && count < pops; count++) pop(core);
  };

/** FCOMI, FUCOMI and what pops. */
export const compareToFlags =
  (isQuiet: boolean, pops: boolean) =>
  (core: Core, instruction: Instruction): void => {
    const { place, goesOn } = order(core, stackIndex(instruction, 1), isQuiet);
    core.writeFlags((core.readFlags() & ~ALL_FLAGS) | FLAGS[place]!);
    if (goesOn && pops) pop(core);
  };

/** FTST. */
export const compareWithZero = (core: Core): void =>
  setConditions(core, CODES[order(core, zero(false), false).place]!);

const CLASSES = {
  unsupported: 0,
  nan: STATUS.C0,
  finite: STATUS.C2,
  infinity: STATUS.C2 | STATUS.C0,
  zero: STATUS.C3,
  empty: STATUS.C3 | STATUS.C0,
  denormal: STATUS.C3 | STATUS.C2,
} as const;

/** FXAM: what ST(0) is, and its sign in C1, be it empty or not. */
export function examine(core: Core): void {
  const value = read(core, 0);
  setC1(core, (readBits(core, 0).signExponent & SIGN_BIT) !== 0);
  setConditions(core, CLASSES[isEmpty(core, 0) ? "empty" : value.isDenormal ? "denormal" : value.kind]);
}
