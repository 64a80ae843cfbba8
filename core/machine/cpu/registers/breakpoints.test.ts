/**
 * Breakpoints by debug register, in both engines, as the processor that runs the tests has them (by ptrace; what it does not let
 * a debugger set, ports and unaligned addresses, is as the SDM says).
 */
import { mkdtempSync, rmSync } from "node:fs";
import { cpus, tmpdir } from "node:os";
import { afterAll, expect, it } from "vitest";
import {
  type DebugEvent,
  type Debugged,
  debugByTracer,
  debugOnEngine,
  makeTracer,
  PLACES,
} from "../../testing/breakpoints/debugged.js";
import { Assembler } from "../../x86/assemble.js";
import { imm, mem, SIZES } from "../../x86/assembler-operands.js";
import { REGISTERS } from "../../x86/registers.js";

const { rax, eax, ax, al, dx, edx, rbx, rcx, ecx, rdi, rsi, rsp, ss, xmm0 } = REGISTERS;
const { byte, word, dword, qword } = SIZES;
const PAGE = 4096;
const TF = 0x100;

/** What is waited for, as DR7 has it: kind in bits 1..0, length in bits 3..2. */
const execution = 0;
const write = (bytes: 1 | 2 | 4 | 8): number => 1 | (LENGTH[bytes] << 2);
const access = (bytes: 1 | 2 | 4 | 8): number => 3 | (LENGTH[bytes] << 2);
const port = (bytes: 1 | 2 | 4): number => 2 | (LENGTH[bytes] << 2);
const PORT = 0x80;
const LENGTH = { 1: 0, 2: 1, 4: 3, 8: 2 } as const;

interface Case {
  /** A label `at…` stands for a place in the code. */
  readonly emit: (code: Assembler) => unknown;
  /** Each address or label, with what is waited for there. */
  readonly on: readonly (readonly [string | number, number])[];
  /** Labels where exceptions are, with DR6. */
  readonly events: readonly (readonly [string, number])[];
  /** What Linux lets no debugger set: not asked of the processor. */
  readonly isRefused?: boolean;
  /** Where Intel's processors differ. */
  readonly onIntel?: readonly (readonly [string, number])[];
}

/** A processor of each vendor, and of which the one is that runs the tests. */
const PROFILES = { intel: "nehalem-2008", amd: "zen-3-2020" } as const;
const HERE = cpus()[0]?.model.includes("AMD") === true ? "amd" : "intel";

const { data, stack } = PLACES;
const at = (displacement = 0) => mem(dword, rbx, { displacement });

const CASES: Readonly<Record<string, Case>> = {
  "an instruction, once: RF resumes it": {
    emit: (code) => code.emit("nop").label("here").emit("nop").emit("nop").label("end"),
    on: [["here", execution]],
    events: [["here", 1]],
  },
  "an instruction that is jumped to": {
    emit: (code) => code.emit("jmp", "here").emit("ud2").label("here").emit("inc", eax).label("end"),
    on: [["here", execution]],
    events: [["here", 1]],
  },
  "each turn of a loop": {
    emit: (code) => code.emit("mov", ecx, 3).label("here").emit("dec", ecx).emit("jnz", "here").label("end"),
    on: [["here", execution]],
    events: [
      ["here", 1],
      ["here", 1],
      ["here", 1],
    ],
  },
  "two on one instruction": {
    emit: (code) => code.label("here").emit("nop").label("end"),
    on: [
      ["here", execution],
      ["here", execution],
    ],
    events: [["here", 3]],
  },
  "not the middle of an instruction": {
    emit: (code) => code.emit("mov", eax, imm(0, 4)).label("end"),
    on: [[PLACES.code + 1, execution]],
    events: [],
  },
  "a write, behind it": {
    emit: (code) => code.emit("mov", at(), eax).label("behind").emit("nop").label("end"),
    on: [[data, write(4)]],
    events: [["behind", 1]],
  },
  "a write, not a read": {
    emit: (code) => code.emit("mov", eax, at()).emit("nop").label("end"),
    on: [[data, write(4)]],
    events: [],
  },
  "an access that reads": {
    emit: (code) => code.emit("mov", eax, at()).label("behind").emit("nop").label("end"),
    on: [[data, access(4)]],
    events: [["behind", 1]],
  },
  "no fetch as an access": {
    emit: (code) => code.emit("nop").emit("nop").label("end"),
    on: [[PLACES.code, access(1)]],
    events: [],
  },
  "what overlaps it, whatever the sizes": {
    emit: (code) =>
      code
        .emit("mov", mem(byte, rbx, { displacement: 1 }), al)
        .emit("mov", mem(byte, rbx, { displacement: 3 }), al)
        .label("one")
        .emit("mov", at(0), eax)
        .label("two")
        .emit("mov", at(-1), eax)
        .label("three")
        .emit("mov", at(4), eax)
        .emit("mov", mem(qword, rbx, { displacement: -5 }), rax)
        .label("four")
        .emit("nop")
        .label("end"),
    on: [[data + 2, write(2)]],
    events: [
      ["one", 1],
      ["two", 1],
      ["three", 1],
      ["four", 1],
    ],
  },
  "eight bytes": {
    emit: (code) =>
      code
        .emit("mov", mem(byte, rbx, { displacement: 15 }), al)
        .label("one")
        .emit("mov", at(16), eax)
        .label("end"),
    on: [[data + 8, write(8)]],
    events: [["one", 1]],
  },
  "an access over a page's end": {
    emit: (code) =>
      code
        .emit("mov", at(PAGE - 2), eax)
        .label("behind")
        .emit("nop")
        .label("end"),
    on: [[data + PAGE, write(2)]],
    events: [["behind", 1]],
  },
  "what reads and writes": {
    emit: (code) =>
      code
        .emit("add", at(), eax)
        .label("one")
        .emit("xchg", at(4), eax)
        .label("two")
        .emit("inc", at())
        .label("three")
        .emit("cmp", at(), eax)
        .label("four")
        .emit("nop")
        .label("end"),
    on: [
      [data, write(4)],
      [data, access(4)],
      [data + 4, access(4)],
    ],
    events: [
      ["one", 3],
      ["two", 4],
      ["three", 3],
      ["four", 2],
    ],
  },
  "the stack: PUSH, CALL, RET, POP": {
    emit: (code) =>
      code
        .emit("push", rax)
        .label("one")
        .emit("pop", rcx)
        .label("two")
        .emit("call", "within")
        .label("four")
        .emit("jmp", "end")
        .label("within")
        .emit("ret")
        .label("end"),
    on: [[stack - 8, access(8)]],
    events: [
      ["one", 1],
      ["two", 1],
      ["within", 1],
      ["four", 1],
    ],
  },
  "ENTER and LEAVE": {
    emit: (code) =>
      code
        .emit("enter", imm(16, 2), imm(0, 1))
        .label("one")
        .emit("nop")
        .emit("leave")
        .label("two")
        .emit("nop")
        .label("end"),
    on: [[stack - 8, access(8)]],
    events: [
      ["one", 1],
      ["two", 1],
    ],
  },
  "data, and then the instruction behind": {
    emit: (code) => code.emit("mov", at(), eax).label("behind").emit("nop").label("end"),
    on: [
      ["behind", execution],
      [data, write(4)],
    ],
    events: [
      ["behind", 2],
      ["behind", 1],
    ],
  },
  "data with TF: one exception": {
    emit: (code) =>
      code
        .emit("pushfq")
        .emit("or", mem(dword, rsp), imm(TF, 4))
        .emit("popfq")
        .emit("mov", at(), eax)
        .label("one")
        .emit("pushfq")
        .label("two")
        .emit("and", mem(dword, rsp), imm(~TF, 4))
        .label("three")
        .emit("popfq")
        .label("four")
        .emit("nop")
        .label("end"),
    on: [[data, write(4)]],
    events: [
      ["one", 0x4001],
      ["two", 0x4000],
      ["three", 0x4000],
      ["four", 0x4000],
    ],
  },
  "data of MOV SS, an instruction later": {
    emit: (code) =>
      code
        .emit("mov", ecx, ss)
        .emit("mov", at(), ecx)
        .label("one")
        .emit("mov", ss, mem(word, rbx))
        .emit("nop")
        .label("two")
        .emit("nop")
        .label("end"),
    on: [[data, access(2)]],
    events: [
      ["one", 1],
      ["two", 1],
    ],
  },
  "TF: MOV SS and the next instruction are one step": {
    emit: (code) =>
      code
        .emit("mov", ecx, ss)
        .emit("pushfq")
        .emit("or", mem(dword, rsp), imm(TF, 4))
        .emit("popfq")
        .emit("mov", ss, ecx)
        .emit("pushfq")
        .label("one")
        .emit("and", mem(dword, rsp), imm(~TF, 4))
        .label("two")
        .emit("popfq")
        .label("three")
        .emit("nop"),
    on: [],
    events: [
      ["one", 0x4000],
      ["two", 0x4000],
      ["three", 0x4000],
    ],
  },
  "an instruction behind MOV SS": {
    emit: (code) =>
      code.emit("mov", ecx, ss).emit("mov", ss, ecx).label("here").emit("nop").emit("nop").label("end"),
    on: [["here", execution]],
    events: [["here", 1]],
    onIntel: [],
  },
  "strings: the element": {
    emit: (code) =>
      code
        .emit("lea", rdi, mem(qword, rbx, { displacement: 16 }))
        .emit("mov", rsi, rbx)
        .label("here")
        .emit("movsb")
        .label("one")
        .emit("movsb")
        .emit("nop")
        .label("end"),
    on: [[data + 16, write(1)]],
    events: [["one", 1]],
  },
  "a repeated string instruction, at its first element alone": {
    emit: (code) =>
      code.emit("mov", rdi, rbx).emit("mov", ecx, 3).label("here").emit("rep stosb").emit("nop").label("end"),
    on: [["here", execution]],
    events: [["here", 1]],
  },
  "sixteen bytes of SSE": {
    emit: (code) => code.emit("movups", mem(SIZES.xmmword, rbx), xmm0).label("one").emit("nop").label("end"),
    on: [[data + 12, write(4)]],
    events: [["one", 1]],
  },
  FXSAVE: {
    emit: (code) => code.emit("fxsave", mem(rbx)).label("one").emit("nop").label("end"),
    on: [[data + 0x20, write(4)]],
    events: [["one", 1]],
  },
  "ports, each element of a string": {
    emit: (code) =>
      code
        .emit("mov", rsi, rbx)
        .emit("mov", edx, PORT - 1)
        .emit("out", dx, al)
        .emit("in", al, dx)
        .emit("out", dx, ax)
        .label("one")
        .emit("mov", edx, PORT + 1)
        .emit("in", al, dx)
        .label("two")
        .emit("mov", ecx, 2)
        .label("string")
        .emit("rep outsb")
        .label("behind")
        .emit("mov", mem(byte, rbx, { displacement: PORT }), al),
    on: [[PORT, port(2)]],
    isRefused: true,
    events: [
      ["one", 1],
      ["two", 1],
      ["string", 1],
      ["behind", 1],
    ],
  },
  "whatever the low bits of an address that is no multiple of the length": {
    emit: (code) => code.emit("mov", at(), eax).label("behind").emit("mov", at(4), eax),
    on: [[data + 3, write(4)]],
    isRefused: true,
    events: [["behind", 1]],
  },
  "what is not enabled": {
    emit: (code) => code.emit("mov", at(), eax).label("end"),
    on: [],
    events: [],
  },
};

function debuggedOf({ emit, on }: Case): { debugged: Debugged; labels: ReadonlyMap<string, bigint> } {
  const code = new Assembler({ bits: 64, origin: PLACES.code });
  emit(code);
  code.emit("int3");
  const { bytes, labels } = code.assemble();
  const addresses = on.map(([place]) => (typeof place === "number" ? place : Number(labels.get(place))));
  const dr7 = on.reduce((all, [, kind], index) => all | (1 << (2 * index)) | (kind << (16 + 4 * index)), 0);
  return { debugged: { code: bytes, addresses, dr7: dr7 >>> 0 }, labels };
}

const folder = mkdtempSync(`${tmpdir()}/breakpoints-`);
afterAll(() => rmSync(folder, { recursive: true }));
const tracer = makeTracer(folder);

it.each(Object.keys(CASES))("%s", (name) => {
  const found = CASES[name]!;
  const { debugged, labels } = debuggedOf(found);
  const place = (label: string): number => Number(labels.get(label)) - PLACES.code;
  for (const vendor of ["intel", "amd"] as const) {
    const events = (vendor === "intel" ? found.onIntel : undefined) ?? found.events;
    const expected: DebugEvent[] = events.map(([label, causes]) => [place(label), causes]);
    const profile = PROFILES[vendor];
    expect(debugOnEngine(debugged, "interpreter", profile), `interpreter, ${profile}`).toEqual(expected);
    expect(debugOnEngine(debugged, "translator", profile), `translator, ${profile}`).toEqual(expected);
    if (tracer !== undefined && vendor === HERE && found.isRefused !== true)
      expect(debugByTracer(tracer, debugged), "processor").toEqual(expected);
  }
});
