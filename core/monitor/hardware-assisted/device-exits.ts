/**
 * Exits that reach devices: ports, and memory that is a device's. What the kernel side has answers at once and is charged access by
 * access; the rest is the user side's, whose answers `complete` takes when KVM_RUN is called again.
 */
import { EXIT } from "../../events/exit-reasons.js";
import { addressOf } from "../../machine/address.js";
import type { CodeMachine } from "../../machine/code-machine.js";
import { portSizeOf } from "../../machine/cpu/hardware-interception.js";
import type { AccessBytes } from "../../machine/cpu/host.js";
import type { Vectoring } from "../../machine/cpu/interception.js";
import { RIP, RIP_HIGH } from "../../machine/cpu/places.js";
import { invariant } from "../../util/errors.js";
import { DeviceAccess } from "./device-access.js";
import type { Emulation } from "./emulation.js";
import type { ExitAccounts } from "./exit-accounts.js";
import type { InKernelDevices } from "./in-kernel-devices.js";
import type { KvmRun } from "./run-page.js";
import { canStore, elementsAhead } from "./string-ports.js";
import type { Vendor } from "./vendor.js";

/** Instructions that read what they write in memory (SDM vol. 2); all others that write to it only do that. */
const READ_AND_WRITE: ReadonlySet<string> = new Set([
  ..."ADD OR ADC SBB AND SUB XOR NOT NEG INC DEC XADD XCHG CMPXCHG CMPXCHG8B CMPXCHG16B BTS BTR BTC".split(
    " ",
  ),
  ..."ROL ROR RCL RCR SHL SAL SHR SAR SHLD SHRD".split(" "),
]);

export class DeviceExits {
  /** Ports and device memory as emulated instructions reach them. */
  readonly access: DeviceAccess;
  /** Executes the instruction that refers to the user side's device memory, which is reachable meanwhile. */
  private reach: (() => void) | undefined;
  /** Of each element of a string instruction to a port of the kernel side's. */
  private elementCost = 0;

  /**
   * @param chip the devices of the kernel side; undefined: the user side has all.
   * @param settle what a written device means for the next entry; of the exit of a reason.
   */
  constructor(
    private readonly hardware: CodeMachine,
    private readonly vendor: Vendor,
    private readonly chip: InKernelDevices | undefined,
    private readonly accounts: ExitAccounts,
    private readonly emulation: Emulation,
    run: KvmRun,
    settle: (reason: number) => void,
  ) {
    this.access = new DeviceAccess(run, {
      ownsPort: (port) => chip?.ownsPort(port) === true,
      readPort: (port, size) => {
        accounts.work(EXIT.io_kernel, this.elementCost);
        return chip!.readPort(port, size);
      },
      writePort: (port, size, value) => {
        accounts.work(EXIT.io_kernel, this.elementCost);
        chip!.writePort(port, size, value);
      },
      ownsMemory: (address) => chip?.ownsMemory(address) === true,
      readMemory: (address, size) => {
        this.leaveAccess(address, false, 0);
        return chip!.readMemory(address, size);
      },
      writeMemory: (address, size, value) => {
        const reason = this.leaveAccess(address, true, value);
        chip!.writeMemory(address, size, value, reason < 0);
        if (reason >= 0) settle(reason);
      },
    });
  }

  /** The user side has done what it was asked for. Returns the reason of the exit that goes on. */
  complete(): number {
    const { access, accounts, emulation } = this;
    switch (access.pending) {
      case "nothing":
        return EXIT.io_user;
      case "port-read":
        access.takePort();
        emulation.emulate(emulation.instruction!);
        return EXIT.io_user;
      case "port-write":
        access.pending = "nothing";
        return EXIT.io_user;
      case "memory-read":
        access.takeMemory();
        this.reachMemory();
        return EXIT.mmio_user;
      case "memory-write":
        if (access.tellMemory()) accounts.workOfUser(EXIT.mmio_user);
        return EXIT.mmio_user;
    }
  }

  /** String instructions go through the emulator, element by element; for others the exit tells all there is to know. */
  port(): number {
    const { vendor, access, accounts, emulation } = this;
    const { costs } = accounts;
    const { instruction, port } = vendor;
    const isIn = instruction.row.mnemonic.startsWith("IN");
    // Of the instructions that reach ports INS and OUTS alone can be repeated.
    const isString = instruction.row.repeat !== "";
    const emulating = isString ? costs.emulate_instruction : 0;
    if (this.chip?.ownsPort(port) === true) {
      accounts.leave(EXIT.io_kernel, emulating + (isString ? 0 : costs.kernel_device));
      this.elementCost = isString ? costs.kernel_device : 0;
      emulation.emulate(instruction);
      return EXIT.io_kernel;
    }
    const size = portSizeOf(instruction, isIn) as AccessBytes;
    const { core } = this.hardware.system;
    const count = isString ? elementsAhead(core, instruction, isIn) : 1;
    const devices = count === 0 ? 0 : accounts.userRoundTrip + costs.user_device * (isIn ? count : 1);
    accounts.leave(EXIT.io_user, emulating, devices);
    if (isIn && count > 0 && (!isString || canStore(core, instruction, size))) {
      emulation.instruction = instruction;
      access.askPort(port, size, count);
      return EXIT.io_user;
    }
    // What faults is executed by the guest again, and leaves again.
    if (isIn) this.hardware.system.emulate(instruction);
    else emulation.emulate(instruction);
    return EXIT.io_user;
  }

  /** An instruction refers to the user side's device memory. @param reach executes it, while that can be reached. */
  memory(address: number, isWrite: boolean, vectoring: Vectoring | undefined, reach: () => void): void {
    const { accounts, emulation } = this;
    accounts.leave(EXIT.mmio_user, accounts.costs.emulate_instruction);
    const at = `device memory at 0x${address.toString(16)}`;
    if (vectoring !== undefined) {
      emulation.fail("delivery-event", `an event was being delivered through ${at}`);
      return;
    }
    const instruction = emulation.attempted;
    const operand = instruction?.operands.find(({ kind }) => kind === "memory");
    // INS and OUTS between two devices are nobody's.
    const isEmulated = operand?.kind === "memory" && instruction?.row.event !== "port";
    const bytes = isEmulated ? operand.size : 0;
    const reads = !isWrite || READ_AND_WRITE.has(instruction?.row.mnemonic ?? "");
    const { words } = this.hardware.system.core;
    const place = addressOf(words[RIP_HIGH]!, words[RIP]!);
    if (!this.access.begin(place, address, bytes, reads)) {
      emulation.fail("emulation", `${instruction?.row.name ?? "an instruction"} with an operand in ${at}`);
      return;
    }
    this.reach = reach;
    this.reachMemory();
  }

  /** Asks for what the instruction reads, then executes it, and tells of what it wrote. */
  private reachMemory(): void {
    const { access, accounts, hardware } = this;
    if (access.askMemory()) {
      accounts.workOfUser(EXIT.mmio_user);
      return;
    }
    const { reach } = this;
    invariant(reach !== undefined, "an instruction refers to device memory");
    reach();
    // Another operand may have faulted: the instruction comes again.
    if (hardware.system.hasExited) return;
    access.finish();
    if (access.tellMemory()) accounts.workOfUser(EXIT.mmio_user);
  }

  /** Charges the exit of an access to memory of the kernel side's devices. Returns its reason, or -1 where nothing leaves. */
  private leaveAccess(address: number, isWrite: boolean, value: number): number {
    const { accounts } = this;
    const { costs } = accounts;
    const exit = this.chip!.exitOf(address, isWrite, value);
    if (exit === undefined) return -1;
    accounts.leave(exit.reason, (exit.isEmulated ? costs.emulate_instruction : 0) + costs.kernel_device);
    return exit.reason;
  }
}
