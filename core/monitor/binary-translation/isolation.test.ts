/**
 * A hostile kernel of 32 bits reaches for what is its monitor's: the window of the last 4 MiB with the descriptor table, the data
 * page and the translation cache. Without paging nothing of a guest's is there natively, and its monitor refuses it. Kernels of 64
 * bits: long-isolation.test.ts.
 */
import { describe, expect, it } from "vitest";
import { loadImage } from "../../guest/images/image.js";
import { Assembler } from "../../machine/x86/assemble.js";
import { imm, mem, SIZES } from "../../machine/x86/assembler-operands.js";
import { REGISTERS } from "../../machine/x86/registers.js";
import { UnsupportedError } from "../../util/errors.js";
import { WINDOW_BASE } from "../deprivileged/window.js";
import { type Guest, translated, trapped } from "../testing/code-guests.js";
import { protectedEndingOf } from "../testing/protected-memory.js";

const { eax, esp, gs, cr0, cr3, cr4 } = REGISTERS;
const { dword, fword } = SIZES;
const ORIGIN = 0x10_0000;
/** In the window: the table's 16 pages, the IDT's, the data pages, and the cache. */
const TABLE = WINDOW_BASE + 8;
const DATA_PAGE = WINDOW_BASE + 17 * 4096;
const CACHE = WINDOW_BASE + 19 * 4096;

type Attack = (code: Assembler, target: number) => void;
const address = (code: Assembler, target: number): Assembler => code.emit("mov", eax, imm(target | 0, 4));

const WRITES: Readonly<Record<string, Attack>> = {
  "a store": (code, target) => void address(code, target).emit("mov", mem(dword, eax), eax),
  "a store by GS": (code, target) =>
    void address(code, target).emit("mov", mem(dword, eax, { segment: gs }), eax),
  "a push": (code, target) => void code.emit("mov", esp, imm((target + 4) | 0, 4)).emit("push", eax),
  "a store of the system's": (code, target) => void address(code, target).emit("sgdt", mem(fword, eax)),
};

function guestOf(attack: (code: Assembler) => void): Guest {
  const code = new Assembler({ bits: 32, origin: ORIGIN });
  attack(code);
  code.emit("mov", eax, 0).emit("out", imm(0xf4, 1), eax);
  const options = { name: "hostile", kind: "raw", rawMode: 32, append: "", memoryBytes: 2 ** 26 } as const;
  return { load: loadImage(code.assemble().bytes, options) };
}

describe.each(Object.entries(WRITES))("%s", (_name, attack) => {
  it.each([
    ["the descriptor table", TABLE],
    ["the data pages", DATA_PAGE],
    ["the translation cache", CACHE],
  ])("does not reach %s", (_what, target) => {
    const guest = guestOf((code) => attack(code, target));
    expect(() => protectedEndingOf(translated(guest), guest)).toThrow(UnsupportedError);
    expect(() => protectedEndingOf(trapped(guest), guest)).toThrow(UnsupportedError);
  });
});

it("translated code is not read, nor entered by a jump of the guest's", () => {
  const reader = guestOf((code) => address(code, CACHE).emit("mov", eax, mem(dword, eax)));
  expect(() => protectedEndingOf(translated(reader), reader)).toThrow(UnsupportedError);
  const jumper = guestOf((code) => address(code, CACHE).emit("jmp", eax));
  expect(protectedEndingOf(translated(jumper), jumper).outcome).toMatchObject({ kind: "shutdown" });
});

it.each(["lgdt", "lidt"])("%s may not name the monitor's memory", (name) => {
  const guest = guestOf((code) => {
    code.emit(name, mem(fword, "table")).emit("jmp", "on");
    code.label("table").dw(0xff).dd(DATA_PAGE).label("on");
  });
  expect(() => protectedEndingOf(translated(guest), guest)).toThrow(UnsupportedError);
  expect(() => protectedEndingOf(trapped(guest), guest)).toThrow(UnsupportedError);
});

describe("a page directory at two places shows the window at none but its own", () => {
  // PAE: entries 0 and 3 of the root are one directory, so that what is at the last 4 MiB would be at 0x3fc0_0000 too.
  const ROOT = 0x20_0000;
  const DIRECTORY = 0x20_1000;
  const ALIAS = DATA_PAGE - 0xc000_0000;
  const CR0_PG = 0x8000_0000 | 0;
  const CR4_PAE = 0x20;
  const LARGE_PRESENT_WRITABLE = 0x83;

  function twice(attack: (code: Assembler) => void): Guest {
    return guestOf((code) => {
      code.emit("mov", mem(dword, DIRECTORY), LARGE_PRESENT_WRITABLE);
      for (const entry of [0, 3]) code.emit("mov", mem(dword, ROOT + 8 * entry), imm(DIRECTORY | 1, 4));
      code.emit("mov", eax, CR4_PAE).emit("mov", cr4, eax).emit("mov", eax, ROOT).emit("mov", cr3, eax);
      code.emit("mov", eax, cr0).emit("or", eax, imm(CR0_PG, 4)).emit("mov", cr0, eax);
      // Its shadow at the end of the address space is there first.
      code.emit("mov", eax, mem(dword, 0xc010_0000 | 0));
      attack(code);
    });
  }

  it.each([
    ["binary translation", translated],
    ["trap-and-emulate", trapped],
  ])("under %s", (_name, make) => {
    const harmless = twice(() => {});
    expect(protectedEndingOf(make(harmless), harmless).outcome).toEqual({ kind: "exit", status: 0 });
    const hostile = twice((code) => void address(code, ALIAS).emit("mov", mem(dword, eax), eax));
    expect(protectedEndingOf(make(hostile), hostile).outcome).toMatchObject({ kind: "shutdown" });
  });
});
