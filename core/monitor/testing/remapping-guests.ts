/**
 * Kernels that give a linear address another frame, again and again, by a store to a page table that they have mapped writable, and
 * rely on it: data is read and written at the address, or code is called there. What the processor may have kept of the old
 * translation they invalidate as its manual asks (SDM vol. 3, 4.10.4), so they end alike everywhere.
 *
 *      store to the table ─→ INVLPG, or CR3 loaded ─→ access at the address ─→ hash        the whole again, with the other frame
 *
 * There is no IDT: a fault ends the guest.
 */
import { TIMELESS_BYTES, type TimelessGuest } from "../../guest/fuzz/timeless-guests.js";
import { loadImage } from "../../guest/images/image.js";
import { CR0, CR4 } from "../../machine/cpu/control-bits.js";
import { P, PS, RW } from "../../machine/mmu/entry.js";
import { Assembler } from "../../machine/x86/assemble.js";
import { imm, mem, SIZES } from "../../machine/x86/assembler-operands.js";
import { REGISTERS } from "../../machine/x86/registers.js";

export const WIDTHS = [32, 64] as const;
type Width = (typeof WIDTHS)[number];

/** How the processor hears of the store. */
export const HEARINGS = ["INVLPG", "CR3"] as const;
export type Hearing = (typeof HEARINGS)[number];

/** What is stored to: an entry of a level-1 table, or the entry above it, which gives a whole other table. */
export const LEVELS = ["page", "table"] as const;
export type Level = (typeof LEVELS)[number];

export const USES = ["data", "code"] as const;
export type Use = (typeof USES)[number];

const { eax, ebx, esi, edi, esp, rax, cr0, cr3, cr4 } = REGISTERS;
const { byte, dword } = SIZES;
const LARGE = 0x20_0000;
/** Beyond the memory that is mapped to itself: the first of its level-1 table's pages. */
const ADDRESS = 0x40_0000;
const PLACES = {
  code: 0x10_0000,
  stack: 0x20_0000,
  /** The tables above level 1, from the root down; 32-bit paging has the last only. */
  tables: [0x21_0000, 0x21_1000, 0x21_2000],
  lowest: 0x21_3000,
  otherLowest: 0x21_4000,
  frame: 0x22_0000,
  otherFrame: 0x22_1000,
} as const;
const TABLE = P | RW;
/** Enough for tables that go out of sync and come back, for code that becomes hot, and odd: it ends where it did not begin. */
export const TURNS = 61;
const EXIT_PORT = 0xf4;
/** What the two frames hold, and what is found with it: data; MOV EAX, imm32 and RET. */
export const FRAMES = {
  data: [
    { words: [1], value: 1 },
    { words: [1000], value: 1000 },
  ],
  code: [
    { words: [0x0101_01b8, 0xc301], value: 0x0101_0101 },
    { words: [0x0202_02b8, 0xc302], value: 0x0202_0202 },
  ],
} as const satisfies Readonly<Record<Use, readonly { words: readonly number[]; value: number }[]>>;

/** @returns the guest that remaps an address so. */
export function remappingGuest(width: Width, use: Use, level: Level, hearing: Hearing): TimelessGuest {
  const code = new Assembler({ bits: width, origin: PLACES.code });
  code.emit("mov", esp, PLACES.stack);
  startPaging(code, width);
  const [frame, otherFrame] = FRAMES[use];
  fill(code, PLACES.frame, frame.words);
  fill(code, PLACES.otherFrame, otherFrame.words);
  code.emit("mov", esi, 1).emit("mov", edi, TURNS).label("turn");
  if (use === "data") code.emit("mov", eax, mem(dword, ADDRESS)).emit("inc", mem(dword, ADDRESS));
  else code.emit("call", ADDRESS);
  code.emit("rol", esi, 5).emit("xor", esi, eax);
  remap(code, width, level);
  const whole = width === 64 ? rax : eax;
  if (hearing === "INVLPG") code.emit("invlpg", mem(byte, ADDRESS));
  else code.emit("mov", whole, cr3).emit("mov", cr3, whole);
  code.emit("dec", edi).emit("jnz", "turn").emit("mov", eax, esi).emit("out", imm(EXIT_PORT, 1), eax);
  const description = `${use} at an address whose ${level} is another, by ${hearing}, ${width} bits`;
  const options = { kind: "raw", rawMode: width, append: "", memoryBytes: TIMELESS_BYTES } as const;
  const load = loadImage(code.assemble().bytes, { ...options, name: description });
  return { description, load, showsPrivilege: false };
}

/** Gives the address the other of its two frames. */
function remap(code: Assembler, width: Width, level: Level): void {
  const isPage = level === "page";
  const entry = isPage ? PLACES.lowest : entryAbove(width);
  const change = isPage ? PLACES.frame ^ PLACES.otherFrame : PLACES.lowest ^ PLACES.otherLowest;
  code.emit("mov", ebx, entry).emit("xor", mem(dword, ebx), change);
}

/** Where the entry is that leads to the address's level-1 table. */
const entryAbove = (width: Width): number =>
  width === 64 ? PLACES.tables[2] + (8 * ADDRESS) / LARGE : PLACES.tables[2] + (4 * ADDRESS) / (2 * LARGE);

/** Below the address large pages map memory to itself, tables among it. */
function startPaging(code: Assembler, width: Width): void {
  const [first, second, last] = PLACES.tables;
  fill(code, last, [P | RW | PS]);
  fill(code, entryAbove(width), [PLACES.lowest | TABLE]);
  fill(code, PLACES.lowest, [PLACES.frame | TABLE]);
  fill(code, PLACES.otherLowest, [PLACES.otherFrame | TABLE]);
  if (width === 64) {
    fill(code, last + 8, [LARGE | P | RW | PS]);
    fill(code, second, [last | TABLE]);
    fill(code, first, [second | TABLE]);
    code.emit("mov", eax, first).emit("mov", cr3, rax);
    return;
  }
  code.emit("mov", eax, cr4).emit("or", eax, CR4.PSE).emit("mov", cr4, eax);
  code.emit("mov", eax, last).emit("mov", cr3, eax);
  code
    .emit("mov", eax, cr0)
    .emit("or", eax, imm(CR0.PG | CR0.WP, 4))
    .emit("mov", cr0, eax);
}

function fill(code: Assembler, address: number, words: readonly number[]): void {
  words.forEach((word, index) => {
    code.emit("mov", mem(dword, address + 4 * index), imm(word | 0, 4));
  });
}
