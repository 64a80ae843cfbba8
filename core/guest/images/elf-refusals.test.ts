/** ELF files that are truncated, lie about themselves or need what is not there: refused, in words that say which field. */
import { describe, expect, test } from "vitest";
import { MIB } from "../../util/units.js";
import { ByteWriter } from "./byte-writer.js";
import { buildElf, note, PT_INTERP, type SegmentSpec } from "./testing/images.js";
import { load, refusal } from "./testing/plans.js";

const CUT_OFF = "\n  the file was cut off, or is no such image: build or copy it again";
const CODE = Uint8Array.of(0xf4, 0xeb, 0xfd, 0x90); // hlt; jmp
const at1M: SegmentSpec = { physical: MIB, bytes: CODE };
const simple = (bits: 32 | 64, ...more: SegmentSpec[]): Uint8Array =>
  buildElf({ bits, entry: MIB, segments: [at1M, ...more] }).bytes;

/** A copy of `bytes` with one field replaced. */
function spoiled(bytes: Uint8Array, change: (writer: ByteWriter) => void): Uint8Array {
  const writer = new ByteWriter(bytes.length).copy(0, bytes);
  change(writer);
  return writer.bytes;
}

describe("refusals say what is wrong and where", () => {
  const built = buildElf({ bits: 64, entry: MIB, segments: [at1M, { physical: 2 * MIB, bytes: CODE }] });
  const header = built.programHeaders[1]!;
  const withSymbols = buildElf({
    bits: 64,
    entry: MIB,
    segments: [at1M],
    symbols: [{ name: "f", value: MIB }],
  });
  const sections = withSymbols.sectionHeaders;

  test.each<[string, Uint8Array, string]>([
    ["empty", new Uint8Array(0), "it is empty\n  build or copy it again"],
    [
      "only magic",
      built.bytes.subarray(0, 4),
      `EI_CLASS (0x1 bytes at 0x4) reaches byte 5, but the file has 4${CUT_OFF}`,
    ],
    [
      "a truncated header",
      built.bytes.subarray(0, 60),
      `the ELF header (0x40 bytes at 0x0) reaches byte 64, but the file has 60${CUT_OFF}`,
    ],
    [
      "a truncated table",
      built.bytes.subarray(0, 100),
      `the table of 2 program headers (e_phoff) (0x70 bytes at 0x40) reaches byte 176, but the file has 100${CUT_OFF}`,
    ],
    [
      "class",
      spoiled(built.bytes, (w) => w.u8(4, 3)),
      "EI_CLASS (at byte 4) is 3, not 1 (32 bits) or 2 (64 bits)",
    ],
    [
      "byte order",
      spoiled(built.bytes, (w) => w.u8(5, 2)),
      "EI_DATA (at byte 5) is 2, not 1 (little-endian)",
    ],
    [
      "an object file",
      spoiled(built.bytes, (w) => w.u16(16, 1)),
      "it is an ELF file of type 1, an object file, not an executable\n  link it",
    ],
    [
      "another machine",
      spoiled(built.bytes, (w) => w.u16(18, 183)),
      "it is for another machine: e_machine (at byte 18) is 183, 64-bit ARM\n  compile it for x86: 62 in a 64-bit file",
    ],
    [
      "x32",
      spoiled(simple(32), (w) => w.u16(18, 62)),
      "it is an x32 file, 64-bit code in a 32-bit ELF file\n  compile it with -m32 or -m64",
    ],
    [
      "no program headers",
      spoiled(built.bytes, (w) => w.u16(56, 0)),
      "e_phnum is 0: it has no program headers\n  link it as an executable",
    ],
    [
      "too many program headers",
      spoiled(built.bytes, (w) => w.u16(56, 0xffff)),
      "e_phnum (at byte 56) is 65535; at most 128 are read",
    ],
    [
      "e_phentsize",
      spoiled(built.bytes, (w) => w.u16(54, 32)),
      "e_phentsize (at byte 54) is 32, not the 56 of a 64-bit file",
    ],
    [
      "e_phoff",
      spoiled(built.bytes, (w) => w.u64(32, 1 << 20)),
      `the table of 2 program headers (e_phoff) (0x70 bytes at 0x100000) reaches byte 1048688, but the file has 196${CUT_OFF}`,
    ],
    [
      "e_phoff beyond 2^53",
      spoiled(built.bytes, (w) => w.u32(36, 0xffff_ffff)),
      "e_phoff (at byte 0x20) is 0xffffffff00000040, larger than any machine",
    ],
    [
      "p_filesz",
      spoiled(built.bytes, (w) => w.u64(header + 32, 91000).u64(header + 40, 91000)),
      "program header 1 reaches byte 91192 (p_offset 0xc0, p_filesz 0x16378), but the file has 196\n  the file is truncated, or no executable",
    ],
    [
      "p_memsz below p_filesz",
      spoiled(built.bytes, (w) => w.u64(header + 40, 3)),
      "p_memsz of program header 1 is 0x3, less than its p_filesz, 0x4",
    ],
    [
      "p_memsz beyond memory",
      spoiled(built.bytes, (w) => w.u64(header + 40, 2 ** 40)),
      "program header 1 goes to 0x200000, 1 TiB, which is not all RAM: that is 0x0 to 0x9fc00 and 0x100000 to 0x4000000\n  give the machine more memory, or link the image to another address",
    ],
    [
      "p_paddr beyond memory",
      spoiled(built.bytes, (w) => w.u64(header + 24, 64 * MIB)),
      "program header 1 goes to 0x4000000, 4 B, which is not all RAM: that is 0x0 to 0x9fc00 and 0x100000 to 0x4000000\n  give the machine more memory, or link the image to another address",
    ],
    [
      "p_paddr in the frame buffer",
      spoiled(built.bytes, (w) => w.u64(header + 24, 0xa_0000)),
      "program header 1 goes to 0xa0000, 4 B, which is not all RAM: that is 0x0 to 0x9fc00 and 0x100000 to 0x4000000\n  give the machine more memory, or link the image to another address",
    ],
    [
      "a high p_paddr",
      spoiled(built.bytes, (w) => w.u32(header + 24, 0x8010_0000).u32(header + 28, 0xffff_ffff)),
      "p_paddr of program header 1 is 0xffffffff80100000, no physical address\n  say in the linker script where a section that runs at a high address is loaded: .text : AT(ADDR(.text) - BASE)",
    ],
    [
      "p_vaddr not canonical",
      spoiled(built.bytes, (w) => w.u32(header + 20, 0x8000)),
      "p_vaddr of program header 1 (at byte 0x88) is not a canonical address",
    ],
    [
      "overlap",
      spoiled(built.bytes, (w) => w.u64(header + 24, MIB + 2)),
      "program header 1 (0x100002 to 0x100006) overlaps program header 0 (0x100000 to 0x100004)",
    ],
    [
      "nothing to load",
      spoiled(built.bytes, (w) => w.u32(header, 0).u32(built.programHeaders[0]!, 0)),
      "it has no segment to load (PT_LOAD)\n  link it as an executable",
    ],
    [
      "entry",
      spoiled(built.bytes, (w) => w.u64(24, 0x1234)),
      "e_entry, 0x1234, lies in no segment that is loaded\n  name the entry in the linker script",
    ],
    [
      "entry at the end",
      spoiled(built.bytes, (w) => w.u64(24, MIB + 4)),
      "e_entry, 0x100004, lies in no segment that is loaded\n  name the entry in the linker script",
    ],
    [
      "an interpreter",
      simple(64, { type: PT_INTERP, bytes: new TextEncoder().encode("/lib64/ld.so\0") }),
      "it is a dynamically linked program, which needs an operating system and an interpreter (PT_INTERP)\n  link it with -static -nostdlib, and for a fixed address with -no-pie",
    ],
    [
      "a note that leaves its segment",
      spoiled(simple(64, note("GNU", 1, new Uint8Array(4))), (w) => w.u32(0xc4, 5)),
      "the note at byte 192 reaches byte 213, but its segment (program header 1) ends at 212",
    ],
    [
      "e_shentsize",
      spoiled(withSymbols.bytes, (w) => w.u16(58, 40)),
      "e_shentsize is 40, not the 64 of a 64-bit file",
    ],
    [
      "e_shoff",
      spoiled(withSymbols.bytes, (w) => w.u64(40, 9999)),
      `the table of 3 section headers (e_shoff) (0xc0 bytes at 0x270f) reaches byte 10191, but the file has 400${CUT_OFF}`,
    ],
    [
      "sh_size",
      spoiled(withSymbols.bytes, (w) => w.u64(sections + 64 + 32, 9999)),
      `section 1 (0x270f bytes at 0x90) reaches byte 10143, but the file has 400${CUT_OFF}`,
    ],
    [
      "sh_link",
      spoiled(withSymbols.bytes, (w) => w.u32(sections + 64 + 40, 3)),
      "sh_link of section 1 (.symtab) is 3, but there are 3 sections",
    ],
    [
      "sh_entsize",
      spoiled(withSymbols.bytes, (w) => w.u64(sections + 64 + 56, 0)),
      "sh_entsize of section 1 (.symtab) is 0, not 24",
    ],
    [
      "st_name",
      spoiled(withSymbols.bytes, (w) => w.u32(0x90 + 24, 3)),
      "st_name 3 has no end in the string table, which has 3 bytes",
    ],
  ])("%s", (_, bytes, message) => {
    expect(refusal(bytes)).toBe(`kernel.elf: ${message}`);
  });

  test("an image is refused in a machine too small for it, and accepted in one that is not", () => {
    const image = buildElf({
      bits: 32,
      entry: 8 * MIB,
      segments: [{ physical: 8 * MIB, bytes: CODE }],
    }).bytes;
    expect(refusal(image, { memoryBytes: 8 * MIB })).toContain("which is not all RAM");
    expect(load(image, { memoryBytes: 9 * MIB }).start.rip).toBe(8 * MIB);
  });
});
