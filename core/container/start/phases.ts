/**
 * Phases of a start, in the order in which they come, and the steps that they are made of. A start is a list of steps, one after
 * another; each waits for a processor, a lock of the kernel or daemon, a disk, a link, or for time to pass, and what it took is
 * its phase's. Phases therefore add up to the start.
 */

export const START_PHASES = [
  {
    name: "client",
    label: "Client and daemon",
    description: "The command, its request, the daemon's records.",
  },
  { name: "pull", label: "Pull", description: "Image: manifest and layers come over the network." },
  { name: "unpack", label: "Unpack", description: "Image: what is unpacked after the last layer has come." },
  { name: "rootfs", label: "Root file system", description: "Union mount, snapshot or copy." },
  {
    name: "network",
    label: "Network",
    description: "Network namespace, virtual pair, bridge, addresses and rules; a VM's tap device.",
  },
  {
    name: "isolation",
    label: "Isolation",
    description: "Other namespaces, control groups, the change of root.",
  },
  { name: "runtime", label: "Runtime", description: "Shim and runtime processes." },
  {
    name: "monitor",
    label: "Monitor",
    description: "A VM's monitor process and devices, or a restored snapshot.",
  },
  { name: "firmware", label: "Firmware", description: "A VM's firmware and boot loader." },
  { name: "kernel", label: "Guest kernel", description: "A guest's kernel until its first process." },
  { name: "services", label: "Services", description: "A guest's init and services." },
  {
    name: "application",
    label: "Application",
    description: "The application until it is ready, with the files it reads.",
  },
] as const;

export type PhaseName = (typeof START_PHASES)[number]["name"];

/**
 * What only one start can do at a time on a host: an engine's records and the kernel's network configuration, which an engine
 * holds one lock for; and the devices of a storage driver.
 */
export type LockName = "engine" | "storage";

export type Step = { readonly phase: PhaseName } & (
  | { readonly kind: "work"; readonly ns: number }
  /** Work under a lock; `contended` where it takes longer when others wait. */
  | { readonly kind: "locked"; readonly lock: LockName; readonly ns: number; readonly contended?: number }
  /** A container's network is made, under the engine's lock: `each` ns more for every one that the host has already. */
  | { readonly kind: "network"; readonly ns: number; readonly each: number }
  | { readonly kind: "wait"; readonly ns: number }
  /** Pages that were shared are written, so that each is copied. */
  | { readonly kind: "copies"; readonly pages: number }
  /**
   * Pages through the page cache, of so many files one after another: what is missing takes a request to the disk for each file.
   * `content` where another path holds the same.
   */
  | {
      readonly kind: "read";
      readonly path: string;
      readonly bytes: number;
      readonly content: string;
      readonly files: number;
    }
  /** To the disk: at once, or later, from the page cache, for which nobody waits. */
  | { readonly kind: "write"; readonly bytes: number; readonly isAwaited: boolean }
  /** The image is fetched, by the first that needs it; the others wait for that. */
  | { readonly kind: "fetch" }
);
