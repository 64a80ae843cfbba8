/**
 * Breakpoints of a guest's kernel under each monitor: every debug exception is where it is natively, with the same frame, DR6 and
 * DR7, whether a monitor executes, translates or emulates what meets it. What the machine itself makes of debug registers is held
 * to a processor in machine/cpu/registers/breakpoints.test.ts.
 */
import { describe, expect, it } from "vitest";
import { imm, mem, SIZES } from "../machine/x86/assembler-operands.js";
import { REGISTERS } from "../machine/x86/registers.js";
import { endingOf, native, TECHNIQUES } from "./testing/code-guests.js";
import {
  DATA_SELECTOR,
  EVENT_PLACES,
  type EventCode,
  eventGuest,
  SOFTWARE_VECTOR,
} from "./testing/event-guest.js";

const { eax, ebx, ecx, edx, esp, al, es, ss, cr0, cr3, cr4, dr0, dr1, dr2, dr3, dr7 } = REGISTERS;
const { word, dword, fword } = SIZES;
const DEBUG_REGISTERS = [dr0, dr1, dr2, dr3];
const BUDGET = 100_000;
const GENERAL_DETECT = 0x2000;
const CR4_DE = 8;
const TF = 0x100;
/** What is waited for, as DR7 has it: kind in bits 1..0, length of 4 bytes in bits 3..2. */
const [EXECUTION, WRITE, PORT, ACCESS] = [0, 0xd, 2, 0xf];
const DATA = EVENT_PLACES.stack + 0x100;
const TOP = EVENT_PLACES.stack - 4;
const DELAY_PORT = 0x80;
/** Of the guest's GDT. */
const TABLE_LIMIT = DATA_SELECTOR + 7;
/** What RET releases: more than an event and its handler use below. */
const RELEASED = 128;

/** Enables breakpoints, around some code. */
function watch(
  code: EventCode,
  on: readonly (readonly [address: string | number, kind: number])[],
  emit: () => unknown,
): void {
  on.forEach(([address], index) => {
    code.emit("mov", eax, imm(address, 4)).emit("mov", DEBUG_REGISTERS[index]!, eax);
  });
  const enabled = on.reduce(
    (all, [, kind], index) => all | (2 << (2 * index)) | (kind << (16 + 4 * index)),
    0,
  );
  code.emit("mov", eax, imm(enabled, 4)).emit("mov", dr7, eax);
  emit();
  code.emit("mov", eax, 0).emit("mov", dr7, eax);
}

const GUESTS: Readonly<Record<string, (code: EventCode) => void>> = {
  "an instruction": (code) =>
    watch(code, [["here", EXECUTION]], () =>
      code.emit("mov", ecx, 2).label("here").emit("dec", ecx).emit("jnz", "here"),
    ),
  "an instruction that is not executed as it is": (code) =>
    watch(
      code,
      [
        ["here", EXECUTION],
        ["there", EXECUTION],
      ],
      () => code.label("here").emit("cli").label("there").emit("mov", eax, cr3).emit("sti"),
    ),
  "data, and the stack": (code) =>
    watch(
      code,
      [
        [DATA, WRITE],
        [TOP, WRITE],
      ],
      () =>
        code
          .emit("mov", mem(dword, DATA), ebx)
          .emit("push", ebx)
          .emit("add", esp, 4)
          .emit("call", "called")
          .label("called")
          .emit("pop", edx),
    ),
  "the stack of PUSHF and RET": (code) =>
    watch(
      code,
      [
        [TOP, WRITE],
        [TOP - RELEASED, ACCESS],
      ],
      () => {
        code.emit("pushfd").emit("popfd").emit("sub", esp, RELEASED).emit("push", imm("returned", 4));
        code.emit("ret", imm(RELEASED, 2)).emit("ud2").label("returned").emit("nop");
      },
    ),
  "operands of the system's instructions": (code) =>
    watch(code, [[DATA, ACCESS]], () => {
      code.emit("mov", mem(word, DATA), imm(DATA_SELECTOR, 2)).emit("mov", es, mem(word, DATA));
      code.emit("mov", mem(dword, DATA - 4), imm(TABLE_LIMIT << 16, 4));
      code.emit("mov", mem(dword, DATA), EVENT_PLACES.table).emit("lgdt", mem(fword, DATA - 2));
    }),
  "an entry of a page table": (code) =>
    watch(code, [[EVENT_PLACES.pages + 4 * 64, WRITE]], () =>
      code
        .emit("mov", eax, mem(dword, EVENT_PLACES.pages + 4 * 64))
        .emit("mov", mem(dword, EVENT_PLACES.pages + 4 * 64), eax)
        .emit("nop"),
    ),
  "memory that is missing at first": (code) => {
    const page = code.missing(1, 2);
    watch(
      code,
      [
        [page, ACCESS],
        ["again", EXECUTION],
      ],
      () => code.label("again").emit("add", mem(dword, page), 3).emit("nop"),
    );
  },
  "what an event pushes": (code) =>
    watch(code, [[TOP, WRITE]], () => code.emit("int", imm(SOFTWARE_VECTOR, 1)).emit("nop")),
  "behind a load of SS": (code) =>
    watch(code, [[DATA, ACCESS]], () => {
      code
        .emit("mov", mem(dword, DATA), DATA_SELECTOR)
        .emit("mov", ss, mem(word, DATA))
        .emit("nop")
        .emit("nop");
    }),
  "a load of SS and INT": (code) =>
    watch(code, [[DATA, ACCESS]], () => {
      code.emit("mov", mem(dword, DATA), DATA_SELECTOR).emit("mov", ss, mem(word, DATA));
      code.emit("int", imm(SOFTWARE_VECTOR, 1)).emit("nop");
    }),
  "a port": (code) => {
    code.emit("mov", eax, cr4).emit("or", eax, CR4_DE).emit("mov", cr4, eax);
    watch(code, [[DELAY_PORT, PORT]], () => code.emit("out", imm(DELAY_PORT, 1), al).emit("nop"));
  },
  "general detect": (code) => {
    code.emit("mov", eax, imm(GENERAL_DETECT, 4)).emit("mov", dr7, eax).emit("mov", ebx, dr0);
    code.emit("mov", ebx, dr7);
  },
  TF: (code) => {
    code.emit("pushfd").emit("or", mem(dword, esp), imm(TF, 4)).emit("popfd");
    code.emit("mov", ebx, 1).emit("cli").emit("mov", edx, cr0).emit("sti").emit("call", "called");
    code.label("called").emit("pop", edx);
    code.emit("pushfd").emit("and", mem(dword, esp), imm(~TF, 4)).emit("popfd").emit("nop");
  },
  "TF with data": (code) =>
    watch(code, [[DATA, WRITE]], () => {
      code.emit("pushfd").emit("or", mem(dword, esp), imm(TF, 4)).emit("popfd");
      code.emit("mov", mem(dword, DATA), ebx);
      code.emit("pushfd").emit("and", mem(dword, esp), imm(~TF, 4)).emit("popfd").emit("nop");
    }),
};

describe.each(Object.keys(TECHNIQUES))("%s", (technique) => {
  it.each(Object.keys(GUESTS))("%s", (name) => {
    const guest = eventGuest((code) => {
      GUESTS[name]!(code);
      code.emit("int", imm(SOFTWARE_VECTOR, 1));
    });
    const truth = endingOf(native(guest, "interpreter"), guest, BUDGET);
    expect(truth.outcome).toMatchObject({ kind: "exit" });
    expect(endingOf(TECHNIQUES[technique]!(guest), guest, BUDGET)).toEqual(truth);
  });
});
