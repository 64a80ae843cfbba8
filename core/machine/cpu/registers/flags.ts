/**
 * Instructions on RFLAGS whose effect depends on privilege: PUSHF, POPF, CLI, STI (SDM vol. 2), with the virtual interrupt
 * flag of virtual-8086 mode extensions and of protected-mode virtual interrupts (vol. 3, 21.3, 21.4).
 */
import type { Instruction } from "../../x86/instruction.js";
import { CR4 } from "../control-bits.js";
import { type Core, SHADOW } from "../core.js";
import { generalProtection } from "../fault.js";
import { CR4_WORD, FLAGS } from "../places.js";
import { ARITHMETIC_FLAGS, RFLAGS } from "../state.js";

/** What any privilege may change with a 16-bit image, and what a wider one adds. */
const WORD_FLAGS = ARITHMETIC_FLAGS | RFLAGS.TF | RFLAGS.DF | RFLAGS.NT;
const WIDE_FLAGS = RFLAGS.AC | RFLAGS.ID;
/** Of PUSHF's image: VM and RF read as 0. */
const NOT_PUSHED = RFLAGS.VM | RFLAGS.RF;

/** RFLAGS after an image was popped at CPL `cpl`: IOPL needs CPL 0, IF needs CPL ≤ IOPL; else they stay, silently. */
export function mergeFlags(core: Core, image: number, size: number, cpl: number): number {
  const flags = core.readFlags();
  let writable = WORD_FLAGS;
  if (size > 2) writable |= WIDE_FLAGS;
  if (cpl <= core.ioPrivilege) writable |= RFLAGS.IF;
  if (cpl === 0) writable |= RFLAGS.IOPL;
  return (flags & ~writable) | (image & writable);
}

const hasVme = (core: Core): boolean => (core.words[CR4_WORD]! & CR4.VME) !== 0;

export function pushFlags(core: Core, { operandSize }: Instruction): void {
  const { stack } = core;
  const flags = core.readFlags();
  let image = flags & ~NOT_PUSHED;
  if (core.isVirtual8086 && core.ioPrivilege < 3) {
    if (operandSize !== 2 || !hasVme(core)) throw generalProtection();
    const isEnabled = (flags & RFLAGS.VIF) !== 0;
    image = (image & ~RFLAGS.IF) | RFLAGS.IOPL | (isEnabled ? RFLAGS.IF : 0);
  }
  stack.useCurrent();
  stack.reserve(1, operandSize);
  stack.put(0, image);
  stack.commit();
}

export function popFlags(core: Core, { operandSize }: Instruction): void {
  const { stack } = core;
  const isVirtualized = core.isVirtual8086 && core.ioPrivilege < 3;
  if (isVirtualized && (operandSize !== 2 || !hasVme(core))) throw generalProtection();
  stack.useCurrent();
  stack.view(1, operandSize);
  const image = stack.at(0);
  const flags = isVirtualized ? mergeVirtual(core, image) : mergeFlags(core, image, operandSize, core.cpl);
  stack.move(operandSize);
  stack.commit();
  setFlags(core, flags);
}

/** Under VME with IOPL below 3 a 16-bit image sets VIF in IF's place; a pending interrupt wants the monitor. */
export function mergeVirtual(core: Core, image: number): number {
  const flags = core.readFlags();
  const enables = (image & RFLAGS.IF) !== 0;
  if ((image & RFLAGS.TF) !== 0 || (enables && (flags & RFLAGS.VIP) !== 0)) throw generalProtection();
  const merged = (flags & ~WORD_FLAGS) | (image & WORD_FLAGS);
  return enables ? merged | RFLAGS.VIF : merged & ~RFLAGS.VIF;
}

/** Replaces RFLAGS and, where needed, the mode. */
export function setFlags(core: Core, flags: number): void {
  if (core.writeFlags(flags)) core.refreshMode();
}

/** CLI and STI act on IF itself. */
const reachesInterruptFlag = (core: Core): boolean => !core.isProtected || core.cpl <= core.ioPrivilege;

/** Whether CLI raises #GP(0). */
export const mayNotClearInterrupts = (core: Core): boolean =>
  !reachesInterruptFlag(core) && !hasVirtualInterrupts(core);

/** Whether STI does: not either where a virtual interrupt waits. */
export const mayNotSetInterrupts = (core: Core): boolean =>
  !reachesInterruptFlag(core) && (!hasVirtualInterrupts(core) || (core.words[FLAGS]! & RFLAGS.VIP) !== 0);

export function clearInterrupts(core: Core): void {
  core.setSystemFlags(reachesInterruptFlag(core) ? RFLAGS.IF : RFLAGS.VIF, 0);
}

/** The next instruction is still out of reach of interrupts, if they were disabled. */
export function setInterrupts(core: Core): void {
  const isReal = reachesInterruptFlag(core);
  if (isReal && (core.words[FLAGS]! & RFLAGS.IF) === 0) core.shadow = SHADOW.interrupts;
  core.setSystemFlags(0, isReal ? RFLAGS.IF : RFLAGS.VIF);
}

/** Whether CLI and STI beyond IOPL act on VIF: VME in virtual-8086 mode, PVI at CPL 3 outside it. */
function hasVirtualInterrupts(core: Core): boolean {
  if (core.isVirtual8086) return hasVme(core);
  return core.cpl === 3 && (core.words[CR4_WORD]! & CR4.PVI) !== 0;
}
