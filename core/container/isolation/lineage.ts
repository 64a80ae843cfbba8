/**
 * The lineage of containers, from chroot to sandboxes, and beside them virtual machines: which isolation and which control each
 * system has by default, whose kernel serves a tenant, and how many of the host kernel's system calls are within a tenant's
 * reach. Presets say what a system can do in the release named, not what an administrator may add.
 */
import type { Constant } from "../../events/profile.js";
import { assumed, published } from "../../events/profiles/constants.js";
import type { ControllerName } from "./control-groups.js";
import type { NamespaceName } from "./namespaces.js";

/** Whose kernel a tenant's system calls enter. */
export type ServingKernel =
  /** The host's, which serves all. */
  | "host"
  /** One of its own in a process (gVisor's Sentry): a flaw in it gives that process. */
  | "own-in-process"
  /** One of its own in a virtual machine. */
  | "own-in-machine";

export interface IsolationSystem {
  readonly name: string;
  readonly title: string;
  readonly year: number;
  readonly source: string;
  /** Kinds of thing of which a tenant sees only its own. */
  readonly namespaces: readonly NamespaceName[];
  /** Resources that its controls limit. */
  readonly controllers: readonly ControllerName[];
  readonly kernel: ServingKernel;
  /** A tenant's root is root of the host when it gets out. */
  readonly isRootShared: boolean;
  /** System calls of the host's kernel that a tenant, or what stands between, can make. */
  readonly systemCalls: Constant;
}

const ALL_CALLS = published(
  335,
  "Linux 5.x, arch/x86/entry/syscalls/syscall_64.tbl: calls of the 64-bit table",
  [310, 380],
);
const FREEBSD_CALLS = assumed(400, "FreeBSD's syscalls.master without the obsolete ones", [350, 550]);
const SOLARIS_CALLS = assumed(230, "Solaris 10, sys/syscall.h", [200, 260]);
const DOCKER_CALLS = published(
  291,
  "335 less 44: Docker's documentation, Seccomp security profiles: the default profile disables around 44 calls",
  [255, 300],
);
const ALL_NAMESPACES = ["pid", "net", "ipc", "mnt", "uts", "user", "cgroup", "time"] as const;

export const ISOLATION_SYSTEMS: readonly IsolationSystem[] = [
  {
    name: "process",
    title: "Processes",
    year: 1969,
    source: "no isolation besides address spaces and file permissions",
    namespaces: [],
    controllers: [],
    kernel: "host",
    isRootShared: true,
    systemCalls: ALL_CALLS,
  },
  {
    name: "chroot",
    title: "chroot",
    year: 1979,
    source: "chroot(2), Seventh Edition Unix",
    namespaces: ["mnt"],
    controllers: [],
    kernel: "host",
    isRootShared: true,
    systemCalls: ALL_CALLS,
  },
  {
    name: "jail",
    title: "FreeBSD jail",
    year: 2000,
    source: "Kamp & Watson, SANE 2000: FreeBSD 4.0; addresses are restricted, and root's powers",
    namespaces: ["mnt", "pid", "net", "ipc", "uts"],
    controllers: [],
    kernel: "host",
    isRootShared: false,
    systemCalls: FREEBSD_CALLS,
  },
  {
    name: "zone",
    title: "Solaris Zone",
    year: 2004,
    source: "Price & Tucker, LISA 2004: Solaris 10, with resource pools and fair shares",
    namespaces: ["mnt", "pid", "net", "ipc", "uts", "user"],
    controllers: ["cpu", "cpuset", "memory"],
    kernel: "host",
    isRootShared: false,
    systemCalls: SOLARIS_CALLS,
  },
  {
    name: "openvz",
    title: "OpenVZ",
    year: 2005,
    source: "OpenVZ user's guide: user beancounters, fair CPU and I/O scheduling, a kernel of its own make",
    namespaces: ["mnt", "pid", "net", "ipc", "uts"],
    controllers: ["cpu", "memory", "io", "pids"],
    kernel: "host",
    isRootShared: false,
    systemCalls: ALL_CALLS,
  },
  {
    name: "lxc",
    title: "LXC",
    year: 2008,
    source: "LXC 0.x on Linux 2.6.29: namespaces and control groups of the mainline kernel, privileged",
    namespaces: ["mnt", "pid", "net", "ipc", "uts"],
    controllers: ["cpu", "cpuset", "memory", "io"],
    kernel: "host",
    isRootShared: true,
    systemCalls: ALL_CALLS,
  },
  {
    name: "lmctfy",
    title: "lmctfy",
    year: 2013,
    source: "Google's Let Me Contain That For You, 2013: control groups first, namespaces later",
    namespaces: ["mnt", "pid"],
    controllers: ["cpu", "cpuset", "memory", "io"],
    kernel: "host",
    isRootShared: true,
    systemCalls: ALL_CALLS,
  },
  {
    name: "docker",
    title: "Docker",
    year: 2013,
    source: "Docker with runc: default namespaces, control groups, seccomp profile; no user namespace",
    namespaces: ["mnt", "pid", "net", "ipc", "uts", "cgroup"],
    controllers: ["cpu", "cpuset", "memory", "io", "pids"],
    kernel: "host",
    isRootShared: true,
    systemCalls: DOCKER_CALLS,
  },
  {
    name: "rootless",
    title: "Rootless container",
    year: 2020,
    source: "Docker's documentation, Rootless mode: everything inside a user namespace, cgroup v2",
    namespaces: ["mnt", "pid", "net", "ipc", "uts", "cgroup", "user"],
    controllers: ["cpu", "cpuset", "memory", "io", "pids"],
    kernel: "host",
    isRootShared: false,
    systemCalls: DOCKER_CALLS,
  },
  {
    name: "gvisor",
    title: "gVisor",
    year: 2018,
    source: "gVisor's documentation, Security model: the Sentry serves the calls; seccomp around it",
    namespaces: ALL_NAMESPACES,
    controllers: ["cpu", "cpuset", "memory", "io", "pids"],
    kernel: "own-in-process",
    isRootShared: false,
    systemCalls: published(
      68,
      "gVisor's blog, The security basics (2019): 53 calls of the host without networking, 68 with it",
      [53, 80],
    ),
  },
  {
    name: "kata",
    title: "Kata Containers",
    year: 2017,
    source: "Kata's architecture: a container inside a virtual machine of its own",
    namespaces: ALL_NAMESPACES,
    controllers: ["cpu", "cpuset", "memory", "io", "pids"],
    kernel: "own-in-machine",
    isRootShared: false,
    systemCalls: assumed(120, "what QEMU's seccomp sandbox leaves in use", [60, 250]),
  },
  {
    name: "rund",
    title: "RunD",
    year: 2022,
    source: "Li et al., ATC 2022 (RunD): a container inside a virtual machine of its own",
    namespaces: ALL_NAMESPACES,
    controllers: ["cpu", "cpuset", "memory", "io", "pids"],
    kernel: "own-in-machine",
    isRootShared: false,
    systemCalls: assumed(60, "a monitor with few devices, as Firecracker's filter", [36, 150]),
  },
  {
    name: "unikernel",
    title: "Unikernel",
    year: 2013,
    source: "Madhavapeddy et al., ASPLOS 2013; as a Xen guest",
    namespaces: ALL_NAMESPACES,
    controllers: ["cpu", "cpuset", "memory", "io", "pids"],
    kernel: "own-in-machine",
    isRootShared: false,
    systemCalls: published(40, "Xen's hypercalls: public/xen.h", [20, 55]),
  },
  {
    name: "microvm",
    title: "microVM",
    year: 2018,
    source: "Agache et al., NSDI 2020: Firecracker in its jailer",
    namespaces: ALL_NAMESPACES,
    controllers: ["cpu", "cpuset", "memory", "io", "pids"],
    kernel: "own-in-machine",
    isRootShared: false,
    systemCalls: published(24, "Agache et al., NSDI 2020, section 3: 24 system calls and 30 ioctls"),
  },
  {
    name: "vm",
    title: "Full VM",
    year: 2007,
    source: "QEMU/KVM under libvirt",
    namespaces: ALL_NAMESPACES,
    controllers: ["cpu", "cpuset", "memory", "io", "pids"],
    kernel: "own-in-machine",
    isRootShared: false,
    systemCalls: assumed(120, "what QEMU's seccomp sandbox leaves in use", [60, 250]),
  },
];

export function findSystem(name: string): IsolationSystem | undefined {
  return ISOLATION_SYSTEMS.find((system) => system.name === name);
}
