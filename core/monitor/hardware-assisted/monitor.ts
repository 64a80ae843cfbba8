/**
 * The hardware-assisted monitor: the guest runs on the processor itself, in guest mode; what its control block says leaves, and
 * the kernel side handles it (kernel-side.ts), with the help of the user side where that has the device (user-side.ts).
 */
import type { Board } from "../../machine/board.js";
import type { CodeMachine } from "../../machine/code-machine.js";
import type { PagingControl } from "../../machine/cpu/host.js";
import type { Interception } from "../../machine/cpu/interception.js";
import type { StartState } from "../../machine/cpu/system-unit.js";
import type { Monitor } from "../monitor.js";
import { KernelSide, type MemorySide } from "./kernel-side.js";
import { DeviceProcess } from "./user-side.js";
import type { Vendor } from "./vendor.js";

export class HardwareMonitor implements Monitor {
  readonly interception: Interception;
  readonly kernel: KernelSide;

  /** @param flush drops the hardware's translations, where they carry no tags. */
  constructor(
    private readonly hardware: CodeMachine,
    board: Board,
    readonly vendor: Vendor,
    private readonly memory: MemorySide,
    readonly paging: PagingControl,
    flush: (() => void) | undefined,
  ) {
    this.kernel = new KernelSide(hardware, board, vendor, memory, new DeviceProcess(board), flush);
    this.interception = this.intercept(vendor.interception);
  }

  start(state: StartState): void {
    this.hardware.start(state);
    this.memory.shadow?.start();
    this.kernel.start();
  }

  /** However the guest ends, the user side is who ends it (Board.end). */
  handle(): undefined {
    this.kernel.handle();
  }

  due(now: number): void {
    this.kernel.due(now);
  }

  /** The processor's interception, but that a virtual interrupt which the next entry delivers does not leave. */
  private intercept(hardware: Interception): Interception {
    return {
      instruction: (instruction) => hardware.instruction(instruction),
      exception: (vector, errorCode, during) => hardware.exception(vector, errorCode, during),
      softwareInterrupt: (vector) => hardware.softwareInterrupt(vector),
      interrupt: () => this.kernel.interruptLeaves() && hardware.interrupt(),
      shutdown: () => hardware.shutdown(),
    };
  }
}
