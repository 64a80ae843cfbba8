/**
 * The instruction table: every row of rows/, made whole. What is written once there becomes the manual's lines: one for
 * each operand size, one for each condition. Decoder, disassembler, assembler and engines read ROWS and nothing else.
 *
 * It is built at import and takes a few milliseconds (table.test.ts holds it to that).
 */
import { CONDITIONS } from "./conditions.js";
import { parseOpcode } from "./encoding.js";
import { flagMask } from "./flags.js";
import type { Group } from "./group.js";
import type { Row } from "./instruction.js";
import { modConstraint, parseOperands } from "./operand-form.js";
import { ARITHMETIC } from "./rows/arithmetic.table.js";
import { BITS } from "./rows/bits.table.js";
import { CONTROL } from "./rows/control.table.js";
import { HINTS } from "./rows/hints.table.js";
import { MOVE } from "./rows/move.table.js";
import { PACKED_INTEGER } from "./rows/packed-integer.table.js";
import { SSE } from "./rows/sse.table.js";
import { STRING } from "./rows/string.table.js";
import { SYSTEM } from "./rows/system.table.js";
import { VIRTUALIZATION } from "./rows/virtualization.table.js";
import { X87 } from "./rows/x87.table.js";

const GROUPS: readonly Group[] = [
  ...ARITHMETIC,
  ...BITS,
  ...MOVE,
  ...CONTROL,
  ...STRING,
  ...HINTS,
  ...SYSTEM,
  ...VIRTUALIZATION,
  ...SSE,
  ...PACKED_INTEGER,
  ...X87,
];

const ANY_SIZE = 2 + 4 + 8;

/**
 * The alternatives of a column: "r/m16|32|64" is r/m16, r/m32, r/m64, and "50+rw|rd|rd" is 50+rw, 50+rd, 50+rd. What has
 * none is itself.
 */
function alternatives(text: string): readonly string[] {
  if (!text.includes("|")) return [text];
  const [first, ...others] = text.split("|") as [string, ...string[]];
  const stem = first.includes("+") ? first.slice(0, first.indexOf("+") + 1) : first.replace(/\d+$/, "");
  const isTail = first.includes("+") ? /^r/ : /^\d/;
  return [first, ...others.map((part) => (isTail.test(part) ? stem + part : part))];
}

/** The superscripts of a row's text, taken apart (group.ts). */
interface Superscripts {
  readonly legacy: boolean;
  readonly long: boolean;
  readonly longSize: Row["longSize"];
  readonly operandSizes: number;
  readonly addressSizes: number;
  readonly withoutRexB: boolean;
}

function parseSuperscripts(text: string): Superscripts {
  const marks = text.split(" ");
  const has = (mark: string): boolean => marks.includes(mark);
  const sizes = (letter: string): number =>
    [2, 4, 8].reduce((sum, bytes) => sum + (has(`${letter}${bytes * 8}`) ? bytes : 0), 0) || ANY_SIZE;
  return {
    legacy: !has("o64"),
    long: !has("i64"),
    longSize: has("f64") ? "forced-64" : has("d64") ? "default-64" : "default-32",
    // "o64" is the manual's for another thing: REX.W says the size.
    operandSizes: has("o64") ? ANY_SIZE : sizes("o"),
    addressSizes: sizes("a"),
    withoutRexB: has("B0"),
  };
}

interface FlagMasks {
  r: number;
  w: number;
  u: number;
  c: number;
}

/** Masks of a group's flags: "r:C w:OSZPC u:A c:OSZAPC". */
function parseFlags(text: string): FlagMasks {
  const masks: FlagMasks = { r: 0, w: 0, u: 0, c: 0 };
  for (const part of text === "" ? [] : text.split(" "))
    masks[part[0] as keyof FlagMasks] = flagMask(part.slice(2));
  return masks;
}

/** The same few superscripts and flags come again and again. */
function once<T>(parse: (text: string) => T): (text: string) => T {
  const known = new Map<string, T>();
  return (text) => {
    let value = known.get(text);
    if (value === undefined) {
      value = parse(text);
      known.set(text, value);
    }
    return value;
  };
}
const superscriptsOf = once(parseSuperscripts);
const flagsOf = once(parseFlags);

/** A line of the manual: alternatives and conditions are chosen. */
interface Line {
  readonly opcode: string;
  readonly name: string;
  readonly syntax: readonly string[];
  readonly operandSizes: number;
  readonly condition: number;
}

/** "REX.W +" before the opcode, after a mandatory prefix. */
const withRexW = (opcode: string): string => opcode.replace(/^((NP|NFx|66|F2|F3) )?/, "$1REX.W + ");

/** The lines by operand size of one row's text. */
function sizedLines(opcode: string, instruction: string, superscripts: Superscripts): Line[] {
  const space = instruction.indexOf(" ");
  const name = space < 0 ? instruction : instruction.slice(0, space);
  const syntax = space < 0 ? [] : instruction.slice(space + 1).split(", ");
  if (!opcode.includes("|") && !instruction.includes("|"))
    return [{ opcode, name, syntax, operandSizes: superscripts.operandSizes, condition: -1 }];
  const columns = [name, ...syntax, ...opcode.split(" ")].map(alternatives);
  const count = Math.max(...columns.map((column) => column.length));
  return Array.from({ length: count }, (_, at) => {
    const chosen = columns.map((column) => column[column.length === 1 ? 0 : at]!);
    const sized = chosen.slice(1 + syntax.length).join(" ");
    return {
      opcode: at === 2 && superscripts.longSize === "default-32" ? withRexW(sized) : sized,
      name: chosen[0]!,
      syntax: chosen.slice(1, 1 + syntax.length),
      // Without a third line REX.W changes nothing: the second stands for both.
      operandSizes: at === 1 && count === 2 ? 4 + 8 : 2 << at,
      condition: -1,
    };
  });
}

/** The sixteen lines of one whose name ends in "cc": the condition goes into the opcode and the name. */
function conditionLines(line: Line): Line[] {
  return CONDITIONS.map(({ name }, condition) => ({
    ...line,
    name: line.name.slice(0, -2) + name,
    opcode: line.opcode.replace(/([0-9A-F]{2})\+cc/, (_, base: string) =>
      (Number.parseInt(base, 16) + condition).toString(16).toUpperCase(),
    ),
    condition,
  }));
}

function rowOf(group: Group, mnemonic: string, superscripts: Superscripts, line: Line, index: number): Row {
  const forms = parseOperands(line.syntax, line.opcode);
  const encoding = parseOpcode(line.opcode, modConstraint(forms));
  const { operandSizes, condition } = line;
  const { longSize } = superscripts;
  const flags = flagsOf(group.flags ?? "");
  const destination = forms[0]?.kind;
  const longSizes = longSize === "forced-64" ? 8 : longSize === "default-64" ? 2 + 8 : ANY_SIZE;
  return {
    index,
    mnemonic,
    name: line.name.toLowerCase() + (group.far === true ? " far" : ""),
    condition,
    opcode: line.opcode,
    syntax: line.syntax,
    encoding,
    forms,
    legacy: superscripts.legacy && operandSizes !== 8 && encoding.w !== 1,
    long: superscripts.long && (operandSizes & longSizes) !== 0,
    longSize,
    operandSizes,
    addressSizes: superscripts.addressSizes,
    withoutRexB: superscripts.withoutRexB,
    flagsRead: flags.r | (condition < 0 ? 0 : CONDITIONS[condition]!.flags),
    flagsWritten: flags.w,
    flagsUndefined: flags.u,
    flagsConditional: flags.c & (flags.w | flags.u),
    privilege: group.privilege ?? 3,
    sensitivity: group.sensitivity ?? (group.privilege === undefined ? "innocuous" : "privileged"),
    lockable: group.lock === true && (destination === "memory" || destination === "register-or-memory"),
    repeat: group.repeat ?? "",
    costClass: group.cost,
    ends: group.ends === true,
    event: group.event ?? "",
    feature: group.feature ?? "",
  };
}

function buildTable(): Row[] {
  const rows: Row[] = [];
  for (const group of GROUPS)
    for (const [opcode, instruction, marks = ""] of group.rows) {
      const superscripts = superscriptsOf(marks);
      const sized = sizedLines(opcode, instruction, superscripts);
      const mnemonic = group.mnemonic ?? sized[0]!.name.toUpperCase();
      for (const line of opcode.includes("+cc") ? sized.flatMap(conditionLines) : sized)
        rows.push(rowOf(group, mnemonic, superscripts, line, rows.length));
    }
  return rows;
}

/** Every row, in the order of rows/; `ROWS[row.index] === row`. */
export const ROWS: readonly Row[] = buildTable();
