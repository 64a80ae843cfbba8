/** A disk that boots a multiboot image with a command line: boot-sector.S says what is where. */
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";

const BOOT_SECTOR = fileURLToPath(new URL("boot-sector.bin", import.meta.url));
const SECTOR_BYTES = 512;
/** A cylinder of 16 heads and 63 sectors: Bochs finds a disk's geometry out only if it has whole ones. */
const CYLINDER_BYTES = 16 * 63 * SECTOR_BYTES;
/** Places of the words in the boot sector. */
const LOAD_ADDRESS = 0x1f0;
const ENTRY = 0x1f4;
const SECTORS = 0x1f8;
/** In an ELF header, and in the first entry of its program header table (ELF specification 1.2). */
const ELF_ENTRY = 24;
const ELF_PROGRAM_HEADERS = 28;
const SEGMENT_OFFSET = 4;
const SEGMENT_PHYSICAL_ADDRESS = 12;
const SEGMENT_FILE_BYTES = 16;

/** The bytes of the disk. The image has one loadable segment, as ours have. */
export function bootDisk(image, line) {
  const elf = readFileSync(image);
  const segment = elf.readUInt32LE(ELF_PROGRAM_HEADERS);
  const offset = elf.readUInt32LE(segment + SEGMENT_OFFSET);
  const contents = elf.subarray(offset, offset + elf.readUInt32LE(segment + SEGMENT_FILE_BYTES));
  const bytes = 2 * SECTOR_BYTES + contents.length;
  const disk = Buffer.alloc(Math.ceil(bytes / CYLINDER_BYTES) * CYLINDER_BYTES);
  readFileSync(BOOT_SECTOR).copy(disk);
  disk.writeUInt32LE(elf.readUInt32LE(segment + SEGMENT_PHYSICAL_ADDRESS), LOAD_ADDRESS);
  disk.writeUInt32LE(elf.readUInt32LE(ELF_ENTRY), ENTRY);
  disk.writeUInt16LE(Math.ceil(contents.length / SECTOR_BYTES), SECTORS);
  if (line.length >= SECTOR_BYTES) throw new Error(`the command line is too long for a sector: ${line}`);
  disk.write(line, SECTOR_BYTES, "latin1");
  contents.copy(disk, 2 * SECTOR_BYTES);
  return disk;
}
