/** Far JMP, CALL and RET (SDM vol. 2; vol. 3, 5.8): to code segments, through call gates, and to other tasks. */
import type { Instruction } from "../../x86/instruction.js";
import type { Core } from "../core.js";
import { RPL, SYSTEM_TYPE } from "../descriptor.js";
import { generalProtection, notPresent } from "../fault.js";
import { HIGHEST, segmentWord } from "../places.js";
import { loadCodeSegment, loadRealSegment, loadVirtualSegment } from "../segments.js";
import { CS } from "../state.js";
import { callThroughGate, jumpThroughGate } from "./call-gate.js";
import { checkDirectCode, checkReturnCode, checkTarget, fetchTarget } from "./checks.js";
import { readFarPointer } from "./far-pointer.js";
import { returnToStack } from "./outer-stack.js";
import { switchTask } from "./task-switch.js";

/** Outside real and virtual-8086 mode, whose selectors are paragraphs. */
const usesDescriptors = (core: Core): boolean => core.isProtected && !core.isVirtual8086;

export function jumpFar(core: Core, instruction: Instruction): void {
  const selector = readFarPointer(core, instruction, 0);
  if (!usesDescriptors(core)) {
    jumpReal(core, selector, core.event.returnLow);
    return;
  }
  fetchTarget(core, selector);
  if (!core.code.isCode) transferSystem(core, selector, false);
  else jumpToCode(core, selector);
}

function jumpReal(core: Core, selector: number, offset: number): void {
  checkRealTarget(core, offset);
  loadParagraph(core, selector, offset);
}

function checkRealTarget(core: Core, offset: number): void {
  if (offset >>> 0 > core.words[segmentWord(CS) + HIGHEST]! >>> 0) throw generalProtection();
}

function loadParagraph(core: Core, selector: number, offset: number): void {
  if (core.isVirtual8086) loadVirtualSegment(core, CS, selector);
  else loadRealSegment(core, CS, selector);
  core.jump(offset, 0);
  core.updateMode();
}

/** To the code segment in `core.code`, at the offset in `core.event`; CPL stays. */
function jumpToCode(core: Core, selector: number): void {
  checkDirectCode(core, selector);
  checkTarget(core, core.code, core.event.returnLow, core.event.returnHigh);
  core.code.markAccessed();
  loadTarget(core, selector);
}

function loadTarget(core: Core, selector: number): void {
  loadCodeSegment(core, selector, core.cpl, core.code);
  core.jump(core.event.returnLow, core.event.returnHigh);
  core.updateMode();
}

/** JMP or CALL with the selector of a gate or of a TSS. */
function transferSystem(core: Core, selector: number, isCall: boolean): void {
  const { code } = core;
  const type = code.systemType;
  const isTask = type === SYSTEM_TYPE.tss16 || type === SYSTEM_TYPE.tss32 || type === SYSTEM_TYPE.taskGate;
  if (type === SYSTEM_TYPE.callGate32 || (type === SYSTEM_TYPE.callGate16 && !core.isLong)) {
    if (isCall) callThroughGate(core, selector);
    else jumpThroughGate(core, selector);
  } else if (isTask && !core.isLong) {
    if (code.privilege < core.cpl || code.privilege < (selector & RPL)) throw generalProtection(selector);
    if (type === SYSTEM_TYPE.taskGate && !code.isPresent) throw notPresent(selector);
    const task = type === SYSTEM_TYPE.taskGate ? code.low >>> 16 : selector;
    switchTask(core, task, isCall ? "call" : "jump", core.nextLow);
  } else throw generalProtection(selector);
}

export function callFar(core: Core, instruction: Instruction): void {
  const { event } = core;
  const selector = readFarPointer(core, instruction, 0);
  if (!usesDescriptors(core)) {
    checkRealTarget(core, event.returnLow);
    pushReturn(core, instruction.operandSize);
    loadParagraph(core, selector, event.returnLow);
    return;
  }
  fetchTarget(core, selector);
  if (!core.code.isCode) {
    transferSystem(core, selector, true);
    return;
  }
  checkDirectCode(core, selector);
  checkTarget(core, core.code, event.returnLow, event.returnHigh);
  core.code.markAccessed();
  pushReturn(core, instruction.operandSize);
  loadTarget(core, selector);
}

function pushReturn(core: Core, size: number): void {
  const { stack } = core;
  stack.useCurrent();
  stack.reserve(2, size);
  stack.put(0, core.nextLow, core.nextHigh);
  stack.put(1, core.selector(CS));
  stack.commit();
}

export function returnFar(core: Core, instruction: Instruction): void {
  const { stack, event } = core;
  const { operandSize: size } = instruction;
  const operand = instruction.operands[0];
  const parameters = operand?.kind === "immediate" ? operand.value & 0xffff : 0;
  stack.useCurrent();
  stack.view(2, size);
  event.returnLow = stack.at(0);
  event.returnHigh = core.high;
  const selector = stack.at(1) & 0xffff;
  if (usesDescriptors(core)) returnProtected(core, selector, size, parameters);
  else {
    checkRealTarget(core, event.returnLow);
    stack.move(2 * size + parameters);
    stack.commit();
    loadParagraph(core, selector, event.returnLow);
  }
}

function returnProtected(core: Core, selector: number, size: number, parameters: number): void {
  const { stack, event, cpl } = core;
  const code = checkReturnCode(core, selector);
  checkTarget(core, code, event.returnLow, event.returnHigh);
  stack.move(2 * size + parameters);
  const isOuter = (selector & RPL) > cpl;
  if (isOuter) {
    stack.view(2, size);
    const stackSelector = stack.at(1) & 0xffff;
    const pointer = stack.at(0);
    returnToStack(core, selector, stackSelector, pointer, core.high, size);
  } else {
    code.markAccessed();
    stack.commit();
    loadCodeSegment(core, selector, cpl, code);
  }
  core.jump(event.returnLow, event.returnHigh);
  core.updateMode();
  if (!isOuter || parameters === 0) return;
  // The parameters were on both stacks.
  stack.useCurrent();
  stack.move(parameters);
  stack.commit();
}
