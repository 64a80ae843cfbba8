/**
 * IRET in every mode (SDM vol. 2, IRET): in real and virtual-8086 mode, to the same or a lesser privilege, to virtual-8086
 * mode, back to the task before (NT), and in IA-32e mode. Hot: the way out of every handler.
 */
import { CYCLES } from "../../../events/categories.js";
import type { Instruction } from "../../x86/instruction.js";
import { CR4 } from "../control-bits.js";
import type { Core } from "../core.js";
import { isNull, RPL } from "../descriptor.js";
import { generalProtection } from "../fault.js";
import { BASE, CR4_WORD, FLAGS, HIGHEST, PRIVILEGE, RSP, segmentWord } from "../places.js";
import { keepResumeFlag } from "../registers/breakpoints.js";
import { mergeFlags, mergeVirtual } from "../registers/flags.js";
import { loadCodeSegment, loadRealSegment, loadVirtualSegment } from "../segments.js";
import { CODE_64, CS, DS, ES, FS, GS, MODE, RFLAGS, SS, TR } from "../state.js";
import { checkReturnCode, checkTarget } from "../transfers/checks.js";
import { returnToStack } from "../transfers/outer-stack.js";
import { switchTask } from "../transfers/task-switch.js";

const LAST_VIRTUAL_IP = 0xffff;

export function interruptReturn(core: Core, { operandSize }: Instruction): void {
  const switchesTask = (core.words[FLAGS]! & RFLAGS.NT) !== 0 && core.isProtected && !core.isVirtual8086;
  if (!core.isProtected) returnReal(core, operandSize);
  else if (core.isVirtual8086) returnWithinVirtual(core, operandSize);
  else if (switchesTask) {
    returnToTask(core);
    if (core.hasExited) return;
  } else returnProtected(core, operandSize);
  if (operandSize > 2 && !switchesTask) keepResumeFlag(core, core.event.flags);
  core.nmiBlocked = false;
  core.chargeCrossing(CYCLES.guest_fault, core.costs.interrupt_return);
}

/** Reads IP and FLAGS into `core.event`, and returns CS. @param items in view, with SS and the pointer where they are popped too. */
function popFrame(core: Core, size: number, items = 3): number {
  const { stack, event } = core;
  stack.useCurrent();
  stack.view(items, size);
  event.returnLow = stack.at(0);
  event.returnHigh = core.high;
  const selector = stack.at(1) & 0xffff;
  event.flags = stack.at(2);
  return selector;
}

function returnReal(core: Core, size: number): void {
  const { stack, event, words } = core;
  const selector = popFrame(core, size);
  if (event.returnLow >>> 0 > words[segmentWord(CS) + HIGHEST]! >>> 0) throw generalProtection();
  stack.move(3 * size);
  stack.commit();
  loadRealSegment(core, CS, selector);
  core.jump(event.returnLow, 0);
  core.writeFlags(mergeFlags(core, event.flags, size, 0));
  core.updateMode();
}

/** Within virtual-8086 mode IRET is IOPL-sensitive, but for what its extensions allow. */
function returnWithinVirtual(core: Core, size: number): void {
  const { stack, event } = core;
  const hasVme = (core.words[CR4_WORD]! & CR4.VME) !== 0;
  const isVirtualized = core.ioPrivilege < 3;
  if (isVirtualized && (size !== 2 || !hasVme)) throw generalProtection();
  const selector = popFrame(core, size);
  if (event.returnLow >>> 0 > LAST_VIRTUAL_IP) throw generalProtection();
  const flags = isVirtualized
    ? mergeVirtual(core, event.flags)
    : mergeFlags(core, event.flags, size, core.cpl);
  stack.move(3 * size);
  stack.commit();
  loadVirtualSegment(core, CS, selector);
  core.jump(event.returnLow, 0);
  core.writeFlags(flags);
  core.updateMode();
}

/** NT: back to the task whose selector is in the TSS's link. IA-32e mode has no tasks. */
function returnToTask(core: Core): void {
  if (core.isLong) throw generalProtection();
  const link = core.memory.read(0, core.words[segmentWord(TR) + BASE]!, 2, false);
  switchTask(core, link, "return", core.nextLow);
}

function returnProtected(core: Core, size: number): void {
  const { stack, event, cpl, mode, is64BitCode } = core;
  const selector = popFrame(core, size, is64BitCode ? 5 : 3);
  if ((event.flags & RFLAGS.VM) !== 0 && size === 4 && cpl === 0 && !core.isLong) {
    returnToVirtual(core, selector);
    return;
  }
  const code = checkReturnCode(core, selector);
  checkTarget(core, code, event.returnLow, event.returnHigh);
  const isOuter = (selector & RPL) > cpl;
  let stackSelector = 0;
  if (isOuter || is64BitCode) {
    if (!is64BitCode) stack.view(5, size);
    stackSelector = stack.at(4) & 0xffff;
    const pointer = stack.at(3);
    returnToStack(core, selector, stackSelector, pointer, core.high, size);
  } else {
    code.markAccessed();
    stack.move(3 * size);
    stack.commit();
    loadCodeSegment(core, selector, cpl, code);
  }
  core.jump(event.returnLow, event.returnHigh);
  core.writeFlags(mergeReturned(core, event.flags, size, cpl));
  core.updateMode();
  if (cpl === 0) remember(core, mode, selector, size, isOuter, stackSelector);
}

/**
 * Tells the engine what it can do itself the next time: from CPL 0 outside single steps, doublewords to flat code outside
 * IA-32e mode, quadwords to 64-bit code in it; not where TF or AC were popped.
 */
function remember(
  core: Core,
  mode: number,
  selector: number,
  size: number,
  isOuter: boolean,
  stackSelector: number,
): void {
  const { crossings } = core.host;
  const { returnCode: code, returnData: data } = core;
  if (crossings === undefined || ((mode | core.mode) & (MODE.singleStep | MODE.alignmentCheck)) !== 0) return;
  const isPlain = core.isLong
    ? size === 8 && (mode & MODE.codeSize) === CODE_64 && core.is64BitCode
    : size === 4 && (code.flat & MODE.flatCode) !== 0 && (!isOuter || data.isBig);
  if (!isPlain) return;
  const hasStack = (isOuter || core.isLong) && !isNull(stackSelector);
  const stack = hasStack ? data : undefined;
  crossings.rememberReturn(core, { mode, selector, code, popsStack: isOuter, stackSelector, stack });
}

/** Besides POPF's: CPL 0 sets VIF and VIP too. */
function mergeReturned(core: Core, image: number, size: number, cpl: number): number {
  const flags = mergeFlags(core, image, size, cpl);
  if (cpl !== 0 || size === 2) return flags;
  const virtual = RFLAGS.VIF | RFLAGS.VIP;
  return (flags & ~virtual) | (image & virtual);
}

/** IRETD at CPL 0 with VM in the image: nine items, all selectors real-mode ones. */
function returnToVirtual(core: Core, selector: number): void {
  const { stack, event, words } = core;
  if (event.returnLow >>> 0 > LAST_VIRTUAL_IP) throw generalProtection();
  stack.view(9, 4);
  const pointer = stack.at(3);
  const selectors = [4, 5, 6, 7, 8].map((item) => stack.at(item) & 0xffff);
  core.setRegister(RSP, 4, pointer);
  loadVirtualSegment(core, CS, selector);
  for (const [index, segment] of [SS, ES, DS, FS, GS].entries())
    loadVirtualSegment(core, segment, selectors[index]!);
  words[PRIVILEGE] = 3;
  core.jump(event.returnLow, 0);
  core.writeFlags(event.flags);
  core.updateMode();
}
