/**
 * Guest images: from the bytes of a file to a plan of what to put into a machine's memory and registers. Nothing here touches
 * a machine, a file or a clock; the same bytes and options give the same plan.
 *
 *     bytes ─→ detect.ts: which kind? ─→ multiboot.ts · pvh.ts · bzimage.ts · raw.ts · plain ELF ─→ BootPlan
 *                                             │ elf.ts, elf-image.ts: segments, entry, symbols
 *                                             └ placement.ts: what lies where
 */
import { invariant, UserError } from "../../util/errors.js";
import type { BootModule, BootPlan, FirmwareTables, ImageKind } from "./boot-plan.js";
import type { BootState } from "./boot-state.js";
import { loadLinux } from "./bzimage.js";
import { detectKind } from "./detect.js";
import { type DirectOptions, directState } from "./direct.js";
import { ELF_MAGIC, readElf } from "./elf.js";
import { loadElf } from "./elf-image.js";
import { ImageReader } from "./image-reader.js";
import { buildMemoryMap, type MemoryMap } from "./memory-map.js";
import { loadMultiboot } from "./multiboot.js";
import { Placement } from "./placement.js";
import { loadPvh } from "./pvh.js";
import { loadRaw, type RawMode } from "./raw.js";
import { NO_SYMBOLS, type SymbolTable } from "./symbols.js";
import { findXenKernel } from "./xen-kernel.js";

export interface ImageOptions {
  /** What messages call the image, e.g. its file name. Default: "image". */
  readonly name?: string;
  /** Default: auto, by contents. `raw` is never guessed. */
  readonly kind?: "auto" | ImageKind;
  /** The kernel's command line. */
  readonly append?: string;
  /** Multiboot and PVH modules; for Linux at most one, the initramfs. */
  readonly modules?: readonly BootModule[];
  /** RAM of the machine. */
  readonly memoryBytes: number;
  /** Where devices begin below 4 GiB. Default: 3 GiB. */
  readonly deviceHoleStart?: number;
  /** Tables of the firmware to be put into memory too. */
  readonly firmware?: FirmwareTables;
  /** Of a raw image; see raw.ts for the defaults. */
  readonly rawAddress?: number;
  readonly rawEntry?: number;
  readonly rawMode?: RawMode;
}

interface Loaded {
  readonly start: BootState;
  readonly symbols: SymbolTable;
  readonly warnings: readonly string[];
}

/**
 * How to start an image.
 * @throws UserError for an image that is truncated, contradicts itself, or needs what the machine does not have
 */
export function loadImage(bytes: Uint8Array, options: ImageOptions): BootPlan {
  invariant(options.memoryBytes > 0, "a machine has memory", () => options.memoryBytes);
  const reader = new ImageReader(bytes, options.name ?? "image");
  const kind = chooseKind(reader, options);
  const memoryMap = buildMemoryMap(options.memoryBytes, options.deviceHoleStart);
  const placement = new Placement(memoryMap, options.memoryBytes, reader.name);
  for (const table of options.firmware?.writes ?? []) {
    placement.loadFirmware(table.name, table.physical, table.bytes);
  }
  const direct: DirectOptions = {
    append: options.append ?? "",
    modules: options.modules ?? [],
    rsdp: options.firmware?.rsdp ?? 0,
  };
  const loaded = load(kind, reader, placement, memoryMap, direct, options);
  return {
    kind,
    writes: placement.writes,
    zero: placement.zero,
    regions: placement.regions,
    start: loaded.start,
    symbols: loaded.symbols,
    memoryMap,
    warnings: loaded.warnings,
    xen:
      kind !== "raw" && reader.matches(0, ELF_MAGIC)
        ? findXenKernel(reader, readElf(reader), direct.append)
        : undefined,
  };
}

function chooseKind(reader: ImageReader, options: ImageOptions): ImageKind {
  const kind = options.kind ?? "auto";
  const isRaw = kind === "raw";
  for (const name of ["rawAddress", "rawEntry", "rawMode"] as const) {
    if (!isRaw && options[name] !== undefined) {
      throw new UserError(`${name} is given, but the image is not of kind raw`, { where: reader.name });
    }
  }
  return kind === "auto" ? detectKind(reader) : kind;
}

function load(
  kind: ImageKind,
  reader: ImageReader,
  placement: Placement,
  map: MemoryMap,
  direct: DirectOptions,
  options: ImageOptions,
): Loaded {
  switch (kind) {
    case "multiboot":
      return loadMultiboot(reader, placement, map, direct);
    case "pvh":
      return loadPvh(reader, placement, map, direct);
    case "elf": {
      const loaded = loadElf(reader, placement);
      return { ...loaded, start: directState(placement, map, loaded.elf.bits, loaded.entry, direct) };
    }
    case "bzimage":
      return { start: loadLinux(reader, placement, map, direct), symbols: NO_SYMBOLS, warnings: [] };
    case "raw": {
      const { rawAddress: address, rawEntry: entry, rawMode: mode } = options;
      if (mode === undefined) {
        return reader.fail("a raw image does not say in which mode it starts", "say rawMode: 16, 32 or 64");
      }
      const start = loadRaw(reader, placement, map, { ...direct, address, entry, mode });
      return { start, symbols: NO_SYMBOLS, warnings: [] };
    }
  }
}
