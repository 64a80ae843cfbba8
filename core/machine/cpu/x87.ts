/**
 * The x87 unit: every instruction of it is executed in TypeScript, exactly, and slowly (Intel SDM vol. 1, 8; vol. 2 by name).
 * With CR0.NE clear, exceptions are not told: FERR# and IRQ 13 are absent.
 */
import type { Instruction } from "../x86/instruction.js";
import { CR0 } from "./control-bits.js";
import type { Core } from "./core.js";
import { GuestFault } from "./fault.js";
import { effectiveAddress } from "./operands.js";
import { CR0_WORD, RIP, RIP_HIGH } from "./places.js";
import { EXCEPTION, STATE } from "./state.js";
import {
  ARITHMETIC,
  absolute,
  extract,
  negate,
  remainderNearest,
  remainderTruncated,
  root,
  roundToInteger,
  scale,
} from "./x87/arithmetic.js";
import { compareToCodes, compareToFlags, compareWithZero, examine } from "./x87/compare.js";
import {
  clearExceptions,
  initialize,
  loadControl,
  loadEnvironment,
  restore,
  save,
  storeControl,
  storeEnvironment,
  storeStatus,
  turnBy,
} from "./x87/control.js";
import { stackIndex } from "./x87/operands.js";
import { checkAvailable, free, pop, waitForX87 } from "./x87/registers.js";
import {
  arcTangent,
  cosineOfTop,
  exponential,
  logarithm,
  logarithmOfOneMore,
  sineAndCosine,
  sineOfTop,
  tangentAndOne,
} from "./x87/transcendental.js";
import {
  CONSTANTS,
  exchange,
  load,
  loadDecimal,
  moveIf,
  store,
  storeAndPop,
  storeDecimal,
  storeTruncated,
} from "./x87/transfer.js";

type Execute = (core: Core, instruction: Instruction) => void;

/** Instructions on numbers: they wait, and are noted as the last one (FIP, FDP). */
const ON_NUMBERS: Readonly<Record<string, Execute>> = {
  ...CONSTANTS,
  ...ARITHMETIC,
  FLD: load,
  FILD: load,
  FBLD: loadDecimal,
  FST: store,
  FIST: store,
  FSTP: storeAndPop,
  FISTP: storeAndPop,
  FISTTP: storeTruncated,
  FBSTP: storeDecimal,
  FXCH: exchange,
  FCMOVB: moveIf(true),
  FCMOVE: moveIf(true),
  FCMOVBE: moveIf(true),
  FCMOVU: moveIf(true),
  FCMOVNB: moveIf(false),
  FCMOVNE: moveIf(false),
  FCMOVNBE: moveIf(false),
  FCMOVNU: moveIf(false),
  FSQRT: root,
  FRNDINT: roundToInteger,
  FSCALE: scale,
  FXTRACT: extract,
  FPREM: remainderTruncated,
  FPREM1: remainderNearest,
  F2XM1: exponential,
  FYL2X: logarithm,
  FYL2XP1: logarithmOfOneMore,
  FPATAN: arcTangent,
  FPTAN: tangentAndOne,
  FSIN: sineOfTop,
  FCOS: cosineOfTop,
  FSINCOS: sineAndCosine,
  FCHS: negate,
  FABS: absolute,
  FCOM: compareToCodes(false, 0),
  FCOMP: compareToCodes(false, 1),
  FCOMPP: compareToCodes(false, 2),
  FICOM: compareToCodes(false, 0),
  FICOMP: compareToCodes(false, 1),
  FUCOM: compareToCodes(true, 0),
  FUCOMP: compareToCodes(true, 1),
  FUCOMPP: compareToCodes(true, 2),
  FCOMI: compareToFlags(false, false),
  FCOMIP: compareToFlags(false, true),
  FUCOMI: compareToFlags(true, false),
  FUCOMIP: compareToFlags(true, true),
  FTST: compareWithZero,
  FXAM: examine,
  FFREE: (core, instruction) => free(core, stackIndex(instruction, 0)),
  FFREEP: (core, instruction) => {
    free(core, stackIndex(instruction, 0));
    pop(core);
  },
  FINCSTP: turnBy(1),
  FDECSTP: turnBy(-1),
  FNOP: () => {},
};

/** Instructions on the unit's state that wait for exceptions first, and those that do not. */
const WAITING: Readonly<Record<string, Execute>> = {
  FLDCW: loadControl,
  FLDENV: loadEnvironment,
  FRSTOR: restore,
};
const NOT_WAITING: Readonly<Record<string, Execute>> = {
  FNINIT: initialize,
  FNCLEX: clearExceptions,
  FNSTCW: storeControl,
  FNSTSW: storeStatus,
  FNSTENV: storeEnvironment,
  FNSAVE: save,
  // Of the 8087 and 80287; nothing since.
  FNENI: () => {},
  FNDISI: () => {},
  FNSETPM: () => {},
};

const POINTER = STATE.x87Pointer / 4;
const DATA_POINTER = STATE.x87Data / 4;

/** Notes where an instruction and its memory operand are. */
function notePointers(core: Core, instruction: Instruction): void {
  const { words } = core;
  words[POINTER] = words[RIP]!;
  words[POINTER + 1] = words[RIP_HIGH]!;
  const memory = instruction.operands.find((operand) => operand.kind === "memory");
  if (memory === undefined) return;
  words[DATA_POINTER] = effectiveAddress(core, instruction, memory);
  words[DATA_POINTER + 1] = core.high;
}

/** FWAIT is there to wait; it looks at CR0.TS only if CR0.MP is set. */
function wait(core: Core): void {
  const both = CR0.MP | CR0.TS;
  if ((core.words[CR0_WORD]! & both) === both) throw new GuestFault(EXCEPTION.NM, 0);
  waitForX87(core);
}

const each = (table: Readonly<Record<string, Execute>>, wrap: (execute: Execute) => Execute) =>
  Object.fromEntries(Object.entries(table).map(([mnemonic, execute]) => [mnemonic, wrap(execute)]));

const onNumbers =
  (execute: Execute): Execute =>
  (core, instruction) => {
    checkAvailable(core);
    waitForX87(core);
    execute(core, instruction);
    notePointers(core, instruction);
  };
const waiting =
  (execute: Execute): Execute =>
  (core, instruction) => {
    checkAvailable(core);
    waitForX87(core);
    execute(core, instruction);
  };
const notWaiting =
  (execute: Execute): Execute =>
  (core, instruction) => {
    checkAvailable(core);
    execute(core, instruction);
  };

/**
 * The instructions of the x87 unit, by mnemonic. While one is executed RIP is its own, and stays.
 * They throw a GuestFault: #NM, #MF, or one of the memory operand.
 */
export const X87_INSTRUCTIONS: Readonly<Record<string, Execute>> = {
  ...each(ON_NUMBERS, onNumbers),
  ...each(WAITING, waiting),
  ...each(NOT_WAITING, notWaiting),
  FWAIT: wait,
};
