/** What kind of guest image a file is, by its contents; and when it is none, what it is instead. */
import type { ImageKind } from "./boot-plan.js";
import { isLinuxImage } from "./bzimage.js";
import { ELF_MAGIC, readElf } from "./elf.js";
import { findPvhEntry } from "./elf-notes.js";
import type { ImageReader } from "./image-reader.js";
import { findMultibootHeader } from "./multiboot.js";

interface Signature {
  readonly offset: number;
  readonly bytes: readonly number[];
  readonly what: string;
  readonly mend: string;
}

const COMPRESSED = "decompress it; a kernel in a bzImage needs no decompression";

/** Files that people try to boot; the first that matches is named. */
// biome-ignore format: a table
const OTHER_FILES: readonly Signature[] = [
  { offset: 0, bytes: [0x1f, 0x8b], what: "compressed by gzip", mend: COMPRESSED },
  { offset: 0, bytes: [0xfd, 0x37, 0x7a, 0x58, 0x5a, 0], what: "compressed by xz", mend: COMPRESSED },
  { offset: 0, bytes: [0x28, 0xb5, 0x2f, 0xfd], what: "compressed by zstd", mend: COMPRESSED },
  { offset: 0, bytes: [0x42, 0x5a, 0x68], what: "compressed by bzip2", mend: COMPRESSED },
  { offset: 0, bytes: [0x04, 0x22, 0x4d, 0x18], what: "compressed by lz4", mend: COMPRESSED },
  { offset: 0, bytes: [0x02, 0x21, 0x4c, 0x18], what: "compressed by lz4", mend: COMPRESSED },
  { offset: 0, bytes: [0x30, 0x37, 0x30, 0x37, 0x30], what: "a cpio archive", mend: "give it as the initramfs of a kernel" },
  { offset: 0, bytes: [0x27, 0x05, 0x19, 0x56], what: "an image for U-Boot", mend: "take the kernel out of it" },
  { offset: 0x38, bytes: [0x41, 0x52, 0x4d, 0x64], what: "a Linux kernel for 64-bit ARM", mend: "take a kernel for amd64" },
  { offset: 0, bytes: [0xcf, 0xfa, 0xed, 0xfe], what: "a Mach-O file", mend: "link it as an ELF file" },
  { offset: 0, bytes: [0x4d, 0x5a], what: "a program for EFI or Windows (MZ)", mend: "there is no EFI firmware; link it as an ELF file" },
  { offset: 0x8001, bytes: [0x43, 0x44, 0x30, 0x30, 0x31], what: "a CD image", mend: "take the kernel out of it" },
  { offset: 0x1fe, bytes: [0x55, 0xaa], what: "a boot sector or disk image", mend: "a boot sector runs as kind raw, in mode 16, at 0x7c00" },
];

/** Multiboot 2 (specification 2.0, 3.1.2): magic in the first 32 KiB, a multiple of 8. */
const MULTIBOOT2_MAGIC = [0xd6, 0x50, 0x52, 0xe8] as const;
const MULTIBOOT2_SEARCH_BYTES = 32_768;

/**
 * The kind of an image. An ELF file with several entries is taken as Multiboot, then as PVH.
 * @throws UserError when it is none, saying what it seems to be
 */
export function detectKind(reader: ImageReader): Exclude<ImageKind, "raw"> {
  if (reader.length === 0) reader.fail("it is empty", "build or copy it again");
  if (isLinuxImage(reader)) return "bzimage";
  if (findMultibootHeader(reader) !== undefined) return "multiboot";
  if (reader.matches(0, ELF_MAGIC)) {
    return findPvhEntry(reader, readElf(reader)) === undefined ? "elf" : "pvh";
  }
  if (hasMultiboot2Header(reader)) {
    reader.fail(
      "it is a Multiboot 2 kernel; only Multiboot 1 is supported",
      "add a Multiboot 1 header, or a PVH note",
    );
  }
  const other = OTHER_FILES.find(({ offset, bytes }) => reader.matches(offset, bytes));
  if (other !== undefined) reader.fail(`it is ${other.what}, not a guest image`, other.mend);
  return reader.fail(
    "it is no guest image: neither ELF, nor Multiboot, nor a Linux bzImage",
    "if it is code without a header, say kind: raw, with its address and mode",
  );
}

function hasMultiboot2Header(reader: ImageReader): boolean {
  for (let offset = 0; offset < Math.min(reader.length, MULTIBOOT2_SEARCH_BYTES); offset += 8) {
    if (reader.matches(offset, MULTIBOOT2_MAGIC)) return true;
  }
  return false;
}
