/**
 * What a binary translator makes of an instruction: whether it may be executed at CPL 1 as it is, transfers control within the
 * guest's kernel, or is done in the guest's stead, and how.
 */
import { type Instruction, type MemoryOperand, SEGMENT } from "../../machine/x86/instruction.js";
import type { CodeWidth } from "./code-width.js";

/** The operand in memory, if there is one; string instructions have two, of which this is the first. */
export const memoryOf = ({ operands }: Instruction): MemoryOperand | undefined =>
  operands.find((operand) => operand.kind === "memory");

/** Refers to memory by a segment. */
export const refersBy = ({ operands }: Instruction, segment: number): boolean =>
  operands.some((operand) => operand.kind === "memory" && operand.segment === segment);

/**
 * Uses a segment register that is not the guest's while translated code runs: GS is the monitor's, and CS, by which 32-bit code
 * may read, is not cut short where the monitor's addresses begin, for translated code lies there. In 64-bit mode there is no
 * operand by CS.
 */
const usesMonitors = (instruction: Instruction): boolean =>
  GS_BASES.has(instruction.row.mnemonic) ||
  refersBy(instruction, SEGMENT.GS) ||
  refersBy(instruction, SEGMENT.CS);

/** A near transfer of the code's own width. */
export function isTransfer(instruction: Instruction, { bytes }: CodeWidth): boolean {
  const { row, operandSize, addressSize } = instruction;
  return (
    TRANSFERS.has(row.mnemonic) &&
    row.event === "" &&
    operandSize === bytes &&
    addressSize === bytes &&
    !usesMonitors(instruction)
  );
}

/** May be executed at CPL 1 as it is: means there what it means at CPL 0, and does not use what is the monitor's. */
export function isIdentical(instruction: Instruction, width: CodeWidth): boolean {
  const { row, operands } = instruction;
  if (usesMonitors(instruction) || TRANSFERS.has(row.mnemonic) || showsPlace(instruction)) return false;
  const index = operands.findIndex((operand) => operand.kind === "register" && operand.file === "segment");
  const segment = operands[index];
  if (segment?.kind === "register" && PLAIN_SEGMENT_MOVES.has(row.mnemonic)) {
    // Of the data segments' selectors CPL is no part. In 64-bit mode a segment's limit is what the monitor made it.
    const isLoad = index === 0 && row.mnemonic !== "PUSH";
    return PLAIN_SEGMENTS.has(segment.number) && !(isLoad && width.bits === 64);
  }
  return isInnocuous(instruction);
}

/** Stores where the last instruction of the x87 unit was: translated, in the cache (Adams & Agesen, section 3.2, of PC-relative). */
const showsPlace = ({ row }: Instruction): boolean => X87_SAVES.has(row.mnemonic);

/** Means the same whatever CPL, and traps at none. */
const isInnocuous = ({ row }: Instruction): boolean => row.sensitivity === "innocuous" && row.privilege === 3;

/** Ends a block where code executes it, but goes on with the next instruction and changes nothing that a unit relies on. */
export const continues = (instruction: Instruction): boolean =>
  CONTINUING.has(instruction.row.mnemonic) || isTaskPriority(instruction);

/**
 * Whether an instruction that is not executed as it is is done without leaving the cache: reading the guest's control registers,
 * and ports whose number is in the instruction, so that the translator finds the device; what is by CS, which code cut short by
 * a segment of its own would do; and saves of the x87's state. In 64-bit mode also what is by the guest's GS, which the monitor has
 * put aside, and the task priority.
 */
export function isDoneInCache(instruction: Instruction, { bits }: CodeWidth): boolean {
  const { row, operands } = instruction;
  const [to, from] = operands;
  if (refersBy(instruction, SEGMENT.CS) && isInnocuous(instruction)) return true;
  if (showsPlace(instruction)) return true;
  if (bits === 64 && (usesMonitors(instruction) || isTaskPriority(instruction) || row.mnemonic === "SWAPGS"))
    return true;
  switch (row.mnemonic) {
    case "IN":
      return from?.kind === "immediate";
    case "OUT":
      return to?.kind === "immediate";
    case "MOV":
      return from?.kind === "register" && from.file === "control";
    default:
      return row.mnemonic === "SMSW";
  }
}

/** MOV to CR8 or from it. */
const isTaskPriority = ({ row, operands }: Instruction): boolean =>
  row.mnemonic === "MOV" &&
  operands.some(
    (operand) => operand.kind === "register" && operand.file === "control" && operand.number === 8,
  );

// biome-ignore format: a list
const TRANSFERS: ReadonlySet<string> = new Set([
  "JMP", "CALL", "RET", "JCC", "LOOP", "LOOPE", "LOOPNE", "JCXZ", "JECXZ", "JRCXZ",
]);
const CONTINUING: ReadonlySet<string> = new Set([
  "IN",
  "OUT",
  "CLTS",
  "CPUID",
  "RDMSR",
  "WRMSR",
  "INVLPG",
  "SWAPGS",
]);
const X87_SAVES: ReadonlySet<string> = new Set(["FNSTENV", "FNSAVE", "FXSAVE", "FXSAVE64"]);
const GS_BASES: ReadonlySet<string> = new Set(["RDGSBASE", "WRGSBASE"]);
const PLAIN_SEGMENT_MOVES: ReadonlySet<string> = new Set(["MOV", "PUSH", "POP"]);
const PLAIN_SEGMENTS: ReadonlySet<number> = new Set([SEGMENT.ES, SEGMENT.DS, SEGMENT.FS]);
