/**
 * PVH, the direct boot of Xen's HVM guests (Xen, docs/misc/pvh.pandoc): an ELF file whose note XEN_ELFNOTE_PHYS32_ENTRY
 * gives a 32-bit physical entry, entered in flat protected mode with EBX = hvm_start_info.
 */
import { type BootState, bootGdt, protectedModeState } from "./boot-state.js";
import type { DirectOptions } from "./direct.js";
import { type LoadedElf, loadElf } from "./elf-image.js";
import { findPvhEntry } from "./elf-notes.js";
import { hex, type ImageReader } from "./image-reader.js";
import type { MemoryMap } from "./memory-map.js";
import type { Placement } from "./placement.js";
import { placeStartInfo } from "./start-info.js";

/** @throws UserError */
export function loadPvh(
  reader: ImageReader,
  placement: Placement,
  map: MemoryMap,
  options: DirectOptions,
): LoadedElf & { start: BootState } {
  const loaded = loadElf(reader, placement);
  const entry = findPvhEntry(reader, loaded.elf);
  if (entry === undefined) {
    return reader.fail(
      "it has no note XEN_ELFNOTE_PHYS32_ENTRY (name Xen, type 18), which gives the PVH entry",
    );
  }
  if (
    !loaded.elf.loads.some(({ physical, memorySize }) => entry >= physical && entry < physical + memorySize)
  ) {
    reader.fail(`the PVH entry, ${hex(entry)}, lies in no segment that is loaded`);
  }
  const { info } = placeStartInfo(placement, map, options.append, options.modules, options.rsdp);
  const gdt = placement.placeLow("GDT", bootGdt("protected"));
  return { ...loaded, start: protectedModeState(entry, gdt, { rbx: info }) };
}
