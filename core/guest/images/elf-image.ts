/**
 * Loads the segments of an ELF file at their physical addresses (p_paddr), and finds where its entry is in physical memory.
 *
 * A position-independent file (ET_DYN) that is linked at 0 goes to `PIE_BASE`; its relative relocations of the AMD64 form
 * (R_X86_64_RELATIVE, with an addend) are applied. They are the same when the program applies them again, so it may.
 */
import { GIB } from "../../util/units.js";
import { type ElfFile, type ElfSegment, readElf } from "./elf.js";
import { readSymbols } from "./elf-symbols.js";
import { hex, type ImageReader } from "./image-reader.js";
import { HIGH_MEMORY_START } from "./memory-map.js";
import type { Placement } from "./placement.js";
import type { SymbolTable } from "./symbols.js";

/** A multiple of a large page, above the first MiB. */
export const PIE_BASE = 0x20_0000;
/** 32-bit code cannot be beyond it, and the first page tables of 64-bit code map no more. */
const ENTRY_LIMIT = 4 * GIB;

const DYNAMIC_ENTRY_BYTES = 16;
const DT_NULL = 0;
const DT_RELA = 7;
const DT_RELASZ = 8;
const DT_RELAENT = 9;
const RELA_BYTES = 24;
const R_X86_64_RELATIVE = 8;

export interface LoadedElf {
  readonly elf: ElfFile;
  /** Physical. */
  readonly entry: number;
  readonly symbols: SymbolTable;
  readonly warnings: readonly string[];
}

/** What is to be put at each segment's address. */
type Contents = Map<ElfSegment, Uint8Array>;

/** Places all segments. @throws UserError */
export function loadElf(reader: ImageReader, placement: Placement): LoadedElf {
  const elf = readElf(reader);
  const bias = loadBias(elf);
  const name = (segment: ElfSegment): string => `program header ${segment.index}`;
  for (const segment of elf.loads)
    placement.reserve(name(segment), segment.physical + bias, segment.memorySize);

  const contents: Contents = new Map();
  for (const segment of elf.loads) {
    contents.set(segment, reader.slice(segment.fileOffset, segment.fileSize, name(segment)));
  }
  const warnings: string[] = [];
  if (bias !== 0 && elf.dynamic !== undefined) {
    if (elf.bits === 64) relocate(reader, elf, elf.dynamic, bias, contents);
    else
      warnings.push(
        `it goes to ${hex(bias)}, and its 32-bit relocations are not applied: it must do so itself`,
      );
  }
  for (const [segment, bytes] of contents) {
    placement.fill(name(segment), segment.physical + bias, bytes, segment.memorySize);
  }
  const entry = physicalEntry(reader, elf) + bias;
  if (entry >= ENTRY_LIMIT) reader.fail(`the entry, ${hex(entry)}, is not in the first 4 GiB of memory`);
  return { elf, entry, symbols: readSymbols(reader, elf, bias), warnings };
}

function loadBias(elf: ElfFile): number {
  const lowest = Math.min(...elf.loads.map((segment) => segment.physical));
  return elf.isPositionIndependent && lowest < HIGH_MEMORY_START ? PIE_BASE : 0;
}

/**
 * Where e_entry, which is virtual, is in memory. Kernels that run at high addresses often give the physical address instead;
 * it is taken when no segment has it as a virtual one.
 */
function physicalEntry(reader: ImageReader, elf: ElfFile): number {
  const { entry } = elf;
  const isIn = (start: number, segment: ElfSegment): boolean =>
    entry >= start && entry < start + segment.memorySize;
  const byVirtual = elf.loads.find((segment) => isIn(segment.virtual, segment));
  if (byVirtual !== undefined) return entry - byVirtual.virtual + byVirtual.physical;
  if (elf.loads.some((segment) => isIn(segment.physical, segment))) return entry;
  return reader.fail(
    `e_entry, ${hex(entry)}, lies in no segment that is loaded`,
    "name the entry in the linker script",
  );
}

/** Applies R_X86_64_RELATIVE (AMD64 supplement, 4.4): the 64-bit word at r_offset becomes base + addend. */
function relocate(
  reader: ImageReader,
  elf: ElfFile,
  dynamic: ElfSegment,
  bias: number,
  contents: Contents,
): void {
  const { offset: first, size } = relocationTable(reader, elf, dynamic);
  for (const segment of elf.loads) contents.set(segment, contents.get(segment)!.slice());
  for (let at = first; at < first + size; at += RELA_BYTES) {
    const type = reader.u32(at + 8, "r_info");
    if (type !== R_X86_64_RELATIVE) {
      reader.fail(
        `the relocation at byte ${hex(at)} has type ${type}, which needs a dynamic linker`,
        "link it with -static",
      );
    }
    const target = reader.u64(at, "r_offset");
    const addend = reader.u64(at + 16, "r_addend");
    const segment = elf.loads.find(
      ({ virtual, fileSize }) => target >= virtual && target + 8 <= virtual + fileSize,
    );
    if (segment === undefined) {
      reader.fail(`r_offset ${hex(target)} (at byte ${hex(at)}) lies in no segment that is loaded`);
    }
    const bytes = contents.get(segment)!;
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    view.setBigUint64(target - segment.virtual, BigInt(addend + bias), true);
  }
}

/** DT_RELA and its size, as an offset in the file; empty when there is none. */
function relocationTable(
  reader: ImageReader,
  elf: ElfFile,
  dynamic: ElfSegment,
): { offset: number; size: number } {
  const values = new Map<number, number>();
  for (let at = dynamic.fileOffset; at + DYNAMIC_ENTRY_BYTES <= dynamic.fileOffset + dynamic.fileSize; ) {
    const tag = reader.u32(at, "d_tag");
    if (tag === DT_NULL) break;
    if (tag === DT_RELA || tag === DT_RELASZ || tag === DT_RELAENT)
      values.set(tag, reader.u64(at + 8, "d_val"));
    at += DYNAMIC_ENTRY_BYTES;
  }
  const address = values.get(DT_RELA);
  const size = values.get(DT_RELASZ) ?? 0;
  if (address === undefined || size === 0) return { offset: 0, size: 0 };
  if (values.get(DT_RELAENT) !== RELA_BYTES || size % RELA_BYTES !== 0) {
    reader.fail(
      `DT_RELAENT is ${values.get(DT_RELAENT)} and DT_RELASZ ${size}, not ${RELA_BYTES} and a multiple of it`,
    );
  }
  const segment = elf.loads.find(
    ({ virtual, fileSize }) => address >= virtual && address + size <= virtual + fileSize,
  );
  if (segment === undefined)
    return reader.fail(`DT_RELA, ${hex(address)}, lies in no segment that is loaded`);
  return { offset: segment.fileOffset + address - segment.virtual, size };
}
