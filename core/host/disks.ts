/** Kinds of disk, as the queue sees them. Orders of magnitude by class, not by model. */

import type { Constant } from "../events/profile.js";
import { assumed, published } from "../events/profiles/constants.js";
import type { BlockDeviceOptions } from "./block-device.js";
import { US } from "./time.js";

interface DiskClass {
  readonly readLatency: Constant;
  readonly writeLatency: Constant;
  readonly readBandwidth: Constant;
  readonly writeBandwidth: Constant;
  readonly channels: Constant;
}

const MEGABYTE = 1e6;

export const DISKS = {
  /** Flash behind NVMe. */
  nvme: {
    readLatency: assumed(90 * US, "a 4 KiB read of NAND flash", [60 * US, 150 * US]),
    writeLatency: assumed(25 * US, "into the drive's buffer", [10 * US, 60 * US]),
    readBandwidth: assumed(3_000 * MEGABYTE, "four lanes of PCIe 3.0", [1_500 * MEGABYTE, 7_000 * MEGABYTE]),
    writeBandwidth: assumed(1_200 * MEGABYTE, "sustained", [500 * MEGABYTE, 3_000 * MEGABYTE]),
    channels: assumed(32, "flash dies that work at once", [8, 128]),
  },
  /** Flash behind SATA. */
  ssd: {
    readLatency: assumed(120 * US, "a 4 KiB read, with AHCI", [80 * US, 250 * US]),
    writeLatency: assumed(60 * US, "into the drive's buffer", [30 * US, 150 * US]),
    readBandwidth: published(530 * MEGABYTE, "SATA 6 Gb/s less its coding and framing"),
    writeBandwidth: assumed(450 * MEGABYTE, "sustained", [200 * MEGABYTE, 520 * MEGABYTE]),
    channels: assumed(16, "of the 32 requests that NCQ admits", [4, 32]),
  },
  /** A rotating disk. */
  disk: {
    readLatency: assumed(8_000 * US, "a seek and half a turn at 7,200 a minute", [4_000 * US, 15_000 * US]),
    writeLatency: assumed(8_000 * US, "as a read", [1_000 * US, 15_000 * US]),
    readBandwidth: assumed(150 * MEGABYTE, "in the middle of the platter", [80 * MEGABYTE, 250 * MEGABYTE]),
    writeBandwidth: assumed(150 * MEGABYTE, "as reads", [80 * MEGABYTE, 250 * MEGABYTE]),
    channels: published(1, "one arm"),
  },
  /** A filer with flash, by NFS over one link of 1 Gb/s: as the virtual disks of many small clouds. */
  filer: {
    readLatency: assumed(500 * US, "a round trip through hypervisor and network, and flash", [
      200 * US,
      1_500 * US,
    ]),
    writeLatency: assumed(500 * US, "as a read, into its memory", [200 * US, 1_500 * US]),
    readBandwidth: published(117 * MEGABYTE, "1 Gb/s less Ethernet's, IP's and TCP's framing"),
    writeBandwidth: published(117 * MEGABYTE, "as reads"),
    channels: assumed(16, "slots of an NFS session", [8, 64]),
  },
} as const satisfies Readonly<Record<string, DiskClass>>;

export type DiskName = keyof typeof DISKS;
export const DISK_NAMES = Object.keys(DISKS) as readonly DiskName[];

export function diskOptions(name: DiskName): BlockDeviceOptions {
  const { readLatency, writeLatency, readBandwidth, writeBandwidth, channels } = DISKS[name];
  return {
    readLatency: readLatency.value,
    writeLatency: writeLatency.value,
    readBandwidth: readBandwidth.value,
    writeBandwidth: writeBandwidth.value,
    channels: channels.value,
  };
}
