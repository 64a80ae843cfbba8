/** What may be asked about a selector at any privilege: LAR, LSL, VERR, VERW, ARPL (SDM vol. 2; vol. 3, 5.10). ZF answers. */
import type { Instruction } from "../../x86/instruction.js";
import type { Core } from "../core.js";
import { type Descriptor, isNull, RPL, SYSTEM_TYPE } from "../descriptor.js";
import { readOperand, writeOperand } from "../operands.js";

const bit = (type: number): number => 1 << type;
const { tss16, ldt, busyTss16, callGate16, taskGate, tss32, busyTss32, callGate32 } = SYSTEM_TYPE;
/** System types that LAR and LSL know, outside IA-32e mode and in it (SDM vol. 2, tables 3-53 and 3-56). */
const LSL_LEGACY = bit(tss16) | bit(ldt) | bit(busyTss16) | bit(tss32) | bit(busyTss32);
const LSL_LONG = bit(ldt) | bit(tss32) | bit(busyTss32);
const LAR_LEGACY = LSL_LEGACY | bit(callGate16) | bit(taskGate) | bit(callGate32);
const LAR_LONG = LSL_LONG | bit(callGate32);
/** Of a descriptor's second word: type, S, DPL, P, AVL, L, D/B, G. Bits 19..16, undefined, are the limit's on hardware. */
const ACCESS_RIGHTS = 0xff_ff00;

/** Fetches the descriptor of a selector if it is one that CPL and RPL may look at. */
function look(core: Core, selector: number, systemTypes: number): Descriptor | undefined {
  const { data, cpl } = core;
  if (isNull(selector) || !data.fetch(selector)) return undefined;
  const type = data.systemType;
  if (type >= 0 && (systemTypes & bit(type)) === 0) return undefined;
  const { privilege } = data;
  if (!data.isConforming && (privilege < cpl || privilege < (selector & RPL))) return undefined;
  return data;
}

export function loadAccessRights(core: Core, instruction: Instruction): void {
  const selector = readOperand(core, instruction, 1, 2);
  const found = look(core, selector, core.isLong ? LAR_LONG : LAR_LEGACY);
  if (found !== undefined) writeOperand(core, instruction, 0, found.high & ACCESS_RIGHTS);
  core.setZeroFlag(found !== undefined);
}

export function loadSegmentLimit(core: Core, instruction: Instruction): void {
  const selector = readOperand(core, instruction, 1, 2);
  const found = look(core, selector, core.isLong ? LSL_LONG : LSL_LEGACY);
  if (found !== undefined) writeOperand(core, instruction, 0, found.limit);
  core.setZeroFlag(found !== undefined);
}

export function verifyRead(core: Core, instruction: Instruction): void {
  const found = look(core, readOperand(core, instruction, 0, 2), 0);
  core.setZeroFlag(found?.isReadable === true);
}

export function verifyWrite(core: Core, instruction: Instruction): void {
  const found = look(core, readOperand(core, instruction, 0, 2), 0);
  core.setZeroFlag(found?.isWritableData === true);
}

/** Raises the RPL of the first operand to that of the second. */
export function adjustPrivilege(core: Core, instruction: Instruction): void {
  const selector = readOperand(core, instruction, 0, 2);
  const rpl = readOperand(core, instruction, 1, 2) & RPL;
  const isBelow = (selector & RPL) < rpl;
  if (isBelow) writeOperand(core, instruction, 0, (selector & ~RPL) | rpl);
  core.setZeroFlag(isBelow);
}
