/**
 * The fast ways into a kernel and back (SDM vol. 2 and vol. 3, 5.8.7, 5.8.8; APM vol. 2, 6.1): SYSCALL and SYSRET,
 * SYSENTER and SYSEXIT. They read no descriptors: CS and SS are made up from selectors in MSRs. Hot.
 *
 * On AMD's processors SYSCALL and SYSRET exist outside 64-bit mode too (with STAR's EIP in legacy mode, CSTAR in
 * compatibility mode), and SYSENTER and SYSEXIT do not exist in IA-32e mode. Simplified for AMD: SYSRET sets all of SS and
 * checks RCX before it drops the privilege, as Intel's does.
 */
import { CYCLES } from "../../../events/categories.js";
import { EVENT } from "../../../events/events.js";
import type { Instruction } from "../../x86/instruction.js";
import { EFER } from "../control-bits.js";
import type { Core } from "../core.js";
import { generalProtection, undefinedOpcode } from "../fault.js";
import {
  CSTAR,
  EFER_WORD,
  FMASK,
  GENERAL,
  LSTAR,
  R11,
  RCX,
  RDX,
  RSP,
  STAR,
  SYSENTER_CS,
  SYSENTER_EIP,
  SYSENTER_ESP,
} from "../places.js";
import { loadFlatPair } from "../segments.js";
import { RFLAGS } from "../state.js";

const INDEX_BITS = 0xfffc;

/** The price is of entry and return together (COSTS): each takes half. */
function charge(core: Core): void {
  core.chargeCrossing(CYCLES.guest_kernel, core.costs.syscall / 2);
}

/** #UD where SYSCALL or SYSRET do not exist; returns whether the code is 64-bit. */
function checkSystemCall(core: Core): boolean {
  const is64 = core.is64BitCode;
  const isEnabled = (core.words[EFER_WORD]! & EFER.SCE) !== 0 && core.isProtected && !core.isVirtual8086;
  if (!isEnabled || (!is64 && core.processor.isIntel)) throw undefinedOpcode();
  return is64;
}

export function systemCall(core: Core): void {
  const { words, isLong } = core;
  const is64 = checkSystemCall(core);
  const selector = words[STAR + 1]! & INDEX_BITS;
  const flags = core.readFlags();
  core.setRegister(RCX, is64 ? 8 : 4, core.nextLow, core.nextHigh);
  if (isLong) {
    const target = is64 ? LSTAR : CSTAR;
    core.setRegister(R11, 8, flags, 0);
    core.jump(words[target]!, words[target + 1]!);
    core.writeFlags(flags & ~words[FMASK]!);
  } else {
    core.jump(words[STAR]!, 0);
    core.writeFlags(flags & ~RFLAGS.IF);
  }
  loadFlatPair(core, selector, (selector + 8) & 0xffff, 0, isLong);
  core.updateMode();
  core.host.count(EVENT.guest_system_calls);
  charge(core);
}

/** With 64-bit operand size to 64-bit code, else to compatibility or legacy mode. */
export function systemReturn(core: Core, { operandSize }: Instruction): void {
  const { words } = core;
  const to64 = checkSystemCall(core) && operandSize === 8;
  const targetHigh = to64 ? words[GENERAL + 2 * RCX + 1]! : 0;
  if (core.cpl !== 0 || !core.isCanonical(targetHigh)) throw generalProtection();
  const base = words[STAR + 1]! >>> 16;
  const flags = core.isLong ? words[GENERAL + 2 * R11]! : core.readFlags() | RFLAGS.IF;
  core.jump(words[GENERAL + 2 * RCX]!, targetHigh);
  core.writeFlags(flags & ~RFLAGS.VM);
  loadFlatPair(core, ((base + (to64 ? 16 : 0)) & 0xffff) | 3, ((base + 8) & 0xffff) | 3, 3, to64);
  core.updateMode();
  charge(core);
}

/** #UD on AMD's processors in IA-32e mode; #GP outside protected mode, or while IA32_SYSENTER_CS has no selector. */
function checkSystemEnter(core: Core): void {
  if (core.isLong && !core.processor.isIntel) throw undefinedOpcode();
  if (!core.isProtected || (core.words[SYSENTER_CS]! & INDEX_BITS) === 0) throw generalProtection();
}

export function systemEnter(core: Core): void {
  checkSystemEnter(core);
  const { words, isLong } = core;
  const selector = words[SYSENTER_CS]! & INDEX_BITS;
  core.setRegister(RSP, isLong ? 8 : 4, words[SYSENTER_ESP]!, words[SYSENTER_ESP + 1]!);
  core.jump(words[SYSENTER_EIP]!, isLong ? words[SYSENTER_EIP + 1]! : 0);
  core.writeFlags(core.readFlags() & ~(RFLAGS.VM | RFLAGS.IF));
  loadFlatPair(core, selector, (selector + 8) & 0xffff, 0, isLong);
  core.updateMode();
  core.host.count(EVENT.guest_system_calls);
  charge(core);
}

/** With 64-bit operand size to 64-bit code. Selectors follow IA32_SYSENTER_CS: +16 and +24, or +32 and +40. */
export function systemExit(core: Core, { operandSize }: Instruction): void {
  checkSystemEnter(core);
  if (core.cpl !== 0) throw generalProtection();
  const { words } = core;
  const to64 = operandSize === 8;
  const targetHigh = to64 ? words[GENERAL + 2 * RDX + 1]! : 0;
  const pointerHigh = to64 ? words[GENERAL + 2 * RCX + 1]! : 0;
  if (!core.isCanonical(targetHigh) || !core.isCanonical(pointerHigh)) throw generalProtection();
  const base = words[SYSENTER_CS]! & 0xffff;
  core.jump(words[GENERAL + 2 * RDX]!, targetHigh);
  core.setRegister(RSP, operandSize === 8 ? 8 : 4, words[GENERAL + 2 * RCX]!, pointerHigh);
  loadFlatPair(
    core,
    ((base + (to64 ? 32 : 16)) & 0xffff) | 3,
    ((base + (to64 ? 40 : 24)) & 0xffff) | 3,
    3,
    to64,
  );
  core.updateMode();
  charge(core);
}
