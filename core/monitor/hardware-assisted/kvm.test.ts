/**
 * The interface that is shaped like /dev/kvm: each exit reason, what goes in and out by the run page, and what misuse is told.
 * The first guest is that of "Using the KVM API" (LWN, 2015).
 */
import { describe, expect, it } from "vitest";
import { Assembler } from "../../machine/x86/assemble.js";
import { imm, mem, SIZES } from "../../machine/x86/assembler-operands.js";
import { REGISTERS } from "../../machine/x86/registers.js";
import { UserError } from "../../util/errors.js";
import { Kvm, type KvmOptions, type KvmVcpu, type KvmVm } from "./kvm.js";

const { al, ax, bl, bx, cx, dx, di, si, ds, es } = REGISTERS;
const { byte, word } = SIZES;
const CODE = 0x1000;
/** Real mode needs unrestricted guest: there is none before Westmere. */
const PROFILES = ["skylake-2015", "westmere-2010", "zen-2-2019"] as const;
const SERIAL = 0x3f8;

/** A guest of 16-bit code at CODE, in 64 KiB of memory, with CS flat from 0. */
function guest(
  write: (code: Assembler) => void,
  options: KvmOptions = {},
  irqchip = false,
): { vm: KvmVm; vcpu: KvmVcpu } {
  const vm = new Kvm({ memoryBytes: 2 ** 20, engine: "interpreter", ...options }).createVm({ irqchip });
  vm.setUserMemoryRegion({ slot: 0, guestPhysicalAddress: 0, memorySize: 0x10000 });
  const code = new Assembler({ bits: 16, origin: CODE });
  write(code);
  vm.writeMemory(CODE, code.assemble().bytes);
  const vcpu = vm.createVcpu();
  const { cs } = vcpu.getSregs();
  vcpu.setSregs({ cs: { ...cs, base: 0n, selector: 0 } });
  vcpu.setRegs({ rip: BigInt(CODE), rax: 2n, rbx: 2n, rflags: 2n, rsp: 0x8000n });
  return { vm, vcpu };
}

const error = (call: () => unknown): string => {
  try {
    call();
  } catch (problem) {
    if (problem instanceof UserError) return `${problem.where}: ${problem.message}`;
    throw problem;
  }
  return "nothing";
};

describe.each(PROFILES)("on %s", (profile) => {
  it("adds two numbers, writes them to the serial port, and halts", () => {
    const { vcpu } = guest(
      (code) =>
        code
          .emit("mov", dx, SERIAL)
          .emit("add", al, bl)
          .emit("add", al, imm(0x30, 1))
          .emit("out", dx, al)
          .emit("mov", al, imm(0x0a, 1))
          .emit("out", dx, al)
          .emit("hlt"),
      { profile },
    );
    const sent: string[] = [];
    for (let run = vcpu.run(); run.exitReason !== "hlt"; run = vcpu.run()) {
      expect(run.exitReason).toBe("io");
      expect(run.io).toMatchObject({ direction: "out", port: SERIAL, size: 1, count: 1 });
      sent.push(String.fromCharCode(run.io.data.getUint8(0)));
    }
    expect(sent.join("")).toBe("4\n");
    const { cycles, cyclesByOwner, exits } = vcpu.counters;
    expect(Object.values(cyclesByOwner).reduce((sum, owned) => sum + owned, 0)).toBe(cycles);
    expect(exits).toMatchObject({ io_user: { count: 2 }, halt: { count: 1 } });
  });

  it("asks for what IN and a load from no memory read, and tells what is stored", () => {
    const { vm, vcpu } = guest(
      (code) =>
        code
          .emit("in", ax, imm(0x70, 1))
          .emit("mov", bx, 0xb000)
          .emit("mov", ds, bx)
          .emit("mov", cx, mem(word, 0x8010))
          .emit("mov", mem(byte, 0x8001), al)
          .emit("add", mem(word, 0x8020), ax)
          .emit("xor", bx, bx)
          .emit("mov", ds, bx)
          .emit("mov", mem(word, 0x2000), cx)
          .emit("hlt"),
      { profile },
    );
    const run = vcpu.run();
    expect(run.io).toMatchObject({ direction: "in", port: 0x70, size: 2, count: 1 });
    run.io.data.setUint16(0, 0x1234, true);
    vcpu.run();
    expect(run.exitReason).toBe("mmio");
    expect(run.mmio).toMatchObject({ physicalAddress: 0xb8010, length: 2, isWrite: false });
    run.mmio.data.setUint16(0, 0xbeef, true);
    vcpu.run();
    expect(run.mmio).toMatchObject({ physicalAddress: 0xb8001, length: 1, isWrite: true });
    expect(run.mmio.data.getUint8(0)).toBe(0x34);
    vcpu.run();
    expect(run.mmio).toMatchObject({ physicalAddress: 0xb8020, length: 2, isWrite: false });
    run.mmio.data.setUint16(0, 1, true);
    vcpu.run();
    expect(run.mmio).toMatchObject({ physicalAddress: 0xb8020, length: 2, isWrite: true });
    expect(run.mmio.data.getUint16(0, true)).toBe(0x1235);
    expect(vcpu.run().exitReason).toBe("hlt");
    expect([...vm.readMemory(0x2000, 2)]).toEqual([0xef, 0xbe]);
  });

  it("reads ahead for a repeated INS, a page at most, and sends OUTS element by element", () => {
    const { vm, vcpu } = guest(
      (code) =>
        code
          .emit("xor", ax, ax)
          .emit("mov", es, ax)
          .emit("mov", ds, ax)
          .emit("mov", di, 0x2ffc)
          .emit("mov", cx, 3)
          .emit("mov", dx, 0x1f0)
          .db(0xf3, 0x6d)
          .emit("mov", si, 0x2ffc)
          .emit("mov", cx, 3)
          .db(0xf3, 0x6f)
          .emit("hlt"),
      { profile },
    );
    let value = 1;
    const asked: number[] = [];
    const sent: number[] = [];
    for (let run = vcpu.run(); run.exitReason !== "hlt"; run = vcpu.run()) {
      expect(run.exitReason).toBe("io");
      if (run.io.direction === "out") sent.push(run.io.data.getUint16(0, true));
      else {
        asked.push(run.io.count);
        for (let at = 0; at < run.io.count; at++) run.io.data.setUint16(2 * at, value++, true);
      }
    }
    expect(asked).toEqual([2, 1]);
    expect(sent).toEqual([1, 2, 3]);
    expect([...vm.readMemory(0x2ffc, 6)]).toEqual([1, 0, 2, 0, 3, 0]);
  });

  it("delivers an interrupt that the user side queues, once the guest can take it", () => {
    const { vm, vcpu } = guest(
      (code) => {
        code
          .emit("cli")
          .emit("in", al, imm(1, 1))
          .emit("sti")
          .emit("nop")
          .db(0xeb, 0)
          .emit("hlt")
          .emit("hlt");
        code.label("handler").emit("out", imm(2, 1), al).emit("iret");
      },
      { profile },
    );
    // Vector 20H: to the handler behind the code.
    vm.writeMemory(0x80, Uint8Array.of((CODE + 9) & 0xff, (CODE + 9) >> 8, 0, 0));
    const run = vcpu.run();
    expect([run.exitReason, run.ifFlag, run.readyForInterruptInjection]).toEqual(["io", false, false]);
    run.requestInterruptWindow = true;
    vcpu.run();
    expect([run.exitReason, run.ifFlag]).toEqual(["irq-window-open", true]);
    run.requestInterruptWindow = false;
    vcpu.interrupt(0x20);
    expect(error(() => vcpu.interrupt(0x21))).toContain("EEXIST");
    vcpu.run();
    expect(run.io).toMatchObject({ direction: "out", port: 2 });
    expect(vcpu.run().exitReason).toBe("hlt");
  });

  it("ends with a triple fault as a shutdown, and with code in no memory as an internal error", () => {
    const { vcpu } = guest((code) => code.emit("ud2"), { profile });
    // A limit of 0: no vector is in the table.
    vcpu.setSregs({ idt: { base: 0n, limit: 0 } });
    const run = vcpu.run();
    expect(run.exitReason).toBe("shutdown");
    expect(run.shutdown.reason).toContain("triple fault");
    const astray = guest((code) => code.emit("hlt"), { profile }).vcpu;
    astray.setRegs({ rip: 0n });
    astray.setSregs({ cs: { ...astray.getSregs().cs, base: 0x4_0000n, selector: 0x4000 } });
    expect(astray.run().exitReason).toBe("internal-error");
    expect(astray.kvmRun.internal.suberror).toBe("emulation");
  });

  it("comes back when so many instructions have completed, or at once", () => {
    const { vcpu } = guest((code) => code.db(0xeb, 0xfe), { profile });
    expect(vcpu.run(100).exitReason).toBe("intr");
    expect(vcpu.counters.instructions).toBe(100);
    vcpu.kvmRun.immediateExit = true;
    expect(vcpu.run().exitReason).toBe("intr");
    expect(vcpu.counters.instructions).toBe(100);
  });

  it("has interrupt controllers of the kernel side's, where they are asked for", () => {
    const { vm, vcpu } = guest(
      (code) => {
        const out = (port: number, value: number): void => {
          code.emit("mov", al, imm(value, 1)).emit("out", imm(port, 1), al);
        };
        for (const [port, value] of [
          [0x20, 0x11],
          [0x21, 0x20],
          [0x21, 4],
          [0x21, 1],
          [0x21, 0xdf],
        ] as const)
          out(port, value);
        code.emit("in", al, imm(1, 1)).emit("sti").emit("hlt").emit("hlt");
      },
      { profile },
      true,
    );
    vm.writeMemory(4 * 0x25, Uint8Array.of(0, 0x30, 0, 0));
    vm.writeMemory(0x3000, Uint8Array.of(0xe6, 2, 0xcf));
    expect(vcpu.run().io).toMatchObject({ direction: "in", port: 1 });
    vm.irqLine(5, true);
    expect(vcpu.run().io).toMatchObject({ direction: "out", port: 2 });
    vm.irqLine(5, false);
    expect(error(() => vcpu.interrupt(3))).toContain("ENXIO");
  });
});

it("CPUID and MSRs are what the user side says", () => {
  const { vm, vcpu } = guest((code) =>
    code.emit("mov", ax, 1).emit("cpuid").emit("mov", mem(word, 0x2000), bx).emit("hlt"),
  );
  vcpu.setCpuid2([{ function: 1, eax: 0, ebx: 0x4242, ecx: 0, edx: 0 }]);
  expect(vcpu.run().exitReason).toBe("hlt");
  expect([...vm.readMemory(0x2000, 2)]).toEqual([0x42, 0x42]);
  const STAR = 0xc000_0081;
  expect(
    vcpu.setMsrs([
      { index: STAR, data: 0x1234_0000_0000n },
      { index: 0xdead, data: 0n },
    ]),
  ).toBe(1);
  expect(vcpu.getMsrs([STAR, 0xdead])).toEqual([{ index: STAR, data: 0x1234_0000_0000n }]);
});

it("registers come back as they were set", () => {
  const { vcpu } = guest((code) => code.emit("hlt"));
  vcpu.setRegs({ r15: 0x1234_5678_9abc_def0n, rsp: 0xffff_8000_0000_0000n });
  expect(vcpu.getRegs()).toMatchObject({ r15: 0x1234_5678_9abc_def0n, rsp: 0xffff_8000_0000_0000n, rax: 2n });
  const sregs = vcpu.getSregs();
  vcpu.setSregs(sregs);
  expect(vcpu.getSregs()).toEqual(sregs);
});

it("a state that the hardware refuses is a failed entry", () => {
  const { vcpu } = guest((code) => code.emit("hlt"));
  // Virtual-8086 mode's segments must have bases of sixteen times their selectors (SDM vol. 3, 27.3.1.2).
  const { cs } = vcpu.getSregs();
  vcpu.setSregs({
    cr0: 0x11n,
    cs: { ...cs, type: 3, dpl: 0, s: true, present: true, db: true, limit: 0xffff_ffff, g: false },
  });
  const run = vcpu.run();
  expect(run.exitReason).toBe("fail-entry");
  expect(run.failEntry.hardwareEntryFailureReason).toContain("refuses");
});

describe("misuse is told", () => {
  const kvm = (): Kvm => new Kvm({ memoryBytes: 2 ** 20 });
  it.each([
    ["a processor that is not there", () => new Kvm({ profile: "pentium" }), "open: ENODEV"],
    [
      "memory that overlaps",
      () => {
        const vm = kvm().createVm();
        vm.setUserMemoryRegion({ slot: 0, guestPhysicalAddress: 0, memorySize: 0x2000 });
        vm.setUserMemoryRegion({ slot: 1, guestPhysicalAddress: 0x1000, memorySize: 0x1000 });
      },
      "KVM_SET_USER_MEMORY_REGION: EEXIST: slot 1 overlaps slot 0",
    ],
    [
      "half a page",
      () =>
        kvm().createVm().setUserMemoryRegion({ slot: 0, guestPhysicalAddress: 0x800, memorySize: 0x1000 }),
      "EINVAL",
    ],
    [
      "a slot that is not there",
      () => kvm().createVm().setUserMemoryRegion({ slot: 512, guestPhysicalAddress: 0, memorySize: 0x1000 }),
      "EINVAL: there is no slot 512",
    ],
    [
      "a slot taken away that was never set",
      () => kvm().createVm().setUserMemoryRegion({ slot: 3, guestPhysicalAddress: 0, memorySize: 0 }),
      "EINVAL: slot 3 has no memory",
    ],
    [
      "more memory than the host has",
      () =>
        kvm()
          .createVm()
          .setUserMemoryRegion({ slot: 0, guestPhysicalAddress: 0, memorySize: 2 ** 21 }),
      "ENOMEM",
    ],
    ["contents where no memory is", () => kvm().createVm().writeMemory(0x1000, new Uint8Array(1)), "EFAULT"],
    ["a run without memory", () => kvm().createVm().createVcpu().run(), "KVM_RUN: EFAULT"],
    ["a second virtual CPU", () => kvm().createVm().createVcpu(1), "KVM_CREATE_VCPU: EINVAL"],
    [
      "a second VM",
      () => {
        const host = kvm();
        host.createVm();
        host.createVm();
      },
      "KVM_CREATE_VM: EBUSY",
    ],
    ["an interrupt line without controllers", () => kvm().createVm().irqLine(1, true), "KVM_IRQ_LINE: ENXIO"],
    [
      "long mode without PAE",
      () => kvm().createVm().createVcpu().setSregs({ cr0: 0x8000_0011n, efer: 0x500n }),
      "KVM_SET_SREGS: EINVAL",
    ],
  ] as const)("%s", (_what, call, told) => {
    expect(error(call)).toContain(told);
  });
});

it("memory that is taken away is device memory, and goes back to the host", () => {
  const { vm, vcpu } = guest((code) =>
    code
      .emit("mov", al, mem(byte, 0x5000))
      .emit("in", al, imm(1, 1))
      .emit("mov", al, mem(byte, 0x5000))
      .emit("hlt"),
  );
  vm.setUserMemoryRegion({ slot: 0, guestPhysicalAddress: 0, memorySize: 0 });
  vm.setUserMemoryRegion({ slot: 0, guestPhysicalAddress: 0, memorySize: 0x4000 });
  vm.setUserMemoryRegion({ slot: 1, guestPhysicalAddress: 0x5000, memorySize: 0x1000 });
  vm.writeMemory(CODE, Uint8Array.of(0xa0, 0, 0x50, 0xe4, 1, 0xa0, 0, 0x50, 0xf4));
  expect(vcpu.run().exitReason).toBe("io");
  vm.setUserMemoryRegion({ slot: 1, guestPhysicalAddress: 0x5000, memorySize: 0 });
  expect(vcpu.run().exitReason).toBe("mmio");
  expect(vcpu.run().exitReason).toBe("hlt");
});
