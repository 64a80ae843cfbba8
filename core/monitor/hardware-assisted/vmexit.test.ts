/**
 * What leaves, how often and at what price: the exits that kvm-unit-tests' vmexit measures, as small assembler guests. Each
 * repeats one operation between two marks; counts are exact, on every processor that differs, and the same in both engines.
 */
import { describe, expect, it } from "vitest";
import { EXIT, type ExitReasonName } from "../../events/exit-reasons.js";
import { findProfile } from "../../events/profiles/index.js";
import {
  APIC_REGISTER,
  type Body,
  EXIT_OPERATIONS,
  exitGuest,
  ORIGIN,
  VECTOR,
} from "../../guest/exits/guests.js";
import { loadImage } from "../../guest/images/image.js";
import { PLAIN } from "../../machine/testing/plain.js";
import { imm, mem, SIZES } from "../../machine/x86/assembler-operands.js";
import { REGISTERS } from "../../machine/x86/registers.js";
import { makeHardwareComputer } from "./computer.js";

const { al, eax, ecx, edx, dx, cr0, cr4, dr0, edi } = REGISTERS;
const { dword } = SIZES;
const MEMORY = 2 ** 21;
const TPR = APIC_REGISTER.taskPriority;
const COMMAND = APIC_REGISTER.command;
const SELF = 0x4_0000;
const ROUNDS = 50;
const BY_ONE = 0xb;
const TIMER = EXIT_OPERATIONS["timer"]!.body;
const EFER = 0xc000_0080;
const FS_BASE = 0xc000_0100;
const TSC_DEADLINE = 0x6e0;

/** `vmcall` is no instruction of the guest's own: its bytes. */
const VMCALL = [0x0f, 0x01, 0xc1];
/** jmp $+2: interrupts are taken where a block begins. */
const NEXT_BLOCK = [0xeb, 0];
const VMMCALL = [0x0f, 0x01, 0xd9];

const guest = (body: Body, before?: Body): Uint8Array => exitGuest(body, before, ROUNDS);

interface Measured {
  readonly exits: Readonly<Partial<Record<ExitReasonName, number>>>;
  /** Cycles of exits of a reason, each. */
  readonly price: (reason: ExitReasonName) => number;
  readonly costs: Readonly<Record<string, number>>;
}

function measure(bytes: Uint8Array, profile: string, engine: "interpreter" | "translator"): Measured {
  const computer = makeHardwareComputer(
    {
      profile: findProfile(profile)!,
      memoryBytes: MEMORY,
      ...PLAIN,
      engine,
    },
    { hostOrder: 0, vpid: true, accessedDirty: true, populate: false },
  );
  computer.load(loadImage(bytes, { kind: "raw", rawMode: 32, rawAddress: ORIGIN, memoryBytes: MEMORY }));
  const { counters, costs } = computer.machine;
  const at: { exits: Float64Array; cycles: Float64Array }[] = [];
  computer.onMark = () => at.push({ exits: counters.exits.slice(), cycles: counters.exitCycles.slice() });
  expect(computer.run(1e6)).toEqual({ kind: "exit", status: 0 });
  const [begin, end] = at;
  const count = (reason: ExitReasonName): number => end!.exits[EXIT[reason]]! - begin!.exits[EXIT[reason]]!;
  // The second mark is an exit to the user side.
  const ofBody = (reason: ExitReasonName): number => count(reason) - (reason === "io_user" ? 1 : 0);
  const reasons = (Object.keys(EXIT) as ExitReasonName[]).filter((reason) => ofBody(reason) > 0);
  return {
    exits: Object.fromEntries(reasons.map((reason) => [reason, ofBody(reason)])),
    price: (reason) => (end!.cycles[EXIT[reason]]! - begin!.cycles[EXIT[reason]]!) / count(reason),
    costs,
  };
}

/** In both engines, which agree; the second mark is not counted. */
function exitsOf(bytes: Uint8Array, profile: string): Measured {
  const [translated, interpreted] = (["translator", "interpreter"] as const).map((engine) =>
    measure(bytes, profile, engine),
  );
  expect(interpreted!.exits).toEqual(translated!.exits);
  return translated!;
}

const INTEL = "skylake-2015";
const APICV = "ice-lake-2019";
const AMD = "zen-2-2019";
const N = ROUNDS;

const selfIpi: Body = (code) => code.emit("mov", mem(dword, COMMAND), SELF | VECTOR);
const readMsr =
  (register: number): Body =>
  (code) =>
    code.emit("mov", ecx, register).emit("rdmsr");

// biome-ignore format: a table
const CASES: readonly (readonly [name: string, body: Body, profile: string, exits: Measured["exits"]])[] = [
  ["cpuid", (code) => code.emit("cpuid"), INTEL, { cpuid: N }],
  ["cpuid", (code) => code.emit("cpuid"), AMD, { cpuid: N }],
  ["vmcall", (code) => code.db(...VMCALL), INTEL, { hypercall: N }],
  ["vmmcall", (code) => code.db(...VMMCALL), AMD, { hypercall: N }],
  ["in from the kernel side", (code) => code.emit("mov", edx, 0x4d0).emit("in", al, dx), INTEL, { io_kernel: N }],
  ["in from the user side", (code) => code.emit("in", al, imm(0x71, 1)), INTEL, { io_user: N }],
  ["in from the user side", (code) => code.emit("in", al, imm(0x71, 1)), AMD, { io_user: N }],
  ["rdtsc", (code) => code.emit("rdtsc"), INTEL, {}],
  ["rdmsr EFER", readMsr(EFER), INTEL, { msr_read: N }],
  ["rdmsr FS.base passes through", readMsr(FS_BASE), INTEL, {}],
  ["rdmsr FS.base passes through", readMsr(FS_BASE), AMD, {}],
  ["wrmsr TSC deadline", (code) => code.emit("mov", ecx, TSC_DEADLINE).emit("mov", eax, 0).emit("mov", edx, 0).emit("wrmsr"), INTEL, { msr_write: N }],
  ["mov to cr0 that changes nothing", (code) => code.emit("mov", eax, cr0).emit("mov", cr0, eax), INTEL, {}],
  ["clts", (code) => code.emit("clts"), INTEL, {}],
  ["mov to cr0 that changes AM", (code) => code.emit("mov", eax, cr0).emit("xor", eax, 0x4_0000).emit("mov", cr0, eax), INTEL, { control_register: N }],
  ["mov to cr0 that changes AM", (code) => code.emit("mov", eax, cr0).emit("xor", eax, 0x4_0000).emit("mov", cr0, eax), AMD, { control_register: N }],
  ["mov to cr4 that changes TSD", (code) => code.emit("mov", eax, cr4).emit("xor", eax, 4).emit("mov", cr4, eax), INTEL, {}],
  ["mov to cr4 that changes TSD", (code) => code.emit("mov", eax, cr4).emit("xor", eax, 4).emit("mov", cr4, eax), AMD, { control_register: N }],
  ["mov to dr0: the guest's until the next exit", (code) => code.emit("mov", dr0, eax), INTEL, { debug_register: 1 }],
  ["invlpg", (code) => code.emit("invlpg", mem(0x5000)), INTEL, {}],
  ["wbinvd", (code) => code.emit("wbinvd"), INTEL, {}],
  ["wbinvd", (code) => code.emit("wbinvd"), AMD, { cache_flush: N }],
  ["ud2", (code) => code.emit("ud2"), INTEL, { exception: N }],
  ["TPR in memory: the TPR shadow", (code) => code.emit("mov", mem(dword, TPR), 0), INTEL, {}],
  ["TPR in memory without it", (code) => code.emit("mov", mem(dword, TPR), 0), AMD, { mmio_kernel: N }],
  ["IPI to itself: command and end", (code) => { selfIpi(code); code.emit("nop"); }, INTEL, { apic_access: 2 * N }],
  ["IPI to itself: command and end", (code) => { selfIpi(code); code.emit("nop"); }, AMD, { mmio_kernel: 2 * N }],
  ["IPI to itself with virtual-interrupt delivery", (code) => { selfIpi(code); code.emit("nop"); }, APICV, {}],
  ["an interrupt that waits for STI: the window", (code) => { code.emit("cli"); selfIpi(code); code.emit("sti").emit("nop").db(...NEXT_BLOCK); }, INTEL, { apic_access: 2 * N, interrupt_window: N }],
  ["an interrupt that waits for STI: V_IRQ", (code) => { code.emit("cli"); selfIpi(code); code.emit("sti").emit("nop").db(...NEXT_BLOCK); }, AMD, { mmio_kernel: 2 * N, interrupt_window: N }],
  ["no window with virtual-interrupt delivery", (code) => { code.emit("cli"); selfIpi(code); code.emit("sti").emit("nop").db(...NEXT_BLOCK); }, APICV, {}],
  ["the APIC's timer: the processor counts", TIMER, INTEL, { apic_access: 2 * N, preemption_timer: N }],
  ["the APIC's timer: the host counts", TIMER, "nehalem-2008", { apic_access: 2 * N, external_interrupt: N }],
  ["the APIC's timer: the host counts", TIMER, AMD, { mmio_kernel: 2 * N, external_interrupt: N }],
  ["an interrupt below the task priority", (code) => {
    code.emit("mov", mem(dword, TPR), 0xf0);
    selfIpi(code);
    code.emit("mov", mem(dword, TPR), 0).emit("nop");
  }, INTEL, { apic_access: 2 * N, tpr_threshold: N }],
];

/** Interrupts are on, but for those of the 8259As. */
const enable: Body = (code) => {
  code
    .emit("mov", al, 0xff)
    .emit("out", imm(0x21, 1), al)
    .emit("out", imm(0xa1, 1), al)
    .emit("mov", mem(dword, APIC_REGISTER.divide), BY_ONE)
    .emit("mov", mem(dword, APIC_REGISTER.lvtTimer), VECTOR)
    .emit("mov", edi, 0)
    .emit("sti")
    .emit("nop");
};

describe("exits, exactly", () => {
  it.each(CASES.map((one) => [one[0], one[2], one] as const))(
    "%s on %s",
    (_name, _profile, [, body, profile, exits]) => {
      expect(exitsOf(guest(body, enable), profile).exits).toEqual(exits);
    },
  );
});

describe("prices", () => {
  const priceOf = (body: Body, reason: ExitReasonName) => {
    const { price, costs } = exitsOf(guest(body), INTEL);
    return {
      cycles: price(reason),
      costs,
      empty: costs["vm_exit"]! + costs["vm_entry"]! + costs["monitor_dispatch"]!,
    };
  };

  it("of a hypercall is the empty exit's: within 5% of kvm-luto17-vmcall-after", () => {
    const { cycles, empty } = priceOf((code) => code.db(...VMCALL), "hypercall");
    expect(cycles).toBe(empty);
    expect(Math.abs(cycles - 1_181) / 1_181).toBeLessThan(0.05);
  });

  it("of CPUID is its emulation more", () => {
    const { cycles, empty, costs } = priceOf((code) => code.emit("cpuid"), "cpuid");
    expect(cycles).toBe(empty + costs["emulate_register"]!);
  });

  it("of a port: in the kernel, and to the user side and back (kvm-luto17-inl_from_kernel, -inl_from_qemu, within 5%)", () => {
    const kernel = priceOf((code) => code.emit("mov", edx, 0x4d0).emit("in", al, dx), "io_kernel");
    expect(kernel.cycles).toBe(kernel.empty + kernel.costs["kernel_device"]!);
    expect(Math.abs(kernel.cycles - 2_339) / 2_339).toBeLessThan(0.05);
    const user = priceOf((code) => code.emit("in", al, imm(0x71, 1)), "io_user");
    expect(user.cycles).toBe(user.empty + user.costs["user_round_trip"]! + user.costs["user_device"]!);
    expect(Math.abs(user.cycles - 6_209) / 6_209).toBeLessThan(0.05);
  });
});
