/**
 * A Linux kernel as distributions ship it, bzImage, entered by the 64-bit boot protocol (Linux, Documentation/arch/x86/
 * boot.rst, "64-bit Boot Protocol", and zero-page.rst): boot sector and set-up code are read for the header alone; the
 * protected-mode part, which decompresses itself, is entered 0x200 bytes after its start, in 64-bit mode, with
 * RSI = boot_params.
 *
 *     0        512       (1 + setup_sects) * 512            + syssize * 16
 *     ┌────────┬─────────┬───────────────────────────────────┬──────────────┐
 *     │ header │ set-up  │ protected-mode code and payload   │ a signature  │
 *     └────────┴─────────┴───────────────────────────────────┴──────────────┘
 *
 * Left out: zImage, kernels without a 64-bit entry, the EFI entries, setup_data.
 */
import type { BootModule } from "./boot-plan.js";
import { type BootState, bootGdt, longModeState } from "./boot-state.js";
import { ByteWriter, cString } from "./byte-writer.js";
import { hex, type ImageReader } from "./image-reader.js";
import { HIGH_MEMORY_START, type MemoryMap } from "./memory-map.js";
import { IDENTITY_MAPPED_BYTES, placeIdentityMap } from "./page-tables.js";
import { PAGE, type Placement } from "./placement.js";

const BOOT_FLAG = 0xaa55;
const HEADER_MAGIC = 0x5372_6448; // "HdrS"
const SECTOR = 512;
const OLDEST_VERSION = 0x20c; // 2.12 brought xloadflags

/** Offsets of the set-up header, the same in the file and in boot_params. */
// biome-ignore format: a table
const HEADER = {
  first: 0x1f1, setupSectors: 0x1f1, sysSize: 0x1f4, videoMode: 0x1fa, bootFlag: 0x1fe, jump: 0x201, magic: 0x202,
  version: 0x206, loaderType: 0x210, loadFlags: 0x211, code32Start: 0x214, ramdiskImage: 0x218, ramdiskSize: 0x21c,
  commandLine: 0x228, initrdMax: 0x22c, xLoadFlags: 0x236,
  commandLineSize: 0x238, preferredAddress: 0x258, initSize: 0x260, last: 0x290,
} as const;
const LOADED_HIGH = 1 << 0;
const XLF_KERNEL_64 = 1 << 0;
/** setup_sects 0 means 4, for very old kernels. */
const DEFAULT_SETUP_SECTORS = 4;
const ENTRY_64 = 0x200;
/** type_of_loader without an assigned number, and the video mode "normal". */
const UNKNOWN_LOADER = 0xff;
const VIDEO_MODE_NORMAL = 0xffff;

/** The rest of boot_params (zero-page.rst). */
const PARAMS_BYTES = PAGE;
const PARAMS_RSDP = 0x070;
const PARAMS_E820_COUNT = 0x1e8;
const PARAMS_E820 = 0x2d0;
const E820_ENTRY_BYTES = 20;

/** What the loader needs of the header. */
interface KernelHeader {
  readonly setupBytes: number;
  readonly kernelBytes: number;
  /** One past the last byte of the header. */
  readonly end: number;
  readonly loadAddress: number;
  /** Bytes from the load address that the kernel needs before it knows the memory map. */
  readonly initSize: number;
  readonly initrdMax: number;
  readonly commandLineSize: number;
}

/** True for files that have the set-up header's two signatures. */
export function isLinuxImage(reader: ImageReader): boolean {
  return (
    reader.has(HEADER.magic, 4) &&
    reader.u16(HEADER.bootFlag, "boot_flag") === BOOT_FLAG &&
    reader.u32(HEADER.magic, "header") === HEADER_MAGIC
  );
}

/** @throws UserError */
export function loadLinux(
  reader: ImageReader,
  placement: Placement,
  map: MemoryMap,
  options: { append: string; modules: readonly BootModule[]; rsdp: number },
): BootState {
  const header = readHeader(reader);
  const [initrd, ...more] = options.modules;
  if (more.length > 0) {
    reader.fail(`Linux takes one initramfs, not ${options.modules.length}`, "concatenate the archives");
  }
  const commandLine = cString(options.append);
  if (commandLine.length - 1 > header.commandLineSize) {
    reader.fail(
      `the command line has ${commandLine.length - 1} bytes; this kernel takes ${header.commandLineSize} (cmdline_size)`,
    );
  }
  const kernel = reader.slice(header.setupBytes, header.kernelBytes, "the protected-mode kernel");
  placement.reserve("kernel", header.loadAddress, Math.max(header.initSize, kernel.length));
  placement.fill("kernel", header.loadAddress, kernel);
  const params = bootParameters(reader, header, map)
    .u32(HEADER.commandLine, placement.placeLow("command line", commandLine))
    .u64(PARAMS_RSDP, options.rsdp);
  if (initrd !== undefined) {
    const limit = Math.min(header.initrdMax + 1, IDENTITY_MAPPED_BYTES);
    params.u32(HEADER.ramdiskImage, placement.placeBelow(`initramfs ${initrd.name}`, initrd.bytes, limit));
    params.u32(HEADER.ramdiskSize, initrd.bytes.length);
  }
  const zeroPage = placement.placeLow("boot_params", params.bytes, PAGE);
  const gdt = placement.placeLow("GDT", bootGdt("long"));
  return longModeState(header.loadAddress + ENTRY_64, gdt, placeIdentityMap(placement), { rsi: zeroPage });
}

function readHeader(reader: ImageReader): KernelHeader {
  if (!isLinuxImage(reader)) {
    reader.fail(
      `it has no Linux set-up header: 0xaa55 at byte ${hex(HEADER.bootFlag)}, "HdrS" at byte ${hex(HEADER.magic)}`,
    );
  }
  const version = reader.u16(HEADER.version, "version");
  if (version < OLDEST_VERSION) {
    reader.fail(
      `it speaks boot protocol ${version >> 8}.${version & 0xff} (at byte ${hex(HEADER.version)}); 2.12 is needed`,
      "take a 64-bit kernel of Linux 3.8 or later",
    );
  }
  reader.slice(0, HEADER.last, "the set-up header");
  if ((reader.u8(HEADER.loadFlags, "loadflags") & LOADED_HIGH) === 0) {
    reader.fail("it is a zImage, which is loaded low (LOADED_HIGH of loadflags is clear)", "take a bzImage");
  }
  if ((reader.u16(HEADER.xLoadFlags, "xloadflags") & XLF_KERNEL_64) === 0) {
    reader.fail(
      `it has no 64-bit entry (XLF_KERNEL_64 of xloadflags, at byte ${hex(HEADER.xLoadFlags)}, is clear)`,
      "take a kernel for amd64",
    );
  }
  const setupSectors = reader.u8(HEADER.setupSectors, "setup_sects") || DEFAULT_SETUP_SECTORS;
  const setupBytes = (1 + setupSectors) * SECTOR;
  const kernelBytes = reader.u32(HEADER.sysSize, "syssize") * 16;
  if (!reader.has(setupBytes, kernelBytes) || kernelBytes <= ENTRY_64) {
    reader.fail(
      `setup_sects and syssize say that the kernel reaches from byte ${setupBytes} to ${setupBytes + kernelBytes}, ` +
        `but the file has ${reader.length}`,
      "the file is truncated",
    );
  }
  const end = HEADER.magic + reader.u8(HEADER.jump, "the length of the header");
  if (end > HEADER.last || end < HEADER.initSize + 4) {
    reader.fail(
      `the set-up header ends at byte ${hex(end)} by its length (at byte ${hex(HEADER.jump)}), ` +
        `which is not between ${hex(HEADER.initSize + 4)} and ${hex(HEADER.last)}`,
    );
  }
  return {
    setupBytes,
    kernelBytes,
    end,
    loadAddress: loadAddress(reader),
    initSize: reader.u32(HEADER.initSize, "init_size"),
    initrdMax: reader.u32(HEADER.initrdMax, "initrd_addr_max"),
    commandLineSize: reader.u32(HEADER.commandLineSize, "cmdline_size"),
  };
}

/**
 * The address that the kernel prefers. A relocatable one could be put elsewhere, but x86 kernels move themselves up to the
 * address for which they were configured, so that nothing would be gained.
 */
function loadAddress(reader: ImageReader): number {
  const preferred = reader.u64(HEADER.preferredAddress, "pref_address");
  if (preferred < HIGH_MEMORY_START) {
    reader.fail(`pref_address (at byte ${hex(HEADER.preferredAddress)}) is ${hex(preferred)}, below 1 MiB`);
  }
  if (preferred >= IDENTITY_MAPPED_BYTES) {
    reader.fail(
      `pref_address (at byte ${hex(HEADER.preferredAddress)}) is ${hex(preferred)}, not below 4 GiB`,
    );
  }
  return preferred;
}

/** boot_params, all zero but for the header copied from the file and what every kernel is told. */
function bootParameters(reader: ImageReader, header: KernelHeader, map: MemoryMap): ByteWriter {
  const params = new ByteWriter(PARAMS_BYTES)
    .copy(HEADER.first, reader.slice(HEADER.first, header.end - HEADER.first, "the set-up header"))
    .u16(HEADER.videoMode, VIDEO_MODE_NORMAL)
    .u8(HEADER.loaderType, UNKNOWN_LOADER)
    .u32(HEADER.code32Start, header.loadAddress)
    .u8(PARAMS_E820_COUNT, map.length);
  for (const [index, range] of map.entries()) {
    const at = PARAMS_E820 + index * E820_ENTRY_BYTES;
    params
      .u64(at, range.base)
      .u64(at + 8, range.length)
      .u32(at + 16, range.type);
  }
  return params;
}
