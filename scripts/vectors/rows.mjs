/**
 * From a row of the manual to pieces of code with cases: each operand size the mode has, as register and as memory form,
 * with registers, addressing forms and immediates drawn at random.
 */
import { drawAddress } from "./addresses.mjs";
import { encode } from "./encode.mjs";

const LOCK = 0xf0;
const SP = 4;
const BP = 5;
const ALL_MODES = [16, 32, 64];

/** Cases of a code unless the row says otherwise. */
const CASES = 8;
/** Distances of operands from the window's middle: aligned, unaligned, across a page. */
const OFFSETS = [0, 8, 16, 32, 1, 3, 0x7fd];
const ALIGNED_OFFSETS = [0, 16, 32, 48];

/**
 * @typedef {object} Options
 *   modes      of code: [16, 32, 64]
 *   sizes      operand sizes for "*": [2, 4, 8]; one size without "*"
 *   stack      64-bit code defaults to 8 bytes and has no 4
 *   cases      number of cases, or a function (random, size, mode) to their assignments
 *   otherModes number of cases outside 64-bit code: half of `cases`
 *   kinds      what operands hold (initial.ts): { memory: "integer", x87: "empty" }
 *   reserve    registers that the row uses implicitly, or that its cases set: no addresses in them
 *   only       numbers of registers for the operands, by place; undefined draws one
 *   offset     distance of the memory operand from the window's middle
 *   dataOnly   the memory operand is in the data window, since cases set it
 *   form       only the "register" or the "memory" form
 *   immediates function (random, size) to values
 *   registers, memory    number of codes of each form
 *   align      memory operands are 16-byte aligned
 *   lock       memory forms with LOCK as well
 *   prefixes   put before everything
 *   setup      function (random, size, mode) to assignments common to the cases
 *   undefined  flags left undefined, as letters; read: flags read. Both for sequences alone
 *   sequence   may be part of a sequence: never faults, never jumps, touches no memory but its operand
 */

/** A row. The opcode's notation is encode.mjs's. */
export const row = (title, opcode, options = {}) => ({ title, opcode, ...options });

/** A row whose codes are written out: `codes(random, mode)` gives { bytes, setup, cases } and may give a title of its own. */
export const written = (title, codes, options = {}) => ({ title, codes, ...options });

/** `count` cases without assignments of their own. */
export const times = (count) => Array.from({ length: count }, () => []);

/** Bytes from "48 8B 44 24 08". */
export const bytesOf = (text) => text.split(" ").map((byte) => Number.parseInt(byte, 16));

export const pick = (random, list) => list[random.below(list.length)];

/** The operands' names: "r/m32", "imm8". */
export const operandsOf = (title) => title.split(" ").slice(1).join("").split(",").filter(Boolean);

const SIZES = { 16: [2, 4], 32: [2, 4], 64: [2, 4, 8] };
const STACK_SIZES = { 16: [2, 4], 32: [2, 4], 64: [2, 8] };

/** Operand sizes of a row in a mode; 0 stands for "has none". */
export function sizesOf(one, mode) {
  if (one.title.includes("*")) {
    const possible = (one.stack ? STACK_SIZES : SIZES)[mode];
    return possible.filter((size) => (one.sizes ?? possible).includes(size));
  }
  return one.sizes ?? [0];
}

const registerCount = (mode, file) => (mode === 64 && file !== "mm" && file !== "st" ? 16 : 8);

/** The kind of register an operand names, or may name. */
function fileOf(operand) {
  if (/^xmm/.test(operand)) return "xmm";
  if (/^mm/.test(operand)) return "mm";
  if (/^ST\(i\)/.test(operand)) return "st";
  if (/^Sreg/.test(operand)) return "segment";
  return "general";
}

/** "m", "m64", "m*": memory alone. */
const isMemory = (operand) => /^m(\d|\*|$)/.test(operand);
const isByte = (operand) => /^r8|^r\/m8/.test(operand);

/** A register's number and whether it is one of AH CH DH BH (no REX allowed) or SPL BPL SIL DIL (REX needed). */
function drawRegister(random, mode, operand) {
  const file = fileOf(operand);
  const number = random.below(registerCount(mode, file));
  if (file !== "general" || !isByte(operand) || number < 4 || number > 7) return { number };
  return mode === 64 && random.below(2) === 1 ? { number, needsRex: true } : { number, high: true };
}

const drawImmediate = (random) =>
  pick(random, [random.int32(), random.int32(), 0, 1, -1, 0x7f, -0x80, 0x7fff_ffff, 0x55]);

/** Registers that may hold addresses, given those a row uses itself. */
const freeRegisters = (mode, reserve) =>
  Array.from({ length: registerCount(mode, "general") }, (_, index) => index).filter(
    (index) => index !== SP && !reserve.includes(index),
  );

/** What stands in the title for this size: "r/m*" is "r/m32", "imm*" at most "imm32". */
export const titleFor = (title, size) =>
  title.replaceAll("imm*", `imm${Math.min(size, 4) * 8}`).replaceAll("*", String(size * 8));

const isRm = (operand) => operand.includes("/m") || isMemory(operand);
/** Operands that name registers or memory: not immediates, nor fixed ones ("AL", "1"). */
const isChosen = (operand) =>
  !/^(imm|rel|ptr|moffs|[A-Z0-9])/.test(operand) || /^(ST\(i\)|Sreg)/.test(operand);

/** Which of the operands is in ModRM.rm, -1 if none: the r/m operand, else the last register unless the opcode holds it. */
function placeInRm(operands, opcode) {
  const rm = operands.findIndex(isRm);
  if (rm >= 0 || opcode.includes("+r")) return rm;
  return operands.length > 1 || /\/\d/.test(opcode) ? operands.length - 1 : -1;
}

/**
 * One code of a row, with what the caller chooses not to draw.
 *
 * @param choose { register(operand), address() }
 */
export function instantiate(one, random, mode, size, form, choose) {
  const operands = operandsOf(one.title);
  const named = operands.filter(isChosen);
  const place = placeInRm(named, one.opcode);
  const immediates =
    one.immediates?.(random, size) ??
    operands.filter((operand) => /^imm|^rel/.test(operand)).map(() => drawImmediate(random));
  for (;;) {
    const chosen = named.map((operand, index) => {
      if (isRm(operand) && form === "memory") return undefined;
      return one.only?.[index] === undefined ? choose.register(operand) : { number: one.only[index] };
    });
    const others = chosen.filter((_, index) => index !== place);
    if (/\/\d/.test(one.opcode)) others.unshift(undefined); // ModRM.reg is taken; what is left is VEX.vvvv
    const address = form === "memory" ? choose.address() : undefined;
    const bytes = encode(one.opcode, {
      mode,
      size,
      reg: others[0]?.number ?? 0,
      second: others[1]?.number ?? 0,
      rm: address ?? chosen[place]?.number ?? 0,
      immediates,
      prefixes: one.prefixes ?? [],
      defaults64: one.stack ?? false,
      bareRex: chosen.some((register) => register?.needsRex),
    });
    const high = chosen.some((register) => register?.high);
    const rex = mode === 64 && hasRex(bytes);
    if (high && rex) continue; // AH and REX do not go together: draw again
    return { bytes, setup: address?.setup ?? [] };
  }
}

const LEGACY_PREFIXES = [0x66, 0x67, 0xf0, 0xf2, 0xf3, 0x26, 0x2e, 0x36, 0x3e, 0x64, 0x65];

/** Whether the first byte after legacy prefixes is REX. */
function hasRex(bytes) {
  const first = bytes.find((byte) => !LEGACY_PREFIXES.includes(byte));
  return (first & 0xf0) === 0x40;
}

/** "register", "memory" or both. */
export function formsOf(one) {
  const operands = operandsOf(one.title);
  if (operands.some((operand) => operand.includes("/m")))
    return one.form === undefined ? ["register", "memory"] : [one.form];
  return operands.some(isMemory) ? ["memory"] : ["register"];
}

/** The codes of a row in a mode: { title, bytes, setup, cases }; `scale` times as many of those drawn at random. */
export function codesOf(one, random, mode, scale = 1) {
  if (!(one.modes ?? ALL_MODES).includes(mode)) return [];
  if (one.codes !== undefined)
    return one.codes(random, mode).map((code) => ({ title: one.title, setup: [], cases: [[]], ...code }));
  // In 16-bit code, addresses with BP are in the stack window.
  const reserve = [...(one.reserve ?? []), ...(mode === 16 && one.dataOnly ? [BP] : [])];
  const free = freeRegisters(mode, reserve);
  const codes = [];
  for (const size of sizesOf(one, mode))
    for (const form of formsOf(one)) {
      const count = ((form === "memory" ? one.memory : one.registers) ?? 1) * scale;
      for (let number = 0; number < count; number++)
        for (const lock of form === "memory" && one.lock ? [false, true] : [false]) {
          const offset = one.offset ?? pick(random, one.align ? ALIGNED_OFFSETS : OFFSETS);
          const choose = {
            register: (operand) => drawRegister(random, mode, operand),
            address: () => drawAddress(random, mode, offset, free),
          };
          const locked = lock ? { ...one, prefixes: [LOCK, ...(one.prefixes ?? [])] } : one;
          const { bytes, setup } = instantiate(locked, random, mode, size, form, choose);
          codes.push({
            title: titleFor(one.title, size),
            bytes,
            setup: [...setup, ...(one.setup?.(random, size, mode, form) ?? [])],
            cases: casesOf(one, random, size, mode, form),
          });
        }
    }
  return codes;
}

function casesOf(one, random, size, mode, form) {
  const wanted = one.cases ?? CASES;
  if (typeof wanted === "function") return wanted(random, size, mode, form);
  return times(mode === 64 ? wanted : (one.otherModes ?? Math.ceil(wanted / 2)));
}
