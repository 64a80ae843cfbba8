/**
 * A hostile kernel of 32 bits reaches for what is its monitor's: the window of the last 4 MiB with the descriptor table, the data
 * page and the translation cache. Translated, it meets the truncated segments and ends by a fault of its own; under
 * trap-and-emulate, where segments are whole, paging protects the window and the monitor refuses such a guest. A 64-bit
 * kernel, which has its programs' CPL, reaches neither the window nor pages that its tables do not give it.
 */
import { describe, expect, it } from "vitest";
import { loadImage } from "../../guest/images/image.js";
import { Assembler } from "../../machine/x86/assemble.js";
import { far, imm, mem, SIZES } from "../../machine/x86/assembler-operands.js";
import { REGISTERS } from "../../machine/x86/registers.js";
import { UnsupportedError } from "../../util/errors.js";
import { WINDOW_BASE } from "../deprivileged/window.js";
import { endingOf, type Guest, translated, trapped } from "../testing/code-guests.js";

const { eax, esp, gs, cr0, cr3, cr4 } = REGISTERS;
const { dword, fword } = SIZES;
const ORIGIN = 0x10_0000;
/** In the window: the table's 16 pages, the IDT's, the data page, and the cache. */
const TABLE = WINDOW_BASE + 8;
const DATA_PAGE = WINDOW_BASE + 17 * 4096;
const CACHE = WINDOW_BASE + 18 * 4096;

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
    ["the data page", DATA_PAGE],
    ["the translation cache", CACHE],
  ])("does not reach %s", (_what, target) => {
    const guest = guestOf((code) => attack(code, target));
    expect(endingOf(translated(guest), guest).outcome).toMatchObject({
      kind: "shutdown",
      reason: expect.stringMatching(/^triple fault: #(GP|SS)/),
    });
    expect(() => endingOf(trapped(guest), guest)).toThrow(UnsupportedError);
  });
});

it("translated code is not read, nor entered by a jump of the guest's", () => {
  const reader = guestOf((code) => address(code, CACHE).emit("mov", eax, mem(dword, eax)));
  expect(endingOf(translated(reader), reader).outcome).toMatchObject({ kind: "shutdown" });
  const jumper = guestOf((code) => address(code, CACHE).emit("jmp", eax));
  expect(endingOf(translated(jumper), jumper).outcome).toMatchObject({ kind: "shutdown" });
});

it.each(["lgdt", "lidt"])("%s may not name the monitor's memory", (name) => {
  const guest = guestOf((code) => {
    code.emit(name, mem(fword, "table")).emit("jmp", "on");
    code.label("table").dw(0xff).dd(DATA_PAGE).label("on");
  });
  expect(() => endingOf(translated(guest), guest)).toThrow(UnsupportedError);
  expect(() => endingOf(trapped(guest), guest)).toThrow(UnsupportedError);
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
    expect(endingOf(make(harmless), harmless).outcome).toEqual({ kind: "exit", status: 0 });
    const hostile = twice((code) => void address(code, ALIAS).emit("mov", mem(dword, eax), eax));
    expect(endingOf(make(hostile), hostile).outcome).toMatchObject({ kind: "shutdown" });
  });
});

describe("a hostile kernel at CPL 3, under trap-and-emulate", () => {
  const LONG_TABLE = BigInt(TABLE) - 2n ** 32n;
  const KERNEL_TABLES = 0x20_0000;
  const CODE_64 = 0x00af_9b00_0000_ffffn;
  const FLAT_DATA = 0x00cf_9300_0000_ffffn;
  const EFER = 0xc000_0080;
  const { rax, ecx, ds } = REGISTERS;

  /** Enters 64-bit mode with one page of 2 MiB mapped to itself, and attacks. */
  function longGuest(attack: (code: Assembler) => void): Guest {
    const code = new Assembler({ bits: 32, origin: ORIGIN });
    for (const level of [0, 1])
      code.emit("mov", mem(dword, KERNEL_TABLES + level * 4096), KERNEL_TABLES + (level + 1) * 4096 + 3);
    code.emit("mov", mem(dword, KERNEL_TABLES + 2 * 4096), 0x83);
    code.emit("lgdt", mem(fword, "table")).emit("mov", eax, 0x20).emit("mov", cr4, eax);
    code.emit("mov", eax, KERNEL_TABLES).emit("mov", cr3, eax);
    code
      .emit("mov", ecx, imm(EFER | 0, 4))
      .emit("mov", eax, 0x100)
      .emit("xor", REGISTERS.edx, REGISTERS.edx);
    code
      .emit("wrmsr")
      .emit("mov", eax, imm(0x8001_0001 | 0, 4))
      .emit("mov", cr0, eax);
    code.emit("jmp far", far(8, "long")).align(8).label("descriptors").dq(0, CODE_64, FLAT_DATA);
    code.label("table").dw(23).dd("descriptors").bits(64).label("long");
    attack(code);
    code.emit("mov", eax, 0).emit("out", imm(0xf4, 1), eax);
    const options = { name: "hostile", kind: "raw", rawMode: 32, append: "", memoryBytes: 2 ** 26 } as const;
    return { load: loadImage(code.assemble().bytes, options) };
  }
  const outcome = (attack: (code: Assembler) => void): unknown => {
    const guest = longGuest(attack);
    return endingOf(trapped(guest), guest).outcome;
  };

  it("runs at all", () => {
    expect(outcome(() => {})).toEqual({ kind: "exit", status: 0 });
  });

  it.each<[string, (code: Assembler) => void]>([
    [
      "writes the window",
      (code) => void code.emit("mov", rax, imm(LONG_TABLE, 8)).emit("mov", mem(dword, rax), eax),
    ],
    [
      "reads the window",
      (code) => void code.emit("mov", rax, imm(LONG_TABLE, 8)).emit("mov", eax, mem(dword, rax)),
    ],
    ["jumps there", (code) => void code.emit("mov", rax, imm(LONG_TABLE, 8)).emit("jmp", rax)],
    [
      "has its stack there",
      (code) => void code.emit("mov", REGISTERS.rsp, imm(LONG_TABLE, 8)).emit("push", rax),
    ],
    [
      "stores a descriptor table there",
      (code) => void code.emit("mov", rax, imm(LONG_TABLE, 8)).emit("sgdt", mem(SIZES.tbyte, rax)),
    ],
    ["reads what its tables do not map", (code) => void code.emit("mov", eax, mem(dword, 0x40_0000))],
    [
      "returns to a ring that it has not",
      (code) =>
        void code
          .emit("push", 0x10)
          .emit("push", 0)
          .emit("push", 2)
          .emit("push", 9)
          .emit("push", 0)
          .emit("iretq"),
    ],
  ])("that %s ends by a fault of its own", (_name, attack) => {
    expect(outcome(attack)).toMatchObject({ kind: "shutdown" });
  });

  it("may not have descriptor tables in the window", () => {
    const guest = longGuest((code) => {
      code
        .emit("lidt", mem(SIZES.tbyte, "idt"))
        .emit("jmp", "on")
        .label("idt")
        .dw(0xfff)
        .dq(LONG_TABLE)
        .label("on");
      code.emit("mov", eax, 0x10).emit("mov", ds, REGISTERS.ax);
    });
    expect(() => endingOf(trapped(guest), guest)).toThrow(UnsupportedError);
  });
});
