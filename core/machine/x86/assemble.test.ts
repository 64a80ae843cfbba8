/** Does the assembler write what is meant, as short as it can be, and say what is wrong? */
import { expect, it } from "vitest";
import { UserError } from "../../util/errors.js";
import { Assembler } from "./assemble.js";
import { type AssemblerOperand, far, imm, mem, minus, plus, SIZES } from "./assembler-operands.js";
import { decode } from "./decode.js";
import { disassemble } from "./disassemble.js";
import type { CodeMode } from "./instruction.js";
import { REGISTERS } from "./registers.js";

const { rax, rbx, rcx, rsp, r9, eax, ebx, ecx, ax, bx, si, al, ah, sil, dx, ds, fs, cr0, cr3 } = REGISTERS;
const { rip, xmm0, xmm9, st0 } = REGISTERS;
const { byte, word, dword, qword } = SIZES;

const hex = (bytes: Uint8Array): string => [...bytes].map((b) => b.toString(16).padStart(2, "0")).join(" ");

const one = (bits: CodeMode, name: string, ...operands: AssemblerOperand[]): string =>
  hex(new Assembler({ bits }).emit(name, ...operands).assemble().bytes);

function failure(build: () => unknown): string {
  try {
    build();
  } catch (error) {
    if (error instanceof UserError) return error.text;
    throw error;
  }
  return "no error";
}

it.each([
  [64, ["add", eax, mem(dword, 16, { index: ecx, scale: 4 })], "67 03 04 8d 10 00 00 00"],
  [64, ["add", rax, mem(qword, rbx, { index: rcx, scale: 8, displacement: 16 })], "48 03 44 cb 10"],
  [64, ["mov", rax, 5], "48 c7 c0 05 00 00 00"],
  [64, ["mov", eax, 5], "b8 05 00 00 00"],
  [64, ["mov", rax, 0x123456789abcn], "48 b8 bc 9a 78 56 34 12 00 00"],
  [64, ["mov", rax, imm(5, 8)], "48 b8 05 00 00 00 00 00 00 00"],
  [64, ["add", rax, 5], "48 83 c0 05"],
  [64, ["add", rax, 500], "48 05 f4 01 00 00"],
  [64, ["and", rsp, 0xfffffffffffffff0n], "48 83 e4 f0"],
  [32, ["and", ecx, 0xfffffff0], "83 e1 f0"],
  [64, ["lock xadd", mem(rbx), eax], "f0 0f c1 03"],
  [64, ["mov", r9, mem(r9)], "4d 8b 09"],
  [64, ["mov", rax, mem(rsp)], "48 8b 04 24"],
  [64, ["mov", al, mem(0x123456789abcn)], "a0 bc 9a 78 56 34 12 00 00"],
  [64, ["mov", sil, al], "40 88 c6"],
  [64, ["movzx", eax, mem(byte, rbx)], "0f b6 03"],
  [64, ["mov", cr3, rax], "0f 22 d8"],
  [32, ["mov", eax, cr0], "0f 20 c0"],
  [64, ["mov", ds, eax], "8e d8"],
  [64, ["mov", rax, mem(0x28, { segment: fs })], "64 48 8b 04 25 28 00 00 00"],
  [64, ["movsd", xmm9, mem(rbx)], "f2 44 0f 10 0b"],
  [64, ["movsd", xmm9, xmm0], "f2 44 0f 10 c8"],
  [64, ["rep movsd"], "f3 a5"],
  [64, ["fs lodsb"], "64 ac"],
  [64, ["shl", rax, 1], "48 d1 e0"],
  [64, ["shl", rax, 3], "48 c1 e0 03"],
  [64, ["sal", eax, REGISTERS.cl], "d3 e0"],
  [64, ["setz", al], "0f 94 c0"],
  [64, ["cmovnae", eax, ebx], "0f 42 c3"],
  [64, ["push", 5], "6a 05"],
  [64, ["push", 300], "68 2c 01 00 00"],
  [16, ["push", 300], "68 2c 01"],
  [32, ["o16 push", 300], "66 68 2c 01"],
  [64, ["iretq"], "48 cf"],
  [64, ["ret"], "c3"],
  [64, ["in", al, dx], "ec"],
  [64, ["fadd", st0, st0], "d8 c0"],
  [64, ["nop"], "90"],
  [64, ["pause"], "f3 90"],
  [64, ["lgdt", mem(rax)], "0f 01 10"],
  [16, ["o32 lgdt", mem(0x800)], "66 0f 01 16 00 08"],
  [16, ["mov", ax, mem(bx, { index: si, displacement: 300 })], "8b 80 2c 01"],
  [16, ["mov", eax, mem(ebx)], "67 66 8b 03"],
  [16, ["jmp far", far(8, 0x1234)], "ea 34 12 08 00"],
  [16, ["jmp far", far(8, 0x12345678, 4)], "66 ea 78 56 34 12 08 00"],
  [32, ["jmp far", mem(SIZES.fword, eax)], "ff 28"],
  [32, ["jmp", mem(dword, eax)], "ff 20"],
] as const)("%i-bit code, case %#", (bits, [name, ...operands], expected) => {
  expect(one(bits, name, ...operands)).toBe(expected);
});

it("branches are as short as they can be, forward and back", () => {
  const a = new Assembler({ bits: 64 });
  a.label("start").emit("jmp", "near").emit("jmp", "far").reserve(119);
  a.label("near").emit("je", "start").reserve(8);
  a.label("far").emit("call", "start");
  const { bytes, labels } = a.assemble();
  expect(labels.get("near")).toBe(126n);
  expect(labels.get("far")).toBe(136n);
  // 124 bytes ahead is short, 129 is not; 128 back is.
  expect(hex(bytes.subarray(0, 7))).toBe("eb 7c e9 81 00 00 00");
  expect(hex(bytes.subarray(126, 128))).toBe("74 80");
  expect(hex(bytes.subarray(136))).toBe("e8 73 ff ff ff");
});

it("a branch that grows can push another out of reach", () => {
  const a = new Assembler({ bits: 32 });
  a.emit("jmp", "b").reserve(123).emit("jmp", "c").label("b").reserve(126).label("c");
  const { bytes } = a.assemble();
  expect(hex(bytes.subarray(0, 2))).toBe("eb 7d");
  expect(hex(bytes.subarray(125, 127))).toBe("eb 7e");
  const grown = new Assembler({ bits: 32 });
  grown.emit("jmp", "b").reserve(124).emit("jmp", "c").label("b").reserve(128).label("c");
  expect(hex(grown.assemble().bytes.subarray(0, 1))).toBe("e9");
});

it("data, labels in data, padding and reserved room", () => {
  const a = new Assembler({ bits: 64, origin: 0x100000 });
  a.label("start").db(1, 255, -1, "hi", 0).align(8, 0).label("table").dq("start", minus("end", "table"));
  a.dd(plus("table", 4)).dw(0x1234).reserve(2).org(0x100030).label("end").ascii("ok");
  const { bytes, labels } = a.assemble();
  expect(hex(bytes)).toBe(
    [
      "01 ff ff 68 69 00 00 00",
      "00 00 10 00 00 00 00 00 28 00 00 00 00 00 00 00",
      "0c 00 10 00 34 12 00 00",
      "00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00",
      "6f 6b",
    ].join(" "),
  );
  expect(labels.get("end")).toBe(0x100030n);
});

it("labels in operands: absolute, RIP-relative, immediate, and in the upper half", () => {
  const a = new Assembler({ bits: 64, origin: 0xffffffff80100000n });
  a.emit("mov", rax, mem(rip, { displacement: "data" }));
  a.emit("mov", mem(dword, rip, { displacement: "data" }), 7);
  a.emit("mov", rax, mem("data"));
  a.emit("mov", rbx, "data");
  a.emit("mov", rcx, mem("data", { index: rax, scale: 8 }));
  a.label("data").dq(0);
  const { bytes, origin, labels } = a.assemble();
  const lines: string[] = [];
  for (let at = 0; origin + BigInt(at) < labels.get("data")!; ) {
    const instruction = decode(bytes, at, 64);
    if (typeof instruction === "string") throw new Error(instruction);
    const symbol = (address: bigint): string | undefined =>
      address === labels.get("data") ? "data" : undefined;
    lines.push(disassemble(instruction, { address: origin + BigInt(at), symbol }));
    at += instruction.length;
  }
  expect(lines).toEqual([
    "mov rax, qword ptr [rip+data]",
    "mov dword ptr [rip+data], 7",
    "mov rax, qword ptr [0xffffffff80100028]",
    "mov rbx, -0x7fefffd8",
    "mov rcx, qword ptr [rax*8-0x7fefffd8]",
  ]);
});

it("three widths in one program: into protected mode and into 64-bit code", () => {
  const a = new Assembler({ bits: 16, origin: 0x8000 });
  a.emit("o32 lgdt", mem("gdtr"));
  a.emit("mov", eax, cr0).emit("or", eax, 1).emit("mov", cr0, eax);
  a.emit("jmp far", far(8, "protected", 4));
  a.bits(32).label("protected").emit("mov", mem("flag"), eax).emit("jmp far", far(24, "long"));
  a.bits(64)
    .label("long")
    .emit("mov", mem(dword, rip, { displacement: "flag" }), 1)
    .emit("hlt");
  a.label("gdtr").dw(31).dd("flag").label("flag").dd(0);
  expect(hex(a.assemble().bytes)).toBe(
    [
      "66 0f 01 16 2f 80 0f 20 c0 66 83 c8 01 0f 22 c0 66 ea 18 80 00 00 08 00",
      "a3 35 80 00 00 ea 24 80 00 00 18 00",
      "c7 05 07 00 00 00 01 00 00 00 f4",
      "1f 00 35 80 00 00 00 00 00 00",
    ].join(" "),
  );
});

it.each([
  ["no form of ADD takes rax, xmm0", () => one(64, "add", rax, xmm0)],
  ["did you mean", () => one(64, "addd", rax, rbx)],
  ["nothing says how wide the memory is", () => one(64, "add", mem(rbx), 5)],
  ["lock is not for add", () => one(64, "lock add", rax, rbx)],
  ["rep is not for add", () => one(64, "rep add", rax, rbx)],
  ["do not go with a REX prefix", () => one(64, "mov", ah, sil)],
  ["no form of MOV takes al, 300", () => one(64, "mov", al, 300)],
  ["not in 64-bit code", () => one(64, "pushfd")],
  ["cannot address by 64-bit", () => one(32, "mov", eax, mem(rax))],
  ["esp, rsp and rip are no index", () => one(64, "mov", eax, mem(rax, { index: rsp }))],
  ["16-bit addressing has", () => one(16, "mov", ax, mem(ax))],
  ['no label "lop"', () => new Assembler({ bits: 64 }).label("loop").emit("jmp", "lop").assemble()],
  ["is out of reach", () => new Assembler({ bits: 64 }).emit("loop", "x").reserve(128).label("x").assemble()],
  [
    "is out of reach",
    () => new Assembler({ bits: 64, origin: 0x1_0000_0000 }).label("x").emit("push", "x").assemble(),
  ],
  ["defined twice", () => new Assembler({ bits: 64 }).label("x").label("x")],
  ["is behind", () => new Assembler({ bits: 64 }).reserve(9).org(8).assemble()],
  ["does not fit 1 bytes", () => new Assembler({ bits: 64 }).db(256).assemble()],
  ["not ASCII", () => new Assembler({ bits: 64 }).ascii("ö")],
] as const)("says what is wrong: %s", (expected, build) => {
  expect(failure(build)).toContain(expected);
});

it("a word size that memory has is as good as that of a register", () => {
  expect(one(16, "mov", mem(word, bx), 5)).toBe("c7 07 05 00");
});
