/** Numbers that several technologies share. Times in ns, sizes in bytes. */
import { assumed, published } from "../../events/profiles/constants.js";
import { KIB, MIB } from "../../util/units.js";
import { MS, US } from "../time.js";

/** Starting a process, ns. */
export const FORK_EXEC = published(
  3.5 * MS,
  "Manco et al., SOSP 2017 (LightVM), figure 4: fork and exec take 3.5 ms on average",
  [0.5 * MS, 9 * MS],
);
/** Files that a microVM's guest reads and keeps besides its kernel and the application, bytes. */
export const GUEST_INIT_FILES = assumed(5 * MIB, "init, an agent and the C library", [2 * MIB, 12 * MIB]);
/** Second dimension of page walks, as a share of all work. */
export const NESTED = assumed(
  0.03,
  "second dimension of page walks with 4 KiB pages, of a program that spends a few percent of its time in walks (see ept.yaml)",
  [0, 0.15],
);

export const BRIDGE_AND_NAT = published(
  37.6 * US,
  "Felter et al., IBM RC25482 (2014): a bridge with NAT doubles the round trip of netperf's TCP_RR, natively 1 / 26,608 s",
  [5 * US, 60 * US],
);
export const VIRTUAL_NIC = published(
  30 * US,
  "Felter et al., IBM RC25482 (2014): virtio with vhost-net adds 30 µs to a round trip",
  [10 * US, 60 * US],
);

/** The host kernel's part of a container. */
export const CONTAINER_KERNEL = assumed(
  600 * KIB,
  "five namespaces (a network namespace and its veth pair above all), control groups, mounts",
  [200 * KIB, 1_500 * KIB],
);
export const SHIM_FILES = assumed(8 * MIB, "the used pages of containerd-shim", [4 * MIB, 12 * MIB]);

/** Of a guest's kernel and services, what it touches when it goes on from a snapshot and serves its first requests. Shares. */
export const RESTORED = {
  read: assumed(
    0.25,
    "working sets after a restore are a tenth to a third of the guest (Ustiugov et al., ASPLOS 2021: functions touch 8 to 99 MB)",
    [0.08, 0.5],
  ),
  written: assumed(0.08, "timers, queues, stacks, slabs: a third of what is touched", [0.02, 0.2]),
} as const;
