/**
 * Do iced-x86 and we agree on what bytes mean? Random strings, as they are and with prefixes and escape bytes sprinkled
 * in, for each width of code: length, validity, name, prefixes and every operand. What differs on purpose is below, by name.
 *
 * ICED_STRINGS=1000000 npx vitest run --config .config/vitest.config.ts core/machine/x86/iced.test.ts   tries a million a width.
 */
import iced from "iced-x86";
import { expect, it } from "vitest";
import { Random } from "../../util/random.js";
import { ABSENT_EXTENSIONS } from "./absent.table.js";
import { decode } from "./decode.js";
import { encode } from "./encode.js";
import { FLAG } from "./flags.js";
import type { CodeMode } from "./instruction.js";
import { ROWS } from "./table.js";
import { ADDRESS, type Facts, icedFacts, icedText, ourText } from "./testing/iced.js";
import { operandsFor } from "./testing/row-operands.js";

const STRINGS = Number(process.env["ICED_STRINGS"] ?? 17_000);
/** Bytes of one string: the longest instruction and one more. */
const STRIDE = 16;

const SPRINKLED = [0x66, 0x67, 0xf2, 0xf3, 0xf0, 0x2e, 0x3e, 0x64, 0x65, 0x40, 0x41, 0x48, 0x4d];
const ESCAPES = [[0x0f], [0x0f], [0x0f], [0x0f, 0x38], [0x0f, 0x3a], [0xc4, 0xe2], [0xc4, 0xe3], [0x90]];

function randomStrings(random: Random, count: number): Uint8Array {
  const data = new Uint8Array(count * STRIDE);
  for (let start = 0; start < data.length; start += STRIDE) {
    for (let at = 0; at < STRIDE; at++) data[start + at] = random.below(256);
    if (random.below(4) === 0) continue;
    let at = start;
    for (let count = random.below(4); count > 0; count--)
      data[at++] = SPRINKLED[random.below(SPRINKLED.length)]!;
    if (random.below(2) === 0) data.set(ESCAPES[random.below(ESCAPES.length)]!, at);
  }
  return data;
}

/** Names that iced gives to what the table knows under another one, or as a hint that does nothing. */
const OTHER_NAMES: Readonly<Record<string, string>> = {
  xlatb: "xlat",
  wait: "fwait",
  fstpnce: "fstp",
  sal: "shl",
  reservednop: "nop",
  ...Object.fromEntries(
    ABSENT_EXTENSIONS.flatMap(({ mnemonics, instead }) =>
      instead === undefined ? [] : mnemonics.map((name) => [name, instead] as const),
    ),
  ),
};

/** Later instructions in the hint space: only their length counts. */
const HINTS = new Set(
  ABSENT_EXTENSIONS.flatMap(({ mnemonics, instead }) => (instead === undefined ? [] : mnemonics)),
);
const UNDEFINED_HERE = new Set(
  ABSENT_EXTENSIONS.flatMap(({ mnemonics, instead }) => (instead === undefined ? mnemonics : [])),
);
const ABSENT_ENCODINGS = new Set(
  ABSENT_EXTENSIONS.flatMap(({ encoding }) => (encoding === undefined ? [] : [encoding])),
);

/** The parts of a line: length, then prefixes and name, then operands. */
function split(text: string): { length: string; name: string; operands: string } {
  const [, length = "", name = "", operands = ""] =
    /^(\d+): ((?:lock |rep |repne )*\S+) ?(.*)$/.exec(text) ?? [];
  return { length, name, operands };
}

const ENCODINGS: Readonly<Record<number, (typeof ABSENT_EXTENSIONS)[number]["encoding"]>> = {
  [iced.EncodingKind.VEX]: "VEX",
  [iced.EncodingKind.EVEX]: "EVEX",
  [iced.EncodingKind.XOP]: "XOP",
  [iced.EncodingKind.D3NOW]: "3DNow!",
};

/** Is the difference one of those meant? */
function isMeant(theirs: string, ours: string, instruction: iced.Instruction): boolean {
  const their = split(theirs);
  const our = split(ours);
  if (ours === "undefined") {
    const encoding = ENCODINGS[instruction.encoding];
    // Of PEXTRW SSE4.1 has a form of its own, the one that can store.
    if (instruction.code === iced.Code.Pextrw_r32m16_xmm_imm8) return true;
    if (instruction.code === iced.Code.Pextrw_r64m16_xmm_imm8) return true;
    return (
      UNDEFINED_HERE.has(their.name.replace(/^.* /, "")) ||
      (encoding !== undefined && ABSENT_ENCODINGS.has(encoding))
    );
  }
  if (their.length !== our.length) return false;
  const renamed = OTHER_NAMES[their.name];
  // Far transfers have their size in our name, or "far"; iced has it in the code.
  const name = our.name.replace(/^retf[dq]$/, "retf");
  if (name !== (renamed ?? their.name)) return false;
  if (HINTS.has(their.name)) return true;
  if (their.operands === our.operands) return true;
  // What iced names and the manual's syntax leaves out: ST(0) as destination, AL as index of XLAT.
  if (/^f(u?comp?|xch)$/.test(name)) return their.operands === `st(0), ${our.operands}`;
  if (name === "xlat") return their.operands.replace("+al*1", "") === our.operands;
  // Of these the register's width says nothing: ARPL takes 16 bits, and the others leave the upper half 0 or unread.
  if (/^(arpl|pextrw|pinsrw|pmovmskb|movmskp[sd])$/.test(name))
    return narrowed(their.operands) === narrowed(our.operands);
  return false;
}

/** Register operands without the letters that say their width; registers in addresses keep them. */
const narrowed = (operands: string): string =>
  operands.replace(/(^|, )(?:[re](?=[a-z]{2}(,|$)))/g, "$1").replace(/(^|, )(r\d+)d(?=,|$)/g, "$1$2");

function compare(mode: CodeMode, data: Uint8Array): { valid: number; differences: string[] } {
  const decoder = new iced.Decoder(mode, data, iced.DecoderOptions.None);
  const instruction = new iced.Instruction();
  const differences: string[] = [];
  let valid = 0;
  for (let start = 0; start < data.length; start += STRIDE) {
    decoder.position = start;
    decoder.ip = ADDRESS;
    decoder.decodeOut(instruction);
    const bytes = data.subarray(start, start + STRIDE);
    const ours = ourText(decode(bytes, 0, mode));
    if (ours !== "undefined") valid++;
    const theirs = icedText(instruction, mode);
    if (theirs === ours || isMeant(theirs, ours, instruction)) continue;
    const hex = [...bytes].map((byte) => byte.toString(16).padStart(2, "0")).join(" ");
    differences.push(`${hex}   theirs ${theirs}   ours ${ours}`);
  }
  instruction.free();
  decoder.free();
  return { valid, differences };
}

/** A million at once would take the memory of the whole test. */
const BATCH = 20_000;

it.each([16, 32, 64] as const)(
  "random bytes mean the same to iced-x86, %i-bit code",
  (mode) => {
    const random = new Random(mode);
    const differences: string[] = [];
    let valid = 0;
    for (let done = 0; done < STRINGS; done += BATCH) {
      const result = compare(mode, randomStrings(random, Math.min(BATCH, STRINGS - done)));
      valid += result.valid;
      differences.push(...result.differences);
    }
    expect(differences.slice(0, 20)).toEqual([]);
    expect(valid).toBeGreaterThan(STRINGS / 2);
  },
  3_600_000,
);

/** Bytes less than an instruction are truncated, whatever follows. */
it("a prefix of an instruction's bytes is truncated or undefined, never another instruction", () => {
  const random = new Random(7);
  const data = randomStrings(random, 3000);
  for (let start = 0; start < data.length; start += STRIDE) {
    const whole = decode(data.subarray(start, start + STRIDE), 0, 64);
    if (typeof whole === "string") continue;
    for (let length = 0; length < whole.length; length++)
      if (decode(data.subarray(start, start + length), 0, 64) !== "truncated")
        expect(decode(data.subarray(start, start + length), 0, 64)).toBe("truncated");
  }
});

/** Not compared: iced has no TF, and sees AC in the wider PUSHF and POPF only. */
const NOT_COMPARED = FLAG.TF | FLAG.AC;

/**
 * Rows where we hold to the manual, or say more. INT pushes the flags, so it reads them; MONITOR and MWAIT want CPL 0;
 * iced gives VMFUNC, VMRUN and SKINIT the flags that a guest or loader brings.
 */
const OTHERWISE_HERE = new Set([
  "INT",
  "INT1",
  "INT3",
  "INTO",
  "MONITOR",
  "MWAIT",
  "VMFUNC",
  "VMRUN",
  "SKINIT",
]);

it("flags and privilege of every row are those of iced-x86", () => {
  const random = new Random(8);
  const differences: string[] = [];
  let compared = 0;
  for (const row of ROWS) {
    const mode = row.long ? 64 : 32;
    const addressSize = ([8, 4, 2] as const).find(
      (size) => (row.addressSizes & size) !== 0 && size * 8 <= mode,
    )!;
    if (OTHERWISE_HERE.has(row.mnemonic) || (mode === 64 && addressSize === 2)) continue;
    // iced looks at the count of a shift: by 5 it is neither by 0 nor by 1.
    const operands = operandsFor(random, row, mode, addressSize).map((operand, at) =>
      row.forms[at]!.text === "imm8" && operand.kind === "immediate" ? { ...operand, value: 5 } : operand,
    );
    const bytes = Uint8Array.from(encode(row, operands, { mode, addressSize }));
    const ours: Facts = {
      read: row.flagsRead & ~NOT_COMPARED,
      written: row.flagsWritten & ~NOT_COMPARED,
      undefined: row.flagsUndefined,
      privileged: row.privilege !== 3,
    };
    const theirs = icedFacts(bytes, mode, ~NOT_COMPARED);
    compared++;
    if (JSON.stringify(theirs) !== JSON.stringify(ours))
      differences.push(
        `${row.opcode} ${row.name} theirs ${JSON.stringify(theirs)} ours ${JSON.stringify(ours)}`,
      );
  }
  expect(differences).toEqual([]);
  expect(compared).toBeGreaterThan(1300);
});
