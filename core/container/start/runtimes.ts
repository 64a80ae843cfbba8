/**
 * Container runtimes: what makes the process, and what stands between it and the host's kernel. runc and crun make namespaces and
 * control groups and step aside; gVisor starts a kernel in a process; Kata and RunD start a virtual machine with an agent.
 */
import type { Constant } from "../../events/profile.js";
import { assumed, fitted, NONE, published } from "../../events/profiles/constants.js";
import { SANDBOXES } from "../../host/instances/sandboxes.js";
import { MS } from "../../host/time.js";
import { KIB, MIB } from "../../util/units.js";

export interface ContainerRuntime {
  readonly name: string;
  readonly title: string;
  readonly source: string;
  /** Creating and starting a container, namespaces and control groups included, ns. */
  readonly start: Constant;
  /** What it sleeps when it is to delete a container that runs (`delete --force`), before it looks whether that is gone, ns. */
  readonly removalWait: Constant;
  /** The program itself, which is read where it is not in the page cache, bytes. */
  readonly binary: Constant;
  /** Its own way to a root file system, in place of a storage driver's, ns. */
  readonly rootfs?: Constant;
  /** The name in MACHINE_STARTS where it starts a virtual machine. */
  readonly machine?: string;
  /** Its own kernel's or agent's start, ns. */
  readonly sandbox: Constant;
}

export const RUNTIMES: readonly ContainerRuntime[] = [
  {
    name: "runc",
    title: "runc",
    source: "opencontainers/runc",
    binary: published(8_752_456, "Debian 12: /usr/sbin/runc 1.1.5, one static binary of Go", [8e6, 14e6]),
    start: published(33.4 * MS, "crun's README: 100 containers one after another take 3.34 s", [
      25 * MS,
      225 * MS,
    ]),
    removalWait: published(
      100 * MS,
      "runc 1.1: delete.go sleeps 100 ms after the signal, before it looks for the first time; measured here with runc 1.1.5: 107 ms, of which a processor works for 5",
    ),
    sandbox: NONE,
  },
  {
    name: "crun",
    title: "crun",
    source: "containers/crun",
    binary: published(
      490_184,
      "Debian 12: /usr/bin/crun 1.8.1, a program of C; libraries are those of others",
      [0.4e6, 3e6],
    ),
    start: published(16.9 * MS, "crun's README: 49.4% less than runc", [10 * MS, 48 * MS]),
    removalWait: NONE,
    sandbox: NONE,
  },
  {
    name: "youki",
    title: "youki",
    source: "youki-dev/youki",
    binary: assumed(4.5e6, "one binary of Rust", [3e6, 9e6]),
    start: fitted(
      30 * MS,
      "fitted to youki's README, as quoted: create, start and delete take 111.5 ms where runc takes 224.6; without what either sleeps 0.81 of runc's",
      [10 * MS, 112 * MS],
    ),
    removalWait: published(
      10 * MS,
      "youki: crates/libcgroups/src/common.rs, delete_with_retry sleeps 10 ms where the control group is still in use",
    ),
    sandbox: NONE,
  },
  {
    name: "gvisor",
    title: "gVisor",
    source: "gVisor: runsc",
    binary: assumed(40 * MIB, "runsc: one static binary of Go, the Sentry's and the Gofer's too", [
      30 * MIB,
      60 * MIB,
    ]),
    start: published(33.4 * MS, "as runc: it does the same around the sandbox", [25 * MS, 100 * MS]),
    removalWait: NONE,
    sandbox: assumed(110 * MS, "starting Sentry and Gofer, loading the program into the Sentry", [
      40 * MS,
      400 * MS,
    ]),
  },
  {
    name: "kata",
    title: "Kata",
    source: "Kata Containers with Firecracker",
    binary: assumed(60 * MIB, "shim and runtime, binaries of Go", [40 * MIB, 90 * MIB]),
    start: published(33.4 * MS, "as runc: on the host and, by the agent, in the guest", [25 * MS, 100 * MS]),
    machine: "microvm",
    removalWait: NONE,
    sandbox: assumed(120 * MS, "the agent's start, its connection, and the container inside the guest", [
      50 * MS,
      500 * MS,
    ]),
  },
  {
    name: "rund",
    title: "RunD",
    source: "Li et al., ATC 2022 (RunD)",
    binary: assumed(10 * MIB, "one binary of Rust", [5 * MIB, 20 * MIB]),
    start: assumed(10 * MS, "runtime and shim are one process; control groups come from a pool", [
      3 * MS,
      30 * MS,
    ]),
    rootfs: published(
      0.2 * MS,
      "Li et al., ATC 2022 (RunD), as quoted: a volatile, reflinked writable layer",
      [0.1 * MS, 30 * MS],
    ),
    machine: "rund",
    removalWait: NONE,
    sandbox: NONE,
  },
  {
    name: "lean",
    title: "Lean container",
    source: "Oakes et al., ATC 2018 (SOCK)",
    binary: assumed(100 * KIB, "a small program of C", [20 * KIB, 500 * KIB]),
    start: fitted(
      26.5 * MS,
      "fitted to sock18-sock-lat: 130 ms until a handler answers, less 100 ms of imports and 3.5 ms of fork and exec; no network or mount namespace, control groups from a pool, bind mounts in place of a union",
      [3 * MS, 40 * MS],
    ),
    removalWait: NONE,
    sandbox: NONE,
  },
];

/** Of plain containers, of which an engine can choose any; sandboxes have their own. */
export const RUNTIME_NAMES: readonly string[] = RUNTIMES.map(({ name }) => name).filter(
  (name) => !SANDBOXES.some((sandbox) => sandbox.name === name),
);

export function findRuntime(name: string): ContainerRuntime | undefined {
  return RUNTIMES.find((runtime) => runtime.name === name);
}
