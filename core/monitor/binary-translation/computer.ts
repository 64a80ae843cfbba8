/** A computer whose guest's kernel is translated (monitor.ts). */
import type { ComputerOptions } from "../../machine/computer.js";
import { DEPRIVILEGED_CROSSINGS } from "../../machine/execute/code/crossings/names.js";
import { VirtualComputer } from "../virtual-computer.js";
import { BinaryTranslationMonitor, type BinaryTranslationOptions } from "./monitor.js";

/** Frames for shadow tables, the monitor's map, its descriptor tables and the translation cache. */
const MONITOR_FRAMES = 6144;

export interface TranslatedComputerOptions extends ComputerOptions, Omit<BinaryTranslationOptions, "shadow"> {
  readonly shadow: Omit<BinaryTranslationOptions["shadow"], "hostOrder">;
}

export function makeBinaryTranslation(options: TranslatedComputerOptions): VirtualComputer {
  return new VirtualComputer(options, {
    monitorFrames: MONITOR_FRAMES,
    // All others would enter CPL 0 unseen.
    machine: { paging: "pae", crossings: DEPRIVILEGED_CROSSINGS },
    make: (parts) => {
      const { cachePages, chaining, adaptive, returnsInCache } = options;
      const shadow = { ...options.shadow, hostOrder: 0 };
      const translation = { cachePages, chaining, adaptive, returnsInCache };
      const monitor = new BinaryTranslationMonitor(parts, { ...translation, shadow });
      return { monitor, ram: monitor.ram };
    },
  });
}
