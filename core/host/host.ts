/**
 * A host: one clock, processors, memory, a disk, and a kernel that has its own part of them. Instances (instances/) live on it;
 * experiments (experiments/) put both together.
 */
import type { Constant, CpuProfile } from "../events/profile.js";
import { assumed, published } from "../events/profiles/constants.js";
import { MIB } from "../util/units.js";
import { QueuedDevice } from "./block-device.js";
import {
  type AreaId,
  type LinkId,
  type OwnerId,
  PAGE_BYTES,
  ROOT_GROUP,
  type ThreadId,
} from "./contracts.js";
import { type DiskName, diskOptions } from "./disks.js";
import { type Action, EventQueue } from "./event-queue.js";
import { HOST_CONSTANTS, type HostCosts, hostCosts } from "./machine-costs.js";
import { ContentIds } from "./memory/content-ids.js";
import { HostMemory } from "./memory/ledger.js";
import { SharingScanner } from "./memory/sharing.js";
import { FluidNetwork } from "./network.js";
import { creditPolicy } from "./scheduler/credit.js";
import { fairPolicy } from "./scheduler/fair.js";
import { HostScheduler } from "./scheduler/scheduler.js";

export const SCHEDULERS = { fair: fairPolicy, credit: creditPolicy } as const;
export type SchedulerName = keyof typeof SCHEDULERS;

export interface HostOptions {
  readonly profile: CpuProfile;
  /** Bytes. */
  readonly memory: number;
  readonly swap: number;
  readonly processors: number;
  readonly threadsPerCore: 1 | 2;
  readonly scheduler: SchedulerName;
  readonly disk: DiskName;
  /** Of its network interface, bytes a second. */
  readonly linkBandwidth: number;
  /** Content sharing of guests' memory; undefined: off. */
  readonly sharing?: SharingOptions | undefined;
}

/** As /sys/kernel/mm/ksm has them. */
export interface SharingOptions {
  readonly pagesToScan: number;
  /** ns. */
  readonly sleep: number;
}

/** What the host's own software takes. */
export const HOST_SOFTWARE = {
  kernel: assumed(200 * MIB, "kernel and drivers of a server", [100 * MIB, 500 * MIB]),
  services: assumed(300 * MIB, "init, logging, monitoring, a container or VM daemon", [
    100 * MIB,
    1_000 * MIB,
  ]),
  pageStructure: published(64, "bytes of struct page for each frame (include/linux/mm_types.h)"),
  scanPage: assumed(1_500, "ns of ksmd for a page: a checksum of 4 KiB and a search in a tree", [500, 6_000]),
} as const satisfies Readonly<Record<string, Constant>>;

export class Host {
  readonly clock = new EventQueue();
  readonly memory: HostMemory;
  readonly scheduler: HostScheduler;
  readonly disk: QueuedDevice;
  readonly network: FluidNetwork;
  /** The host's interface: what instances send passes it. */
  readonly link: LinkId;
  readonly costs: HostCosts;
  readonly contents = new ContentIds();
  readonly scanner: SharingScanner;
  /** Whose the page cache is, and what the kernel and services of the host have. */
  readonly cache: OwnerId;
  readonly system: OwnerId;
  private readonly files = new Map<string, AreaId>();
  private swapWritten = 0;

  constructor(readonly options: HostOptions) {
    const { profile, memory, swap, processors, threadsPerCore, scheduler, disk, linkBandwidth, sharing } =
      options;
    this.costs = hostCosts(profile);
    this.memory = new HostMemory(this.clock, { frames: pagesOf(memory), swapPages: pagesOf(swap) });
    const policy = SCHEDULERS[scheduler];
    this.scheduler = new HostScheduler(this.clock, { processors, threadsPerCore, policy, costs: this.costs });
    this.disk = new QueuedDevice(this.clock, diskOptions(disk));
    this.network = new FluidNetwork(this.clock);
    this.link = this.network.addLink(linkBandwidth, HOST_CONSTANTS.linkLatency.value);
    this.scanner = new SharingScanner(this.memory);
    this.cache = this.memory.addOwner();
    this.system = this.memory.addOwner();
    this.occupy();
    if (sharing !== undefined) this.startScanning(sharing);
  }

  /** The area of a file in the page cache, by its path; the same file is one area, whoever maps it. @param bytes of its used pages */
  file(path: string, bytes: number, content = path): AreaId {
    let area = this.files.get(path);
    if (area === undefined) {
      const pages = pagesOf(bytes);
      const first = this.contents.of(content, pages);
      area = this.memory.addArea({ owner: this.cache, kind: "file", pages, content: first });
      this.files.set(path, area);
    }
    return area;
  }

  /** Reads pages for somebody; swap that had to be written to make room goes to the disk as well, and nobody waits for it. */
  read(owner: OwnerId, pages: number, done: Action, argument: number): void {
    this.disk.submit(owner, pages * PAGE_BYTES, false, done, argument);
  }

  /** Sends to the disk what reclaim has written since the last call. */
  flushSwap(): void {
    const { swapWrites, fileWrites } = this.memory.traffic;
    const pages = swapWrites + fileWrites - this.swapWritten;
    if (pages === 0) return;
    this.swapWritten += pages;
    this.disk.submit(this.system, pages * PAGE_BYTES, true, nothing, 0);
  }

  private occupy(): void {
    const { kernel, services, pageStructure } = HOST_SOFTWARE;
    const { memory, system } = this;
    const own = (kind: "kernel" | "services", bytes: number): void => {
      const area = memory.addArea({ owner: system, kind, pages: pagesOf(bytes) });
      memory.touch(area, 0, pagesOf(bytes), true);
    };
    own("kernel", kernel.value + memory.framesTotal * pageStructure.value);
    own("services", services.value);
  }

  /** ksmd: so many pages, then a sleep. Its work is a thread's, beside all others. */
  private startScanning({ pagesToScan, sleep }: SharingOptions): void {
    const thread: ThreadId = this.scheduler.addThread({ group: ROOT_GROUP });
    const again = (): void => {
      const before = this.scanner.work.scanned;
      this.scanner.scan(pagesToScan);
      const looked = this.scanner.work.scanned - before;
      const work = Math.max(1, looked * HOST_SOFTWARE.scanPage.value);
      this.scheduler.run(thread, work, () => this.clock.after(sleep, again), 0);
    };
    this.clock.after(sleep, again);
  }
}

/** Whole pages for so many bytes. */
export function pagesOf(bytes: number): number {
  return Math.ceil(bytes / PAGE_BYTES);
}

function nothing(): void {}
