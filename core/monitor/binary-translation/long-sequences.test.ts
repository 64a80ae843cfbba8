/**
 * Random kernel code of 64 bits: what the translator does not execute as it is, and what refers to memory by RIP, with random flags
 * and all registers between; and a fault at each of them. What it leaves behind is what it leaves on the bare machine.
 */
import { describe, expect, it, vi } from "vitest";
import { loadImage } from "../../guest/images/image.js";
import { RFLAGS } from "../../machine/cpu/state.js";
import { Assembler } from "../../machine/x86/assemble.js";
import { imm, mem, SIZES } from "../../machine/x86/assembler-operands.js";
import type { RegisterOperand } from "../../machine/x86/instruction.js";
import { REGISTERS } from "../../machine/x86/registers.js";
import { Random } from "../../util/random.js";
import { endingOf, type Guest, native, translated, withLongLimits } from "../testing/code-guests.js";
import * as sequences from "./sequences.js";

const { al, ax, eax, ecx, edx, cr0, cr2, cr8, cs, ds, es, fs, gs, ss, rip, xmm3 } = REGISTERS;
const { rax, rbx, rcx, rdx, rbp, rsi, rdi, rsp, r8, r9, r10, r11, r12, r13, r14, r15 } = REGISTERS;
const { byte, dword, qword, tbyte } = SIZES;
const ORIGIN = 0x10_0000;
const STACK = 0x20_0000;
/** Cells that code refers to and branches go through; the page of an address that is missing is beyond what is mapped. */
const CELL = 0x21_0000;
const NOWHERE = 0x12_3456_7000n;
const TABLE = 0x22_0000;
const EXIT_PORT = 0xf4;
const MASKS = [0x21, 0xa1];
const GS_BASE = 0xc000_0101;
const KERNEL_GS_BASE = 0xc000_0102;
const INTERRUPT_GATE = 0x8e00;
const PAGE_FAULT = 14;
/** What an image for POPF may have: no TF, and no NT, with which IRET is another instruction. */
const SETTABLE =
  RFLAGS.IF | RFLAGS.IOPL | RFLAGS.DF | RFLAGS.CF | RFLAGS.ZF | RFLAGS.SF | RFLAGS.OF | RFLAGS.PF | RFLAGS.AF;
/** R15 has the hash, RDI and RSP are the code's own. */
const RANDOM = [rax, rbx, rcx, rdx, rbp, rsi, r8, r9, r10, r11, r12, r13, r14];

type Operation = (code: Assembler, random: Random) => void;

function setBase(code: Assembler, register: number, base: number): void {
  code
    .emit("mov", ecx, imm(register | 0, 4))
    .emit("mov", eax, base)
    .emit("xor", edx, edx)
    .emit("wrmsr");
}

/** Begins with interrupts masked at the controllers; ends with the hash as the machine's status. */
function guestOf(body: (code: Assembler) => void): Guest {
  const code = new Assembler({ bits: 64, origin: ORIGIN });
  code.emit("mov", rsp, STACK).emit("mov", eax, 0xff);
  for (const port of MASKS) code.emit("out", imm(port, 1), al);
  setBase(code, GS_BASE, CELL);
  setBase(code, KERNEL_GS_BASE, CELL + 0x100);
  code.emit("mov", rdi, TABLE + 16 * PAGE_FAULT).emit("mov", eax, "page fault");
  code.emit("mov", mem(qword, rdi), 0).emit("mov", mem(qword, rdi, { displacement: 8 }), 0);
  code.emit("mov", mem(SIZES.word, rdi), ax).emit("shr", eax, 16);
  code.emit("mov", mem(SIZES.word, rdi, { displacement: 6 }), ax).emit("mov", eax, cs);
  code.emit("mov", mem(SIZES.word, rdi, { displacement: 2 }), ax);
  code.emit("mov", mem(dword, rdi, { displacement: 4 }), INTERRUPT_GATE | 0x10_0000);
  code.emit("lidt", mem(tbyte, "table")).emit("mov", r15, 1).emit("jmp", "body");
  code.label("table").dw(0xfff).dq(TABLE);
  // What faults has R11 point to where it goes on, and its address in RSI, or in RSP with the good one in R10.
  code.label("page fault");
  for (const item of [0, 1, 3])
    code.emit("rol", r15, 7).emit("xor", r15, mem(qword, rsp, { displacement: 8 * item }));
  code.emit("mov", r9, cr2).emit("rol", r15, 7).emit("xor", r15, r9).emit("mov", rsp, STACK).emit("jmp", r11);
  code.label("body");
  body(code);
  code.emit("mov", rax, r15).emit("shr", rax, 32).emit("xor", eax, REGISTERS.r15d);
  code.emit("out", imm(EXIT_PORT, 1), eax);
  const options = { name: "random", kind: "raw", rawMode: 64, append: "", memoryBytes: 2 ** 26 } as const;
  return withLongLimits({ load: loadImage(code.assemble().bytes, options) });
}

/** Folds flags and registers into R15. */
function note(code: Assembler): void {
  code.emit("pushfq").emit("pop", rdi).emit("rol", r15, 5).emit("xor", r15, rdi);
  for (const register of [...RANDOM, rsp]) code.emit("rol", r15, 3).emit("add", r15, register);
}

/** Memory that RIP finds, at a label's place. */
const near = (label: string) => mem(rip, { displacement: label });

const OPERATIONS: readonly Operation[] = [
  (code) => void code.emit("cli"),
  (code) => void code.emit("sti").emit("nop"),
  (code) => void code.emit("pushfq").emit("pop", rbx),
  (code, random) => void code.emit("push", imm(random.int32() & SETTABLE, 4)).emit("popfq"),
  (code) => void code.emit("mov", r8, cr0).emit("smsw", r9),
  (code, random) => {
    code
      .emit("mov", rax, imm(random.below(16), 4))
      .emit("mov", cr8, rax)
      .emit("mov", rbx, cr8);
  },
  (code) =>
    void code
      .emit("swapgs")
      .emit("mov", mem(qword, 8, { segment: gs }), rdx)
      .emit("swapgs"),
  (code) =>
    void code
      .emit("add", r10, mem(qword, 16, { segment: gs }))
      .emit("push", mem(qword, 8, { segment: gs }))
      .emit("pop", r12),
  (code) =>
    void code
      .emit("mov", eax, ss)
      .emit("mov", ecx, cs)
      .emit("mov", edx, ds)
      .emit("push", fs)
      .emit("pop", rbx),
  (code) => void code.emit("mov", eax, ds).emit("mov", es, ax).emit("mov", fs, ax),
  (code) => {
    const [data, on] = [code.unique("data"), code.unique("on")];
    code.emit("add", rbx, near(data)).emit("xor", near(data), rcx).emit("lea", r9, near(data));
    code
      .emit("cmp", mem(dword, rip, { displacement: data }), imm(0x1234_5678, 4))
      .emit("movups", xmm3, near(data));
    code
      .emit("mov", mem(byte, rip, { displacement: data }), imm(7, 1))
      .emit("shl", mem(qword, rip, { displacement: data }), 1);
    code.emit("jmp", on).align(16).label(data).dq(0x1122_3344, 5).label(on);
  },
  (code) => {
    const [cell, on] = [code.unique("cell"), code.unique("on")];
    code.emit("jmp", near(cell)).label(cell).dq(on).label(on);
  },
  (code) => {
    const [cell, to, on] = [code.unique("cell"), code.unique("to"), code.unique("on")];
    code
      .emit("call", near(cell))
      .emit("jmp", on)
      .label(cell)
      .dq(to)
      .label(to)
      .emit("pop", r13)
      .emit("jmp", r13)
      .label(on);
  },
  (code, random) => {
    const [to, on] = [code.unique("to"), code.unique("on")];
    code
      .emit("call", to)
      .emit("jmp", on)
      .label(to)
      .emit("mov", rcx, imm(random.int32(), 4))
      .emit("ret")
      .label(on);
  },
  (code, random) => {
    const [to, on] = [code.unique("to"), code.unique("on")];
    const register: RegisterOperand = RANDOM[random.below(RANDOM.length)]!;
    code.emit("mov", register, imm(to, 8)).emit("push", rdx).emit("call", register).emit("jmp", on);
    code.label(to).emit("ret", imm(8, 2)).label(on);
  },
  (code) => {
    const on = code.unique("on");
    code
      .emit("mov", r14, CELL)
      .emit("mov", r13, 2)
      .emit("mov", mem(qword, CELL + 16), imm(on, 4));
    code
      .emit("jmp", mem(qword, r14, { index: r13, scale: 8 }))
      .emit("ud2")
      .label(on);
  },
  (code, random) => {
    const again = code.unique("again");
    code
      .emit("mov", rcx, imm(1 + random.below(4), 4))
      .label(again)
      .emit("add", rax, rbx)
      .emit("loop", again);
  },
  (code) => {
    const [on, other] = [code.unique("on"), code.unique("other")];
    code.emit("jrcxz", on).emit("inc", rdx).label(on).emit("jecxz", other).emit("inc", rdx).label(other);
  },
  (code, random) => {
    const on = code.unique("on");
    code.emit("mov", eax, ss).emit("push", rax).emit("push", imm(STACK, 4));
    code
      .emit("push", imm(random.int32() & SETTABLE, 4))
      .emit("mov", eax, cs)
      .emit("push", rax);
    code.emit("push", imm(on, 4)).emit("iretq").emit("ud2").label(on);
  },
];

/** What faults where RSI is, and with the stack there. */
const FAULTS: readonly Operation[] = [
  (code) => void code.emit("add", mem(qword, rsi), rax),
  (code) => void code.emit("push", mem(qword, rsi)),
  (code) => void code.emit("call", mem(qword, rsi)),
  (code) => void code.emit("jmp", mem(qword, rsi)),
  (code) => void code.emit("jmp", rsi),
  (code) => void code.emit("mov", mem(SIZES.word, rsi), ss),
  (code) => void code.emit("lgdt", mem(tbyte, rsi)),
  (code) => void code.emit("smsw", mem(SIZES.word, rsi)),
  (code) => void code.emit("mov", rax, mem(qword, rsi, { segment: gs })),
  (code) => void code.emit("movsq"),
];

function ends(guest: Guest): void {
  const truth = endingOf(native(guest), guest);
  expect(truth.outcome).toMatchObject({ kind: "exit" });
  expect(endingOf(translated(guest), guest)).toEqual(truth);
  expect(endingOf(translated(guest, "interpreter", { chaining: false, cachePages: 2 }), guest)).toEqual(
    truth,
  );
}

function randomGuest(seed: number): Guest {
  const random = new Random(seed);
  return guestOf((code) => {
    for (const register of RANDOM) code.emit("mov", register, imm(random.int32(), 4));
    for (let done = 0; done < 80; done++) {
      OPERATIONS[random.below(OPERATIONS.length)]!(code, random);
      note(code);
    }
  });
}

describe.each(Array.from({ length: 6 }, (_, seed) => seed))("seed %i", (seed) => {
  it("random kernel code is what it is natively", () => ends(randomGuest(seed)));

  it("so it is where each faults", () => {
    const random = new Random(seed);
    ends(
      guestOf((code) => {
        for (const register of RANDOM) code.emit("mov", register, imm(random.int32(), 4));
        for (let done = 0; done < 30; done++) {
          const behind = code.unique("behind");
          code.emit("mov", r11, imm(behind, 8)).emit("mov", rsi, imm(NOWHERE, 8));
          FAULTS[random.below(FAULTS.length)]!(code, random);
          code.emit("ud2").label(behind);
          note(code);
        }
      }),
    );
  });
});

it("a translator whose PUSHFQ shows the machine's flags is found out", () => {
  vi.spyOn(sequences, "pushFlags").mockImplementation((code) => void code.emit("pushfq"));
  try {
    expect(() => ends(randomGuest(0))).toThrow();
  } finally {
    vi.restoreAllMocks();
  }
});
