/**
 * Memory operands: every way of ModRM and SIB to name an address (SDM vol. 2, tables 2-1 to 2-3), with the registers set so
 * that the address is a wanted one.
 */
import { littleEndian } from "./encode.mjs";
import { CODE_WINDOW, DATA_WINDOW, WINDOW_MIDDLE } from "./shared.mjs";

const NAMES = "ax cx dx bx sp bp si di r8 r9 r10 r11 r12 r13 r14 r15".split(" ");
const SP = 4;
const BP = 5;
const MOD = { none: 0, byte: 0x40, full: 0x80 };
const RM_SIB = 4;
const RM_DISPLACEMENT = 5;
const RM_DISPLACEMENT_16 = 6;
const NO_INDEX = 4;
const PREFIX_FS = 0x64;
const PREFIX_GS = 0x65;
const PREFIX_ADDRESS_SIZE = 0x67;
const FS_OFFSET = 0x100;
const GS_OFFSET = 0x200;

/** "bx=400800" */
export const setting = (register, value) =>
  `${NAMES[register]}=${BigInt.asUintN(64, BigInt(value)).toString(16)}`;

const displacementOf = (mod, value, full) =>
  mod === MOD.none ? [] : littleEndian(value, mod === MOD.byte ? 1 : full);

/** Signed displacement that suits a mod. */
function drawDisplacement(random, mod) {
  if (mod === MOD.none) return 0;
  return mod === MOD.byte ? random.below(256) - 128 : random.below(0x2000) - 0x1000;
}

/** [base], [base + disp8], [base + disp32]. */
export function baseAddress(random, target, base, mod) {
  const actual = mod === MOD.none && (base & 7) === BP ? MOD.byte : mod;
  const displacement = drawDisplacement(random, actual);
  const needsSib = (base & 7) === SP;
  return {
    mod: actual,
    rm: needsSib ? RM_SIB : base & 7,
    sib: needsSib ? (NO_INDEX << 3) | SP : undefined,
    displacement: displacementOf(actual, displacement, 4),
    b: base >> 3,
    x: 0,
    prefixes: [],
    setup: [setting(base, target - displacement)],
  };
}

/** [base + index * scale + disp]; base and index may be the same where the sum comes out even. */
export function indexedAddress(random, target, base, index, scaleBits, mod) {
  const actual = mod === MOD.none && (base & 7) === BP ? MOD.byte : mod;
  const displacement = drawDisplacement(random, actual);
  const indexValue = index === base ? 0 : random.below(64) - 16;
  const rest = target - displacement - indexValue * 2 ** scaleBits;
  return {
    mod: actual,
    rm: RM_SIB,
    sib: (scaleBits << 6) | ((index & 7) << 3) | (base & 7),
    displacement: displacementOf(actual, displacement, 4),
    b: base >> 3,
    x: index >> 3,
    prefixes: [],
    setup: index === base ? [setting(base, target)] : [setting(index, indexValue), setting(base, rest)],
  };
}

/** [index * scale + disp32], without base. */
export function scaledAddress(random, target, index, scaleBits) {
  const indexValue = random.below(64) - 16;
  return {
    mod: MOD.none,
    rm: RM_SIB,
    sib: (scaleBits << 6) | ((index & 7) << 3) | RM_DISPLACEMENT,
    displacement: littleEndian(target - indexValue * 2 ** scaleBits, 4),
    b: 0,
    x: index >> 3,
    prefixes: [],
    setup: [setting(index, indexValue)],
  };
}

/** [disp32]: by SIB in 64-bit code, by ModRM alone elsewhere. */
export const absoluteAddress = (target, mode) => ({
  mod: MOD.none,
  rm: mode === 64 ? RM_SIB : RM_DISPLACEMENT,
  sib: mode === 64 ? (NO_INDEX << 3) | RM_DISPLACEMENT : undefined,
  displacement: littleEndian(target, 4),
  b: 0,
  x: 0,
  prefixes: [],
  setup: [],
});

/** [RIP + disp32]; the encoder fills it in once it knows the instruction's length. */
export const relativeAddress = (target) => ({
  mod: MOD.none,
  rm: RM_DISPLACEMENT,
  displacement: [0, 0, 0, 0],
  fromNext: target - (CODE_WINDOW.address + WINDOW_MIDDLE),
  b: 0,
  x: 0,
  prefixes: [],
  setup: [],
});

/** What 16-bit addresses do not see of a register. */
const DIRTY_UPPER_16 = 0x5a5a_0000;

/** Base and index of 16-bit addresses, by rm. */
const BASES_16 = [[3, 6], [3, 7], [5, 6], [5, 7], [6], [7], [5], [3]];

/** 16-bit ModRM: rm 0..7 and a mod; rm 6 without displacement is [disp16]. `target` is an offset in the segment. */
export function address16(random, target, rm, mod) {
  if (mod === MOD.none && rm === RM_DISPLACEMENT_16)
    return { mod, rm, displacement: littleEndian(target, 2), b: 0, x: 0, prefixes: [], setup: [] };
  const displacement = drawDisplacement(random, mod);
  const [base, index] = BASES_16[rm];
  const indexValue = index === undefined ? 0 : random.below(0x100);
  const rest = (target - displacement - indexValue) & 0xffff;
  return {
    mod,
    rm,
    displacement: displacementOf(mod, displacement, 2),
    b: 0,
    x: 0,
    prefixes: [],
    setup: [
      setting(base, DIRTY_UPPER_16 | rest),
      ...(index === undefined ? [] : [setting(index, DIRTY_UPPER_16 | indexValue)]),
    ],
  };
}

const pick = (random, list) => list[random.below(list.length)];
const MODS = Object.values(MOD);

/** 16-bit address forms; those with BP count from SS, so that in 16-bit code they name the same place of the stack window. */
function draw16(random, offset, free) {
  const candidates = [0, 1, 2, 3, 4, 5, 6, 7].filter((rm) => BASES_16[rm].every((one) => free.includes(one)));
  const rm = pick(random, [...candidates, RM_DISPLACEMENT_16]);
  const mod = rm === RM_DISPLACEMENT_16 && !candidates.includes(rm) ? MOD.none : pick(random, MODS);
  return address16(random, WINDOW_MIDDLE + offset, rm, mod);
}

/** 32- or 64-bit address forms of code of any mode. */
function drawWide(random, target, free, mode, wide) {
  const bases = free.filter((one) => mode === 64 || one < 8);
  const base = pick(random, bases);
  const indexes = bases.filter((one) => one !== base && one !== SP);
  const index = pick(random, indexes.length > 0 ? indexes : [0]);
  const forms = [
    () => baseAddress(random, target, base, pick(random, MODS)),
    () => baseAddress(random, target, base, MOD.byte),
    () => indexedAddress(random, target, base, index, random.below(4), pick(random, MODS)),
    () => indexedAddress(random, target, base, index, random.below(4), MOD.byte),
    () => scaledAddress(random, target, index, random.below(4)),
    () => (wide ? relativeAddress(target) : absoluteAddress(target, mode)),
    () => absoluteAddress(target, mode),
  ];
  return pick(random, forms)();
}

const withPrefix = (address, prefix) => ({ ...address, prefixes: [...address.prefixes, prefix] });

/** In 64-bit code with 67, what the upper half of a register holds does not matter. */
export const dirtyUpper = (address) => ({
  ...address,
  setup: address.setup.map((one) => {
    const [name, value] = one.split("=");
    return `${name}=${((BigInt(`0x${value}`) & 0xffff_ffffn) | 0x7654_3210_0000_0000n).toString(16)}`;
  }),
});

/** Outside 64-bit code registers have 32 bits. */
export const truncated = (address, mode) =>
  mode === 64
    ? address
    : {
        ...address,
        setup: address.setup.map((one) => `${one.split("=")[0]}=${one.split("=")[1].slice(-8)}`),
      };

/**
 * A random memory operand at `offset` from the data window's middle.
 *
 * @param free registers that may hold addresses
 */
export function drawAddress(random, mode, offset, free) {
  return truncated(drawAny(random, mode, offset, free), mode);
}

function drawAny(random, mode, offset, free) {
  const target = DATA_WINDOW.address + WINDOW_MIDDLE + offset;
  const special = random.below(8);
  if (mode === 16) {
    if (special > 1) return draw16(random, offset, free);
    return withPrefix(
      drawWide(
        random,
        WINDOW_MIDDLE + offset,
        free.filter((one) => one !== SP && one !== BP),
        16,
        false,
      ),
      PREFIX_ADDRESS_SIZE,
    );
  }
  if (special === 0)
    return withPrefix(
      drawWide(random, target - DATA_WINDOW.address - FS_OFFSET, free, mode, false),
      PREFIX_FS,
    );
  if (special === 1 && offset + WINDOW_MIDDLE < 0x1000 - GS_OFFSET - 64)
    return withPrefix(
      drawWide(random, target - DATA_WINDOW.address - GS_OFFSET, free, mode, false),
      PREFIX_GS,
    );
  if (special === 2 && mode === 64)
    return withPrefix(dirtyUpper(drawWide(random, target, free, mode, true)), PREFIX_ADDRESS_SIZE);
  if (special === 2) {
    const inSegment = draw16(
      random,
      offset - FS_OFFSET,
      free.filter((one) => one < 8),
    );
    return withPrefix(withPrefix(inSegment, PREFIX_FS), PREFIX_ADDRESS_SIZE);
  }
  return drawWide(random, target, free, mode, mode === 64);
}
