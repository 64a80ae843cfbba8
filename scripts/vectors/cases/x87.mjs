/** The x87 unit (Intel SDM vol. 1, 8). */
import { setting } from "../addresses.mjs";
import { row, times, written } from "../rows.mjs";
import { DATA_WINDOW, dataBase } from "../shared.mjs";

const BX = 3;
const numbers = (memory) => ({ memory, x87: "numbers" });
const MODES = [32, 64];
const KIND = {
  m32fp: "single",
  m64fp: "double",
  m80fp: "extended",
  m16int: "integer",
  m32int: "integer",
  m64int: "integer",
  m80bcd: "integer",
};

/** "FADD m32fp" by its operand's kind. */
const withMemory = (title, opcode, options = {}) =>
  row(title, opcode, {
    kinds: numbers(KIND[title.split(" ")[1]]),
    modes: MODES,
    cases: 10,
    otherModes: 2,
    ...options,
  });
/** Two places of the stack, of which one may be empty. */
const withStack = (title, first, second, options = {}) =>
  written(
    title,
    (_, mode) =>
      (mode === 64 ? [1, 3, 7] : [2]).map((i) => ({
        title: title.replace("(i)", `(${i})`),
        bytes: [first, second + i],
        cases: times(mode === 64 ? (options.cases ?? 5) : 1),
      })),
    { kinds: numbers("integer"), modes: MODES },
  );
const plain = (title, bytes, cases = 8) =>
  written(title, (_, mode) => [{ bytes, cases: times(mode === 64 ? cases : 1) }], {
    kinds: numbers("integer"),
    modes: MODES,
  });

const ARITHMETIC = [
  ["FADD", 0],
  ["FMUL", 1],
  ["FSUB", 4],
  ["FSUBR", 5],
  ["FDIV", 6],
  ["FDIVR", 7],
];
/** With ST(i) as destination, the opcodes of FSUB and FSUBR, FDIV and FDIVR change places. */
const reversed = (digit) => (digit < 4 ? digit : digit ^ 1);

const arithmetic = ARITHMETIC.flatMap(([name, digit]) => [
  withMemory(`${name} m32fp`, `D8 /${digit}`),
  withMemory(`${name} m64fp`, `DC /${digit}`),
  withMemory(`FI${name.slice(1)} m32int`, `DA /${digit}`),
  withMemory(`FI${name.slice(1)} m16int`, `DE /${digit}`),
  withStack(`${name} ST(0), ST(i)`, 0xd8, 0xc0 + digit * 8),
  withStack(`${name} ST(i), ST(0)`, 0xdc, 0xc0 + reversed(digit) * 8),
  withStack(`${name}P ST(i), ST(0)`, 0xde, 0xc0 + reversed(digit) * 8),
]);

const LOADS = [
  ["FLD m32fp", "D9 /0"],
  ["FLD m64fp", "DD /0"],
  ["FILD m16int", "DF /0"],
  ["FILD m32int", "DB /0"],
  ["FILD m64int", "DF /5"],
];
const STORES = [
  ["FST m32fp", "D9 /2"],
  ["FST m64fp", "DD /2"],
  ["FSTP m32fp", "D9 /3"],
  ["FSTP m64fp", "DD /3"],
  ["FSTP m80fp", "DB /7"],
  ["FIST m16int", "DF /2"],
  ["FIST m32int", "DB /2"],
  ["FISTP m16int", "DF /3"],
  ["FISTP m32int", "DB /3"],
  ["FISTP m64int", "DF /7"],
  ["FISTTP m16int", "DF /1"],
  ["FISTTP m32int", "DB /1"],
  ["FISTTP m64int", "DD /1"],
  ["FBSTP m80bcd", "DF /6"],
];
const COMPARES = [
  ["FCOM", 2],
  ["FCOMP", 3],
].flatMap(([name, digit]) => [
  withMemory(`${name} m32fp`, `D8 /${digit}`),
  withMemory(`${name} m64fp`, `DC /${digit}`),
  withMemory(`FI${name.slice(1)} m16int`, `DE /${digit}`),
  withMemory(`FI${name.slice(1)} m32int`, `DA /${digit}`),
  withStack(`${name} ST(i)`, 0xd8, 0xc0 + digit * 8),
]);

/** Decimal digits, as FBLD wants them. */
const DECIMALS = [
  "00000000000000000000",
  "12345678901234567800",
  "99999999999999999980",
  "01000000000000000080",
];

const transfers = [
  ...LOADS.map(([title, opcode]) => withMemory(title, opcode)),
  withMemory("FLD m80fp", "DB /5", { offset: 0x20 }),
  ...STORES.map(([title, opcode]) => withMemory(title, opcode)),
  withMemory("FBLD m80bcd", "DF /4", {
    offset: 0x20,
    dataOnly: true,
    cases: () => DECIMALS.map((digits) => [`d820=${digits}`]),
  }),
  withStack("FLD ST(i)", 0xd9, 0xc0),
  withStack("FST ST(i)", 0xdd, 0xd0),
  withStack("FSTP ST(i)", 0xdd, 0xd8),
  withStack("FXCH ST(i)", 0xd9, 0xc8),
  ...["B", "E", "BE", "U"].flatMap((condition, index) => [
    withStack(`FCMOV${condition} ST(0), ST(i)`, 0xda, 0xc0 + index * 8),
    withStack(`FCMOVN${condition} ST(0), ST(i)`, 0xdb, 0xc0 + index * 8),
  ]),
  ...["1", "L2T", "L2E", "PI", "LG2", "LN2", "Z"].map((name, index) =>
    plain(`FLD${name}`, [0xd9, 0xe8 + index], 4),
  ),
];

const comparisons = [
  ...COMPARES,
  withStack("FUCOM ST(i)", 0xdd, 0xe0),
  withStack("FUCOMP ST(i)", 0xdd, 0xe8),
  withStack("FCOMI ST(0), ST(i)", 0xdb, 0xf0, { cases: 8 }),
  withStack("FUCOMI ST(0), ST(i)", 0xdb, 0xe8, { cases: 8 }),
  withStack("FCOMIP ST(0), ST(i)", 0xdf, 0xf0),
  withStack("FUCOMIP ST(0), ST(i)", 0xdf, 0xe8),
  plain("FCOMPP", [0xde, 0xd9]),
  plain("FUCOMPP", [0xda, 0xe9]),
  plain("FTST", [0xd9, 0xe4]),
  plain("FXAM", [0xd9, 0xe5], 16),
];

/** ST(0) and ST(1) as R6 and R7: sign and exponent before the significand. */
const operands = (first, second) => [`sw=3000`, `tw=c0`, `t6=${first}`, `t7=${second}`];
const HALF = "3ffe8000000000000000";
const ONE_AND_A_HALF = "3fffc000000000000000";
const SMALL = "3ff9d1b71758e2196800";
const MINUS_SMALL = "bffba3d70a3d70a3d800";
const NEGATIVE = "bffe8cccccccccccd000";
const LARGE = "4008fa00000000000000";
const ZERO = "0";
const INFINITE = "7fff8000000000000000";
const NOT_A_NUMBER = "7fffc000000000000000";
const approximate = (title, second, ...pairs) =>
  written(
    title,
    () => [{ bytes: [0xd9, second], cases: pairs.map(([one, other = HALF]) => operands(one, other)) }],
    {
      kinds: numbers("integer"),
      modes: MODES,
    },
  );

/** Their last bits differ between processors: compare.ts allows for it. Operands are in the ranges that the manual gives. */
const transcendental = [
  approximate("F2XM1", 0xf0, [HALF], [SMALL], [MINUS_SMALL], [NEGATIVE], [ZERO]),
  approximate("FYL2X", 0xf1, [HALF, LARGE], [ONE_AND_A_HALF], [LARGE, NEGATIVE], [ZERO, HALF], [NEGATIVE]),
  approximate("FYL2XP1", 0xf9, [SMALL, LARGE], [MINUS_SMALL, ONE_AND_A_HALF], [ZERO]),
  approximate("FPTAN", 0xf2, [HALF], [SMALL], [NEGATIVE], [ONE_AND_A_HALF], [ZERO]),
  approximate("FPATAN", 0xf3, [HALF, LARGE], [LARGE, HALF], [NEGATIVE, NEGATIVE], [ZERO, HALF], [HALF, ZERO]),
  approximate("FSIN", 0xfe, [HALF], [SMALL], [NEGATIVE], [LARGE], [ZERO], [INFINITE], [NOT_A_NUMBER]),
  approximate("FCOS", 0xff, [HALF], [SMALL], [NEGATIVE], [LARGE], [ZERO], [INFINITE]),
  approximate("FSINCOS", 0xfb, [HALF], [NEGATIVE], [LARGE], [ZERO]),
];

const functions = [
  plain("FCHS", [0xd9, 0xe0]),
  plain("FABS", [0xd9, 0xe1]),
  plain("FSQRT", [0xd9, 0xfa], 16),
  plain("FRNDINT", [0xd9, 0xfc], 12),
  plain("FSCALE", [0xd9, 0xfd], 12),
  plain("FXTRACT", [0xd9, 0xf4], 12),
  plain("FPREM", [0xd9, 0xf8], 12),
  plain("FPREM1", [0xd9, 0xf5], 12),
];

/** Memory operands at a fixed place, which the case fills. */
const place = (mode) => [setting(BX, DATA_WINDOW.address + 0x820 - dataBase(mode))];
const atBx = (title, opcode, digit, options = {}) =>
  written(
    title,
    (_, mode) => [
      {
        bytes: [...(options.prefix ?? []), opcode, (digit << 3) | (mode === 16 ? 7 : BX)],
        setup: place(mode),
        ignored: options.ignored ?? [],
        cases: options.cases ?? times(3),
      },
    ],
    { kinds: numbers("integer"), modes: options.modes ?? [16, 32, 64] },
  );

const MASKED = "7f03";
/** 28 bytes of FNSTENV, of which FIP, FCS, FOP, FDP and FDS vary by vendor; 14 with 66. */
const control = [
  plain("FWAIT", [0x9b], 2),
  plain("FNOP", [0xd9, 0xd0], 2),
  plain("FINCSTP", [0xd9, 0xf7], 4),
  plain("FDECSTP", [0xd9, 0xf6], 4),
  plain("FNCLEX", [0xdb, 0xe2], 3),
  plain("FNINIT", [0xdb, 0xe3], 3),
  plain("FNENI", [0xdb, 0xe0], 1),
  plain("FNDISI", [0xdb, 0xe1], 1),
  plain("FNSETPM", [0xdb, 0xe4], 1),
  plain("FNSTSW AX", [0xdf, 0xe0], 4),
  withStack("FFREE ST(i)", 0xdd, 0xc0),
  atBx("FLDCW m2byte", 0xd9, 5, {
    cases: [MASKED, "7f02", "7f0f", "7f00", "4000"].map((word) => [`d820=${word}`]),
  }),
  atBx("FNSTCW m2byte", 0xd9, 7, { cases: ["37f", "f7f", "27f"].map((word) => [`cw=${word}`]) }),
  atBx("FNSTSW m2byte", 0xdd, 7),
  atBx("FNSTENV m28byte", 0xd9, 6, { ignored: ["~d82c+16"], modes: [32, 64] }),
  atBx("FNSTENV m14byte", 0xd9, 6, { prefix: [0x66], ignored: ["~d826+8"], modes: [32, 64] }),
  atBx("FNSTENV m14byte", 0xd9, 6, { ignored: ["~d826+8"], modes: [16] }),
  atBx("FNSAVE m108byte", 0xdd, 6, { ignored: ["~d82c+16"], modes: [32, 64], cases: times(2) }),
  atBx("FNSAVE m94byte", 0xdd, 6, { prefix: [0x66], ignored: ["~d826+8"], modes: [32, 64], cases: times(2) }),
  atBx("FLDENV m28byte", 0xd9, 4, {
    modes: [32, 64],
    cases: [["d820=7f030000003000000ff00000"], ["d820=7f020000004100000000ffff"]],
  }),
  atBx("FLDENV m14byte", 0xd9, 4, { prefix: [0x66], modes: [32, 64], cases: [["d820=7f0300300ff0"]] }),
  atBx("FRSTOR m108byte", 0xdd, 4, {
    modes: [32, 64],
    cases: [["d820=7f030000003000000ff00000"], ["d820=7f030000000000000000ffff"]],
  }),
  atBx("FRSTOR m94byte", 0xdd, 4, { prefix: [0x66], modes: [32, 64], cases: [["d820=7f0300300ff0"]] }),
];

/** Encodings beside the manual's that processors execute as their neighbours. */
const aliases = [
  withStack("FSTP ST(i), by D9", 0xd9, 0xd8, { cases: 2 }),
  withStack("FSTP ST(i), by DF", 0xdf, 0xd0, { cases: 2 }),
  withStack("FSTP ST(i), by DF", 0xdf, 0xd8, { cases: 2 }),
  withStack("FCOM ST(i), by DC", 0xdc, 0xd0, { cases: 2 }),
  withStack("FCOMP ST(i), by DC", 0xdc, 0xd8, { cases: 2 }),
  withStack("FCOMP ST(i), by DE", 0xde, 0xd0, { cases: 2 }),
  withStack("FXCH ST(i), by DD", 0xdd, 0xc8, { cases: 2 }),
  withStack("FXCH ST(i), by DF", 0xdf, 0xc8, { cases: 2 }),
  withStack("FFREEP ST(i)", 0xdf, 0xc0, { cases: 2 }),
];

/** Precision and rounding other than the default, and unmasked exceptions: these stay pending until the next instruction. */
const SETTINGS = ["cw=7f", "cw=27f", "cw=f7f", "cw=77f", "cw=b7f", "cw=340"];
const controlled = [
  ["FADD ST(0), ST(1)", 0xd8, 0xc1],
  ["FMUL ST(0), ST(1)", 0xd8, 0xc9],
  ["FSUB ST(0), ST(1)", 0xd8, 0xe1],
  ["FDIV ST(0), ST(1)", 0xd8, 0xf1],
  ["FSQRT", 0xd9, 0xfa],
  ["FRNDINT", 0xd9, 0xfc],
  ["FLD1", 0xd9, 0xe8],
  ["FLDPI", 0xd9, 0xeb],
].map(([title, first, second]) =>
  written(title, () => [{ bytes: [first, second], cases: SETTINGS.flatMap((one) => [[one], [one]]) }], {
    kinds: numbers("integer"),
    modes: [64],
  }),
);
const controlledStores = [
  ["FSTP m32fp", "D9 /3"],
  ["FSTP m64fp", "DD /3"],
  ["FISTP m32int", "DB /3"],
  ["FISTP m64int", "DF /7"],
].map(([title, opcode]) =>
  withMemory(title, opcode, { modes: [64], cases: () => SETTINGS.map((one) => [one]) }),
);
/** An exception that is pending faults at the next waiting instruction: FSW.ES with its cause, unmasked. */
const pending = [
  ["FWAIT", [0x9b]],
  ["FLD1", [0xd9, 0xe8]],
  ["EMMS", [0x0f, 0x77]],
  ["FNSTCW m2byte", [0xd9, 0x3c, 0x25, 0x20, 8, 0x40, 0]],
  ["FNINIT", [0xdb, 0xe3]],
  ["FNCLEX", [0xdb, 0xe2]],
  ["FNSTSW AX", [0xdf, 0xe0]],
].map(([title, bytes]) =>
  written(
    title,
    () => [{ title: `${title}, with an exception pending`, bytes, cases: [["cw=37e", "sw=8081"]] }],
    { kinds: { memory: "integer", x87: "empty" }, modes: [64] },
  ),
);

export const x87 = [
  ...transfers,
  ...arithmetic,
  ...comparisons,
  ...functions,
  ...transcendental,
  ...control,
  ...aliases,
];
export const x87Control = [...controlled, ...controlledStores, ...pending];
