/**
 * Is an interrupt that waits taken at the first block entry at which it may be, in each engine, and wherever a run is
 * stopped on the way?
 */
import { describe, expect, it } from "vitest";
import { findProfile } from "../../../events/profiles/index.js";
import { loadImage } from "../../../guest/images/image.js";
import { Computer } from "../../computer.js";
import { PLAIN } from "../../testing/plain.js";
import { Assembler, type Program } from "../../x86/assemble.js";
import { imm, mem, SIZES } from "../../x86/assembler-operands.js";
import { REGISTERS } from "../../x86/registers.js";

const { al, ebx, ecx, edx, esp } = REGISTERS;
const EDX = 2;
const EBX = 3;
const { word, dword } = SIZES;
const MEMORY = 2 ** 21;
const CODE = 0x10_0000;
const HANDLER = CODE + 16;
const STACK = 0x9000;
const IDT = 0x4000;
const VECTOR = 0x20;
const INTERRUPT_GATE = 0x8e00;
const DEBUG_EXIT = 0xf4;
/** 8259: vectors from 0x20, line 0 alone open. 8254: counter 0 ends once, after 10 ticks. */
const DEVICES = [
  [0x20, 0x11],
  [0x21, VECTOR],
  [0x21, 4],
  [0x21, 1],
  [0x21, 0xfe],
  [0x43, 0x30],
  [0x40, 10],
  [0x40, 0],
] as const;
/** More iterations than 10 ticks take. */
const WAIT = 100_000;
const ROUNDS_BEFORE = 3;
const NOPS = 5;

/**
 * Lets the interrupt wait while IF is 0, sets IF by `enable`, and counts in EDX how often a loop goes round before the
 * handler takes the place where it was interrupted into EBX. The code behind `enable` is decoded before.
 */
function guest(enable: (code: Assembler) => void): Program {
  const code = new Assembler({ bits: 32, origin: CODE });
  code.emit("jmp", "start").align(HANDLER - CODE);
  code.emit("pop", ebx).emit("mov", al, 0).emit("out", imm(DEBUG_EXIT, 1), al).emit("hlt");
  const gate = IDT + VECTOR * 8;
  code
    .label("idtr")
    .dw(gate + 7 - IDT)
    .dd(IDT);
  code.label("start").emit("mov", esp, STACK).emit("lidt", mem("idtr"));
  code.emit("mov", mem(dword, gate), HANDLER & 0xffff).emit("mov", mem(word, gate + 2), REGISTERS.cs);
  code.emit("mov", mem(dword, gate + 4), (HANDLER & 0xffff_0000) | INTERRUPT_GATE);
  code.emit("mov", ebx, ROUNDS_BEFORE).emit("call", "enabled");
  for (const [port, value] of DEVICES) code.emit("mov", al, value).emit("out", imm(port, 1), al);
  code.emit("mov", ecx, WAIT).label("wait").emit("dec", ecx).emit("jnz", "wait");
  code.emit("mov", edx, 0).emit("mov", ebx, -1);
  enable(code);
  code.label("enabled");
  for (let i = 0; i < NOPS; i++) code.emit("nop");
  code.label("count").emit("inc", edx).emit("dec", ebx).emit("jnz", "count");
  code.emit("ret");
  return code.assemble();
}

function run({ bytes }: Program, engine: "interpreter" | "translator", stops: readonly number[] = []) {
  const computer = new Computer({
    profile: findProfile("skylake-2015")!,
    memoryBytes: MEMORY,
    ...PLAIN,
    engine,
  });
  computer.load(loadImage(bytes, { kind: "raw", rawMode: 32, rawAddress: CODE, memoryBytes: MEMORY }));
  for (const stop of stops) expect(computer.run(stop)).toEqual({ kind: "limit" });
  expect(computer.run(1e6)).toEqual({ kind: "exit", status: 0 });
  const { words } = computer.machine.code!.cpu;
  return { rounds: words[2 * EDX]!, interruptedAt: words[2 * EBX]! };
}

const enables = {
  sti: (code: Assembler) => code.emit("sti"),
  popf: (code: Assembler) => code.emit("push", 0x202).emit("popfd"),
};

describe.each(["interpreter", "translator"] as const)("%s", (engine) => {
  it.each(Object.entries(enables))("takes it before the next block after %s", (_name, enable) => {
    expect(run(guest(enable), engine).rounds).toBeLessThanOrEqual(1);
  });

  it("takes it at the same place when stopped inside the block", () => {
    const program = guest(enables.sti);
    const undisturbed = run(program, engine);
    const beforeEnable = 8 + NOPS + 3 * ROUNDS_BEFORE + 1 + 2 * DEVICES.length + 1 + 2 * WAIT + 2;
    for (let steps = 0; steps <= NOPS; steps++)
      expect(run(program, engine, [beforeEnable + steps])).toEqual(undisturbed);
  });

  it("lets the instruction after STI complete, met for the first time or not", () => {
    const program = guest((code) => code.emit("sti").emit("hlt").label("after"));
    expect(run(program, engine).interruptedAt).toBe(Number(program.labels.get("after")));
  });
});
