/** INVLPG and INVPCID (SDM vol. 2; vol. 3, 4.10.4.1). WBINVD and INVD have nothing to do: caches hold no data of their own. */
import type { Instruction } from "../../x86/instruction.js";
import { CR4 } from "../control-bits.js";
import type { Core } from "../core.js";
import { generalProtection } from "../fault.js";
import { linearOf } from "../linear.js";
import { effectiveAddress, memoryOperand, readOperand } from "../operands.js";
import { BASE, CR4_WORD, segmentWord } from "../places.js";
import { FS } from "../state.js";

const PCID_BITS = 0xfff;
/** Types of INVPCID. */
const SINGLE_ADDRESS = 0;
const SINGLE_CONTEXT = 1;
const ALL_WITH_GLOBAL = 2;
const ALL = 3;

/** The address is not accessed: neither limits nor canonical form are checked, but a non-canonical one does nothing. */
export function invalidatePage(core: Core, instruction: Instruction): void {
  const operand = memoryOperand(instruction, 0);
  const offset = effectiveAddress(core, instruction, operand);
  const { high } = core;
  const is64 = core.is64BitCode;
  const at = segmentWord(operand.segment) + BASE;
  const hasBase = !is64 || operand.segment >= FS;
  const low = (offset + (hasBase ? core.words[at]! : 0)) | 0;
  const carry = low >>> 0 < offset >>> 0 ? 1 : 0;
  const upper = is64 ? (high + (hasBase ? core.words[at + 1]! : 0) + carry) | 0 : 0;
  if (!is64 || core.isCanonical(upper)) core.host.paging.invalidatePage(upper, low);
}

/** The descriptor in memory: PCID in bits 11..0 of its first half, a linear address in the second. */
export function invalidatePcid(core: Core, instruction: Instruction): void {
  const { paging } = core.host;
  const type = readOperand(core, instruction, 0);
  const typeHigh = core.high;
  const operand = memoryOperand(instruction, 1);
  const offset = effectiveAddress(core, instruction, operand);
  const { memory } = core;
  const low = linearOf(core, operand.segment, offset, core.high, 16, false);
  const { high } = core;
  const pcid = memory.read64(high, low, false);
  const pcidHigh = memory.high;
  const next = (low + 8) | 0;
  const address = memory.read64(next >>> 0 < low >>> 0 ? (high + 1) | 0 : high, next, false);
  const addressHigh = memory.high;
  if (typeHigh !== 0 || type >>> 0 > ALL || (pcid & ~PCID_BITS) !== 0 || pcidHigh !== 0)
    throw generalProtection();
  const hasPcids = (core.words[CR4_WORD]! & CR4.PCIDE) !== 0;
  if (type <= SINGLE_CONTEXT && !hasPcids && pcid !== 0) throw generalProtection();
  switch (type) {
    case SINGLE_ADDRESS:
      if (!core.isCanonical(addressHigh)) throw generalProtection();
      paging.invalidatePageOf(pcid, addressHigh, address);
      break;
    case SINGLE_CONTEXT:
      paging.invalidatePcid(pcid);
      break;
    case ALL_WITH_GLOBAL:
      paging.flushAll(false);
      break;
    default:
      paging.flushAll(true);
  }
}

export function flushCaches(): void {}
