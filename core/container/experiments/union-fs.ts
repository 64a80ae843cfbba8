/**
 * What a storage driver costs: containers of one image are made, each reads what its application reads at start and writes to a few
 * of the image's files. Look-ups go through real layers; page cache is kept by the host's ledger, so that drivers that give each
 * container inodes of its own show as duplicate pages.
 */
import { type DiskName, diskOptions } from "../../host/disks.js";
import {
  type Experiment,
  type ExperimentSetting,
  HOST_PARAMETERS,
  hostOf,
} from "../../host/experiments/experiment.js";
import { memoryValues } from "../../host/experiments/values.js";
import { type Host, pagesOf } from "../../host/host.js";
import type { HostValues } from "../../host/metrics.js";
import { SECOND } from "../../host/time.js";
import type { ParameterSpecs } from "../../util/parameters.js";
import { Random } from "../../util/random.js";
import { IMAGE_NAMES, imageOf, READ_AT_START, type StoredImage } from "../images/catalogue.js";
import { bytesOf, type LayerFile } from "../images/layer.js";
import { copiedBytes, createWork, firstWriteTime, lookupTime } from "../storage/driver-costs.js";
import { DRIVER_NAMES, findDriver, type StorageDriver } from "../storage/drivers.js";
import { UnionMount } from "../storage/union.js";

const PARAMETERS = {
  driver: { kind: "choice", default: "overlay", choices: DRIVER_NAMES, description: "Storage driver." },
  image: {
    kind: "choice",
    default: "median",
    choices: IMAGE_NAMES,
    description: "The image of all containers.",
  },
  containers: {
    kind: "count",
    default: 10,
    minimum: 1,
    maximum: 5000,
    description: "Containers of the image.",
  },
  writes: { kind: "count", default: 20, description: "Files of the image to which each container writes." },
  fileBytes: {
    kind: "bytes",
    default: 0,
    description: "Bytes of each file to which a container writes; 0: as the image has them.",
  },
  writeBytes: { kind: "bytes", default: 4096, minimum: 1, description: "Bytes of each such write." },
  ...HOST_PARAMETERS,
} as const satisfies ParameterSpecs;

export const UNION_FS: Experiment = {
  name: "host/union-fs",
  title: "Union file systems",
  description: "Containers of one image read and write it through a storage driver.",
  source: "claim con-6; Harter et al., FAST 2016; Docker's documentation, Storage drivers",
  parameters: PARAMETERS,
  refusal: ({ technology, parameters, seed }) => {
    if (technology.name !== "container")
      return `storage drivers are for containers, which ${technology.name} is not`;
    const driver = findDriver(parameters["driver"] as string)!;
    const layers = imageOf(parameters["image"] as string, seed).layers.length;
    return layers > driver.mostLayers
      ? `${driver.name} lays at most ${driver.mostLayers} layers over one another`
      : undefined;
  },
  run: unionFileSystem,
};

interface Access {
  readonly reads: readonly LayerFile[];
  readonly writes: readonly LayerFile[];
}

function unionFileSystem(setting: ExperimentSetting): HostValues {
  const { parameters, seed } = setting;
  const host = hostOf(setting);
  const base = host.memory.framesUsed;
  const driver = findDriver(parameters["driver"] as string)!;
  const image = imageOf(parameters["image"] as string, seed);
  const access = accessesOf(image, parameters["writes"] as number, new Random(seed).fork("accesses"));
  const written = parameters["writeBytes"] as number;
  const containers = parameters["containers"] as number;
  for (let index = 0; index < containers; index++) readAll(host, driver, image, access, index);

  const mount = new UnionMount(image.layers);
  const probes = access.reads.map(({ path }) => (driver.isLayered ? mount.lookup(path).probes : 1));
  const fileBytes = parameters["fileBytes"] as number;
  const copies = access.writes.map(({ path, bytes: own }) => {
    const bytes = fileBytes === 0 ? own : fileBytes;
    mount.write(path, bytes + written, "written");
    return copiedBytes(driver, bytes, written);
  });
  writeAll(host, driver, copies, written, containers);

  const { layers } = image;
  const imageBytes = layers.reduce((sum, layer) => sum + bytesOf(layer), 0);
  const files = layers.reduce((sum, layer) => sum + layer.files.length, 0);
  const copied = sumOf(copies);
  const own = driver.metadata.value + copied + access.writes.length * written;
  const each = own + (driver.copies === "everything-at-create" ? imageBytes : 0);
  const memory = memoryValues(host, containers, base);
  const cache = ["private", "shared", "unmapped"].map(
    (kind) => memory[`ledger_files_${kind}_bytes`] as number,
  );
  return {
    ...memory,
    storage_bytes: imageStorage(driver, image) + containers * each,
    storage_per_container: each,
    cache_bytes: sumOf(cache),
    create_time: driver.serialised.value + createWork(driver, layers.length, files, imageBytes),
    lookup_probes: sumOf(probes) / Math.max(1, probes.length),
    lookup_time: sumOf(probes.map((count) => lookupTime(driver, count))) / Math.max(1, probes.length),
    copied_bytes: copied,
    first_write_cold_time:
      sumOf(copies.map((bytes) => firstWriteTime(driver, bytes) + throughDisk(setting, bytes + written))) /
      Math.max(1, copies.length),
    first_write_time:
      sumOf(copies.map((bytes) => firstWriteTime(driver, bytes))) / Math.max(1, copies.length),
  };
}

/** Files in a random order: the first are read, until what is read at start is reached; of the last, some are written. */
function accessesOf(image: StoredImage, writes: number, random: Random): Access {
  const files = image.layers.flatMap((layer) => layer.files);
  for (let i = files.length - 1; i > 0; i--) {
    const j = random.below(i + 1);
    [files[i], files[j]] = [files[j]!, files[i]!];
  }
  const target = READ_AT_START.value * sumOf(files.map(({ bytes }) => bytes));
  let read = 0;
  const end = files.findIndex(({ bytes }) => {
    read += bytes;
    return read >= target;
  });
  return { reads: files.slice(0, end + 1), writes: writes === 0 ? [] : files.slice(-writes) };
}

/** What is read becomes page cache: of the layer, or of this container's copy of it. */
function readAll(
  host: Host,
  driver: StorageDriver,
  image: StoredImage,
  { reads }: Access,
  index: number,
): void {
  const read = new Set(reads.map(({ path }) => path));
  const owner = host.memory.addOwner();
  for (const layer of image.layers) {
    const bytes = sumOf(layer.files.filter(({ path }) => read.has(path)).map((file) => file.bytes));
    if (bytes === 0) continue;
    const path = driver.sharesPageCache
      ? `/layers/${layer.digest}`
      : `/${driver.name}/${index}/${layer.digest}`;
    const file = host.file(path, bytes, layer.digest);
    host.memory.mapFile(owner, file);
    host.memory.touch(file, 0, pagesOf(bytes), false, owner);
  }
}

/** Copies and writes are pages of the container alone. */
function writeAll(
  host: Host,
  driver: StorageDriver,
  copies: readonly number[],
  written: number,
  containers: number,
): void {
  const bytes = sumOf(copies) + copies.length * written;
  if (bytes === 0) return;
  for (let index = 0; index < containers; index++) {
    const file = host.file(`/${driver.name}/${index}/upper`, bytes);
    host.memory.touch(file, 0, pagesOf(bytes), true);
  }
}

/** Read from the disk, and then written to it, with nothing cached; ns. */
function throughDisk({ parameters }: ExperimentSetting, bytes: number): number {
  const { readBandwidth, writeBandwidth, readLatency, writeLatency } = diskOptions(
    parameters["storage"] as DiskName,
  );
  return readLatency + writeLatency + bytes * SECOND * (1 / readBandwidth + 1 / writeBandwidth);
}

/** vfs keeps every layer with all that is below it. */
function imageStorage(driver: StorageDriver, { layers }: StoredImage): number {
  const sizes = layers.map(bytesOf);
  if (driver.copies !== "everything-at-create") return sumOf(sizes);
  return sumOf(sizes.map((size, index) => size * (sizes.length - index)));
}

function sumOf(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0);
}
