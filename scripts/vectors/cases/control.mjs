/** Stack and control transfers: PUSH to ENTER; jumps, calls, loops, far transfers, software interrupts. */
import { setting } from "../addresses.mjs";
import { littleEndian } from "../encode.mjs";
import { bytesOf, pick, row, times, titleFor, written } from "../rows.mjs";
import { CODE_WINDOW, codeBase, DATA_WINDOW, dataBase, WINDOW_MIDDLE } from "../shared.mjs";

const hexByte = (value) => value.toString(16).padStart(2, "0");
const AX = 0;
const CX = 1;
const BX = 3;
const SP = 4;
const BP = 5;
const OPERAND_SIZE = 0x66;
const ADDRESS_SIZE = 0x67;
const FIXED_FLAGS = 0x202;
const ZF = 0x40;

/** Assignment of little-endian numbers to a place in memory: stackData("800", [value, size], …). */
const memory = (place, ...values) =>
  `${place}=${values
    .flatMap(([value, size]) => littleEndian(value, size))
    .map(hexByte)
    .join("")}`;
const STACK_TOP = "s800";

/** Offset in CS of a place in the code window. */
const codeOffset = (mode, place) => CODE_WINDOW.address + place - codeBase(mode);

/** The operand-size prefix that gives `size` where the mode's own is another. */
const prefixFor = (size, mode) => (size === (mode === 16 ? 2 : 4) || size === 8 ? [] : [OPERAND_SIZE]);
/** Sizes of the stack and of near transfers. */
const stackSizes = (mode) => ({ 16: [2, 4], 32: [4, 2], 64: [8, 2] })[mode];
/** 66 with a near transfer in 64-bit code means different things to different vendors: not recorded. */
const branchSizes = (mode) => (mode === 64 ? [8] : stackSizes(mode));

const stack = [
  row("PUSH r*", "50 +r", { stack: true, registers: 4, cases: 2 }),
  row("PUSH r/m*", "FF /6", { stack: true, registers: 2, memory: 3, cases: 2 }),
  row("PUSH imm8", "6A ib", { sizes: [0], cases: 2, registers: 2 }),
  written("PUSH imm*", (random, mode) =>
    stackSizes(mode).map((size) => ({
      title: `PUSH imm${Math.min(size, 4) * 8}`,
      bytes: [...prefixFor(size, mode), 0x68, ...littleEndian(random.int32(), Math.min(size, 4))],
      cases: times(2),
    })),
  ),
  written("PUSH imm8, other size", (random) => [
    { title: "PUSH imm8", bytes: [OPERAND_SIZE, 0x6a, 0x85 + random.below(3)], cases: times(1) },
  ]),
  row("POP r*", "58 +r", { stack: true, registers: 5, cases: 2 }),
  row("POP r/m*", "8F /0", { stack: true, registers: 2, memory: 3, cases: 2 }),
  written("PUSH RSP, POP RSP", (_, mode) => [
    { title: "PUSH r*, of SP", bytes: [0x54], cases: times(2) },
    { title: "POP r*, of SP", bytes: [0x5c], cases: times(2) },
    ...(mode === 16
      ? []
      : [
          { title: "POP r/m*, address after the pop", bytes: bytesOf("8F 44 24 10"), cases: times(2) },
          { title: "PUSH r/m*, address before the push", bytes: bytesOf("FF 74 24 10"), cases: times(2) },
        ]),
  ]),
  written("PUSHF", (_, mode) =>
    stackSizes(mode).map((size) => ({
      title: { 2: "PUSHF", 4: "PUSHFD", 8: "PUSHFQ" }[size],
      bytes: [...prefixFor(size, mode), 0x9c],
      cases: times(4),
    })),
  ),
  written("POPF", (random, mode) =>
    stackSizes(mode).map((size) => ({
      title: { 2: "POPF", 4: "POPFD", 8: "POPFQ" }[size],
      bytes: [...prefixFor(size, mode), 0x9d],
      // Everything but TF: IF, IOPL, VIF and VIP stay, VM and RF are not taken, silently (SDM vol. 2, POPF).
      cases: [
        0,
        0xffff_feff,
        0x3000,
        0x4000,
        0x24_0000,
        0x1b_0000,
        ...Array.from({ length: 6 }, () => random.int32() & ~0x100),
      ].map((value) => [memory(STACK_TOP, [value, size])]),
    })),
  ),
  written(
    "PUSHA, POPA",
    (_, mode) =>
      stackSizes(mode).flatMap((size) => [
        { title: size === 2 ? "PUSHA" : "PUSHAD", bytes: [...prefixFor(size, mode), 0x60], cases: times(3) },
        { title: size === 2 ? "POPA" : "POPAD", bytes: [...prefixFor(size, mode), 0x61], cases: times(3) },
      ]),
    { modes: [16, 32] },
  ),
  written("ENTER", (random, mode) =>
    stackSizes(mode).flatMap((size) =>
      [
        [0, 0],
        [0x20, 0],
        [0x10, 1],
        [0x18, 2],
        [8, 5],
        [0, 31],
        [0, 0x41],
      ].map(([bytes, level]) => ({
        title: "ENTER imm16, imm8",
        bytes: [...prefixFor(size, mode), 0xc8, ...littleEndian(bytes, 2), level],
        setup: [setting(BP, (mode === 16 ? 0 : 0x60_0000) + 0xa00)],
        cases: times(random.below(2) + 1),
      })),
    ),
  ),
  written("LEAVE", (_, mode) =>
    stackSizes(mode).map((size) => ({
      bytes: [...prefixFor(size, mode), 0xc9],
      setup: [setting(BP, (mode === 16 ? 0 : 0x60_0000) + 0x880)],
      cases: times(2),
    })),
  ),
];

const CONDITIONS = "JO JNO JB JAE JE JNE JBE JA JS JNS JP JNP JL JGE JLE JG".split(" ");
const BYTE_DISTANCES = [-0x80, -0x7f, -0x40, 0, 1, 0x10, 0x7f];
const NEAR_DISTANCES = [-0x7f0, -0x100, -0x81, 0x80, 0x200, 0x7e0];

/** Relative of the size's width; a target within the instruction itself would not be seen. */
const relative = (distance, size) => littleEndian(distance, Math.min(size, 4));

/** In 32-bit code, 66 cuts the target to 16 bits: the fetch there faults. */
const conditionals = CONDITIONS.flatMap((name, code) => [
  written(`${name} rel8`, (random) => [
    {
      bytes: [
        0x70 + code,
        pick(
          random,
          BYTE_DISTANCES.filter((one) => one >= 0 || one < -8),
        ) & 0xff,
      ],
      cases: times(8),
    },
    { bytes: [0x70 + code, 0x20], cases: times(4) },
  ]),
  written(`${name} rel*`, (random, mode) =>
    branchSizes(mode).map((size) => ({
      title: `${name} rel${Math.min(size, 4) * 8}`,
      bytes: [...prefixFor(size, mode), 0x0f, 0x80 + code, ...relative(pick(random, NEAR_DISTANCES), size)],
      cases: times(4),
    })),
  ),
]);

const COUNTS = [0, 1, 2, 0x1_0000, 0x1_0001, 0x1_0000_0000, 0x1_0000_0001, -1];
const loops = [
  ["LOOPNE rel8", 0xe0],
  ["LOOPE rel8", 0xe1],
  ["LOOP rel8", 0xe2],
  ["JCXZ rel8", 0xe3],
].map(([title, opcode]) =>
  written(title, (random, mode) =>
    [[], [ADDRESS_SIZE]].map((prefixes) => ({
      bytes: [...prefixes, opcode, pick(random, [0x10, 0x7f, -0x80, -0x30]) & 0xff],
      cases: COUNTS.filter((count) => mode === 64 || count < 2 ** 32).flatMap((count) =>
        (title.startsWith("LOOP ") || title.startsWith("J") ? [0] : [0, ZF]).map((zero) => [
          setting(CX, mode === 64 ? count : BigInt.asUintN(32, BigInt(count))),
          `fl=${(FIXED_FLAGS | zero).toString(16)}`,
        ]),
      ),
    })),
  ),
);

/** A target in the code window for an indirect transfer, in a register or in memory. */
function indirect(title, digit) {
  return written(title, (random, mode) =>
    branchSizes(mode)
      .flatMap((size) => {
        const target =
          codeOffset(mode, 0x200 + random.below(0xa00)) & (size === 2 && mode === 32 ? 0xffff : -1);
        const modrm = (mod, rm) => mod | (digit << 3) | rm;
        const place = DATA_WINDOW.address + WINDOW_MIDDLE - dataBase(mode);
        return [
          {
            bytes: [...prefixFor(size, mode), 0xff, modrm(0xc0, AX)],
            setup: [setting(AX, target)],
            cases: times(1),
          },
          {
            bytes: [...prefixFor(size, mode), 0xff, modrm(0xc0, BX)],
            setup: [setting(BX, target)],
            cases: times(1),
          },
          {
            bytes: [...prefixFor(size, mode), 0xff, modrm(0, mode === 16 ? 7 : BX)], // [BX] is 7 in 16-bit addresses
            setup: [setting(BX, place), memory("d800", [target, size])],
            cases: times(1),
          },
        ];
      })
      .map((code) => ({ ...code, title: `${title}${mode === 64 ? 64 : ""}` })),
  );
}

const near = [
  written("JMP rel8", () =>
    BYTE_DISTANCES.filter((one) => one >= 0 || one < -8).map((distance) => ({
      bytes: [0xeb, distance & 0xff],
      cases: times(1),
    })),
  ),
  written("JMP rel*", (_, mode) =>
    branchSizes(mode).flatMap((size) =>
      NEAR_DISTANCES.map((distance) => ({
        title: `JMP rel${Math.min(size, 4) * 8}`,
        bytes: [...prefixFor(size, mode), 0xe9, ...relative(distance, size)],
      })),
    ),
  ),
  written("CALL rel*", (_, mode) =>
    branchSizes(mode).flatMap((size) =>
      NEAR_DISTANCES.map((distance) => ({
        title: `CALL rel${Math.min(size, 4) * 8}`,
        bytes: [...prefixFor(size, mode), 0xe8, ...relative(distance, size)],
      })),
    ),
  ),
  indirect("JMP r/m", 4),
  indirect("CALL r/m", 2),
  written("RET", (random, mode) =>
    branchSizes(mode).flatMap((size) => {
      const target =
        codeOffset(mode, 0x100 + random.below(0x600)) & (size === 2 && mode === 32 ? 0xffff : -1);
      return [
        { bytes: [...prefixFor(size, mode), 0xc3], setup: [memory(STACK_TOP, [target, size])] },
        {
          title: "RET imm16",
          bytes: [...prefixFor(size, mode), 0xc2, 0x18, 0],
          setup: [memory(STACK_TOP, [target, size])],
        },
        {
          title: "RET imm16",
          bytes: [...prefixFor(size, mode), 0xc2, 0xff, 0xff],
          setup: [memory(STACK_TOP, [target, size])],
        },
      ];
    }),
  ),
  written("RET, CALL and JMP that fault", (_, mode) =>
    mode === 64
      ? [
          {
            title: "RET to a non-canonical address",
            bytes: [0xc3],
            setup: [memory(STACK_TOP, [0x8000_0000_0000n, 8])],
          },
          {
            title: "RET to a page that is not there",
            bytes: [0xc3],
            setup: [memory(STACK_TOP, [0x30_0000, 8])],
          },
          { title: "RET without a stack", bytes: [0xc3], setup: [setting(SP, 0x60_1000)] },
          {
            title: "CALL without a stack",
            bytes: bytesOf("E8 00 01 00 00"),
            setup: [setting(SP, 0x60_0000)],
          },
          {
            title: "JMP to a non-canonical address",
            bytes: [0xff, 0xe0],
            setup: [setting(AX, 0x8000_0000_0000n)],
          },
          {
            title: "CALL to a non-canonical address",
            bytes: [0xff, 0xd0],
            setup: [setting(AX, 0xffff_7fff_ffff_ffffn)],
          },
          { title: "JMP to a page that is not there", bytes: [0xff, 0xe0], setup: [setting(AX, 0x20_1000)] },
        ]
      : [
          {
            title: "RET without a stack",
            bytes: [0xc3],
            setup: [setting(SP, mode === 16 ? 0x1000 : 0x60_1000)],
          },
          {
            title: "CALL without a stack",
            bytes: [0xe8, ...littleEndian(0x100, mode / 8)],
            setup: [setting(SP, mode === 16 ? 0 : 0x60_0000)],
          },
          {
            title: "RET beyond the limit, or to a page that is not there",
            bytes: [0xc3],
            setup: [memory(STACK_TOP, [mode === 16 ? 0x1000 : 0x30_0000, mode / 8])],
          },
          {
            title: "JMP beyond the limit, or to a page that is not there",
            bytes: [0xff, 0xe0],
            setup: [setting(AX, mode === 16 ? 0x2000 : 0x30_0000)],
          },
        ],
  ),
];

/** Selectors to transfer to: code of each width, and those that fault. */
const CODE_32 = 0x23;
const CODE_64 = 0x33;
const CODE_16 = 0x07;
const EXECUTE_ONLY = 0x47;
const FAULTY = [0, 3, 0x2b, 0x4f, 0x0f, 0xfff7];

/** Offset of a landing place within the segment that a selector names; only the 16-bit segment's fits in 16 bits. */
const landing = (selector, size) =>
  selector === CODE_16 ? 0x300 : size === 2 ? 0x300 : CODE_WINDOW.address + 0x300;

/** Selectors for an operand size of far transfers. */
function farSelectors(mode, size) {
  if (size === 2) return [CODE_16, 0, 0x2b];
  return [...(mode === 16 ? [CODE_16, CODE_32] : [CODE_32, CODE_64, EXECUTE_ONLY, CODE_16]), ...FAULTY];
}

/** Operand sizes of far transfers. With REX.W vendors differ: AMD's take no 64-bit offset from memory. */
const farCodes = (mode, code) =>
  [4, 2].flatMap((size) => farSelectors(mode, size).map((selector) => code(size, selector)));

/** A far pointer in memory has the offset first, then the selector. */
const far = [
  ...[
    ["JMP ptr16:*", 0xea],
    ["CALL ptr16:*", 0x9a],
  ].map(([title, opcode]) =>
    written(
      title,
      (_, mode) =>
        farCodes(mode, (size, selector) => ({
          title: titleFor(title, size),
          bytes: [
            ...prefixFor(size, mode),
            opcode,
            ...littleEndian(landing(selector, size), size),
            ...littleEndian(selector, 2),
          ],
        })),
      { modes: [16, 32] },
    ),
  ),
  ...[
    ["JMP m16:*", 5],
    ["CALL m16:*", 3],
  ].map(([title, digit]) =>
    written(title, (_, mode) =>
      farCodes(mode, (size, selector) => ({
        title: titleFor(title, size),
        bytes: [...prefixFor(size, mode), 0xff, (digit << 3) | (mode === 16 ? 7 : BX)],
        setup: [
          setting(BX, DATA_WINDOW.address + 0x800 - dataBase(mode)),
          memory("d800", [landing(selector, size), size], [selector, 2]),
        ],
      })),
    ),
  ),
  ...[
    ["RETF", [0xcb]],
    ["RETF imm16", [0xca, 0x10, 0]],
  ].map(([title, opcode]) =>
    written(title, (_, mode) =>
      farCodes(mode, (size, selector) => ({
        bytes: [...prefixFor(size, mode), ...opcode],
        setup: [memory(STACK_TOP, [landing(selector, size), size], [selector, size])],
      })),
    ),
  ),
  written(
    "RETFQ",
    () =>
      [[], [0x10, 0]].flatMap((immediate) =>
        [CODE_32, CODE_64, 0].map((selector) => ({
          bytes: [0x48, immediate.length > 0 ? 0xca : 0xcb, ...immediate],
          setup: [memory(STACK_TOP, [landing(selector, 8), 8], [selector, 8])],
        })),
      ),
    { modes: [64] },
  ),
  written("IRET", (random, mode) => {
    const SEEN = 0x0001_cdd5;
    const TF_NT = 0x4100;
    const flags = () => (random.int32() & SEEN & ~TF_NT) | 2;
    if (mode === 64)
      return [8, 4, 2].flatMap((size) =>
        (size === 2 ? [CODE_16, 0] : [CODE_64, CODE_32, CODE_16, 0, 0x2b]).map((selector) => ({
          title: { 2: "IRET", 4: "IRETD", 8: "IRETQ" }[size],
          bytes: [...(size === 8 ? [0x48] : prefixFor(size, mode)), 0xcf],
          // 64-bit code always pops SS:SP. With 16 bits SP is cut.
          setup: [
            memory(
              STACK_TOP,
              [landing(selector, size), size],
              [selector, size],
              [flags(), size],
              [0x60_0900, size],
              [0x2b, size],
            ),
          ],
        })),
      );
    return farCodes(mode, (size, selector) => ({
      title: { 2: "IRET", 4: "IRETD" }[size],
      bytes: [...prefixFor(size, mode), 0xcf],
      setup: [memory(STACK_TOP, [landing(selector, size), size], [selector, size], [flags(), size])],
    }));
  }),
];

const interrupts = [
  written("INT3", () => [{ bytes: [0xcc], cases: times(2) }, { bytes: [0xcd, 3] }]),
  // Not a gate of ring 3: #GP with the vector's place in the IDT. 80h is Linux's own.
  written("INT imm8", () => [0, 1, 8, 13, 14, 0x20, 0x7f, 0xff].map((vector) => ({ bytes: [0xcd, vector] }))),
  written("INTO", () => [{ bytes: [0xce], cases: times(8) }], { modes: [16, 32] }),
  row("BOUND r*, m", "62 /r", {
    modes: [16, 32],
    sizes: [2, 4],
    reserve: [AX],
    only: [AX],
    offset: 0x20,
    dataOnly: true,
    memory: 2,
    cases: (_, size) =>
      [
        [5, 1, 9],
        [1, 1, 9],
        [9, 1, 9],
        [10, 1, 9],
        [0, 1, 9],
        [-5, -9, -1],
        [0x7fff, 0, -1],
      ].map(([index, low, high]) => [
        `ax=${BigInt.asUintN(32, BigInt(index)).toString(16)}`,
        memory("d820", [low, size], [high, size]),
      ]),
  }),
  written("UD2", () => [
    { bytes: [0x0f, 0x0b] },
    { title: "UD1 r32, r/m32", bytes: bytesOf("0F B9 C0") },
    { title: "UD0 r32, r/m32", bytes: bytesOf("0F FF C0") },
    { title: "UD1 r16, r/m16", bytes: bytesOf("66 0F B9 C0") },
    { title: "UD0 r16, r/m16", bytes: bytesOf("66 0F FF C0") },
  ]),
  written(
    "UD1 r64, r/m64",
    () => [{ bytes: bytesOf("48 0F B9 C0") }, { title: "UD0 r64, r/m64", bytes: bytesOf("48 0F FF C0") }],
    { modes: [64] },
  ),
];

export const stackAndFlags = stack;
export const transfers = [...conditionals, ...loops, ...near, ...far, ...interrupts];
