/**
 * Published figures of starts, images and sharing, and how the model gives the same: with the publication's configuration as far as
 * it is known. A figure is `fitted` when a constant of the model is taken from it or was chosen so that it comes out; all others
 * are predictions, and their deviation is what it is.
 */
import { diskOptions } from "../../host/disks.js";
import type { ExperimentSetting } from "../../host/experiments/experiment.js";
import { MS, SECOND } from "../../host/time.js";
import { defaultOf, type ParameterValue } from "../../util/parameters.js";
import { MIB } from "../../util/units.js";
import { MACHINE as GUEST, MEASURED as GUEST_PAGES } from "../measured/guest-pages.js";
import { copiedBytes, firstWriteTime } from "../storage/driver-costs.js";
import { findDriver } from "../storage/drivers.js";
import { START_TIME, startTimes } from "./start-time.js";

export interface PublishedFigure {
  /** Its id in the lab's collection of published figures. */
  readonly id: string;
  readonly technology: string;
  readonly unit: string;
  readonly value: number;
  readonly source: string;
  readonly isFitted: boolean;
  readonly model: (setting: ExperimentSetting) => number;
}

type Changes = Readonly<Record<string, ParameterValue>>;

const DEFAULTS = Object.fromEntries(
  Object.entries(START_TIME.parameters).map(([name, spec]) => [name, defaultOf(spec, "small")]),
);

/** A column of host/start-time, or the sum of several, in units of `unit`. */
const start =
  (columns: string | readonly string[], unit: number, changes: Changes) =>
  (setting: ExperimentSetting): number => {
    const values = startTimes({ ...setting, parameters: { ...DEFAULTS, imageAt: "memory", ...changes } });
    return [columns].flat().reduce((sum, column) => sum + (values[column] as number), 0) / unit;
  };

const BOOT = ["start_monitor", "start_firmware", "start_kernel"];
const NSDI = { processors: 96, network: "host" };
const SLACKER = {
  imageAt: "registry",
  processors: 4,
  threadsPerCore: 1,
  driver: "aufs",
  storage: "disk",
  registryBandwidth: 125e6,
  registryLatency: 0.1,
  /** Fitted to slacker16-pull-med: what unpacking left of 16 s for 329 MB. */
  unpackRate: 21.2e6,
};

const container = (
  id: string,
  unit: string,
  value: number,
  source: string,
  isFitted: boolean,
  model: PublishedFigure["model"],
): PublishedFigure => ({ id, technology: "container", unit, value, source, isFitted, model });

const guest = (
  technology: string,
  id: string,
  unit: string,
  value: number,
  source: string,
  isFitted: boolean,
  model: PublishedFigure["model"],
): PublishedFigure => ({ id, technology, unit, value, source, isFitted, model });

const LIGHTVM = "Manco et al., SOSP 2017 (LightVM)";
const FIRECRACKER = "Agache et al., NSDI 2020 (Firecracker), raw data";
const SEUSS = "Cadden et al., EuroSys 2020 (SEUSS), table 3, as quoted";
const MOHAN = "Mohan et al., HotCloud 2019, as quoted";
const SLACKER_PAPER = "Harter et al., FAST 2016 (Slacker)";
const RUND = "Li et al., ATC 2022 (RunD), as quoted";
const ESX = `Waldspurger, OSDI 2002 (ESX Server), figure 4, as cited; beside two measured guests of ${GUEST}`;

export const PUBLISHED_FIGURES: readonly PublishedFigure[] = [
  guest("unikernel", "lightvm17-boot", "ms", 2.3, LIGHTVM, true, start(BOOT, MS, { image: "minimal" })),
  guest(
    "unikernel",
    "lightvm17-restore",
    "ms",
    20,
    LIGHTVM,
    true,
    start("start_monitor", MS, { from: "snapshot" }),
  ),
  container("lightvm17-docker", "ms", 200, LIGHTVM, true, start("start_time", MS, { network: "host" })),
  container(
    "lightvm17-docker-1000",
    "GB for 1,000",
    5,
    LIGHTVM,
    false,
    start("bytes_per_instance", 1e6, { starts: 1000, network: "host", image: "minimal" }),
  ),
  guest(
    "unikernel",
    "lightvm17-minipy-1000",
    "GB for 1,000",
    8,
    LIGHTVM,
    false,
    start("bytes_per_instance", 1e6, { starts: 1000, image: "minimal" }),
  ),
  guest("vm", "lightvm17-debian-1000", "GB for 1,000", 114, LIGHTVM, true, debianOnXen),
  guest(
    "microvm",
    "fc20-boot-serial-fc-pre-p50",
    "ms",
    110,
    FIRECRACKER,
    true,
    start("start_kernel", MS, NSDI),
  ),
  guest("microvm", "fc20-boot-serial-fc-p50", "ms", 160.851, FIRECRACKER, true, start(BOOT, MS, NSDI)),
  guest(
    "microvm",
    "fc20-boot-parallel-50-fc-pre-p50",
    "ms",
    113,
    FIRECRACKER,
    false,
    start("start_kernel", MS, { ...NSDI, starts: 50 }),
  ),
  guest(
    "microvm",
    "fc20-boot-parallel-50-fc-p50",
    "ms",
    205.926,
    FIRECRACKER,
    false,
    start(BOOT, MS, { ...NSDI, starts: 50 }),
  ),
  guest(
    "microvm",
    "fc20-boot-parallel-100-fc-p50",
    "ms",
    217.217,
    FIRECRACKER,
    false,
    start(BOOT, MS, { ...NSDI, starts: 100 }),
  ),
  container("cadden20-docker-idle", "ms", 541, SEUSS, false, start("start_time", MS, {})),
  container("cadden20-docker-rate", "per second", 5.3, SEUSS, true, start("start_rate", 1, { starts: 100 })),
  container("cadden20-docker-par16", "s", 8.5, SEUSS, false, start("start_time", SECOND, { starts: 16 })),
  container(
    "espe20-create-run",
    "s",
    0.68,
    "Espe et al., 2020, table 1, as quoted: create and run",
    false,
    start("start_time", SECOND, {}),
  ),
  container("mohan19-netns-1", "s", 0.28, MOHAN, true, start("start_network", SECOND, {})),
  container(
    "mohan19-netns-100",
    "s",
    14.41,
    MOHAN,
    true,
    start("start_p99", SECOND, { starts: 100, daemon: false }),
  ),
  container("mohan19-net-share", "share", 0.9, MOHAN, false, (setting) => {
    const of = (column: string): number => start(column, 1, {})(setting);
    return of("start_network") / of("start_time");
  }),
  container("sock18-lean", "times as fast", 18, "Oakes et al., ATC 2018 (SOCK)", true, (setting) => {
    const docker = start("start_time", 1, {})(setting);
    return docker / start("start_time", 1, { daemon: false, network: "host", runtime: "lean" })(setting);
  }),
  container("rund22-dm-1", "ms", 30, RUND, true, start("start_rootfs", MS, { driver: "devicemapper" })),
  container(
    "rund22-dm-200",
    "s",
    10,
    RUND,
    true,
    start("start_p99", SECOND, { driver: "devicemapper", starts: 200, daemon: false, network: "host" }),
  ),
  container(
    "slacker16-pull-med",
    "s",
    16,
    SLACKER_PAPER,
    true,
    start(["start_pull", "start_unpack"], SECOND, SLACKER),
  ),
  container(
    "slacker16-run-med",
    "s",
    0.97,
    SLACKER_PAPER,
    false,
    start("start_time", SECOND, { ...SLACKER, imageAt: "disk" }),
  ),
  container(
    "slacker16-img-read",
    "MB",
    20,
    SLACKER_PAPER,
    true,
    start("disk_read_bytes", 1e6, { ...SLACKER, imageAt: "disk" }),
  ),
  container(
    "slacker16-copyup",
    "s",
    20,
    `${SLACKER_PAPER}: a byte written to a file of about 1 GB`,
    false,
    copyUpFromDisk,
  ),
  guest("vm", "esx02-share-best", "share", 0.67, ESX, false, () => {
    // Two guests booted from one kernel and measured (scripts/measure/guest-pages.mjs): zero pages, and equal ones of the rest.
    const zero = GUEST_PAGES.zero.p50;
    return zero + (1 - zero) * GUEST_PAGES["equal-across"].p50;
  }),
];

/** A guest without a monitor process: the publication's are Xen's. */
function debianOnXen(setting: ExperimentSetting): number {
  const whole = start("bytes_per_instance", 1e6, { starts: 100, image: "minimal" })(setting);
  return whole - setting.technology.monitor.value / 1e6;
}

/** Read from and written to a rotating disk, one after the other, and copied. */
function copyUpFromDisk(): number {
  const aufs = findDriver("aufs")!;
  const bytes = copiedBytes(aufs, 1024 * MIB, 1);
  const { readBandwidth, writeBandwidth } = diskOptions("disk");
  return (
    (firstWriteTime(aufs, bytes) + (bytes * SECOND) / readBandwidth + (bytes * SECOND) / writeBandwidth) /
    SECOND
  );
}

export function findFigure(id: string): PublishedFigure | undefined {
  return PUBLISHED_FIGURES.find((figure) => figure.id === id);
}
