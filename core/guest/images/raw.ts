/**
 * Code without a header, put at an address and entered there in the mode that the user names: 16 bits as a BIOS starts a boot
 * sector, 32 and 64 bits by the lab's convention (direct.ts).
 */
import { KIB, MIB } from "../../util/units.js";
import { type BootState, realModeState } from "./boot-state.js";
import { type DirectOptions, directState } from "./direct.js";
import { hex, type ImageReader } from "./image-reader.js";
import type { MemoryMap } from "./memory-map.js";
import type { Placement } from "./placement.js";

export type RawMode = 16 | 32 | 64;

export interface RawOptions extends DirectOptions {
  /** Default: 0x7c00 in 16-bit mode, else 1 MiB. */
  readonly address: number | undefined;
  /** Physical; default: the address. */
  readonly entry: number | undefined;
  readonly mode: RawMode;
}

/** Where a BIOS puts a boot sector, and the number of the disk that it came from, in DL. */
const BOOT_SECTOR = 0x7c00;
const FIRST_HARD_DISK = 0x80;

/** @throws UserError */
export function loadRaw(
  reader: ImageReader,
  placement: Placement,
  map: MemoryMap,
  options: RawOptions,
): BootState {
  if (reader.length === 0) reader.fail("it is empty", "build or copy it again");
  const address = options.address ?? (options.mode === 16 ? BOOT_SECTOR : MIB);
  const entry = options.entry ?? address;
  if (entry < address || entry >= address + reader.length) {
    reader.fail(
      `the entry, ${hex(entry)}, lies outside of the image, ${hex(address)} to ${hex(address + reader.length)}`,
    );
  }
  placement.loadFirmware("image", address, reader.bytes);
  return options.mode === 16
    ? realMode(reader, entry, options)
    : directState(placement, map, options.mode, entry, options);
}

function realMode(reader: ImageReader, entry: number, options: RawOptions): BootState {
  if (options.append !== "" || options.modules.length > 0) {
    reader.fail("a raw image in 16-bit mode takes no command line and no modules", "use mode 32 or 64");
  }
  if (entry >= MIB)
    reader.fail(`the entry, ${hex(entry)}, is out of reach in 16-bit mode, which ends at 1 MiB`);
  const segmentBase = entry - (entry % (64 * KIB));
  return realModeState(segmentBase / 16, entry - segmentBase, { rdx: FIRST_HARD_DISK, rsp: BOOT_SECTOR });
}
