/**
 * The user side of the monitor, as a process like QEMU is it: it gives its guest memory, loads an image, calls KVM_RUN, and
 * does what that comes back for with the devices that the kernel side does not have (serial ports, IDE, clock, keyboard, PCI,
 * the debug exit and the marks). To a scenario it is the computer that its guest sees.
 */
import { PAGE_BYTES } from "../../machine/address.js";
import { Board, type Outcome } from "../../machine/board.js";
import { BoardComputer, checkMemoryBytes } from "../../machine/board-computer.js";
import {
  type ComputerOptions,
  type GuestComputer,
  type Load,
  VIDEO_END,
  VIDEO_FIRST,
} from "../../machine/computer.js";
import type { SystemUnit } from "../../machine/cpu/system-unit.js";
import type { CodeEngine } from "../../machine/execute/code/engine.js";
import type { Machine } from "../../machine/machine.js";
import type { KvmRun } from "./run-page.js";
import {
  type HardwareAssist,
  type NestedMemory,
  type ShadowedMemory,
  VirtualMachine,
} from "./virtual-machine.js";

const TWO_32 = 2 ** 32;

export class HardwareComputer extends BoardComputer implements GuestComputer {
  readonly machine: Machine;
  readonly engine: CodeEngine;
  readonly system: SystemUnit;
  readonly vm: VirtualMachine;
  protected readonly board: Board;
  private readonly kvmRun: KvmRun;

  /** @param populate all memory at the start. @throws UnsupportedError where the processor or the address space does not do */
  constructor(
    readonly options: ComputerOptions,
    memory: NestedMemory | ShadowedMemory,
    populate: boolean,
    assist: HardwareAssist = {},
  ) {
    super();
    const { profile, memoryBytes, disks } = options;
    checkMemoryBytes(memoryBytes);
    const hasApic = options.apic !== false;
    const guestBytes = Math.floor(memoryBytes / PAGE_BYTES) * PAGE_BYTES;
    this.vm = new VirtualMachine(
      { ...options, memoryBytes, memory, hasApic, ...assist },
      (hardware, ram) =>
        new Board({
          profile,
          memoryBytes: guestBytes,
          hasApic,
          ...(disks === undefined ? {} : { disks }),
          now: () => hardware.engine.now(),
          stop: () => this.stop(),
          nmi: () => hardware.system.nmi(),
          memory: ram,
        }),
    );
    const { vm } = this;
    this.board = vm.board!;
    this.kvmRun = vm.kernel.run;
    ({ machine: this.machine, engine: this.engine, system: this.system } = vm.hardware);
    const hole = VIDEO_FIRST * PAGE_BYTES;
    const above = VIDEO_END * PAGE_BYTES;
    vm.setMemory({ slot: 0, guestPhysicalAddress: 0, memorySize: Math.min(hole, guestBytes) });
    if (guestBytes > above)
      vm.setMemory({ slot: 1, guestPhysicalAddress: above, memorySize: guestBytes - above });
    if (populate) vm.populate();
  }

  /** Puts an image into the guest's memory and its CPU at its start. */
  load({ writes, zero, start }: Load): void {
    const { vm } = this;
    for (const { physical, length } of zero) vm.ram.write(physical, new Uint8Array(length));
    for (const { physical, bytes } of writes) vm.ram.write(physical, bytes);
    // What the guest starts with may have paging on already.
    vm.reset();
    vm.hardware.start(start);
  }

  /** Runs until the guest ends or so many instructions have completed since the start. */
  run(instructions: number): Outcome {
    const { kvmRun, vm } = this;
    for (;;) {
      const end = vm.run(instructions);
      switch (kvmRun.exitReason) {
        case "io":
          this.port();
          break;
        case "mmio":
          this.memory();
          break;
        case "intr":
          if (end === "limit" || end === "stuck") return { kind: end };
          return this.board.takeEnding();
        case "hlt":
          return { kind: "asleep" };
        case "shutdown":
          return { kind: "shutdown", reason: kvmRun.shutdown.reason };
        case "fail-entry":
          return { kind: "shutdown", reason: kvmRun.failEntry.hardwareEntryFailureReason };
        default:
          return { kind: "shutdown", reason: `KVM cannot emulate: ${kvmRun.internal.message}` };
      }
    }
  }

  /** KVM_EXIT_IO. */
  private port(): void {
    const { kvmRun, pc } = this;
    const { direction, port, size, count } = kvmRun.io;
    for (let element = 0; element < count; element++) {
      if (direction === "in") kvmRun.writeElement(element, pc.bus.readPort(port, size));
      else pc.bus.writePort(port, size, kvmRun.readElement(element));
    }
  }

  /** KVM_EXIT_MMIO, in the pieces that a bus carries. */
  private memory(): void {
    const { bus } = this.pc;
    const { physicalAddress, length, isWrite, data } = this.kvmRun.mmio;
    for (let at = 0; at < length; ) {
      const size = length - at >= 4 ? 4 : length - at >= 2 ? 2 : 1;
      if (isWrite) bus.writeMemory(physicalAddress + at, size, pieceOf(data, at, size));
      else setPiece(data, at, size, bus.readMemory(physicalAddress + at, size));
      at += size;
    }
  }
}

const pieceOf = (data: DataView, at: number, size: 1 | 2 | 4): number =>
  size === 4 ? data.getUint32(at, true) : size === 2 ? data.getUint16(at, true) : data.getUint8(at);

function setPiece(data: DataView, at: number, size: 1 | 2 | 4, value: number): void {
  if (size === 4) data.setUint32(at, value % TWO_32, true);
  else if (size === 2) data.setUint16(at, value, true);
  else data.setUint8(at, value);
}
