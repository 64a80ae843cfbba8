/**
 * The local APIC by the hardware: which accesses leave under APICv (Intel SDM vol. 3, 30.4) and AVIC (AMD APM vol. 2, 15.29), what is
 * told of them, interrupts that are posted, and virtual NMIs. Counts are exact, and the same in both engines.
 */
import { describe, expect, it } from "vitest";
import { EVENT } from "../../events/events.js";
import { EXIT, type ExitReasonName } from "../../events/exit-reasons.js";
import { findProfile } from "../../events/profiles/index.js";
import {
  APIC_REGISTER,
  type Body,
  DEVICE_VECTOR,
  deviceInterrupt,
  EXIT_OPERATIONS,
  endByMsr,
  enterX2Apic,
  exitGuest,
  ORIGIN,
  prepare,
  VECTOR,
  X2APIC_REGISTER,
} from "../../guest/exits/guests.js";
import { loadImage } from "../../guest/images/image.js";
import { Computer, type GuestComputer } from "../../machine/computer.js";
import { INCOMPLETE_IPI } from "../../machine/svm/avic.js";
import { SVM_EXIT } from "../../machine/svm/exit-codes.js";
import { CONTROL } from "../../machine/svm/vmcb.js";
import { PLAIN } from "../../machine/testing/plain.js";
import { PIN, SECONDARY } from "../../machine/vmx/controls.js";
import { VMX_EXIT } from "../../machine/vmx/exit-reasons.js";
import { FIELD } from "../../machine/vmx/fields.js";
import { POSTED, PostedInterrupts } from "../../machine/vmx/posted-interrupts.js";
import { imm, mem, SIZES } from "../../machine/x86/assembler-operands.js";
import { REGISTERS } from "../../machine/x86/registers.js";
import { makeHardwareComputer } from "./computer.js";
import { SvmVendor } from "./svm.js";
import type { HardwareComputer } from "./user-side.js";
import type { ApicAssist } from "./vendor.js";
import { VmxVendor } from "./vmx.js";

const { al, eax, ebx, ecx, edx, dx, edi, cs } = REGISTERS;
const { dword, word } = SIZES;
const MEMORY = 2 ** 21;
const N = 10;
const ICE_LAKE = "ice-lake-2019";
const ZEN_2 = "zen-2-2019";
const ZEN_3 = "zen-3-2020";
const APIC = 0xfee0_0000;
const { command: COMMAND, lvtTimer: LVT_TIMER, taskPriority: TPR } = APIC_REGISTER;
const COMMAND_HIGH = COMMAND + 0x10;
const LOGICAL_DESTINATION = APIC + 0xd0;
const PRIORITY = APIC + 0xa0;
const IN_SERVICE = APIC + 0x110;
const CURRENT_COUNT = APIC + 0x390;
const SELF = 0x4_0000;
const TO_ALL = 0x8_0000;
const LOGICAL = 0x800;
const NMI = 0x400;
const LEVEL = 0x8000;
/** jmp $+2: interrupts are taken where a block begins. */
const NEXT_BLOCK = [0xeb, 0];

const store =
  (address: number, value: number): Body =>
  (code) =>
    code
      .emit("mov", mem(dword, address), imm(value, 4))
      .emit("nop")
      .db(...NEXT_BLOCK);
const load =
  (address: number): Body =>
  (code) =>
    code.emit("mov", eax, mem(dword, address));
const send = (command: number): Body => store(COMMAND, command | VECTOR);

/** A serial port whose interrupt is level-triggered: it is raised by the body, and lowered by the handler. */
const SERIAL_PIN = 4;
const INTERRUPT_ENABLE = 0x3f9;
const raise =
  (value: number): Body =>
  (code) =>
    code
      .emit("mov", edx, INTERRUPT_ENABLE)
      .emit("mov", al, imm(value, 1))
      .emit("out", dx, al)
      .emit("nop")
      .db(...NEXT_BLOCK);
const LOGICAL_ID = store(LOGICAL_DESTINATION, 1 << 24);

/** #NMI: the first of a round sends another, which has to wait for the IRET. EBX counts. */
const IDT = 0x4000;
const NMI_VECTOR = 2;
const nmiHandler: Body = (code) => {
  const gate = IDT + 8 * NMI_VECTOR;
  code
    .emit("jmp", "no-nmi")
    .align(16)
    .label("nmi")
    .emit("inc", ebx)
    .emit("test", ebx, 1)
    .emit("je", "second");
  store(COMMAND, NMI)(code);
  code.label("second").emit("iretd").align(16).label("no-nmi").emit("mov", ebx, 0);
  code
    .emit("mov", eax, "nmi")
    .emit("mov", mem(dword, gate), eax)
    .emit("mov", mem(word, gate + 2), cs);
  code
    .emit("and", eax, 0xffff_0000 | 0)
    .emit("or", eax, 0x8e00)
    .emit("mov", mem(dword, gate + 4), eax);
};

interface Case {
  readonly what: string;
  readonly body: Body;
  readonly before?: Body;
  readonly profile: string;
  readonly assist: ApicAssist;
  readonly exits: Readonly<Partial<Record<ExitReasonName, number>>>;
  readonly posted?: number;
}
const RTC = EXIT_OPERATIONS["rtc-interrupt"]!;
const X2_SELF = EXIT_OPERATIONS["x2apic-self-ipi"]!;
const X2_TIMER = EXIT_OPERATIONS["x2apic-set-timer"]!;
const X2_TPR = EXIT_OPERATIONS["x2apic-tpr"]!;
const readMsr =
  (register: number): Body =>
  (code) =>
    code.emit("mov", ecx, register).emit("rdmsr");
const X2_IN_SERVICE = { body: readMsr(X2APIC_REGISTER.inService), before: enterX2Apic };
const X2_COUNT = { body: readMsr(X2APIC_REGISTER.currentCount), before: enterX2Apic };
/** Vector 0 is illegal: an error of the local APIC's, which the monitor notes. */
const X2_ILLEGAL: Pick<Case, "body" | "before"> = {
  before: enterX2Apic,
  body: (code) => {
    code.emit("mov", ecx, X2APIC_REGISTER.selfIpi).emit("mov", eax, 0).emit("mov", edx, 0).emit("wrmsr");
  },
};
const level = { body: raise(2), before: deviceInterrupt(SERIAL_PIN, LEVEL, raise(0)) };
const x2Level: Pick<Case, "body" | "before"> = {
  body: raise(2),
  before: (code) => {
    enterX2Apic(code);
    deviceInterrupt(SERIAL_PIN, LEVEL, raise(0), endByMsr)(code);
  },
};

// biome-ignore format: a table
const CASES: readonly Case[] = [
  { what: "IPI to itself, virtualized", body: send(SELF), profile: ICE_LAKE, assist: "kvm", exits: {} },
  { what: "IPI to itself", body: send(SELF), profile: ICE_LAKE, assist: "off", exits: { apic_access: 2 * N } },
  { what: "IPI to its own ID: the APIC write, not the end", body: send(0), profile: ICE_LAKE, assist: "kvm", exits: { apic_write: N } },
  { what: "the destination of an IPI", body: store(COMMAND_HIGH, 0), profile: ICE_LAKE, assist: "kvm", exits: {} },
  { what: "the timer's vector", body: store(LVT_TIMER, VECTOR), profile: ICE_LAKE, assist: "kvm", exits: { apic_write: N } },
  { what: "reading what is in service", body: load(IN_SERVICE), profile: ICE_LAKE, assist: "kvm", exits: {} },
  { what: "reading what is in service", body: load(IN_SERVICE), profile: ICE_LAKE, assist: "off", exits: { apic_access: N } },
  { what: "reading the processor's priority", body: load(PRIORITY), profile: ICE_LAKE, assist: "kvm", exits: { apic_access: N } },
  { what: "reading the timer's count", body: load(CURRENT_COUNT), profile: ICE_LAKE, assist: "kvm", exits: { apic_access: N } },
  { what: "the task priority", body: store(TPR, 0), profile: ICE_LAKE, assist: "off", exits: {} },
  { what: "a level-triggered interrupt: EOI-exit bitmap", ...level, profile: ICE_LAKE, assist: "kvm", exits: { io_user: 2 * N, end_of_interrupt: N } },
  { what: "a level-triggered interrupt", ...level, profile: ICE_LAKE, assist: "off", exits: { io_user: 2 * N, apic_access: N } },
  { what: "a device elsewhere posts its interrupt", ...RTC, profile: ICE_LAKE, assist: "kvm", exits: { io_user: N }, posted: N },
  { what: "a device elsewhere interrupts", ...RTC, profile: ICE_LAKE, assist: "off", exits: { io_user: N, external_interrupt: N, apic_access: N } },
  { what: "NMIs to itself, the second in the first's handler", body: store(COMMAND, NMI), before: nmiHandler, profile: ICE_LAKE, assist: "kvm", exits: { apic_write: 2 * N, nmi_window: N } },
  { what: "x2APIC: IPI to itself, virtualized", ...X2_SELF, profile: ICE_LAKE, assist: "kvm", exits: {} },
  { what: "x2APIC: IPI to itself, and its end", ...X2_SELF, profile: ICE_LAKE, assist: "off", exits: { msr_write: 2 * N } },
  { what: "x2APIC: IPI to itself, and its end", ...X2_SELF, profile: "skylake-2015", assist: "kvm", exits: { msr_write: 2 * N } },
  { what: "x2APIC: IPI to itself of an illegal vector", ...X2_ILLEGAL, profile: ICE_LAKE, assist: "kvm", exits: { apic_write: N } },
  { what: "x2APIC: setting the timer", ...X2_TIMER, profile: ICE_LAKE, assist: "kvm", exits: { msr_write: N } },
  { what: "x2APIC: the task priority", ...X2_TPR, profile: ICE_LAKE, assist: "kvm", exits: {} },
  { what: "x2APIC: the task priority", ...X2_TPR, profile: "skylake-2015", assist: "kvm", exits: {} },
  { what: "x2APIC: reading what is in service", ...X2_IN_SERVICE, profile: ICE_LAKE, assist: "kvm", exits: {} },
  { what: "x2APIC: reading what is in service", ...X2_IN_SERVICE, profile: ICE_LAKE, assist: "off", exits: { msr_read: N } },
  { what: "x2APIC: reading the timer's count", ...X2_COUNT, profile: ICE_LAKE, assist: "kvm", exits: { msr_read: N } },
  { what: "x2APIC: a level-triggered interrupt: EOI-exit bitmap", ...x2Level, profile: ICE_LAKE, assist: "kvm", exits: { io_user: 2 * N, end_of_interrupt: N } },
  { what: "NMIs without APICv", body: store(COMMAND, NMI), before: nmiHandler, profile: "skylake-2015", assist: "kvm", exits: { apic_access: 2 * N, nmi_window: N } },
  { what: "NMIs, IRET and the step over it", body: store(COMMAND, NMI), before: nmiHandler, profile: ZEN_3, assist: "kvm", exits: { mmio_kernel: 2 * N, nmi_window: 2 * N } },
  { what: "IPI to itself, without AVIC by default", body: send(SELF), profile: ZEN_3, assist: "kvm", exits: { mmio_kernel: 2 * N } },
  { what: "IPI to itself, accelerated", body: send(SELF), profile: ZEN_3, assist: "on", exits: {} },
  { what: "IPI to its own ID, accelerated", body: send(0), profile: ZEN_3, assist: "on", exits: {} },
  { what: "IPI to its own ID: not running, by erratum 1235", body: send(0), profile: ZEN_2, assist: "on", exits: { incomplete_ipi: N } },
  { what: "IPI to all, accelerated", body: send(TO_ALL), profile: ZEN_3, assist: "on", exits: {} },
  { what: "IPI to a logical ID that nobody has", body: (code) => { store(COMMAND_HIGH, 2 << 24)(code); send(LOGICAL)(code); }, before: LOGICAL_ID, profile: ZEN_3, assist: "on", exits: { incomplete_ipi: N } },
  { what: "IPI to its own logical ID", body: (code) => { store(COMMAND_HIGH, 1 << 24)(code); send(LOGICAL)(code); }, before: LOGICAL_ID, profile: ZEN_3, assist: "on", exits: {} },
  { what: "the timer's vector", body: store(LVT_TIMER, VECTOR), profile: ZEN_3, assist: "on", exits: { apic_write: N } },
  { what: "reading the processor's priority", body: load(PRIORITY), profile: ZEN_3, assist: "on", exits: {} },
  { what: "reading the timer's count", body: load(CURRENT_COUNT), profile: ZEN_3, assist: "on", exits: { apic_access: N } },
  { what: "writing what is in service", body: store(IN_SERVICE, 0), profile: ZEN_3, assist: "on", exits: { apic_access: N } },
  { what: "the task priority", body: store(TPR, 0), profile: ZEN_3, assist: "on", exits: {} },
  { what: "a level-triggered interrupt: the trap of its end", ...level, profile: ZEN_3, assist: "on", exits: { io_user: 2 * N, end_of_interrupt: N } },
  { what: "a device elsewhere rings the doorbell", ...RTC, profile: ZEN_3, assist: "on", exits: { io_user: N }, posted: N },
  { what: "NMIs: AVIC delivers fixed interrupts alone", body: store(COMMAND, NMI), before: nmiHandler, profile: ZEN_3, assist: "on", exits: { incomplete_ipi: 2 * N, nmi_window: 2 * N } },
];

const imageOf = ({ body, before }: Case): Uint8Array =>
  exitGuest(
    body,
    (code) => {
      prepare(code);
      before?.(code);
    },
    N,
  );

function finish(computer: GuestComputer, one: Case): void {
  computer.load(
    loadImage(imageOf(one), { kind: "raw", rawMode: 32, rawAddress: ORIGIN, memoryBytes: MEMORY }),
  );
  expect(computer.run(1e7)).toEqual({ kind: "exit", status: 0 });
}

const options = (profile: string, engine: "interpreter" | "translator") =>
  ({ profile: findProfile(profile)!, memoryBytes: MEMORY, ...PLAIN, engine }) as const;

function make({ profile, assist }: Case, engine: "interpreter" | "translator"): HardwareComputer {
  return makeHardwareComputer(options(profile, engine), {
    ...{ hostOrder: 0, vpid: true, accessedDirty: true, populate: false },
    apicAssist: assist,
  });
}

/** Exits between the marks, less the second mark's own. */
function measure(one: Case, engine: "interpreter" | "translator") {
  const computer = make(one, engine);
  const { counters } = computer.machine;
  const marks: { exits: Float64Array; posted: number }[] = [];
  computer.onMark = () =>
    marks.push({ exits: counters.exits.slice(), posted: counters.events[EVENT.posted_interrupts]! });
  finish(computer, one);
  expect(counters.totalCycles).toBe(computer.engine.now());
  const [begin, end] = marks;
  const names = Object.keys(EXIT) as ExitReasonName[];
  const counts = names.map((name) => {
    const count = end!.exits[EXIT[name]]! - begin!.exits[EXIT[name]]!;
    return [name, name === "io_user" ? count - 1 : count] as const;
  });
  return {
    exits: Object.fromEntries(counts.filter(([, count]) => count > 0)),
    posted: end!.posted - begin!.posted,
    interrupts: counters.events[EVENT.interrupts]!,
  };
}

describe("exits, exactly, and the guest's interrupts as natively", () => {
  it.each(CASES.map((one) => [one.what, one.profile, one.assist, one] as const))(
    "%s: %s, %s",
    (_what, profile, _assist, one) => {
      const native = new Computer(options(profile, "translator"));
      finish(native, one);
      const interrupts = native.machine.counters.events[EVENT.interrupts]!;
      for (const engine of ["translator", "interpreter"] as const)
        expect(measure(one, engine)).toEqual({ exits: one.exits, posted: one.posted ?? 0, interrupts });
    },
  );
});

describe("what the control block is told", () => {
  /** Of the last access that left. */
  function told(what: string, profile: string): Record<string, number> {
    const one = CASES.find((candidate) => candidate.what === what && candidate.profile === profile)!;
    const computer = make(one, "translator");
    const { vendor } = computer.vm;
    let seen: Record<string, number> = {};
    const apicExit = vendor.apicExit.bind(vendor);
    vendor.apicExit = (...access) => {
      const exit = apicExit(...access);
      if (exit === undefined) return exit;
      if (vendor instanceof VmxVendor) {
        const { current } = vendor.unit;
        seen = {
          reason: current!.low(FIELD.exitReason),
          qualification: current!.low(FIELD.exitQualification),
        };
      } else if (vendor instanceof SvmVendor) {
        const { vmcb } = vendor.unit;
        const [low, high] = [vmcb.low(CONTROL.exitInfo1), vmcb.high(CONTROL.exitInfo1)];
        const info2 = [vmcb.low(CONTROL.exitInfo2), vmcb.high(CONTROL.exitInfo2)] as const;
        seen = { code: vmcb.low(CONTROL.exitCode), low, high, index: info2[0], id: info2[1] };
      }
      return exit;
    };
    finish(computer, one);
    return seen;
  }

  it("an APIC access: offset, and whether it writes", () => {
    expect(told("reading the processor's priority", ICE_LAKE)).toEqual({
      reason: VMX_EXIT.apicAccess,
      qualification: 0xa0,
    });
  });
  it("an APIC write: offset", () => {
    expect(told("the timer's vector", ICE_LAKE)).toEqual({
      reason: VMX_EXIT.apicWrite,
      qualification: 0x320,
    });
  });
  it("a virtualized EOI: vector", () => {
    const { reason, qualification } = told("a level-triggered interrupt: EOI-exit bitmap", ICE_LAKE);
    expect([reason, qualification]).toEqual([VMX_EXIT.virtualizedEoi, DEVICE_VECTOR]);
  });
  it("AVIC_NOACCEL: offset, whether it writes, and of an end the vector", () => {
    const code = SVM_EXIT.avicNoAcceleration;
    const end = told("a level-triggered interrupt: the trap of its end", ZEN_3);
    expect(end).toEqual({ code, low: 0xb0, high: 1, index: DEVICE_VECTOR, id: 0 });
    const count = told("reading the timer's count", ZEN_3);
    expect(count).toEqual({ code, low: 0x390, high: 0, index: 0, id: 0 });
  });
  it("AVIC_INCOMPLETE_IPI: the command, why, and the target's index", () => {
    const code = SVM_EXIT.avicIncompleteIpi;
    expect(told("IPI to its own ID: not running, by erratum 1235", ZEN_2)).toEqual({
      ...{ code, low: VECTOR, high: 0, index: 0, id: INCOMPLETE_IPI.notRunning },
    });
    expect(told("IPI to a logical ID that nobody has", ZEN_3)).toMatchObject({
      ...{ code, low: LOGICAL | VECTOR, index: 1, id: INCOMPLETE_IPI.invalidTarget },
    });
  });
});

describe("a processor without it", () => {
  it.each([
    ["posted interrupts", "pinControls", PIN.postedInterrupts, "pin-based controls are allowed"],
    [
      "virtual-interrupt delivery",
      "secondaryControls",
      SECONDARY.virtualInterruptDelivery,
      "secondary controls are allowed",
    ],
    [
      "APIC-register virtualization",
      "secondaryControls",
      SECONDARY.apicRegisterVirtualization,
      "secondary controls are allowed",
    ],
  ] as const)("refuses an entry with %s", (_name, field, control, check) => {
    const computer = make({ ...CASES[0]!, profile: "skylake-2015" }, "interpreter");
    computer.load(
      loadImage(imageOf(CASES[0]!), { kind: "raw", rawMode: 32, rawAddress: ORIGIN, memoryBytes: MEMORY }),
    );
    computer.run(0);
    const { unit } = computer.vm.vendor as VmxVendor;
    unit.write(FIELD[field], unit.read(FIELD[field])[0] | control);
    expect(unit.vmresume()).toMatchObject({ kind: "fail-valid", check });
  });
});

describe("the hardware's view of interrupts", () => {
  it("RVI and SVI are the highest requested and in service", () => {
    const computer = make(CASES[0]!, "interpreter");
    computer.load(
      loadImage(imageOf(CASES[0]!), { kind: "raw", rawMode: 32, rawAddress: ORIGIN, memoryBytes: MEMORY }),
    );
    computer.run(0);
    const { unit } = computer.vm.vendor as VmxVendor;
    const { localApic } = computer.vm.board!.pc;
    expect(unit.read(FIELD.guestInterruptStatus)).toEqual([0, 0]);
    localApic!.request(0x41);
    expect(unit.read(FIELD.guestInterruptStatus)[0]).toBe(0x41);
    localApic!.acknowledge();
    localApic!.request(0x35);
    expect(unit.read(FIELD.guestInterruptStatus)[0]).toBe(0x4135);
  });

  it("a descriptor tells of its first interrupt, and gives all at once", () => {
    const words = new Int32Array(16);
    const descriptor = new PostedInterrupts(words, 0);
    descriptor.clear(0xf2);
    expect([descriptor.post(0x31), descriptor.post(0xff), descriptor.isOutstanding]).toEqual([
      true,
      false,
      true,
    ]);
    const taken: number[] = [];
    descriptor.take((vector) => taken.push(vector));
    expect(taken).toEqual([0x31, 0xff]);
    expect(descriptor.isOutstanding).toBe(false);
    // NV stays.
    expect([...words]).toEqual([...new Array(8).fill(0), 0xf2 << 16, ...new Array(7).fill(0)]);
    words[8]! |= POSTED.suppress;
    expect(descriptor.post(0x40)).toBe(false);
  });
});

it("interrupts of the 8259As are injected all the same", () => {
  // Counter 0 of the PIT by the master 8259A, whose vectors begin at VECTOR; the local APIC passes it on (ExtINT).
  const pic: Body = (code) => {
    for (const [port, value] of [
      [0x20, 0x11],
      [0x21, VECTOR],
      [0x21, 4],
      [0x21, 3],
      [0x21, 0xfe],
      [0x43, 0x34],
      [0x40, 0x40],
      [0x40, 0],
    ] as const)
      code.emit("mov", al, imm(value, 1)).emit("out", imm(port, 1), al);
    code.emit("mov", mem(dword, APIC + 0x350), 0x700);
  };
  const wait: Body = (code) => {
    const label = code.unique("wait");
    code.emit("mov", ecx, edi).label(label).emit("cmp", ecx, edi).emit("je", label);
  };
  for (const [profile, assist] of [
    [ICE_LAKE, "kvm"],
    [ZEN_3, "on"],
  ] as const) {
    const seen = measure({ what: "", body: wait, before: pic, profile, assist, exits: {} }, "translator");
    expect(seen.exits["external_interrupt"]).toBeGreaterThanOrEqual(N);
    expect(seen.posted).toBe(0);
  }
});
