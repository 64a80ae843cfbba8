/**
 * Ways to run an instance: as a process, a container, a unikernel, a microVM or a full VM. What each adds to its application:
 * memory of monitors, guests' kernels and services, host kernel objects; processor time at start and while idle.
 *
 * How a start is made up of phases is not here: these are the totals that density and interference need.
 */
import type { Constant } from "../../events/profile.js";

/** What a guest has in memory besides its application. Bytes. */
export interface GuestSystem {
  /** Kernel text and read-only data: equal in all guests that boot one kernel. */
  readonly kernelText: Constant;
  /** Kernel data: slabs, page structures, buffers. */
  readonly kernelData: Constant;
  /** Files of its services in its own page cache: equal in all guests of one image. */
  readonly serviceFiles: Constant;
  /** Private memory of its services. */
  readonly serviceData: Constant;
  /** Used while it started and freed since: the host does not know. */
  readonly freed: Constant;
  /** Of `freed`: pages that hold zeros. Share. */
  readonly zero: Constant;
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
  /** Undefined: it runs on the host's kernel. */
  readonly guest?: GuestSystem;
  /** Processor time to start it besides the application's own, ns. */
  readonly startWork: Constant;
  /** Processor time each second while nothing is asked of it: timer ticks, housekeeping of kernel and services, ns. */
  readonly idleWork: Constant;
  /** What a second of work costs more in a guest, besides exits: second dimension of page walks. Share. */
  readonly translation: Constant;
}
