/**
 * A computer that a hardware-assisted monitor shows its guest: VT-x or AMD-V, with nested paging. Memory is given at first
 * touch, in host pages of the size asked for; the video hole and what is left over at the end have smaller ones.
 */
import { OWNER } from "../../events/memory-owners.js";
import { type ComputerOptions, VIDEO_END, VIDEO_FIRST } from "../../machine/computer.js";
import { EnginePaging } from "../../machine/execute/code/paging.js";
import { A, D, P, PS, RW, US } from "../../machine/mmu/entry.js";
import { invariant, UnsupportedError } from "../../util/errors.js";
import { GuestRam } from "../guest-ram.js";
import { GuestMap } from "../memory/guest-map.js";
import { ShadowedPaging, type ShadowedPagingOptions } from "../memory/shadow/shadowed-paging.js";
import { type MadeMonitor, type MonitorParts, VirtualComputer } from "../virtual-computer.js";
import { HardwareMonitor } from "./monitor.js";
import { SvmVendor } from "./svm.js";
import { VmxVendor } from "./vmx.js";

export interface HardwareShadowOptions {
  readonly shadow: Omit<ShadowedPagingOptions, "reserved" | "hostOrder">;
  readonly vpid: boolean;
}

export interface HardwareOptions {
  /** log2 of the frames of a host page: 0, 9 or 18. */
  readonly hostOrder: number;
  /** Tagged translations, where the processor has them. */
  readonly vpid: boolean;
  /** Accessed and dirty bits of the nested table, where the processor has them. */
  readonly accessedDirty: boolean;
  /** All memory at the start. */
  readonly populate: boolean;
}

/** VPID or ASID of the one guest; 0 is the host's. */
const GUEST_VPID = 1;
const LEVELS = 4;
/** Guest-physical frame where KVM keeps the identity tables. */
const IDENTITY_FRAME = 0xf_ffbc;
const FRAME_WORDS = 1024;
/** Tables of the nested dimension above the leaves, control blocks, and the tables of device frames. */
const SPARE_FRAMES = 64;
/** Frames for shadow tables. */
const SHADOW_FRAMES = 4096;
/** Device memory is mapped to host frames from here, where no memory can be: 2 TiB. */
const DEVICE_FRAMES = 2 ** 29;
const DEVICE_BASE = DEVICE_FRAMES * 4096;

export function makeHardwareComputer(options: ComputerOptions, choice: HardwareOptions): VirtualComputer {
  const { profile, memoryBytes } = options;
  const { features } = profile;
  if (!features.nestedPaging) throw new UnsupportedError(`${profile.name} has no EPT or NPT`);
  const guestFrames = Math.floor(memoryBytes / 4096);
  const hostPage = 2 ** choice.hostOrder;
  return new VirtualComputer(options, {
    // A leaf table for each 2 MiB, and what alignment may skip.
    monitorFrames: Math.ceil(guestFrames / 512) + SPARE_FRAMES + (hostPage > 1 ? 2 * hostPage : 0),
    machine: {
      paging: features.longMode ? "4-level" : "pae",
      nested: { levels: LEVELS, accessedDirty: choice.accessedDirty && features.nestedAccessedDirty },
    },
    make: (parts) => makeNested(parts, choice),
  });
}

/**
 * The same with shadow paging: page faults, loads of CR3 and INVLPG leave. Where the processor has no EPT or NPT there is no
 * other way.
 */
export function makeHardwareShadowComputer(
  options: ComputerOptions,
  choice: HardwareShadowOptions,
): VirtualComputer {
  const { name, features } = options.profile;
  if (!features.hardwareAssist) throw new UnsupportedError(`${name} has no VT-x or AMD-V`);
  return new VirtualComputer(options, {
    monitorFrames: Math.ceil(options.memoryBytes / 4096 / 512) + SHADOW_FRAMES,
    // Quick crossings would read CR3 and invalidate pages unseen.
    machine: { paging: features.longMode ? "4-level" : "pae", crossings: false },
    make: (parts) => makeShadowed(parts, choice),
  });
}

function makeShadowed(
  { hardware, board, guestFrames }: MonitorParts,
  choice: HardwareShadowOptions,
): MadeMonitor {
  const { machine } = hardware;
  const { features } = machine.profile;
  const map = new GuestMap(machine, LEVELS, 0, guestFrames, OWNER.monitor_maps);
  const ram = new GuestRam(hardware, map, guestFrames);
  const shadow = new ShadowedPaging(hardware, map, ram, { ...choice.shadow, hostOrder: 0 });
  const hasTags = choice.vpid && features.vpid;
  const vendor =
    machine.profile.vendor === "intel"
      ? new VmxVendor(hardware, {
          eptRoot: undefined,
          accessedDirty: false,
          vpid: hasTags ? GUEST_VPID : 0,
          identityRoot: undefined,
        })
      : new SvmVendor(hardware, { nestedRoot: undefined, asid: GUEST_VPID });
  const memory = { shadow, violation: () => -1 };
  const monitor = new HardwareMonitor(
    hardware,
    board,
    vendor,
    memory,
    shadow,
    hasTags ? undefined : () => hardware.paging.flushAll(false),
  );
  const { kernel } = monitor;
  return {
    monitor,
    ram,
    devices: {
      ports: kernel.ports,
      readMemory: (address, size) => kernel.readMemory(address, size),
      writeMemory: (address, size, value) => kernel.writeMemory(address, size, value),
    },
  };
}

function makeNested({ hardware, board, guestFrames }: MonitorParts, choice: HardwareOptions): MadeMonitor {
  const { machine, engine } = hardware;
  const { features } = machine.profile;
  const host = machine.mmu.walker.host;
  invariant(host !== undefined, "the machine has a second dimension");
  const map = new GuestMap(machine, LEVELS, choice.hostOrder, guestFrames, OWNER.nested_tables, (gfn) =>
    hostOrderAt(gfn, choice.hostOrder, guestFrames),
  );
  host.root = map.root;
  const ram = new GuestRam(hardware, map, guestFrames);
  const vpid = choice.vpid && features.vpid ? GUEST_VPID : 0;
  const needsIdentity = machine.nestedFormat === "ept" && !features.assist.includes("UNRESTRICTED-GUEST");
  const identityRoot = needsIdentity ? makeIdentityTables(hardware.machine, map) : undefined;
  const paging = new EnginePaging(machine, engine, { vpid: GUEST_VPID, identityRoot });
  const vendor =
    machine.profile.vendor === "intel"
      ? new VmxVendor(hardware, {
          eptRoot: map.root,
          accessedDirty: host.parts.accessedDirty,
          vpid,
          identityRoot,
        })
      : new SvmVendor(hardware, { nestedRoot: map.root, asid: GUEST_VPID });
  if (choice.populate) populate(map, ram, guestFrames);
  const memory = {
    /** The guest frame gets its memory; a device's is mapped to where no memory is, and its accesses leave one by one. */
    shadow: undefined,
    violation(gfn: number): number {
      if (ram.isDevice(gfn)) {
        map.mapFrame(gfn, gfn < DEVICE_FRAMES ? DEVICE_FRAMES + gfn : gfn);
        return -1;
      }
      map.populate(gfn);
      const { costs } = machine;
      return costs.ept_violation + costs.host_zero_page * 2 ** map.pageOrder(gfn);
    },
  };
  const monitor = new HardwareMonitor(
    hardware,
    board,
    vendor,
    memory,
    paging,
    vpid === 0 ? () => paging.flushAll(false) : undefined,
  );
  const { kernel } = monitor;
  return {
    monitor,
    ram,
    devices: {
      ports: kernel.ports,
      readMemory: (address, size) => kernel.readMemory(guestAddress(address), size),
      writeMemory: (address, size, value) => kernel.writeMemory(guestAddress(address), size, value),
    },
  };
}

const guestAddress = (host: number): number => (host >= DEVICE_BASE ? host - DEVICE_BASE : host);

/** The largest host page, of those up to an order, around a guest frame that lies wholly in memory. */
function hostOrderAt(gfn: number, most: number, guestFrames: number): number {
  for (const order of [18, 9]) {
    if (order > most) continue;
    const first = gfn - (gfn % 2 ** order);
    const end = first + 2 ** order;
    const meetsVideo = first < VIDEO_END && end > VIDEO_FIRST;
    if (end <= guestFrames && !meetsVideo) return order;
  }
  return 0;
}

function populate(map: GuestMap, ram: GuestRam, guestFrames: number): void {
  for (let gfn = 0; gfn < guestFrames; gfn++) if (!ram.isDevice(gfn)) map.require(gfn);
}

/** One table of 4 MiB pages that maps each address to itself, where the guest cannot see it in its memory map. */
function makeIdentityTables(machine: MonitorParts["hardware"]["machine"], map: GuestMap): number {
  const frame = machine.frames.takeBacked(OWNER.control_blocks);
  for (let entry = 0; entry < FRAME_WORDS; entry++)
    machine.ram[frame * FRAME_WORDS + entry] = (entry << 22) | P | RW | US | A | D | PS;
  map.mapFrame(IDENTITY_FRAME, frame);
  return IDENTITY_FRAME;
}
