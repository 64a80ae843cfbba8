/** What the loaders produce: how to fill a machine's memory and registers so that an image starts. Plain data. */
import type { ParavirtualKernel } from "../../machine/computer.js";
import type { BootState } from "./boot-state.js";
import type { MemoryMap } from "./memory-map.js";
import type { SymbolTable } from "./symbols.js";

/** The boot protocols. `elf` and `raw` follow the lab's own convention (direct.ts). */
export const IMAGE_KINDS = ["multiboot", "elf", "pvh", "bzimage", "raw"] as const;
export type ImageKind = (typeof IMAGE_KINDS)[number];

/** Bytes to put into physical memory. `bytes` may be a view of the image: it is read, never changed. */
export interface MemoryWrite {
  readonly name: string;
  readonly physical: number;
  readonly bytes: Uint8Array;
}

/** Physical memory that must be zero. */
export interface ZeroRange {
  readonly physical: number;
  readonly length: number;
}

/** What lies where, in words. */
export interface MemoryRegion {
  readonly name: string;
  readonly physical: number;
  readonly length: number;
}

export interface BootPlan {
  readonly kind: ImageKind;
  /** They do not overlap one another, nor `zero`. */
  readonly writes: readonly MemoryWrite[];
  readonly zero: readonly ZeroRange[];
  readonly start: BootState;
  /** Empty when the image is stripped or no ELF file. */
  readonly symbols: SymbolTable;
  readonly regions: readonly MemoryRegion[];
  /** As the guest is told. */
  readonly memoryMap: MemoryMap;
  /** What will probably not do what the user expects. */
  readonly warnings: readonly string[];
  /** How Xen starts the same image as a paravirtual guest; undefined where it could not. */
  readonly xen: ParavirtualKernel | undefined;
}

/** A file given to the guest beside its image: an initramfs, or a Multiboot module. */
export interface BootModule {
  /** Handed to the guest as the module's string. */
  readonly name: string;
  readonly bytes: Uint8Array;
}

/** Tables of the firmware, e.g. from mp-table.ts or acpi.ts. */
export interface FirmwareTables {
  readonly writes: readonly MemoryWrite[];
  /** Physical address of the ACPI root pointer, if there is one. */
  readonly rsdp?: number;
}
