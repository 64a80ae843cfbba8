/** The technologies, lightest first. Totals are pinned to published figures, which `fitted` names. */
import { assumed, fitted, NONE, published } from "../../events/profiles/constants.js";
import { KIB, MIB } from "../../util/units.js";
import { MS, US } from "../time.js";
import {
  BRIDGE_AND_NAT,
  CONTAINER_KERNEL,
  FORK_EXEC,
  GUEST_INIT_FILES,
  NESTED,
  SHIM_FILES,
  VIRTUAL_NIC,
} from "./prices.js";
import { SANDBOXES } from "./sandboxes.js";
import type { Technology } from "./technology.js";

const PLAIN: readonly Technology[] = [
  {
    name: "process",
    title: "Process",
    description: "A process of the host, without any isolation: the baseline.",
    source: "fork and exec",
    isContainer: false,
    monitor: NONE,
    monitorFiles: NONE,
    kernel: assumed(
      100 * KIB,
      "task structure, 16 KiB stack, areas, files, a socket or two, for each of a few threads",
      [40 * KIB, 250 * KIB],
    ),
    startWork: FORK_EXEC,
    idleWork: assumed(10 * US, "a timer now and then", [0, 100 * US]),
    translation: NONE,
    roundTrip: NONE,
    systemCall: NONE,
  },
  {
    name: "container",
    title: "Container",
    description:
      "Namespaces, control groups and a root file system on the host's kernel, started by runc under a shim.",
    source: "Docker with containerd and runc",
    isContainer: true,
    monitor: fitted(
      3.3 * MIB,
      "fitted to forkd-docker-mem: an idle container takes 4.3 MiB, less a small program's 0.4 MiB and the kernel's 0.6 MiB",
      [2 * MIB, 8 * MIB],
    ),
    monitorFiles: SHIM_FILES,
    kernel: CONTAINER_KERNEL,
    startWork: assumed(
      80 * MS,
      "runc takes 33 ms of wall time (crun's README), the shim, the daemon and the network as much again",
      [30 * MS, 300 * MS],
    ),
    idleWork: assumed(50 * US, "the shim's and the daemon's timers", [0, 500 * US]),
    translation: NONE,
    roundTrip: BRIDGE_AND_NAT,
    systemCall: NONE,
  },
  {
    name: "unikernel",
    title: "Unikernel",
    description: "The application linked with a library operating system, as a small Xen guest.",
    source: "Manco et al., SOSP 2017 (LightVM)",
    isContainer: false,
    monitor: assumed(256 * KIB, "the tool stack's part for each domain; no monitor process", [
      20 * KIB,
      1 * MIB,
    ]),
    monitorFiles: NONE,
    kernel: published(20 * KIB, "Barham et al., SOSP 2003, section 4: state of Xen for each domain"),
    guest: {
      hasFixedAddresses: true,
      kernelText: published(480 * KIB, "Manco et al., SOSP 2017: image of the daytime unikernel"),
      kernelData: fitted(2.4 * MIB, "fitted to lightvm17-unik-mem: 3.6 MB of a running daytime unikernel", [
        1 * MIB,
        4 * MIB,
      ]),
      serviceFiles: NONE,
      serviceData: NONE,
      freed: assumed(400 * KIB, "boot-time data"),
      zero: assumed(0.5, "its allocator clears what it takes", [0.2, 0.9]),
      spare: assumed(1 * MIB, "free for the application"),
    },
    startWork: published(
      2.3 * MS,
      "Manco et al., SOSP 2017: create and boot, with noxs and the split tool stack",
    ),
    idleWork: assumed(20 * US, "no periodic tick", [0, 200 * US]),
    translation: NESTED,
    roundTrip: VIRTUAL_NIC,
    systemCall: NONE,
  },
  {
    name: "microvm",
    title: "microVM",
    description:
      "A minimal monitor with a minimal Linux guest, without firmware and with a few virtio devices.",
    source: "Agache et al., NSDI 2020 (Firecracker)",
    isContainer: false,
    monitor: published(
      2_552 * KIB,
      "Agache et al., NSDI 2020, raw data: the monitor's memory beyond the guest's",
      [2 * MIB, 5 * MIB],
    ),
    monitorFiles: assumed(2.5 * MIB, "one static binary"),
    kernel: assumed(500 * KIB, "KVM's structures and memory slots, threads, a tap device", [
      200 * KIB,
      2 * MIB,
    ]),
    guest: {
      kernelText: assumed(8 * MIB, "text and read-only data of a small kernel", [5 * MIB, 16 * MIB]),
      kernelData: fitted(
        10 * MIB,
        "fitted to lightvm17-tinyx-mem: 30 MB of a running minimal Linux guest, together with what follows",
        [6 * MIB, 20 * MIB],
      ),
      serviceFiles: GUEST_INIT_FILES,
      serviceData: assumed(2 * MIB, "of these", [1 * MIB, 6 * MIB]),
      freed: assumed(5 * MIB, "initial data and decompression buffers", [2 * MIB, 12 * MIB]),
      zero: assumed(0.4, "freed pages that were cleared and not used since", [0.1, 0.8]),
      spare: assumed(32 * MIB, "a guest is given more than it needs at once", [8 * MIB, 128 * MIB]),
    },
    startWork: published(
      125 * MS,
      "Firecracker's specification: 125 ms to init; boots of 100 to 160 ms were measured (NSDI 2020, raw data)",
      [96 * MS, 220 * MS],
    ),
    idleWork: assumed(400 * US, "some ten wake-ups a second of kernel and agent, with their exits", [
      100 * US,
      3 * MS,
    ]),
    translation: NESTED,
    roundTrip: VIRTUAL_NIC,
    systemCall: NONE,
  },
  {
    name: "vm",
    title: "Full VM",
    description:
      "QEMU/KVM with firmware and emulated chipset, and a distribution with its services as guest.",
    source: "QEMU; a Debian guest",
    isContainer: false,
    monitor: published(
      131 * MIB,
      "Agache et al., NSDI 2020, raw data: QEMU's private data beyond the guest's memory, 134 to 151 MB of address space; not all of it need be resident",
      [20 * MIB, 148 * MIB],
    ),
    monitorFiles: assumed(16 * MIB, "the used pages of QEMU and its libraries", [8 * MIB, 30 * MIB]),
    kernel: assumed(1 * MIB, "KVM's structures, memory slots, threads, vhost and a tap device", [
      400 * KIB,
      4 * MIB,
    ]),
    guest: {
      kernelText: assumed(14 * MIB, "a distribution's kernel with its modules", [10 * MIB, 30 * MIB]),
      kernelData: fitted(
        34 * MIB,
        "fitted to lightvm17-debian-1000: 1,000 Debian guests take 114 GB, together with what follows",
        [20 * MIB, 60 * MIB],
      ),
      serviceFiles: assumed(28 * MIB, "systemd, journald, udev, sshd, cron and their libraries", [
        15 * MIB,
        60 * MIB,
      ]),
      serviceData: assumed(20 * MIB, "of these", [10 * MIB, 40 * MIB]),
      freed: assumed(16 * MIB, "initramfs, boot-time data, programs that ran once", [8 * MIB, 60 * MIB]),
      zero: assumed(0.3, "freed pages that were cleared and not used since", [0.1, 0.7]),
      spare: assumed(128 * MIB, "a guest is given more than it needs at once", [32 * MIB, 1024 * MIB]),
    },
    startWork: assumed(4_000 * MS, "firmware, kernel and a distribution's services", [
      1_500 * MS,
      20_000 * MS,
    ]),
    idleWork: assumed(3 * MS, "services' timers, a few dozen wake-ups a second with their exits", [
      0.5 * MS,
      20 * MS,
    ]),
    translation: NESTED,
    roundTrip: VIRTUAL_NIC,
    systemCall: NONE,
  },
];

/** The plain ones, lightest first, then sandboxes of containers. */
export const TECHNOLOGIES: readonly Technology[] = [...PLAIN, ...SANDBOXES];

export function findTechnology(name: string): Technology | undefined {
  return TECHNOLOGIES.find((technology) => technology.name === name);
}
