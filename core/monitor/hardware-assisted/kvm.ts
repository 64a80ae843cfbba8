/**
 * Hardware assistance behind an interface shaped like /dev/kvm (Linux Documentation/virt/kvm/api.rst), on a simulated processor:
 *
 *      Kvm ── createVm ──→ KvmVm ── createVcpu ──→ KvmVcpu ── run ──→ KvmRun (exitReason, io, mmio, …)
 *
 * Each method is the ioctl of its name; where an ioctl returns an error number, a UserError names it, the ioctl, and how to
 * mend the call. What the guest executes, what its exits cost in the processor, in the kernel side and on the way to the user
 * side, is in `vcpu.counters`: every cycle has an owner.
 *
 * The simulated host has one logical processor: one VM, with one virtual CPU.
 */

import { CYCLE_CATEGORIES } from "../../events/categories.js";
import { EXIT_REASONS, type ExitReasonName } from "../../events/exit-reasons.js";
import { findProfile, PROFILES } from "../../events/profiles/index.js";
import { PAGE_BYTES } from "../../machine/address.js";
import { Board } from "../../machine/board.js";
import { UserError } from "../../util/errors.js";
import type { KvmCpuidEntry } from "./kernel-side.js";
import type { KvmMemoryRegion } from "./memory-slots.js";
import { type KvmRegs, type KvmSregs, readRegs, readSregs, writeRegs, writeSregs } from "./registers.js";
import type { KvmRun } from "./run-page.js";
import { type MakeBoard, VirtualMachine } from "./virtual-machine.js";

/** What a simulated host is. */
export interface KvmOptions {
  /** CPU profile, by name: `virtlab describe profiles` lists them. */
  readonly profile?: string;
  /** Host memory for the guest, bytes. */
  readonly memoryBytes?: number;
  /** Module parameter ept or npt: false shadows the guest's page tables. */
  readonly nestedPaging?: boolean;
  /** Module parameter vpid. */
  readonly vpid?: boolean;
  /** Module parameters enable_apicv and avic, where the processor has one of them; by default the first is on, the second off. */
  readonly apicVirtualization?: "kvm" | "on" | "off";
  /** Bytes of a host page. */
  readonly hostPage?: "4K" | "2M" | "1G";
  readonly engine?: "interpreter" | "translator";
  readonly seed?: number;
}

const DEFAULTS = {
  profile: "skylake-2015",
  memoryBytes: 64 * 2 ** 20,
  nestedPaging: true,
  vpid: true,
  apicVirtualization: "kvm",
  hostPage: "4K",
  engine: "translator",
  seed: 1,
} as const satisfies Required<KvmOptions>;

const HOST_ORDER = { "4K": 0, "2M": 9, "1G": 18 } as const;

/** KVM_GET_API_VERSION: refuse to run on any other. */
const KVM_API_VERSION = 12;
/** KVM_CHECK_EXTENSION, by the end of KVM_CAP_…: how many, or 1 for yes. */
const EXTENSIONS: Readonly<Record<string, number>> = {
  IRQCHIP: 1,
  PIT2: 1,
  USER_MEMORY: 1,
  SET_TSS_ADDR: 0,
  NR_VCPUS: 1,
  MAX_VCPUS: 1,
  NR_MEMSLOTS: 512,
  EXT_CPUID: 1,
  IMMEDIATE_EXIT: 1,
};

function refuse(where: string, message: string, mend: string): never {
  throw new UserError(message, { where, mend });
}

/** The system: what open("/dev/kvm") gives. @throws UserError for a profile that is not there */
export class Kvm {
  private readonly options: Required<KvmOptions>;
  private hasVm = false;

  constructor(options: KvmOptions = {}) {
    this.options = { ...DEFAULTS, ...options };
    const { profile, memoryBytes } = this.options;
    if (findProfile(profile) === undefined)
      refuse(
        "open",
        `ENODEV: no CPU profile is called '${profile}'`,
        PROFILES.map(({ name }) => name).join(", "),
      );
    if (!Number.isInteger(memoryBytes / PAGE_BYTES) || memoryBytes <= 0)
      refuse("open", `EINVAL: a host has no ${memoryBytes} bytes`, "memoryBytes is a multiple of 4096");
  }

  /** KVM_GET_API_VERSION. */
  get apiVersion(): number {
    return KVM_API_VERSION;
  }

  /** KVM_CHECK_EXTENSION. @param extension without KVM_CAP_. Returns 0 where it is not there. */
  checkExtension(extension: string): number {
    return EXTENSIONS[extension] ?? 0;
  }

  /**
   * KVM_CREATE_VM. @param irqchip KVM_CREATE_IRQCHIP and KVM_CREATE_PIT2 at once: the kernel side has 8259As, I/O APIC, local
   * APIC and 8254. @throws UserError; UnsupportedError where the processor lacks what the host was opened with
   */
  createVm({ irqchip = false }: { readonly irqchip?: boolean } = {}): KvmVm {
    if (this.hasVm)
      refuse("KVM_CREATE_VM", "EBUSY: this host's one processor has a VM", "open another host: new Kvm()");
    this.hasVm = true;
    const { profile, memoryBytes, nestedPaging, vpid, hostPage, engine, seed, apicVirtualization } =
      this.options;
    const shadow = { eager: false, outOfSync: true, reuse: true, maximumTables: 0, writeFlood: 3 };
    return new KvmVm(
      new VirtualMachine(
        {
          profile: findProfile(profile)!,
          memoryBytes,
          memory: nestedPaging
            ? { kind: "nested", hostOrder: HOST_ORDER[hostPage], vpid, accessedDirty: true }
            : { kind: "shadow", shadow, vpid },
          caches: "off",
          walkCaches: true,
          tlb: true,
          engine,
          seed,
          apicAssist: apicVirtualization,
          hasApic: irqchip,
        },
        irqchip ? makeChip : undefined,
      ),
      irqchip,
    );
  }
}

/** A PC's devices, of which the kernel side has its own; nobody looks at the others. */
const makeChip: MakeBoard = (hardware, memory) =>
  new Board({
    profile: hardware.machine.profile,
    memoryBytes: 0,
    hasApic: true,
    now: () => hardware.engine.now(),
    stop: () => {},
    nmi: () => hardware.system.nmi(),
    memory,
  });

export class KvmVm {
  private vcpu: KvmVcpu | undefined;

  constructor(
    private readonly machine: VirtualMachine,
    private readonly hasChip: boolean,
  ) {}

  /**
   * KVM_SET_USER_MEMORY_REGION: gives the guest memory, or takes it away by a size of 0. Memory is the host's to give: its
   * contents are reached by `readMemory` and `writeMemory`. @throws UserError: EINVAL, EEXIST where slots overlap, ENOMEM
   */
  setUserMemoryRegion(region: KvmMemoryRegion): void {
    this.machine.setMemory(region);
  }

  /** The user side's mapping of its slots. @throws UserError (EFAULT) where there is no slot */
  writeMemory(guestPhysicalAddress: number, bytes: Uint8Array): void {
    this.checkMemory(guestPhysicalAddress, bytes.length);
    this.machine.ram.write(guestPhysicalAddress, bytes);
  }

  readMemory(guestPhysicalAddress: number, length: number): Uint8Array {
    this.checkMemory(guestPhysicalAddress, length);
    const bytes = new Uint8Array(length);
    this.machine.ram.read(guestPhysicalAddress, bytes);
    return bytes;
  }

  /** KVM_CREATE_VCPU. @throws UserError: EINVAL for any number but 0, EEXIST the second time */
  createVcpu(id = 0): KvmVcpu {
    if (id !== 0) refuse("KVM_CREATE_VCPU", `EINVAL: no virtual CPU ${id}`, "this host has one processor: 0");
    if (this.vcpu !== undefined) refuse("KVM_CREATE_VCPU", "EEXIST: virtual CPU 0 is there", "use that one");
    this.vcpu = new KvmVcpu(this.machine, this.hasChip);
    return this.vcpu;
  }

  /** KVM_IRQ_LINE: the level of an interrupt line. @throws UserError: ENXIO without interrupt controllers, EINVAL */
  irqLine(irq: number, level: boolean): void {
    const { board } = this.machine;
    if (board === undefined)
      refuse("KVM_IRQ_LINE", "ENXIO: no interrupt controllers", "createVm({ irqchip: true })");
    if (!Number.isInteger(irq) || irq < 0 || irq >= IRQ_LINES)
      refuse("KVM_IRQ_LINE", `EINVAL: no line ${irq}`, `lines are 0 to ${IRQ_LINES - 1}`);
    if (irq < PIC_LINES) board?.pc.pic.setIrq(irq, level);
    board?.pc.ioApic?.setPin(irq === 0 ? TIMER_PIN : irq, level);
  }

  private checkMemory(address: number, length: number): void {
    const { slots } = this.machine;
    for (let gfn = Math.floor(address / PAGE_BYTES); gfn * PAGE_BYTES < address + length; gfn++) {
      if (!slots.has(gfn))
        refuse(
          "mmap",
          `EFAULT: no slot has 0x${(gfn * PAGE_BYTES).toString(16)}`,
          "setUserMemoryRegion first",
        );
    }
  }
}

/** Of the 8259As, and of the I/O APIC, where the timer's line is pin 2. */
const PIC_LINES = 16;
const IRQ_LINES = 24;
const TIMER_PIN = 2;

export interface KvmMsrEntry {
  readonly index: number;
  readonly data: bigint;
}

/** What the guest and its monitor have taken so far. */
export interface KvmCounters {
  readonly instructions: number;
  readonly cycles: number;
  /** By category (events/categories.ts): they add up to `cycles`. */
  readonly cyclesByOwner: Readonly<Record<string, number>>;
  /** By reason (events/exit-reasons.ts), those that occurred. */
  readonly exits: Readonly<
    Partial<Record<ExitReasonName, { readonly count: number; readonly cycles: number }>>
  >;
}

export class KvmVcpu {
  /** struct kvm_run, which `run` fills. */
  readonly kvmRun: KvmRun;

  constructor(
    private readonly machine: VirtualMachine,
    private readonly hasChip: boolean,
  ) {
    this.kvmRun = machine.kernel.run;
  }

  private get core() {
    return this.machine.hardware.system.core;
  }

  getRegs(): KvmRegs {
    return readRegs(this.core);
  }

  /** KVM_SET_REGS; what is left out stays. */
  setRegs(regs: Partial<KvmRegs>): void {
    writeRegs(this.core, regs);
    this.machine.registersChanged();
  }

  getSregs(): KvmSregs {
    return readSregs(this.core);
  }

  /** KVM_SET_SREGS; what is left out stays. @throws UserError (EINVAL) */
  setSregs(sregs: Partial<KvmSregs>): void {
    writeSregs(this.core, sregs);
    this.machine.registersChanged();
  }

  /** KVM_GET_MSRS: those up to the first that is not there. */
  getMsrs(indices: readonly number[]): KvmMsrEntry[] {
    const { msrs } = this.machine.hardware.system;
    const found: KvmMsrEntry[] = [];
    for (const index of indices) {
      if (!msrs.read(index)) break;
      found.push({ index, data: (BigInt(msrs.high >>> 0) << 32n) | BigInt(msrs.low >>> 0) });
    }
    return found;
  }

  /** KVM_SET_MSRS. Returns how many were set: it stops at the first that cannot be. */
  setMsrs(entries: readonly KvmMsrEntry[]): number {
    const { msrs } = this.machine.hardware.system;
    const refused = entries.findIndex(
      ({ index, data }) => !msrs.write(index, Number(data & LOW_32) | 0, Number((data >> 32n) & LOW_32) | 0),
    );
    this.machine.registersChanged();
    return refused < 0 ? entries.length : refused;
  }

  /** KVM_SET_CPUID2: what CPUID tells the guest from now on; leaves that are not listed are zeros. */
  setCpuid2(entries: readonly KvmCpuidEntry[]): void {
    this.machine.kernel.cpuid = entries;
  }

  /**
   * KVM_INTERRUPT: the guest takes this vector when it can. @throws UserError: ENXIO where the kernel side has interrupt
   * controllers, EINVAL, EEXIST while another waits
   */
  interrupt(vector: number): void {
    const where = "KVM_INTERRUPT";
    const { queued } = this.machine;
    if (this.hasChip) refuse(where, "ENXIO: interrupts come from the controllers", "vm.irqLine(irq, level)");
    if (!Number.isInteger(vector) || vector < 0 || vector > 255)
      refuse(where, `EINVAL: no vector ${vector}`, "vectors are 0 to 255");
    if (!queued.isEmpty)
      refuse(where, "EEXIST: another interrupt waits", "wait for kvmRun.readyForInterruptInjection");
    queued.queue(vector);
  }

  /** KVM_NMI. */
  nmi(): void {
    this.machine.hardware.system.nmi();
  }

  /**
   * KVM_RUN: runs the guest until the user side is needed, which `kvmRun` tells. @param instructions come back with "intr" when
   * so many more have completed. @throws UserError (EFAULT) for a guest without memory; UnsupportedError when the host's is used up
   */
  run(instructions = Number.POSITIVE_INFINITY): KvmRun {
    const { machine } = this;
    if (machine.slots.isEmpty)
      refuse("KVM_RUN", "EFAULT: the guest has no memory", "vm.setUserMemoryRegion first");
    machine.run(machine.hardware.engine.instructions + instructions);
    return this.kvmRun;
  }

  get counters(): KvmCounters {
    const { engine, machine } = this.machine.hardware;
    const { counters } = machine;
    const owners = CYCLE_CATEGORIES.map(({ name }, index) => [name, counters.cycles[index]!] as const);
    const exits = EXIT_REASONS.map(
      ({ name }, index) =>
        [name, { count: counters.exits[index]!, cycles: counters.exitCycles[index]! }] as const,
    );
    return {
      instructions: engine.instructions,
      cycles: engine.now(),
      cyclesByOwner: Object.fromEntries(owners.filter(([, cycles]) => cycles !== 0)),
      exits: Object.fromEntries(exits.filter(([, { count }]) => count > 0)),
    };
  }
}

const LOW_32 = 0xffff_ffffn;
