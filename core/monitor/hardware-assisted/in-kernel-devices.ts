/**
 * The devices that the kernel side has itself (KVM_CREATE_IRQCHIP, KVM_CREATE_PIT2; Linux arch/x86/kvm: i8259.c, i8254.c,
 * ioapic.c, lapic.c), and which accesses to the local APIC leave at all, by what the hardware virtualizes.
 */
import { PAGE_BYTES } from "../../machine/address.js";
import type { Board } from "../../machine/board.js";
import type { AccessBytes, InterruptSource } from "../../machine/cpu/host.js";
import { REGISTER as APIC } from "../../machine/devices/apic/registers.js";
import type { Vendor } from "./vendor.js";

/** Ports of the interrupt controllers and the PIT. */
const PORTS: ReadonlySet<number> = new Set([
  0x20, 0x21, 0xa0, 0xa1, 0x4d0, 0x4d1, 0x40, 0x41, 0x42, 0x43, 0x61,
]);
const APIC_PAGE = 0xfee0_0000;
const IO_APIC_PAGE = 0xfec0_0000;
/** Registers that APIC-register virtualization completes without an exit when they are written: TPR, and EOI with virtual interrupts. */
const COMPLETED_WRITES: ReadonlySet<number> = new Set([APIC.taskPriority << 4, APIC.endOfInterrupt << 4]);
const CURRENT_COUNT = APIC.currentCount << 4;
const TASK_PRIORITY = APIC.taskPriority << 4;
const END_OF_INTERRUPT = APIC.endOfInterrupt << 4;

/** How an access to a device's memory comes to the kernel side. */
export type AccessPath =
  /** As a violation: the instruction is decoded and emulated. */
  | "emulated"
  /** APIC-access exit that is emulated, or one of which the exit tells all there is to know. */
  | "apic-emulated"
  | "apic-decoded"
  /** The hardware answers. */
  | "virtualized";

export class InKernelDevices {
  /** @param hasApic false: the pair of 8259As and the PIT alone. */
  constructor(
    readonly board: Board,
    private readonly hasApic: boolean,
    private readonly vendor: Vendor,
  ) {}

  get interrupts(): InterruptSource {
    return this.board.pc.interrupts;
  }

  ownsPort(port: number): boolean {
    return PORTS.has(port);
  }
  readPort(port: number, size: AccessBytes): number {
    return this.board.pc.bus.readPort(port, size);
  }
  writePort(port: number, size: AccessBytes, value: number): void {
    this.board.pc.bus.writePort(port, size, value);
  }

  ownsMemory(address: number): boolean {
    const page = address - (address % PAGE_BYTES);
    return this.hasApic && (page === APIC_PAGE || page === IO_APIC_PAGE);
  }
  readMemory(address: number, size: AccessBytes): number {
    return this.board.pc.bus.readMemory(address, size);
  }
  writeMemory(address: number, size: AccessBytes, value: number): void {
    this.board.pc.bus.writeMemory(address, size, value);
  }

  /** @param address that it owns. */
  pathOf(address: number, isWrite: boolean): AccessPath {
    const { vendor } = this;
    const offset = address % PAGE_BYTES;
    if (address - offset === IO_APIC_PAGE || !vendor.hasApicAccess) return "emulated";
    if (offset === TASK_PRIORITY && vendor.hasTprShadow) return "virtualized";
    if (vendor.hasApicRegisters) {
      // APIC-write exits come after the write: nothing is decoded.
      const isCompleted = isWrite ? COMPLETED_WRITES.has(offset) : offset !== CURRENT_COUNT;
      return isCompleted ? "virtualized" : "apic-decoded";
    }
    return isWrite && offset === END_OF_INTERRUPT ? "apic-decoded" : "apic-emulated";
  }
}
