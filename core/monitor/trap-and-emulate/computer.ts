/**
 * A computer whose guest's kernel runs at CPL 1, and whose privileged instructions trap and are emulated (Popek & Goldberg,
 * CACM 1974). What is sensitive and does not trap goes wrong.
 */
import type { ComputerOptions } from "../../machine/computer.js";
import { DEPRIVILEGED_CROSSINGS } from "../../machine/execute/code/crossings/names.js";
import type { ShadowedPagingOptions } from "../memory/shadow/shadowed-paging.js";
import { VirtualComputer } from "../virtual-computer.js";
import { ASKED, TrapAndEmulateMonitor } from "./monitor.js";

/** Frames for shadow tables, the monitor's map and its descriptor tables. */
const MONITOR_FRAMES = 4096;

export interface TrapAndEmulateOptions extends ComputerOptions {
  readonly shadow: Omit<ShadowedPagingOptions, "reserved" | "hostOrder">;
}

export function makeTrapAndEmulate(options: TrapAndEmulateOptions): VirtualComputer {
  return new VirtualComputer(options, {
    monitorFrames: MONITOR_FRAMES,
    // All others would enter CPL 0 unseen.
    machine: { paging: "pae", crossings: DEPRIVILEGED_CROSSINGS, asked: ASKED },
    make: (parts) => {
      const monitor = new TrapAndEmulateMonitor(parts, { ...options.shadow, hostOrder: 0 });
      return { monitor, ram: monitor.ram };
    },
  });
}
