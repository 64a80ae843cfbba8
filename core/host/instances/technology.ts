/**
 * Ways to run an instance: as a process, a container, a unikernel, a microVM or a full VM. What each adds to its application:
 * memory of monitors, guests' kernels and services, host kernel objects; processor time at start and while idle.
 *
 * How a start is made up of phases is not here: these are the totals that density and interference need.
 */
import type { Constant } from "../../events/profile.js";

/** What a guest has in memory besides its application. Bytes. */
export interface GuestSystem {
  /** Kernel text and read-only data; what of it guests of one kernel have in common: guest-contents.ts. */
  readonly kernelText: Constant;
  /** Kernel data: slabs, page structures, buffers; in common: as above. */
  readonly kernelData: Constant;
  /** Files of its services in its own page cache: equal in all guests of one image. */
  readonly serviceFiles: Constant;
  /** Private memory of its services. */
  readonly serviceData: Constant;
  /** Used while it started and freed since: the host does not know. */
  readonly freed: Constant;
  /** Of `freed`: pages that hold zeros. Share. */
  readonly zero: Constant;
  /** Its kernel has one address wherever it runs. */
  readonly hasFixedAddresses?: boolean;
  /** What it has more than it needs, and its page cache may fill with time; not touched here. */
  readonly spare: Constant;
}

export interface Technology {
  readonly name: string;
  readonly title: string;
  readonly description: string;
  readonly source: string;
  /** Private memory of the process that looks after it (shim, monitor), and of its files, which all share. Bytes. */
  readonly monitor: Constant;
  readonly monitorFiles: Constant;
  /** The host kernel's structures for it: tasks, namespaces, cgroups, network devices, virtual machine. Bytes. */
  readonly kernel: Constant;
  /** It has an image, a root file system and a runtime. */
  readonly isContainer: boolean;
  /** Undefined: it runs on the host's kernel, or on one in a process of its own. */
  readonly guest?: GuestSystem;
  /** A guest that maps files of the host's page cache (virtio-fs with DAX) in place of reading them into its own. */
  readonly mapsHostFiles?: boolean;
  /** What a request's network round trip costs the host's processors more than a process's: bridge and NAT, or a virtual NIC, ns. */
  readonly roundTrip: Constant;
  /** What a system call costs more than a process's, ns. */
  readonly systemCall: Constant;
  /** Processor time to start it besides the application's own, ns. */
  readonly startWork: Constant;
  /** Processor time each second while nothing is asked of it: timer ticks, housekeeping of kernel and services, ns. */
  readonly idleWork: Constant;
  /** What a second of work costs more in a guest, besides exits: second dimension of page walks. Share. */
  readonly translation: Constant;
}
