/**
 * The instruction table: every row of rows/, made whole. What is written once there becomes the manual's lines: one for
 * each operand size, one for each condition. Decoder, disassembler, assembler and engines read ROWS and nothing else.
 *
 * It is built at import and takes a few milliseconds (table.test.ts holds it to that).
 */
import { CONDITIONS } from "./conditions.js";
import { parseOpcode } from "./encoding.js";
import { flagMask } from "./flags.js";
import type { Group, RowText } from "./group.js";
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

/** A line whose alternatives are chosen; the operand sizes it is for. */
interface Line {
  readonly opcode: string;
  readonly name: string;
  readonly syntax: readonly string[];
  readonly operandSizes: number;
}

/** Lines by operand size of one row's text. */
function lines([opcodeColumn, instruction, superscripts = ""]: RowText): Line[] {
  const space = instruction.indexOf(" ");
  const nameColumn = space < 0 ? instruction : instruction.slice(0, space);
  const operandColumns = space < 0 ? [] : instruction.slice(space + 1).split(", ");
  const opcodes = opcodeColumn.split(" ").map(alternatives);
  const names = alternatives(nameColumn);
  const operands = operandColumns.map(alternatives);
  const count = Math.max(...[...opcodes, names, ...operands].map((choice) => choice.length));
  const sized = /o(16|32)/.exec(superscripts);
  if (count === 1)
    return [
      {
        opcode: opcodeColumn,
        name: nameColumn,
        syntax: operandColumns,
        operandSizes: sized === null ? ANY_SIZE : Number(sized[1]) / 8,
      },
    ];
  const widens = !/[df]64/.test(superscripts);
  return Array.from({ length: count }, (_, at) => {
    const pick = (choice: readonly string[]): string => choice[choice.length === 1 ? 0 : at]!;
    const opcode = opcodes.map(pick).join(" ");
    return {
      opcode: at === 2 && widens ? withRexW(opcode) : opcode,
      name: pick(names),
      syntax: operands.map(pick),
      // Without a third line REX.W changes nothing: the second stands for both.
      operandSizes: at === 1 && count === 2 ? 4 + 8 : 2 << at,
    };
  });
}

/** "REX.W +" before the opcode, after a mandatory prefix. */
const withRexW = (opcode: string): string => opcode.replace(/^((NP|NFx|66|F2|F3) )?/, "$1REX.W + ");

/** Masks of a group's flags: "r:C w:OSZPC u:A c:OSZAPC". */
function flagMasks(text: string): { r: number; w: number; u: number; c: number } {
  const masks = { r: 0, w: 0, u: 0, c: 0 };
  for (const part of text === "" ? [] : text.split(" "))
    masks[part[0] as keyof typeof masks] = flagMask(part.slice(2));
  return masks;
}

/** The sixteen lines of one whose name ends in "cc": the condition goes into the opcode and the name. */
function withConditions(line: Line): (Line & { condition: number })[] {
  if (!line.name.endsWith("cc")) return [{ ...line, condition: -1 }];
  return CONDITIONS.map(({ name }, condition) => ({
    ...line,
    name: line.name.slice(0, -2) + name,
    opcode: line.opcode.replace(/([0-9A-F]{2})\+cc/, (_, base: string) =>
      (Number.parseInt(base, 16) + condition).toString(16).toUpperCase(),
    ),
    condition,
  }));
}

function rowsOf(group: Group, text: RowText, firstIndex: number): Row[] {
  const superscripts = text[2] ?? "";
  const masks = flagMasks(group.flags ?? "");
  const addresses = [...superscripts.matchAll(/a(16|32|64)/g)].map((match) => Number(match[1]) / 8);
  const privilege = group.privilege ?? 3;
  const longSize = superscripts.includes("f64")
    ? "forced-64"
    : superscripts.includes("d64")
      ? "default-64"
      : "default-32";
  const mnemonic = group.mnemonic ?? /^[^ |]+/.exec(text[1])![0].toUpperCase();
  return lines(text)
    .flatMap(withConditions)
    .map((line, at) => {
      const forms = parseOperands(line.syntax, line.opcode);
      const encoding = parseOpcode(line.opcode, modConstraint(forms));
      const { operandSizes } = line;
      const canBeMemory = forms[0]?.kind === "memory" || forms[0]?.kind === "register-or-memory";
      const fitsLong =
        longSize === "default-32" || (operandSizes & (longSize === "forced-64" ? 8 : 2 + 8)) !== 0;
      return {
        index: firstIndex + at,
        mnemonic,
        name: line.name.toLowerCase(),
        condition: line.condition,
        opcode: line.opcode,
        syntax: line.syntax,
        encoding,
        forms,
        legacy: !superscripts.includes("o64") && operandSizes !== 8 && encoding.w !== 1,
        long: !superscripts.includes("i64") && fitsLong,
        longSize,
        operandSizes,
        addressSizes: addresses.length === 0 ? ANY_SIZE : addresses.reduce((sum, size) => sum + size, 0),
        withoutRexB: superscripts.includes("B0"),
        flagsRead: masks.r | (line.condition < 0 ? 0 : CONDITIONS[line.condition]!.flags),
        flagsWritten: masks.w,
        flagsUndefined: masks.u,
        flagsConditional: masks.c & (masks.w | masks.u),
        privilege,
        sensitivity: group.sensitivity ?? (privilege === 3 ? "innocuous" : "privileged"),
        lockable: group.lock === true && canBeMemory,
        repeat: group.repeat ?? "",
        costClass: group.cost,
        ends: group.ends === true,
        event: group.event ?? "",
        feature: group.feature ?? "",
      };
    });
}

function buildTable(): Row[] {
  const rows: Row[] = [];
  for (const group of GROUPS) for (const text of group.rows) rows.push(...rowsOf(group, text, rows.length));
  return rows;
}

/** Every row, in the order of rows/; `ROWS[row.index] === row`. */
export const ROWS: readonly Row[] = buildTable();
