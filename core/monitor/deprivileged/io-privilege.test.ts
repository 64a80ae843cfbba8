/**
 * Under binary translation a program with IOPL 3 executes CLI, STI and OUT as natively, though the machine's IOPL is 0; one with
 * less meets #GP. What is not right: its POPF does not change IF, and its PUSHF shows the machine's, for neither traps.
 */
import { expect, it } from "vitest";
import { loadImage } from "../../guest/images/image.js";
import { RFLAGS } from "../../machine/cpu/state.js";
import { Assembler } from "../../machine/x86/assemble.js";
import { imm, mem, SIZES } from "../../machine/x86/assembler-operands.js";
import { REGISTERS } from "../../machine/x86/registers.js";
import { endingOf, type Guest, native, translated, trapped } from "../testing/code-guests.js";

const { eax, esp } = REGISTERS;
const ORIGIN = 0x10_0000;
const STACK = 0x20_0000;
const USER_CODE = 0x1b;
const USER_DATA = 0x23;
/** Code and data of CPL 0, and of CPL 3. */
const DESCRIPTORS = [
  0x00cf_9b00_0000_ffffn,
  0x00cf_9300_0000_ffffn,
  0x00cf_fb00_0000_ffffn,
  0x00cf_f300_0000_ffffn,
];
const EXIT_PORT = 0xf4;

function programWith(flags: number): Guest {
  const code = new Assembler({ bits: 32, origin: ORIGIN });
  code.emit("mov", esp, STACK).emit("lgdt", mem(SIZES.fword, "table"));
  code.emit("push", USER_DATA).emit("push", STACK).emit("push", imm(flags, 4));
  code.emit("push", USER_CODE).emit("push", imm("program", 4)).emit("iretd");
  code.label("program").emit("cli").emit("mov", eax, 0).emit("sti").emit("nop").emit("cli");
  code.emit("out", imm(EXIT_PORT, 1), eax);
  code
    .align(8)
    .label("descriptors")
    .dq(0, ...DESCRIPTORS);
  code
    .label("table")
    .dw(8 * DESCRIPTORS.length + 7)
    .dd("descriptors");
  const options = { name: "program", kind: "raw", rawMode: 32, append: "", memoryBytes: 2 ** 26 } as const;
  return { load: loadImage(code.assemble().bytes, options) };
}

it.each([
  ["natively", native],
  ["under binary translation", translated],
])("%s", (_name, make) => {
  const free = programWith(RFLAGS.IOPL);
  expect(endingOf(make(free), free).outcome).toEqual({ kind: "exit", status: 0 });
  const bound = programWith(0);
  expect(endingOf(make(bound), bound).outcome).toMatchObject({ kind: "shutdown" });
});

it("under trap-and-emulate IRET drops IOPL, and is named", () => {
  const guest = programWith(RFLAGS.IOPL);
  const computer = trapped(guest);
  expect(endingOf(computer, guest).outcome).toMatchObject({ kind: "shutdown" });
  expect(computer.misbehaviour).toMatch(/^IRETD at 0x\w+ dropped IOPL$/);
});
