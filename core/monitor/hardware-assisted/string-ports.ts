/** What the kernel side finds out of INS before it asks the user side for elements. */
import { PAGE_BYTES } from "../../machine/address.js";
import type { Core } from "../../machine/cpu/core.js";
import { GuestFault } from "../../machine/cpu/fault.js";
import type { AccessBytes } from "../../machine/cpu/host.js";
import { linearOf } from "../../machine/cpu/linear.js";
import { memoryOperand } from "../../machine/cpu/operands.js";
import { RCX, RDI } from "../../machine/cpu/places.js";
import { RFLAGS } from "../../machine/cpu/state.js";
import type { Instruction } from "../../machine/x86/instruction.js";

/** Bytes that are read ahead of a repeated INS (KVM's struct read_cache). */
const READ_AHEAD = 1024;
/** Elements that the emulation does before the rest of the world has a turn (cpu/instructions/ports.ts). */
const MOST_ELEMENTS = 256;

/** Elements to ask for at once: those of INS that the guest still wants, within a page; of OUTS one; 0 if its counter is. */
export function elementsAhead(core: Core, instruction: Instruction, isIn: boolean): number {
  const { repeat, addressSize } = instruction;
  if (repeat === "") return 1;
  const low = core.register(RCX, addressSize) >>> 0;
  const wanted = core.high === 0 ? Math.min(low, MOST_ELEMENTS) : MOST_ELEMENTS;
  if (!isIn) return Math.min(wanted, 1);
  const { size } = memoryOperand(instruction, 0);
  const offset = core.register(RDI, addressSize) & (PAGE_BYTES - 1);
  const isDown = (core.readFlags() & RFLAGS.DF) !== 0;
  const inPage = Math.floor((isDown ? offset + size : PAGE_BYTES - offset) / size);
  return Math.min(wanted, READ_AHEAD / size, Math.max(1, inPage));
}

/** Whether the next element of INS can be stored: else the instruction faults before the port is read. */
export function canStore(core: Core, instruction: Instruction, size: AccessBytes): boolean {
  const { segment } = memoryOperand(instruction, 0);
  const low = core.register(RDI, instruction.addressSize);
  try {
    const linear = linearOf(core, segment, low, core.high, size, true);
    core.memory.checkWrite(core.high, linear, size, core.isUser);
    return true;
  } catch (fault) {
    if (!(fault instanceof GuestFault)) throw fault;
    return false;
  }
}
