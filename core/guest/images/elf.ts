/**
 * An ELF file's header and program headers, checked (System V gABI, chapters 4 and 5; AMD64 and i386 supplements).
 * The two classes differ in field offsets alone, which are the tables below.
 *
 * Left out: relocatable and core files, big-endian ones, files of other machines, programs that need an interpreter, more
 * than `MAX_PROGRAM_HEADERS` program headers; each is refused with its own message.
 */
import { hex, type ImageReader } from "./image-reader.js";

export const ELF_MAGIC = [0x7f, 0x45, 0x4c, 0x46] as const;

const CLASS_OFFSET = 4;
const DATA_OFFSET = 5;
const LITTLE_ENDIAN = 1;
const TYPE_OFFSET = 16;
const MACHINE_OFFSET = 18;
const ENTRY_OFFSET = 24;

const TYPE_EXECUTABLE = 2;
const TYPE_DYNAMIC = 3;
const OTHER_TYPES: Readonly<Record<number, string>> = { 0: "no type", 1: "an object file", 4: "a core dump" };

const MACHINE_386 = 3;
const MACHINE_X86_64 = 62;
/** Of the gABI's registry, those that a user is likely to have at hand. */
// biome-ignore format: a table
const OTHER_MACHINES: Readonly<Record<number, string>> = {
  2: "SPARC", 8: "MIPS", 20: "PowerPC", 21: "64-bit PowerPC", 22: "S/390", 40: "32-bit ARM", 43: "SPARC V9",
  50: "Itanium", 183: "64-bit ARM", 243: "RISC-V", 247: "BPF", 258: "LoongArch",
};

const PT_LOAD = 1;
const PT_DYNAMIC = 2;
const PT_INTERP = 3;
const PT_NOTE = 4;

/** A kernel has fewer than twenty; this many can be checked for overlaps in no time. */
const MAX_PROGRAM_HEADERS = 128;
/** e_phnum when the number did not fit (gABI, PN_XNUM). */
const EXTENDED_NUMBER = 0xffff;

/** Where the fields are, and how wide addresses and sizes. */
interface Layout {
  readonly bits: 32 | 64;
  readonly machine: number;
  readonly headerBytes: number;
  readonly programHeaders: number;
  readonly sectionHeaders: number;
  readonly programHeaderSize: number;
  readonly programHeaderNumber: number;
  readonly sectionHeaderSize: number;
  readonly sectionHeaderNumber: number;
  readonly program: ProgramLayout;
}
interface ProgramLayout {
  readonly bytes: number;
  readonly offset: number;
  readonly virtual: number;
  readonly physical: number;
  readonly fileSize: number;
  readonly memorySize: number;
  readonly alignment: number;
}

// biome-ignore format: two tables to compare
const ELF32: Layout = {
  bits: 32, machine: MACHINE_386, headerBytes: 52, programHeaders: 28, sectionHeaders: 32,
  programHeaderSize: 42, programHeaderNumber: 44, sectionHeaderSize: 46, sectionHeaderNumber: 48,
  program: { bytes: 32, offset: 4, virtual: 8, physical: 12, fileSize: 16, memorySize: 20, alignment: 28 },
};
// biome-ignore format: two tables to compare
const ELF64: Layout = {
  bits: 64, machine: MACHINE_X86_64, headerBytes: 64, programHeaders: 32, sectionHeaders: 40,
  programHeaderSize: 54, programHeaderNumber: 56, sectionHeaderSize: 58, sectionHeaderNumber: 60,
  program: { bytes: 56, offset: 8, virtual: 16, physical: 24, fileSize: 32, memorySize: 40, alignment: 48 },
};

export interface ElfSegment {
  /** Of the program header in its table, for messages. */
  readonly index: number;
  readonly fileOffset: number;
  readonly fileSize: number;
  readonly memorySize: number;
  /** Signed canonical. */
  readonly virtual: number;
  readonly physical: number;
  readonly alignment: number;
}

export interface ElfFile {
  readonly bits: 32 | 64;
  /** ET_DYN: may be loaded anywhere; `physical` counts from the base to be chosen. */
  readonly isPositionIndependent: boolean;
  /** Virtual, as in the file. */
  readonly entry: number;
  /** PT_LOAD with memory, in the order of the file. */
  readonly loads: readonly ElfSegment[];
  readonly notes: readonly ElfSegment[];
  readonly dynamic: ElfSegment | undefined;
  readonly sections: SectionTable;
}

/** Where the section headers are; read on demand (elf-symbols.ts). */
export interface SectionTable {
  readonly offset: number;
  readonly count: number;
  readonly entryBytes: number;
}

/** A file offset, an address or a size, as wide as the class has them. */
export function elfWord(reader: ImageReader, bits: 32 | 64, offset: number, field: string): number {
  return bits === 64 ? reader.u64(offset, field) : reader.u32(offset, field);
}

/** A virtual address: zero-extended in 32-bit files, signed canonical in 64-bit ones. */
function virtualAddress(reader: ImageReader, bits: 32 | 64, offset: number, field: string): number {
  if (bits === 32) return reader.u32(offset, field);
  const address = reader.virtual(offset, field);
  return address ?? reader.fail(`${field} (at byte ${hex(offset)}) is not a canonical address`);
}

/** @throws UserError for a file that no x86 machine could run, and for one that lies about itself */
export function readElf(reader: ImageReader): ElfFile {
  const layout = readLayout(reader);
  const type = reader.u16(TYPE_OFFSET, "e_type");
  if (type !== TYPE_EXECUTABLE && type !== TYPE_DYNAMIC) {
    reader.fail(
      `it is an ELF file of type ${type}, ${OTHER_TYPES[type] ?? "unknown"}, not an executable`,
      "link it",
    );
  }
  checkMachine(reader, layout);
  const segments = readProgramHeaders(reader, layout);
  const withType = (wanted: number): ElfSegment[] =>
    segments.filter(({ type }) => type === wanted).map(({ segment }) => segment);
  if (withType(PT_INTERP).length > 0) {
    reader.fail(
      "it is a dynamically linked program, which needs an operating system and an interpreter (PT_INTERP)",
      "link it with -static -nostdlib, and for a fixed address with -no-pie",
    );
  }
  const loads = withType(PT_LOAD).filter((segment) => segment.memorySize > 0);
  if (loads.length === 0) reader.fail("it has no segment to load (PT_LOAD)", "link it as an executable");
  return {
    bits: layout.bits,
    isPositionIndependent: type === TYPE_DYNAMIC,
    entry: virtualAddress(reader, layout.bits, ENTRY_OFFSET, "e_entry"),
    loads,
    notes: withType(PT_NOTE),
    dynamic: withType(PT_DYNAMIC)[0],
    sections: {
      offset: elfWord(reader, layout.bits, layout.sectionHeaders, "e_shoff"),
      count: reader.u16(layout.sectionHeaderNumber, "e_shnum"),
      entryBytes: reader.u16(layout.sectionHeaderSize, "e_shentsize"),
    },
  };
}

function readLayout(reader: ImageReader): Layout {
  const fileClass = reader.u8(CLASS_OFFSET, "EI_CLASS");
  const layout = fileClass === 1 ? ELF32 : fileClass === 2 ? ELF64 : undefined;
  if (layout === undefined)
    return reader.fail(`EI_CLASS (at byte 4) is ${fileClass}, not 1 (32 bits) or 2 (64 bits)`);
  const data = reader.u8(DATA_OFFSET, "EI_DATA");
  if (data !== LITTLE_ENDIAN) reader.fail(`EI_DATA (at byte 5) is ${data}, not 1 (little-endian)`);
  reader.slice(0, layout.headerBytes, "the ELF header");
  return layout;
}

function checkMachine(reader: ImageReader, layout: Layout): void {
  const machine = reader.u16(MACHINE_OFFSET, "e_machine");
  if (machine === layout.machine) return;
  if (machine === MACHINE_X86_64) {
    reader.fail("it is an x32 file, 64-bit code in a 32-bit ELF file", "compile it with -m32 or -m64");
  }
  const name = OTHER_MACHINES[machine];
  reader.fail(
    `it is for another machine: e_machine (at byte ${MACHINE_OFFSET}) is ${machine}${name === undefined ? "" : `, ${name}`}`,
    `compile it for x86: ${layout.machine} in a ${layout.bits}-bit file`,
  );
}

function readProgramHeaders(reader: ImageReader, layout: Layout): { type: number; segment: ElfSegment }[] {
  const table = elfWord(reader, layout.bits, layout.programHeaders, "e_phoff");
  const size = reader.u16(layout.programHeaderSize, "e_phentsize");
  const count = reader.u16(layout.programHeaderNumber, "e_phnum");
  if (count === 0) reader.fail("e_phnum is 0: it has no program headers", "link it as an executable");
  if (count === EXTENDED_NUMBER || count > MAX_PROGRAM_HEADERS) {
    reader.fail(
      `e_phnum (at byte ${layout.programHeaderNumber}) is ${count}; at most ${MAX_PROGRAM_HEADERS} are read`,
    );
  }
  if (size !== layout.program.bytes) {
    reader.fail(
      `e_phentsize (at byte ${layout.programHeaderSize}) is ${size}, not the ${layout.program.bytes} of a ${layout.bits}-bit file`,
    );
  }
  reader.slice(table, count * size, `the table of ${count} program headers (e_phoff)`);
  return Array.from({ length: count }, (_, index) =>
    readProgramHeader(reader, layout, table + index * size, index),
  );
}

function readProgramHeader(
  reader: ImageReader,
  layout: Layout,
  at: number,
  index: number,
): { type: number; segment: ElfSegment } {
  const { bits, program } = layout;
  const name = (field: string): string => `${field} of program header ${index}`;
  const type = reader.u32(at, name("p_type"));
  const isRead = type === PT_LOAD || type === PT_NOTE || type === PT_DYNAMIC || type === PT_INTERP;
  const fileOffset = isRead ? elfWord(reader, bits, at + program.offset, name("p_offset")) : 0;
  const fileSize = isRead ? elfWord(reader, bits, at + program.fileSize, name("p_filesz")) : 0;
  const memorySize = isRead ? elfWord(reader, bits, at + program.memorySize, name("p_memsz")) : 0;
  if (fileSize > 0 && !reader.has(fileOffset, fileSize)) {
    reader.fail(
      `program header ${index} reaches byte ${fileOffset + fileSize} (p_offset ${hex(fileOffset)}, p_filesz ` +
        `${hex(fileSize)}), but the file has ${reader.length}`,
      "the file is truncated, or no executable",
    );
  }
  if (type !== PT_LOAD) {
    const segment = { index, fileOffset, fileSize, memorySize, virtual: 0, physical: 0 };
    return { type, segment: { ...segment, alignment: isRead ? alignmentOf(reader, layout, at, name) : 0 } };
  }
  if (memorySize < fileSize) {
    reader.fail(
      `p_memsz of program header ${index} is ${hex(memorySize)}, less than its p_filesz, ${hex(fileSize)}`,
    );
  }
  const virtual = virtualAddress(reader, bits, at + program.virtual, name("p_vaddr"));
  const physical = physicalAddress(reader, layout, at, index, memorySize);
  return { type, segment: { index, fileOffset, fileSize, memorySize, virtual, physical, alignment: 0 } };
}

function alignmentOf(
  reader: ImageReader,
  layout: Layout,
  at: number,
  name: (field: string) => string,
): number {
  return elfWord(reader, layout.bits, at + layout.program.alignment, name("p_align"));
}

/** A kernel linked to high addresses without saying where it is loaded has them in p_paddr too: the usual mistake. */
function physicalAddress(
  reader: ImageReader,
  layout: Layout,
  at: number,
  index: number,
  memorySize: number,
): number {
  const field = `p_paddr of program header ${index}`;
  if (memorySize === 0) return 0;
  if (layout.bits === 64 && (reader.virtual(at + layout.program.physical, field) ?? -1) < 0) {
    const text = reader.slice(at + layout.program.physical, 8, field);
    const value = Array.from(text, (byte) => byte.toString(16).padStart(2, "0")).reverse();
    reader.fail(
      `${field} is 0x${value.join("")}, no physical address`,
      "say in the linker script where a section that runs at a high address is loaded: .text : AT(ADDR(.text) - BASE)",
    );
  }
  return elfWord(reader, layout.bits, at + layout.program.physical, field);
}
