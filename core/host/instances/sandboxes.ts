/**
 * Sandboxes of containers: what an engine starts like a container, and what does not trust the host's kernel to keep tenants apart.
 * gVisor serves system calls in a process of the tenant's own; Kata starts a virtual machine with an agent; RunD is Kata with
 * most of what its machines have in common left out or shared.
 */
import { assumed, fitted, NONE, published } from "../../events/profiles/constants.js";
import { KIB, MIB } from "../../util/units.js";
import { MS, US } from "../time.js";
import { BRIDGE_AND_NAT, CONTAINER_KERNEL, NESTED, VIRTUAL_NIC } from "./prices.js";
import type { Technology } from "./technology.js";

const RUND = "Li et al., ATC 2022 (RunD), as quoted";

export const SANDBOXES: readonly Technology[] = [
  {
    name: "gvisor",
    title: "gVisor",
    description:
      "A container whose system calls are served by a kernel in a process of its own (Sentry), with another for its files (Gofer).",
    source: "gVisor: architecture guide",
    isContainer: true,
    monitor: assumed(
      24 * MIB,
      "shim, Sentry and Gofer, three Go programs: heaps and stacks of goroutines; the Sentry's own network stack",
      [12 * MIB, 60 * MIB],
    ),
    monitorFiles: assumed(25 * MIB, "the used pages of runsc, one static binary, and of its shim", [
      12 * MIB,
      40 * MIB,
    ]),
    kernel: assumed(900 * KIB, "a container's, and the tasks and address spaces of three processes more", [
      400 * KIB,
      2_000 * KIB,
    ]),
    startWork: assumed(150 * MS, "a container's, and the Sentry's", [60 * MS, 500 * MS]),
    idleWork: assumed(500 * US, "timers and collectors of three Go programs", [50 * US, 3 * MS]),
    translation: NONE,
    roundTrip: assumed(100 * US, "bridge and NAT, and then a network stack in user mode (netstack)", [
      50 * US,
      300 * US,
    ]),
    systemCall: published(
      408,
      "gvisor-kvm-applicationsyscall: 408 ns on the KVM platform (gVisor, pull request 7370); others intercept by signals, at some µs",
      [200, 4 * US],
    ),
  },
  {
    name: "kata",
    title: "Kata",
    description: "A container in a microVM of its own, with an agent in the guest and a shim on the host.",
    source: "Kata Containers with Firecracker",
    isContainer: true,
    monitor: assumed(22 * MIB, "a shim in Go of some 20 MiB, and Firecracker's 2.5 MiB", [8 * MIB, 40 * MIB]),
    monitorFiles: fitted(
      23e6,
      "fitted to rund22-kata-ovh and rund22-kata-ovh-1000: of 94 MB that one takes, 23 MB are not taken again by each of a thousand",
      [10e6, 40e6],
    ),
    kernel: assumed(1 * MIB, "a container's and a microVM's", [400 * KIB, 2 * MIB]),
    guest: {
      kernelText: assumed(8 * MIB, "text and read-only data of a small kernel", [5 * MIB, 16 * MIB]),
      kernelData: assumed(10 * MIB, "as a microVM's", [6 * MIB, 20 * MIB]),
      serviceFiles: assumed(12 * MIB, "the agent and the C library, from its initial file system", [
        6 * MIB,
        25 * MIB,
      ]),
      serviceData: assumed(6 * MIB, "the agent's", [2 * MIB, 12 * MIB]),
      freed: fitted(
        6 * MIB,
        "fitted to rund22-kata-ovh-1000: 71 MB each of a thousand, less all else; used while it started",
        [2 * MIB, 20 * MIB],
      ),
      zero: assumed(0.4, "as a microVM's", [0.1, 0.8]),
      spare: assumed(32 * MIB, "as a microVM's", [8 * MIB, 128 * MIB]),
    },
    startWork: assumed(300 * MS, "a container's and a microVM's, and the agent's", [150 * MS, 900 * MS]),
    idleWork: assumed(600 * US, "a microVM's, and the shim's and the agent's health checks", [
      100 * US,
      5 * MS,
    ]),
    translation: NESTED,
    roundTrip: published(
      BRIDGE_AND_NAT.value + VIRTUAL_NIC.value,
      "a bridge with NAT, and a virtual NIC behind it (Felter et al., IBM RC25482)",
      [20 * US, 150 * US],
    ),
    systemCall: NONE,
  },
  {
    name: "rund",
    title: "RunD",
    description:
      "A container in a microVM made from a template, its root file system read-only from the host's page cache, its groups from a pool.",
    source: "Li et al., ATC 2022 (RunD)",
    isContainer: true,
    monitor: assumed(4 * MIB, "monitor and runtime in one process of Rust", [2 * MIB, 10 * MIB]),
    monitorFiles: assumed(10 * MIB, "one binary, and the template's kernel and agent, which all map", [
      5 * MIB,
      30 * MIB,
    ]),
    kernel: CONTAINER_KERNEL,
    guest: {
      kernelText: NONE,
      kernelData: fitted(
        8 * MIB,
        `fitted to rund22-rund-ovh: less than 20 MB each (${RUND}); kernel text comes from the template, and parts that are not needed are left out`,
        [4 * MIB, 12 * MIB],
      ),
      serviceFiles: NONE,
      serviceData: assumed(2 * MIB, "the agent's", [1 * MIB, 4 * MIB]),
      freed: assumed(1 * MIB, "a template has no initial data", [0, 3 * MIB]),
      zero: assumed(0.4, "as a microVM's", [0.1, 0.8]),
      spare: assumed(32 * MIB, "as a microVM's", [8 * MIB, 128 * MIB]),
    },
    startWork: assumed(90 * MS, "the runtime, and a guest that goes on from a template", [40 * MS, 200 * MS]),
    idleWork: assumed(400 * US, "as a microVM's", [100 * US, 3 * MS]),
    mapsHostFiles: true,
    translation: NESTED,
    roundTrip: VIRTUAL_NIC,
    systemCall: NONE,
  },
];
