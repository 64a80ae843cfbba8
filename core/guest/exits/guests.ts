/**
 * One small guest for each operation that leaves a virtual machine: what the test `vmexit` of kvm-unit-tests measures (x86/vmexit.c),
 * and a few more. A kernel of 32 bits without paging repeats its operation ROUNDS times between its marks, so that cycles divided
 * by ROUNDS are an operation's. It prints one letter, and ends; natively and under every monitor alike.
 *
 * The images beside this file are what `exitImage` assembles; the test says so (BLESS=1 writes them anew).
 */
import { Assembler } from "../../machine/x86/assemble.js";
import { imm, mem, SIZES } from "../../machine/x86/assembler-operands.js";
import { REGISTERS } from "../../machine/x86/registers.js";

const { al, eax, ebx, ecx, edx, dx, ebp, esp, esi, edi, cr0, cr3, cr4, cs } = REGISTERS;
const { dword, word, byte } = SIZES;

/** Operations between the marks. */
export const ROUNDS = 1_000;
/** Where raw code is put, and what it has of memory for itself. */
export const ORIGIN = 0x10_0000;
const STACK = 0x9000;
const IDT = 0x4000;
/** Pages of which none was touched before: ROUNDS and one more of 4 KiB. */
const FRESH = 0x20_0000;
/** 512 bytes of FXSAVE. */
const FLOATING_POINT_AREA = 0x8000;
const PAGE = 4096;
/** Vectors: #UD, and one for interrupts. */
const INVALID_OPCODE = 6;
const GENERAL_PROTECTION = 13;
export const VECTOR = 0x30;
const INTERRUPT_GATE = 0x8e00;
/** The local APIC's registers (SDM vol. 3, table 11-1). */
const APIC = 0xfee0_0000;
export const APIC_REGISTER = {
  taskPriority: APIC + 0x80,
  endOfInterrupt: APIC + 0xb0,
  spurious: APIC + 0xf0,
  command: APIC + 0x300,
  lvtTimer: APIC + 0x320,
  initialCount: APIC + 0x380,
  divide: APIC + 0x3e0,
} as const;
const APIC_ENABLED = 0x1ff;
/** The same by MSR, in x2APIC mode (table 11-6), and what turns that on in IA32_APIC_BASE: EN and EXTD. */
export const X2APIC_REGISTER = {
  taskPriority: 0x808,
  endOfInterrupt: 0x80b,
  inService: 0x811,
  initialCount: 0x838,
  currentCount: 0x839,
  selfIpi: 0x83f,
} as const;
const X2APIC_ENABLED = 0xc00;
/** Shorthand "self" of the interrupt command. */
const SELF = 0x4_0000;
/** Divide by 1; bus ticks until the timer fires. */
const BY_ONE = 0xb;
const SHORT_WAIT = 100;
const LONG_WAIT = -1;
const DIVISIONS = 64;
const MARK_PORT = 0x5640;
const SERIAL = 0x3f8;
/** The clock's periodic interrupt (MC146818): 8,192 a second, by pin 8 of the I/O APIC; register C ends each. */
const RTC = { index: 0x70, data: 0x71, rate: 0x23, periodic: 0x42, a: 10, b: 11, c: 12 } as const;
const RTC_PIN = 8;
const IO_APIC = 0xfec0_0000;
const IO_APIC_WINDOW = IO_APIC + 0x10;
const REDIRECTION = 0x10;
/** A vector that has a gate, and no handler of its own otherwise. */
export const DEVICE_VECTOR = 0x22;
const EXIT_PORT = 0xf4;
/** Edge or level of the interrupt lines: in the kernel side of KVM. And ports of its user side: the clock, and nobody's. */
const ELCR = 0x4d0;
const RTC_DATA = 0x71;
const NOBODY = 0x1234;
const VIDEO = 0xb_8000;
const CR0_AM = 0x4_0000;
const MSR = { apicBase: 0x1b, sysenterCs: 0x174, tscDeadline: 0x6e0 } as const;
/** CPUID 0: "Auth" of AuthenticAMD. */
const AMD = 0x6874_7541;
/** jmp $+2: interrupts are taken where a block begins. */
const NEXT_BLOCK = [0xeb, 0];

export type Body = (code: Assembler) => void;

const selfInterrupt: Body = (code) => void code.emit("mov", mem(dword, APIC_REGISTER.command), SELF | VECTOR);

/** Writes a gate of the IDT; changes EAX. */
const setGate = (code: Assembler, vector: number, label: string): void => {
  const gate = IDT + vector * 8;
  code
    .emit("mov", eax, label)
    .emit("mov", mem(dword, gate), eax)
    .emit("mov", mem(word, gate + 2), cs);
  code
    .emit("and", eax, 0xffff_0000 | 0)
    .emit("or", eax, INTERRUPT_GATE)
    .emit("mov", mem(dword, gate + 4), eax);
};

/** A handler of a vector, which ends with IRET; it is passed over here. */
const handle = (code: Assembler, vector: number, handler: Body): void => {
  const past = code.unique("past");
  const label = code.unique("handler");
  code.emit("jmp", past).align(16).label(label);
  handler(code);
  code.emit("iretd").align(16).label(past);
  setGate(code, vector, label);
};

const writeX2Apic = (code: Assembler, register: number, value: number): void => {
  code.emit("mov", ecx, register).emit("mov", eax, imm(value, 4)).emit("mov", edx, 0).emit("wrmsr");
};

const endByPage: Body = (code) => void code.emit("mov", mem(dword, APIC_REGISTER.endOfInterrupt), 0);
/** Changes EAX, ECX and EDX. */
export const endByMsr: Body = (code) => writeX2Apic(code, X2APIC_REGISTER.endOfInterrupt, 0);

/** To x2APIC mode, where the handler of VECTOR ends by MSR. Both change EAX, ECX and EDX. */
export const enterX2Apic: Body = (code) => {
  code.emit("mov", ecx, MSR.apicBase).emit("rdmsr").emit("or", eax, X2APIC_ENABLED).emit("wrmsr");
  handle(code, VECTOR, (handler) => {
    handler.emit("inc", edi);
    endByMsr(handler);
  });
};

/** Sends an interrupt line to a vector through the I/O APIC, where a handler stands that ends with EOI and IRET. */
export const deviceInterrupt =
  (pin: number, flags: number, handler: Body, end = endByPage): Body =>
  (code) => {
    handle(code, DEVICE_VECTOR, (code) => {
      handler(code);
      end(code);
    });
    for (const [register, value] of [
      [REDIRECTION + 2 * pin + 1, 0],
      [REDIRECTION + 2 * pin, DEVICE_VECTOR | flags],
    ] as const)
      code.emit("mov", mem(dword, IO_APIC), register).emit("mov", mem(dword, IO_APIC_WINDOW), imm(value, 4));
  };

interface ExitOperation {
  readonly title: string;
  readonly body: Body;
  /** Once, behind `prepare`. */
  readonly before?: Body;
}

/** By name, after kvm-unit-tests where it has one. */
export const EXIT_OPERATIONS: Readonly<Record<string, ExitOperation>> = {
  nothing: { title: "The loop alone.", body: () => {} },
  cpuid: { title: "CPUID.", body: (code) => void code.emit("mov", eax, 0).emit("cpuid") },
  vmcall: {
    title: "VMCALL or VMMCALL with a number that no monitor knows; natively #UD.",
    body: (code) => {
      const amd = code.unique("amd");
      const called = code.unique("called");
      // EBP: whether the processor is AMD's.
      code.emit("mov", eax, -1).emit("test", ebp, ebp).emit("jne", amd);
      code.db(0x0f, 0x01, 0xc1).emit("jmp", called);
      code.label(amd).db(0x0f, 0x01, 0xd9).label(called);
    },
  },
  "inl-from-kernel": {
    title: "IN from a port of the monitor's kernel side: the interrupt lines' triggers.",
    body: (code) => void code.emit("mov", edx, ELCR).emit("in", al, dx),
  },
  "inl-from-user": {
    title: "IN from a port of the monitor's user side where nobody is.",
    body: (code) => void code.emit("mov", edx, NOBODY).emit("in", eax, dx),
  },
  "outl-to-kernel": {
    title: "OUT to a port of the monitor's kernel side.",
    body: (code) => void code.emit("mov", edx, ELCR).emit("mov", eax, 0).emit("out", dx, al),
  },
  "outl-to-user": {
    title: "OUT to a port of the monitor's user side where nobody is.",
    body: (code) => void code.emit("mov", edx, NOBODY).emit("out", dx, eax),
  },
  "rtc-from-user": {
    title: "IN from the clock, a device of the monitor's user side.",
    body: (code) => void code.emit("in", al, imm(RTC_DATA, 1)),
  },
  "mmio-user": {
    title: "A load from device memory of the monitor's user side: the video memory.",
    body: (code) => void code.emit("mov", al, mem(byte, VIDEO)),
  },
  rdtsc: { title: "RDTSC.", body: (code) => void code.emit("rdtsc") },
  "mov-from-cr4": { title: "MOV from CR4.", body: (code) => void code.emit("mov", eax, cr4) },
  rdmsr: {
    title: "RDMSR of IA32_APIC_BASE.",
    body: (code) => void code.emit("mov", ecx, MSR.apicBase).emit("rdmsr"),
  },
  wrmsr: {
    title: "WRMSR of IA32_SYSENTER_CS, which the processor keeps for a guest.",
    body: (code) =>
      void code.emit("mov", ecx, MSR.sysenterCs).emit("mov", eax, 0).emit("mov", edx, 0).emit("wrmsr"),
  },
  "wr-tsc-deadline": {
    title: "WRMSR of IA32_TSC_DEADLINE; #GP where the processor has none.",
    body: (code) =>
      void code.emit("mov", ecx, MSR.tscDeadline).emit("mov", eax, 0).emit("mov", edx, 0).emit("wrmsr"),
  },
  "mov-to-cr0": {
    title: "MOV to CR0 that changes AM.",
    body: (code) => void code.emit("mov", eax, cr0).emit("xor", eax, CR0_AM).emit("mov", cr0, eax),
  },
  "change-world": {
    title: "Between an application and a kernel beside it in ring 0: FXSAVE, MOV to CR3, and both back.",
    body: (code) => {
      const registers = mem(FLOATING_POINT_AREA);
      code.emit("fxsave", registers).emit("mov", eax, cr3).emit("mov", cr3, eax);
      code.emit("fxrstor", registers).emit("mov", cr3, eax);
    },
  },
  ud2: { title: "An undefined instruction.", body: (code) => void code.emit("ud2") },
  tpr: {
    title: "A store to the local APIC's task priority.",
    body: (code) => void code.emit("mov", mem(dword, APIC_REGISTER.taskPriority), 0),
  },
  "set-timer": {
    title: "A store to the local APIC's initial count.",
    body: (code) => void code.emit("mov", mem(dword, APIC_REGISTER.initialCount), imm(LONG_WAIT, 4)),
  },
  "self-ipi": {
    title: "An interrupt to itself by the local APIC, taken and ended.",
    body: (code) => {
      selfInterrupt(code);
      code.emit("nop").db(...NEXT_BLOCK);
    },
  },
  "interrupt-window": {
    title: "The same while interrupts are off; they are turned on afterwards.",
    body: (code) => {
      code.emit("cli");
      selfInterrupt(code);
      code
        .emit("sti")
        .emit("nop")
        .db(...NEXT_BLOCK);
    },
  },
  "x2apic-tpr": {
    title: "WRMSR of the local APIC's task priority, in x2APIC mode.",
    before: enterX2Apic,
    body: (code) => writeX2Apic(code, X2APIC_REGISTER.taskPriority, 0),
  },
  "x2apic-set-timer": {
    title: "WRMSR of the local APIC's initial count, in x2APIC mode.",
    before: enterX2Apic,
    body: (code) => writeX2Apic(code, X2APIC_REGISTER.initialCount, LONG_WAIT),
  },
  "x2apic-self-ipi": {
    title: "An interrupt to itself by WRMSR of the local APIC's SELF IPI, taken and ended, in x2APIC mode.",
    before: enterX2Apic,
    body: (code) => {
      writeX2Apic(code, X2APIC_REGISTER.selfIpi, VECTOR);
      code.emit("nop").db(...NEXT_BLOCK);
    },
  },
  timer: {
    title: "The local APIC's timer, waited for in a loop.",
    body: (code) => {
      const wait = code.unique("wait");
      code.emit("mov", ebx, edi).emit("mov", mem(dword, APIC_REGISTER.initialCount), imm(SHORT_WAIT, 4));
      code.label(wait).emit("cmp", ebx, edi).emit("je", wait);
    },
  },
  "rtc-interrupt": {
    title: "An interrupt of a device of the monitor's user side, waited for in a loop, and ended there.",
    before: (code) => {
      deviceInterrupt(RTC_PIN, 0, (handler) => handler.emit("inc", edi).emit("in", al, imm(RTC.data, 1)))(
        code,
      );
      for (const [register, value] of [
        [RTC.a, RTC.rate],
        [RTC.b, RTC.periodic],
      ] as const) {
        code.emit("mov", al, imm(register, 1)).emit("out", imm(RTC.index, 1), al);
        code.emit("mov", al, imm(value, 1)).emit("out", imm(RTC.data, 1), al);
      }
      code.emit("mov", al, imm(RTC.c, 1)).emit("out", imm(RTC.index, 1), al);
      code.emit("in", al, imm(RTC.data, 1));
    },
    body: (code) => {
      const wait = code.unique("wait");
      // Divisions take long, for their number: there are hundreds of thousands of cycles to wait.
      code.emit("mov", ebx, edi).emit("mov", ecx, 1).label(wait).emit("mov", eax, 1);
      for (let times = 0; times < DIVISIONS; times++) code.emit("mov", edx, 0).emit("div", ecx);
      code.emit("cmp", ebx, edi).emit("je", wait);
    },
  },
  "first-touch": {
    title: "A store to a page that was never touched.",
    body: (code) => {
      // EBX: the next page.
      code.emit("mov", mem(dword, ebx), eax).emit("add", ebx, imm(PAGE, 4));
    },
  },
};

/** Repeats a body; `before` comes once, at first. Interrupts of VECTOR are counted in EDI and ended; #UD goes on behind it. */
export function exitGuest(body: Body, before: Body = () => {}, rounds = ROUNDS): Uint8Array {
  const code = new Assembler({ bits: 32, origin: ORIGIN });
  code.emit("jmp", "start").align(16);
  code
    .label("interrupt")
    .emit("inc", edi)
    .emit("mov", mem(dword, APIC_REGISTER.endOfInterrupt), 0)
    .emit("iretd")
    .align(16);
  // UD2 has two bytes, VMCALL three: on a processor that has neither, the third is passed over by a byte of its own.
  code
    .label("undefined")
    .emit("push", eax)
    .emit("mov", eax, mem(dword, esp, { displacement: 4 }));
  code
    .emit("cmp", mem(byte, eax, { displacement: 1 }), imm(0x0b, 1))
    .emit("je", "two")
    .emit("inc", eax)
    .label("two");
  code
    .emit("add", eax, 2)
    .emit("mov", mem(dword, esp, { displacement: 4 }), eax)
    .emit("pop", eax)
    .emit("iretd")
    .align(16);
  // WRMSR of a register that is not there.
  code.label("protection").emit("add", esp, 4).emit("add", mem(dword, esp), 2).emit("iretd").align(16);
  code
    .label("idtr")
    .dw(8 * (VECTOR + 1) - 1)
    .dd(IDT);
  code.label("start").emit("mov", esp, STACK).emit("lidt", mem("idtr"));
  for (const [vector, label] of HANDLERS) setGate(code, vector, label);
  code.emit("mov", mem(dword, APIC_REGISTER.spurious), APIC_ENABLED);
  before(code);
  const mark = (value: number): void => {
    code.emit("mov", eax, value).emit("mov", edx, MARK_PORT).emit("out", dx, eax);
  };
  // Once before: what happens at first touch alone is not counted.
  body(code);
  mark(1);
  code.emit("mov", esi, rounds).label("round");
  body(code);
  code.emit("dec", esi).emit("jnz", "round");
  mark(2);
  code
    .emit("cli")
    .emit("mov", edx, SERIAL)
    .emit("mov", al, imm("x".charCodeAt(0), 1))
    .emit("out", dx, al);
  code.emit("mov", al, 0).emit("out", imm(EXIT_PORT, 1), al).emit("hlt");
  return code.assemble().bytes;
}

const HANDLERS = [
  [VECTOR, "interrupt"],
  [INVALID_OPCODE, "undefined"],
  [GENERAL_PROTECTION, "protection"],
] as const;

/** Interrupts on, but for those of the 8259As; the APIC's timer fires once, at VECTOR; EBX and EBP as bodies have them. */
export const prepare: Body = (code) => {
  code.emit("mov", al, 0xff).emit("out", imm(0x21, 1), al).emit("out", imm(0xa1, 1), al);
  code
    .emit("mov", eax, 0)
    .emit("cpuid")
    .emit("mov", ebp, 0)
    .emit("cmp", ebx, imm(AMD, 4))
    .emit("jne", "intel");
  code.emit("inc", ebp).label("intel");
  code
    .emit("mov", mem(dword, APIC_REGISTER.divide), BY_ONE)
    .emit("mov", mem(dword, APIC_REGISTER.lvtTimer), VECTOR);
  code.emit("mov", edi, 0).emit("mov", ebx, imm(FRESH, 4)).emit("sti").emit("nop");
};

/** The image of an operation: raw code for 1 MiB. */
export function exitImage(name: string): Uint8Array {
  const { body, before } = EXIT_OPERATIONS[name]!;
  return exitGuest(body, (code) => {
    prepare(code);
    before?.(code);
  });
}
