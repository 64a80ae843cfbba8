/** Is the table sound, and does every row of it come back from bytes as it went in? */
import { expect, it } from "vitest";
import { Random } from "../../util/random.js";
import { COST_CLASSES } from "./cost-class.js";
import { decode } from "./decode.js";
import { disassemble } from "./disassemble.js";
import { chosenOperandSize, encode, plainAddressSize } from "./encode.js";
import type { CodeMode, Instruction, Row } from "./instruction.js";
import { ROWS } from "./table.js";
import { operandsFor } from "./testing/row-operands.js";

const MODES = [16, 32, 64] as const;
/** Operands tried of each row in each mode. */
const SAMPLES = 6;

const isValid = (row: Row, mode: CodeMode): boolean =>
  (mode === 64 ? row.long : row.legacy) && chosenOperandSize(row, mode) !== undefined;

/** Address sizes a row can have in a mode, its own first. */
const addressSizes = (row: Row, mode: CodeMode): (2 | 4 | 8)[] =>
  ([2, 4, 8] as const).filter(
    (size) => (mode === 64 ? size !== 2 : size !== 8) && (row.addressSizes & size) !== 0,
  );

const hex = (bytes: Uint8Array): string =>
  [...bytes].map((byte) => byte.toString(16).padStart(2, "0")).join(" ");

const nameOf = (row: Row): string => `${row.opcode} ${row.name} ${row.syntax.join(", ")}`;

/** Bytes that mean something more special: XCHG EAX, EAX is NOP, and some of the hint space has names. */
function isShadowed(row: Row, back: Instruction): boolean {
  if (row.mnemonic === "XCHG") return back.row.mnemonic === "NOP";
  return row.mnemonic === "NOP" && ["prefetch", "no-operation"].includes(back.row.costClass);
}

it("rows are numbered, valid somewhere, and their columns agree", () => {
  for (const [index, row] of ROWS.entries()) {
    expect(row.index).toBe(index);
    expect(COST_CLASSES).toContain(row.costClass);
    for (const mask of [row.flagsRead, row.flagsWritten, row.flagsUndefined, row.flagsConditional])
      expect(mask, nameOf(row)).toBeGreaterThanOrEqual(0);
    expect(row.flagsWritten & row.flagsUndefined, nameOf(row)).toBe(0);
    expect(row.legacy || row.long, nameOf(row)).toBe(true);
    expect(row.encoding.opcode, nameOf(row)).toBeLessThan(256);
    const bytes = row.forms
      .filter((form) => form.place === "immediate" && form.kind !== "offset")
      .reduce((sum, form) => sum + form.size + (form.kind === "far" ? 2 : 0), 0);
    expect(bytes, `immediates of ${nameOf(row)}`).toBe(row.encoding.immediateBytes);
    const inModRm = row.forms.some((form) => form.place === "rm" || form.place === "reg");
    if (inModRm) expect(row.encoding.hasModRm, nameOf(row)).toBe(true);
    if (row.sensitivity === "privileged") expect(row.privilege, nameOf(row)).not.toBe(3);
  }
});

it("no two rows are alike", () => {
  const keys = ROWS.map((row) =>
    [row.opcode, row.encoding.mod, row.operandSizes, row.addressSizes, row.legacy, row.long, row.name].join(),
  );
  expect(new Set(keys).size).toBe(ROWS.length);
});

it("every row comes back from its bytes, in each mode and address size it is valid in", () => {
  const random = new Random(5);
  let tried = 0;
  for (const mode of MODES)
    for (const row of ROWS.filter((candidate) => isValid(candidate, mode)))
      for (const addressSize of addressSizes(row, mode))
        for (let sample = 0; sample < SAMPLES; sample++) {
          const operands = operandsFor(random, row, mode, addressSize);
          const bytes = Uint8Array.from(encode(row, operands, { mode, addressSize }));
          const back = decode(bytes, 0, mode);
          tried++;
          if (typeof back !== "string" && isShadowed(row, back)) continue;
          const expected = { row: row.index, length: bytes.length, addressSize, operands };
          const actual =
            typeof back === "string"
              ? back
              : { row: back.row.index, length: back.length, addressSize, operands: back.operands };
          // Compared as text first: the matcher is slow, and asked tens of thousands of times.
          if (JSON.stringify(actual) !== JSON.stringify(expected))
            expect(actual, `${nameOf(row)}, ${mode}-bit: ${hex(bytes)}`).toEqual(expected);
          if (typeof back !== "string" && !disassemble(back).includes(row.name))
            expect(disassemble(back)).toContain(row.name);
        }
  expect(tried).toBeGreaterThan(25_000);
});

it("LOCK and repeat prefixes come back where they are allowed", () => {
  const random = new Random(6);
  for (const row of ROWS.filter((candidate) => candidate.long)) {
    const operands = operandsFor(random, row, 64, plainAddressSize(64));
    const lock = row.lockable && operands[0]?.kind === "memory";
    const locked = decode(Uint8Array.from([0xf0, ...encode(row, operands, { mode: 64 })]), 0, 64);
    expect(typeof locked === "string" ? locked : locked.lock, nameOf(row)).toBe(lock ? true : "undefined");
    if (row.repeat === "") continue;
    const repeated = decode(Uint8Array.from(encode(row, operands, { mode: 64, repeat: "repne" })), 0, 64);
    expect(typeof repeated === "string" ? repeated : repeated.repeat).toBe("repne");
  }
});
