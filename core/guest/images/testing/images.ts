/** Small guest images made byte by byte, valid unless a test spoils them. */
import { ByteWriter } from "../byte-writer.js";

export interface SegmentSpec {
  readonly type?: number;
  readonly virtual?: number;
  readonly physical?: number;
  readonly bytes: Uint8Array;
  readonly memorySize?: number;
  readonly alignment?: number;
}
export interface SymbolSpec {
  readonly name: string;
  readonly value: number;
  readonly size?: number;
  /** STT_: 0 none, 1 object, 2 function, 3 section, 4 file. */
  readonly type?: number;
}
export interface ElfSpec {
  readonly bits: 32 | 64;
  readonly entry: number;
  readonly segments: readonly SegmentSpec[];
  readonly symbols?: readonly SymbolSpec[];
  /** ET_: 2 executable, 3 dynamic. */
  readonly type?: number;
  readonly machine?: number;
}

export const PT_DYNAMIC = 2;
export const PT_INTERP = 3;
export const PT_NOTE = 4;

const align = (value: number, to: number): number => Math.ceil(value / to) * to;

/** An address as the 32 or 64 bits it has in the file; negative ones are canonical kernel addresses. */
function word(writer: ByteWriter, bits: 32 | 64, offset: number, value: number): void {
  writer.u32(offset, value % 2 ** 32);
  if (bits === 64) writer.u32(offset + 4, Math.floor(value / 2 ** 32));
}

/** Where the parts of a built file are, for tests that spoil them. */
export interface BuiltElf {
  readonly bytes: Uint8Array;
  /** Offset of each program header. */
  readonly programHeaders: readonly number[];
  /** File offset of each segment's contents. */
  readonly contents: readonly number[];
  /** Offset of the section headers, 0 when there are none. */
  readonly sectionHeaders: number;
}

/** Header, program headers, contents, and, when there are symbols, .symtab, .strtab and section headers. */
export function buildElf(spec: ElfSpec): BuiltElf {
  const { bits, segments } = spec;
  const is64 = bits === 64;
  const headerBytes = is64 ? 64 : 52;
  const programBytes = is64 ? 56 : 32;
  let at = headerBytes + segments.length * programBytes;
  const contents = segments.map(({ bytes }) => {
    const offset = align(at, 16);
    at = offset + bytes.length;
    return offset;
  });
  const symbolBytes = is64 ? 24 : 16;
  const symbols = spec.symbols === undefined ? [] : [{ name: "", value: 0 }, ...spec.symbols];
  const strings = new TextEncoder().encode(symbols.map(({ name }) => `${name}\0`).join(""));
  const symbolTable = align(at, 16);
  const stringTable = symbolTable + symbols.length * symbolBytes;
  const sectionHeaders = symbols.length === 0 ? 0 : align(stringTable + strings.length, 16);
  const sectionBytes = is64 ? 64 : 40;
  const length = sectionHeaders === 0 ? at : sectionHeaders + 3 * sectionBytes;

  const file = new ByteWriter(length)
    .copy(0, Uint8Array.of(0x7f, 0x45, 0x4c, 0x46, is64 ? 2 : 1, 1, 1))
    .u16(16, spec.type ?? 2)
    .u16(18, spec.machine ?? (is64 ? 62 : 3))
    .u32(20, 1);
  const field = (narrow: number, wide: number): number => (is64 ? wide : narrow);
  word(file, bits, 24, spec.entry);
  word(file, bits, field(28, 32), headerBytes);
  word(file, bits, field(32, 40), sectionHeaders);
  file.u16(field(40, 52), headerBytes).u16(field(42, 54), programBytes).u16(field(44, 56), segments.length);
  file.u16(field(46, 58), sectionBytes).u16(field(48, 60), sectionHeaders === 0 ? 0 : 3);

  const programHeaders = segments.map((segment, index) => {
    const header = headerBytes + index * programBytes;
    const virtual = segment.virtual ?? segment.physical ?? 0;
    file.u32(header, segment.type ?? 1).u32(header + field(24, 4), 7);
    word(file, bits, header + field(4, 8), contents[index]!);
    word(file, bits, header + field(8, 16), virtual);
    word(file, bits, header + field(12, 24), segment.physical ?? virtual);
    word(file, bits, header + field(16, 32), segment.bytes.length);
    word(file, bits, header + field(20, 40), segment.memorySize ?? segment.bytes.length);
    word(file, bits, header + field(28, 48), segment.alignment ?? 0x1000);
    file.copy(contents[index]!, segment.bytes);
    return header;
  });

  let nameOffset = 0;
  for (const [index, symbol] of symbols.entries()) {
    const offset = symbolTable + index * symbolBytes;
    file.u32(offset, nameOffset).u8(offset + field(12, 4), index === 0 ? 0 : (symbol.type ?? 2));
    file.u16(offset + field(14, 6), index === 0 ? 0 : 1);
    word(file, bits, offset + field(4, 8), symbol.value);
    word(file, bits, offset + field(8, 16), symbol.size ?? 0);
    nameOffset += symbol.name.length + 1;
  }
  if (sectionHeaders !== 0) {
    file.copy(stringTable, strings);
    const section = (index: number, type: number, offset: number, size: number, link: number): void => {
      const header = sectionHeaders + index * sectionBytes;
      file.u32(header + 4, type).u32(header + field(24, 40), link);
      word(file, bits, header + field(16, 24), offset);
      word(file, bits, header + field(20, 32), size);
      word(file, bits, header + field(36, 56), type === 2 ? symbolBytes : 0);
    };
    section(1, 2, symbolTable, symbols.length * symbolBytes, 2);
    section(2, 3, stringTable, strings.length, 0);
  }
  return { bytes: file.bytes, programHeaders, contents, sectionHeaders };
}

/** A note in a segment of its own: name, type and descriptor, padded to 4 bytes. */
export function note(name: string, type: number, descriptor: Uint8Array): SegmentSpec {
  const nameBytes = name.length + 1;
  const bytes = new ByteWriter(align(12 + nameBytes, 4) + align(descriptor.length, 4))
    .u32(0, nameBytes)
    .u32(4, descriptor.length)
    .u32(8, type)
    .ascii(12, name)
    .copy(align(12 + nameBytes, 4), descriptor).bytes;
  return { type: PT_NOTE, bytes, alignment: 4 };
}

/** The PVH note of a 32-bit entry. */
export function pvhNote(entry: number): SegmentSpec {
  return note("Xen", 18, new ByteWriter(4).u32(0, entry).bytes);
}

/** A Multiboot header; `addresses` are header_addr, load_addr, load_end_addr, bss_end_addr, entry_addr. */
export function multibootHeader(flags: number, addresses: readonly number[] = []): Uint8Array {
  const magic = 0x1bad_b002;
  const header = new ByteWriter(12 + 4 * addresses.length)
    .u32(0, magic)
    .u32(4, flags)
    .u32(8, -(magic + flags) >>> 0);
  for (const [index, address] of addresses.entries()) header.u32(12 + 4 * index, address);
  return header.bytes;
}

/** Fields of a set-up header by offset, on top of a valid one. */
export interface LinuxSpec {
  readonly setupSectors?: number;
  readonly kernel?: Uint8Array;
  readonly version?: number;
  readonly loadFlags?: number;
  readonly xLoadFlags?: number;
  readonly preferredAddress?: number;
  readonly initSize?: number;
}

/** A bzImage whose protected-mode part is 1 KiB unless said otherwise. */
export function buildLinux(spec: LinuxSpec = {}): Uint8Array {
  const sectors = spec.setupSectors ?? 2;
  const kernel = spec.kernel ?? Uint8Array.from({ length: 1024 }, (_, i) => i & 0xff);
  const setup = (1 + sectors) * 512;
  return new ByteWriter(setup + kernel.length)
    .u8(0x1ef, 0xff) // the sentinel, which must not be copied
    .u8(0x1f1, sectors)
    .u32(0x1f4, kernel.length / 16)
    .u16(0x1fe, 0xaa55)
    .u8(0x200, 0xeb)
    .u8(0x201, 0x6a)
    .ascii(0x202, "HdrS")
    .u16(0x206, spec.version ?? 0x20f)
    .u8(0x211, spec.loadFlags ?? 1)
    .u32(0x22c, 0x7fff_ffff)
    .u32(0x230, 0x20_0000)
    .u8(0x234, 1)
    .u16(0x236, spec.xLoadFlags ?? 1)
    .u32(0x238, 2047)
    .u64(0x258, spec.preferredAddress ?? 0x100_0000)
    .u32(0x260, spec.initSize ?? 0x10_0000)
    .copy(setup, kernel).bytes;
}
