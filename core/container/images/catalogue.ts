/**
 * Images to run, made from a seed: file sizes and counts are drawn so that totals are published ones. The same name and seed
 * give the same layers; images on the same base share its layers.
 */
import type { Constant } from "../../events/profile.js";
import { assumed, NONE, published } from "../../events/profiles/constants.js";
import { Random } from "../../util/random.js";
import { MIB } from "../../util/units.js";
import { type BenchedImage, HELLO_BENCH } from "./hello-bench.js";
import { type Image, ImageStore } from "./image-store.js";
import { type Layer, type LayerFile, layerOf } from "./layer.js";

interface ImageDescription {
  readonly name: string;
  readonly title: string;
  /** Unpacked, bytes. */
  readonly size: Constant;
  readonly layers: number;
  readonly files: Constant;
  /** The image whose layers are its lowest. */
  readonly base?: string;
  /** What its program does before it is ready, besides what the application does, ns of one processor. */
  readonly startWork?: Constant;
}

/** Bytes of an archive for each byte of files. */
export const COMPRESSION = published(
  117 / 329,
  "Harter et al., FAST 2016 (Slacker): the median image of HelloBench has 117 MB compressed, 329 MB unpacked",
  [0.3, 0.5],
);

/** Of an image's bytes, those that are read before a container answers. */
export const READ_AT_START = published(
  0.064,
  "Harter et al., FAST 2016 (Slacker): 6.4% of the image's data are read at start",
  [0.01, 0.2],
);

const MEDIAN_SIZE = published(329e6, "Harter et al., FAST 2016 (Slacker): median, unpacked", [100e6, 900e6]);
const MEDIAN_FILES = assumed(9_000, "30 KiB for a file, as a distribution with an interpreter has");
const MEDIAN_LAYERS = 8;

const GENERAL: readonly ImageDescription[] = [
  {
    name: "minimal",
    title: "A static program with a few tools",
    size: assumed(5 * MIB, "busybox or Alpine", [1 * MIB, 10 * MIB]),
    layers: 1,
    files: assumed(90, "Alpine has about 80 files that are not links"),
  },
  {
    name: "base",
    title: "A distribution without anything else",
    size: assumed(80 * MIB, "Debian's slim image", [70 * MIB, 130 * MIB]),
    layers: 1,
    files: assumed(3_000, "files of Debian's essential packages"),
  },
  {
    name: "median",
    title: "The median image of HelloBench",
    size: MEDIAN_SIZE,
    layers: MEDIAN_LAYERS,
    files: MEDIAN_FILES,
    base: "base",
  },
  {
    name: "runtime",
    title: "A language with its virtual machine and a framework",
    size: assumed(640e6, "twice the median", [400e6, 1_500e6]),
    layers: 12,
    files: assumed(18_000, "as the median for its size"),
    base: "base",
  },
];

/** An image of HelloBench: layers as the median has, files as large as its. */
function benched({ name, size, work }: BenchedImage): ImageDescription {
  const files = Math.max(MEDIAN_LAYERS, Math.round((size.value * MEDIAN_FILES.value) / MEDIAN_SIZE.value));
  return {
    name,
    title: `Docker Hub's ${name} in 2015`,
    size,
    layers: MEDIAN_LAYERS,
    files: assumed(files, "as the median for its size"),
    startWork: work,
  };
}

const DESCRIPTIONS: readonly ImageDescription[] = [...GENERAL, ...HELLO_BENCH.map(benched)];

export const IMAGE_NAMES: readonly string[] = DESCRIPTIONS.map(({ name }) => name);

export interface StoredImage extends Image {
  /** Lowest first. */
  readonly layers: readonly Layer[];
  /** What its program does before it is ready, besides what the application does, ns of one processor. */
  readonly startWork: number;
}

/** An image with its layers, in a store that has nothing else. @throws Error for an unknown name */
export function imageOf(name: string, seed: number): StoredImage {
  const store = new ImageStore();
  const layers = layersOf(name, new Random(seed).fork("images"));
  for (const layer of layers) store.add(layer);
  const image = { name, top: layers.at(-1)!.digest };
  const { startWork = NONE } = descriptionOf(name);
  return { ...image, layers: store.chain(image), startWork: startWork.value };
}

function descriptionOf(name: string): ImageDescription {
  return DESCRIPTIONS.find((each) => each.name === name)!;
}

function layersOf(name: string, random: Random): Layer[] {
  const description = descriptionOf(name);
  const layers = description.base === undefined ? [] : layersOf(description.base, random);
  const own = description.layers - layers.length;
  const below = DESCRIPTIONS.find((each) => each.name === description.base);
  const bytes = description.size.value - (below?.size.value ?? 0);
  const count = Math.round((description.files.value - (below?.files.value ?? 0)) / own);
  for (let i = 0; i < own; i++) {
    const files = filesOf(`${name}/${i}`, count, bytes / own, random.fork(`${name} ${i}`));
    layers.push(layerOf(layers.at(-1), files, COMPRESSION.value));
  }
  return layers;
}

/**
 * Files whose sizes spread over five orders of magnitude, as those of file systems do (log-normal; Douceur & Bolosky, SIGMETRICS
 * 1999), scaled so that they add up.
 */
function filesOf(place: string, count: number, bytes: number, random: Random): LayerFile[] {
  const SPREAD = 2.2;
  const sizes = Array.from({ length: count }, () => Math.exp(SPREAD * normal(random)));
  const scale = bytes / sizes.reduce((sum, size) => sum + size, 0);
  return sizes.map((size, index) => {
    const path = `/${place}/${index}`;
    return { path, bytes: Math.max(1, Math.round(size * scale)), content: path };
  });
}

/** Nearly normal: the sum of twelve uniform numbers less six. */
function normal(random: Random): number {
  let sum = -6;
  for (let i = 0; i < 12; i++) sum += random.unit();
  return sum;
}
