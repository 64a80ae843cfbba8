/** The rules of prefixes, lengths and registers, one by one, each with the section that gives it. */
import { expect, it } from "vitest";
import { costClassOf } from "./cost-class.js";
import { decode, LONGEST_INSTRUCTION } from "./decode.js";
import { disassemble } from "./disassemble.js";
import type { CodeMode } from "./instruction.js";

const bytesOf = (hex: string): Uint8Array =>
  Uint8Array.from(hex.split(" "), (byte) => Number.parseInt(byte, 16));

function text(mode: CodeMode, hex: string): string {
  const bytes = bytesOf(hex);
  const result = decode(bytes, 0, mode);
  if (typeof result === "string") return result;
  expect(result.length, hex).toBe(bytes.length);
  return disassemble(result);
}

it.each([
  // Operand and address size (SDM vol. 1, 3.6).
  [16, "01 d8", "add ax, bx"],
  [16, "66 01 d8", "add eax, ebx"],
  [32, "66 01 d8", "add ax, bx"],
  [64, "48 01 d8", "add rax, rbx"],
  [64, "66 48 01 d8", "add rax, rbx"],
  [32, "67 8b 42 10", "mov eax, dword ptr [bp+si+0x10]"],
  [64, "67 8b 00", "mov eax, dword ptr [eax]"],
  [16, "67 66 8b 04 8d 00 10 00 00", "mov eax, dword ptr [ecx*4+0x1000]"],
  // 64-bit defaults (SDM vol. 2, A.3, superscripts d64 and f64).
  [64, "50", "push rax"],
  [64, "66 50", "push ax"],
  [64, "41 57", "push r15"],
  [64, "66 e8 00 00 00 00", "call $+6"],
  [32, "66 e8 00 00", "call $+4"],
  [64, "0f 20 c0", "mov rax, cr0"],
  [64, "44 0f 20 c0", "mov rax, cr8"],
  [64, "cf", "iretd"],
  [64, "48 cf", "iretq"],
  // REX: only right before the opcode, and what it does to byte registers (SDM vol. 2, 2.2.1).
  [64, "48 66 01 d8", "add ax, bx"],
  [64, "88 e0", "mov al, ah"],
  [64, "40 88 e0", "mov al, spl"],
  [64, "41 90", "xchg r8d, eax"],
  [64, "48 90", "nop"],
  [64, "f3 90", "pause"],
  [32, "48", "dec eax"],
  // RIP-relative in 64-bit code, absolute by SIB (2.2.1.6).
  [64, "8b 05 10 00 00 00", "mov eax, dword ptr [rip+0x10]"],
  [64, "67 8b 05 10 00 00 00", "mov eax, dword ptr [eip+0x10]"],
  [32, "8b 05 10 00 00 00", "mov eax, dword ptr [0x10]"],
  [64, "8b 04 25 10 00 00 80", "mov eax, dword ptr [0xffffffff80000010]"],
  [64, "a1 88 77 66 55 44 33 22 11", "mov eax, dword ptr [0x1122334455667788]"],
  // R12 and R13 as base need SIB and displacement; neither is on the stack.
  [64, "49 8b 04 24", "mov rax, qword ptr [r12]"],
  [64, "49 8b 45 00", "mov rax, qword ptr [r13]"],
  [64, "4a 8b 04 20", "mov rax, qword ptr [rax+r12]"],
  // Segments: default SS for SP and BP; in 64-bit code only FS and GS override, also if another comes after.
  [32, "3e 8b 45 00", "mov eax, dword ptr ds:[ebp]"],
  [32, "36 8b 45 00", "mov eax, dword ptr [ebp]"],
  [64, "64 2e 8b 00", "mov eax, dword ptr fs:[rax]"],
  [32, "64 2e 8b 00", "mov eax, dword ptr cs:[eax]"],
  // Mandatory prefixes: F2 and F3 before 66, the last of the two.
  [64, "66 f2 0f 58 c1", "addsd xmm0, xmm1"],
  [64, "f2 f3 0f 58 c1", "addss xmm0, xmm1"],
  [64, "66 f3 0f b8 c1", "popcnt ax, cx"],
  [64, "f2 0f b8 c1", "undefined"],
  [64, "f2 0f bc c1", "bsf eax, ecx"],
  // LOCK (SDM vol. 2, LOCK).
  [32, "f0 01 18", "lock add dword ptr [eax], ebx"],
  [32, "f0 01 d8", "undefined"],
  [32, "f0 03 18", "undefined"],
  [32, "f0 89 18", "undefined"],
  [32, "f0 90", "undefined"],
  // Repeat prefixes.
  [32, "f3 a5", "rep movsd"],
  [64, "f3 48 ab", "rep stosq"],
  [16, "f2 ae", "repne scasb"],
  [16, "f3 a6", "repe cmpsb"],
  [32, "f3 64 a4", "rep movsb byte ptr es:[edi], byte ptr fs:[esi]"],
  [32, "f3 01 d8", "add eax, ebx"],
  // Registers that are not there.
  [32, "8e c8", "undefined"],
  [32, "8e f0", "undefined"],
  [32, "8c c8", "mov eax, cs"],
  [64, "0f 22 c8", "undefined"],
  [64, "44 0f 23 c0", "undefined"],
  [32, "0f 22 18", "mov cr3, eax"],
  // Gone in 64-bit code.
  [64, "06", "undefined"],
  [64, "27", "undefined"],
  [64, "60", "undefined"],
  [64, "ea 00 00 00 00 08 00", "undefined"],
  [64, "82 c0 01", "undefined"],
  // VEX, and LES and LDS in its place (2.3.2); no prefix before it, no vvvv without use.
  [64, "c4 e2 78 f2 c3", "andn eax, eax, ebx"],
  [32, "c4 e2 78 f2 c3", "andn eax, eax, ebx"],
  [32, "c4 18", "les ebx, fword ptr [eax]"],
  [32, "c5 18", "lds ebx, fword ptr [eax]"],
  [64, "66 c4 e2 78 f2 c3", "undefined"],
  [64, "c4 e3 7b f0 c3 04", "rorx eax, ebx, 4"],
  [64, "c4 e3 73 f0 c3 04", "undefined"],
  [64, "c4 e2 7c f2 c3", "undefined"],
  [64, "c5 f8 58 c0", "undefined"],
  // Far pointers, and what needs memory.
  [16, "ea 34 12 78 56", "jmp far 0x5678:0x1234"],
  [32, "ff 2d 00 10 00 00", "jmp far fword ptr [0x1000]"],
  [32, "ff e8", "undefined"],
  [32, "8d c0", "undefined"],
  [32, "0f 01 fa", "undefined"],
  [64, "0f 01 f8", "swapgs"],
  [32, "0f 01 f8", "undefined"],
  [32, "0f 0b", "ud2"],
  [64, "d6", "undefined"],
] as const)("%i-bit %s: %s", (mode, hex, expected) => {
  expect(text(mode, hex)).toBe(expected);
});

it("fifteen bytes are the most, prefixes counted", () => {
  const nops = (count: number): Uint8Array => Uint8Array.from([...new Array<number>(count).fill(0x66), 0x90]);
  expect(decode(nops(LONGEST_INSTRUCTION - 1), 0, 32)).toMatchObject({ length: LONGEST_INSTRUCTION });
  expect(decode(nops(LONGEST_INSTRUCTION), 0, 32)).toBe("too-long");
  expect(decode(new Uint8Array(100).fill(0x66), 0, 32)).toBe("too-long");
  expect(decode(new Uint8Array(14).fill(0x66), 0, 32)).toBe("truncated");
});

it("reads at the offset given and nothing beyond the end", () => {
  const bytes = bytesOf("90 b8 01 02 03 04");
  expect(decode(bytes, 1, 32)).toMatchObject({ length: 5, operands: [{}, { value: 0x04030201 }] });
  expect(decode(bytes.subarray(0, 5), 1, 32)).toBe("truncated");
  expect(decode(bytes, 6, 32)).toBe("truncated");
  expect(decode(bytesOf("0f 05"), 0, 64)).toMatchObject({ length: 2 });
  // Undefined whatever follows.
  expect(decode(bytesOf("0f 04"), 0, 64)).toBe("undefined");
});

it("immediates are extended as the row says", () => {
  const immediate = (hex: string): unknown => {
    const result = decode(bytesOf(hex), 0, 64);
    return typeof result === "string" ? result : result.operands[1];
  };
  expect(immediate("48 83 c0 ff")).toMatchObject({ value: -1, high: -1, size: 1 });
  expect(immediate("48 81 c0 00 00 00 80")).toMatchObject({ value: -0x80000000, high: -1, size: 4 });
  expect(immediate("b8 ff ff ff ff")).toMatchObject({ value: -1, high: 0, size: 4 });
  expect(immediate("c1 e0 ff")).toMatchObject({ value: 255, high: 0, size: 1 });
  expect(immediate("48 b8 01 00 00 00 02 00 00 00")).toMatchObject({ value: 1, high: 2, size: 8 });
});

it("the base cost of a move depends on where it goes, and LOCK makes anything atomic", () => {
  const classOf = (hex: string): string => {
    const result = decode(bytesOf(hex), 0, 64);
    return typeof result === "string" ? result : costClassOf(result);
  };
  expect(classOf("89 d8")).toBe("move");
  expect(classOf("8b 03")).toBe("load");
  expect(classOf("89 03")).toBe("store");
  expect(classOf("66 0f 6f 03")).toBe("load");
  expect(classOf("01 03")).toBe("alu");
  expect(classOf("f0 01 03")).toBe("atomic");
  expect(classOf("87 03")).toBe("atomic");
  expect(classOf("87 d8")).toBe("move");
});
