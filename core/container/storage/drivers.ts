/**
 * Storage drivers of container engines: how each makes a container's file system out of an image's layers, and what that means
 * for disk, page cache, look-up and first writes. What a driver does is said by a few properties; driver-costs.ts turns them
 * into times.
 */
import type { Constant } from "../../events/profile.js";
import { assumed, fitted, NONE, published } from "../../events/profiles/constants.js";
import { MS } from "../../host/time.js";
import { KIB } from "../../util/units.js";

export const DRIVER_NAMES = ["overlay", "aufs", "btrfs", "devicemapper", "vfs", "slacker"] as const;
export type DriverName = (typeof DRIVER_NAMES)[number];

export interface StorageDriver {
  readonly name: DriverName;
  readonly title: string;
  readonly description: string;
  readonly source: string;
  /** What the first write to a lower file copies: all of it, the blocks written, or nothing since all was copied before. */
  readonly copies: "file" | "block" | "everything-at-create";
  /** Of "block", bytes. */
  readonly block: Constant;
  /** Each layer is asked by itself when a name is looked up; else one directory tree answers. */
  readonly isLayered: boolean;
  /** Two containers of an image read the same inode, hence the same page-cache pages. */
  readonly sharesPageCache: boolean;
  /** Layers that it can lay over one another. */
  readonly mostLayers: number;
  /** Time of making a container's file system that only one may spend at a time, ns. */
  readonly serialised: Constant;
  /** The same when others wait for it; where it differs. */
  readonly contended?: Constant;
  /** What it writes for a new container besides copies, bytes. */
  readonly metadata: Constant;
  /** The write is waited for: a transaction or a journal is committed. Else it stays in the page cache and is written back later. */
  readonly commits: boolean;
  /** It pulls no layers: a container's disk is a clone on the storage that the registry uses too, read as it is used; ns. */
  readonly lazyPull?: Constant;
}

export const STORAGE_DRIVERS: readonly StorageDriver[] = [
  {
    name: "overlay",
    title: "overlay",
    description: "overlayfs in the kernel: whole files are copied up.",
    source: "Linux, Documentation/filesystems/overlayfs.rst",
    copies: "file",
    block: NONE,
    isLayered: true,
    sharesPageCache: true,
    mostLayers: 500,
    serialised: NONE,
    metadata: assumed(16 * KIB, "directories of the writable layer, and a link for it", [8 * KIB, 64 * KIB]),
    commits: false,
  },
  {
    name: "aufs",
    title: "AUFS",
    description: "The union file system of the first Docker: whole files are copied up.",
    source: "Okajima, AUFS manual; Docker storage drivers",
    copies: "file",
    block: NONE,
    isLayered: true,
    sharesPageCache: true,
    mostLayers: 127,
    serialised: NONE,
    metadata: assumed(24 * KIB, "as overlay, and its own directories", [8 * KIB, 64 * KIB]),
    commits: false,
  },
  {
    name: "btrfs",
    title: "btrfs",
    description: "A layer is a subvolume, a container a snapshot: blocks are copied when written.",
    source: "Rodeh, Bacik & Mason, ACM TOS 2013; Docker storage drivers",
    copies: "block",
    block: published(4 * KIB, "btrfs's sector size; metadata nodes are 16 KiB"),
    isLayered: false,
    sharesPageCache: false,
    mostLayers: Number.POSITIVE_INFINITY,
    serialised: assumed(2 * MS, "a snapshot waits for a transaction's commit", [0.5 * MS, 30 * MS]),
    metadata: assumed(64 * KIB, "roots and nodes of a subvolume's tree", [16 * KIB, 256 * KIB]),
    commits: true,
  },
  {
    name: "devicemapper",
    title: "devicemapper",
    description: "A layer is a thin volume with a file system in it, a container a snapshot of one.",
    source: "Linux, Documentation/admin-guide/device-mapper/thin-provisioning.rst; Docker storage drivers",
    copies: "block",
    block: published(64 * KIB, "Docker's dm.blocksize", [64 * KIB, 512 * KIB]),
    isLayered: false,
    sharesPageCache: false,
    mostLayers: Number.POSITIVE_INFINITY,
    serialised: published(30 * MS, "Li et al., ATC 2022 (RunD): one root file system"),
    contended: fitted(50 * MS, "fitted to rund22-dm-200: 200 root file systems at once take 10 s", [
      30 * MS,
      60 * MS,
    ]),
    metadata: assumed(1024 * KIB, "journal and superblocks of a mounted ext4 in blocks of 64 KiB", [
      256 * KIB,
      4096 * KIB,
    ]),
    commits: true,
  },
  {
    name: "vfs",
    title: "vfs",
    description: "No union at all: a container is a full copy of its image.",
    source: "Docker storage drivers",
    copies: "everything-at-create",
    block: NONE,
    isLayered: false,
    sharesPageCache: false,
    mostLayers: Number.POSITIVE_INFINITY,
    serialised: NONE,
    metadata: assumed(16 * KIB, "directories"),
    commits: false,
  },
  {
    name: "slacker",
    title: "Slacker",
    description:
      "A layer is a snapshot on a filer, a container a clone of one: nothing is pulled but what is read.",
    source: "Harter et al., FAST 2016 (Slacker)",
    copies: "block",
    block: published(4 * KIB, "ext4's block, in a file on the filer"),
    isLayered: false,
    sharesPageCache: true,
    mostLayers: Number.POSITIVE_INFINITY,
    serialised: NONE,
    metadata: assumed(1024 * KIB, "as devicemapper's: journal and superblocks of a mounted ext4", [
      256 * KIB,
      4096 * KIB,
    ]),
    commits: true,
    lazyPull: fitted(
      280 * MS,
      "fitted to slacker16-slk-pull: 72 times as fast as pulls that take 20 s in the mean: a clone is made and mounted",
      [100 * MS, 500 * MS],
    ),
  },
];

export function findDriver(name: string): StorageDriver | undefined {
  return STORAGE_DRIVERS.find((driver) => driver.name === name);
}
