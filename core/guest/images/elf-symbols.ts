/**
 * The symbol table of an ELF file (gABI, chapter 4, "Symbol Table"): functions, objects and labels that are defined, with
 * their virtual addresses. A stripped file has none.
 */
import { type ElfFile, elfWord } from "./elf.js";
import type { ImageReader } from "./image-reader.js";
import { type ImageSymbol, NO_SYMBOLS, SymbolTable } from "./symbols.js";

const SHT_SYMTAB = 2;
const SHN_UNDEF = 0;
const TYPE_MASK = 0xf;
const STT_NOTYPE = 0;
const STT_OBJECT = 1;
const STT_FUNC = 2;
/** A Linux kernel has a third of this. */
const MAX_SYMBOLS = 1 << 20;

// biome-ignore format: two tables to compare
const SECTION32 = { bytes: 40, type: 4, offset: 16, size: 20, link: 24, entryBytes: 36 };
// biome-ignore format: two tables to compare
const SECTION64 = { bytes: 64, type: 4, offset: 24, size: 32, link: 40, entryBytes: 56 };
const SYMBOL32 = { bytes: 16, name: 0, value: 4, size: 8, info: 12, section: 14 };
const SYMBOL64 = { bytes: 24, name: 0, info: 4, section: 6, value: 8, size: 16 };

/**
 * @param bias what is added to each address: where a position-independent file was put
 * @throws UserError for tables that leave the file or contradict themselves
 */
export function readSymbols(reader: ImageReader, elf: ElfFile, bias: number): SymbolTable {
  const { offset, count, entryBytes } = elf.sections;
  if (offset === 0 || count === 0) return NO_SYMBOLS;
  const layout = elf.bits === 64 ? SECTION64 : SECTION32;
  if (entryBytes !== layout.bytes) {
    reader.fail(`e_shentsize is ${entryBytes}, not the ${layout.bytes} of a ${elf.bits}-bit file`);
  }
  reader.slice(offset, count * entryBytes, `the table of ${count} section headers (e_shoff)`);
  for (let index = 0; index < count; index++) {
    const at = offset + index * entryBytes;
    if (reader.u32(at + layout.type, "sh_type") === SHT_SYMTAB) return readTable(reader, elf, index, bias);
  }
  return NO_SYMBOLS;
}

/** Offset and bytes of a section's contents, checked. */
function contents(reader: ImageReader, elf: ElfFile, index: number): { at: number; bytes: Uint8Array } {
  const layout = elf.bits === 64 ? SECTION64 : SECTION32;
  const header = elf.sections.offset + index * elf.sections.entryBytes;
  const at = elfWord(reader, elf.bits, header + layout.offset, `sh_offset of section ${index}`);
  const size = elfWord(reader, elf.bits, header + layout.size, `sh_size of section ${index}`);
  return { at, bytes: reader.slice(at, size, `section ${index}`) };
}

function readTable(reader: ImageReader, elf: ElfFile, index: number, bias: number): SymbolTable {
  const section = elf.bits === 64 ? SECTION64 : SECTION32;
  const layout = elf.bits === 64 ? SYMBOL64 : SYMBOL32;
  const header = elf.sections.offset + index * elf.sections.entryBytes;
  const entryBytes = elfWord(reader, elf.bits, header + section.entryBytes, "sh_entsize of .symtab");
  if (entryBytes !== layout.bytes) {
    reader.fail(`sh_entsize of section ${index} (.symtab) is ${entryBytes}, not ${layout.bytes}`);
  }
  const link = reader.u32(header + section.link, "sh_link of .symtab");
  if (link >= elf.sections.count) {
    reader.fail(
      `sh_link of section ${index} (.symtab) is ${link}, but there are ${elf.sections.count} sections`,
    );
  }
  const { at, bytes } = contents(reader, elf, index);
  if (bytes.length / layout.bytes > MAX_SYMBOLS) {
    reader.fail(
      `.symtab has ${bytes.length / layout.bytes} symbols; at most ${MAX_SYMBOLS} are read`,
      "strip it",
    );
  }
  const strings = contents(reader, elf, link).bytes;
  const stringsEnd = strings.lastIndexOf(0);
  const symbols: ImageSymbol[] = [];
  for (let symbol = at; symbol + layout.bytes <= at + bytes.length; symbol += layout.bytes) {
    const type = reader.u8(symbol + layout.info, "st_info") & TYPE_MASK;
    const isWanted = type === STT_NOTYPE || type === STT_OBJECT || type === STT_FUNC;
    const nameOffset = reader.u32(symbol + layout.name, "st_name");
    if (!isWanted || nameOffset === 0 || reader.u16(symbol + layout.section, "st_shndx") === SHN_UNDEF)
      continue;
    const address =
      elf.bits === 64
        ? reader.virtual(symbol + layout.value, "st_value")
        : reader.u32(symbol + layout.value, "st_value");
    if (address === undefined) continue; // an absolute value that is no address
    const size = elfWord(reader, elf.bits, symbol + layout.size, "st_size");
    if (nameOffset > stringsEnd) {
      reader.fail(`st_name ${nameOffset} has no end in the string table, which has ${strings.length} bytes`);
    }
    symbols.push({ address: address + bias, size, nameOffset });
  }
  return new SymbolTable(symbols, strings);
}
