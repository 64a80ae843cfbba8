/**
 * Control registers (SDM vol. 3, 2.5; vol. 2, MOV—Move to/from Control Registers): what may be written, what follows from it
 * for the mode, and what is flushed (vol. 3, 4.10.4.1).
 */
import type { Instruction } from "../../x86/instruction.js";
import { CR0, CR0_DEFINED, CR3_KEEP_HIGH, CR3_PCID, CR4, EFER } from "../control-bits.js";
import type { Core } from "../core.js";
import { LONG } from "../descriptor.js";
import { generalProtection, undefinedOpcode } from "../fault.js";
import { readOperand, registerOperand, writeOperand } from "../operands.js";
import {
  ATTRIBUTES,
  CR0_WORD,
  CR2_WORD,
  CR3_WORD,
  CR4_WORD,
  CR8_WORD,
  EFER_WORD,
  segmentWord,
} from "../places.js";
import { CS } from "../state.js";

/** Changes of CR4 that flush every translation, and those that change how tables are walked. */
const CR4_FLUSHES = CR4.PGE | CR4.PAE | CR4.PSE | CR4.PCIDE | CR4.LA57;
const CR4_PDPTES = CR4.PAE | CR4.PSE | CR4.PGE;

const isPaging = (core: Core): boolean => (core.words[CR0_WORD]! & CR0.PG) !== 0;
const isPaeFormat = (core: Core): boolean => (core.words[CR4_WORD]! & CR4.PAE) !== 0 && !core.isLong;

/** MOV CRn, r. */
export function moveToControl(core: Core, instruction: Instruction): void {
  const low = readOperand(core, instruction, 1);
  const { high } = core;
  switch (registerOperand(instruction, 0)) {
    case 0:
      setCr0(core, low, high);
      break;
    case 2:
      core.words[CR2_WORD] = low;
      core.words[CR2_WORD + 1] = high;
      break;
    case 3:
      setCr3(core, low, high);
      break;
    case 4:
      setCr4(core, low, high);
      break;
    case 8:
      setPriority(core, low, high);
      break;
    default:
      throw undefinedOpcode();
  }
}

/** MOV r, CRn. */
export function moveFromControl(core: Core, instruction: Instruction): void {
  const low = readControl(core, registerOperand(instruction, 1));
  writeOperand(core, instruction, 0, low, core.high);
}

/** The high half is left in `core.high`. */
function readControl(core: Core, number: number): number {
  const { words } = core;
  core.high = 0;
  switch (number) {
    case 0:
      return words[CR0_WORD]!;
    case 2:
      core.high = words[CR2_WORD + 1]!;
      return words[CR2_WORD]!;
    case 3:
      core.high = words[CR3_WORD + 1]!;
      return words[CR3_WORD]!;
    case 4:
      return words[CR4_WORD]!;
    case 8:
      return readPriority(core);
    default:
      throw undefinedOpcode();
  }
}

/** Whether CPL 3 may not be told of descriptor tables and CR0 (CR4.UMIP). */
export function checkUserInstruction(core: Core): void {
  if ((core.words[CR4_WORD]! & CR4.UMIP) !== 0 && core.cpl !== 0) throw generalProtection();
}

/** SMSW: a 16-bit operand gets the low word, a wider register all of CR0. */
export function storeMachineStatus(core: Core, instruction: Instruction): void {
  checkUserInstruction(core);
  writeOperand(core, instruction, 0, core.words[CR0_WORD]!);
}

/** LMSW: PE, MP, EM and TS; PE can be set only. */
export function loadMachineStatus(core: Core, instruction: Instruction): void {
  const status = readOperand(core, instruction, 0, 2);
  const changeable = CR0.MP | CR0.EM | CR0.TS;
  const cr0 = core.words[CR0_WORD]!;
  setCr0(core, (cr0 & ~changeable) | (status & (changeable | CR0.PE)), 0);
}

export function clearTaskSwitched(core: Core): void {
  core.words[CR0_WORD] = core.words[CR0_WORD]! & ~CR0.TS;
  core.refreshMode();
}

function setCr0(core: Core, value: number, high: number): void {
  const { words, host } = core;
  const before = words[CR0_WORD]!;
  const cr0 = (value & CR0_DEFINED) | CR0.ET;
  const startsPaging = (cr0 & ~before & CR0.PG) !== 0;
  const stopsPaging = (before & ~cr0 & CR0.PG) !== 0;
  const efer = words[EFER_WORD]!;
  const isNarrow = (cr0 & CR0.PG) !== 0 && (cr0 & CR0.PE) === 0;
  if (high !== 0 || isNarrow || (cr0 & (CR0.NW | CR0.CD)) === CR0.NW) throw generalProtection();
  if (startsPaging) checkPagingStart(core, efer);
  if (stopsPaging && (core.is64BitCode || (words[CR4_WORD]! & CR4.PCIDE) !== 0)) throw generalProtection();
  if (startsPaging && isPaeFormat(core) && (efer & EFER.LME) === 0) loadPdptes(core, words[CR3_WORD]!);
  words[CR0_WORD] = cr0;
  if (startsPaging && (efer & EFER.LME) !== 0) words[EFER_WORD] = efer | EFER.LMA;
  if (stopsPaging) words[EFER_WORD] = efer & ~EFER.LMA;
  if (((cr0 ^ before) & (CR0.PG | CR0.WP)) !== 0) host.paging.changed();
  if (stopsPaging) host.paging.flushAll(false);
  core.forgetCrossings();
  core.updateMode();
}

/** Into IA-32e mode only with PAE tables and from code that is not 64-bit (SDM vol. 3, 10.8.5). */
function checkPagingStart(core: Core, efer: number): void {
  if ((efer & EFER.LME) === 0) return;
  const isLongCode = (core.words[segmentWord(CS) + ATTRIBUTES]! & LONG) !== 0;
  if ((core.words[CR4_WORD]! & CR4.PAE) === 0 || isLongCode) throw generalProtection();
}

function setCr3(core: Core, low: number, high: number): void {
  const { words, processor } = core;
  const hasPcids = (words[CR4_WORD]! & CR4.PCIDE) !== 0;
  const keeps = hasPcids && (high & CR3_KEEP_HIGH) !== 0;
  const rootHigh = keeps ? high & ~CR3_KEEP_HIGH : high;
  if ((rootHigh & processor.reservedAddressHigh) !== 0) throw generalProtection();
  setRoot(core, low, rootHigh, keeps);
}

/** Loads CR3 with a value whose reserved bits are 0, with the PDPTEs of the PAE format. */
export function setRoot(core: Core, low: number, high: number, keeps = false): void {
  const { words, host } = core;
  if (isPaging(core) && isPaeFormat(core)) loadPdptes(core, low);
  words[CR3_WORD] = low;
  words[CR3_WORD + 1] = high;
  host.paging.loadRoot(keeps);
}

function setCr4(core: Core, cr4: number, high: number): void {
  const { words, host, processor, isLong } = core;
  const before = words[CR4_WORD]!;
  const changed = cr4 ^ before;
  if (high !== 0 || (cr4 & ~processor.cr4Defined) !== 0) throw generalProtection();
  if (isLong && ((cr4 & CR4.PAE) === 0 || (changed & CR4.LA57) !== 0)) throw generalProtection();
  if ((cr4 & ~before & CR4.PCIDE) !== 0 && (!isLong || (words[CR3_WORD]! & CR3_PCID) !== 0))
    throw generalProtection();
  const becomesPae = (cr4 & CR4.PAE) !== 0 && !isLong;
  if (isPaging(core) && becomesPae && (changed & CR4_PDPTES) !== 0) loadPdptes(core, words[CR3_WORD]!);
  words[CR4_WORD] = cr4;
  if ((changed & CR4_FLUSHES) !== 0) {
    host.paging.changed();
    host.paging.flushAll(false);
  }
  core.forgetCrossings();
  core.updateMode();
}

/** One for each CPU would do as well: filled and handed on at once. */
const PDPTES = 4;
const PRESENT = 1;
/** Bits 2..1 and 8..5 of a PDPTE are reserved (SDM vol. 3, table 4-8). */
const PDPTE_RESERVED = 0x1e6;
const CR3_TABLE = 0xffff_ffe0 | 0;

/** The PAE format's PDPTEs are registers, loaded with CR3 (SDM vol. 3, 4.4.1): #GP if a present one has reserved bits. */
function loadPdptes(core: Core, root: number): void {
  const { host, processor } = core;
  const pdptes = new Int32Array(2 * PDPTES);
  const table = (root & CR3_TABLE) >>> 0;
  for (let word = 0; word < pdptes.length; word++) pdptes[word] = host.physical.read32(table + 4 * word);
  for (let entry = 0; entry < PDPTES; entry++) {
    const low = pdptes[2 * entry]!;
    const high = pdptes[2 * entry + 1]!;
    const isReserved = (low & PDPTE_RESERVED) !== 0 || (high & processor.reservedAddressHigh) !== 0;
    if ((low & PRESENT) !== 0 && isReserved) throw generalProtection();
  }
  host.paging.loadPdptes(pdptes);
}

/** CR8 is the class of the task priority, TPR bits 7..4 (SDM vol. 3, 11.8.6). */
function setPriority(core: Core, low: number, high: number): void {
  if (high !== 0 || (low & ~15) !== 0) throw generalProtection();
  core.words[CR8_WORD] = low;
  if (core.host.localApic !== undefined) core.host.localApic.taskPriority = low << 4;
}

function readPriority(core: Core): number {
  const { localApic } = core.host;
  return localApic === undefined ? core.words[CR8_WORD]! : localApic.taskPriority >> 4;
}
