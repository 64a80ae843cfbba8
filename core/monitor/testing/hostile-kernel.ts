/**
 * A 32-bit kernel for attacks by segmentation, the whole of it: a GDT, an LDT and a TSS of its own, an IDT whose handlers end the
 * guest with the vector as its status, and a program at CPL 3 that the kernel may go to. Paging is on; the first 4 MiB are mapped
 * to themselves and nothing else is, so that natively a reach for the monitor's window meets no page.
 */
import { loadImage } from "../../guest/images/image.js";
import { Assembler } from "../../machine/x86/assemble.js";
import { imm, mem, SIZES } from "../../machine/x86/assembler-operands.js";
import { REGISTERS } from "../../machine/x86/registers.js";
import type { Guest } from "./code-guests.js";

const { ax, eax, esp, cr0, cr3, cr4, ds, es, ss } = REGISTERS;
const { dword, fword } = SIZES;
const ORIGIN = 0x10_0000;
const STACK = 0x1f_0000;
const DIRECTORY = 0x20_0000;
const EXIT_PORT = 0xf4;
/** A directory entry that maps 4 MiB for CPL 3 too: present, writable, user, large. */
const LARGE = 0x87;
const PSE = 0x10;
const PG = 0x8000_0000 | 0;
const VECTORS = 32;
const HANDLERS = ORIGIN + 0x1000;
const HANDLER_BYTES = 16;
const TSS = ORIGIN + 0x2000;
/** Of a 32-bit TSS (SDM vol. 3, figure 8-2). */
export const TSS_BYTES = 0x68;

/** Selectors of the GDT. */
export const SEL = {
  code: 8,
  data: 0x10,
  userCode: 0x1b,
  userData: 0x23,
  task: 0x28,
  /** The attack's own descriptors. */
  first: 0x30,
  second: 0x38,
} as const;
/** The vector that programs may raise. */
export const PROGRAMS_VECTOR = 31;

const FLAT = { limit: 0xf_ffff, granular: true } as const;

/** A segment descriptor (SDM vol. 3, 3.4.5). @param access byte 5 of it: P, DPL, S, type. */
export function segment(base: number, access: number, size: { limit: number; granular?: boolean }): bigint {
  const low = BigInt((size.limit & 0xffff) | ((base & 0xffff) << 16)) & 0xffff_ffffn;
  const flags = (size.granular === true ? 0x80_0000 : 0) | 0x40_0000;
  const high =
    ((base >>> 16) & 0xff) | (access << 8) | (size.limit & 0xf_0000) | flags | (base & 0xff00_0000);
  return low | (BigInt(high >>> 0) << 32n);
}

/** A system segment: the same without D/B. */
export const systemSegment = (base: number, access: number, limit: number): bigint =>
  segment(base, access, { limit }) & ~(0x40_0000n << 32n);

/** A call, interrupt or task gate (SDM vol. 3, 5.8.3). */
export const gate = (selector: number, offset: number, access: number): bigint =>
  (BigInt((offset & 0xffff) | (selector << 16)) & 0xffff_ffffn) |
  (BigInt(((offset & 0xffff_0000) | (access << 8)) >>> 0) << 32n);

/** What an attack has besides its code. */
export interface Attack {
  /** Descriptors SEL.first and SEL.second. */
  readonly descriptors?: readonly bigint[];
  /** SS0:ESP0 of the TSS; the kernel's own stack if left out. */
  readonly innerStack?: number;
  /** Replaces the gate of PROGRAMS_VECTOR. */
  readonly gate?: bigint;
  /** The kernel's code at CPL 0, after all is set. It goes on to the program if that is given. */
  readonly kernel?: (code: Assembler) => void;
  /** Code at CPL 3. */
  readonly program?: (code: Assembler) => void;
}

/** The guest that makes an attack and, if it comes back from it, ends with status 0. */
export function hostileKernel(attack: Attack): Guest {
  const code = new Assembler({ bits: 32, origin: ORIGIN });
  code.emit("mov", esp, STACK).emit("lgdt", mem(fword, "gdtr")).emit("lidt", mem(fword, "idtr"));
  code.emit("mov", mem(dword, DIRECTORY), LARGE).emit("mov", eax, DIRECTORY).emit("mov", cr3, eax);
  code.emit("mov", eax, cr4).emit("or", eax, PSE).emit("mov", cr4, eax);
  code.emit("mov", eax, cr0).emit("or", eax, imm(PG, 4)).emit("mov", cr0, eax);
  code.emit("mov", eax, SEL.data);
  for (const register of [ds, es, ss]) code.emit("mov", register, ax);
  code.emit("mov", eax, SEL.task).emit("ltr", ax);
  attack.kernel?.(code);
  if (attack.program !== undefined) {
    code
      .emit("push", SEL.userData)
      .emit("push", imm(STACK - 0x1000, 4))
      .emit("push", 2);
    code.emit("push", SEL.userCode).emit("push", imm("program", 4)).emit("iretd").label("program");
    attack.program(code);
    code.emit("int", imm(PROGRAMS_VECTOR, 1));
  }
  code.emit("mov", eax, 0).emit("out", imm(EXIT_PORT, 1), eax);
  writeTables(code, attack);
  const options = { name: "hostile", kind: "raw", rawMode: 32, append: "", memoryBytes: 2 ** 26 } as const;
  return { load: loadImage(code.assemble().bytes, options) };
}

function writeTables(code: Assembler, { descriptors = [], innerStack, gate: own }: Attack): void {
  code.org(HANDLERS);
  for (let vector = 0; vector < VECTORS; vector++)
    code.align(HANDLER_BYTES).emit("mov", eax, vector).emit("out", imm(EXIT_PORT, 1), eax);
  code
    .org(TSS)
    .dd(0, innerStack ?? STACK - 0x2000, SEL.data)
    .reserve(TSS_BYTES - 12);
  code
    .align(8)
    .label("gdt")
    .dq(0, segment(0, 0x9b, FLAT), segment(0, 0x93, FLAT));
  code.dq(segment(0, 0xfb, FLAT), segment(0, 0xf3, FLAT), systemSegment(TSS, 0x89, TSS_BYTES - 1));
  code.dq(...descriptors).label("idt");
  for (let vector = 0; vector < VECTORS - 1; vector++)
    code.dq(gate(SEL.code, HANDLERS + vector * HANDLER_BYTES, 0x8e));
  code.dq(own ?? gate(SEL.code, HANDLERS + PROGRAMS_VECTOR * HANDLER_BYTES, 0xee));
  code
    .label("gdtr")
    .dw(8 * (6 + descriptors.length) - 1)
    .dd("gdt");
  code
    .label("idtr")
    .dw(8 * VECTORS - 1)
    .dd("idt");
}
