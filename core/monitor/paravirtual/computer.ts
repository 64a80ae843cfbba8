/** A computer whose guest is paravirtual, Xen's way: its image has Xen's notes (guest/images/xen-kernel.ts). */
import type { ComputerOptions } from "../../machine/computer.js";
import { DEPRIVILEGED_CROSSINGS } from "../../machine/execute/code/crossings/names.js";
import { VirtualComputer } from "../virtual-computer.js";
import { MachineRam } from "./machine-ram.js";
import { ParavirtualMonitor } from "./monitor.js";

/** Frames for the monitor's tables, besides its table of frames: 8 bytes for each. */
const MONITOR_FRAMES = 64;
const BYTES_PER_FRAME = 8;

export function makeParavirtual(options: ComputerOptions): VirtualComputer {
  const guestFrames = Math.ceil(options.memoryBytes / 4096);
  return new VirtualComputer(options, {
    monitorFrames: MONITOR_FRAMES + Math.ceil((2 * guestFrames * BYTES_PER_FRAME) / 4096),
    // All others would enter CPL 0 unseen.
    machine: {
      paging: options.profile.features.longMode ? "4-level" : "pae",
      crossings: DEPRIVILEGED_CROSSINGS,
    },
    make: (parts) => {
      const monitor = new ParavirtualMonitor(parts);
      return {
        monitor,
        ram: new MachineRam(parts.hardware, () => monitor.present.paging),
        load: (load) => monitor.load(load),
        interrupts: monitor.interrupts,
      };
    },
  });
}
