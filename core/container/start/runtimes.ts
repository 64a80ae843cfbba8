/**
 * Container runtimes: what makes the process, and what stands between it and the host's kernel. runc and crun make namespaces and
 * control groups and step aside; gVisor starts a kernel in a process; Kata and RunD start a virtual machine with an agent.
 */
import type { Constant } from "../../events/profile.js";
import { assumed, fitted, NONE, published } from "../../events/profiles/constants.js";
import { SANDBOXES } from "../../host/instances/sandboxes.js";
import { MS } from "../../host/time.js";

export interface ContainerRuntime {
  readonly name: string;
  readonly title: string;
  readonly source: string;
  /** Creating and starting a container, namespaces and control groups included, ns. */
  readonly start: Constant;
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
    start: published(33.4 * MS, "crun's README: 100 containers one after another take 3.34 s", [
      25 * MS,
      225 * MS,
    ]),
    sandbox: NONE,
  },
  {
    name: "crun",
    title: "crun",
    source: "containers/crun",
    start: published(16.9 * MS, "crun's README: 49.4% less than runc", [10 * MS, 48 * MS]),
    sandbox: NONE,
  },
  {
    name: "youki",
    title: "youki",
    source: "youki-dev/youki",
    start: published(
      16.6 * MS,
      "youki's README, as quoted: 111.5 ms where runc takes 224.6; of runc's 33.4 ms",
      [10 * MS, 112 * MS],
    ),
    sandbox: NONE,
  },
  {
    name: "gvisor",
    title: "gVisor",
    source: "gVisor: runsc",
    start: published(33.4 * MS, "as runc: it does the same around the sandbox", [25 * MS, 100 * MS]),
    sandbox: assumed(110 * MS, "starting Sentry and Gofer, loading the program into the Sentry", [
      40 * MS,
      400 * MS,
    ]),
  },
  {
    name: "kata",
    title: "Kata",
    source: "Kata Containers with Firecracker",
    start: published(33.4 * MS, "as runc: on the host and, by the agent, in the guest", [25 * MS, 100 * MS]),
    machine: "microvm",
    sandbox: assumed(120 * MS, "the agent's start, its connection, and the container inside the guest", [
      50 * MS,
      500 * MS,
    ]),
  },
  {
    name: "rund",
    title: "RunD",
    source: "Li et al., ATC 2022 (RunD)",
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
    sandbox: NONE,
  },
  {
    name: "lean",
    title: "Lean container",
    source: "Oakes et al., ATC 2018 (SOCK)",
    start: fitted(
      20 * MS,
      "fitted to sock18-lean: containers without network and mount namespaces, 18 times as fast as Docker's",
      [3 * MS, 40 * MS],
    ),
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
