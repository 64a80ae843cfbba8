/**
 * An interrupt wherever translated code is, in the midst of its sequences too: what the guest is shown then is one of its own
 * states between two instructions, with RIP, registers and flags as natively.
 */
import { afterEach, expect, it, vi } from "vitest";
import type { GuestComputer } from "../../machine/computer.js";
import { GENERAL, RIP } from "../../machine/cpu/places.js";
import { SystemUnit } from "../../machine/cpu/system-unit.js";
import { imm, mem, SIZES } from "../../machine/x86/assembler-operands.js";
import { REGISTERS } from "../../machine/x86/registers.js";
import { type Engine, native, translated } from "../testing/code-guests.js";
import { EVENT_PLACES, eventGuest, SOFTWARE_VECTOR } from "../testing/event-guest.js";
import { BinaryTranslationMonitor } from "./monitor.js";

const { eax, ebx, ecx, edx, esi, edi, ebp, al, es, gs, ds, cr0 } = REGISTERS;
const { dword } = SIZES;
const TURNS = EVENT_PLACES.stack + 0x200;
const DATA = EVENT_PLACES.stack + 0x300;
const MOST = 150;
/** Instructions before the code, which has no interrupts yet, and at most. */
const [BEGIN, END] = [7000, 600_000];
/** Instructions of the handler, about, and between two interrupts besides: neither divides what the guest repeats. */
const [HANDLER, SPREAD] = [140, 89];
/** 8259A: ICW1; ICW2, the vector of IRQ 0; ICW3; ICW4, which ends interrupts by itself; and all masked but IRQ 0. */
const CONTROLLER = [
  [0x20, 0x11],
  [0x21, SOFTWARE_VECTOR],
  [0x21, 4],
  [0x21, 3],
  [0x21, 0xfe],
] as const;

const guest = eventGuest((code) => {
  for (const [port, value] of CONTROLLER) code.emit("mov", al, value).emit("out", imm(port, 1), al);
  code.emit("mov", mem(dword, TURNS), MOST).emit("sti").label("turn");
  [eax, ebx, ecx, edx, esi, edi, ebp].forEach((register, index) => {
    code.emit("mov", register, imm((0x1234_5678 * (index + 1)) | 0, 4));
  });
  code
    .emit("add", eax, ebx)
    .emit("pushfd")
    .emit("cmp", eax, ecx)
    .emit("pushfd")
    .emit("pop", edx)
    .emit("popfd");
  code.emit("adc", ebx, edx).emit("cli").emit("inc", esi).emit("sti").emit("dec", edi).emit("pushfd");
  code.emit("cli").emit("popfd").emit("sub", ebp, edi).emit("mov", ecx, imm("sub", 4)).emit("call", ecx);
  code.emit("mov", eax, cr0).emit("push", ds).emit("pop", es).emit("mov", mem(dword, DATA), eax);
  code
    .emit("mov", edx, mem(dword, DATA, { segment: gs }))
    .emit("test", edx, esi)
    .emit("call", "sub");
  code
    .emit("jc", "next")
    .label("next")
    .emit("mov", ecx, 3)
    .label("loop")
    .emit("lea", ebx, mem(ebx, { displacement: 5 }))
    .emit("loop", "loop");
  code
    .emit("push", imm("behind", 4))
    .emit("ret")
    .label("sub")
    .emit("xor", esi, ebp)
    .emit("ret", imm(0, 2))
    .label("behind");
  code.emit("dec", mem(dword, TURNS)).emit("jnz", "turn").emit("cli");
});

/** RIP, registers and flags, as the guest has them. */
function stateOf({ system: { core } }: GuestComputer): string {
  const registers = Array.from({ length: 8 }, (_, index) => core.words[GENERAL + 2 * index]! >>> 0);
  return [core.words[RIP]! >>> 0, ...registers, core.readFlags()]
    .map((value) => value.toString(16))
    .join(" ");
}

/** Every state of the guest's own, with interrupts enabled or not. */
function ownStates(): ReadonlySet<string> {
  const computer = native(guest, "interpreter");
  computer.load(guest.load);
  const states = new Set<string>();
  for (let count = BEGIN; computer.run(count).kind === "limit"; count++) states.add(stateOf(computer));
  return states;
}

afterEach(() => void vi.restoreAllMocks());

/** Interrupts all over: how many, where in the cache the machine was when they came, and what the guest was shown wrongly. */
function interrupted(engine: Engine) {
  const states = ownStates();
  const computer = translated(guest, engine);
  const { pic, schedule } = computer.pc;
  // An edge: what was not taken yet is asked for again.
  const device = schedule.timer(() => {
    pic.setIrq(0, false);
    pic.setIrq(0, true);
  });
  const [strange, places] = [new Set<string>(), new Set<number>()];
  let delivered = 0;
  const { injectInterrupt } = SystemUnit.prototype;
  vi.spyOn(SystemUnit.prototype, "injectInterrupt").mockImplementation(function (this: SystemUnit, vector) {
    delivered++;
    if (!states.has(stateOf(computer))) strange.add(stateOf(computer));
    pic.setIrq(0, false);
    injectInterrupt.call(this, vector);
  });
  computer.load(guest.load);
  let isOver = false;
  for (
    let count = BEGIN;
    !isOver && count < END;
    count = computer.engine.instructions + HANDLER + ((37 * count) % SPREAD)
  ) {
    isOver = computer.run(count).kind !== "limit" || strange.size > 0;
    computer.engine.endBlock();
    places.add(computer.system.core.words[RIP]!);
    device.at(computer.engine.now());
  }
  return { strange: [...strange], places: places.size, delivered, isOver };
}

it.each<Engine>(["interpreter", "translator"])("is at an instruction of the guest's, %s", (engine) => {
  const { strange, places, delivered, isOver } = interrupted(engine);
  expect(strange).toEqual([]);
  expect(isOver).toBe(true);
  expect(delivered).toBeGreaterThan(250);
  expect(places).toBeGreaterThan(100);
});

it("is not, where sequences are not completed", () => {
  vi.spyOn(
    BinaryTranslationMonitor.prototype as unknown as { completeInstruction(): void },
    "completeInstruction",
  ).mockReturnValue();
  expect(interrupted("interpreter").strange).not.toEqual([]);
});
