/**
 * What is put in the translation cache in place of instructions that are not executed as they are. Each sequence does what its
 * instruction would at CPL 0, changes no flag that it does not, and reaches the guest's memory before it has changed
 * anything: a fault finds the guest's state as it was before the instruction.
 */

import { RPL } from "../../machine/cpu/descriptor.js";
import { RFLAGS } from "../../machine/cpu/state.js";
import type { Assembler } from "../../machine/x86/assemble.js";
import { imm, type MemoryReference, mem, SIZES } from "../../machine/x86/assembler-operands.js";
import type { RegisterOperand } from "../../machine/x86/instruction.js";
import { REGISTERS } from "../../machine/x86/registers.js";
import type { BranchTable, CodeWidth } from "./code-width.js";
import { DATA } from "./data-pages.js";

const { eax, ecx, esp, al, ah, gs } = REGISTERS;
const { word, dword } = SIZES;
const { IF, IOPL, TF, VM, VIF, VIP } = RFLAGS;
/** Of the flags that IRET pops: those that it would not load above CPL 0 as it does there, or after which the monitor is needed. */
const BARRED_FLAGS = TF | VM | VIF | VIP;

/** INT of this vector calls the monitor out of translated code. */
export const CALL_OUT_VECTOR = 0xf5;

/** Of the data page: what has 32 bits in code of any width; what is as wide as an address; an entry of a table. */
const data = (offset: number): MemoryReference => mem(dword, offset, { segment: gs });
const own = ({ size }: CodeWidth, offset: number): MemoryReference => mem(size, offset, { segment: gs });
const entry = ({ cx }: CodeWidth, offset: number, bytes: 4 | 8): MemoryReference =>
  mem(bytes === 8 ? SIZES.qword : dword, offset, { index: cx, scale: bytes, segment: gs });

export const putAside = (code: Assembler, width: CodeWidth): Assembler =>
  code.emit("mov", own(width, width.data.ax), width.ax);
export const takeBack = (code: Assembler, width: CodeWidth): Assembler =>
  code.emit("mov", width.ax, own(width, width.data.ax));

/** The monitor is called, for a reason that it knows by the place. */
export const callOut = (code: Assembler): Assembler => code.emit("int", imm(CALL_OUT_VECTOR, 1));

export function clearInterrupts(code: Assembler): void {
  code.emit("mov", data(DATA.flagsDelta), -IF);
}

export function setInterrupts(code: Assembler): void {
  code.emit("mov", data(DATA.flagsDelta), 0);
}

/** Calls the monitor if an interrupt waits. @param called where the monitor is called. */
export function checkPending(code: Assembler, width: CodeWidth, called: string): void {
  const none = code.unique("none");
  const aside = own(width, width.data.cx);
  code.emit("mov", aside, width.cx).emit("mov", ecx, data(DATA.pending)).emit(width.branchIfZero, none);
  code.emit("mov", width.cx, aside).label(called);
  callOut(code).label(none).emit("mov", width.cx, aside);
}

/** PUSHFD and PUSHFQ: the machine's flags differ from the guest's by IF and IOPL, in the image's low half. */
export function pushFlags(code: Assembler, width: CodeWidth): void {
  const { ax, cx, sp } = width;
  const aside = own(width, width.data.cx);
  code.emit(width.pushFlags);
  putAside(code, width).emit("mov", aside, cx);
  code.emit("mov", eax, mem(dword, sp)).emit("mov", ecx, data(DATA.flagsDelta));
  code.emit("lea", eax, mem(ax, { index: cx })).emit("mov", ecx, data(DATA.privilegeLevel));
  code.emit("lea", eax, mem(ax, { index: cx })).emit("mov", mem(dword, sp), eax);
  takeBack(code, width).emit("mov", cx, aside);
}

/** POPFD and POPFQ: the machine ignores IF and IOPL at CPL 1, so they are taken from the image first. */
export function popFlags(code: Assembler, width: CodeWidth): void {
  const { sp } = width;
  putAside(code, width).emit("mov", eax, mem(dword, sp));
  code.emit("and", eax, IOPL).emit("mov", data(DATA.privilegeLevel), eax).emit("mov", eax, mem(dword, sp));
  code.emit("and", eax, IF).emit("sub", eax, IF).emit("mov", data(DATA.flagsDelta), eax);
  takeBack(code, width).emit(width.popFlags);
}

/** Notes where an indirect branch goes, which may fault. Until `branch` AX is aside and holds the target. */
export function noteTarget(
  code: Assembler,
  width: CodeWidth,
  target: RegisterOperand | MemoryReference,
): void {
  putAside(code, width).emit("mov", width.ax, target);
  keepTarget(code, width);
}

/** The end of `noteTarget`. */
export const keepTarget = (code: Assembler, width: CodeWidth): Assembler =>
  code.emit("mov", own(width, width.data.target), width.ax);

/** RET: notes the target, and releases so many bytes of the stack. */
export function noteReturn(code: Assembler, width: CodeWidth, released: number): void {
  const { size, sp } = width;
  noteTarget(code, width, mem(size, sp));
  code.emit("lea", sp, mem(sp, { displacement: released }));
}

/** After the push of an indirect call, before which AX is taken back: where it faults, AX is the guest's. */
export function takeTarget(code: Assembler, width: CodeWidth): void {
  putAside(code, width).emit("mov", width.ax, own(width, width.data.target));
}

/**
 * Goes on where AX says, AX being aside: where its translation is remembered, in the one table or the other, or by way of the
 * monitor. Flags stay: NOT and LEA compare without them.
 */
export function branch(code: Assembler, width: CodeWidth, called: string): void {
  const { ax, cx, bytes } = width;
  const { branches, jump, cx: aside } = width.data;
  const [first, second] = branches;
  const go = code.unique("go");
  const search = (table: BranchTable, key: RegisterOperand): string => {
    const found = code.unique("found");
    code.emit("movzx", ecx, key);
    code.emit("mov", cx, entry(width, table.tags, bytes)).emit("not", cx);
    code.emit("lea", cx, mem(cx, { index: ax, displacement: 1 })).emit(width.branchIfZero, found);
    return found;
  };
  const load = (found: string, table: BranchTable, key: RegisterOperand): void => {
    code.label(found).emit("movzx", ecx, key);
    code.emit(bytes === 8 ? "movsxd" : "mov", cx, entry(width, table.translations, 4));
  };
  code.emit("mov", own(width, aside), cx);
  const inFirst = search(first, al);
  const inSecond = search(second, ah);
  code.emit("mov", cx, own(width, aside));
  takeBack(code, width).label(called);
  callOut(code);
  load(inSecond, second, ah);
  code.emit("jmp", go);
  load(inFirst, first, al);
  code.label(go).emit("mov", own(width, jump), cx).emit("mov", cx, own(width, aside));
  takeBack(code, width).emit("jmp", own(width, jump));
}

/**
 * IRETD to a program, by the machine's own: the popped IF is set and nothing else is special, no interrupt waits, and the guest's
 * GS can be loaded. All else calls the monitor, as do faults of the IRETD itself. Flags, which all of this changes, are put aside
 * in AH and AL; IRETD leaves the machine's IF set and its IOPL 0.
 */
export function returnToProgram(code: Assembler, width: CodeWidth, called: string): void {
  const aside = own(width, width.data.cx);
  const barred = code.unique("barred");
  const popped = (item: number): MemoryReference => mem(dword, esp, { displacement: 4 * item });
  const restore = (): void => {
    code.emit("mov", eax, data(DATA.flags)).emit("add", al, OVERFLOWING).emit("sahf").emit("mov", ecx, aside);
    takeBack(code, width);
  };
  // In IRETD's own order; while these may fault, the registers are the guest's.
  putAside(code, width).emit("mov", eax, popped(0));
  takeBack(code, width).emit("mov", eax, popped(1)).emit("mov", data(DATA.returnSelector), eax);
  takeBack(code, width).emit("mov", eax, popped(2));
  code.emit("mov", aside, ecx).emit("mov", ecx, eax).emit("lahf").emit("seto", al);
  code.emit("mov", data(DATA.flags), eax).emit("mov", eax, data(DATA.returnSelector)).emit("not", eax);
  code.emit("test", al, RPL).emit("jnz", barred);
  code
    .emit("mov", eax, ecx)
    .emit("and", eax, IF | BARRED_FLAGS)
    .emit("xor", eax, IF);
  code.emit("or", eax, data(DATA.pending)).emit("or", eax, data(DATA.barsReturn)).emit("jnz", barred);
  code.emit("and", ecx, IOPL).emit("mov", data(DATA.programPrivilege), ecx);
  restore();
  code
    .emit("mov", gs, mem(word, DATA.guestGs, { segment: gs }))
    .emit("iretd")
    .label(barred);
  restore();
  code.label(called);
  callOut(code);
}

/** Added to 1 as bytes it overflows, to 0 it does not: sets OF as SETO read it. */
const OVERFLOWING = 0x7f;
