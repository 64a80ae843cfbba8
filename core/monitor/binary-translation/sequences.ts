/**
 * What is put in the translation cache in place of instructions that are not executed as they are. Each sequence does what its
 * instruction would at CPL 0, changes no flag that it does not, and reaches the guest's memory before it has changed
 * anything: a fault finds the guest's state as it was before the instruction.
 */

import { RFLAGS } from "../../machine/cpu/state.js";
import type { Assembler } from "../../machine/x86/assemble.js";
import { imm, type MemoryReference, mem, SIZES } from "../../machine/x86/assembler-operands.js";
import type { RegisterOperand } from "../../machine/x86/instruction.js";
import { REGISTERS } from "../../machine/x86/registers.js";
import { DATA } from "./data-page.js";

const { eax, ecx, esp, al, gs } = REGISTERS;
const { dword } = SIZES;
const { IF, IOPL } = RFLAGS;

/** INT of this vector calls the monitor out of translated code. */
export const CALL_OUT_VECTOR = 0xf5;

const data = (offset: number, index?: typeof ecx): MemoryReference =>
  mem(dword, offset, index === undefined ? { segment: gs } : { index, scale: 4, segment: gs });

const putAside = (code: Assembler): Assembler => code.emit("mov", data(DATA.eax), eax);
export const takeBack = (code: Assembler): Assembler => code.emit("mov", eax, data(DATA.eax));

/** The monitor is called, for a reason that it knows by the place. */
export const callOut = (code: Assembler): Assembler => code.emit("int", imm(CALL_OUT_VECTOR, 1));

export function clearInterrupts(code: Assembler): void {
  code.emit("mov", data(DATA.flagsDelta), -IF);
}

export function setInterrupts(code: Assembler): void {
  code.emit("mov", data(DATA.flagsDelta), 0);
}

/** Calls the monitor if an interrupt waits. @param called where the monitor is called. */
export function checkPending(code: Assembler, called: string): void {
  const none = code.unique("none");
  code.emit("mov", data(DATA.ecx), ecx).emit("mov", ecx, data(DATA.pending)).emit("jecxz", none);
  code.emit("mov", ecx, data(DATA.ecx)).label(called);
  callOut(code).label(none).emit("mov", ecx, data(DATA.ecx));
}

/** PUSHFD: the machine's flags differ from the guest's by IF and IOPL. */
export function pushFlags(code: Assembler): void {
  code.emit("pushfd");
  putAside(code).emit("mov", data(DATA.ecx), ecx);
  code.emit("mov", eax, mem(dword, esp)).emit("mov", ecx, data(DATA.flagsDelta));
  code.emit("lea", eax, mem(eax, { index: ecx })).emit("mov", ecx, data(DATA.privilegeLevel));
  code.emit("lea", eax, mem(eax, { index: ecx })).emit("mov", mem(dword, esp), eax);
  takeBack(code).emit("mov", ecx, data(DATA.ecx));
}

/** POPFD: the machine ignores IF and IOPL at CPL 1, so they are taken from the image first. */
export function popFlags(code: Assembler): void {
  putAside(code).emit("mov", eax, mem(dword, esp));
  code.emit("and", eax, IOPL).emit("mov", data(DATA.privilegeLevel), eax).emit("mov", eax, mem(dword, esp));
  code.emit("and", eax, IF).emit("sub", eax, IF).emit("mov", data(DATA.flagsDelta), eax);
  takeBack(code).emit("popfd");
}

/** Notes where an indirect branch goes, which may fault. Until `branch` EAX is aside and holds the target. */
export function noteTarget(code: Assembler, target: RegisterOperand | MemoryReference): void {
  putAside(code).emit("mov", eax, target).emit("mov", data(DATA.target), eax);
}

/** RET: notes the target, and releases so many bytes of the stack. */
export function noteReturn(code: Assembler, released: number): void {
  noteTarget(code, mem(dword, esp));
  code.emit("lea", esp, mem(esp, { displacement: released }));
}

/** After the push of an indirect call, before which EAX is taken back: where it faults, EAX is the guest's. */
export function takeTarget(code: Assembler): void {
  putAside(code).emit("mov", eax, data(DATA.target));
}

/**
 * Goes on where EAX says, EAX being aside: where its translation is remembered, or by way of the monitor.
 * Flags stay: NOT and LEA compare without them.
 */
export function branch(code: Assembler, called: string): void {
  const found = code.unique("found");
  code.emit("mov", data(DATA.ecx), ecx);
  code.emit("movzx", ecx, al).emit("mov", ecx, data(DATA.tags, ecx)).emit("not", ecx);
  code.emit("lea", ecx, mem(ecx, { index: eax, displacement: 1 })).emit("jecxz", found);
  code.emit("mov", ecx, data(DATA.ecx));
  takeBack(code).label(called);
  callOut(code);
  code.label(found).emit("movzx", ecx, al).emit("mov", ecx, data(DATA.translations, ecx));
  code.emit("mov", data(DATA.jump), ecx).emit("mov", ecx, data(DATA.ecx));
  takeBack(code).emit("jmp", data(DATA.jump));
}
