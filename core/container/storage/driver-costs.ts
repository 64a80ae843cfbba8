/**
 * What storage drivers cost in time. Overlay's prices were measured (measured/container-phases.ts); the others' follow from what
 * they do, with the same prices for the same work.
 */
import { assumed } from "../../events/profiles/constants.js";
import { measured } from "../../host/measured/measurement.js";
import { MIB } from "../../util/units.js";
import { MACHINE, MEASURED } from "../measured/container-phases.js";
import type { StorageDriver } from "./drivers.js";

const LEAST_LAYERS = 1;
const MOST_LAYERS = 120;
const LEAST_COPY = 4 * 1024;
const MOST_COPY = 64 * MIB;

const slope = (from: number, to: number, fromAt: number, toAt: number): number =>
  (to - from) / (toAt - fromAt);

/** Times in ns. */
export const STORAGE_COSTS = {
  /** Mounting an overlay with one layer, and what each further one adds. */
  mount: measured(MEASURED["overlay-mount-1"], "mount(2) of an overlay with one lower layer", MACHINE),
  mountLayer: slope(
    MEASURED["overlay-mount-1"].p50,
    MEASURED["overlay-mount-120"].p50,
    LEAST_LAYERS,
    MOST_LAYERS,
  ),
  /** First look-up of a file in the only lower layer, and what each layer above it adds. */
  lookup: measured(MEASURED["overlay-lookup-1"], "the first open(2) of a file in one lower layer", MACHINE),
  lookupLayer: slope(
    MEASURED["overlay-lookup-1"].p50,
    MEASURED["overlay-lookup-120"].p50,
    LEAST_LAYERS,
    MOST_LAYERS,
  ),
  /** Copying a file up: of a page, and what each further byte adds, from the page cache into the page cache. */
  copyUp: measured(MEASURED["copy-up-4KiB"], "open(2) for writing of a 4 KiB file of a lower layer", MACHINE),
  copyByte: slope(MEASURED["copy-up-4KiB"].p50, MEASURED["copy-up-65536KiB"].p50, LEAST_COPY, MOST_COPY),
  /** Making a file in a copy of an image. */
  createFile: assumed(30_000, "open(2) with O_CREAT, and metadata, of ext4 or btrfs", [10_000, 100_000]),
} as const;

/** Processor time of making a container's file system of `layers` layers, ns; without what it waits for. */
export function createWork(driver: StorageDriver, layers: number, files: number, bytes: number): number {
  const { mount, mountLayer, createFile, copyByte } = STORAGE_COSTS;
  if (driver.copies === "everything-at-create") return files * createFile.value + bytes * copyByte;
  return mount.value + (driver.isLayered ? (layers - 1) * mountLayer : 0);
}

/** Time of a first look-up that asked so many layers, ns. */
export function lookupTime(driver: StorageDriver, probes: number): number {
  const { lookup, lookupLayer } = STORAGE_COSTS;
  return lookup.value + (driver.isLayered ? Math.max(0, probes - 2) * lookupLayer : 0);
}

/** What the first write of `written` bytes to a file of `bytes` copies. */
export function copiedBytes(driver: StorageDriver, bytes: number, written: number): number {
  if (driver.copies === "file") return bytes;
  if (driver.copies === "everything-at-create") return 0;
  const block = driver.block.value;
  return Math.min(Math.ceil(bytes / block), Math.ceil(written / block)) * block;
}

/** Processor time of such a first write, ns: nothing is copied where all is the container's own. */
export function firstWriteTime(driver: StorageDriver, copied: number): number {
  if (driver.copies === "everything-at-create") return 0;
  const { copyUp, copyByte } = STORAGE_COSTS;
  const fixed = driver.copies === "file" ? copyUp.value : 0;
  return fixed + copied * copyByte;
}
