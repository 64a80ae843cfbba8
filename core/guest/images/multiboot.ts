/**
 * Multiboot 1 (Multiboot Specification 0.6.96): the header, ELF and flat kernels, the information structure, and the state
 * of the machine at the entry (3.2). As GRUB does, a 64-bit ELF file is loaded too; it is entered in 32-bit mode.
 *
 * Left out: video modes (flag 2), drives, APM, the symbol tables of flag 4 and 5.
 */

import { KIB } from "../../util/units.js";
import type { BootModule } from "./boot-plan.js";
import { type BootState, bootGdt, protectedModeState } from "./boot-state.js";
import { ByteWriter, cString } from "./byte-writer.js";
import { ELF_MAGIC } from "./elf.js";
import { loadElf } from "./elf-image.js";
import { hex, type ImageReader } from "./image-reader.js";
import { LOW_MEMORY_END, type MemoryMap, upperMemory } from "./memory-map.js";
import type { Placement } from "./placement.js";
import { NO_SYMBOLS, type SymbolTable } from "./symbols.js";

const HEADER_MAGIC = 0x1bad_b002;
const LOADER_MAGIC = 0x2bad_b002;
const SEARCH_BYTES = 8192;
const HEADER_BYTES = 12;

/** Header flags, 3.1.2. Bits 15..0 are demands. */
const ALIGN_MODULES = 1 << 0;
const WANT_MEMORY = 1 << 1;
const HAS_ADDRESSES = 1 << 16;
const DEMANDS = 0xffff;

/** Information flags, 3.3. */
const HAS_MEMORY_SIZES = 1 << 0;
const HAS_COMMAND_LINE = 1 << 2;
const HAS_MODULES = 1 << 3;
const HAS_MEMORY_MAP = 1 << 6;
const HAS_LOADER_NAME = 1 << 9;
const INFO_BYTES = 116;
const MODULE_BYTES = 16;
const MAP_ENTRY_BYTES = 24;
const LOADER_NAME = "virtlab";

export interface MultibootHeader {
  readonly offset: number;
  readonly flags: number;
}

export interface MultibootImage {
  readonly start: BootState;
  readonly symbols: SymbolTable;
  readonly warnings: readonly string[];
}

/** The header: the first 4-byte-aligned magic in the first 8 KiB with a good checksum. */
export function findMultibootHeader(reader: ImageReader): MultibootHeader | undefined {
  const last = Math.min(reader.length, SEARCH_BYTES) - HEADER_BYTES;
  for (let offset = 0; offset <= last; offset += 4) {
    if (reader.u32(offset, "magic") !== HEADER_MAGIC) continue;
    const flags = reader.u32(offset + 4, "flags");
    const sum = HEADER_MAGIC + flags + reader.u32(offset + 8, "checksum");
    if (sum % 0x1_0000_0000 === 0) return { offset, flags };
  }
  return undefined;
}

/** @throws UserError */
export function loadMultiboot(
  reader: ImageReader,
  placement: Placement,
  map: MemoryMap,
  options: { append: string; modules: readonly BootModule[] },
): MultibootImage {
  const header = findMultibootHeader(reader);
  if (header === undefined) {
    return reader.fail(
      `it has no Multiboot header: ${hex(HEADER_MAGIC)} at a multiple of 4 in the first 8 KiB, then flags, then a checksum that makes their sum 0`,
    );
  }
  const unknown = header.flags & DEMANDS & ~(ALIGN_MODULES | WANT_MEMORY);
  if (unknown !== 0) {
    reader.fail(
      `the Multiboot header (at byte ${hex(header.offset)}) demands flags ${hex(unknown)}, which are not supported` +
        `${(unknown & 4) === 0 ? "" : "; bit 2 is a video mode"}`,
    );
  }
  const isFlat = (header.flags & HAS_ADDRESSES) !== 0;
  const isElf = reader.matches(0, ELF_MAGIC);
  if (!isFlat && !isElf) {
    reader.fail(
      "its Multiboot header has no addresses (flag 16), and it is no ELF file, so where it goes is unknown",
    );
  }
  const loaded = isFlat
    ? { ...loadFlat(reader, placement, header), symbols: NO_SYMBOLS, warnings: [] }
    : loadElf(reader, placement);
  const info = placeInformation(placement, map, options);
  const gdt = placement.placeLow("GDT", bootGdt("protected"));
  return {
    start: protectedModeState(loaded.entry, gdt, { rax: LOADER_MAGIC, rbx: info }),
    symbols: loaded.symbols,
    warnings: loaded.warnings,
  };
}

/** A kernel loaded by the address fields of its header, 3.1.3. */
function loadFlat(reader: ImageReader, placement: Placement, header: MultibootHeader): { entry: number } {
  const field = (index: number, name: string): number =>
    reader.u32(header.offset + HEADER_BYTES + 4 * index, `${name} of the Multiboot header`);
  const headerAddress = field(0, "header_addr");
  const loadAddress = field(1, "load_addr");
  const loadEnd = field(2, "load_end_addr");
  const bssEnd = field(3, "bss_end_addr");
  const entry = field(4, "entry_addr");
  const fileOffset = header.offset - (headerAddress - loadAddress);
  if (loadAddress > headerAddress || fileOffset < 0) {
    reader.fail(
      `load_addr ${hex(loadAddress)} and header_addr ${hex(headerAddress)} of the Multiboot header would load from ` +
        `${fileOffset < 0 ? "before the file's first byte" : "after the header"}`,
    );
  }
  if (loadEnd !== 0 && loadEnd < loadAddress) {
    reader.fail(
      `load_end_addr ${hex(loadEnd)} of the Multiboot header lies before load_addr, ${hex(loadAddress)}`,
    );
  }
  const length = loadEnd === 0 ? reader.length - fileOffset : loadEnd - loadAddress;
  const bytes = reader.slice(fileOffset, length, "what load_end_addr of the Multiboot header asks to load");
  if (bssEnd !== 0 && bssEnd < loadAddress + length) {
    reader.fail(`bss_end_addr ${hex(bssEnd)} of the Multiboot header lies before the end of what is loaded`);
  }
  const memory = bssEnd === 0 ? length : bssEnd - loadAddress;
  if (entry < loadAddress || entry >= loadAddress + memory) {
    reader.fail(`entry_addr ${hex(entry)} of the Multiboot header lies outside of what is loaded`);
  }
  placement.reserve("kernel", loadAddress, memory);
  placement.fill("kernel", loadAddress, bytes, memory);
  return { entry };
}

/** The information structure and what it points to, 3.3. @returns its address */
function placeInformation(
  placement: Placement,
  map: MemoryMap,
  { append, modules }: { append: string; modules: readonly BootModule[] },
): number {
  const list = new ByteWriter(modules.length * MODULE_BYTES);
  for (const [index, module] of modules.entries()) {
    const start = placement.placeAbove(`module ${module.name}`, module.bytes);
    const string = placement.placeLow(`string of module ${module.name}`, cString(module.name));
    list.u32(index * MODULE_BYTES, start);
    list.u32(index * MODULE_BYTES + 4, start + module.bytes.length);
    list.u32(index * MODULE_BYTES + 8, string);
  }
  const mapBytes = memoryMapEntries(map);
  const flags = HAS_MEMORY_SIZES | HAS_COMMAND_LINE | HAS_MODULES | HAS_MEMORY_MAP | HAS_LOADER_NAME;
  const info = new ByteWriter(INFO_BYTES)
    .u32(0, flags)
    .u32(4, Math.min(map[0]!.length, LOW_MEMORY_END) / KIB)
    .u32(8, Math.floor(upperMemory(map) / KIB))
    .u32(16, placement.placeLow("command line", cString(append)))
    .u32(20, modules.length)
    .u32(24, modules.length === 0 ? 0 : placement.placeLow("module list", list.bytes))
    .u32(44, mapBytes.length)
    .u32(48, placement.placeLow("memory map", mapBytes))
    .u32(64, placement.placeLow("boot loader name", cString(LOADER_NAME)));
  return placement.placeLow("Multiboot information", info.bytes);
}

/** Pairs of a size, which does not count itself, and a structure of that size. */
function memoryMapEntries(map: MemoryMap): Uint8Array {
  const entries = new ByteWriter(map.length * MAP_ENTRY_BYTES);
  for (const [index, range] of map.entries()) {
    const at = index * MAP_ENTRY_BYTES;
    entries
      .u32(at, MAP_ENTRY_BYTES - 4)
      .u64(at + 4, range.base)
      .u64(at + 12, range.length)
      .u32(at + 20, range.type);
  }
  return entries.bytes;
}
