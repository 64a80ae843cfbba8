/**
 * One small guest for each instruction of x86 that is sensitive and not privileged (Robin & Irvine, USENIX Security 2000,
 * table 2): a kernel of 32 bits without paging that executes it at CPL 0, prints what it showed or did, and ends. On a
 * processor of its own, and under every monitor that is right, a guest prints the same.
 *
 * The images beside this file are what `sensitiveImage` assembles; the test says so (BLESS=1 writes them anew).
 */
import { Assembler } from "../../machine/x86/assemble.js";
import { far, imm, mem, SIZES } from "../../machine/x86/assembler-operands.js";
import { REGISTERS } from "../../machine/x86/registers.js";

const { eax, ebx, ecx, edx, esp, al, ax, cx, dx, cs, ss, ds, es } = REGISTERS;
const { word, dword, fword } = SIZES;

/** Where raw code is put, and what it has of memory for itself. */
const ORIGIN = 0x10_0000;
const STACK = 0x18_0000;
const USER_STACK = 0x19_0000;

/** Selectors of the guest's own table. */
const CODE = 0x08;
const DATA = 0x10;
const LDT = 0x18;
const TASK = 0x20;
const GATE = 0x28;
const USER_CODE = 0x33;
const USER_DATA = 0x3b;
/** Of the local table's one segment: TI. */
const LOCAL = 0x04;

/** Vectors: faults below 32, two for INT n. */
const VECTORS = 0x82;
const RETURNING = 0x80;
const SHOWING = 0x81;
const FIXED_FLAG = 2;
const IF = 0x200;

const SERIAL = 0x3f8;
const EXIT = 0xf4;
/** Of both 8259s: no interrupt comes. */
const INTERRUPT_MASKS = [0x21, 0xa1];
const HEX_DIGITS = 8;
/** What is printed after a fault. */
const FAULTED = 0xfa017;

/** What a guest does: leaves in EAX what its instruction showed. */
type Body = (code: Assembler) => void;

const loadLocalTable: Body = (code) => {
  code.emit("mov", eax, LDT).emit("lldt", ax).emit("mov", eax, 0);
};
/** EAX: whether ZF is set by an instruction about the local segment. */
const asksOfLocal =
  (name: string): Body =>
  (code) => {
    loadLocalTable(code);
    code.emit("mov", ecx, LOCAL).emit(name, cx).emit("sete", al);
  };

/** By name: the instruction in lower case. */
export const SENSITIVE_GUESTS: Readonly<Record<string, Body>> = {
  sgdt: (code) => {
    code
      .emit("sub", esp, 8)
      .emit("sgdt", mem(fword, esp))
      .emit("mov", eax, mem(dword, esp, { displacement: 2 }));
  },
  sidt: (code) => {
    code
      .emit("sub", esp, 8)
      .emit("sidt", mem(fword, esp))
      .emit("mov", eax, mem(dword, esp, { displacement: 2 }));
  },
  sldt: (code) => {
    loadLocalTable(code);
    code.emit("sldt", eax);
  },
  str: (code) => {
    loadTask(code);
    code.emit("mov", eax, 0).emit("str", eax);
  },
  smsw: (code) => {
    code.emit("smsw", eax);
  },
  pushf: (code) => {
    code.emit("cli").emit("pushfd").emit("pop", eax).emit("and", eax, IF);
  },
  // Whether IF is 0 afterwards an event's frame says, which is no business of PUSHF's.
  popf: (code) => {
    code.emit("sti").emit("push", FIXED_FLAG).emit("popfd").emit("int", imm(RETURNING, 1));
    code.emit("mov", eax, ebx).emit("and", eax, IF);
  },
  iret: (code) => {
    loadTask(code);
    code.emit("sti").emit("push", USER_DATA).emit("push", imm(USER_STACK, 4)).emit("push", FIXED_FLAG);
    code.emit("push", USER_CODE).emit("push", imm("user", 4)).emit("iretd");
    code.label("user").emit("int", imm(SHOWING, 1));
  },
  lar: (code) => {
    code.emit("mov", ecx, CODE).emit("lar", eax, ecx).emit("and", eax, USER);
  },
  lsl: (code) => {
    loadLocalTable(code);
    code.emit("mov", ecx, LOCAL).emit("lsl", eax, ecx);
  },
  verr: asksOfLocal("verr"),
  verw: asksOfLocal("verw"),
  "push-segment": (code) => {
    code.emit("push", cs).emit("pop", eax);
  },
  "mov-from-segment": (code) => {
    code.emit("mov", eax, ss);
  },
  "call-far": (code) => {
    code.emit("call far", far(CODE, "called"));
    code.label("called").emit("mov", eax, mem(dword, esp, { displacement: 4 }));
  },
  "jmp-far": (code) => {
    code.emit("jmp far", far(GATE, 0));
  },
  "ret-far": (code) => {
    code.emit("push", CODE).emit("push", imm("returned", 4)).emit("retfd");
    code.label("returned").emit("mov", eax, 1);
  },
  "int-n": (code) => {
    code.emit("int", imm(RETURNING, 1)).emit("mov", eax, ecx);
  },
  "pop-segment": (code) => {
    code.emit("push", DATA).emit("pop", ss).emit("mov", eax, 1);
  },
  "mov-to-segment": (code) => {
    code.emit("mov", eax, DATA).emit("mov", ss, ax).emit("mov", eax, 1);
  },
};

const loadTask: Body = (code) => {
  code.emit("mov", eax, TASK).emit("ltr", ax);
};

/** The image of a guest: raw code for 1 MiB. */
export function sensitiveImage(name: string): Uint8Array {
  const code = new Assembler({ bits: 32, origin: ORIGIN });
  start(code);
  SENSITIVE_GUESTS[name]!(code);
  code.label("show");
  print(code);
  code.emit("mov", eax, 0).emit("out", imm(EXIT, 1), eax);
  // A fault: EAX is its own.
  code.label("fault").emit("mov", eax, FAULTED).emit("jmp", "show");
  code.label("gate").emit("mov", eax, 1).emit("jmp", "show");
  // EBX and ECX: RFLAGS and CS as the event's frame has them.
  code.label("return").emit("mov", ebx, mem(dword, esp, { displacement: 8 }));
  code.emit("mov", ecx, mem(dword, esp, { displacement: 4 })).emit("iretd");
  code
    .label("shown")
    .emit("mov", eax, mem(dword, esp, { displacement: 8 }))
    .emit("and", eax, IF);
  code.emit("jmp", "show");
  tables(code);
  return code.assemble().bytes;
}

/** Tables of its own, segments from them, and gates for every vector. */
function start(code: Assembler): void {
  code.emit("mov", edx, imm("gdt", 4)).emit("add", edx, GATE).emit("mov", eax, imm("gate", 4));
  writeGate(code, 3, CALL_GATE);
  for (const [selector, table] of [
    [LDT, "ldt"],
    [TASK, "task"],
  ] as const) {
    code.emit("mov", eax, imm(table, 4)).emit("mov", edx, imm("gdt", 4));
    code.emit("or", mem(dword, edx, { displacement: selector + 2 }), eax);
  }
  code.emit("cli").emit("lgdt", mem(fword, "gdtr")).emit("jmp far", far(CODE, "own")).label("own");
  code.emit("mov", eax, DATA);
  for (const segment of [ds, es, ss]) code.emit("mov", segment, ax);
  code.emit("mov", esp, imm(STACK, 4));
  code.emit("mov", edx, imm("idt", 4)).emit("mov", ecx, VECTORS).label("gates");
  code.emit("mov", eax, imm("fault", 4));
  writeGate(code, 0);
  code.emit("add", edx, 8).emit("dec", ecx).emit("jne", "gates");
  for (const [vector, handler] of [
    [RETURNING, "return"],
    [SHOWING, "shown"],
  ] as const) {
    code
      .emit("mov", edx, imm("idt", 4))
      .emit("add", edx, imm(8 * vector, 4))
      .emit("mov", eax, imm(handler, 4));
    writeGate(code, 3);
  }
  code.emit("lidt", mem(fword, "idtr")).emit("mov", al, 0xff);
  for (const port of INTERRUPT_MASKS) code.emit("out", imm(port, 1), al);
}

const TRAP_GATE = 0x8f00;
const CALL_GATE = 0x8c00;

/** A gate at EDX to the handler in EAX, which it changes. */
function writeGate(code: Assembler, dpl: number, type = TRAP_GATE): void {
  code.emit("mov", mem(word, edx), ax).emit("mov", mem(word, edx, { displacement: 2 }), CODE);
  code
    .emit("shr", eax, 16)
    .emit("shl", eax, 16)
    .emit("or", eax, imm(type | (dpl << 13), 4));
  code.emit("mov", mem(dword, edx, { displacement: 4 }), eax);
}

/** EAX in hexadecimal, and a new line. */
function print(code: Assembler): void {
  code.emit("mov", ebx, eax).emit("mov", ecx, HEX_DIGITS).emit("mov", edx, SERIAL).label("digit");
  code.emit("rol", ebx, 4).emit("mov", eax, ebx).emit("and", eax, 15).emit("add", eax, 0x30);
  code.emit("cmp", al, 0x3a).emit("jb", "decimal").emit("add", al, 0x27).label("decimal");
  code.emit("out", dx, al).emit("dec", ecx).emit("jne", "digit").emit("mov", al, 10).emit("out", dx, al);
}

/** Attributes in a descriptor's second word. */
const FLAT = 0x00cf_0000;
const CODE_SEGMENT = 0x9b00;
const DATA_SEGMENT = 0x9300;
const LDT_SEGMENT = 0x8200;
const TASK_SEGMENT = 0x8900;
const USER = 0x6000;
const TASK_BYTES = 104;

function tables(code: Assembler): void {
  code.align(8).label("gdt").dd(0, 0);
  code.dd(0xffff, FLAT | CODE_SEGMENT).dd(0xffff, FLAT | DATA_SEGMENT);
  code
    .dd(7, LDT_SEGMENT)
    .dd(TASK_BYTES - 1, TASK_SEGMENT)
    .dd(0, 0);
  code
    .dd(0xffff, FLAT | CODE_SEGMENT | USER)
    .dd(0xffff, FLAT | DATA_SEGMENT | USER)
    .label("gdt-end");
  code.label("ldt").dd(0xffff, FLAT | DATA_SEGMENT);
  code.label("task").dd(0, STACK, DATA, ...Array<number>(TASK_BYTES / 4 - 3).fill(0));
  code.label("gdtr").dw(0x3f).dd("gdt");
  code
    .label("idtr")
    .dw(8 * VECTORS - 1)
    .dd("idt");
  code.align(8).label("idt");
  // The gates are written at the start: what is behind the image is zero.
}
