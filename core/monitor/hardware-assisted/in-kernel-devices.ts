/**
 * The devices that the kernel side has itself (KVM_CREATE_IRQCHIP, KVM_CREATE_PIT2; Linux arch/x86/kvm: i8259.c, i8254.c,
 * ioapic.c, lapic.c), and which accesses to the local APIC leave at all, by what the hardware virtualizes.
 */
import { PAGE_BYTES } from "../../machine/address.js";
import type { Board } from "../../machine/board.js";
import type { AccessBytes, DeviceMsrs, InterruptSource } from "../../machine/cpu/host.js";
import { type ApicExit, UNKNOWN_PAGE, type Vendor } from "./vendor.js";

/** Ports of the interrupt controllers and the PIT. */
const PORTS: ReadonlySet<number> = new Set([
  0x20, 0x21, 0xa0, 0xa1, 0x4d0, 0x4d1, 0x40, 0x41, 0x42, 0x43, 0x61,
]);
const APIC_PAGE = 0xfee0_0000;
const IO_APIC_PAGE = 0xfec0_0000;

export class InKernelDevices {
  /** @param hasApic false: the pair of 8259As and the PIT alone. */
  constructor(
    readonly board: Board,
    private readonly hasApic: boolean,
    private readonly vendor: Vendor,
  ) {
    const { localApic } = board.pc;
    if (localApic === undefined) return;
    vendor.connectApic(localApic);
    if (vendor.postsInterrupts) localApic.post = this.post;
  }

  private readonly post = (vector: number): void => this.vendor.post(vector);

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
  /** @param isVirtualized the hardware does it: an interrupt that the guest sends to itself is in IRR at once. */
  writeMemory(address: number, size: AccessBytes, value: number, isVirtualized: boolean): void {
    const { bus, localApic, ioApic } = this.board.pc;
    if (isVirtualized) localApic!.post = undefined;
    bus.writeMemory(address, size, value);
    this.postAgain();
    if (address - (address % PAGE_BYTES) === IO_APIC_PAGE) this.vendor.setEndExits(ioApic!.levelVectors);
  }

  /** The local APIC's MSRs, as RDMSR and WRMSR reach them: where they did not leave, by the hardware's virtualization. */
  get msrs(): DeviceMsrs | undefined {
    const { localApic, msrs } = this.board.pc;
    if (localApic === undefined || msrs === undefined || !this.vendor.postsInterrupts) return msrs;
    return {
      owns: (register) => msrs.owns(register),
      read: (register) => msrs.read(register),
      write: (register, low, high) => {
        if (this.vendor.virtualizesMsr(register, true)) localApic.post = undefined;
        const isWritten = msrs.write(register, low, high);
        this.postAgain();
        return isWritten;
      },
    };
  }

  private postAgain(): void {
    if (this.vendor.postsInterrupts) this.board.pc.localApic!.post = this.post;
  }

  /** How an access to memory that it owns leaves; undefined: the hardware completes it. @param value of a write. */
  exitOf(address: number, isWrite: boolean, value: number): ApicExit | undefined {
    const offset = address % PAGE_BYTES;
    if (address - offset === IO_APIC_PAGE) return UNKNOWN_PAGE;
    return this.vendor.apicExit(offset, isWrite, value);
  }

  /** A timer that this processor counts is due: the local APIC's or the PIT's. Other devices are the user side's, elsewhere. */
  hasTimerDue(now: number): boolean {
    const { localApic, pit } = this.board.pc;
    return pit.deadline <= now || this.isApicTimerDue(now) || localApic === undefined;
  }

  isApicTimerDue(now: number): boolean {
    const { localApic } = this.board.pc;
    return localApic !== undefined && localApic.timer.deadline <= now;
  }

  /** The 8259As ask for an acknowledge, which no local APIC of the hardware's delivers. */
  get asksExternally(): boolean {
    return this.board.pc.interrupts.isExternal;
  }
}
