/**
 * A hostile 64-bit kernel reaches for what is its monitor's: the window at the end of the address space. It ends as natively, where
 * no page is there: at CPL 3 under trap-and-emulate, where paging keeps it away, and at CPL 1 translated, where limits do
 * (EFER.LMSLE), by every segment that it can name and by all that the monitor does for it.
 */
import { expect, it } from "vitest";
import { loadImage } from "../../guest/images/image.js";
import { Assembler } from "../../machine/x86/assemble.js";
import { far, imm, mem, SIZES } from "../../machine/x86/assembler-operands.js";
import { REGISTERS } from "../../machine/x86/registers.js";
import { UnsupportedError } from "../../util/errors.js";
import { LONG_WINDOW_BASE } from "../deprivileged/window.js";
import {
  type Engine,
  type Guest,
  native,
  translated,
  trapped,
  withLongLimits,
} from "../testing/code-guests.js";
import { protectedEndingOf } from "../testing/protected-memory.js";

const { eax, ecx, edx, cr0, cr3, cr4, ax, ds, es, ss, fs, gs } = REGISTERS;
const { rax, rcx, rbp, rdi, rsi, rsp, xmm0 } = REGISTERS;
const { dword, fword, qword, tbyte } = SIZES;
const ORIGIN = 0x10_0000;
const TABLES = 0x20_0000;
const TASK_STATE = 0x18_0000;
const STACK = 0x1f_0000;
const CODE_64 = 0x00af_9b00_0000_ffffn;
const FLAT_DATA = 0x00cf_9300_0000_ffffn;
/** Offsets of a 64-bit TSS's stacks (SDM vol. 3, figure 8-11), and of its descriptor and the data segment's in the table. */
const FIRST_INTERRUPT_STACK = 0x24;
const TASK_SELECTOR = 0x18;
const DATA_SELECTOR = 0x10;
const EFER = 0xc000_0080;
const LME = 0x100;
const GS_BASE = 0xc000_0101;
const FS_BASE = 0xc000_0100;
/** Pages of the window: the descriptor tables, the data pages, the translation cache. */
const PAGES = { "a descriptor table": 0, "the data pages": 17, "the translation cache": 19 } as const;
const DATA_PAGE = addressOf(PAGES["the data pages"]);

function addressOf(page: number): bigint {
  return BigInt(LONG_WINDOW_BASE + page * 4096);
}

type Attack = (code: Assembler, target: bigint) => void;

/** Enters 64-bit mode with 2 MiB mapped to themselves and attacks. */
function guestOf(attack: (code: Assembler) => void): Guest {
  const code = new Assembler({ bits: 32, origin: ORIGIN });
  for (const level of [0, 1])
    code.emit("mov", mem(dword, TABLES + level * 4096), TABLES + (level + 1) * 4096 + 3);
  code.emit("mov", mem(dword, TABLES + 2 * 4096), 0x83);
  code.emit("lgdt", mem(fword, "table")).emit("mov", eax, 0x20).emit("mov", cr4, eax);
  code.emit("mov", eax, TABLES).emit("mov", cr3, eax);
  code
    .emit("mov", ecx, imm(EFER | 0, 4))
    .emit("mov", eax, LME)
    .emit("xor", edx, edx);
  code
    .emit("wrmsr")
    .emit("mov", eax, imm(0x8001_0001 | 0, 4))
    .emit("mov", cr0, eax);
  code.emit("jmp far", far(8, "long")).align(8).label("descriptors").dq(0, CODE_64, FLAT_DATA);
  const taskLow = 0x0000_8900_0000_0067n | (BigInt(TASK_STATE & 0xff_ffff) << 16n);
  code.dq(taskLow, 0).label("table").dw(39).dd("descriptors").bits(64).label("long");
  code.emit("mov", rsp, STACK).emit("mov", eax, DATA_SELECTOR);
  for (const segment of [ds, es, ss]) code.emit("mov", segment, ax);
  attack(code);
  code.emit("mov", eax, 0).emit("out", imm(0xf4, 1), eax);
  const options = { name: "hostile", kind: "raw", rawMode: 32, append: "", memoryBytes: 2 ** 26 } as const;
  return { load: loadImage(code.assemble().bytes, options) };
}

const to = (code: Assembler, target: bigint): Assembler => code.emit("mov", rax, imm(target, 8));
function setBase(code: Assembler, register: number, base: bigint): Assembler {
  code.emit("mov", ecx, imm(register | 0, 4)).emit("mov", eax, imm(BigInt.asIntN(32, base), 4));
  return code.emit("mov", edx, imm(BigInt.asIntN(32, base >> 32n), 4)).emit("wrmsr");
}
const withStack = (code: Assembler, stack: bigint): Assembler => code.emit("mov", rsp, imm(stack, 8));

const ATTACKS: Readonly<Record<string, Attack>> = {
  "a load": (code, target) => void to(code, target).emit("mov", eax, mem(dword, rax)),
  "a store": (code, target) => void to(code, target).emit("mov", mem(dword, rax), eax),
  "a store that begins before": (code, target) =>
    void to(code, target - 4n).emit("mov", mem(qword, rax), rax),
  "a store of 16 bytes": (code, target) => void to(code, target).emit("movups", mem(rax), xmm0),
  "a store by RBP": (code, target) =>
    void to(code, target).emit("mov", rbp, rax).emit("mov", mem(dword, rbp), eax),
  "a string store": (code, target) => void to(code, target).emit("mov", rdi, rax).emit("stosb"),
  "repeated string stores up to it": (code, target) =>
    void to(code, target - 64n)
      .emit("mov", rdi, rax)
      .emit("mov", rcx, 128)
      .emit("rep stosb"),
  "a load by FS": (code, target) =>
    void setBase(code, FS_BASE, target - 8n).emit("mov", rax, mem(qword, 8, { segment: fs })),
  "a store by GS": (code, target) =>
    void setBase(code, GS_BASE, target - 8n).emit("mov", mem(qword, 8, { segment: gs }), rax),
  "a bit far from a store by GS": (code, target) => {
    setBase(code, GS_BASE, target - 4096n).emit("mov", rcx, 4096 * 8);
    code.emit("bts", mem(qword, 0, { segment: gs }), rcx);
  },
  "a string's load by GS": (code, target) =>
    void setBase(code, GS_BASE, target).emit("xor", rsi, rsi).emit("gs lodsb"),
  "a push of memory by GS": (code, target) => {
    setBase(code, GS_BASE, BigInt(STACK));
    withStack(code, target + 8n).emit("push", mem(qword, 0, { segment: gs }));
  },
  "a jump by GS": (code, target) =>
    void setBase(code, GS_BASE, target).emit("jmp", mem(qword, 0, { segment: gs })),
  "a push": (code, target) => void withStack(code, target + 8n).emit("push", rax),
  "a pop": (code, target) => void withStack(code, target).emit("pop", rax),
  "a call": (code, target) =>
    void withStack(code, target + 8n)
      .emit("call", "there")
      .label("there"),
  "a return": (code, target) => void withStack(code, target).emit("ret"),
  "an interrupt's return": (code, target) => void withStack(code, target).emit("iretq"),
  "a push of flags": (code, target) => void withStack(code, target + 8n).emit("pushfq"),
  "a pop of flags": (code, target) => void withStack(code, target).emit("popfq"),
  "an exception's frame": (code, target) => void withStack(code, target + 256n).emit("ud2"),
  "a jump": (code, target) => void to(code, target).emit("jmp", rax),
  "a jump by memory": (code, target) => void to(code, target).emit("jmp", mem(qword, rax)),
  "a store of SS": (code, target) => void to(code, target).emit("mov", mem(SIZES.word, rax), ss),
  "a store of the machine status": (code, target) => void to(code, target).emit("smsw", mem(SIZES.word, rax)),
  "a store of a table register": (code, target) => void to(code, target).emit("sgdt", mem(tbyte, rax)),
  "a load of a table register": (code, target) => void to(code, target).emit("lgdt", mem(tbyte, rax)),
  "a store of the x87's": (code, target) =>
    void to(code, target).emit("fninit").emit("fld1").emit("fstp", mem(tbyte, rax)),
  "the processor's state": (code, target) => void to(code, target).emit("fxsave", mem(rax)),
};

function endsAsNatively(guest: Guest, engines: readonly Engine[]): void {
  const truth = protectedEndingOf(native(guest), guest);
  expect(truth.outcome).toMatchObject({ kind: "shutdown" });
  for (const engine of engines) expect(protectedEndingOf(translated(guest, engine), guest)).toEqual(truth);
  expect(protectedEndingOf(trapped(guest), guest)).toEqual(truth);
}

it.each(Object.entries(ATTACKS))("%s does not reach the window", (_name, attack) => {
  endsAsNatively(withLongLimits(guestOf((code) => attack(code, DATA_PAGE))), ["translator"]);
});

it.each(Object.entries(PAGES))("%s is not reached in either engine", (_page, page) => {
  for (const name of ["a load", "a store", "a push", "a jump"]) {
    const guest = withLongLimits(guestOf((code) => ATTACKS[name]!(code, addressOf(page))));
    endsAsNatively(guest, ["interpreter", "translator"]);
  }
});

/** With an IDT whose gate of #UD names a code segment and an interrupt stack of the TSS. */
function withGate(code: Assembler, stack: bigint): void {
  const gateOf = (selector: bigint, table: bigint): bigint =>
    (selector << 16n) | (table << 32n) | (0x8e00n << 32n);
  code.emit("mov", rax, imm(stack, 8)).emit("mov", mem(qword, TASK_STATE + FIRST_INTERRUPT_STACK), rax);
  code.emit("mov", eax, TASK_SELECTOR).emit("ltr", ax);
  code.emit("lidt", mem(tbyte, "idt register")).emit("jmp", "on").align(8);
  code
    .label("gates")
    .reserve(16 * 6)
    .dq(gateOf(8n, 1n), 0n);
  code
    .label("idt register")
    .dw(16 * 7 - 1)
    .dq("gates")
    .label("on");
}

it("an interrupt stack of the TSS may not be there", () => {
  const guest = withLongLimits(
    guestOf((code) => {
      withGate(code, DATA_PAGE + 256n);
      code.emit("ud2");
    }),
  );
  const truth = protectedEndingOf(native(guest), guest);
  expect(truth.outcome).toMatchObject({ kind: "shutdown" });
  expect(protectedEndingOf(translated(guest), guest)).toEqual(truth);
});

it.each<[string, Attack]>([
  ["a null segment", (code) => void code.emit("xor", eax, eax).emit("mov", ds, ax).emit("mov", es, ax)],
  ["FS and GS", (code) => void code.emit("mov", fs, ax).emit("mov", gs, ax)],
])("what is loaded as %s is as far from it", (_name, load) => {
  const guest = withLongLimits(
    guestOf((code) => {
      load(code, 0n);
      to(code, DATA_PAGE).emit("mov", mem(dword, rax), eax);
    }),
  );
  const truth = protectedEndingOf(native(guest), guest);
  expect(truth.outcome).toMatchObject({ kind: "shutdown" });
  expect(protectedEndingOf(translated(guest), guest)).toEqual(truth);
});

it("runs to its end if it is harmless", () => {
  const guest = withLongLimits(guestOf((code) => void code.emit("mov", mem(dword, STACK), eax)));
  for (const make of [native, translated, trapped])
    expect(protectedEndingOf(make(guest), guest).outcome).toEqual({ kind: "exit", status: 0 });
});

it.each(["lgdt", "lidt"])("%s may not name the monitor's memory", (name) => {
  const guest = withLongLimits(
    guestOf((code) => {
      code
        .emit(name, mem(tbyte, "there"))
        .emit("jmp", "on")
        .label("there")
        .dw(0xff)
        .dq(DATA_PAGE)
        .label("on");
    }),
  );
  for (const make of [translated, trapped])
    expect(() => protectedEndingOf(make(guest), guest)).toThrow(UnsupportedError);
});

it("a guest that would have limits of its own is refused", () => {
  const guest = withLongLimits(guestOf((code) => void setBase(code, EFER, 0x2500n)));
  expect(protectedEndingOf(native(guest), guest).outcome).toEqual({ kind: "exit", status: 0 });
  for (const make of [translated, trapped])
    expect(() => protectedEndingOf(make(guest), guest)).toThrow(/LMSLE/);
});

it("under trap-and-emulate neither what its tables do not map nor a ring that it has not is reached", () => {
  const attacks: readonly ((code: Assembler) => void)[] = [
    (code) => void code.emit("mov", eax, mem(dword, 0x40_0000)),
    (code) => {
      for (const item of [DATA_SELECTOR, 0, 2, 9, 0]) code.emit("push", item);
      code.emit("iretq");
    },
  ];
  for (const attack of attacks) {
    const guest = guestOf(attack);
    expect(protectedEndingOf(trapped(guest), guest).outcome).toMatchObject({ kind: "shutdown" });
  }
});
