/** Returns whose addresses end alike are remembered side by side: the monitor is called for none of them again. */
import { expect, it } from "vitest";
import { EVENT } from "../../events/events.js";
import { loadImage } from "../../guest/images/image.js";
import { Assembler } from "../../machine/x86/assemble.js";
import { imm } from "../../machine/x86/assembler-operands.js";
import { REGISTERS } from "../../machine/x86/registers.js";
import { endingOf, type Guest, native, translated, withLongLimits } from "../testing/code-guests.js";

const { eax, ecx, esp } = REGISTERS;
const ORIGIN = 0x10_0000;
const STACK = 0x20_0000;
const EXIT_PORT = 0xf4;
const TURNS = 200;
/** Look-ups that translating the guest takes by itself: some for each of its ten or so units. */
const FIRST_LOOKUPS = 30;

/** Calls a function from places at given addresses, again and again. */
function callingFrom(places: readonly number[], bits: 32 | 64): Guest {
  const code = new Assembler({ bits, origin: ORIGIN });
  code.emit("mov", bits === 64 ? REGISTERS.rsp : esp, STACK).emit("mov", ecx, TURNS);
  code.emit("near jmp", "again").label("function").emit("inc", eax).emit("ret").label("again");
  for (const [index, place] of places.entries()) {
    code.emit("near jmp", `place ${index}`).org(place).label(`place ${index}`).emit("call", "function");
  }
  code.emit("dec", ecx).emit("near jnz", "again");
  code.emit("mov", eax, 0).emit("out", imm(EXIT_PORT, 1), eax);
  const options = { name: "calls", kind: "raw", rawMode: bits, append: "", memoryBytes: 2 ** 26 } as const;
  const guest: Guest = { load: loadImage(code.assemble().bytes, options) };
  return bits === 64 ? withLongLimits(guest) : guest;
}

function lookupsOf(guest: Guest): number {
  const computer = translated(guest);
  expect(endingOf(computer, guest)).toEqual(endingOf(native(guest), guest));
  return computer.machine.counters.events[EVENT.translation_lookups]!;
}

it.each([32, 64] as const)("of equal low bytes, %i bits", (bits) => {
  const guest = callingFrom([ORIGIN + 0x100, ORIGIN + 0x300, ORIGIN + 0x500], bits);
  expect(lookupsOf(guest)).toBeLessThan(FIRST_LOOKUPS);
});

it("three whose next bytes are equal as well have two places", () => {
  const guest = callingFrom([ORIGIN + 0x300, ORIGIN + 0x1_0300, ORIGIN + 0x2_0300], 32);
  expect(lookupsOf(guest)).toBeGreaterThan(TURNS);
});
