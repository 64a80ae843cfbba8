/**
 * The user side of the monitor, as a process like QEMU is it: the devices that the kernel side does not have (serial ports,
 * IDE, clock, keyboard, PCI, the debug exit and the marks), reached through exits. The guest that shut down ends.
 */
import type { Board } from "../../machine/board.js";
import type { RunPage, UserSide } from "./run-page.js";

export class DeviceProcess implements UserSide {
  constructor(private readonly board: Board) {}

  exit(run: RunPage): void {
    const { bus } = this.board.pc;
    const { address, size, isWrite, data } = run;
    switch (run.reason) {
      case "io":
        if (isWrite) bus.writePort(address, size, data);
        else run.data = bus.readPort(address, size);
        return;
      case "mmio":
        if (isWrite) bus.writeMemory(address, size, data);
        else run.data = bus.readMemory(address, size);
        return;
      default:
        this.board.end({ kind: "shutdown", reason: run.why });
    }
  }
}
