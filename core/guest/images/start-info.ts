/**
 * `hvm_start_info`, version 1: how a PVH guest learns its memory map, command line and modules (Xen,
 * public/arch-x86/hvm/start_info.h). The lab gives the same structure to images that follow no protocol (direct.ts).
 *
 *     0  magic   4  version   8  flags   12  modules   16  → module list   24  → command line   32  → RSDP
 *     40 → memory map   48  entries   52  reserved
 *     module: 0 address, 8 size, 16 → string          map entry: 0 address, 8 size, 16 type
 */
import type { BootModule } from "./boot-plan.js";
import { ByteWriter, cString } from "./byte-writer.js";
import type { MemoryMap } from "./memory-map.js";
import type { Placement } from "./placement.js";

/** "xEn3" with bit 7 of the "E" set. */
export const START_INFO_MAGIC = 0x336ec578;
const VERSION = 1;
const INFO_BYTES = 56;
const MODULE_BYTES = 32;
const MAP_ENTRY_BYTES = 24;

export interface StartInfo {
  /** Physical addresses. */
  readonly info: number;
  readonly commandLine: number;
}

/** Places the structure and what it points to. @param rsdp address of the ACPI root pointer, or 0 */
export function placeStartInfo(
  placement: Placement,
  map: MemoryMap,
  append: string,
  modules: readonly BootModule[],
  rsdp: number,
): StartInfo {
  const commandLine = placement.placeLow("command line", cString(append));
  const info = new ByteWriter(INFO_BYTES)
    .u32(0, START_INFO_MAGIC)
    .u32(4, VERSION)
    .u32(12, modules.length)
    .u64(16, modules.length === 0 ? 0 : placeModules(placement, modules))
    .u64(24, commandLine)
    .u64(32, rsdp)
    .u64(40, placement.placeLow("memory map", mapEntries(map)))
    .u32(48, map.length);
  return { info: placement.placeLow("start information", info.bytes), commandLine };
}

/** The modules above the image, and the list of them. @returns the list's address */
function placeModules(placement: Placement, modules: readonly BootModule[]): number {
  const list = new ByteWriter(modules.length * MODULE_BYTES);
  for (const [index, module] of modules.entries()) {
    list
      .u64(index * MODULE_BYTES, placement.placeAbove(`module ${module.name}`, module.bytes))
      .u64(index * MODULE_BYTES + 8, module.bytes.length)
      .u64(
        index * MODULE_BYTES + 16,
        placement.placeLow(`string of module ${module.name}`, cString(module.name)),
      );
  }
  return placement.placeLow("module list", list.bytes);
}

function mapEntries(map: MemoryMap): Uint8Array {
  const entries = new ByteWriter(map.length * MAP_ENTRY_BYTES);
  for (const [index, range] of map.entries()) {
    entries
      .u64(index * MAP_ENTRY_BYTES, range.base)
      .u64(index * MAP_ENTRY_BYTES + 8, range.length)
      .u32(index * MAP_ENTRY_BYTES + 16, range.type);
  }
  return entries.bytes;
}
