/**
 * Call gates (SDM vol. 3, 5.8.3 to 5.8.5): 16- and 32-bit ones, and the 16-byte gates of IA-32e mode. CALL may raise the
 * privilege, onto a stack of the TSS, with parameters copied; JMP may not.
 *
 *      low    31..16 selector         15..0 offset 15..0
 *      high   31..16 offset 31..16    15 P   14..13 DPL   12..8 type   4..0 parameters
 */
import type { Core } from "../core.js";
import { RPL, SYSTEM_TYPE } from "../descriptor.js";
import { generalProtection, notPresent } from "../fault.js";
import { GENERAL, RSP } from "../places.js";
import { loadCodeSegment, loadNull, loadSegment } from "../segments.js";
import { CS, SS } from "../state.js";
import { readLongStack } from "../tss.js";
import { checkTarget, fetchTarget } from "./checks.js";
import { useInnerStack } from "./inner-stack.js";

const TYPE_BITS = 0x1f00;

/** What a gate says, checked: the code segment is in `core.code`. */
interface Target {
  low: number;
  high: number;
  /** Bytes of what is pushed. */
  size: 2 | 4 | 8;
  parameters: number;
}

/** Reads the gate that `core.code` holds and checks it and its code segment, but for the privilege of that. */
function readGate(core: Core, selector: number): Target {
  const { gate } = core;
  if (!gate.fetchSystem(selector)) throw generalProtection(selector);
  const { low, high, privilege } = gate;
  if (privilege < core.cpl || privilege < (selector & RPL)) throw generalProtection(selector);
  if (!gate.isPresent) throw notPresent(selector);
  let upper = 0;
  if (core.isLong) {
    upper = gate.readUpper();
    if ((core.high & TYPE_BITS) !== 0) throw generalProtection(selector);
  }
  const codeSelector = low >>> 16;
  fetchTarget(core, codeSelector);
  const { code } = core;
  if (!code.isCode || code.privilege > core.cpl) throw generalProtection(codeSelector);
  if (core.isLong && (!code.isLong || code.isBig)) throw generalProtection(codeSelector);
  if (!code.isPresent) throw notPresent(codeSelector);
  const isWide = gate.systemType === SYSTEM_TYPE.callGate32;
  return {
    low: isWide ? (high & 0xffff_0000) | (low & 0xffff) : low & 0xffff,
    high: upper,
    size: core.isLong ? 8 : isWide ? 4 : 2,
    parameters: core.isLong ? 0 : high & 31,
  };
}

/** JMP through the gate of a selector. */
export function jumpThroughGate(core: Core, selector: number): void {
  const target = readGate(core, selector);
  const { code, cpl } = core;
  if (!code.isConforming && code.privilege !== cpl) throw generalProtection(code.selector);
  checkTarget(core, core.code, target.low, target.high);
  code.markAccessed();
  loadCodeSegment(core, code.selector, cpl, code);
  core.jump(target.low, target.high);
  core.updateMode();
}

/** CALL through the gate of a selector. */
export function callThroughGate(core: Core, selector: number): void {
  const target = readGate(core, selector);
  const { code, stack, cpl } = core;
  checkTarget(core, core.code, target.low, target.high);
  if (!code.isConforming && code.privilege < cpl) {
    if (core.isLong) enterLong(core);
    else enterLegacy(core, target);
  } else {
    if (core.isLong) stack.useLong(core.words[GENERAL + 2 * RSP]!, core.words[GENERAL + 2 * RSP + 1]!, cpl);
    else stack.useCurrent();
    stack.reserve(2, target.size);
    code.markAccessed();
    stack.put(0, core.nextLow, core.nextHigh);
    stack.put(1, core.selector(CS));
    stack.commit();
    loadCodeSegment(core, code.selector, cpl, code);
  }
  core.jump(target.low, target.high);
  core.updateMode();
}

/** To a higher privilege: pushes SS, ESP, the parameters of the old stack, CS, EIP. */
function enterLegacy(core: Core, { size, parameters }: Target): void {
  const { code, data, stack, outerStack, words } = core;
  const cpl = code.privilege;
  const stackSelector = useInnerStack(core, cpl);
  stack.reserve(4 + parameters, size);
  outerStack.useCurrent();
  if (parameters > 0) outerStack.view(parameters, size);
  const values = Array.from({ length: parameters }, (_, item) => outerStack.at(item));
  code.markAccessed();
  data.markAccessed();
  stack.put(0, core.nextLow);
  stack.put(1, core.selector(CS));
  for (const [item, value] of values.entries()) stack.put(2 + item, value);
  stack.put(2 + parameters, words[GENERAL + 2 * RSP]!);
  stack.put(3 + parameters, core.selector(SS));
  stack.commit();
  loadSegment(core, SS, stackSelector, data);
  loadCodeSegment(core, code.selector, cpl, code);
}

/** The same in IA-32e mode: no parameters, SS becomes null. */
function enterLong(core: Core): void {
  const { code, stack, words } = core;
  const cpl = code.privilege;
  const pointer = readLongStack(core, cpl, 0);
  stack.useLong(pointer, core.high, cpl);
  stack.reserve(4, 8);
  code.markAccessed();
  stack.put(0, core.nextLow, core.nextHigh);
  stack.put(1, core.selector(CS));
  stack.put(2, words[GENERAL + 2 * RSP]!, words[GENERAL + 2 * RSP + 1]!);
  stack.put(3, core.selector(SS));
  stack.commit();
  loadNull(core, SS, cpl);
  loadCodeSegment(core, code.selector, cpl, code);
}
