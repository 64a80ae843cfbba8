/**
 * From a cell's configuration to a machine with a guest on it: how much memory each part needs, the machine, and the
 * virtual CPU of the technique. Runs and traces begin here.
 */
import type { CostName } from "../events/costs.js";
import type { CpuProfile } from "../events/profile.js";
import { guestMemoryFor } from "../guest/kernel/sizing.js";
import type { WorkloadFootprint } from "../guest/workloads/workload.js";
import { Machine, type MachineOptions } from "../machine/machine.js";
import { PAGING_FORMATS } from "../machine/mmu/format.js";
import { AgileVcpu } from "../monitor/memory/agile/vcpu.js";
import { DirectVcpu } from "../monitor/memory/direct/vcpu.js";
import { flatTableFrames } from "../monitor/memory/guest-map.js";
import type { MachineVcpu, VcpuOptions } from "../monitor/memory/machine-vcpu.js";
import { NestedVcpu } from "../monitor/memory/nested/vcpu.js";
import { ParavirtualVcpu } from "../monitor/memory/paravirtual/vcpu.js";
import { ShadowVcpu } from "../monitor/memory/shadow/vcpu.js";
import { UnsupportedError } from "../util/errors.js";
import { formatBytes, PAGE_SIZES, TIB } from "../util/units.js";
import type { CellConfig } from "./config.js";
import { machineProfile } from "./machine-profile.js";

/** Physical addresses have 52 bits. Xen's maps of all machine frames are arrays of this process: 1 GiB each at most. */
const mostMemory = (technique: string): number => (technique === "paravirtual/direct" ? TIB : 4096 * TIB);

/** Tables to spare: roots, upper levels, areas. */
const SPARE_TABLES = 256;

export interface Assembly {
  readonly profile: CpuProfile;
  readonly machine: Machine;
  readonly vcpu: MachineVcpu;
}

/** @throws UnsupportedError when the machine's memory, or the linear memory behind it, is too small. */
export function assemble(
  config: CellConfig,
  footprint: WorkloadFootprint,
  options: Pick<MachineOptions, "observer" | "driver"> = {},
): Assembly {
  const profile = machineProfile(config.machine);
  const { technique } = config;
  const isAgile = technique === "hardware/agile";
  const isNested = technique === "hardware/nested" || isAgile;
  const isVirtual = technique.startsWith("hardware/");
  const hostOrder = isVirtual ? Math.log2(PAGE_SIZES[config.host.page] / 4096) : 0;
  const largePages = technique !== "paravirtual/direct";
  const memory = guestMemory(config, footprint, hostOrder, largePages);
  const tables = isVirtual ? monitorTables(config, memory, hostOrder) : 0;
  // Alignment may skip up to a host page at the start of each zone.
  const backedFrames = memory.backedFrames + tables + 2 ** hostOrder;
  const maps = technique === "paravirtual/direct" ? Math.ceil((memory.frames * 16) / 4096) + 2 : 0;
  const needed = technique === "native" ? memory.frames : memory.frames + tables + maps + 2 * 2 ** hostOrder;
  const machine = new Machine({
    profile,
    costs: config.machine.costs as Partial<Record<CostName, number>>,
    paging: config.guest.paging,
    ...(isNested
      ? {
          nested: {
            levels: config.host.levels,
            // Agile paging's policy reads the nested table's dirty bits, so the proposal has them.
            accessedDirty: isAgile || (config.host.accessedDirty && profile.features.nestedAccessedDirty),
            agile: isAgile,
          },
        }
      : {}),
    backedFrames: technique === "native" ? memory.backedFrames : backedFrames,
    frames: machineFrames(config, needed),
    caches: config.machine.caches,
    walkCaches: config.machine.walkCaches,
    tlb: config.machine.tlb,
    seed: config.seed,
    ...options,
  });
  return {
    profile,
    machine,
    vcpu: makeVcpu(config, machine, { memory, features: featuresOf(config, profile) }, hostOrder),
  };
}

function makeVcpu(
  config: CellConfig,
  machine: Machine,
  options: VcpuOptions,
  hostOrder: number,
): MachineVcpu {
  const { host, shadow, agile } = config;
  const vpid = host.vpid && machine.profile.features.vpid;
  switch (config.technique) {
    case "native":
      return new DirectVcpu(machine, options);
    case "hardware/nested":
      return new NestedVcpu(machine, {
        ...options,
        hostOrder,
        levels: host.levels,
        vpid,
        populate: host.populate,
      });
    case "hardware/agile":
      return new AgileVcpu(machine, {
        ...options,
        hostOrder,
        levels: host.levels,
        vpid,
        populate: host.populate,
        startsNested: agile.start === "nested",
        writes: agile.writes,
        settle: agile.settle,
        interval: agile.interval,
        marksDirty: agile.dirtyBits,
        rootCache: agile.rootCache,
      });
    case "hardware/shadow":
      return new ShadowVcpu(machine, {
        ...options,
        hostOrder,
        vpid,
        populate: host.populate,
        eager: shadow.fill === "eager",
        outOfSync: shadow.outOfSync,
        reuse: shadow.reuse,
        keepGlobal: shadow.keepGlobal,
        prefetch: shadow.prefetch,
        maximumTables: shadow.maximumTables,
        writeFlood: shadow.writeFlood,
      });
    case "paravirtual/direct":
      return new ParavirtualVcpu(machine, { ...options, batch: config.paravirtual.batch });
    default:
      throw new UnsupportedError(`no such technique: ${config.technique}`);
  }
}

/** What CPUID shows the guest. A shadowed guest and a Xen PV guest see no PCIDs; a PV guest no large pages. */
function featuresOf(config: CellConfig, profile: CpuProfile): VcpuOptions["features"] {
  const { features } = profile;
  const ownsCr3 = ["native", "hardware/nested", "hardware/agile"].includes(config.technique);
  const largePages = config.technique !== "paravirtual/direct";
  return {
    pcid: ownsCr3 && features.pcid && config.guest.pcid,
    invpcid: ownsCr3 && features.invpcid && config.guest.pcid,
    largePages,
    page1G: largePages && features.page1G,
  };
}

/** The guest's memory, rounded up to whole host pages. */
function guestMemory(
  config: CellConfig,
  footprint: WorkloadFootprint,
  hostOrder: number,
  largePages: boolean,
): VcpuOptions["memory"] {
  const memory = guestMemoryFor(footprint, PAGING_FORMATS[config.guest.paging], config.page, largePages);
  const page = 2 ** hostOrder;
  const round = (frames: number): number => Math.ceil(frames / page) * page;
  const backedFrames = round(memory.backedFrames);
  return { backedFrames, frames: backedFrames + round(memory.frames - memory.backedFrames) };
}

/** Frames that a monitor's tables may need: its map of guest memory, and shadows of every guest table and of splits. */
function monitorTables(config: CellConfig, memory: VcpuOptions["memory"], hostOrder: number): number {
  if (config.technique === "hardware/nested" && config.host.levels === 1)
    // As many again, since it is aligned to its size.
    return 2 * flatTableFrames(memory.frames) + SPARE_TABLES;
  const mapLeaves = Math.ceil(memory.frames / 512 / 2 ** hostOrder) + 1;
  // Agile paging splits host pages around guest tables.
  const splits4K = config.technique === "hardware/agile" ? Math.ceil(memory.backedFrames / 512) : 0;
  const map = mapLeaves + Math.ceil(mapLeaves / 512) + splits4K + SPARE_TABLES;
  if (config.technique === "hardware/nested") return map;
  const splits = 2 * Math.ceil(memory.frames / 512) + SPARE_TABLES;
  const shadows = memory.backedFrames + splits;
  const maximumTables = config.technique === "hardware/shadow" ? config.shadow.maximumTables : 0;
  return map + (maximumTables > 0 ? Math.min(shadows, maximumTables + SPARE_TABLES) : shadows);
}

function machineFrames(config: CellConfig, needed: number): number {
  const { memory } = config.machine;
  const most = mostMemory(config.technique);
  if (Math.max(memory, needed * 4096) > most) {
    const asked = formatBytes(Math.max(memory, needed * 4096));
    throw new UnsupportedError(
      `a machine of ${asked} is more than ${config.technique} has here, ${formatBytes(most)}`,
    );
  }
  if (memory === 0) return needed;
  const frames = Math.floor(memory / 4096);
  if (frames >= needed) return frames;
  throw new UnsupportedError(
    `machine.memory is ${formatBytes(memory)}, but this cell needs ${formatBytes(needed * 4096)}`,
  );
}
