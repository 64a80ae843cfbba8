/**
 * The steps of a start, by technology: `docker run` from the command to the program (client → daemon → image present? else pull →
 * layers, writable layer, network, start), a virtual machine's boot from the monitor to the application, a snapshot's
 * restoration, a process's fork and exec.
 */
import type { Application } from "../../host/applications/application.js";
import { pagesOf } from "../../host/host.js";
import type { Technology } from "../../host/instances/technology.js";
import { READ_AT_START, type StoredImage } from "../images/catalogue.js";
import { bytesOf } from "../images/layer.js";
import { NAMESPACES, type NamespaceName } from "../isolation/namespaces.js";
import { MEASURED } from "../measured/container-phases.js";
import { createWork } from "../storage/driver-costs.js";
import type { StorageDriver } from "../storage/drivers.js";
import { MACHINE_STARTS, READAHEAD, START_COSTS } from "./costs.js";
import type { LockName, PhaseName, Step } from "./phases.js";
import type { ContainerRuntime } from "./runtimes.js";

export interface StartRequest {
  readonly technology: Technology;
  readonly application: Application;
  readonly image: StoredImage;
  readonly driver: StorageDriver;
  readonly runtime: ContainerRuntime;
  readonly network: "bridge" | "host";
  /** By an engine's client and daemon, or by the runtime alone. */
  readonly isManaged: boolean;
  /** What is restored in place of a boot, or forked in place of a start. */
  readonly from: "boot" | "snapshot" | "zygote";
  /** A sandbox container with the network comes first, as Kubernetes' runtime interface (CRI) has it. */
  readonly isPod: boolean;
  /** The runtime is called again to start and to delete it, and a start ends when it is gone. */
  readonly isRemoved: boolean;
  /** The image has to be fetched. */
  readonly isCold: boolean;
  /** Which of the instances: drivers that do not share give each files of its own. */
  readonly index: number;
}

/** Kinds that Docker makes anew besides the network's. */
const NAMESPACES_MADE: readonly NamespaceName[] = ["mnt", "uts", "ipc", "pid", "cgroup"];

/** `start` and `delete`, after `create`: processes of their own. */
const FURTHER_CALLS = 2;

/** Forks from a zygote to a handler. */
const ZYGOTE_FORKS = 2;

export function stepsOf(request: StartRequest): Step[] {
  const { technology, isCold, application, image, from } = request;
  const fetch = isCold ? [fetchStep(request)] : [];
  const own: Step = work("application", application.startWork.value + image.startWork);
  if (technology.name === "process")
    return [...fetch, ...imageReads(request, true), work("application", START_COSTS.forkExec.value), own];
  if (technology.isContainer)
    return [
      ...containerSteps(request, fetch),
      ...(from === "zygote" ? [] : [own]),
      ...(request.isRemoved ? removalSteps(request.runtime) : []),
    ];
  return [...fetch, ...machineSteps(request, technology.name), own];
}

function fetchStep({ driver, technology }: StartRequest): Step {
  const isLazy = technology.isContainer && driver.lazyPull !== undefined;
  return isLazy ? wait("pull", driver.lazyPull.value) : { phase: "pull", kind: "fetch" };
}

function containerSteps(request: StartRequest, fetch: readonly Step[]): Step[] {
  const { isManaged, isPod, runtime, from } = request;
  const { client, forkExec } = START_COSTS;
  const asked = isManaged ? [locked("client", "engine", START_COSTS.daemon.value)] : [];
  return [
    ...(isManaged ? [work("client", client.value)] : []),
    // A pod's sandbox is a container of its own, which does nothing but hold the namespaces; the engine is asked again for the next.
    ...(isPod
      ? [...asked, ...networkSteps(request), ...processSteps(request), work("runtime", forkExec.value)]
      : []),
    ...asked,
    ...fetch,
    ...rootfsSteps(request),
    ...(isPod ? [] : networkSteps(request)),
    ...processSteps(request),
    ...(runtime.machine === undefined ? [] : machineSteps(request, runtime.machine)),
    work("services", runtime.sandbox.value),
    ...(from === "zygote"
      ? forkSteps(request)
      : [...imageReads(request, request.driver.sharesPageCache), work("application", forkExec.value)]),
  ].filter((step) => !("ns" in step) || step.ns > 0);
}

/**
 * A zygote makes a child in a container (Oakes et al., ATC 2018, section 4.2): it enters namespaces and root, which setns(2) does
 * for its children alone in part, so that it forks twice; the child then writes to its hot memory, which was shared.
 */
function forkSteps({ application }: StartRequest): Step[] {
  const { forkExec } = START_COSTS;
  return [
    work("application", ZYGOTE_FORKS * forkExec.value),
    { phase: "application", kind: "copies", pages: pagesOf(application.memory.hot.value) },
  ];
}

function networkSteps({ network }: StartRequest): Step[] {
  const { networkLocked, networkPresent, networkRest, hostNetwork } = START_COSTS;
  if (network === "host") return [work("network", hostNetwork.value)];
  const made: Step = {
    phase: "network",
    kind: "network",
    ns: networkLocked.value,
    each: networkPresent.value,
  };
  return [made, wait("network", networkRest.value)];
}

/** Where the host has a runtime's program. */
export function runtimeFile(name: string): string {
  return `/usr/bin/${name}`;
}

/** Shim and runtime make the process. The runtime's program is paged in where it is not in memory. */
function processSteps({ isManaged, runtime }: StartRequest): Step[] {
  const isolation = isolationWork();
  const { value: bytes } = runtime.binary;
  return [
    ...(isManaged ? [work("runtime", START_COSTS.shim.value)] : []),
    read("runtime", runtimeFile(runtime.name), bytes, bytes / READAHEAD),
    work("isolation", isolation),
    work("runtime", Math.max(0, runtime.start.value - isolation)),
  ];
}

function removalSteps({ removalWait }: ContainerRuntime): Step[] {
  return [work("runtime", FURTHER_CALLS * START_COSTS.forkExec.value), wait("runtime", removalWait.value)];
}

/** Namespaces, a control group in each of version 2's places, the change of root: as measured. */
function isolationWork(): number {
  const namespaces = NAMESPACES_MADE.reduce((sum, name) => sum + NAMESPACES[name].creation.value, 0);
  const { "cgroup-v2-create": create, "cgroup-v2-attach": attach, "pivot-root": pivot } = MEASURED;
  return namespaces + create.p50 + attach.p50 + pivot.p50 + MEASURED["mount-proc"].p50;
}

function rootfsSteps({ driver, image, runtime }: StartRequest): Step[] {
  if (runtime.rootfs !== undefined) return [work("rootfs", runtime.rootfs.value)];
  const files = image.layers.reduce((sum, layer) => sum + layer.files.length, 0);
  const bytes = image.layers.reduce((sum, layer) => sum + bytesOf(layer), 0);
  const { value: serialised } = driver.serialised;
  const written = driver.metadata.value + (driver.copies === "everything-at-create" ? bytes : 0);
  return [
    locked("rootfs", "storage", serialised, driver.contended?.value),
    work("rootfs", createWork(driver, image.layers.length, files, bytes)),
    { phase: "rootfs", kind: "write", bytes: written, isAwaited: driver.commits },
  ];
}

/** What of the image the application reads before it is ready. */
function imageReads({ image, driver, index }: StartRequest, isShared: boolean): Step[] {
  return image.layers.map((layer) => ({
    phase: "application",
    kind: "read",
    path: isShared ? `/layers/${layer.digest}` : `/${driver.name}/${index}/${layer.digest}`,
    bytes: bytesOf(layer) * READ_AT_START.value,
    content: layer.digest,
    files: Math.ceil(layer.files.length * READ_AT_START.value),
  }));
}

function machineSteps({ technology, from, application, network, image }: StartRequest, name: string): Step[] {
  const machine = MACHINE_STARTS[name]!;
  const { monitor, firmware, kernel, kernelWaits, services, kernelFiles, serviceFiles } = machine;
  const tap = network === "bridge" ? [work("network", START_COSTS.tap.value)] : [];
  if (from === "snapshot") {
    const memory = machine.workingSet.value + application.memory.hot.value;
    return [...tap, work("monitor", machine.restore.value), read("monitor", `/snapshot/${name}`, memory)];
  }
  const own = technology.isContainer ? [] : [readDisk(image, name)];
  // A sandbox's network is configured by its agent.
  const hasCard = network === "bridge" && !technology.isContainer;
  return [
    ...tap,
    work("monitor", monitor.value),
    work("firmware", firmware.value),
    read("kernel", `/boot/${name}`, kernelFiles.value),
    wait("kernel", kernelWaits.value + (hasCard ? machine.kernelNetwork.value : 0)),
    work("kernel", Math.max(0, kernel.value - kernelWaits.value)),
    read("services", `/services/${name}`, serviceFiles.value, serviceFiles.value / meanFile(image)),
    work("services", services.value),
    ...own,
  ].filter((step) => !("ns" in step) || step.ns > 0);
}

/** A guest reads the application's files from its disk: all guests' disks are one image with private differences. */
function readDisk(image: StoredImage, name: string): Step {
  const bytes = image.layers.reduce((sum, layer) => sum + bytesOf(layer), 0) * READ_AT_START.value;
  return read("application", `/disk/${name}/${image.name}`, bytes, bytes / meanFile(image));
}

/** Bytes of a file of an image, mean: those of services are taken to be as large. */
function meanFile({ layers }: StoredImage): number {
  const [bytes, files] = layers.reduce(
    ([bytes, files], layer) => [bytes + bytesOf(layer), files + layer.files.length] as const,
    [0, 0] as readonly [number, number],
  );
  return bytes / files;
}

function work(phase: PhaseName, ns: number): Step {
  return { phase, kind: "work", ns };
}

function locked(phase: PhaseName, lock: LockName, ns: number, contended?: number): Step {
  return { phase, kind: "locked", lock, ns, ...(contended === undefined ? {} : { contended }) };
}

function wait(phase: PhaseName, ns: number): Step {
  return { phase, kind: "wait", ns };
}

function read(phase: PhaseName, path: string, bytes: number, files = 1): Step {
  return { phase, kind: "read", path, bytes, content: path, files: Math.ceil(files) };
}
