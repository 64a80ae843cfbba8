/**
 * A kernel that Xen can start as a paravirtual guest, by its ELF notes (Xen, public/elfnote.h): where it is entered, where its
 * pseudo-physical memory begins, where its page of hypercalls is. Segments go where their virtual addresses say.
 */
import type { ParavirtualKernel } from "../../machine/computer.js";
import type { ElfFile } from "./elf.js";
import { findXenNote } from "./elf-notes.js";
import type { ImageReader } from "./image-reader.js";

const XEN_ELFNOTE = { entry: 1, hypercallPage: 2, virtualBase: 3 } as const;

/** Undefined where the file does not say where Xen is to enter it. @throws UserError for notes that are not what they should be */
export function findXenKernel(
  reader: ImageReader,
  elf: ElfFile,
  commandLine: string,
): ParavirtualKernel | undefined {
  const address = (type: number, what: string): number | undefined => {
    const note = findXenNote(reader, elf, type);
    if (note === undefined) return undefined;
    if (elf.bits === 32) return reader.u32(note.descriptor, what);
    return reader.virtual(note.descriptor, what) ?? reader.fail(`${what} is not a canonical address`);
  };
  const entry = address(XEN_ELFNOTE.entry, "Xen's entry");
  if (entry === undefined) return undefined;
  const virtualBase = address(XEN_ELFNOTE.virtualBase, "Xen's virtual base") ?? 0;
  return {
    bits: elf.bits,
    entry,
    hypercallPage: address(XEN_ELFNOTE.hypercallPage, "Xen's page of hypercalls"),
    virtualBase,
    segments: elf.loads.map(({ index, virtual, fileOffset, fileSize, memorySize }) => {
      if (virtual < virtualBase)
        reader.fail(`program header ${index} lies below the base that its Xen notes name`);
      return {
        physical: virtual - virtualBase,
        bytes: reader.slice(fileOffset, fileSize, `program header ${index}`),
        memoryBytes: memorySize,
      };
    }),
    commandLine,
  };
}
