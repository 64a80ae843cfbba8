/** What the steps of a start take. Times in ns, sizes in bytes. */
import type { Constant } from "../../events/profile.js";
import { assumed, fitted, NONE, published } from "../../events/profiles/constants.js";
import { FORK_EXEC, GUEST_INIT_FILES } from "../../host/instances/prices.js";
import { MS } from "../../host/time.js";
import { KIB, MIB } from "../../util/units.js";

export const START_COSTS = {
  client: fitted(
    40 * MS,
    "fitted to lightvm17-docker: 200 ms less the daemon's 45, the shim's 60, runc's 33 and the program's 4; the rest rounded down",
    [20 * MS, 80 * MS],
  ),
  daemon: fitted(
    45 * MS,
    "fitted to cadden20-docker-rate: 5.3 containers a second are 189 ms that only one can spend, less the network's 97 and what those before it add, 48 for 50",
    [20 * MS, 90 * MS],
  ),
  networkLocked: published(
    96.6 * MS,
    "Mohan et al., HotCloud 2019: 100 network namespaces at once take 14.41 s (Docker, Linux 4.4), of which 4.75 s are what each takes longer for those that came before it",
    [1 * MS, 200 * MS],
  ),
  networkRest: published(
    183.4 * MS,
    "Mohan et al., HotCloud 2019: one network namespace takes 280 ms; less what is locked",
    [1 * MS, 280 * MS],
  ),
  networkPresent: fitted(
    0.96 * MS,
    "fitted to cadden20-docker-1000: 1.5 s where 1,000 containers are, 541 ms where none is; creating a namespace visits all others, and a bridge sends each broadcast to all its ports",
    [0.2 * MS, 2 * MS],
  ),
  hostNetwork: assumed(1 * MS, "files with names and resolvers", [0.2 * MS, 5 * MS]),
  shim: fitted(60 * MS, "fitted to lightvm17-docker, as the client", [20 * MS, 100 * MS]),
  forkExec: FORK_EXEC,
  tap: assumed(3 * MS, "creating a tap device and putting it on a bridge", [1 * MS, 30 * MS]),
} as const satisfies Readonly<Record<string, Constant>>;

/** Bytes that one request reads ahead of a program that is paged in: VM_READAHEAD_PAGES of include/linux/mm.h. */
export const READAHEAD = 128 * KIB;

/** Fetching images. */
export const PULL_COSTS = {
  roundTrips: assumed(4, "name, token, index, manifest: a request each", [2, 8]),
  parallel: published(3, "Docker: max-concurrent-downloads"),
  cores: published(1, "gzip unpacks on one processor, layers one after another"),
} as const satisfies Readonly<Record<string, Constant>>;

/** What a virtual machine's start takes, by kind. */
export interface MachineStart {
  readonly monitor: Constant;
  readonly firmware: Constant;
  readonly kernel: Constant;
  /** Of the kernel's time what it waits for timers and devices, which neither a faster nor a busier processor changes. */
  readonly kernelWaits: Constant;
  /** Its kernel's own configuration of a network card, where it has one. */
  readonly kernelNetwork: Constant;
  readonly services: Constant;
  /** Read from its disk before the application: kernel, initial file system, services. */
  readonly kernelFiles: Constant;
  readonly serviceFiles: Constant;
  /** Restoring a snapshot in place of all that, and the memory that is read from it at once. */
  readonly restore: Constant;
  readonly workingSet: Constant;
}

export const MACHINE_STARTS: Readonly<Record<string, MachineStart>> = {
  unikernel: {
    monitor: fitted(1 * MS, "fitted to lightvm17-boot: 2.3 ms for creating and booting", [0.5 * MS, 2 * MS]),
    firmware: NONE,
    kernel: fitted(1.3 * MS, "fitted to lightvm17-boot: 2.3 ms for creating and booting", [0.3 * MS, 2 * MS]),
    kernelWaits: NONE,
    kernelNetwork: NONE,
    services: NONE,
    kernelFiles: published(0.48e6, "Manco et al., SOSP 2017: image of the daytime unikernel"),
    serviceFiles: NONE,
    restore: published(20 * MS, "Manco et al., SOSP 2017 (LightVM): restoring a guest"),
    workingSet: published(3.6e6, "Manco et al., SOSP 2017: memory of the daytime unikernel"),
  },
  microvm: {
    monitor: published(
      50.9 * MS,
      "Agache et al., NSDI 2020, raw data: 160.9 ms from the process's start, less 110 ms from InstanceStart",
      [8 * MS, 60 * MS],
    ),
    firmware: NONE,
    kernel: published(
      110 * MS,
      "Agache et al., NSDI 2020, raw data: from InstanceStart to init, Xeon Platinum 8175M",
      [96 * MS, 128 * MS],
    ),
    kernelWaits: assumed(
      46 * MS,
      "of the raw data's boots a Xeon W3520 (2.93 GHz, Nehalem) takes 128 ms and an E3-1226 v3 (3.7 GHz, Haswell, some 1.3 times the instructions a cycle) 96: a time that is the same on both, and work at their speeds",
      [20 * MS, 75 * MS],
    ),
    kernelNetwork: published(
      23 * MS,
      "Agache et al., NSDI 2020, raw data: 133 ms from InstanceStart with a network card, less 110; 10 ms of it are CONF_POST_OPEN of net/ipv4/ipconfig.c",
      [10 * MS, 50 * MS],
    ),
    services: assumed(15 * MS, "an init and an agent", [2 * MS, 100 * MS]),
    kernelFiles: assumed(20 * MIB, "an uncompressed small kernel", [10 * MIB, 40 * MIB]),
    serviceFiles: GUEST_INIT_FILES,
    restore: assumed(
      8 * MS,
      "the monitor's start (Firecracker's specification: 8 ms) and loading its state",
      [4 * MS, 30 * MS],
    ),
    workingSet: assumed(14 * MIB, "pages that a small function touches", [5 * MIB, 100 * MIB]),
  },
  rund: {
    monitor: assumed(8 * MS, "as Firecracker's: one small monitor, in one process with the runtime", [
      4 * MS,
      30 * MS,
    ]),
    firmware: NONE,
    kernel: assumed(10 * MS, "a guest that goes on from a template has booted already: its state is loaded", [
      4 * MS,
      30 * MS,
    ]),
    kernelWaits: NONE,
    kernelNetwork: NONE,
    services: assumed(20 * MS, "the agent makes the container", [5 * MS, 60 * MS]),
    kernelFiles: assumed(14 * MIB, "pages of the template that a small function touches", [
      5 * MIB,
      100 * MIB,
    ]),
    serviceFiles: NONE,
    restore: assumed(8 * MS, "as a microVM's", [4 * MS, 30 * MS]),
    workingSet: assumed(14 * MIB, "as a microVM's", [5 * MIB, 100 * MIB]),
  },
  vm: {
    monitor: published(
      104 * MS,
      "Agache et al., NSDI 2020, raw data: QEMU with qboot takes 214 ms to the same kernel's init, less 110 ms of the kernel",
      [80 * MS, 150 * MS],
    ),
    firmware: published(
      529.6 * MS,
      "SeaBIOS over qboot: 29.6 ms (NSDI 2020, raw data); and a boot loader without its countdown, assumed 0.5 s",
      [30 * MS, 2_000 * MS],
    ),
    kernel: assumed(900 * MS, "a distribution's kernel with its initial file system and module loading", [
      300 * MS,
      3_000 * MS,
    ]),
    kernelWaits: NONE,
    kernelNetwork: NONE,
    services: assumed(2_400 * MS, "systemd to its default target, small installation", [
      800 * MS,
      15_000 * MS,
    ]),
    kernelFiles: assumed(45 * MIB, "kernel and initial file system", [20 * MIB, 100 * MIB]),
    serviceFiles: assumed(120 * MIB, "binaries, libraries and configuration read until the default target", [
      40 * MIB,
      300 * MIB,
    ]),
    restore: assumed(150 * MS, "QEMU's start and its device state", [100 * MS, 600 * MS]),
    workingSet: assumed(60 * MIB, "pages that kernel, services and application touch at once", [
      20 * MIB,
      300 * MIB,
    ]),
  },
};
