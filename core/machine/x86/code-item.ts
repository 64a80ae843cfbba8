/**
 * One instruction of a program under assembly: the words before its name taken apart, the rows that could encode it, and
 * which of them it is. Only branches have more than one choice when all is said; those wait for the labels.
 */
import { UserError } from "../../util/errors.js";
import { nearestWords } from "../../util/nearest.js";
import type { AssemblerOperand, MemoryReference } from "./assembler-operands.js";
import { SIZE_NAMES } from "./disassemble.js";
import { encode, hasRexConflict } from "./encode.js";
import { BASE_RIP, type CodeMode, type Operand, type Row } from "./instruction.js";
import {
  concreteOperands,
  type Evaluate,
  firstMisfit,
  type Match,
  matchRows,
  memoryProblem,
  normalise,
  type Wanted,
  type Written,
  writtenForms,
} from "./match.js";
import { rowsByName } from "./mnemonics.js";
import { registerName, SEGMENT_NAMES } from "./registers.js";

interface Choice {
  readonly match: Match;
  readonly length: number;
}

export interface CodeItem {
  readonly kind: "code";
  /** As written, for messages. */
  readonly text: string;
  readonly mode: CodeMode;
  readonly operands: readonly Written[];
  readonly words: Words;
  /** Shortest first. */
  readonly choices: readonly Choice[];
  choice: number;
}

/** The words before the name. */
interface Words extends Wanted {
  readonly lock: boolean;
  readonly repeat: "" | "rep" | "repne";
}

const REPEATS: Readonly<Record<string, "rep" | "repne">> = {
  rep: "rep",
  repe: "rep",
  repz: "rep",
  repne: "repne",
  repnz: "repne",
};

/** Splits "lock o16 add" into words and name. */
function parseWords(text: string): { words: Words; name: string } {
  const tokens = text.trim().toLowerCase().split(/\s+/);
  let words: Words = { lock: false, repeat: "" };
  while (tokens.length > 1) {
    const token = tokens[0]!;
    const size = /^([oa])(16|32|64)$/.exec(token);
    const bytes = (Number(size?.[2]) / 8) as 2 | 4 | 8;
    if (token === "lock") words = { ...words, lock: true };
    else if (token in REPEATS) words = { ...words, repeat: REPEATS[token]! };
    else if (token === "short" || token === "near") words = { ...words, reach: token };
    else if (size?.[1] === "o") words = { ...words, operandSize: bytes };
    else if (size?.[1] === "a") words = { ...words, addressSize: bytes };
    else if (SEGMENT_NAMES.includes(token)) words = { ...words, segment: SEGMENT_NAMES.indexOf(token) };
    else break;
    tokens.shift();
  }
  return { words, name: tokens.join(" ") };
}

function memoryText(memory: MemoryReference): string {
  const head = memory.size === undefined ? "" : `${SIZE_NAMES[memory.size] ?? `${memory.size}-byte`} ptr `;
  const segment = memory.segment === undefined ? "" : `${registerName(memory.segment)}:`;
  const terms = [
    memory.base === undefined ? "" : registerName(memory.base),
    memory.index === undefined ? "" : `${registerName(memory.index)}*${memory.scale}`,
    ...memory.displacement.terms.map(({ label }) => label),
    memory.displacement.constant === 0n ? "" : memory.displacement.constant.toString(),
  ].filter((term) => term !== "");
  return `${head}${segment}[${terms.join("+")}]`;
}

function operandText(operand: Written): string {
  switch (operand.kind) {
    case "register":
      return registerName(operand);
    case "memory-reference":
      return memoryText(operand);
    case "far-pointer":
      return `far ${operand.selector}`;
    case "sized-value":
      return `${operand.size}-byte ${operandText(operand.value)}`;
    case "expression": {
      const labels = operand.terms.map(({ label, sign }) => `${sign < 0n ? "-" : "+"}${label}`).join("");
      return (operand.constant === 0n && labels !== "" ? labels : `${labels}+${operand.constant}`).replace(
        /^\+/,
        "",
      );
    }
  }
}

const labelled = (operand: Written): boolean => {
  switch (operand.kind) {
    case "expression":
      return operand.terms.length > 0;
    case "memory-reference":
      return operand.displacement.terms.length > 0;
    default:
      return false;
  }
};

/** Forms of an instruction in a mode, as the manual writes them, for messages: those of as many operands first. */
function formsText(rows: readonly Row[], mode: CodeMode, operandCount: number): string {
  const valid = rows.filter((row) => (mode === 64 ? row.long : row.legacy));
  if (valid.length === 0) return `it is not in ${mode}-bit code`;
  const alike = valid.filter((row) => writtenForms(row).length === operandCount);
  const lines = (alike.length > 0 ? alike : valid).map((row) =>
    `${row.name} ${row.syntax.join(", ")}`.trim(),
  );
  return `there is: ${[...new Set(lines)].join("; ")}`;
}

function rowsNamed(name: string): readonly Row[] {
  const rows = rowsByName().get(name);
  if (rows !== undefined) return rows;
  const near = nearestWords(name, [...rowsByName().keys()]);
  throw new UserError(
    `no instruction "${name}"`,
    near.length === 0 ? {} : { mend: `did you mean ${near.join(", ")}?` },
  );
}

const ZERO: Evaluate = ({ constant }) => constant;

/** Bytes of one choice. */
function encodeChoice(
  item: Omit<CodeItem, "choices" | "choice">,
  match: Match,
  evaluate: Evaluate,
  next: bigint,
): number[] {
  const { mode, words, operands } = item;
  const { operandSize, addressSize } = match;
  const wide = operands.some((operand) => operand.kind === "memory-reference" && labelled(operand));
  const concrete: Operand[] = concreteOperands(match, operands, words, evaluate, next);
  const { lock, repeat } = words;
  return encode(match.row, concrete, { mode, operandSize, addressSize, lock, repeat, wide });
}

function checkPrefixes(text: string, words: Words, { row }: Match, operands: readonly Written[]): void {
  const refuse = (prefix: string): never => {
    throw new UserError(`${text}: ${prefix} is not for ${row.name}`, {
      mend: `see ${row.opcode} in the manual`,
    });
  };
  if (words.lock && !(row.lockable && operands[0]?.kind === "memory-reference")) refuse("lock");
  if (words.repeat !== "" && row.repeat === "") refuse(words.repeat);
  if (words.segment !== undefined && !row.forms.some((form) => form.segment === "DS")) refuse("a segment");
}

/** Is the value of an operand known before the labels and the place of the instruction are? */
const isConstant = (operand: Written): boolean =>
  !labelled(operand) &&
  operand.kind !== "far-pointer" &&
  !(operand.kind === "memory-reference" && operand.base?.number === BASE_RIP);

/** Finds the rows that could encode what is written. Throws UserError if there is none. */
export function codeItem(
  written: string,
  rawOperands: readonly AssemblerOperand[],
  mode: CodeMode,
): CodeItem {
  const { words, name } = parseWords(written);
  const operands = rawOperands.map(normalise);
  const text = `${written} ${operands.map(operandText).join(", ")}`.trim();
  for (const operand of operands) {
    const problem = operand.kind === "memory-reference" ? memoryProblem(operand, mode) : undefined;
    if (problem !== undefined) throw new UserError(`${text}: ${problem}`);
  }
  const rows = rowsNamed(name);
  const { matches, ambiguous } = matchRows(rows, operands, mode, words);
  if (ambiguous)
    throw new UserError(`${text}: nothing says how wide the memory is`, {
      mend: "give mem() a size: mem(dword, …)",
    });
  const item = { kind: "code", text, mode, operands, words } as const;
  const isKnown = operands.every(isConstant);
  const choices: Choice[] = [];
  for (const match of matches) {
    const isBranch = match.row.forms.some((form) => form.kind === "relative");
    if (isKnown && !isBranch && firstMisfit(match, operands, ZERO, 0n) !== undefined) continue;
    if (hasRexConflict(match.row, concreteOperands(match, operands, words, ZERO, 0n))) {
      throw new UserError(`${text}: ah, ch, dh and bh do not go with a REX prefix`);
    }
    choices.push({ match, length: encodeChoice(item, match, ZERO, 0n).length });
  }
  choices.sort((a, b) => a.length - b.length);
  const [shortest] = choices;
  if (shortest === undefined) {
    const takes =
      operands.length === 0 ? "is without operands" : `takes ${operands.map(operandText).join(", ")}`;
    throw new UserError(`no form of ${name.toUpperCase()} ${takes} in ${mode}-bit code`, {
      mend: formsText(rows, mode, operands.length),
    });
  }
  checkPrefixes(text, words, shortest.match, operands);
  const isBranch = shortest.match.row.forms.some((form) => form.kind === "relative");
  return { ...item, choices: isBranch ? choices : [shortest], choice: 0 };
}

/** Bytes that the present choice takes. */
export const codeLength = (item: CodeItem): number => item.choices[item.choice]!.length;

/** Do the values fit the present choice? `next` is the address of the next instruction. */
export const reaches = (item: CodeItem, evaluate: Evaluate, next: bigint): boolean =>
  firstMisfit(item.choices[item.choice]!.match, item.operands, evaluate, next) === undefined;

/** The bytes of the present choice. Throws UserError where a value does not fit. */
export function encodeItem(item: CodeItem, evaluate: Evaluate, next: bigint): number[] {
  const { match } = item.choices[item.choice]!;
  const misfit = firstMisfit(match, item.operands, evaluate, next);
  if (misfit !== undefined)
    throw new UserError(`${item.text}: ${operandText(misfit)} is out of reach of ${match.row.opcode}`);
  return encodeChoice(item, match, evaluate, next);
}
