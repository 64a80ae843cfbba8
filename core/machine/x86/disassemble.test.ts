/** Does the text say what the instruction is, and name what it refers to? */
import { expect, it } from "vitest";
import { decode } from "./decode.js";
import { type DisassemblyOptions, disassemble } from "./disassemble.js";

function text(hex: string, options?: DisassemblyOptions): string {
  const result = decode(
    Uint8Array.from(hex.split(" "), (byte) => Number.parseInt(byte, 16)),
    0,
    64,
  );
  return typeof result === "string" ? result : disassemble(result, options);
}

it("branches are relative without an address, absolute with one, and named where there is a name", () => {
  expect(text("75 fe")).toBe("jne $+0");
  expect(text("75 f0")).toBe("jne $-0xe");
  expect(text("75 10", { address: 0x1000n })).toBe("jne 0x1012");
  expect(text("75 fe", { address: 0xffffffff80000000n })).toBe("jne 0xffffffff80000000");
  const symbol = (address: bigint): string | undefined => (address === 0x1012n ? "done" : undefined);
  expect(text("75 10", { address: 0x1000n, symbol })).toBe("jne done");
  expect(text("75 11", { address: 0x1000n, symbol })).toBe("jne 0x1013");
});

it("RIP-relative memory is named", () => {
  const symbol = (address: bigint): string | undefined => (address === 0x1016n ? "counter" : undefined);
  expect(text("8b 05 10 00 00 00")).toBe("mov eax, dword ptr [rip+0x10]");
  expect(text("8b 05 10 00 00 00", { address: 0x1000n, symbol })).toBe("mov eax, dword ptr [rip+counter]");
});

it.each([
  ["f0 48 0f b1 54 cf 10", "lock cmpxchg qword ptr [rdi+rcx*8+0x10], rdx"],
  ["48 83 ec 28", "sub rsp, 0x28"],
  ["48 83 e4 f0", "and rsp, -0x10"],
  ["64 48 8b 04 25 28 00 00 00", "mov rax, qword ptr fs:[0x28]"],
  ["48 8d 74 26 00", "lea rsi, [rsi]"],
  ["0f 01 38", "invlpg [rax]"],
  ["d1 e0", "shl eax, 1"],
  ["f2 0f 10 45 f8", "movsd xmm0, qword ptr [rbp-8]"],
  ["66 0f 6f 00", "movdqa xmm0, xmmword ptr [rax]"],
  ["66 0f f7 c1", "maskmovdqu xmm0, xmm1"],
  ["65 66 0f f7 c1", "maskmovdqu xmm0, xmm1, xmmword ptr gs:[rdi]"],
  ["d8 c1", "fadd st(0), st(1)"],
  ["db 28", "fld tbyte ptr [rax]"],
  ["0f ae 00", "fxsave [rax]"],
  ["e4 60", "in al, 0x60"],
  ["6d", "insd"],
  ["d7", "xlat"],
  ["ca 04 00", "retfd 4"],
] as const)("%s is %s", (hex, expected) => {
  expect(text(hex)).toBe(expected);
});
