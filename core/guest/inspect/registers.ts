/** A CPU's registers as people read them: by name, as hexadecimal; and what changed between two looks. */
import type { Computer } from "../../machine/computer.js";
import { ARITHMETIC_FLAGS, RFLAGS, SEGMENT, STATE, segmentOffset } from "../../machine/cpu/state.js";

// biome-ignore format: in the order of their numbers
const GENERAL = [
  "rax", "rcx", "rdx", "rbx", "rsp", "rbp", "rsi", "rdi",
  "r8", "r9", "r10", "r11", "r12", "r13", "r14", "r15",
] as const;
const SEGMENTS = ["es", "cs", "ss", "ds", "fs", "gs", "ldtr", "tr"] as const;
const FLAG_NAMES = ["CF", "PF", "AF", "ZF", "SF", "TF", "IF", "DF", "OF"] as const;
const XMM_REGISTERS = 16;

/** Values by register name; bigint, so that all widths are alike. */
export type Registers = Readonly<Record<string, bigint>>;

export function readRegisters({ machine, engine }: Computer): Registers {
  const { cpu } = machine.code!;
  const long = (offset: number): bigint => BigInt.asUintN(64, cpu.longs[offset / 8]!);
  const word = (offset: number): bigint => BigInt(cpu.words[offset / 4]! >>> 0);
  const registers: Record<string, bigint> = { rip: long(STATE.rip) };
  GENERAL.forEach((name, number) => {
    registers[name] = long(STATE.general + number * 8);
  });
  const arithmetic = engine.runtime["flags"]!() & ARITHMETIC_FLAGS;
  registers["rflags"] = BigInt((cpu.words[STATE.flags / 4]! | arithmetic | RFLAGS.reserved1) >>> 0);
  SEGMENTS.forEach((name, number) => {
    registers[name] = word(segmentOffset(number) + SEGMENT.selector);
  });
  registers["cr0"] = word(STATE.cr0);
  registers["cr2"] = long(STATE.cr2);
  registers["cr3"] = long(STATE.cr3);
  registers["cr4"] = word(STATE.cr4);
  registers["efer"] = word(STATE.efer);
  for (let number = 0; number < XMM_REGISTERS; number++) {
    const place = STATE.xmm + number * 16;
    registers[`xmm${number}`] = (long(place + 8) << 64n) | long(place);
  }
  registers["mxcsr"] = word(STATE.mxcsr);
  return registers;
}

/** What differs, as "rax 0x1 → 0x2"; flags by the names of those that are set. */
export function changesBetween(
  before: Registers,
  after: Registers,
  without: readonly string[] = [],
): string[] {
  return Object.keys(after)
    .filter((name) => after[name] !== before[name] && !without.includes(name))
    .map((name) =>
      name === "rflags"
        ? `flags ${flagsText(before[name]!)} → ${flagsText(after[name]!)}`
        : `${name} ${hex(before[name]!)} → ${hex(after[name]!)}`,
    );
}

export const hex = (value: bigint): string => `0x${value.toString(16)}`;

/** Names of the flags that are set: "ZF PF IF"; "-" for none. */
export function flagsText(flags: bigint): string {
  const set = FLAG_NAMES.filter((name) => (Number(flags & 0xffffn) & RFLAGS[name]) !== 0);
  return set.length === 0 ? "-" : set.join(" ");
}
