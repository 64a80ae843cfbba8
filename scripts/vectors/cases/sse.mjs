/** SSE and SSE2: floating point, moves, conversions, packed integers; and MMX, which shares the integers' opcodes. */
import { setting } from "../addresses.mjs";
import { pick, row, times, written } from "../rows.mjs";
import { DATA_WINDOW, dataBase } from "../shared.mjs";

const hex = (value) => value.toString(16).toUpperCase().padStart(2, "0");
const DI = 7;
const DEFAULT_MXCSR = 0x1f80;
const ROUNDING = [0x2000, 0x4000, 0x6000];
const FLUSH_TO_ZERO = 0x8000;
const DENORMALS_ARE_ZERO = 0x40;
const ALL_MASKS = 0x1f80;
const UNMASKED = {
  invalid: 0x80,
  denormal: 0x100,
  zero: 0x200,
  overflow: 0x400,
  underflow: 0x800,
  precision: 0x1000,
};

/** Suffix, prefix and scalar operand of one opcode's four instructions. */
const SCALARS = [
  ["SS", "F3 ", "m32", "single"],
  ["SD", "F2 ", "m64", "double"],
];
const PACKEDS = [
  ["PS", "", "m128", "single"],
  ["PD", "66 ", "m128", "double"],
];
const kinds = (memory) => ({ memory, x87: "empty" });

/** Rows for the suffixes given; `more` of options. */
const variants = (name, opcode, forms, options = {}, tail = "") =>
  forms.map(([suffix, prefix, memory, kind]) =>
    row(
      `${name}${suffix} xmm1, xmm2/${memory}${tail}`,
      `${prefix}0F ${opcode} /r${tail === "" ? "" : " ib"}`,
      {
        kinds: kinds(kind),
        align: memory === "m128",
        sequence: true,
        ...options,
      },
    ),
  );

const EVERY = [...PACKEDS, ...SCALARS];
const SINGLES = EVERY.filter(([suffix]) => suffix.endsWith("S"));
const COMPARE_TAIL = ", imm8";

/** Operations whose results depend on MXCSR: they are recorded once more under other settings of it. */
const rounded = [
  ...[
    ["SQRT", "51"],
    ["ADD", "58"],
    ["MUL", "59"],
    ["SUB", "5C"],
    ["MIN", "5D"],
    ["DIV", "5E"],
    ["MAX", "5F"],
  ].flatMap(([name, opcode]) => variants(name, opcode, EVERY, { cases: 14, registers: 2 })),
  ...[0, 1, 2, 3, 4, 5, 6, 7].flatMap((predicate) =>
    variants("CMP", "C2", EVERY, { cases: 5, immediates: () => [predicate] }, COMPARE_TAIL),
  ),
  ...["2E", "2F"].flatMap((opcode, index) => [
    row(`${index === 0 ? "U" : ""}COMISS xmm1, xmm2/m32`, `0F ${opcode} /r`, {
      kinds: kinds("single"),
      sequence: true,
      cases: 14,
    }),
    row(`${index === 0 ? "U" : ""}COMISD xmm1, xmm2/m64`, `66 0F ${opcode} /r`, {
      kinds: kinds("double"),
      sequence: true,
      cases: 14,
    }),
  ]),
];

const single = { kinds: kinds("single"), sequence: true, cases: 14 };
const double = { kinds: kinds("double"), sequence: true, cases: 14 };
const integer = { kinds: kinds("integer"), sequence: true, cases: 8 };

/** Conversions: of the first letter's kind of source. */
const conversions = [
  row("CVTSI2SS xmm1, r/m32", "F3 0F 2A /r", integer),
  row("CVTSI2SD xmm1, r/m32", "F2 0F 2A /r", integer),
  row("CVTSI2SS xmm1, r/m64", "F3 REX.W 0F 2A /r", { ...integer, modes: [64] }),
  row("CVTSI2SD xmm1, r/m64", "F2 REX.W 0F 2A /r", { ...integer, modes: [64] }),
  ...[
    ["CVTT", "2C"],
    ["CVT", "2D"],
  ].flatMap(([name, opcode]) => [
    row(`${name}SS2SI r32, xmm1/m32`, `F3 0F ${opcode} /r`, single),
    row(`${name}SD2SI r32, xmm1/m64`, `F2 0F ${opcode} /r`, double),
    row(`${name}SS2SI r64, xmm1/m32`, `F3 REX.W 0F ${opcode} /r`, { ...single, modes: [64] }),
    row(`${name}SD2SI r64, xmm1/m64`, `F2 REX.W 0F ${opcode} /r`, { ...double, modes: [64] }),
  ]),
  row("CVTPS2PD xmm1, xmm2/m64", "0F 5A /r", single),
  row("CVTPD2PS xmm1, xmm2/m128", "66 0F 5A /r", { ...double, align: true }),
  row("CVTSS2SD xmm1, xmm2/m32", "F3 0F 5A /r", single),
  row("CVTSD2SS xmm1, xmm2/m64", "F2 0F 5A /r", double),
  row("CVTDQ2PS xmm1, xmm2/m128", "0F 5B /r", { ...integer, align: true }),
  row("CVTPS2DQ xmm1, xmm2/m128", "66 0F 5B /r", { ...single, align: true }),
  row("CVTTPS2DQ xmm1, xmm2/m128", "F3 0F 5B /r", { ...single, align: true }),
  row("CVTTPD2DQ xmm1, xmm2/m128", "66 0F E6 /r", { ...double, align: true }),
  row("CVTDQ2PD xmm1, xmm2/m64", "F3 0F E6 /r", integer),
  row("CVTPD2DQ xmm1, xmm2/m128", "F2 0F E6 /r", { ...double, align: true }),
];

/** Those between MMX and XMM registers. */
const mmxKinds = (memory) => ({ memory, x87: "mmx" });
const mmxConversions = [
  row("CVTPI2PS xmm, mm/m64", "0F 2A /r", { kinds: mmxKinds("integer"), cases: 8 }),
  row("CVTPI2PD xmm, mm/m64", "66 0F 2A /r", { kinds: mmxKinds("integer"), cases: 8 }),
  ...[
    ["CVTT", "2C"],
    ["CVT", "2D"],
  ].flatMap(([name, opcode]) => [
    row(`${name}PS2PI mm, xmm/m64`, `0F ${opcode} /r`, { kinds: mmxKinds("single"), cases: 8 }),
    row(`${name}PD2PI mm, xmm/m128`, `66 0F ${opcode} /r`, {
      kinds: mmxKinds("double"),
      align: true,
      cases: 8,
    }),
  ]),
];

const moved = { ...integer, cases: 3 };
const aligned = { ...moved, align: true };
const moves = [
  ...variants("MOVU", "10", PACKEDS, { kinds: kinds("integer"), align: false, cases: 3 }),
  row("MOVUPS xmm2/m128, xmm1", "0F 11 /r", moved),
  row("MOVUPD xmm2/m128, xmm1", "66 0F 11 /r", moved),
  row("MOVSS xmm1, xmm2/m32", "F3 0F 10 /r", moved),
  row("MOVSD xmm1, xmm2/m64", "F2 0F 10 /r", moved),
  row("MOVSS xmm2/m32, xmm1", "F3 0F 11 /r", moved),
  row("MOVSD xmm2/m64, xmm1", "F2 0F 11 /r", moved),
  row("MOVHLPS xmm1, xmm2", "0F 12 /r", moved),
  row("MOVLHPS xmm1, xmm2", "0F 16 /r", moved),
  ...[
    ["MOVLPS", "", "12"],
    ["MOVLPD", "66 ", "12"],
    ["MOVHPS", "", "16"],
    ["MOVHPD", "66 ", "16"],
  ].flatMap(([name, prefix, opcode]) => [
    row(`${name} xmm1, m64`, `${prefix}0F ${opcode} /r`, { ...moved, memory: 2 }),
    row(`${name} m64, xmm1`, `${prefix}0F ${hex(Number.parseInt(opcode, 16) + 1)} /r`, {
      ...moved,
      memory: 2,
    }),
  ]),
  row("MOVAPS xmm1, xmm2/m128", "0F 28 /r", aligned),
  row("MOVAPS xmm2/m128, xmm1", "0F 29 /r", aligned),
  row("MOVAPD xmm1, xmm2/m128", "66 0F 28 /r", aligned),
  row("MOVAPD xmm2/m128, xmm1", "66 0F 29 /r", aligned),
  row("MOVNTPS m128, xmm1", "0F 2B /r", aligned),
  row("MOVNTPD m128, xmm1", "66 0F 2B /r", aligned),
  row("MOVNTDQ m128, xmm1", "66 0F E7 /r", aligned),
  row("MOVDQA xmm1, xmm2/m128", "66 0F 6F /r", aligned),
  row("MOVDQA xmm2/m128, xmm1", "66 0F 7F /r", aligned),
  row("MOVDQU xmm1, xmm2/m128", "F3 0F 6F /r", moved),
  row("MOVDQU xmm2/m128, xmm1", "F3 0F 7F /r", moved),
  row("MOVD xmm, r/m32", "66 0F 6E /r", moved),
  row("MOVQ xmm, r/m64", "66 REX.W 0F 6E /r", { ...moved, modes: [64] }),
  row("MOVD r/m32, xmm", "66 0F 7E /r", moved),
  row("MOVQ r/m64, xmm", "66 REX.W 0F 7E /r", { ...moved, modes: [64] }),
  row("MOVQ xmm1, xmm2/m64", "F3 0F 7E /r", moved),
  row("MOVQ xmm2/m64, xmm1", "66 0F D6 /r", moved),
  row("MOVMSKPS r32, xmm", "0F 50 /r", moved),
  row("MOVMSKPD r32, xmm", "66 0F 50 /r", moved),
  row("PMOVMSKB r32, xmm", "66 0F D7 /r", moved),
  row("PINSRW xmm, r32/m16, imm8", "66 0F C4 /r ib", { ...moved, registers: 2, memory: 2 }),
  row("PEXTRW r32, xmm, imm8", "66 0F C5 /r ib", { ...moved, registers: 3 }),
  ...variants("UNPCKL", "14", PACKEDS, { cases: 3 }),
  ...variants("UNPCKH", "15", PACKEDS, { cases: 3 }),
  ...variants("SHUF", "C6", PACKEDS, { cases: 3, registers: 3, memory: 2 }, ", imm8"),
  ...[
    ["AND", "54"],
    ["ANDN", "55"],
    ["OR", "56"],
    ["XOR", "57"],
  ].flatMap(([name, opcode]) => variants(name, opcode, PACKEDS, { kinds: kinds("integer"), cases: 3 })),
  ...[
    ["RSQRT", "52"],
    ["RCP", "53"],
  ].flatMap(([name, opcode]) => variants(name, opcode, SINGLES, { sequence: false })),
];

/** DI points to the operand: DS:DI is implied. */
const maskedPlace = (mode) => [setting(DI, DATA_WINDOW.address + 0x813 - dataBase(mode))];
const maskedMoves = [
  row("MASKMOVDQU xmm1, xmm2", "66 0F F7 /r", {
    ...integer,
    sequence: false,
    setup: (_, __, mode) => maskedPlace(mode),
    registers: 2,
    cases: 4,
  }),
  row("MASKMOVQ mm1, mm2", "0F F7 /r", {
    kinds: mmxKinds("integer"),
    setup: (_, __, mode) => maskedPlace(mode),
    cases: 4,
  }),
];

/** LDMXCSR faults on reserved bits: no case has bit 17, which AMD defines. */
const control = [
  row("LDMXCSR m32", "0F AE /2", {
    kinds: kinds("integer"),
    offset: 0x20,
    dataOnly: true,
    cases: () =>
      ["801f0000", "80ff0000", "bf7f0000", "00000000", "801f0100", "00000080"].map((bytes) => [
        `d820=${bytes}`,
      ]),
  }),
  row("STMXCSR m32", "0F AE /3", {
    kinds: kinds("integer"),
    cases: (random) =>
      [0, 1, 2].map(() => [`mx=${((random.int32() & 0xe07f) | DEFAULT_MXCSR).toString(16)}`]),
  }),
];

/** Packed integers with an MMX and an XMM form: name, opcode, and the MMX form's memory operand. */
const INTEGERS = [
  ["PUNPCKLBW", "60", "m32"],
  ["PUNPCKLWD", "61", "m32"],
  ["PUNPCKLDQ", "62", "m32"],
  ["PACKSSWB", "63"],
  ["PCMPGTB", "64"],
  ["PCMPGTW", "65"],
  ["PCMPGTD", "66"],
  ["PACKUSWB", "67"],
  ["PUNPCKHBW", "68"],
  ["PUNPCKHWD", "69"],
  ["PUNPCKHDQ", "6A"],
  ["PACKSSDW", "6B"],
  ["PCMPEQB", "74"],
  ["PCMPEQW", "75"],
  ["PCMPEQD", "76"],
  ["PADDQ", "D4"],
  ["PMULLW", "D5"],
  ["PSUBUSB", "D8"],
  ["PSUBUSW", "D9"],
  ["PMINUB", "DA"],
  ["PAND", "DB"],
  ["PADDUSB", "DC"],
  ["PADDUSW", "DD"],
  ["PMAXUB", "DE"],
  ["PANDN", "DF"],
  ["PAVGB", "E0"],
  ["PAVGW", "E3"],
  ["PMULHUW", "E4"],
  ["PMULHW", "E5"],
  ["PSUBSB", "E8"],
  ["PSUBSW", "E9"],
  ["PMINSW", "EA"],
  ["POR", "EB"],
  ["PADDSB", "EC"],
  ["PADDSW", "ED"],
  ["PMAXSW", "EE"],
  ["PXOR", "EF"],
  ["PMULUDQ", "F4"],
  ["PMADDWD", "F5"],
  ["PSADBW", "F6"],
  ["PSUBB", "F8"],
  ["PSUBW", "F9"],
  ["PSUBD", "FA"],
  ["PSUBQ", "FB"],
  ["PADDB", "FC"],
  ["PADDW", "FD"],
  ["PADDD", "FE"],
];
const SHIFTS = [
  ["PSRLW", "D1", "71 /2", 16],
  ["PSRLD", "D2", "72 /2", 32],
  ["PSRLQ", "D3", "73 /2", 64],
  ["PSRAW", "E1", "71 /4", 16],
  ["PSRAD", "E2", "72 /4", 32],
  ["PSLLW", "F1", "71 /6", 16],
  ["PSLLD", "F2", "72 /6", 32],
  ["PSLLQ", "F3", "73 /6", 64],
];
const counts = (width) => [0, 1, width - 1, width, 255];

const packed = [
  ...INTEGERS.map(([name, opcode]) =>
    row(`${name} xmm1, xmm2/m128`, `66 0F ${opcode} /r`, { ...integer, align: true, cases: 4 }),
  ),
  ...SHIFTS.flatMap(([name, opcode, immediate, width]) => [
    row(`${name} xmm1, xmm2/m128`, `66 0F ${opcode} /r`, { ...integer, align: true, cases: 6 }),
    ...counts(width).map((count) =>
      row(`${name} xmm1, imm8`, `66 0F ${immediate} ib`, { ...integer, immediates: () => [count], cases: 2 }),
    ),
  ]),
  ...[
    ["PSRLDQ", "/3"],
    ["PSLLDQ", "/7"],
  ].flatMap(([name, digit]) =>
    [0, 1, 7, 15, 16, 255].map((count) =>
      row(`${name} xmm1, imm8`, `66 0F 73 ${digit} ib`, { ...integer, immediates: () => [count], cases: 2 }),
    ),
  ),
  row("PUNPCKLQDQ xmm1, xmm2/m128", "66 0F 6C /r", { ...integer, align: true, cases: 3 }),
  row("PUNPCKHQDQ xmm1, xmm2/m128", "66 0F 6D /r", { ...integer, align: true, cases: 3 }),
  ...[
    ["PSHUFD", "66 "],
    ["PSHUFHW", "F3 "],
    ["PSHUFLW", "F2 "],
  ].map(([name, prefix]) =>
    row(`${name} xmm1, xmm2/m128, imm8`, `${prefix}0F 70 /r ib`, {
      ...integer,
      align: true,
      registers: 3,
      memory: 2,
      cases: 2,
    }),
  ),
];

const mmx = { kinds: mmxKinds("integer"), cases: 3 };
const mmxIntegers = [
  ...INTEGERS.map(([name, opcode, memory = "m64"]) =>
    row(`${name} mm, mm/${memory}`, `0F ${opcode} /r`, mmx),
  ),
  ...SHIFTS.flatMap(([name, opcode, immediate, width]) => [
    row(`${name} mm, mm/m64`, `0F ${opcode} /r`, { ...mmx, cases: 4 }),
    ...counts(width).map((count) =>
      row(`${name} mm, imm8`, `0F ${immediate} ib`, { ...mmx, immediates: () => [count], cases: 1 }),
    ),
  ]),
  row("MOVD mm, r/m32", "0F 6E /r", mmx),
  row("MOVQ mm, r/m64", "REX.W 0F 6E /r", { ...mmx, modes: [64] }),
  row("MOVD r/m32, mm", "0F 7E /r", mmx),
  row("MOVQ r/m64, mm", "REX.W 0F 7E /r", { ...mmx, modes: [64] }),
  row("MOVQ mm, mm/m64", "0F 6F /r", mmx),
  row("MOVQ mm/m64, mm", "0F 7F /r", mmx),
  row("MOVNTQ m64, mm", "0F E7 /r", mmx),
  row("PMOVMSKB r32, mm", "0F D7 /r", mmx),
  row("PINSRW mm, r32/m16, imm8", "0F C4 /r ib", mmx),
  row("PEXTRW r32, mm, imm8", "0F C5 /r ib", mmx),
  row("PSHUFW mm1, mm2/m64, imm8", "0F 70 /r ib", { ...mmx, registers: 2 }),
  row("MOVQ2DQ xmm, mm", "F3 0F D6 /r", mmx),
  row("MOVDQ2Q mm, xmm", "F2 0F D6 /r", mmx),
  row("EMMS", "0F 77", mmx),
  // From a stack in use to MMX and back: TOP becomes 0 and all tags valid.
  row("PADDW mm, mm/m64", "0F FD /r", { kinds: { memory: "integer", x87: "numbers" }, cases: 4 }),
  row("EMMS", "0F 77", { kinds: { memory: "integer", x87: "numbers" }, cases: 2 }),
];

/** 64-bit code in full, the other widths in part: their operands and results are the same. */
const widths = (rows) => rows.map((one) => (one.modes === undefined ? { ...one, otherModes: 2 } : one));

/** Rounding modes, flush to zero, denormals as zero; and unmasked exceptions, which fault before anything is written. */
const settings = (random) =>
  [
    ...ROUNDING,
    ...ROUNDING.map((rounding) => rounding | FLUSH_TO_ZERO | DENORMALS_ARE_ZERO),
    FLUSH_TO_ZERO,
    DENORMALS_ARE_ZERO,
    pick(random, ROUNDING),
    pick(random, ROUNDING),
  ].map((bits) => [`mx=${(DEFAULT_MXCSR | bits).toString(16)}`]);
const unmasked = () => Object.values(UNMASKED).map((mask) => [`mx=${(ALL_MASKS & ~mask).toString(16)}`]);

const controlled = [...rounded, ...conversions].map((one) => ({
  ...one,
  modes: [64],
  registers: 1,
  memory: 1,
  cases: (random) => [...settings(random), ...unmasked()],
}));

export const floatingPoint = widths([...rounded, ...conversions, ...control]);
export const vectorMoves = widths([...moves, ...maskedMoves]);
export const packedIntegers = widths(packed);
export const multimedia = widths([...mmxIntegers, ...mmxConversions]);
export const floatingPointControl = controlled;

/** The image in memory has its own tests of layout: 512 bytes, of which those for pointers and the mask vary by vendor. */
const image = [
  written(
    "FXSAVE m512byte",
    (_, mode) =>
      [[], ...(mode === 64 ? [[0x48]] : [])].map((rex) => ({
        title: rex.length > 0 ? "FXSAVE64 m512byte" : "FXSAVE m512byte",
        bytes: [...rex, 0x0f, 0xae, mode === 16 ? 0x07 : 0x03],
        setup: [setting(3, DATA_WINDOW.address + 0x800 - dataBase(mode))],
        ignored: ["~d806+18", "~d81c+4"],
        cases: times(1),
      })),
    { kinds: { memory: "integer", x87: "numbers" } },
  ),
  // The image is the drawn operand area and the background: MXCSR and its reserved bits are set to what is valid.
  written(
    "FXRSTOR m512byte",
    (_, mode) =>
      [[], ...(mode === 64 ? [[0x48]] : [])].map((rex) => ({
        title: rex.length > 0 ? "FXRSTOR64 m512byte" : "FXRSTOR m512byte",
        bytes: [...rex, 0x0f, 0xae, mode === 16 ? 0x0f : 0x0b],
        setup: [setting(3, DATA_WINDOW.address + 0x800 - dataBase(mode))],
        cases: [
          ["d800=7f030028c3000000", "d818=801f0000ffff0000"],
          ["d800=7f02003800000000", "d818=bf7f0000ffff0000"],
          ["d818=000001ff"],
        ],
      })),
    { kinds: { memory: "integer", x87: "empty" } },
  ),
];
export const stateImages = image;
