/**
 * The operands of the Intel SDM's instruction column (vol. 2, 3.1.1.3) taken apart, and where the encoding keeps them.
 *
 * What is not the SDM's: "simm8" is an imm8 that is sign-extended, "<…>" an operand that only its text mentions, and
 * "m8(ES:DI)" the memory that string instructions address by a register of the address size.
 */
import { invariant } from "../../util/errors.js";
import { type MemoryOperand, NO_REGISTER, type RegisterFile, SEGMENT } from "./instruction.js";

/** Where an operand is in the encoding. */
export type OperandPlace = "reg" | "rm" | "vvvv" | "opcode" | "immediate" | "implied";

export type OperandKind =
  | "register" // a register only
  | "memory" // memory only
  | "register-or-memory"
  | "immediate"
  | "signed-immediate"
  | "relative"
  | "far"
  | "offset" // moffs
  | "string"; // memory at a fixed register

export interface OperandForm {
  readonly text: string;
  readonly kind: OperandKind;
  readonly place: OperandPlace;
  /** Of the register; "general" where there is none. */
  readonly file: RegisterFile;
  /** Number of an implied register, base register of a string operand, or value of an implied immediate. */
  readonly number: number;
  /** Bytes of the register, 0 where there is none. */
  readonly registerSize: number;
  /** Bytes of the memory, the immediate, the displacement or the offset. */
  readonly size: number;
  /** Segment of a string operand: "DS" may be overridden, "ES" not. */
  readonly segment: "" | "DS" | "ES";
}

/** What ModRM.mod must be: 3 for registers, 0 to 2 for memory; "ignored" is taken for 3 (MOV CRn). */
export type ModConstraint = "any" | "register" | "memory" | "ignored";

type Register = readonly [file: RegisterFile, number: number, size: number];

/** Registers that the text names. */
const NAMED_REGISTERS: Readonly<Record<string, Register>> = {
  AL: ["general", 0, 1],
  CL: ["general", 1, 1],
  AX: ["general", 0, 2],
  DX: ["general", 2, 2],
  EAX: ["general", 0, 4],
  RAX: ["general", 0, 8],
  ES: ["segment", 0, 2],
  CS: ["segment", 1, 2],
  SS: ["segment", 2, 2],
  DS: ["segment", 3, 2],
  FS: ["segment", 4, 2],
  GS: ["segment", 5, 2],
  "ST(0)": ["st", 0, 10],
};

/** Registers that a field of the encoding numbers: file and bytes. The manual adds digits and letters to tell them apart. */
const NUMBERED_REGISTERS: Readonly<Record<string, readonly [file: RegisterFile, size: number]>> = {
  r8: ["general", 1],
  r16: ["general", 2],
  r32: ["general", 4],
  r64: ["general", 8],
  mm: ["mm", 8],
  xmm: ["xmm", 16],
  Sreg: ["segment", 2],
  "ST(i)": ["st", 10],
  "CR0-CR7": ["control", 4],
  "DR0-DR7": ["debug", 4],
};

const numberedRegister = (text: string): readonly [file: RegisterFile, size: number] | undefined =>
  NUMBERED_REGISTERS[text] ?? NUMBERED_REGISTERS[text.replace(/(mm)\d$|(r\d\d)[ab]$/, "$1$2")];

const STRING_BASES: Readonly<Record<string, number>> = { BX: 3, SI: 6, DI: 7 };

/** Bytes of a memory notation: m8 … m512, m16:32 (selector and offset), m16&64 (limit and base), m80fp, m28byte. */
function memoryBytes(text: string): number {
  const [, numbers, unit] = /^m([\d:&]+)(byte|fp|int|bcd)?$/.exec(text) ?? [];
  invariant(numbers !== undefined, `"${text}" is not of the instruction column's notation`);
  if (unit === "byte") return Number(numbers);
  return numbers.split(/[:&]/).reduce((sum, bits) => sum + Number(bits) / 8, 0);
}

const NONE: Register = ["general", 0, 0];

function parseForm(text: string, place: OperandPlace): OperandForm {
  const form = (kind: OperandKind, size: number, register = NONE, segment: OperandForm["segment"] = "") => {
    const [file, number, registerSize] = register;
    return { text, kind, place, file, number, registerSize, size, segment };
  };
  const named = NAMED_REGISTERS[text];
  if (named !== undefined) return form("register", 0, named);
  const numbered = numberedRegister(text);
  if (numbered !== undefined) return form("register", 0, [numbered[0], 0, numbered[1]]);
  if (text === "1") return form("immediate", 1, ["general", 1, 0]);
  if (text === "m") return form("memory", 0);

  const string = /^<?(m\d+)\((DS|ES):(BX|SI|DI)\)>?$/.exec(text);
  if (string !== null) {
    const base: Register = ["general", STRING_BASES[string[3]!]!, 0];
    return form("string", memoryBytes(string[1]!), base, string[2] as "DS" | "ES");
  }
  const slash = text.indexOf("/");
  if (slash > 0) {
    const size = memoryBytes(text.slice(slash + 1));
    const register = numberedRegister(text.slice(0, slash)) ?? (["general", size] as const);
    return form("register-or-memory", size, [register[0], 0, register[1]]);
  }
  const [, encoded, bits] = /^(simm|imm|rel|ptr16:|moffs)(\d+)$/.exec(text) ?? [];
  const bytes = Number(bits) / 8;
  if (encoded === "imm") return form("immediate", bytes);
  if (encoded === "simm") return form("signed-immediate", bytes);
  if (encoded === "rel") return form("relative", bytes);
  if (encoded === "ptr16:") return form("far", bytes);
  if (encoded === "moffs") return form("offset", bytes);
  return form("memory", memoryBytes(text));
}

const isImplied = (text: string): boolean => text === "1" || text.endsWith(")>") || text in NAMED_REGISTERS;
const isString = (text: string): boolean => text.includes("S:");
const isMemory = (text: string): boolean => /\/m|^m($|\d)/.test(text);
const isRegOnly = (text: string): boolean =>
  text === "Sreg" || text.startsWith("CR") || text.startsWith("DR");

/** What of the opcode column decides where registers are: "/r", "/digit", "+r", and VEX. */
type RegisterFields = "r" | "digit" | "opcode" | "vex-r" | "vex-digit";

function registerFields(opcode: string): RegisterFields {
  const hasR = opcode.includes("/r");
  if (opcode.startsWith("VEX")) return hasR ? "vex-r" : "vex-digit";
  return hasR ? "r" : opcode.includes("+r") ? "opcode" : "digit";
}

function parseSyntax(texts: readonly string[], fields: RegisterFields): OperandForm[] {
  let regTaken = fields === "digit" || texts.some(isRegOnly);
  const placeOf = (text: string): OperandPlace => {
    if (isImplied(text) || isString(text)) return "implied";
    if (isMemory(text)) return "rm";
    if (isRegOnly(text)) return "reg";
    if (numberedRegister(text) === undefined) return "immediate";
    if (fields === "opcode") return "opcode";
    if (fields === "vex-digit" || text.endsWith("b")) return "vvvv";
    if (regTaken) return "rm";
    regTaken = true;
    return "reg";
  };
  return texts.map((text) => parseForm(text, placeOf(text)));
}

/** The operands of lines that are written alike are one array. */
const known = new Map<string, readonly OperandForm[]>();

/**
 * The operands of a line, with their places. r/m and memory are ModRM.rm, Sreg and control registers ModRM.reg. Of the
 * other registers, "b" marks VEX.vvvv; otherwise the first is ModRM.reg and the next ModRM.rm, unless the opcode takes
 * ModRM.reg (/digit): then a register is ModRM.rm, or under VEX VEX.vvvv.
 */
export function parseOperands(texts: readonly string[], opcode: string): readonly OperandForm[] {
  const fields = registerFields(opcode);
  const key = `${fields} ${texts.join()}`;
  let forms = known.get(key);
  if (forms === undefined) {
    forms = parseSyntax(texts, fields);
    known.set(key, forms);
  }
  return forms;
}

/** What the operands ask of ModRM.mod. A ModRM byte without operand in it (LFENCE, FLD1) is of register form. */
export function modConstraint(forms: readonly OperandForm[]): ModConstraint {
  let constraint: ModConstraint = "register";
  for (const { file, place, kind } of forms) {
    if (file === "control" || file === "debug") return "ignored";
    if (place === "rm" && kind !== "register") constraint = kind === "memory" ? "memory" : "any";
  }
  return constraint;
}

/**
 * The memory of a string instruction, at a fixed register: ES:DI, which no prefix moves, or DS:SI.
 * @param source DS, or the segment that overrides it.
 */
export function stringMemory(form: OperandForm, source: number): MemoryOperand {
  return {
    kind: "memory",
    segment: form.segment === "ES" ? SEGMENT.ES : source,
    base: form.number,
    index: NO_REGISTER,
    scale: 1,
    displacement: 0,
    displacementHigh: 0,
    size: form.size,
  };
}
