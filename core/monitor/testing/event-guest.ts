/**
 * A kernel of 32 bits around code that faults or is interrupted, with all that an event shows: its handlers fold what the
 * processor pushed, CR2 and every register into a hash, and mend what was wrong.
 *
 *      code ─→ event ─→ hash ─→ #PF: the page is there now · #DB, INT n, INT3: go on · another: the place behind the instruction
 */
import { loadImage } from "../../guest/images/image.js";
import { RFLAGS } from "../../machine/cpu/state.js";
import { Assembler } from "../../machine/x86/assemble.js";
import { imm, mem, SIZES } from "../../machine/x86/assembler-operands.js";
import { REGISTERS } from "../../machine/x86/registers.js";
import type { Guest } from "./code-guests.js";

const { eax, ebx, ecx, edx, esp, al, cr0, cr2, cr3, dr6, dr7 } = REGISTERS;
const { byte, dword, fword } = SIZES;

const PAGE = 4096;
export const EVENT_PLACES = {
  code: 0x10_0000,
  stack: 0x20_0000,
  table: 0x20_1000,
  hash: 0x20_2000,
  interrupts: 0x20_3000,
  directory: 0x30_0000,
  pages: 0x30_1000,
  /** Every second page is missing at first. */
  missing: 0x38_0000,
} as const;
const MISSING_PAGES = 128;
const PRESENT_WRITABLE = 3;
const PRESENT = 1;
const CR0_PG_AND_WP = 0x8001_0000 | 0;
const CODE_SELECTOR = 8;
const FLAT_CODE = 0x00cf_9b00_0000_ffffn;
const FLAT_DATA = 0x00cf_9300_0000_ffffn;
/** From selector 8 on; the loader starts with code at 0x10 and data at 0x18. */
const DESCRIPTORS = [FLAT_CODE, FLAT_CODE, FLAT_DATA];
export const DATA_SELECTOR = 8 * DESCRIPTORS.length;
const INTERRUPT_GATE = 0x8e00;
const PAGE_FAULT = 14;
const DEBUG = 1;
const BREAKPOINT = 3;
/** INT of this vector comes back behind itself, like every one above. */
const FIRST_SOFTWARE_VECTOR = 32;
export const SOFTWARE_VECTOR = 0x40;
const EXCEPTIONS = FIRST_SOFTWARE_VECTOR;
const WITH_ERROR_CODE: ReadonlySet<number> = new Set([8, 10, 11, 12, 13, 14, 17]);
/** Words on the stack of the common handler: PUSHAD, vector, error code, EIP, CS, EFLAGS. */
const FRAME = { vector: 8, eip: 10, flags: 12, words: 13 } as const;
const MASKS = [0x21, 0xa1];
const EXIT_PORT = 0xf4;

/** What POPF and IRET may set: no TF, and no NT, with which IRET is another instruction. */
export const SETTABLE_FLAGS =
  RFLAGS.IF | RFLAGS.IOPL | RFLAGS.DF | RFLAGS.CF | RFLAGS.ZF | RFLAGS.SF | RFLAGS.OF | RFLAGS.PF | RFLAGS.AF;

export class EventCode extends Assembler {
  private readonly skips: (readonly [string, string])[] = [];
  private readonly contents: (readonly [number, number | string])[] = [];
  private used = 0;

  constructor() {
    super({ bits: 32, origin: EVENT_PLACES.code });
  }

  /** An instruction that can only fault: its handler goes on behind it. */
  faulting(emit: () => void): void {
    const [at, behind] = [this.unique("faulting"), this.unique("behind")];
    this.label(at);
    emit();
    this.label(behind);
    this.skips.push([at, behind]);
  }

  /** Address of the first word of a page that is missing, behind one that is there. @param words what it and the next contain. */
  missing(...words: readonly (number | string)[]): number {
    const address = EVENT_PLACES.missing + (2 * this.used++ + 1) * PAGE;
    this.fill(address, ...words);
    return address;
  }

  /** What memory contains before paging is on. */
  fill(address: number, ...words: readonly (number | string)[]): void {
    for (const [index, word] of words.entries()) this.contents.push([address + 4 * index, word]);
  }

  /** Behind the code: fills memory and goes to `back`. */
  finish(back: string): void {
    this.label("fill");
    for (const [address, word] of this.contents)
      this.emit("mov", mem(dword, address), typeof word === "string" ? imm(word, 4) : imm(word | 0, 4));
    this.emit("jmp", back).align(4).label("skips");
    for (const [at, behind] of this.skips) this.dd(at, behind);
  }
}

/** @param body between the turning on of paging and the end, with the stack as it finds it. */
export function eventGuest(body: (code: EventCode) => void): Guest {
  const code = new EventCode();
  begin(code);
  body(code);
  code.emit("mov", eax, mem(dword, EVENT_PLACES.hash)).emit("out", imm(EXIT_PORT, 1), eax);
  handlers(code);
  code.finish("filled");
  const options = { name: "events", kind: "raw", rawMode: 32, append: "", memoryBytes: 2 ** 26 } as const;
  return { load: loadImage(code.assemble().bytes, options) };
}

/** Descriptor tables, memory, paging. */
function begin(code: EventCode): void {
  const { stack, table, interrupts, directory, pages, missing } = EVENT_PLACES;
  code.emit("mov", esp, stack).emit("mov", eax, imm(0xff, 4));
  for (const port of MASKS) code.emit("out", imm(port, 1), al);
  code.emit("jmp", "fill").label("filled");
  DESCRIPTORS.forEach((descriptor, index) => {
    code.emit("mov", mem(dword, table + 8 * (index + 1)), imm(Number(descriptor & 0xffff_ffffn) | 0, 4));
    code.emit("mov", mem(dword, table + 8 * (index + 1) + 4), imm(Number(descriptor >> 32n) | 0, 4));
  });
  const vectors = [...Array(EXCEPTIONS).keys(), SOFTWARE_VECTOR];
  for (const vector of vectors) {
    const gate = interrupts + 8 * vector;
    code.emit("mov", eax, imm(`vector${vector}`, 4)).emit("mov", edx, eax);
    code
      .emit("and", eax, 0xffff)
      .emit("or", eax, CODE_SELECTOR << 16)
      .emit("mov", mem(dword, gate), eax);
    code.emit("and", edx, imm(0xffff_0000 | 0, 4)).emit("or", edx, INTERRUPT_GATE);
    code.emit("mov", mem(dword, gate + 4), edx);
  }
  code.emit("lgdt", mem(fword, "gdtr")).emit("lidt", mem(fword, "idtr"));
  code
    .emit("mov", mem(dword, directory), pages | PRESENT_WRITABLE)
    .emit("mov", ecx, 0)
    .label("map");
  code.emit("mov", eax, ecx).emit("shl", eax, 12).emit("or", eax, PRESENT_WRITABLE);
  code.emit("mov", mem(dword, pages, { index: ecx, scale: 4 }), eax).emit("inc", ecx);
  code.emit("cmp", ecx, 1024).emit("jb", "map");
  const first = pages + 4 * (missing / PAGE + 1);
  code.emit("mov", ecx, 0).label("miss");
  code.emit("and", mem(byte, first, { index: ecx, scale: 8 }), imm(~PRESENT & 0xff, 1)).emit("inc", ecx);
  code.emit("cmp", ecx, MISSING_PAGES / 2).emit("jb", "miss");
  code.emit("mov", eax, directory).emit("mov", cr3, eax).emit("mov", eax, cr0);
  code.emit("or", eax, imm(CR0_PG_AND_WP, 4)).emit("mov", cr0, eax).emit("jmp", "body");
  code
    .label("gdtr")
    .dw(8 * DESCRIPTORS.length + 7)
    .dd(table)
    .label("idtr")
    .dw(PAGE - 1)
    .dd(interrupts)
    .label("body");
}

function handlers(code: EventCode): void {
  for (const vector of [...Array(EXCEPTIONS).keys(), SOFTWARE_VECTOR]) {
    code.label(`vector${vector}`);
    if (!WITH_ERROR_CODE.has(vector)) code.emit("push", 0);
    code.emit("push", imm(vector, 4)).emit("jmp", "event");
  }
  const onStack = (word: number) => mem(dword, esp, { displacement: 4 * word });
  code.label("event").emit("pushad").emit("cld");
  for (let word = 0; word < FRAME.words; word++) fold(code, () => code.emit("mov", ebx, onStack(word)));
  fold(code, () => code.emit("mov", ebx, cr2));
  code.emit("mov", eax, onStack(FRAME.vector)).emit("cmp", eax, PAGE_FAULT).emit("je", "paged");
  code.emit("cmp", eax, DEBUG).emit("je", "debugged");
  code.emit("cmp", eax, BREAKPOINT).emit("je", "back");
  code.emit("cmp", eax, FIRST_SOFTWARE_VECTOR).emit("jae", "back");
  code.emit("mov", eax, onStack(FRAME.eip)).emit("mov", ebx, imm("skips", 4)).label("seek");
  code.emit("cmp", eax, mem(dword, ebx)).emit("je", "found").emit("add", ebx, 8).emit("jmp", "seek");
  code.label("found").emit("mov", eax, mem(dword, ebx, { displacement: 4 }));
  code.emit("mov", onStack(FRAME.eip), eax).emit("jmp", "back").label("paged").emit("mov", eax, cr2);
  code.emit("mov", ebx, eax).emit("shr", ebx, 12);
  code.emit("or", mem(byte, EVENT_PLACES.pages, { index: ebx, scale: 4 }), imm(PRESENT, 1));
  code.emit("invlpg", mem(byte, eax)).emit("jmp", "back").label("debugged");
  fold(code, () => code.emit("mov", ebx, dr6));
  fold(code, () => code.emit("mov", ebx, dr7));
  code.emit("mov", eax, 0).emit("mov", dr6, eax).emit("or", onStack(FRAME.flags), imm(RFLAGS.RF, 4));
  code.label("back").emit("popad").emit("add", esp, 8).emit("iretd");
}

/** Folds EBX into the hash. */
function fold(code: EventCode, load: () => void): void {
  load();
  code.emit("mov", eax, mem(dword, EVENT_PLACES.hash)).emit("rol", eax, 5).emit("xor", eax, ebx);
  code.emit("mov", mem(dword, EVENT_PLACES.hash), eax);
}
