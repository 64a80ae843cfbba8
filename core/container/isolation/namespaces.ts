/**
 * Namespaces: what a process sees of the rest of its host. A process is in one namespace of each kind, and sees the things of that
 * kind that are in the same one (namespaces(7)); process and user namespaces are trees, and one sees what is in its descendants
 * (pid_namespaces(7), user_namespaces(7)). A child starts in its parent's namespaces, but for those it is given anew
 * (clone(2), CLONE_NEW…).
 */
import type { Constant } from "../../events/profile.js";
import { measured } from "../../host/measured/measurement.js";
import { invariant } from "../../util/errors.js";
import { MACHINE, MEASURED } from "../measured/container-phases.js";

export interface NamespaceKind {
  readonly name: string;
  /** What is inside, and seen by those inside alone. */
  readonly things: string;
  /** What lies in a namespace is seen from those above it. */
  readonly isTree: boolean;
  /** Linux release that brought it. */
  readonly since: string;
  /** unshare(2) with this kind alone, ns. */
  readonly creation: Constant;
}

const creationOf = (name: keyof typeof MEASURED, flag: string): Constant =>
  measured(MEASURED[name], `unshare(${flag})`, MACHINE);

export const NAMESPACES = {
  mnt: {
    name: "mnt",
    things: "mounts",
    isTree: false,
    since: "2.4.19",
    creation: creationOf("namespace-mnt", "CLONE_NEWNS"),
  },
  uts: {
    name: "uts",
    things: "host names",
    isTree: false,
    since: "2.6.19",
    creation: creationOf("namespace-uts", "CLONE_NEWUTS"),
  },
  ipc: {
    name: "ipc",
    things: "System V and POSIX message queues, semaphores, shared memory",
    isTree: false,
    since: "2.6.19",
    creation: creationOf("namespace-ipc", "CLONE_NEWIPC"),
  },
  pid: {
    name: "pid",
    things: "processes",
    isTree: true,
    since: "2.6.24",
    creation: creationOf("namespace-pid", "CLONE_NEWPID"),
  },
  net: {
    name: "net",
    things: "interfaces, addresses, routes, sockets, ports",
    isTree: false,
    since: "2.6.29",
    creation: creationOf("namespace-net", "CLONE_NEWNET"),
  },
  user: {
    name: "user",
    things: "user and group identities, and what capabilities apply to",
    isTree: true,
    since: "3.8",
    creation: creationOf("namespace-user", "CLONE_NEWUSER"),
  },
  cgroup: {
    name: "cgroup",
    things: "the tree of control groups above",
    isTree: false,
    since: "4.6",
    creation: creationOf("namespace-cgroup", "CLONE_NEWCGROUP"),
  },
  time: {
    name: "time",
    things: "offsets of the monotonic and boot clocks",
    isTree: false,
    since: "5.6",
    creation: creationOf("namespace-time", "CLONE_NEWTIME"),
  },
} as const satisfies Readonly<Record<string, NamespaceKind>>;

export type NamespaceName = keyof typeof NAMESPACES;
export const NAMESPACE_NAMES = Object.keys(NAMESPACES) as readonly NamespaceName[];
/** The five of the mission's source text. */
export const FIRST_FIVE: readonly NamespaceName[] = ["pid", "net", "ipc", "mnt", "uts"];

interface Namespace {
  readonly kind: NamespaceName;
  readonly parent: Namespace | undefined;
}

export type ProcessId = number;

/** Processes of a host, and what each sees of the others. */
export class NamespaceWorld {
  private readonly memberships: Readonly<Record<NamespaceName, Namespace>>[] = [];

  constructor() {
    const first = NAMESPACE_NAMES.map((kind): [NamespaceName, Namespace] => [
      kind,
      { kind, parent: undefined },
    ]);
    this.memberships.push(Object.fromEntries(first) as Record<NamespaceName, Namespace>);
  }

  /** The host's first process. */
  get init(): ProcessId {
    return 0;
  }

  get processes(): number {
    return this.memberships.length;
  }

  /** A child of a process. @param anew kinds of which it gets a namespace of its own */
  clone(parent: ProcessId, anew: readonly NamespaceName[]): ProcessId {
    const membership = this.memberships[parent];
    invariant(membership !== undefined, "a parent exists", () => parent);
    const fresh = anew.map((kind): [NamespaceName, Namespace] => [
      kind,
      { kind, parent: NAMESPACES[kind].isTree ? membership[kind] : undefined },
    ]);
    return this.memberships.push({ ...membership, ...Object.fromEntries(fresh) }) - 1;
  }

  /** Whether what a process has of a kind is seen by another. */
  sees(viewer: ProcessId, target: ProcessId, kind: NamespaceName): boolean {
    const mine = this.memberships[viewer]![kind];
    let its: Namespace | undefined = this.memberships[target]![kind];
    while (its !== undefined && its !== mine) its = its.parent;
    return its === mine;
  }

  /** How many others a process sees something of. */
  countSeen(viewer: ProcessId, others: readonly ProcessId[], kind: NamespaceName): number {
    return others.filter((other) => other !== viewer && this.sees(viewer, other, kind)).length;
  }
}
