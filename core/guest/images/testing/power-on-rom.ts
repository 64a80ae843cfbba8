/**
 * A boot ROM that brings a real emulator into a BootState, so that plans can be tried without our own CPU: 64 KiB of machine
 * code for 0xF0000, whose reset vector is at 0xFFFF0. It enters protected mode with a table of its own, sets control
 * registers, takes over the plan's GDT, and ends with a jump to the entry.
 */
import type { MemoryWrite } from "../boot-plan.js";
import { BOOT_CODE_SELECTOR, BOOT_DATA_SELECTOR, type BootState, GENERAL_REGISTERS } from "../boot-state.js";

export const ROM_START = 0xf_0000;
const ROM_BYTES = 0x1_0000;
const CODE = 0xe000;
const OWN_GDT = 0xff00;
const OWN_GDT_POINTER = 0xff20;
const PLAN_GDT_POINTER = 0xff28;
const TARGET = 0xff30;
const RESET_VECTOR = 0xfff0;
const EFER = 0xc000_0080;

const word = (value: number): number[] => [value & 0xff, (value >> 8) & 0xff];
const dword = (value: number): number[] => [...word(value & 0xffff), ...word((value >>> 16) & 0xffff)];
const qword = (value: number): number[] => [...dword(value % 2 ** 32), ...dword(Math.floor(value / 2 ** 32))];

/** @param tables firmware tables of the plan in 0xF0000–0xFDFFF, which the ROM has to contain */
export function powerOnRom(state: BootState, tables: readonly MemoryWrite[]): Uint8Array {
  const rom = new Uint8Array(ROM_BYTES);
  for (const { physical, bytes } of tables) rom.set(bytes, physical - ROM_START);
  rom.set([0xe9, ...word(CODE - RESET_VECTOR - 3)], RESET_VECTOR); // jmp CODE
  rom.set([...qword(0), ...dword(0x0000_ffff), ...dword(0x00cf_9b00)], OWN_GDT); // 0x08: flat 32-bit code
  rom.set([...word(15), ...dword(ROM_START + OWN_GDT)], OWN_GDT_POINTER);
  rom.set([...word(state.gdtr.limit), ...dword(state.gdtr.base)], PLAN_GDT_POINTER);
  rom.set(qword(state.rip), TARGET);
  const code = state.mode === "real" ? realMode(state) : [...enterProtected(), ...flatMode(state)];
  rom.set(code, CODE);
  return rom;
}

/** mov reg, imm in the order of register numbers, with a prefix for the operand size. */
function setRegisters(state: BootState, prefix: readonly number[]): number[] {
  return GENERAL_REGISTERS.slice(0, 8).flatMap((name, number) => [
    ...prefix,
    0xb8 + number,
    ...dword(state.registers[name]),
  ]);
}

function realMode(state: BootState): number[] {
  const { selector } = state.segments.cs;
  const zeroSegments = [0x31, 0xc0, 0x8e, 0xd8, 0x8e, 0xc0, 0x8e, 0xe0, 0x8e, 0xe8, 0x8e, 0xd0]; // xor ax, ax; mov ds, ax; …
  return [0xfa, ...zeroSegments, ...setRegisters(state, [0x66]), 0xea, ...word(state.rip), ...word(selector)];
}

/** cli; lgdt cs:[…]; CR0.PE; jmp 0x08:next, in 32-bit code. */
function enterProtected(): number[] {
  const code = [0xfa, 0x2e, 0x66, 0x0f, 0x01, 0x16, ...word(OWN_GDT_POINTER)];
  code.push(0x0f, 0x20, 0xc0, 0x0c, 0x01, 0x0f, 0x22, 0xc0);
  return [...code, 0x66, 0xea, ...dword(ROM_START + CODE + code.length + 8), ...word(8)];
}

function flatMode(state: BootState): number[] {
  const moveToControl = (control: number, value: number): number[] => [
    ...[0xb8, ...dword(value % 2 ** 32)],
    ...[0x0f, 0x22, 0xc0 + 8 * control],
  ];
  const segments = [0x66, 0xb8, ...word(BOOT_DATA_SELECTOR)]; // mov ax, selector; mov es/ss/ds/fs/gs, ax
  for (const segment of [0, 2, 3, 4, 5]) segments.push(0x8e, 0xc0 + 8 * segment);
  const code = [...moveToControl(4, state.cr4), ...moveToControl(3, state.cr3)];
  if (state.mode === "long") {
    code.push(0xb9, ...dword(EFER), 0xb8, ...dword(state.efer & 0x100), 0x31, 0xd2, 0x0f, 0x30); // wrmsr
  }
  code.push(...moveToControl(0, state.cr0));
  code.push(0x2e, 0x0f, 0x01, 0x15, ...dword(ROM_START + PLAN_GDT_POINTER)); // lgdt cs:[…]
  if (state.mode === "protected") {
    return [
      ...[...code, ...segments, ...setRegisters(state, [])],
      ...[0xea, ...dword(state.rip), ...word(BOOT_CODE_SELECTOR)],
    ];
  }
  const next = ROM_START + CODE + enterProtected().length + code.length + 7;
  code.push(0xea, ...dword(next), ...word(BOOT_CODE_SELECTOR), ...segments);
  for (const [number, name] of GENERAL_REGISTERS.entries()) {
    code.push(0x48 | (number >> 3), 0xb8 + (number & 7), ...qword(state.registers[name]));
  }
  return [...code, 0xff, 0x24, 0x25, ...dword(ROM_START + TARGET)]; // jmp [TARGET]
}
