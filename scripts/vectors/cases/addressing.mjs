/** Every form of memory operand, under LEA (the address itself) and MOV (what is there). */
import {
  absoluteAddress,
  address16,
  baseAddress,
  dirtyUpper,
  indexedAddress,
  relativeAddress,
  scaledAddress,
  truncated,
} from "../addresses.mjs";
import { encode, littleEndian } from "../encode.mjs";
import { bytesOf, times, written } from "../rows.mjs";
import { DATA_WINDOW } from "../shared.mjs";

const MODS = [0, 0x40, 0x80];
const SP = 4;
const PREFIX_FS = 0x64;
const FS_OFFSET = 0x100;
const TARGET = DATA_WINDOW.address + 0x804;
const PREFIX_ADDRESS_SIZE = 0x67;

const registers = (mode) => Array.from({ length: mode === 64 ? 16 : 8 }, (_, index) => index);

/** LEA and a load with one address. In 16-bit code 32-bit addresses take 67, and count from the segment. */
function pair(address, mode, prefixes = []) {
  const code = (title, opcode, reg, size) => ({
    title,
    bytes: encode(opcode, { mode, size, reg, rm: truncated(address, mode), prefixes }),
    setup: truncated(address, mode).setup,
    cases: times(1),
  });
  return [
    code("LEA r32, m", "8D /r", 2, 4),
    code("MOV r32, r/m32", "8B /r", 0, 4),
    ...(mode === 64 ? [code("LEA r64, m", "8D /r", 9, 8)] : []),
  ];
}

/** Bases by each displacement; all indexes and scales over a few bases; bases and indexes without one another. */
function wideForms(random, mode, target) {
  const all = registers(mode);
  return [
    ...all.flatMap((base) => MODS.map((mod) => baseAddress(random, target, base, mod))),
    ...all
      .filter((index) => index !== SP)
      .flatMap((index, number) => [
        indexedAddress(
          random,
          target,
          [3, 5, 12 % all.length, 13 % all.length][number % 4],
          index,
          number % 4,
          MODS[number % 3],
        ),
        indexedAddress(random, target, SP, index, (number + 1) % 4, MODS[(number + 1) % 3]),
        scaledAddress(random, target, index, (number + 2) % 4),
      ])
      .filter((address) => address.setup.length > 0),
    ...(mode === 64 ? [relativeAddress(target)] : []),
    absoluteAddress(target, mode),
  ];
}

/** Index and base in one register: the address follows from whatever the register holds, so that LEA alone can say it. */
const sameRegister = (mode) =>
  [0, 1, 2, 3].map((scale) => ({
    title: "LEA r32, m",
    bytes: [...(mode === 16 ? bytesOf("66 67") : []), 0x8d, 0x44, (scale << 6) | (3 << 3) | 3, 0x10],
    cases: times(3),
  }));

const forms = [
  written("addresses", (random, mode) =>
    mode === 16
      ? [0, 1, 2, 3, 4, 5, 6, 7].flatMap((rm) =>
          MODS.flatMap((mod) => pair(address16(random, 0x804, rm, mod), 16)),
        )
      : wideForms(random, mode, TARGET).flatMap((address) => pair(address, mode)),
  ),
  written(
    "32-bit addresses in 16-bit code",
    (random) =>
      wideForms(random, 32, 0x804)
        .filter((address) => address.rm !== SP || (address.sib & 7) !== SP)
        .filter((_, index) => index % 3 === 0)
        .flatMap((address) => pair(address, 16, [PREFIX_ADDRESS_SIZE])),
    { modes: [16] },
  ),
  written(
    "16-bit addresses in 32-bit code",
    (random) =>
      [0, 1, 2, 3, 4, 5, 6, 7].flatMap((rm) =>
        MODS.flatMap((mod) =>
          pair(address16(random, 0x804 - FS_OFFSET, rm, mod), 32, [PREFIX_FS, PREFIX_ADDRESS_SIZE]),
        ),
      ),
    { modes: [32] },
  ),
  written(
    "32-bit addresses in 64-bit code",
    (random) =>
      wideForms(random, 64, TARGET)
        .filter((_, index) => index % 4 === 0)
        .flatMap((address) => pair(dirtyUpper(address), 64, [PREFIX_ADDRESS_SIZE])),
    { modes: [64] },
  ),
  written("base and index in one register", (_, mode) => sameRegister(mode)),
  // Sums that pass 2^32 wrap with a 32-bit address and do not with a 64-bit one; [bp+disp] and [disp16] wrap at 2^16.
  written("sums that wrap", (_, mode) =>
    mode === 64
      ? [
          { title: "LEA r64, m", bytes: bytesOf("67 48 8D 44 8B 10"), cases: times(4) },
          { title: "LEA r32, m", bytes: bytesOf("8D 44 8B 10"), cases: times(4) },
          { title: "LEA r64, m", bytes: bytesOf("48 8D 84 CB F0 FF FF FF"), cases: times(4) },
          { title: "LEA r16, m", bytes: bytesOf("66 8D 44 CB F0"), cases: times(2) },
        ]
      : [
          {
            title: `LEA r${mode}, m`,
            bytes: mode === 16 ? bytesOf("8D 80 F0 FF") : bytesOf("8D 44 CB F0"),
            cases: times(6),
          },
          {
            title: "LEA, other widths",
            bytes: bytesOf(mode === 16 ? "66 8D 40 10" : "67 8D 40 10"),
            cases: times(4),
          },
          {
            title: "LEA, other widths",
            bytes: bytesOf(mode === 16 ? "67 8D 44 CB F0" : "66 8D 44 CB F0"),
            cases: times(4),
          },
        ],
  ),
];

/** Prefixes: their order, repetition, and REX where it does not count. Registers chosen by REX alone. */
const EAX_EBX = "01 D8";
const prefixes = [
  written(
    "REX",
    () => [
      ...Array.from({ length: 16 }, (_, rex) => ({
        title: "ADD r/m64, r64, each REX",
        bytes: [0x40 | rex, ...bytesOf(EAX_EBX)],
        cases: times(2),
      })),
      ...Array.from({ length: 16 }, (_, rex) => ({
        title: "MOV r/m8, r8, each REX",
        bytes: [0x40 | rex, 0x88, 0xe5],
        cases: times(1),
      })),
      { title: "MOV r/m8, r8, high bytes", bytes: bytesOf("88 E5"), cases: times(2) },
      { title: "REX before 66 does not count", bytes: bytesOf("48 66 01 D8"), cases: times(1) },
      { title: "REX.W over 66", bytes: bytesOf("66 48 01 D8"), cases: times(1) },
      { title: "the last REX counts", bytes: bytesOf("41 48 01 D8"), cases: times(1) },
      {
        title: "REX before a mandatory prefix does not count",
        bytes: bytesOf("44 F3 0F 6F C1"),
        cases: times(1),
      },
      { title: "NOP with REX.B is XCHG", bytes: bytesOf("49 90"), cases: times(1) },
      { title: "REX.W NOP", bytes: bytesOf("48 90"), cases: times(1) },
    ],
    { modes: [64] },
  ),
  written("prefixes", (_, mode) => [
    { title: "66 twice", bytes: bytesOf(`66 66 ${EAX_EBX}`), cases: times(1) },
    {
      title: "segment prefixes: the last counts",
      bytes: [
        0x64,
        0x65,
        0x8b,
        ...(mode === 32
          ? [0x05, ...littleEndian(0x600, 4)]
          : mode === 16
            ? [0x06, 0, 6]
            : [0x04, 0x25, ...littleEndian(0x600, 4)]),
      ],
      cases: times(1),
    },
    {
      title: "FS before DS",
      bytes: [
        0x64,
        0x3e,
        0x8b,
        ...(mode === 32
          ? [0x05, ...littleEndian(0x400600, 4)]
          : mode === 16
            ? [0x06, 0, 6]
            : [0x04, 0x25, ...littleEndian(0x600, 4)]),
      ],
      cases: times(1),
    },
    { title: "F3 before ADD does nothing", bytes: bytesOf(`F3 ${EAX_EBX}`), cases: times(1) },
    { title: "F2 before ADD does nothing", bytes: bytesOf(`F2 ${EAX_EBX}`), cases: times(1) },
    { title: "F3 before MOVZX does nothing", bytes: bytesOf("F3 0F B6 C3"), cases: times(1) },
    { title: "15 bytes", bytes: [...Array(13).fill(0x66), ...bytesOf(EAX_EBX)], cases: times(1) },
    { title: "16 bytes", bytes: [...Array(14).fill(0x66), ...bytesOf(EAX_EBX)], cases: times(1) },
    {
      title: "segment prefixes up to 15 bytes",
      bytes: [...Array(13).fill(0x3e), ...bytesOf(EAX_EBX)],
      cases: times(1),
    },
  ]),
];

export const addresses = forms;
export const prefixed = prefixes;
