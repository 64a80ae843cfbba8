/**
 * Exits by the translation of addresses: EPT violations and nested page faults, and the page faults of a guest whose tables are
 * shadowed. Each is memory that is missing, the guest's own fault, or a device.
 */
import { EVENT } from "../../events/events.js";
import { EXIT } from "../../events/exit-reasons.js";
import { type Gfn, PAGE_BYTES } from "../../machine/address.js";
import type { CodeMachine } from "../../machine/code-machine.js";
import type { Vectoring } from "../../machine/cpu/interception.js";
import { EXCEPTION } from "../../machine/cpu/state.js";
import { PF_WRITE } from "../../machine/mmu/entry.js";
import type { ShadowedPaging } from "../memory/shadow/shadowed-paging.js";
import type { DeviceExits } from "./device-exits.js";
import type { Emulation } from "./emulation.js";
import type { ExitAccounts } from "./exit-accounts.js";
import type { InKernelDevices } from "./in-kernel-devices.js";
import type { Vendor } from "./vendor.js";

/** How the kernel side gives its guest memory, and reaches devices for it. */
export interface MemorySide {
  isMemory(gfn: Gfn): boolean;
  /** Nested paging: a guest frame gets its memory. Returns what that cost beyond the exit's path. */
  populate(gfn: Gfn): number;
  /** Nested paging: maps a frame of the kernel side's devices; their accesses are told one by one from then on. */
  mapDevice(gfn: Gfn): void;
  /** Nested paging: maps a frame of the user side's devices for the length of one instruction, made by `step`. */
  reachDevice(gfn: Gfn, step: () => void): void;
  /** Of shadow paging: what page faults, CR3 and INVLPG mean. */
  readonly shadow: ShadowedPaging | undefined;
}

export class MemoryExits {
  constructor(
    private readonly hardware: CodeMachine,
    private readonly vendor: Vendor,
    private readonly memory: MemorySide,
    private readonly chip: InKernelDevices | undefined,
    private readonly accounts: ExitAccounts,
    private readonly emulation: Emulation,
    private readonly devices: DeviceExits,
  ) {}

  /** Of the second dimension of paging. Returns the reason, EXIT.…, as all here do. */
  violation(): number {
    const { vendor, hardware, memory, accounts, emulation } = this;
    const { vectoring, violationFrame } = vendor;
    if (memory.isMemory(violationFrame)) {
      hardware.machine.counters.events[EVENT.ept_violations]!++;
      accounts.leave(EXIT.ept_violation, memory.populate(violationFrame));
      emulation.again(vectoring);
      return EXIT.ept_violation;
    }
    const { violationAddress: address } = vendor;
    if (this.chip?.ownsMemory(address) === true) {
      // Each access is an exit, and is charged when it is made.
      memory.mapDevice(violationFrame);
      emulation.again(vectoring);
      return EXIT.mmio_kernel;
    }
    if (vendor.violationIsData)
      this.devices.memory(address, vendor.violationIsWrite, vectoring, () =>
        memory.reachDevice(violationFrame, emulation.step),
      );
    else {
      accounts.leave(EXIT.mmio_user, 0, accounts.userRoundTrip);
      emulation.fail("emulation", `code or page tables are in no memory, at 0x${address.toString(16)}`);
    }
    return EXIT.mmio_user;
  }

  /** Under shadow paging: a fault is the guest's own, or the shadow lacked something. */
  pageFault(shadow: ShadowedPaging): number {
    const { vendor, hardware, accounts, emulation } = this;
    const { costs } = accounts;
    const linear = hardware.system.core.faultAddress;
    const { vectoring, exceptionCode } = vendor;
    accounts.noteFault();
    switch (shadow.fault(linear, exceptionCode)) {
      case "true":
        accounts.leave(EXIT.page_fault_true, costs.shadow_true_fault + shadow.takeWork());
        this.trueFault(shadow.errorCode, vectoring);
        return EXIT.page_fault_true;
      case "hidden":
        accounts.leave(EXIT.page_fault_hidden, costs.shadow_hidden_fault + shadow.takeWork());
        emulation.again(vectoring);
        return EXIT.page_fault_hidden;
      case "unsynced":
        accounts.leave(EXIT.table_write, shadow.takeWork());
        emulation.again(vectoring);
        return EXIT.table_write;
      case "guarded":
        accounts.leave(EXIT.table_write, costs.shadow_emulate_write);
        if (vectoring === undefined) shadow.writeTable(linear, emulation.step);
        else {
          // What an event pushes is not emulated: the table becomes a page like any other.
          shadow.unguard();
          emulation.again(vectoring);
        }
        accounts.work(EXIT.table_write, shadow.takeWork());
        return EXIT.table_write;
      case "device":
        return this.shadowedDevice(shadow, linear, exceptionCode, vectoring);
    }
  }

  private shadowedDevice(
    shadow: ShadowedPaging,
    linear: number,
    code: number,
    vectoring: Vectoring | undefined,
  ): number {
    const address = shadow.frame * PAGE_BYTES + (linear % PAGE_BYTES);
    const reach = (): void => shadow.reachDevice(linear, this.emulation.step);
    if (this.chip?.ownsMemory(address) === true) {
      // The access itself is the exit, and is charged there.
      reach();
      return EXIT.mmio_kernel;
    }
    this.devices.memory(address, (code & PF_WRITE) !== 0, vectoring, reach);
    return EXIT.mmio_user;
  }

  /** The guest's own page fault; one that arose in the delivery of an event may come to a double fault. */
  private trueFault(errorCode: number, vectoring: Vectoring | undefined): void {
    const { system } = this.hardware;
    if (vectoring === undefined) system.inject(EXCEPTION.PF, errorCode);
    else system.injectInstead(vectoring, errorCode);
  }
}
