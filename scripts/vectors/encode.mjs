/**
 * Bytes of instructions from rows in the notation of the Intel SDM (vol. 2, 3.1.1): "REX.W 0F AF /r" with operands
 * "r64, r/m64". Written from the manual and apart from the project's own assembler, which the vectors judge.
 *
 *      /r /0../7          ModRM byte                     +r            register in the opcode's low bits
 *      ib iw id io        immediate of fixed size        iz            of the operand size, at most 4 bytes
 *      cb cz              relative of 1, of 2 or 4       VEX.NP.0F38.W F2 /r      VEX prefix, of vector length 0
 *
 * "*" in an operand is the operand size; 66 and REX.W then follow from it, by the code's mode.
 */
const PREFIX_66 = 0x66;
const REX = 0x40;
const REX_W = 8;
const REX_R = 4;
const REX_X = 2;
const REX_B = 1;
const MODRM_REGISTER = 0xc0;
const RM_SIB = 4;
const MANDATORY = ["66", "F2", "F3"];
const VEX_PREFIXES = { NP: 0, 66: 1, F3: 2, F2: 3 };
const VEX_MAPS = { "0F": 1, "0F38": 2, "0F3A": 3 };

/** Little-endian bytes of a number or a bigint. */
export function littleEndian(value, size) {
  const bytes = [];
  for (let rest = BigInt.asUintN(size * 8, BigInt(value)), i = 0; i < size; i++, rest >>= 8n)
    bytes.push(Number(rest & 0xffn));
  return bytes;
}

/** The opcode column, taken apart. */
function parseOpcode(text) {
  const parts = { mandatory: [], opcode: [], immediates: [], rexW: false, modrm: undefined, inOpcode: false };
  for (const word of text.split(" ")) {
    if (word === "REX.W") parts.rexW = true;
    else if (word.startsWith("VEX.")) parts.vex = word.split(".").slice(1);
    else if (word.startsWith("/")) parts.modrm = word === "/r" ? "r" : Number(word[1]);
    else if (word === "+r") parts.inOpcode = true;
    else if (/^[ic][bwdoz]$/.test(word)) parts.immediates.push(word);
    else if (!parts.vex && parts.opcode.length === 0 && MANDATORY.includes(word) && text !== word)
      parts.mandatory.push(Number.parseInt(word, 16));
    else parts.opcode.push(Number.parseInt(word, 16));
  }
  return parts;
}

const immediateBytes = (word, size) => ({ b: 1, w: 2, d: 4, o: 8, z: Math.min(size, 4) })[word[1]];

/** Whether 66 is needed for an operand size, and REX.W. */
function sizePrefixes(size, mode, defaults64) {
  if (size === 0 || size === 1) return { operand: false, wide: false };
  if (mode === 16) return { operand: size === 4, wide: false };
  return { operand: size === 2, wide: size === 8 && !defaults64 };
}

/** ModRM with what follows, from a register or an address (addresses.mjs). */
function modrmBytes(reg, rm) {
  const field = (reg & 7) << 3;
  if (typeof rm === "number") return [MODRM_REGISTER | field | (rm & 7)];
  return [
    rm.mod | field | rm.rm,
    ...(rm.rm === RM_SIB && rm.sib !== undefined ? [rm.sib] : []),
    ...rm.displacement,
  ];
}

function vexBytes([prefix, map, w], reg, rm, second) {
  const high = (bit) => (bit ? 0 : 1); // R X B and vvvv are inverted
  const x = typeof rm === "number" ? 0 : rm.x;
  const b = typeof rm === "number" ? rm >> 3 : rm.b;
  return [
    0xc4,
    (high(reg >> 3) << 7) | (high(x) << 6) | (high(b) << 5) | VEX_MAPS[map],
    ((w === "W" ? 1 : 0) << 7) | ((~second & 15) << 3) | VEX_PREFIXES[prefix],
  ];
}

/**
 * @param {object} wanted
 *   mode: 16, 32, 64; size: operand size in bytes, 0 where the row has none
 *   reg, rm: numbers of registers, or an address; second: VEX.vvvv
 *   immediates: values; prefixes: legacy prefixes put first (lock, rep, segment)
 *   bareRex: an empty REX prefix, so that byte registers 4..7 are SPL BPL SIL DIL
 * @returns bytes, with the displacement of a RIP-relative address still 0 and its place in `fixup`
 */
export function encode(opcodeText, wanted) {
  const {
    mode,
    size,
    reg = 0,
    rm = 0,
    second = 0,
    immediates = [],
    prefixes = [],
    defaults64 = false,
  } = wanted;
  const parts = parseOpcode(opcodeText);
  const { operand, wide } = sizePrefixes(size, mode, defaults64);
  const extension = typeof parts.modrm === "number" ? parts.modrm : reg;
  const memory = typeof rm === "object";
  const legacy = [...prefixes, ...(memory ? rm.prefixes : []), ...(operand ? [PREFIX_66] : [])];

  const opcode = [...parts.opcode];
  let rex = parts.rexW || wide ? REX_W : 0;
  if (parts.inOpcode) {
    opcode[opcode.length - 1] |= reg & 7;
    if (reg >= 8) rex |= REX_B;
  } else if (parts.modrm !== undefined) {
    if (extension >= 8) rex |= REX_R;
    if (memory ? rm.b : rm >= 8) rex |= REX_B;
    if (memory && rm.x) rex |= REX_X;
  }
  const head = parts.vex
    ? [...legacy, ...vexBytes(parts.vex, extension, rm, second)]
    : [...legacy, ...parts.mandatory, ...(rex !== 0 || wanted.bareRex ? [REX | rex] : [])];

  const values = parts.immediates.flatMap((word, index) =>
    littleEndian(immediates[index] ?? 0, immediateBytes(word, size)),
  );
  const bytes = [
    ...head,
    ...opcode,
    ...(parts.modrm === undefined ? [] : modrmBytes(extension, rm)),
    ...values,
  ];
  if (memory && rm.fromNext !== undefined) {
    const place = bytes.length - values.length - 4;
    bytes.splice(place, 4, ...littleEndian(rm.fromNext - bytes.length, 4));
  }
  return bytes;
}
