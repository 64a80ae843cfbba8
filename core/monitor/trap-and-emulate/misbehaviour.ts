/**
 * Whether a sensitive instruction that the guest's kernel is about to execute at CPL 1, and that does not trap, does something
 * else than at CPL 0 on a processor of the guest's own: what it would show or drop. One function for each instruction of Robin
 * & Irvine's table 2 (USENIX Security 2000). RET far, INT n and loads of segment registers are not here: under this monitor
 * they either do the same or trap.
 */
import type { Gva } from "../../machine/address.js";
import type { Core } from "../../machine/cpu/core.js";
import { limitOf, SYSTEM_TYPE } from "../../machine/cpu/descriptor.js";
import { linearAddress, linearOfOperand } from "../../machine/cpu/operands.js";
import {
  CR0_WORD,
  FLAGS,
  GDTR_BASE,
  IDTR_BASE,
  RSP,
  SELECTOR,
  segmentWord,
} from "../../machine/cpu/places.js";
import { CS, LDTR, RFLAGS, SS, STATE, TR } from "../../machine/cpu/state.js";
import type { Instruction } from "../../machine/x86/instruction.js";
import type { PrivilegedState } from "../deprivileged/privileged-state.js";

/** What judging needs of a monitor while its guest runs. */
export interface View {
  readonly core: Core;
  readonly state: PrivilegedState;
  /** A word of the guest's at a linear address; 0 where nothing is mapped. */
  read(linear: Gva): number;
  /** A word of a descriptor in the table that the machine reads, by the word's offset. */
  realDescriptor(offset: number): number;
}

type Judge = (view: View, instruction: Instruction) => string | undefined;

const DPL = 0x6000;
/** Of a descriptor's second word, what LAR shows; whether it was accessed is as it may be. */
const ACCESS_RIGHTS = 0xff_fe00;
const CODE_OR_DATA = 0x1000;
const TYPE_SHIFT = 8;
/** Of code, that it is readable; of data, that they are writable. */
const READ_WRITE = 0x200;
/** Offset of a descriptor's second word. */
const HIGH = 4;
const LOCAL = 4;
const RPL = 3;
const GATES: readonly number[] = [SYSTEM_TYPE.callGate16, SYSTEM_TYPE.callGate32, SYSTEM_TYPE.taskGate];
const TASKS: readonly number[] = [SYSTEM_TYPE.tss16, SYSTEM_TYPE.tss32];
const STACK_POINTER = STATE.general / 4 + 2 * RSP;
/** In the frame that IRET takes from the stack: of CS and RFLAGS, in operands. */
const FRAME = { cs: 1, flags: 2 } as const;

const hex = (value: number): string => `0x${(value >>> 0).toString(16)}`;

function differs(what: string, shown: number, own: number): string | undefined {
  return shown === own ? undefined : `showed ${what} ${hex(shown)}, and the guest's is ${hex(own)}`;
}

/** Flags that an image should set and that stay: IF and IOPL. */
function drops({ state }: View, image: number): string | undefined {
  const own = state.virtualFlags;
  if (((image ^ own) & RFLAGS.IF) !== 0) return `dropped IF=${(image & RFLAGS.IF) === 0 ? 0 : 1}`;
  return ((image ^ own) & RFLAGS.IOPL) === 0 ? undefined : "dropped IOPL";
}

const onStack = ({ core, read }: View, offset: number): number => {
  const { words } = core;
  return read(linearAddress(core, SS, words[STACK_POINTER]!, words[STACK_POINTER + 1]!) + offset);
};

/** The selector in an operand of 16 bits. */
function selectorOf({ core, read }: View, instruction: Instruction, index: number): number {
  const operand = instruction.operands[index];
  if (operand?.kind === "register") return core.register(operand.number, 2) & 0xffff;
  if (operand?.kind === "far") return operand.selector;
  if (operand?.kind !== "memory") return 0;
  return read(linearOfOperand(core, instruction, operand)) & 0xffff;
}

/** LAR, LSL, VERR and VERW of a segment in the local table, which the machine does not have loaded. */
const missesLocal = (view: View, selector: number): string | undefined =>
  (selector & LOCAL) !== 0 && view.state.virtualTables.localTable !== 0
    ? `found no segment ${hex(selector)}, which the guest's local table has`
    : undefined;

const ownDescriptor = ({ state, read }: View, selector: number): number =>
  read(state.virtualTables.gdtBase + (selector & ~7) + HIGH);

/** A selector of the global table's that is not null, and that the table has. */
const isGlobal = ({ state }: View, selector: number): boolean =>
  (selector & LOCAL) === 0 && (selector & ~RPL) !== 0 && (selector | 7) <= state.virtualTables.gdtLimit;

/** VERR and VERW: code of programs is not readable in the table that the machine reads. */
const verifies: Judge = (view, instruction) => {
  const selector = selectorOf(view, instruction, 0);
  if (!isGlobal(view, selector)) return missesLocal(view, selector);
  const [shown, own] = [view.realDescriptor((selector & ~7) + HIGH), ownDescriptor(view, selector)];
  return differs("rights", shown & READ_WRITE, own & READ_WRITE);
};

/** LSL: segments end where the monitor begins. */
const showsLimit: Judge = (view, instruction) => {
  const selector = selectorOf(view, instruction, 1);
  if (!isGlobal(view, selector)) return missesLocal(view, selector);
  const at = selector & ~7;
  const own = limitOf(view.read(view.state.virtualTables.gdtBase + at), ownDescriptor(view, selector));
  return differs("a limit", limitOf(view.realDescriptor(at), view.realDescriptor(at + HIGH)), own);
};

/** CS and SS hold the privilege at which the code runs. */
function showsSelector({ core }: View, register: number): string | undefined {
  if (register !== CS && register !== SS) return undefined;
  const shown = core.words[segmentWord(register) + SELECTOR]!;
  return differs(register === CS ? "CS" : "SS", shown, shown & ~RPL);
}

/** PUSH, and MOV from a segment register, which is the last operand of both. */
const showsLast: Judge = (view, { operands }) => {
  const last = operands.at(-1);
  return last?.kind === "register" && last.file === "segment" ? showsSelector(view, last.number) : undefined;
};

/** Gates and tasks are absent from the table that the machine reads. */
function missesGate(view: View, selector: number): string | undefined {
  const high = ownDescriptor(view, selector);
  const type = (high >>> TYPE_SHIFT) & 0xf;
  // One of DPL 0 raises #GP at CPL 1, and is emulated.
  if ((high & DPL) === 0) return undefined;
  const isSystem = (high & CODE_OR_DATA) === 0 && [...GATES, ...TASKS].includes(type);
  return isSystem
    ? `raised #NP at the gate or task ${hex(selector)}, which the guest's table has`
    : undefined;
}

/** Selector of a far branch: in the instruction, or behind the offset in memory. */
function targetOf(view: View, instruction: Instruction): number {
  const [operand] = instruction.operands;
  if (operand?.kind !== "memory") return selectorOf(view, instruction, 0);
  return view.read(linearOfOperand(view.core, instruction, operand) + instruction.operandSize) & 0xffff;
}

/** By mnemonic. */
const JUDGES: Readonly<Record<string, Judge>> = {
  SGDT: ({ core, state }) => differs("a GDT at", core.words[GDTR_BASE]!, state.virtualTables.gdtBase | 0),
  SIDT: ({ core, state }) => differs("an IDT at", core.words[IDTR_BASE]!, state.virtualTables.idtBase | 0),
  SLDT: ({ core, state }) =>
    differs("LDTR", core.words[segmentWord(LDTR) + SELECTOR]!, state.virtualTables.localTable),
  STR: ({ core, state }) => differs("TR", core.words[segmentWord(TR) + SELECTOR]!, state.virtualTables.task),
  SMSW: ({ core, state }, { operands }) => {
    const mask = operands[0]?.kind === "memory" ? 0xffff : -1;
    return differs("CR0", core.words[CR0_WORD]! & mask, state.virtualCr0 & mask);
  },
  PUSHF: ({ core, state }) => {
    const mask = RFLAGS.IF | RFLAGS.IOPL;
    return differs("IF and IOPL", core.words[FLAGS]! & mask, state.virtualFlags);
  },
  POPF: (view) => drops(view, onStack(view, 0)),
  IRET: (view, { operandSize }) => {
    // To CPL 0 it traps; to a program too where all are at CPL 3 (ShadowGdt).
    if (view.core.isLong || (onStack(view, FRAME.cs * operandSize) & RPL) === 0) return undefined;
    return drops(view, onStack(view, FRAME.flags * operandSize));
  },
  LAR: (view, instruction) => {
    const selector = selectorOf(view, instruction, 1);
    if (!isGlobal(view, selector)) return missesLocal(view, selector);
    const [shown, own] = [view.realDescriptor((selector & ~7) + HIGH), ownDescriptor(view, selector)];
    return differs("access rights", shown & ACCESS_RIGHTS, own & ACCESS_RIGHTS);
  },
  LSL: showsLimit,
  VERR: verifies,
  VERW: verifies,
  PUSH: showsLast,
  MOV: showsLast,
  CALLF: (view, instruction) => {
    const selector = targetOf(view, instruction);
    const gate = missesGate(view, selector);
    if (gate !== undefined) return gate;
    if ((selector & LOCAL) !== 0 || (ownDescriptor(view, selector) & DPL) !== 0) return undefined;
    return showsSelector(view, CS);
  },
  JMPF: (view, instruction) => missesGate(view, targetOf(view, instruction)),
};

/** What an instruction would show or drop, in words; undefined when it does what it should, or traps. */
export function misbehaviourOf(view: View, instruction: Instruction): string | undefined {
  const { row } = instruction;
  if (row.sensitivity !== "control-sensitive" && row.sensitivity !== "behaviour-sensitive") return undefined;
  return JUDGES[row.mnemonic]?.(view, instruction);
}
