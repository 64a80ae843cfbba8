/** From a code guest's files to a plan of its start; the same when a run is planned, to refuse bad images, and when a cell runs. */

import type { BootPlan } from "../../guest/images/boot-plan.js";
import { loadImage } from "../../guest/images/image.js";
import type { RawMode } from "../../guest/images/raw.js";
import { MIB } from "../../util/units.js";
import type { CellConfig, GuestCode, GuestFile } from "../config.js";

/** Memory of a machine that executes code, where the scenario does not say. */
const DEFAULT_MEMORY = 256 * MIB;

export function codeMemory({ machine }: CellConfig): number {
  return machine.memory === 0 ? DEFAULT_MEMORY : machine.memory;
}

/** @throws UserError for an image that is truncated, contradicts itself, or needs what the machine does not have */
export function bootPlan(
  code: GuestCode,
  memoryBytes: number,
  read: (file: GuestFile) => Uint8Array,
): BootPlan {
  const { image, kind, append, modules, raw } = code;
  return loadImage(read(image), {
    name: image.name,
    kind,
    append,
    memoryBytes,
    modules: modules.map((file) => ({ name: file.name, bytes: read(file) })),
    ...(raw.mode === 0 ? {} : { rawMode: raw.mode as RawMode }),
    ...(raw.address === 0 ? {} : { rawAddress: raw.address }),
    ...(raw.entry === 0 ? {} : { rawEntry: raw.entry }),
  });
}
