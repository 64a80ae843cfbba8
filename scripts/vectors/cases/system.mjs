/** Segments and what ring 3 may know of them; instructions that ring 3 may not execute; decimal adjustment. */
import { setting } from "../addresses.mjs";
import { littleEndian } from "../encode.mjs";
import { bytesOf, row, times, written } from "../rows.mjs";
import { DATA_WINDOW, dataBase } from "../shared.mjs";

const AX = 0;
const BX = 3;

const OPERAND_SIZE = 0x66;
const REX_W = 0x48;
const hexByte = (value) => value.toString(16).padStart(2, "0");
const bytesAt = (place, ...values) =>
  `${place}=${values
    .flatMap(([value, size]) => littleEndian(value, size))
    .map(hexByte)
    .join("")}`;
const prefixFor = (size, mode) => (size === (mode === 16 ? 2 : 4) || size === 8 ? [] : [OPERAND_SIZE]);

/** The LDT's segments and the GDT's for users (environment.ts), null selectors, and what is in neither table. */
const DATA = [0x2b, 0x0f, 0x27, 0x37, 0x3f];
const FAULTY = [0x4f, 0x33, 0x47, 0xfff7, 0x28];
/** With another RPL, the system that records may give back selector 0: IRET makes null segments null again. */
const NULL = [0];
const STACK_FAULTY = [0, 3, 0x3f, 0x23, 0x4f, 0xfff7, 0x28];
const STACK = [0x2b, 0x1f, 0x0f];
const ANY = [...DATA, ...FAULTY, ...NULL, 3, 0x23, 0x07];

const SREGS = ["ES", "CS", "SS", "DS", "FS", "GS"];
const [ES, CS, SS, DS, FS, GS] = [0, 1, 2, 3, 4, 5];

/** Null in FS or GS: AMD's processors keep the base in 64-bit code, Intel's clear it. */
const selectorsFor = (sreg, mode) => {
  if (sreg === SS) return [...STACK, ...STACK_FAULTY];
  return [...DATA, ...FAULTY, ...(mode === 64 && sreg >= FS ? [] : NULL)];
};

const modrm = (mod, reg, rm) => mod | (reg << 3) | rm;
const atBx = (mode) => (mode === 16 ? 7 : BX);
const bxPoints = (mode) => setting(BX, DATA_WINDOW.address + 0x820 - dataBase(mode));

const segments = [
  ...SREGS.map((name, sreg) =>
    written(`MOV r*/m16, ${name}`, (_, mode) => [
      ...[2, 4, ...(mode === 64 ? [8] : [])].map((size) => ({
        title: `MOV r${size * 8}/m16, Sreg`,
        bytes: [...prefixFor(size, mode), ...(size === 8 ? [0x48] : []), 0x8c, modrm(0xc0, sreg, AX)],
        cases: times(1),
      })),
      {
        title: "MOV r32/m16, Sreg",
        bytes: [0x8c, modrm(0, sreg, atBx(mode))],
        setup: [bxPoints(mode)],
        cases: times(1),
      },
    ]),
  ),
  ...[ES, SS, DS, FS, GS].map((sreg) =>
    written(`MOV ${SREGS[sreg]}, r/m16`, (_, mode) => [
      {
        title: "MOV Sreg, r32/m16",
        bytes: [...prefixFor(4, mode), 0x8e, modrm(0xc0, sreg, AX)],
        cases: selectorsFor(sreg, mode).map((selector) => [setting(AX, 0x1234_0000 | selector)]),
      },
      {
        title: "MOV Sreg, r16/m16",
        bytes: [...prefixFor(2, mode), 0x8e, modrm(0, sreg, atBx(mode))],
        setup: [bxPoints(mode)],
        cases: selectorsFor(sreg, mode)
          .slice(0, 2)
          .map((selector) => [bytesAt("d820", [selector, 2])]),
      },
    ]),
  ),
  written(
    "MOV ES, r64",
    () => [
      { title: "MOV Sreg, r64/m16", bytes: [0x48, 0x8e, 0xc0], cases: [[setting(AX, 0x7777_0000_002b)]] },
    ],
    { modes: [64] },
  ),
  written("MOV CS", () => [{ title: "MOV to CS", bytes: [0x8e, 0xc8], cases: times(1) }]),
  ...[
    [ES, 0x06],
    [CS, 0x0e],
    [SS, 0x16],
    [DS, 0x1e],
  ].map(([sreg, opcode]) =>
    written(
      `PUSH ${SREGS[sreg]}`,
      (_, mode) => [2, 4].map((size) => ({ bytes: [...prefixFor(size, mode), opcode], cases: times(1) })),
      { modes: [16, 32] },
    ),
  ),
  ...[
    [FS, 0xa0],
    [GS, 0xa8],
  ].map(([sreg, opcode]) =>
    written(`PUSH ${SREGS[sreg]}`, (_, mode) =>
      (mode === 64 ? [8, 2] : [4, 2]).map((size) => ({
        bytes: [...prefixFor(size, mode), 0x0f, opcode],
        cases: times(1),
      })),
    ),
  ),
  ...[
    [ES, 0x07],
    [SS, 0x17],
    [DS, 0x1f],
  ].map(([sreg, opcode]) =>
    written(
      `POP ${SREGS[sreg]}`,
      (_, mode) =>
        [4, 2].map((size) => ({
          bytes: [...prefixFor(size, mode), opcode],
          cases: selectorsFor(sreg, mode).map((selector) => [
            bytesAt("s800", [selector | (size === 4 ? 0x5678_0000 : 0), size]),
          ]),
        })),
      { modes: [16, 32] },
    ),
  ),
  ...[
    [FS, 0xa1],
    [GS, 0xa9],
  ].map(([sreg, opcode]) =>
    written(`POP ${SREGS[sreg]}`, (_, mode) =>
      (mode === 64 ? [8, 2] : [4, 2]).map((size) => ({
        bytes: [...prefixFor(size, mode), 0x0f, opcode],
        cases: selectorsFor(sreg, mode).map((selector) => [bytesAt("s800", [selector, size])]),
      })),
    ),
  ),
  ...[
    [ES, "LES", [0xc4], [16, 32]],
    [DS, "LDS", [0xc5], [16, 32]],
    [SS, "LSS", [0x0f, 0xb2]],
    [FS, "LFS", [0x0f, 0xb4]],
    [GS, "LGS", [0x0f, 0xb5]],
  ].map(([sreg, name, opcode, modes = [16, 32, 64]]) =>
    written(
      name,
      (_, mode) =>
        [4, 2].map((size) => ({
          title: `${name} r${size * 8}, m16:${size * 8}`,
          bytes: [...prefixFor(size, mode), ...opcode, modrm(0, AX, atBx(mode))],
          setup: [bxPoints(mode)],
          cases: selectorsFor(sreg, mode)
            .slice(0, size === 4 ? 20 : 3)
            .map((selector) => [bytesAt("d820", [0x8765_4321, size], [selector, 2])]),
        })),
      { modes },
    ),
  ),
];

/** Accesses by a segment that forbids them, and beyond limits. */
const limits = [
  written(
    "MOV with segment checks",
    (_, mode) => {
      const load = (prefix, ...rest) => ({
        title: "MOV r32, r/m32",
        bytes: [...prefix, ...(mode === 16 ? [OPERAND_SIZE, 0x67] : []), 0x8b, 0x03],
        ...rest[0],
      });
      const store = (prefix, ...rest) => ({
        title: "MOV r/m32, r32",
        bytes: [...prefix, ...(mode === 16 ? [OPERAND_SIZE, 0x67] : []), 0x89, 0x03],
        ...rest[0],
      });
      const with_ = (...cases) => ({ cases });
      return [
        load(
          [0x65],
          with_(["bx=0"], ["bx=dfc"], ["bx=dfd"], ["bx=dff"], ["bx=e00"], ["bx=ffffffff"], ["bx=fffffffe"]),
        ),
        store([0x65], with_(["bx=dfc"], ["bx=dfd"], ["bx=e00"], ["bx=fffffffc"])),
        load(
          [],
          with_(
            ["ds=37", "bx=400ffc"],
            ["ds=37", "bx=401000"],
            ["ds=37", "bx=400fff"],
            ["ds=37", "bx=401ffe"],
          ),
        ),
        store([], with_(["ds=3f", "bx=800"], ["ds=0", "bx=400800"], ["ds=37", "bx=401800"])),
        load(
          [],
          with_(["ds=3f", "bx=800"], ["ds=0", "bx=400800"], ["ds=3f", "bx=1ffd"], ["ds=23", "bx=400800"]),
        ),
        store([], with_(["ds=23", "bx=400800"])), // a code segment can be read, not written
        load([0x2e], with_(["bx=200800"], ["bx=300000"])),
        store([0x2e], with_(["bx=200900"])),
      ];
    },
    { modes: [32] },
  ),
  written(
    "Stack limits",
    () => [
      {
        title: "PUSH r16",
        bytes: [0x50],
        cases: [["sp=1"], ["sp=0"], ["sp=2"], ["sp=1002"], ["sp=12340002"]],
      },
      { title: "POP r16", bytes: [0x58], cases: [["sp=fff"], ["sp=ffe"], ["sp=1000"], ["sp=ffff"]] },
      { title: "MOV r16, r/m16", bytes: bytesOf("8B 46 00"), cases: [["bp=fff"], ["bp=ffe"], ["bp=1000"]] },
      {
        title: "MOV r16, r/m16",
        bytes: bytesOf("8B 07"),
        cases: [["bx=1fff"], ["bx=1ffe"], ["bx=2000"], ["bx=ffff"]],
      },
      { title: "MOV r/m16, r16", bytes: bytesOf("89 07"), cases: [["bx=1fff"], ["bx=1ffe"], ["bx=2000"]] },
    ],
    { modes: [16] },
  ),
];

const views = [
  ...[
    ["LAR", 0x02],
    ["LSL", 0x03],
  ].map(([name, opcode]) =>
    written(name, (_, mode) => [
      ...[4, 2].map((size) => ({
        title: `${name} r${size * 8}, r${size * 8}/m16`,
        bytes: [...prefixFor(size, mode), 0x0f, opcode, modrm(0xc0, 2, AX)],
        cases: ANY.map((selector) => [setting(AX, selector)]),
      })),
      {
        title: `${name} r32, r32/m16`,
        bytes: [0x0f, opcode, modrm(0, 2, atBx(mode))],
        setup: [bxPoints(mode)],
        cases: [[bytesAt("d820", [0x0f, 2])]],
      },
      ...(mode === 64
        ? [
            {
              title: `${name} r64, r64/m16`,
              bytes: [0x48, 0x0f, opcode, modrm(0xc0, 2, AX)],
              cases: [[setting(AX, 0x27)], [setting(AX, 0x33)]],
            },
          ]
        : []),
    ]),
  ),
  ...[
    ["VERR", 4],
    ["VERW", 5],
  ].map(([name, digit]) =>
    written(name, (_, mode) => [
      {
        title: `${name} r/m16`,
        bytes: [0x0f, 0, modrm(0xc0, digit, AX)],
        cases: ANY.map((selector) => [setting(AX, selector)]),
      },
      {
        title: `${name} r/m16`,
        bytes: [OPERAND_SIZE, 0x0f, 0, modrm(0xc0, digit, AX)],
        setup: [setting(AX, 0x3f)],
      },
      ...(mode === 64
        ? [
            {
              title: `${name} r/m16`,
              bytes: [REX_W, 0x0f, 0, modrm(0xc0, digit, AX)],
              setup: [setting(AX, 0x3f)],
            },
          ]
        : []),
      {
        title: `${name} r/m16`,
        bytes: [0x0f, 0, modrm(0, digit, atBx(mode))],
        setup: [bxPoints(mode)],
        cases: [[bytesAt("d820", [0x3f, 2])]],
      },
    ]),
  ),
  row("ARPL r/m16, r16", "63 /r", { modes: [16, 32], cases: 6 }),
  written(
    "ARPL with chosen levels",
    () => [
      {
        title: "ARPL r/m16, r16",
        bytes: [0x63, 0xc8],
        cases: [0, 1, 2, 3].map((level) => [setting(AX, 0x100 + level), setting(1, 2)]),
      },
    ],
    { modes: [16, 32] },
  ),
  ...[
    ["RDFSBASE", 0],
    ["RDGSBASE", 1],
  ].map(([name, digit]) =>
    written(
      name,
      () => [
        { title: `${name} r32`, bytes: [0xf3, 0x0f, 0xae, modrm(0xc0, digit, AX)], cases: times(1) },
        { title: `${name} r64`, bytes: [0xf3, 0x49, 0x0f, 0xae, modrm(0xc0, digit, 2)], cases: times(1) },
      ],
      { modes: [64] },
    ),
  ),
  ...[
    ["WRFSBASE", 2],
    ["WRGSBASE", 3],
  ].map(([name, digit]) =>
    written(
      name,
      () => [
        {
          title: `${name} r32`,
          bytes: [0xf3, 0x0f, 0xae, modrm(0xc0, digit, AX)],
          cases: [["ax=1234567880001000"]],
        },
        {
          title: `${name} r64`,
          bytes: [0xf3, 0x48, 0x0f, 0xae, modrm(0xc0, digit, AX)],
          cases: [["ax=7fffffff1000"], ["ax=800000000000"]],
        },
      ],
      { modes: [64] },
    ),
  ),
];

const moffs = [
  ...[
    ["MOV AL, moffs8", 0xa0, 1],
    ["MOV rAX, moffs", 0xa1, 0],
    ["MOV moffs8, AL", 0xa2, 1],
    ["MOV moffs, rAX", 0xa3, 0],
  ].map(([title, opcode, byte]) =>
    written(title, (random, mode) =>
      (byte ? [1] : [2, 4, ...(mode === 64 ? [8] : [])]).flatMap((size) => {
        const head = [...(size === 1 ? [] : prefixFor(size, mode)), ...(size === 8 ? [0x48] : []), opcode];
        const address = DATA_WINDOW.address - dataBase(mode) + 0x800 + random.below(16);
        return [
          { bytes: [...head, ...littleEndian(address, mode / 8)], cases: times(2) },
          { bytes: [0x64, ...head, ...littleEndian(0x700 + random.below(16), mode / 8)], cases: times(1) },
          ...(mode === 64 ? [{ bytes: [0x67, ...head, ...littleEndian(address, 4)], cases: times(1) }] : []),
        ];
      }),
    ),
  ),
];

/** Ring 3 gets #GP(0), or #UD where the operand is wrong first. */
const PRIVILEGED = {
  CLI: "FA",
  STI: "FB",
  HLT: "F4",
  "IN AL, imm8": "E4 80",
  "IN eAX, imm8": "E5 80",
  "IN AL, DX": "EC",
  "IN eAX, DX": "ED",
  "OUT imm8, AL": "E6 80",
  "OUT imm8, eAX": "E7 80",
  "OUT DX, AL": "EE",
  "OUT DX, eAX": "EF",
  "IN AX, imm8": "66 E5 80",
  "IN AX, DX": "66 ED",
  "OUT imm8, AX": "66 E7 80",
  "OUT DX, AX": "66 EF",
  INSW: "66 6D",
  OUTSW: "66 6F",
  "LLDT with 66": "66 0F 00 D0",
  "LTR with 66": "66 0F 00 D8",
  "LMSW with 66": "66 0F 01 F0",
  INSB: "6C",
  INSD: "6D",
  OUTSB: "6E",
  OUTSD: "6F",
  "REP INSB": "F3 6C",
  "REP OUTSD": "F3 6F",
  "LGDT m": "0F 01 13",
  "LIDT m": "0F 01 1B",
  "LLDT r16": "0F 00 D0",
  "LTR r16": "0F 00 D8",
  "LMSW r16": "0F 01 F0",
  CLTS: "0F 06",
  "MOV r32, CR0": "0F 20 C0",
  "MOV r32, CR2": "0F 20 D0",
  "MOV r32, CR3": "0F 20 D8",
  "MOV r32, CR4": "0F 20 E0",
  "MOV CR0, r32": "0F 22 C0",
  "MOV CR3, r32": "0F 22 D8",
  "MOV r32, DR0": "0F 21 C0",
  "MOV DR7, r32": "0F 23 F8",
  RDMSR: "0F 32",
  WRMSR: "0F 30",
  "INVLPG m": "0F 01 3B",
  INVD: "0F 08",
  WBINVD: "0F 09",
};
const PRIVILEGED_64 = {
  SWAPGS: "0F 01 F8",
  "MOV r64, CR8": "44 0F 20 C0",
  "MOV CR8, r64": "44 0F 22 C0",
  SYSRETQ: "48 0F 07",
  "INVPCID r64, m128": "66 0F 38 82 03",
  "LLDT r64": "48 0F 00 D0",
  "LTR r64": "48 0F 00 D8",
  "LMSW r64": "48 0F 01 F0",
};
const privileged = [
  ...Object.entries(PRIVILEGED).map(([title, bytes]) =>
    written(title, (_, mode) => [
      { bytes: bytesOf(bytes), setup: [bxPoints(mode), "fl=202"], cases: times(1) },
    ]),
  ),
  written(
    "INVPCID r32, m128",
    () => [{ bytes: bytesOf("66 0F 38 82 03"), setup: [bxPoints(32)], cases: times(1) }],
    { modes: [32] },
  ),
  ...Object.entries(PRIVILEGED_64).map(([title, bytes]) =>
    written(title, (_, mode) => [{ bytes: bytesOf(bytes), setup: [bxPoints(mode)], cases: times(1) }], {
      modes: [64],
    }),
  ),
];

const decimal = [
  ...[
    ["DAA", 0x27],
    ["DAS", 0x2f],
    ["AAA", 0x37],
    ["AAS", 0x3f],
  ].map(([title, opcode]) =>
    written(
      title,
      () => [
        {
          bytes: [opcode],
          // Digits and non-digits in both halves of AL, under each combination of AF and CF.
          cases: [
            0x00, 0x09, 0x0a, 0x0f, 0x10, 0x1a, 0x5f, 0x90, 0x99, 0x9a, 0x9f, 0xa0, 0xf9, 0xfa, 0xff, 0x06,
          ].flatMap((al) =>
            [0, 1, 0x10, 0x11].map((flags) => [
              setting(AX, 0x1200 | al),
              `fl=${(0x202 | flags).toString(16)}`,
            ]),
          ),
        },
      ],
      { modes: [32] },
    ),
  ),
  ...[
    ["AAM imm8", 0xd4],
    ["AAD imm8", 0xd5],
  ].map(([title, opcode]) =>
    written(
      title,
      () => [10, 16, 1, 0, 0xff, 7].map((base) => ({ bytes: [opcode, base], cases: times(6) })),
      { modes: [32] },
    ),
  ),
  written("SALC", () => [{ bytes: [0xd6], cases: times(6) }], { modes: [16, 32] }),
  ...[
    ["DAA", 0x27],
    ["AAA", 0x37],
    ["AAS", 0x3f],
    ["DAS", 0x2f],
  ].map(([title, opcode]) => written(title, () => [{ bytes: [opcode], cases: times(4) }], { modes: [16] })),
];

export const segmentation = [...segments, ...limits, ...views, ...moffs];
export const privilege = privileged;
export const decimalAdjust = decimal;
