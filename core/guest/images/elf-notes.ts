/**
 * Notes of an ELF file (gABI, chapter 5, "Note Section"): name size, descriptor size, type, name, descriptor; name and
 * descriptor are padded to 4 bytes, or to 8 when the segment says p_align 8.
 */
import { type ElfFile, type ElfSegment, elfWord } from "./elf.js";
import type { ImageReader } from "./image-reader.js";

/** "Xen" and its terminating zero. */
const XEN_NAME = [0x58, 0x65, 0x6e, 0] as const;
/** Xen, public/elfnote.h: the 32-bit physical entry of a PVH kernel. */
const XEN_ELFNOTE_PHYS32_ENTRY = 18;
const HEADER_BYTES = 12;
/** A Linux kernel has less than 1 KiB of notes. */
const MAX_NOTE_BYTES = 1 << 20;

/** The PVH entry, or undefined when the file has no such note. @throws UserError for notes that leave their segment */
export function findPvhEntry(reader: ImageReader, elf: ElfFile): number | undefined {
  const note = findXenNote(reader, elf, XEN_ELFNOTE_PHYS32_ENTRY);
  if (note === undefined) return undefined;
  const { descriptor, size, at } = note;
  if (size !== 4 && size !== 8) reader.fail(`the PVH entry note at byte ${at} has ${size} bytes, not 4 or 8`);
  return elfWord(reader, size === 8 ? 64 : 32, descriptor, "the PVH entry");
}

/** A note in the file: its first byte, its descriptor's, and the descriptor's bytes. */
export interface Note {
  readonly at: number;
  readonly descriptor: number;
  readonly size: number;
}

/** The first note of a type whose name is Xen. @throws UserError for notes that leave their segment */
export function findXenNote(reader: ImageReader, elf: ElfFile, type: number): Note | undefined {
  const bytes = elf.notes.reduce((sum, segment) => sum + segment.fileSize, 0);
  if (bytes > MAX_NOTE_BYTES)
    reader.fail(`it has ${bytes} bytes of notes (PT_NOTE); at most ${MAX_NOTE_BYTES} are read`);
  for (const segment of elf.notes) {
    const note = noteIn(reader, segment, type);
    if (note !== undefined) return note;
  }
  return undefined;
}

function noteIn(reader: ImageReader, segment: ElfSegment, wanted: number): Note | undefined {
  const padding = segment.alignment === 8 ? 8 : 4;
  const padded = (length: number): number => Math.ceil(length / padding) * padding;
  const end = segment.fileOffset + segment.fileSize;
  let at = segment.fileOffset;
  while (at + HEADER_BYTES <= end) {
    const nameSize = reader.u32(at, "the size of a note's name");
    const size = reader.u32(at + 4, "the size of a note's descriptor");
    const type = reader.u32(at + 8, "the type of a note");
    const descriptor = at + padded(HEADER_BYTES + nameSize);
    if (descriptor + size > end) {
      reader.fail(
        `the note at byte ${at} reaches byte ${descriptor + size}, but its segment (program header ` +
          `${segment.index}) ends at ${end}`,
      );
    }
    if (type === wanted && nameSize === XEN_NAME.length && reader.matches(at + 12, XEN_NAME))
      return { at, descriptor, size };
    at = descriptor + padded(size);
  }
  return undefined;
}
