/**
 * What VT-x and AMD-V have in common in what leaves their guests. What each instruction does is chosen by its row, once; the
 * controls are read where they lie. Faults that come before an exit (I/O permissions, CR4.TSD) are found first (Intel SDM
 * vol. 3, 26.1.1; AMD APM vol. 2, table 15-7).
 */

import { invariant } from "../../util/errors.js";
import { PAGE_BYTES } from "../address.js";
import type { Machine } from "../machine.js";
import type { Instruction } from "../x86/instruction.js";
import { CR0, CR4 } from "./control-bits.js";
import type { Core } from "./core.js";
import { generalProtection } from "./fault.js";
import { checkPort } from "./instructions/ports.js";
import type { Interception, Vectoring } from "./interception.js";
import { effectiveAddress } from "./operands.js";
import { CR0_WORD, CR4_WORD, RDX, RIP } from "./places.js";

/** Decides for one row of the instruction table; true: it leaves. */
export type Decision = (instruction: Instruction) => boolean;

/** MOV is several instructions. */
const MOVES: ReadonlySet<string> = new Set(["control-register", "debug-register"]);
/** Bits that LMSW writes; PE it can only set. */
const LMSW_BITS = CR0.MP | CR0.EM | CR0.TS;

export abstract class HardwareInterception implements Interception {
  protected instructionLeft: Instruction | undefined;
  protected core!: Core;
  protected machine!: Machine;
  /** By mnemonic, but `MOV control-register` and `MOV debug-register`. */
  protected abstract readonly byName: Readonly<Record<string, Decision>>;
  private readonly decisions: (Decision | null)[] = [];

  abstract exception(vector: number, errorCode: number, during: Vectoring | undefined): boolean;
  abstract softwareInterrupt(vector: number): boolean;
  abstract interrupt(): boolean;
  abstract shutdown(): boolean;

  /** Writes what every exit by an instruction has. @param reason the vendor's number. */
  protected abstract leave(reason: number, instruction: Instruction): true;
  protected abstract leavesPort(port: number, size: number): boolean;
  protected abstract leaveForPort(
    instruction: Instruction,
    port: number,
    size: number,
    isIn: boolean,
    isString: boolean,
  ): true;

  /** The instruction that left last. */
  get left(): Instruction {
    const { instructionLeft } = this;
    invariant(instructionLeft !== undefined, "an instruction left");
    return instructionLeft;
  }

  instruction(instruction: Instruction): boolean {
    const { index } = instruction.row;
    let decision = this.decisions[index];
    if (decision === undefined) {
      decision = this.byName[leavingName(instruction)] ?? null;
      this.decisions[index] = decision;
    }
    return decision === null ? false : decision(instruction);
  }

  /** Decisions on IN, OUT, INS and OUTS. */
  protected portDecisions(): Readonly<Record<string, Decision>> {
    const port =
      (isIn: boolean, isString: boolean): Decision =>
      (instruction) =>
        this.port(instruction, isIn, isString);
    return { IN: port(true, false), OUT: port(false, false), INS: port(true, true), OUTS: port(false, true) };
  }

  private port(instruction: Instruction, isIn: boolean, isString: boolean): boolean {
    const { core } = this;
    const operand = instruction.operands[isIn ? 1 : 0];
    const port = operand?.kind === "immediate" ? operand.value & 0xff : core.register(RDX, 2);
    const size = portSizeOf(instruction, isIn);
    checkPort(core, port, size);
    return this.leavesPort(port, size) && this.leaveForPort(instruction, port, size, isIn, isString);
  }

  /** RDTSC and RDTSCP. @param leaves by the vendor's control. */
  protected timeStamp(instruction: Instruction, leaves: boolean, reason: number): boolean {
    if (!leaves) return false;
    const { core } = this;
    if ((core.words[CR4_WORD]! & CR4.TSD) !== 0 && core.cpl !== 0) throw generalProtection();
    return this.leave(reason, instruction);
  }

  /** The low half of the address that INVLPG names; its high half is in the core's `high`. */
  protected invalidated(instruction: Instruction): number {
    const operand = instruction.operands[0]!;
    return operand.kind === "memory" ? effectiveAddress(this.core, instruction, operand) : 0;
  }

  /** CR0 as LMSW would leave it. @param value the instruction's operand. */
  protected cr0AfterLmsw(value: number): number {
    return (this.core.words[CR0_WORD]! & ~LMSW_BITS) | (value & (LMSW_BITS | CR0.PE));
  }

  /** Whether what the second dimension of paging did not translate was the fetch at RIP. @param linear low half. */
  protected isFetchViolation(linear: number): boolean {
    const isPageOfRip = ((linear ^ this.core.words[RIP]!) & -PAGE_BYTES) === 0;
    return isPageOfRip && !this.machine.mmu.walker.violationWrite;
  }

  /** The guest-physical address of such a violation; of a table of the guest's, that of its page. @param linear low half. */
  protected violatedAddress(linear: number): number {
    const { violationFrame, violationTable } = this.machine.mmu.walker;
    return violationFrame * PAGE_BYTES + (violationTable ? 0 : linear & (PAGE_BYTES - 1));
  }

  /** @param address of a bitmap in memory, bytes. */
  protected isBitSet(address: number, bit: number): boolean {
    const word = this.machine.ram[Math.floor(address / 4) + (bit >>> 5)]!;
    return ((word >>> (bit & 31)) & 1) !== 0;
  }
}

function leavingName({ row }: Instruction): string {
  return row.mnemonic === "MOV" && MOVES.has(row.event) ? `MOV ${row.event}` : row.mnemonic;
}

/** Bytes of a port access: the accumulator's, or those of the string's element. */
export function portSizeOf(instruction: Instruction, isIn: boolean): number {
  const memory = instruction.operands.find((operand) => operand.kind === "memory");
  const operand = memory ?? instruction.operands[isIn ? 0 : 1]!;
  return operand.kind === "register" || operand.kind === "memory" ? operand.size : 1;
}
