/**
 * Instructions of extensions are what the profile's CPUID says: LZCNT and TZCNT are BSR and BSF on processors that do not have
 * them (SDM vol. 2, LZCNT), others are undefined there; the same on both engines.
 */
import { expect, it } from "vitest";
import { findProfile } from "../../../events/profiles/index.js";
import { loadImage } from "../../../guest/images/image.js";
import { Computer } from "../../computer.js";
import { GENERAL } from "../../cpu/places.js";
import { PLAIN } from "../../testing/plain.js";
import { Assembler } from "../../x86/assemble.js";
import { imm } from "../../x86/assembler-operands.js";
import { REGISTERS } from "../../x86/registers.js";

const { eax, edx } = REGISTERS;
const MEMORY = 2 ** 21;
const BUDGET = 1_000;
const EXIT_PORT = 0xf4;
/** Four zeros at the high end, eight at the low. */
const SOURCE = 0x0fff_ff00;

/** What an instruction leaves of SOURCE in EAX; undefined where it raised its fault, which ends a guest without an IDT. */
function result(profile: string, engine: "interpreter" | "translator", name: string): number | undefined {
  const a = new Assembler({ bits: 32, origin: 0x10_0000 });
  a.emit("mov", edx, SOURCE).emit(name, eax, edx).emit("out", imm(EXIT_PORT, 1), eax);
  const computer = new Computer({
    profile: findProfile(profile)!,
    memoryBytes: MEMORY,
    ...PLAIN,
    engine,
  });
  computer.load(loadImage(a.assemble().bytes, { kind: "raw", rawMode: 32, memoryBytes: MEMORY }));
  if (computer.run(BUDGET).kind === "shutdown") return undefined;
  return computer.system.core.words[GENERAL];
}

it.each<[string, string, number | undefined]>([
  ["haswell-2013", "lzcnt", 4],
  ["nehalem-2008", "lzcnt", 27],
  ["barcelona-2007", "lzcnt", 4],
  ["haswell-2013", "tzcnt", 8],
  ["nehalem-2008", "tzcnt", 8],
  ["nehalem-2008", "popcnt", 20],
  ["merom-2006", "popcnt", undefined],
])("%s: %s", (profile, name, expected) => {
  for (const engine of ["interpreter", "translator"] as const)
    expect(result(profile, engine, name)).toBe(expected);
});
