/**
 * Kernels of 32 and 64 bits that go through all that a translator does not execute as it is, turn by turn and the same each time,
 * while IRQ 0 is open: wherever it comes, their handler takes it and returns.
 */
import { loadImage } from "../../guest/images/image.js";
import { Assembler } from "../../machine/x86/assemble.js";
import { imm, mem, SIZES } from "../../machine/x86/assembler-operands.js";
import { REGISTERS } from "../../machine/x86/registers.js";
import { type Guest, withLongLimits } from "./code-guests.js";
import { EVENT_PLACES, eventGuest, SOFTWARE_VECTOR } from "./event-guest.js";

const { eax, ebx, ecx, edx, esi, edi, ebp, al, ax, cs, es, gs, ss, ds, cr0, cr8, rip } = REGISTERS;
const { rax, rbx, rcx, rdx, rsi, rdi, rbp, rsp, r8, r13 } = REGISTERS;
const { word, dword, qword, tbyte } = SIZES;
/** A word that is 0 before the first turn and after the last. */
export const TURNS_LEFT = EVENT_PLACES.stack + 0x200;
const DATA = EVENT_PLACES.stack + 0x300;
const INTERRUPT_GATE = 0x8e00;
const EXIT_PORT = 0xf4;
/** 8259A: ICW1; ICW2, the vector of IRQ 0; ICW3; ICW4, which ends interrupts by itself; and all masked but IRQ 0. */
const CONTROLLER = [
  [0x20, 0x11],
  [0x21, SOFTWARE_VECTOR],
  [0x21, 4],
  [0x21, 3],
  [0x21, 0xfe],
] as const;

function openController(code: Assembler): void {
  for (const [port, value] of CONTROLLER) code.emit("mov", al, value).emit("out", imm(port, 1), al);
}

/** @param turns how often it goes through its code. */
export const interruptedGuest32 = (turns: number): Guest =>
  eventGuest((code) => {
    openController(code);
    code.emit("mov", mem(dword, TURNS_LEFT), turns).emit("sti").label("turn");
    [eax, ebx, ecx, edx, esi, edi, ebp].forEach((register, index) => {
      code.emit("mov", register, imm((0x1234_5678 * (index + 1)) | 0, 4));
    });
    code
      .emit("add", eax, ebx)
      .emit("pushfd")
      .emit("cmp", eax, ecx)
      .emit("pushfd")
      .emit("pop", edx)
      .emit("popfd");
    code.emit("adc", ebx, edx).emit("cli").emit("inc", esi).emit("sti").emit("dec", edi).emit("pushfd");
    code.emit("cli").emit("popfd").emit("sub", ebp, edi).emit("mov", ecx, imm("sub", 4)).emit("call", ecx);
    code.emit("mov", eax, cr0).emit("push", ds).emit("pop", es).emit("mov", mem(dword, DATA), eax);
    code
      .emit("mov", edx, mem(dword, DATA, { segment: gs }))
      .emit("test", edx, esi)
      .emit("call", "sub");
    code
      .emit("jc", "next")
      .label("next")
      .emit("mov", ecx, 3)
      .label("loop")
      .emit("lea", ebx, mem(ebx, { displacement: 5 }))
      .emit("loop", "loop");
    code
      .emit("push", imm("behind", 4))
      .emit("ret")
      .label("sub")
      .emit("xor", esi, ebp)
      .emit("ret", imm(0, 2))
      .label("behind");
    code.emit("dec", mem(dword, TURNS_LEFT)).emit("jnz", "turn").emit("cli");
  });

/** The same of 64 bits, where 64-bit mode has limits; its tables are the loader's. @param turns how often it goes through its code. */
export function interruptedGuest64(turns: number): Guest {
  const code = new Assembler({ bits: 64, origin: EVENT_PLACES.code });
  const gate = EVENT_PLACES.interrupts + 16 * SOFTWARE_VECTOR;
  code.emit("mov", rsp, EVENT_PLACES.stack).emit("mov", eax, imm("handler", 4));
  code
    .emit("mov", mem(word, gate), ax)
    .emit("shr", eax, 16)
    .emit("mov", mem(word, gate + 6), ax);
  code.emit("mov", mem(word, gate + 2), cs).emit("mov", mem(word, gate + 4), imm(INTERRUPT_GATE, 2));
  code.emit("lidt", mem(tbyte, "idtr"));
  openController(code);
  code.emit("mov", mem(dword, TURNS_LEFT), turns).emit("sti").label("turn");
  [rax, rbx, rcx, rdx, rsi, rdi, rbp, r8].forEach((register, index) => {
    code.emit("mov", register, imm(BigInt.asIntN(64, 0x1234_5678_9abc_def1n * BigInt(index + 1)), 8));
  });
  code.emit("add", rax, rbx).emit("pushfq").emit("cmp", rax, rcx).emit("pushfq").emit("pop", rdx);
  code.emit("popfq").emit("adc", rbx, rdx).emit("cli").emit("inc", rsi).emit("sti").emit("dec", rdi);
  code.emit("pushfq").emit("cli").emit("popfq").emit("sub", rbp, rdi);
  code
    .emit("mov", rcx, imm("sub", 8))
    .emit("call", rcx)
    .emit("mov", rax, cr0)
    .emit("mov", mem(qword, DATA), rax);
  code
    .emit("mov", rdx, mem(qword, DATA, { segment: gs }))
    .emit("swapgs")
    .emit("swapgs");
  code
    .emit("mov", r8, cr8)
    .emit("mov", eax, ds)
    .emit("mov", es, ax)
    .emit("test", rdx, rsi)
    .emit("call", "sub");
  code
    .emit("add", r8, mem(qword, rip, { displacement: "data" }))
    .emit("jc", "next")
    .label("next");
  code
    .emit("mov", ecx, 3)
    .label("loop")
    .emit("lea", rbx, mem(rbx, { displacement: 5 }))
    .emit("loop", "loop");
  code.emit("mov", r13, rsp).emit("mov", eax, ss).emit("push", rax).emit("push", r13).emit("pushfq");
  code.emit("mov", eax, cs).emit("push", rax).emit("push", imm("on", 4)).emit("iretq").label("on");
  code.emit("push", imm("behind", 4)).emit("ret").label("sub").emit("xor", rsi, rbp).emit("ret", imm(0, 2));
  code.label("behind").emit("dec", mem(dword, TURNS_LEFT)).emit("jnz", "turn").emit("cli");
  code.emit("out", imm(EXIT_PORT, 1), eax);
  code.label("handler").emit("push", rax).emit("pushfq").emit("pop", rax).emit("add", eax, eax);
  code.emit("pop", rax).emit("iretq").label("data").dq(7).label("idtr").dw(0xfff).dq(EVENT_PLACES.interrupts);
  const options = {
    name: "interrupted",
    kind: "raw",
    rawMode: 64,
    append: "",
    memoryBytes: 2 ** 26,
  } as const;
  return withLongLimits({ load: loadImage(code.assemble().bytes, options) });
}
