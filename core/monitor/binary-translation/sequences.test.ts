/**
 * Random kernel code of what the translator does not execute as it is, with random flags and registers between: what it leaves
 * behind is what it leaves on the bare machine. And code that changes itself, with paging off.
 */
import { expect, it } from "vitest";
import { loadImage } from "../../guest/images/image.js";
import { RFLAGS } from "../../machine/cpu/state.js";
import { Assembler } from "../../machine/x86/assemble.js";
import { imm, mem, SIZES } from "../../machine/x86/assembler-operands.js";
import { REGISTERS } from "../../machine/x86/registers.js";
import { Random } from "../../util/random.js";
import { endingOf, type Guest, native, translated } from "../testing/code-guests.js";

const { eax, ebx, ecx, edx, esi, edi, ebp, esp, al, cs, cr0 } = REGISTERS;
const { byte, dword } = SIZES;
const ORIGIN = 0x10_0000;
const STACK = 0x20_0000;
/** Cells that indirect branches go through. */
const CELL = 0x21_0000;
const EXIT_PORT = 0xf4;
const MASKS = [0x21, 0xa1];
/** What an image for POPF may have: no TF, and no NT, with which IRET is another instruction. */
const SETTABLE =
  RFLAGS.IF | RFLAGS.IOPL | RFLAGS.DF | RFLAGS.CF | RFLAGS.ZF | RFLAGS.SF | RFLAGS.OF | RFLAGS.PF | RFLAGS.AF;

/** Begins with interrupts masked at the controllers, and ends with ESI as the machine's status. */
function guestOf(body: (code: Assembler) => void): Guest {
  const code = new Assembler({ bits: 32, origin: ORIGIN });
  code.emit("mov", esp, imm(STACK, 4)).emit("mov", eax, imm(0xff, 4));
  for (const port of MASKS) code.emit("out", imm(port, 1), al);
  code.emit("mov", esi, imm(1, 4));
  body(code);
  code.emit("mov", eax, esi).emit("out", imm(EXIT_PORT, 1), eax);
  const options = { name: "random", kind: "raw", rawMode: 32, append: "", memoryBytes: 2 ** 26 } as const;
  return { load: loadImage(code.assemble().bytes, options) };
}

/** Folds flags and registers into ESI. */
function note(code: Assembler): void {
  code.emit("pushfd").emit("pop", edi).emit("rol", esi, imm(5, 1)).emit("xor", esi, edi);
  for (const register of [eax, ebx, ecx, edx, ebp, esp])
    code.emit("rol", esi, imm(3, 1)).emit("add", esi, register);
}

type Operation = (code: Assembler, random: Random) => void;
const OPERATIONS: readonly Operation[] = [
  (code) => void code.emit("cli"),
  (code) => void code.emit("sti").emit("nop"),
  (code) => void code.emit("pushfd").emit("pop", ebx),
  (code, random) => {
    code.emit("push", imm(random.int32() & SETTABLE, 4)).emit("popfd");
  },
  (code, random) => {
    const on = code.unique("on");
    code
      .emit("push", imm(random.int32() & SETTABLE, 4))
      .emit("push", cs)
      .emit("push", imm(on, 4));
    code.emit("iretd").emit("ud2").label(on);
  },
  (code) => void code.emit("mov", eax, cr0),
  (code) => void code.emit("smsw", ebx),
  (code, random) => {
    const [to, on] = [code.unique("to"), code.unique("on")];
    code
      .emit("call", to)
      .emit("jmp", on)
      .label(to)
      .emit("mov", ecx, imm(random.int32(), 4))
      .emit("ret")
      .label(on);
  },
  (code) => {
    const [to, on] = [code.unique("to"), code.unique("on")];
    code.emit("mov", eax, imm(to, 4)).emit("push", edx).emit("call", eax).emit("jmp", on);
    code.label(to).emit("ret", imm(4, 2)).label(on);
  },
  (code) => {
    const on = code.unique("on");
    code.emit("mov", mem(dword, CELL), imm(on, 4)).emit("jmp", mem(dword, CELL)).emit("ud2").label(on);
  },
  (code, random) => {
    const again = code.unique("again");
    code
      .emit("mov", ecx, imm(1 + (random.int32() & 3), 4))
      .label(again)
      .emit("add", eax, ebx)
      .emit("loop", again);
  },
  (code) => {
    const on = code.unique("on");
    code.emit("jecxz", on).emit("inc", edx).label(on);
  },
  (code) => {
    const [on, other] = [code.unique("on"), code.unique("other")];
    code.emit("near jz", other).emit("dec", ebp).emit("jmp", on).label(other).emit("neg", ebp).label(on);
  },
];

it.each(Array.from({ length: 12 }, (_, seed) => seed))(
  "random kernel code is what it is natively, seed %i",
  (seed) => {
    const random = new Random(seed);
    const guest = guestOf((code) => {
      for (const register of [eax, ebx, ecx, edx, ebp]) code.emit("mov", register, imm(random.int32(), 4));
      for (let done = 0; done < 80; done++) {
        OPERATIONS[(random.int32() >>> 0) % OPERATIONS.length]!(code, random);
        note(code);
      }
    });
    const truth = endingOf(native(guest), guest);
    expect(truth.outcome).toMatchObject({ kind: "exit" });
    expect(endingOf(translated(guest), guest)).toEqual(truth);
    expect(endingOf(translated(guest, "interpreter", { chaining: false, cachePages: 2 }), guest)).toEqual(
      truth,
    );
  },
);

it.each([
  ["in the unit that stores", (code: Assembler) => void code],
  ["in another", (code: Assembler) => void code.emit("jmp", "on").label("on")],
])("code that changes itself with paging off is what it is natively, %s", (_where, between) => {
  const guest = guestOf((code) => {
    code.emit("mov", ecx, imm(40, 4)).label("again");
    code.emit("mov", mem(byte, "changed", { displacement: 1 }), REGISTERS.cl);
    between(code);
    code.label("changed").emit("mov", ebx, imm(0x1234_5678, 4));
    note(code);
    code.emit("dec", ecx).emit("near jnz", "again");
  });
  const truth = endingOf(native(guest), guest);
  expect(truth.outcome).toMatchObject({ kind: "exit" });
  expect(endingOf(translated(guest), guest)).toEqual(truth);
});
