/**
 * Guests made from a seed, to find what hurts the host. Each is a small kernel around fragments of random code:
 *
 *     every vector ─→ next: a stack, registers that point to interesting places, one more turn of this fragment or the
 *                     next one ─→ fragment (ring 0 or 3) ─→ INT or a jump back, or whatever it does ─→ next …
 *
 * so that a guest goes on after a fault and fragments become hot. Registers point into code as well as data: fragments
 * write to themselves and to each other.
 */

import type { Load } from "../../machine/computer.js";
import { Assembler } from "../../machine/x86/assemble.js";
import { imm, mem, SIZES } from "../../machine/x86/assembler-operands.js";
import type { CodeMode } from "../../machine/x86/instruction.js";
import { GENERAL, REGISTERS } from "../../machine/x86/registers.js";
import { Random } from "../../util/random.js";
import {
  CR0_PG,
  CR4_PAE,
  longModeState,
  protectedModeState,
  realModeState,
  withSse,
} from "../images/boot-state.js";
import { pick, randomBytes, randomInstruction } from "./random-code.js";
import {
  descriptorTable,
  GDT_BYTES,
  gates,
  type Paging,
  pageTables,
  SELECTORS,
  taskState,
} from "./tables.js";

/** RAM that the guests expect. */
export const GUEST_BYTES = 4 * 2 ** 20;

/** Where things lie; all below 64 KiB but the page tables, so that real mode reaches them. */
const PLACES = {
  gdt: 0x1000,
  tss: 0x1100,
  counter: 0x1200,
  fragment: 0x1204,
  idt: 0x2000,
  next: 0x3000,
  stack: 0x6f00,
  code: 0x8000,
  data: 0xc000,
  pages: 0x3_0000,
} as const;
const FRAGMENTS = 16;
/** Fragments begin at distances that let some cross a page. */
const FRAGMENT_BYTES = 0x2f0;
const CODE_BYTES = FRAGMENTS * FRAGMENT_BYTES;
/** Turns of a fragment: some stay cold, some become hot and are translated. */
const TURNS = [1, 3, 40, 1500, 4300, 9000];

/** What the fragments are made of. */
const KINDS = ["instructions", "quiet", "bytes", "mixed"] as const;

export interface FuzzGuest {
  readonly description: string;
  readonly load: Load;
}

/** A guest of random code and tables. The same seed always gives the same guest. */
export function randomGuest(seed: number): FuzzGuest {
  const random = new Random(seed);
  const mode = pick<CodeMode>(random, [16, 32, 32, 64, 64]);
  const paging = pickPaging(random, mode);
  const kind = pick(random, KINDS);
  const isUser = mode !== 16 && random.below(3) === 0;
  const isDamaged = random.below(4) === 0;
  const write = (physical: number, bytes: Uint8Array) => ({ physical, bytes });
  const writes = [
    write(PLACES.data, randomBytes(random, 0x1000)),
    write(PLACES.counter, Uint8Array.of(1, 0, 0, 0, PLACES.code & 0xff, PLACES.code >> 8)),
    write(PLACES.next, nextFragment(random, mode, isUser)),
    write(PLACES.code, fragments(random, mode, kind, isUser)),
    write(mode === 16 ? 0 : PLACES.idt, gates(random, mode, PLACES.next, isDamaged)),
  ];
  if (mode !== 16) {
    writes.push(write(PLACES.gdt, descriptorTable(random, mode, PLACES.tss)));
    writes.push(write(PLACES.tss, taskState(mode, PLACES.stack)));
  }
  if (paging !== "off")
    writes.push(write(PLACES.pages, pageTables(random, paging, PLACES.pages, GUEST_BYTES)));
  return {
    description: `${mode}-bit, ${kind}, paging ${paging}${isUser ? ", ring 3" : ""}${isDamaged ? ", damaged gates" : ""}`,
    load: { writes, zero: [], start: startState(mode, paging) },
  };
}

function pickPaging(random: Random, mode: CodeMode): Paging {
  if (mode !== 32) return mode === 64 ? "4-level" : "off";
  const paging = pick<Paging>(random, ["off", "2-level"]);
  // PAE came later: by chance of its own, so that the seeds of before give the guests of before, but for these.
  return paging === "2-level" && random.fork("pae").below(2) === 0 ? "pae" : paging;
}

function startState(mode: CodeMode, paging: Paging): Load["start"] {
  const rsp = PLACES.stack;
  if (mode === 16) return withSse(realModeState(0, PLACES.next, { rsp }));
  const state = withSse(
    mode === 32
      ? protectedModeState(PLACES.next, PLACES.gdt, { rsp })
      : longModeState(PLACES.next, PLACES.gdt, PLACES.pages, { rsp }),
  );
  const { segments } = state;
  return {
    ...state,
    ...(mode === 32 && paging !== "off" ? { cr0: state.cr0 + CR0_PG, cr3: PLACES.pages } : {}),
    ...(paging === "pae" ? { cr4: state.cr4 | CR4_PAE } : {}),
    segments: {
      ...segments,
      tr: { ...segments.tr, selector: SELECTORS.task, base: PLACES.tss },
    },
    gdtr: { base: PLACES.gdt, limit: GDT_BYTES - 1 },
    idtr: { base: PLACES.idt, limit: 0xfff },
  };
}

/** Addresses that registers hold when a fragment begins: data, code, its own pages' ends, devices, edges of everything. */
const PLACES_OF_INTEREST = [
  PLACES.data,
  PLACES.data,
  PLACES.data + 0x800,
  PLACES.data + 0xffd,
  PLACES.code,
  PLACES.code + 0x1000 - 3,
  PLACES.code + FRAGMENT_BYTES,
  PLACES.gdt + 0x40,
  PLACES.pages + 0x2100,
  0x4_0000,
  0x8_0000,
  0x1f_fffe,
  GUEST_BYTES - 4,
  GUEST_BYTES,
  0xb_8000,
  0xfee0_0300,
  0xfec0_0010,
  0xffff_fffc,
  0x7fff_fffe,
  0,
  1,
  5,
] as const;
/** Ports of each device, and one of none. */
const PORTS = [
  0x20, 0x21, 0x40, 0x43, 0x60, 0x64, 0x70, 0x71, 0x80, 0xa1, 0x1f0, 0x1f7, 0x3f8, 0x3fd, 0xcf8, 0xcfc,
  0x5640, 0x1234,
];
const RING_3_VECTOR = 0x80;

/** The kernel: sets the registers, counts turns and enters a fragment. */
function nextFragment(random: Random, mode: CodeMode, isUser: boolean): Uint8Array {
  const a = new Assembler({ bits: mode, origin: PLACES.next });
  const size = mode === 64 ? 8 : mode === 32 ? 4 : 2;
  const registers = GENERAL[size];
  const [ax, cx, dx, , sp] = registers as [never, never, never, never, never];
  const truncate = (value: number): number => (mode === 16 ? value & 0xffff : value);
  const set = (number: number, value: number): void => {
    if (mode === 64) a.emit("mov", registers[number]!, imm(BigInt(value), 8));
    else a.emit("mov", registers[number]!, truncate(value));
  };
  a.emit("cld");
  set(4, PLACES.stack);
  if (mode !== 64) {
    set(0, mode === 16 ? 0 : SELECTORS.data);
    for (const segment of ["ds", "es", "ss"] as const) a.emit("mov", REGISTERS[segment], REGISTERS.ax);
    set(4, PLACES.stack);
  }
  a.emit("dec", mem(SIZES.dword, PLACES.counter));
  a.emit("jnz", "enter");
  a.emit("mov", mem(SIZES.dword, PLACES.counter), imm(pick(random, TURNS), 4));
  a.emit("add", mem(SIZES.word, PLACES.fragment), imm(FRAGMENT_BYTES, 2));
  a.emit("cmp", mem(SIZES.word, PLACES.fragment), imm(PLACES.code + CODE_BYTES, 2));
  a.emit("jb", "enter");
  a.emit("mov", mem(SIZES.word, PLACES.fragment), imm(PLACES.code, 2));
  a.label("enter");
  if (isUser) {
    const user = mode === 64 ? SIZES.qword : SIZES.dword;
    set(0, SELECTORS.userData);
    a.emit("push", ax);
    set(0, PLACES.stack - 0x800);
    a.emit("push", ax);
    a.emit(mode === 64 ? "pushfq" : "pushfd");
    if (random.below(3) === 0) a.emit("or", mem(user, sp), imm(pick(random, [0x3000, 0x4_0000, 0x200]), 4));
    set(0, SELECTORS.userCode);
    a.emit("push", ax);
    a.emit("push", mem(user, PLACES.fragment));
  }
  for (let number = 0; number < registers.length; number++)
    if (number !== 4 && random.below(4) !== 0) set(number, pick(random, PLACES_OF_INTEREST));
  if (random.below(2) === 0) a.emit("mov", dx, pick(random, PORTS));
  if (random.below(2) === 0) set(1, random.below(20));
  if (random.below(4) === 0) a.emit("add", cx, ax);
  if (isUser) a.emit(mode === 64 ? "iretq" : "iretd");
  else {
    if (random.below(4) === 0) a.emit("sti");
    a.emit("jmp", mem(mode === 64 ? SIZES.qword : mode === 32 ? SIZES.dword : SIZES.word, PLACES.fragment));
  }
  return a.assemble().bytes;
}

function fragments(
  random: Random,
  mode: CodeMode,
  kind: (typeof KINDS)[number],
  isUser: boolean,
): Uint8Array {
  const code = randomBytes(random, CODE_BYTES);
  for (let number = 0; number < FRAGMENTS; number++) {
    let at = number * FRAGMENT_BYTES;
    const put = (bytes: Iterable<number>): void => {
      for (const byte of bytes) code[at++] = byte;
    };
    const count = 1 + random.below(12);
    for (let i = 0; i < count; i++) {
      const part = kind === "mixed" ? pick(random, KINDS) : kind;
      if (part === "bytes") put(randomBytes(random, random.below(6)));
      else put(randomInstruction(random, mode, part === "quiet"));
    }
    const back = new Assembler({ bits: mode, origin: PLACES.code + at });
    if (isUser) back.emit("int", RING_3_VECTOR);
    else back.emit("jmp", PLACES.next);
    put(back.assemble().bytes);
  }
  return code;
}
