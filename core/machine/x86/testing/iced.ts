/**
 * iced-x86 as the decoder to compare with: bytes to a line of text of one form for both, and what is different on purpose.
 *
 *      63: add dword ds:[rbx+rcx*4+0x10], eax
 *
 * It is the operands' structure that is compared, not a formatter's taste: segment, registers and sizes are always there.
 */
import iced from "iced-x86";
import { FLAG } from "../flags.js";
import type { CodeMode, Instruction, Operand } from "../instruction.js";
import { BASE_RIP, NO_REGISTER } from "../instruction.js";
import { generalName, registerName, SEGMENT_NAMES } from "../registers.js";

/** Where the instruction is taken to be; targets of branches and RIP-relative addresses are compared as addresses. */
export const ADDRESS = 0x1000n;

const OP = iced.OpKind;
const REGISTER_NAMES = nameOf(iced.Register);
const MNEMONIC_NAMES = nameOf(iced.Mnemonic);

function nameOf(kinds: object): readonly string[] {
  const names: string[] = [];
  for (const [name, value] of Object.entries(kinds))
    if (typeof value === "number") names[value] = name.toLowerCase();
  return names;
}

function icedRegister(register: number): string {
  return REGISTER_NAMES[register]!.replace(/^(r\d+)l$/, "$1b").replace(/^st(\d)$/, "st($1)");
}

const hex = (value: bigint, bits: number): string => `0x${BigInt.asUintN(bits, value).toString(16)}`;

function memoryText(
  size: number,
  segment: string,
  registers: readonly string[],
  displacement: bigint,
  addressBits: number,
): string {
  const parts = registers.filter((name) => name !== "");
  return `m${size * 8} ${segment}:[${[...parts, hex(displacement, addressBits)].join("+")}]`;
}

/** Memory of iced's kinds at a fixed register, with the register. */
const STRING_REGISTERS = new Map<number, string>([
  [OP.MemorySegSI, "si"],
  [OP.MemorySegESI, "esi"],
  [OP.MemorySegRSI, "rsi"],
  [OP.MemorySegDI, "di"],
  [OP.MemorySegEDI, "edi"],
  [OP.MemorySegRDI, "rdi"],
  [OP.MemoryESDI, "di"],
  [OP.MemoryESEDI, "edi"],
  [OP.MemoryESRDI, "rdi"],
]);

function addressBitsOf(instruction: iced.Instruction, mode: CodeMode): number {
  const names = [instruction.memoryBase, instruction.memoryIndex]
    .map(icedRegister)
    .filter((name) => name !== "none");
  const name = names[0];
  if (name !== undefined) return /^(r\d+|r..)$/.test(name) ? 64 : /^(e..|r\d+d)$/.test(name) ? 32 : 16;
  const bytes = instruction.memoryDisplSize;
  return bytes === 2 ? 16 : bytes === 8 || mode === 64 ? 64 : 32;
}

/** The segment that counts: in 64-bit code iced keeps prefixes that the processor ignores. */
function segmentOf(instruction: iced.Instruction, mode: CodeMode): string {
  const name = icedRegister(instruction.memorySegment);
  if (mode !== 64 || !instruction.hasSegmentPrefix || name === "fs" || name === "gs") return name;
  return /^[re](sp|bp)$/.test(icedRegister(instruction.memoryBase)) ? "ss" : "ds";
}

function icedOperand(instruction: iced.Instruction, at: number, mode: CodeMode): string {
  const kind = instruction.opKind(at);
  const size = iced.MemorySizeExt.size(instruction.memorySize);
  const segment = (): string => segmentOf(instruction, mode);
  const string = STRING_REGISTERS.get(kind);
  if (string !== undefined) {
    const bits = string.length === 2 ? 16 : string.startsWith("r") ? 64 : 32;
    const name = kind >= OP.MemoryESDI ? "es" : segment();
    return memoryText(size, name, [string], 0n, bits);
  }
  switch (kind) {
    case OP.Register:
      return icedRegister(instruction.opRegister(at));
    case OP.NearBranch16:
      return hex(BigInt(instruction.nearBranch16), 16);
    case OP.NearBranch32:
      return hex(BigInt(instruction.nearBranch32), 32);
    case OP.NearBranch64:
      return hex(instruction.nearBranch64, 64);
    case OP.FarBranch16:
      return `${instruction.farBranchSelector}:${instruction.farBranch16}`;
    case OP.FarBranch32:
      return `${instruction.farBranchSelector}:${instruction.farBranch32}`;
    case OP.Memory: {
      const base = icedRegister(instruction.memoryBase);
      const index = icedRegister(instruction.memoryIndex);
      return memoryText(
        size,
        segment(),
        [base === "none" ? "" : base, index === "none" ? "" : `${index}*${instruction.memoryIndexScale}`],
        instruction.memoryDisplacement,
        addressBitsOf(instruction, mode),
      );
    }
    default:
      return hex(instruction.immediate(at), 64);
  }
}

/** The line for iced's instruction, or "undefined". */
export function icedText(instruction: iced.Instruction, mode: CodeMode): string {
  if (instruction.isInvalid) return "undefined";
  const prefixes = [
    instruction.hasLockPrefix ? "lock " : "",
    instruction.isStringInstruction && instruction.hasRepePrefix ? "rep " : "",
    instruction.isStringInstruction && instruction.hasRepnePrefix ? "repne " : "",
  ].join("");
  const operands = Array.from({ length: instruction.opCount }, (_, at) => icedOperand(instruction, at, mode));
  // MASKMOVQ's memory, which its syntax leaves out, is the last operand here and the first there.
  const name = MNEMONIC_NAMES[instruction.mnemonic]!;
  if (name.startsWith("maskmov")) operands.push(operands.shift()!);
  return `${instruction.length}: ${prefixes}${name} ${operands.join(", ")}`;
}

function ourOperand(operand: Operand, instruction: Instruction): string {
  const next = ADDRESS + BigInt(instruction.length);
  switch (operand.kind) {
    case "register":
      return registerName(operand);
    case "relative":
      return hex(next + BigInt(operand.displacement), instruction.operandSize * 8);
    case "far":
      return `${operand.selector}:${operand.offset}`;
    case "immediate":
      return hex((BigInt(operand.high) << 32n) | BigInt(operand.value >>> 0), 64);
    case "memory": {
      const { addressSize } = instruction;
      const { base, index } = operand;
      const displacement = (BigInt(operand.displacementHigh) << 32n) | BigInt(operand.displacement >>> 0);
      const isRelative = base === BASE_RIP;
      return memoryText(
        operand.size,
        SEGMENT_NAMES[operand.segment]!,
        [
          isRelative
            ? addressSize === 8
              ? "rip"
              : "eip"
            : base === NO_REGISTER
              ? ""
              : generalName(base, addressSize),
          index === NO_REGISTER ? "" : `${generalName(index, addressSize)}*${operand.scale}`,
        ],
        isRelative ? next + displacement : displacement,
        addressSize * 8,
      );
    }
  }
}

/** The line for ours, in iced's terms. */
export function ourText(instruction: Instruction | string): string {
  if (typeof instruction === "string") return "undefined";
  const { row, lock, repeat } = instruction;
  const prefixes = `${lock ? "lock " : ""}${repeat === "" ? "" : `${repeat} `}`;
  const operands = instruction.operands.map((operand) => ourOperand(operand, instruction));
  return `${instruction.length}: ${prefixes}${row.name.replace(" far", "")} ${operands.join(", ")}`;
}

const { RflagsBits } = iced;
const FLAG_BITS: readonly (readonly [icedBit: number, flag: number])[] = [
  [RflagsBits.OF, FLAG.OF],
  [RflagsBits.SF, FLAG.SF],
  [RflagsBits.ZF, FLAG.ZF],
  [RflagsBits.AF, FLAG.AF],
  [RflagsBits.CF, FLAG.CF],
  [RflagsBits.PF, FLAG.PF],
  [RflagsBits.DF, FLAG.DF],
  [RflagsBits.IF, FLAG.IF],
  [RflagsBits.AC, FLAG.AC],
];

const toFlags = (bits: number): number =>
  FLAG_BITS.reduce((mask, [bit, flag]) => mask | (bits & bit ? flag : 0), 0);

export interface Facts {
  readonly read: number;
  readonly written: number;
  readonly undefined: number;
  readonly privileged: boolean;
}

/** What iced knows of an instruction besides its operands, of the flags given; undefined if the bytes are none to it. */
export function icedFacts(bytes: Uint8Array, mode: CodeMode, flags: number): Facts | undefined {
  const decoder = new iced.Decoder(mode, bytes, iced.DecoderOptions.None);
  const instruction = decoder.decode();
  const facts = instruction.isInvalid
    ? undefined
    : {
        read: toFlags(instruction.rflagsRead) & flags,
        written:
          toFlags(instruction.rflagsWritten | instruction.rflagsCleared | instruction.rflagsSet) & flags,
        undefined: toFlags(instruction.rflagsUndefined),
        privileged: instruction.isPrivileged,
      };
  instruction.free();
  decoder.free();
  return facts;
}
