/**
 * IN, OUT, INS and OUTS (SDM vol. 2; vol. 1, 19.5): who may use a port, and the string forms, which are taken up again at
 * the instruction itself when they last.
 */
import { EVENT } from "../../../events/events.js";
import type { Instruction, MemoryOperand } from "../../x86/instruction.js";
import type { Core } from "../core.js";
import { generalProtection } from "../fault.js";
import type { AccessBytes } from "../host.js";
import { linearOf, loadFrom, storeTo } from "../linear.js";
import { memoryOperand, readOperand } from "../operands.js";
import { RAX, RCX, RDI, RDX, RIP, RIP_HIGH, RSI } from "../places.js";
import { notePort } from "../registers/breakpoints.js";
import { MODE, RFLAGS } from "../state.js";
import { isPortAllowed } from "../tss.js";

/** Elements of a repeated INS or OUTS before the rest of the world has a turn. */
const MOST_ELEMENTS = 256;

/** Beyond IOPL, and always in virtual-8086 mode, the TSS's bitmap decides. */
export function checkPort(core: Core, port: number, size: number): void {
  if (!core.isProtected) return;
  if (core.cpl <= core.ioPrivilege && !core.isVirtual8086) return;
  if (!isPortAllowed(core, port, size)) throw generalProtection();
}

/** One access to a port is counted and paid, and may be what a breakpoint waits for. */
function charge(core: Core, port: number, size: number): void {
  notePort(core, port, size);
  core.host.count(EVENT.port_accesses);
  core.charge(core.costs.port_access);
}

const portOf = (core: Core, instruction: Instruction, index: number): number =>
  readOperand(core, instruction, index, 2) &
  (instruction.operands[index]!.kind === "immediate" ? 0xff : 0xffff);

const accumulatorBytes = (instruction: Instruction, index: number): AccessBytes => {
  const operand = instruction.operands[index]!;
  return (operand.kind === "register" ? operand.size : 1) as AccessBytes;
};

export function input(core: Core, instruction: Instruction): void {
  const size = accumulatorBytes(instruction, 0);
  const port = portOf(core, instruction, 1);
  checkPort(core, port, size);
  core.setRegister(RAX, size, core.host.ports.readPort(port, size) | 0);
  charge(core, port, size);
}

export function output(core: Core, instruction: Instruction): void {
  const size = accumulatorBytes(instruction, 1);
  const port = portOf(core, instruction, 0);
  checkPort(core, port, size);
  core.host.ports.writePort(port, size, core.register(RAX, size) >>> 0);
  charge(core, port, size);
}

export const inputString = (core: Core, instruction: Instruction): void =>
  repeat(core, instruction, RDI, inputElement);
export const outputString = (core: Core, instruction: Instruction): void =>
  repeat(core, instruction, RSI, outputElement);

/** The port is not read before it is certain that the element can be stored. */
function inputElement(core: Core, instruction: Instruction, low: number, high: number): number {
  const memory = memoryOperand(instruction, 0);
  const size = memory.size as AccessBytes;
  const port = core.register(RDX, 2);
  checkPort(core, port, size);
  const linear = linearOf(core, memory.segment, low, high, size, true);
  core.memory.checkWrite(core.high, linear, size, core.isUser);
  storeTo(core, memory.segment, low, high, size, core.host.ports.readPort(port, size) | 0);
  return size;
}

function outputElement(core: Core, instruction: Instruction, low: number, high: number): number {
  const memory = instruction.operands.find((operand): operand is MemoryOperand => operand.kind === "memory")!;
  const size = memory.size as AccessBytes;
  const port = core.register(RDX, 2);
  checkPort(core, port, size);
  core.host.ports.writePort(port, size, loadFrom(core, memory.segment, low, high, size) >>> 0);
  return size;
}

type Element = (core: Core, instruction: Instruction, low: number, high: number) => number;

/**
 * One element, or with a repeat prefix as many as the counter says. After each, registers say how far it came: a fault, or
 * the end of a turn, leaves RIP at the instruction.
 */
function repeat(core: Core, instruction: Instruction, indexRegister: number, element: Element): void {
  const { addressSize } = instruction;
  const isRepeated = instruction.repeat !== "";
  for (let done = 0; !isRepeated || !isZero(core, RCX, addressSize); done++) {
    if (done === MOST_ELEMENTS) {
      core.jump(core.words[RIP]!, core.words[RIP_HIGH]!);
      return;
    }
    const low = core.register(indexRegister, addressSize);
    const size = element(core, instruction, low, core.high);
    const isDown = (core.readFlags() & RFLAGS.DF) !== 0;
    addTo(core, indexRegister, addressSize, isDown ? -size : size);
    charge(core, core.register(RDX, 2), size);
    if (!isRepeated) break;
    addTo(core, RCX, addressSize, -1);
    // A debug trap comes after each element.
    const isOver = core.host.ports.isTurnOver === true || (core.mode & MODE.singleStep) !== 0;
    if (isOver && !isZero(core, RCX, addressSize)) {
      core.jump(core.words[RIP]!, core.words[RIP_HIGH]!);
      return;
    }
  }
  core.jump(core.nextLow, core.nextHigh);
}

function isZero(core: Core, register: number, size: number): boolean {
  return core.register(register, size) === 0 && core.high === 0;
}

/** Adds a small number to a register of 2, 4 or 8 bytes. */
function addTo(core: Core, register: number, size: number, value: number): void {
  const low = core.register(register, size);
  const sum = (low + value) | 0;
  const carry = sum >>> 0 < low >>> 0 ? 1 : 0;
  core.setRegister(register, size, sum, (core.high + (value < 0 ? carry - 1 : carry)) | 0);
}
