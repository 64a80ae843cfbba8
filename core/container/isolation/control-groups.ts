/**
 * Control groups: what a tenant may use, as version 1 and version 2 write it, checked against the host and handed to the host's
 * scheduler, memory and disk. Names and units are the kernel's (Documentation/admin-guide/cgroup-v1/, cgroup-v2.rst).
 *
 * The versions differ in what a limit catches: version 1 has a tree for each controller, so that its blkio controller does not
 * know whose pages are written back later; version 2 has one tree, and charges writeback to the owner of the pages.
 */
import { type GroupSpec, type OwnerId, PAGE_BYTES } from "../../host/contracts.js";
import type { Host } from "../../host/host.js";
import { US } from "../../host/time.js";
import { UserError } from "../../util/errors.js";
import { formatBytes } from "../../util/units.js";

export const CONTROLLERS = ["cpu", "cpuset", "memory", "io", "pids"] as const;
export type ControllerName = (typeof CONTROLLERS)[number];

/** Limits in version 2's terms. What is silent is not limited. */
export interface Limits {
  /** cpu.weight, 1 to 10,000; 100 is usual. */
  readonly cpuWeight?: number;
  /** cpu.max: µs of processor time in each period of µs. */
  readonly cpuQuota?: number;
  readonly cpuPeriod?: number;
  /** cpuset.cpus. */
  readonly processors?: readonly number[];
  /** memory.max, memory.high, memory.swap.max; bytes. */
  readonly memoryMaximum?: number;
  readonly memoryHigh?: number;
  readonly swapMaximum?: number;
  /** io.weight, 1 to 10,000; 100 is usual. */
  readonly ioWeight?: number;
  /** io.max: rbps and wbps together, and iops. */
  readonly ioBytesPerSecond?: number;
  readonly ioOperationsPerSecond?: number;
  /** pids.max. */
  readonly pids?: number;
}

/** Limits in version 1's terms. */
export interface LegacyLimits {
  /** cpu.shares, 2 to 262,144; 1024 is usual. */
  readonly shares?: number;
  /** cpu.cfs_quota_us, −1 for none; cpu.cfs_period_us. */
  readonly quota?: number;
  readonly period?: number;
  readonly processors?: readonly number[];
  /** memory.limit_in_bytes, memory.soft_limit_in_bytes, memory.memsw.limit_in_bytes (memory and swap together). */
  readonly memory?: number;
  readonly softMemory?: number;
  readonly memoryAndSwap?: number;
  /** blkio.weight, 10 to 1000; 500 is usual. */
  readonly blockWeight?: number;
  readonly blockBytesPerSecond?: number;
  readonly blockOperationsPerSecond?: number;
  readonly pids?: number;
}

const SHARES = [2, 262_144] as const;
const BLOCK_WEIGHT = [10, 1000] as const;
const WEIGHT = [1, 10_000] as const;
const USUAL_WEIGHT = 100;
const USUAL_PERIOD = 100_000;
const PERIODS = [1_000, 1_000_000] as const;

/** Version 1's numbers as version 2's, as container runtimes translate them (OCI runtimes: crun, cgroup v2 conversion). */
export function fromLegacy(legacy: LegacyLimits): Limits {
  const { shares, quota, period, processors, memory, softMemory, memoryAndSwap, blockWeight } = legacy;
  if (shares !== undefined) inRange("cpu.shares", shares, SHARES);
  if (blockWeight !== undefined) inRange("blkio.weight", blockWeight, BLOCK_WEIGHT);
  if (memory !== undefined && memoryAndSwap !== undefined && memoryAndSwap < memory)
    throw refusal(
      "memory.memsw.limit_in_bytes",
      "is below memory.limit_in_bytes",
      "it counts memory and swap together",
    );
  return defined({
    cpuWeight: shares === undefined ? undefined : scaled(shares, SHARES, WEIGHT),
    cpuQuota: quota === -1 ? undefined : quota,
    cpuPeriod: period,
    processors,
    memoryMaximum: memory,
    memoryHigh: softMemory,
    swapMaximum: memoryAndSwap === undefined || memory === undefined ? undefined : memoryAndSwap - memory,
    ioWeight: blockWeight === undefined ? undefined : scaled(blockWeight, BLOCK_WEIGHT, WEIGHT),
    ioBytesPerSecond: legacy.blockBytesPerSecond,
    ioOperationsPerSecond: legacy.blockOperationsPerSecond,
    pids: legacy.pids,
  });
}

/** @throws UserError for limits that no kernel takes, or that a host of this size cannot give */
export function checkLimits(limits: Limits, host: { processors: number; memory: number }): void {
  const { cpuWeight, cpuQuota, cpuPeriod = USUAL_PERIOD, processors, memoryMaximum, memoryHigh } = limits;
  if (cpuWeight !== undefined) inRange("cpu.weight", cpuWeight, WEIGHT);
  if (limits.ioWeight !== undefined) inRange("io.weight", limits.ioWeight, WEIGHT);
  inRange("cpu.max: period", cpuPeriod, PERIODS);
  if (cpuQuota !== undefined) {
    if (cpuQuota < PERIODS[0])
      throw refusal("cpu.max", `is ${cpuQuota} µs`, `give at least ${PERIODS[0]} µs`);
    if (cpuQuota > host.processors * cpuPeriod)
      throw refusal(
        "cpu.max",
        `asks for ${cpuQuota / cpuPeriod} processors of ${host.processors}`,
        `give at most ${host.processors * cpuPeriod} µs in each ${cpuPeriod} µs`,
      );
  }
  const outside = processors?.find((each) => !Number.isInteger(each) || each < 0 || each >= host.processors);
  if (outside !== undefined)
    throw refusal("cpuset.cpus", `names processor ${outside}`, `the host has 0 to ${host.processors - 1}`);
  if (processors?.length === 0) throw refusal("cpuset.cpus", "is empty", "name at least one processor");
  if (memoryMaximum !== undefined) {
    if (!(memoryMaximum >= PAGE_BYTES))
      throw refusal("memory.max", `is ${memoryMaximum}`, "give at least a page");
    if (memoryMaximum > host.memory)
      throw refusal(
        "memory.max",
        `is ${formatBytes(memoryMaximum)}`,
        `the host has ${formatBytes(host.memory)}`,
      );
    if (memoryHigh !== undefined && memoryHigh > memoryMaximum)
      throw refusal("memory.high", "is above memory.max", "it is reached first, or never");
  }
  for (const [name, value] of [
    ["memory.swap.max", limits.swapMaximum],
    ["io.max: bytes", limits.ioBytesPerSecond],
    ["io.max: operations", limits.ioOperationsPerSecond],
    ["pids.max", limits.pids],
  ] as const)
    if (value !== undefined && !(value >= 0)) throw refusal(name, `is ${value}`, "give 0 or more");
}

/** The scheduler's part. */
export function groupOf(limits: Limits): GroupSpec {
  const { cpuWeight, cpuQuota, cpuPeriod = USUAL_PERIOD, processors } = limits;
  return defined({
    weight: cpuWeight,
    quota: cpuQuota === undefined ? undefined : cpuQuota / cpuPeriod,
    period: cpuQuota === undefined ? undefined : cpuPeriod * US,
    processors,
  });
}

/** The memory's and the disk's part, for what an owner has. */
export function applyLimits(host: Host, owner: OwnerId, limits: Limits): void {
  const pages = (bytes: number | undefined): number | undefined =>
    bytes === undefined ? undefined : Math.floor(bytes / PAGE_BYTES);
  host.memory.limit(
    owner,
    defined({
      maximum: pages(limits.memoryMaximum),
      soft: pages(limits.memoryHigh),
      swap: pages(limits.swapMaximum),
    }),
  );
  host.disk.weigh(owner, limits.ioWeight ?? USUAL_WEIGHT);
  host.disk.throttle(
    owner,
    defined({
      bytesPerSecond: limits.ioBytesPerSecond,
      operationsPerSecond: limits.ioOperationsPerSecond,
    }),
  );
}

/** From one range to another, both ends kept: 1 + (x − 2) × 9999 ÷ 262142 for shares. */
function scaled(value: number, from: readonly [number, number], to: readonly [number, number]): number {
  return to[0] + Math.floor(((value - from[0]) * (to[1] - to[0])) / (from[1] - from[0]));
}

function inRange(name: string, value: number, [least, most]: readonly [number, number]): void {
  if (!(value >= least && value <= most))
    throw refusal(name, `is ${value}`, `give a number from ${least} to ${most}`);
}

function refusal(name: string, what: string, mend: string): UserError {
  return new UserError(`${name} ${what}`, { where: name, mend });
}

type Defined<T> = { [K in keyof T]?: Exclude<T[K], undefined> };

/** Without the entries that are undefined. */
function defined<T extends object>(values: T): Defined<T> {
  return Object.fromEntries(Object.entries(values).filter(([, value]) => value !== undefined)) as Defined<T>;
}
