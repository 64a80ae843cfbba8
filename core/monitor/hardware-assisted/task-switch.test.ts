/**
 * Task switches leave VMX non-root operation whatever the controls say (SDM vol. 3, 26.4.2), and an SVM guest where TASK_SWITCH is
 * intercepted (AMD APM vol. 2, 15.14.1): what the control block is told, and that the guest goes on as natively.
 */
import { describe, expect, it } from "vitest";
import { EXIT } from "../../events/exit-reasons.js";
import { findProfile } from "../../events/profiles/index.js";
import { type Body, exitGuest, ORIGIN } from "../../guest/exits/guests.js";
import { loadImage } from "../../guest/images/image.js";
import { Computer, type GuestComputer } from "../../machine/computer.js";
import { SVM_EXIT } from "../../machine/svm/exit-codes.js";
import { CONTROL, INTERCEPT_3 } from "../../machine/svm/vmcb.js";
import { PLAIN } from "../../machine/testing/plain.js";
import { VMX_EXIT } from "../../machine/vmx/exit-reasons.js";
import { FIELD } from "../../machine/vmx/fields.js";
import { imm, mem, SIZES } from "../../machine/x86/assembler-operands.js";
import { REGISTERS } from "../../machine/x86/registers.js";
import { makeHardwareComputer, makeHardwareShadowComputer } from "./computer.js";
import { SvmVendor } from "./svm.js";
import { VmxVendor } from "./vmx.js";

const { eax, ax, ds, es, fs, gs, ss, esp } = REGISTERS;
const { dword, word, fword } = SIZES;
const MEMORY = 2 ** 21;
const ROUNDS = 20;
/** Once before the marks, ROUNDS times between them. */
const BODIES = ROUNDS + 1;
/** Task switches of a body. */
const switchesOf = (name: Case): number => (name.includes("#TS") ? 4 : 2);
const SEL = { code: 0x08, data: 0x10, first: 0x18, second: 0x20, third: 0x28 } as const;
/** Of no descriptor: a task with it is invalid. */
const NO_SELECTOR = 0x80;
const THIRD_TSS = 0x5200;
const FIRST_TSS = 0x5000;
const SECOND_TSS = 0x5100;
/** Each in a page of its own, which the push of an error code is the first to touch. */
const SECOND_STACK = 0x8000;
const THIRD_STACK = 0x7000;
const IDT = 0x4000;
/** Offsets in a 32-bit TSS (SDM vol. 3, figure 8-2). */
const TSS = { eip: 0x20, eflags: 0x24, esp: 0x38, segments: 0x48, cs: 0x4c } as const;
const TASK_GATE = 0x8500;
const INVALID_TSS = 10;
const GENERAL_PROTECTION = 13;
/** LLDT of a selector that is no LDT's: #GP(selector). With a prefix for the 16-bit register. */
const LLDT_BYTES = 4;
const GATE = 0x20;

/** A task that is not the first: where it begins, and what may come to its gate. */
interface Task {
  readonly body: Body;
  readonly gate?: number;
}

/** This task, one that begins at the label "second", and maybe one that begins at "third". Each goes on where it left. */
const tasks =
  (second: Task, third?: Task): Body =>
  (code) => {
    const others = [
      { ...second, name: "second", selector: SEL.second, tss: SECOND_TSS, stack: SECOND_STACK },
      ...(third === undefined
        ? []
        : [{ ...third, name: "third", selector: SEL.third, tss: THIRD_TSS, stack: THIRD_STACK }]),
    ];
    code.emit("jmp", "prepared").align(8).label("gdt").dd(0).dd(0);
    code.dd(0xffff).dd(0xcf_9b00).dd(0xffff).dd(0xcf_9300);
    for (const tss of [FIRST_TSS, SECOND_TSS, THIRD_TSS]) code.dd((tss << 16) | 0x67).dd(0x8900);
    code.label("gdtr").dw(0x2f).dd("gdt");
    code.label("to-code").dd("flat").dw(SEL.code);
    for (const [name, selector] of [
      ["to-first", SEL.first],
      ["to-second", SEL.second],
    ] as const)
      code.label(name).dd(0).dw(selector);
    for (const { name, body } of others) {
      code.label(name);
      body(code);
      code.emit("jmp", name);
    }
    code.label("prepared").emit("lgdt", mem("gdtr")).emit("jmp far", mem(fword, "to-code")).label("flat");
    code.emit("mov", eax, SEL.data);
    for (const segment of [ds, es, fs, gs, ss]) code.emit("mov", segment, ax);
    code.emit("mov", eax, SEL.first).emit("ltr", ax);
    for (const { name, selector, tss, stack, gate } of others) {
      code.emit("mov", eax, name).emit("mov", mem(dword, tss + TSS.eip), eax);
      code.emit("mov", mem(dword, tss + TSS.eflags), 2).emit("mov", mem(dword, tss + TSS.esp), stack);
      for (const [index, value] of [SEL.data, SEL.code, SEL.data, SEL.data, 0, 0].entries())
        code.emit("mov", mem(dword, tss + TSS.segments + 4 * index), value);
      if (gate === undefined) continue;
      code.emit("mov", mem(word, IDT + 8 * gate + 2), imm(selector, 2));
      code.emit("mov", mem(dword, IDT + 8 * gate + 4), TASK_GATE);
    }
  };

const far =
  (name: "jmp far" | "call far", to: "first" | "second"): Body =>
  (code) =>
    code.emit(name, mem(fword, `to-${to}`));
const back: Body = (code) => code.emit("iretd");

const fault: Body = (code) => code.emit("mov", eax, SEL.code).emit("lldt", ax);

/** What the other task is switched to by, and what comes back. */
const CASES = {
  "JMP and JMP": exitGuest(far("jmp far", "second"), tasks({ body: far("jmp far", "first") }), ROUNDS),
  "CALL and IRET": exitGuest(far("call far", "second"), tasks({ body: back }), ROUNDS),
  "INT n by a task gate, and IRET": exitGuest(
    (code) => code.emit("int", imm(GATE, 1)),
    tasks({ body: back, gate: GATE }),
    ROUNDS,
  ),
  // The first task is at the instruction that faults, and the error code is on the second one's stack.
  "#GP by a task gate, and IRET": exitGuest(
    fault,
    tasks({
      gate: GENERAL_PROTECTION,
      body: (code) => {
        // The first task goes on behind its fault.
        code.emit("add", esp, 4).emit("add", mem(dword, FIRST_TSS + TSS.eip), LLDT_BYTES);
        back(code);
      },
    }),
    ROUNDS,
  ),
  // The second task cannot be loaded: #TS, once it is the current one, whose gate is the third task's. That mends it.
  "INT n by a task gate, #TS by another, and IRET twice": exitGuest(
    (code) => {
      code.emit("mov", mem(dword, SECOND_TSS + TSS.cs), NO_SELECTOR).emit("int", imm(GATE, 1));
    },
    tasks(
      { gate: GATE, body: back },
      {
        gate: INVALID_TSS,
        body: (code) => {
          code.emit("add", esp, 4);
          for (const [index, value] of [SEL.data, SEL.code, SEL.data, SEL.data, 0, 0].entries())
            code.emit("mov", mem(dword, SECOND_TSS + TSS.segments + 4 * index), value);
          back(code);
        },
      },
    ),
    ROUNDS,
  ),
} as const;
type Case = keyof typeof CASES;

function run(computer: GuestComputer, name: Case): GuestComputer {
  computer.load(
    loadImage(CASES[name], { kind: "raw", rawMode: 32, rawAddress: ORIGIN, memoryBytes: MEMORY }),
  );
  expect(computer.run(1e5)).toEqual({ kind: "exit", status: 0 });
  return computer;
}

const options = (profile: string, engine: "interpreter" | "translator") =>
  ({ profile: findProfile(profile)!, memoryBytes: MEMORY, ...PLAIN, engine }) as const;
const NESTED = { hostOrder: 0, vpid: true, accessedDirty: true, populate: false } as const;
const SHADOW = { eager: false, outOfSync: true, reuse: true, maximumTables: 0, writeFlood: 3 } as const;
const count = ({ machine }: GuestComputer): number => machine.counters.exits[EXIT.task_switch]!;

describe.each(Object.keys(CASES) as Case[])("%s", (name) => {
  it.each(["skylake-2015", "nehalem-2008", "zen-2-2019"])(
    "leaves for each on %s, and the guest is what it is natively",
    (profile) => {
      const native = run(new Computer(options(profile, "translator")), name);
      for (const engine of ["interpreter", "translator"] as const) {
        const computer = run(makeHardwareComputer(options(profile, engine), NESTED), name);
        expect(count(computer)).toBe(switchesOf(name) * BODIES);
        expect(computer.engine.instructions).toBe(native.engine.instructions);
        expect(computer.machine.counters.totalCycles).toBe(computer.engine.now());
      }
    },
  );

  it("leaves alike on shadow page tables", () => {
    const computer = run(
      makeHardwareShadowComputer(options("merom-2006", "translator"), { vpid: true, shadow: SHADOW }),
      name,
    );
    expect(count(computer)).toBe(switchesOf(name) * BODIES);
  });
});

it("natively costs what the profile says of a task switch", () => {
  const { machine } = run(new Computer(options("skylake-2015", "translator")), "JMP and JMP");
  expect(machine.counters.totalCycles).toBeGreaterThan(2 * BODIES * machine.costs.task_switch);
});

/** What the hardware tells of the first two task switches. */
function told(profile: string, name: Case, prepare: (vendor: VmxVendor | SvmVendor) => void = () => {}) {
  const computer = makeHardwareComputer(options(profile, "interpreter"), NESTED);
  const { vendor } = computer.vm;
  if (!(vendor instanceof VmxVendor) && !(vendor instanceof SvmVendor)) throw new Error("VT-x or AMD-V");
  const seen: Readonly<Record<string, number>>[] = [];
  const { interception } = vendor;
  const taskSwitch = interception.taskSwitch.bind(interception);
  interception.taskSwitch = (...what) => {
    prepare(vendor);
    const leaves = taskSwitch(...what);
    if (leaves) seen.push(vendor instanceof VmxVendor ? vmcsOf(vendor) : vmcbOf(vendor));
    return leaves;
  };
  run(computer, name);
  return seen.slice(0, 2);
}

const hex = (value: number): string => (value >>> 0).toString(16);
const vmcsOf = ({ unit }: VmxVendor) => {
  const low = (field: number): number => unit.current!.low(field) >>> 0;
  return {
    reason: low(FIELD.exitReason),
    qualification: low(FIELD.exitQualification),
    length: low(FIELD.exitInstructionLength),
    vectoring: low(FIELD.idtVectoringInfo),
    errorCode: low(FIELD.idtVectoringErrorCode),
  };
};
const vmcbOf = ({ unit: { vmcb } }: SvmVendor) => ({
  code: vmcb.low(CONTROL.exitCode),
  info1: vmcb.low(CONTROL.exitInfo1),
  info2: vmcb.low(CONTROL.exitInfo2) >>> 0,
  info2High: vmcb.high(CONTROL.exitInfo2) >>> 0,
  vectoring: vmcb.low(CONTROL.exitInterruptInfo) >>> 0,
});

describe("the VMCS", () => {
  const reason = VMX_EXIT.taskSwitch;
  const JMP_BYTES = 6;
  // Qualification (table 28-2): the selector, and from bit 30 CALL 0, IRET 1, JMP 2, task gate 3.
  it.each([
    ["JMP and JMP", { qualification: 0x8000_0020, length: JMP_BYTES, vectoring: 0 }, 0x8000_0018],
    ["CALL and IRET", { qualification: 0x20, length: JMP_BYTES, vectoring: 0 }, 0x4000_0018],
    [
      "INT n by a task gate, and IRET",
      { qualification: 0xc000_0020, length: 2, vectoring: 0x8000_0420 },
      0x4000_0018,
    ],
    [
      "#GP by a task gate, and IRET",
      { qualification: 0xc000_0020, length: 0, vectoring: 0x8000_0b0d, errorCode: SEL.code },
      0x4000_0018,
    ],
  ] as const)("%s", (name, there, back) => {
    const [first, second] = told("skylake-2015", name);
    expect(first).toMatchObject({ reason, ...there });
    expect(second).toMatchObject({ reason, qualification: back, vectoring: 0 });
    expect(hex(second!["qualification"]!)).toBe(hex(back));
  });
});

describe("the VMCB", () => {
  const code = SVM_EXIT.taskSwitch;
  // EXITINFO2: bit 36 IRET, 38 JMP, 44 an error code, 48 the RF that the outgoing TSS would get.
  it.each([
    ["JMP and JMP", { info2: 0, info2High: 0x40, vectoring: 0 }, 0x40],
    ["CALL and IRET", { info2: 0, info2High: 0, vectoring: 0 }, 0x10],
    ["INT n by a task gate, and IRET", { info2: 0, info2High: 0, vectoring: 0x8000_0420 }, 0x10],
    ["#GP by a task gate, and IRET", { info2: SEL.code, info2High: 0x1_1000, vectoring: 0x8000_0b0d }, 0x10],
  ] as const)("%s", (name, there, back) => {
    const [first, second] = told("zen-2-2019", name);
    expect(first).toMatchObject({ code, info1: SEL.second, ...there });
    expect(second).toMatchObject({ code, info1: SEL.first, info2High: back, vectoring: 0 });
  });

  it("without the intercept nothing leaves", () => {
    const seen = told("zen-2-2019", "CALL and IRET", (vendor) => {
      const { vmcb } = (vendor as SvmVendor).unit;
      vmcb.setLow(CONTROL.intercept3, vmcb.low(CONTROL.intercept3) & ~INTERCEPT_3.taskSwitch);
    });
    expect(seen).toEqual([]);
  });
});
