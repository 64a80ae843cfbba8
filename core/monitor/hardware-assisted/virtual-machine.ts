/**
 * A virtual machine as the kernel side keeps it: its slots of memory, the map or shadow by which the hardware translates them,
 * its interrupt controllers, and its one virtual CPU. The public interface in kvm.ts stands on this, and the PC of user-side.ts.
 */
import { OWNER } from "../../events/memory-owners.js";
import { type Gfn, PAGE_BYTES } from "../../machine/address.js";
import type { Board } from "../../machine/board.js";
import { DEVICE_HOLE } from "../../machine/board-computer.js";
import { CodeMachine, type CodeMachineOptions, type Surroundings } from "../../machine/code-machine.js";
import type { PagingControl } from "../../machine/cpu/host.js";
import type { Interception } from "../../machine/cpu/interception.js";
import type { GuestMemory } from "../../machine/devices/device.js";
import { SHADOWED_CROSSINGS } from "../../machine/execute/code/crossings/names.js";
import type { RunEnd } from "../../machine/execute/code/engine.js";
import { EnginePaging } from "../../machine/execute/code/paging.js";
import { A, D, P, PS, RW, US } from "../../machine/mmu/entry.js";
import { invariant, UnsupportedError } from "../../util/errors.js";
import { GuestRam } from "../guest-ram.js";
import { GuestMap } from "../memory/guest-map.js";
import { HostRuns } from "../memory/host-runs.js";
import { ShadowedPaging, type ShadowedPagingOptions } from "../memory/shadow/shadowed-paging.js";
import { ExitAccounts } from "./exit-accounts.js";
import { InKernelDevices } from "./in-kernel-devices.js";
import { KernelSide } from "./kernel-side.js";
import type { MemorySide } from "./memory-exits.js";
import { type KvmMemoryRegion, MemorySlots } from "./memory-slots.js";
import { type HardwareMonitor, pathOf } from "./monitor-path.js";
import { QueuedInterrupt } from "./queued-interrupt.js";
import { SvmVendor } from "./svm.js";
import type { ApicAssist, Vendor } from "./vendor.js";
import { VmxVendor } from "./vmx.js";

export interface NestedMemory {
  readonly kind: "nested";
  /** log2 of the frames of a host page: 0, 9 or 18. */
  readonly hostOrder: number;
  /** Tagged translations, where the processor has them. */
  readonly vpid: boolean;
  /** Accessed and dirty bits of the nested table, where the processor has them. */
  readonly accessedDirty: boolean;
}

export interface ShadowedMemory {
  readonly kind: "shadow";
  readonly shadow: Omit<ShadowedPagingOptions, "reserved" | "hostOrder">;
  readonly vpid: boolean;
}

/** Parts of the hardware that a guest can do without. */
export interface HardwareAssist {
  /** Module parameters enable_apicv and avic; "kvm" when absent: the first on, the second off. */
  readonly apicAssist?: ApicAssist | undefined;
  /** Loops of PAUSE leave, where the processor can tell; not when absent, for a lone virtual CPU waits for none. */
  readonly pauseLoopExiting?: boolean | undefined;
  /** Whose way exits take to the entry after them; KVM's when absent. */
  readonly monitor?: HardwareMonitor | undefined;
  /** The host's kernel defends itself against speculative execution; not when absent. */
  readonly mitigations?: boolean | undefined;
}

export interface VirtualMachineOptions
  extends HardwareAssist,
    Omit<CodeMachineOptions, "paging" | "nested" | "backedFrames" | "frames" | "asked"> {
  /** Bytes of host memory for the guest; the monitor's own comes on top. */
  readonly memoryBytes: number;
  readonly memory: NestedMemory | ShadowedMemory;
}

/** Makes the devices of which the kernel side has the interrupt controllers, once machine and memory are there. */
export type MakeBoard = (hardware: CodeMachine, memory: GuestMemory) => Board;

/** VPID or ASID of the one guest; 0 is the host's. */
const GUEST_VPID = 1;
const LEVELS = 4;
/** Guest-physical frame where KVM keeps the identity tables. */
const IDENTITY_FRAME = 0xf_ffbc;
const FRAME_WORDS = 1024;
const LEAF_ENTRIES = 512;
/** Tables of the nested dimension above the leaves, control blocks, and the tables of device frames. */
const SPARE_FRAMES = 64;
/** Frames for shadow tables. */
const SHADOW_FRAMES = 4096;
/** Device memory is mapped to host frames from here, where no memory can be: 2 TiB. */
const DEVICE_FRAMES = 2 ** 29;
const DEVICE_BASE = DEVICE_FRAMES * PAGE_BYTES;

/** What gives the guest its frames, and what its control registers do. */
interface Memory {
  readonly side: MemorySide;
  readonly map: GuestMap;
  readonly ram: GuestRam;
  readonly paging: PagingControl;
  readonly vendor: Vendor;
  readonly hasTags: boolean;
}

interface Parts extends Memory {
  readonly kernel: KernelSide;
  readonly board: Board | undefined;
  readonly queued: QueuedInterrupt;
  /** What the kernel side has of the board. */
  readonly chip: InKernelDevices | undefined;
}

export class VirtualMachine {
  readonly hardware: CodeMachine;
  readonly slots: MemorySlots;
  readonly kernel: KernelSide;
  readonly vendor: Vendor;
  /** Memory by guest-physical address: what the user side's mapping of its slots is. */
  readonly ram: GuestRam;
  readonly map: GuestMap;
  /** Undefined where the user side has all devices. */
  readonly board: Board | undefined;
  /** KVM_INTERRUPT, without interrupt controllers of the kernel side's. */
  readonly queued: QueuedInterrupt;
  private readonly side: MemorySide;
  private isLaunched = false;

  /** @throws UnsupportedError where the processor lacks what is asked for. */
  constructor(
    readonly options: VirtualMachineOptions,
    makeBoard: MakeBoard | undefined,
  ) {
    const { profile, memoryBytes, memory } = options;
    const { name, features } = profile;
    if (!features.hardwareAssist) throw new UnsupportedError(`${name} has no VT-x or AMD-V`);
    if (memory.kind === "nested" && !features.nestedPaging)
      throw new UnsupportedError(`${name} has no EPT or NPT`);
    const guestFrames = Math.floor(memoryBytes / PAGE_BYTES);
    const frames = guestFrames + monitorFrames(guestFrames, memory);
    this.slots = new MemorySlots(DEVICE_HOLE / PAGE_BYTES, guestFrames);
    let parts!: Parts;
    this.hardware = new CodeMachine(
      {
        ...options,
        backedFrames: frames,
        frames,
        // Code does PAUSE itself where nobody looks at it.
        ...(this.watchesPauses ? { asked: ["PAUSE"] } : {}),
        paging: features.longMode ? "4-level" : "pae",
        ...(memory.kind === "nested"
          ? {
              nested: { levels: LEVELS, accessedDirty: memory.accessedDirty && features.nestedAccessedDirty },
            }
          : { crossings: SHADOWED_CROSSINGS }),
      },
      (hardware) => {
        parts = this.makeParts(hardware, makeBoard);
        return surroundings(parts);
      },
    );
    this.side = parts.side;
    ({
      kernel: this.kernel,
      vendor: this.vendor,
      ram: this.ram,
      map: this.map,
      board: this.board,
      queued: this.queued,
    } = parts);
    this.hardware.system.reset();
    this.reset();
  }

  private get watchesPauses(): boolean {
    const { assist } = this.options.profile.features;
    const isKnown = assist.includes("PAUSE-LOOP") || assist.includes("PAUSE-FILTER");
    return isKnown && this.options.pauseLoopExiting === true;
  }

  /** KVM_SET_USER_MEMORY_REGION. @throws UserError */
  setMemory(region: KvmMemoryRegion): void {
    const gone = this.slots.set(region);
    if (gone === undefined) return;
    for (let gfn = gone.first; gfn < gone.end; gfn++) this.map.release(gfn);
    this.hardware.machine.mmu.invalidateNested();
    this.hardware.engine.translationsChanged();
  }

  /** Gives all memory at once (MAP_POPULATE). */
  populate(): void {
    for (let gfn = 0; gfn < this.slots.end; gfn++) if (this.slots.has(gfn)) this.map.require(gfn);
  }

  /** The guest's CPU at its start, or with registers that were set: what is real of them follows at the next entry. */
  registersChanged(): void {
    if (this.isLaunched) this.vendor.registersChanged();
  }

  /** The first entry will be a new one: registers are as after reset. */
  reset(): void {
    this.isLaunched = false;
    this.side.shadow?.start();
  }

  /**
   * KVM_RUN: completes what was pending, and runs the guest until the user side is needed: the run page says for what. Returns
   * why the processor stopped where that was the reason ("intr", "hlt").
   * @param instructions come back when so many have completed since the machine was made.
   */
  run(instructions: number): RunEnd | undefined {
    const { kernel, hardware } = this;
    const { engine, system } = hardware;
    let goesOn = this.isLaunched ? kernel.complete() : this.launch();
    if (goesOn && kernel.run.immediateExit) return this.interrupted("stopped");
    while (goesOn) {
      const end = engine.run(instructions);
      engine.stopRequested = false;
      if (end !== "exit") return this.interrupted(end);
      system.resume();
      goesOn = kernel.handle();
    }
    return undefined;
  }

  private launch(): boolean {
    this.isLaunched = true;
    return this.kernel.start();
  }

  private interrupted(end: RunEnd): RunEnd {
    const { run } = this.kernel;
    if (end === "shutdown") run.shutdown.reason = this.hardware.system.core.shutdownReason;
    run.exitReason = end === "shutdown" ? "shutdown" : end === "asleep" ? "hlt" : "intr";
    this.kernel.describeState();
    return end;
  }

  private makeParts(hardware: CodeMachine, makeBoard: MakeBoard | undefined): Parts {
    const memory = this.options.memory.kind === "nested" ? this.nested(hardware) : this.shadowed(hardware);
    const { side, ram, paging, vendor } = memory;
    const board = makeBoard?.(hardware, ram);
    const chip = board && new InKernelDevices(board, this.options.hasApic, vendor);
    const queued = new QueuedInterrupt(() => kernel.run.requestInterruptWindow);
    // The hardware's translations: the guest's own flush would guard again what an exit has let out of sync.
    const translations = side.shadow === undefined ? paging : hardware.paging;
    const { monitor = "kvm", mitigations = false, profile } = this.options;
    const path = pathOf(monitor, mitigations, hardware.machine.costs, profile.vendor);
    const flush = (): void => translations.flushAll(false);
    const accounts = new ExitAccounts(hardware, path, flush, memory.hasTags);
    const interrupts = chip?.interrupts ?? queued;
    const kernel: KernelSide = new KernelSide(hardware, vendor, side, interrupts, chip, accounts);
    return { ...memory, kernel, board, queued, chip };
  }

  private nested(hardware: CodeMachine): Memory {
    const { machine } = hardware;
    const { features, vendor: maker } = machine.profile;
    const { slots } = this;
    const options = this.options.memory as NestedMemory;
    const host = machine.mmu.walker.host;
    invariant(host !== undefined, "the machine has a second dimension");
    const map = new GuestMap(
      machine,
      LEVELS,
      options.hostOrder,
      DEVICE_HOLE / PAGE_BYTES,
      OWNER.nested_tables,
      (gfn) => slots.orderAt(gfn, options.hostOrder),
      0,
      new HostRuns(machine.frames),
    );
    host.root = map.root;
    const vpid = options.vpid && features.vpid ? GUEST_VPID : 0;
    const needsIdentity = machine.nestedFormat === "ept" && !features.assist.includes("UNRESTRICTED-GUEST");
    const identityRoot = needsIdentity ? makeIdentityTables(hardware, map) : undefined;
    const paging = new EnginePaging(machine, hardware.engine, { vpid: GUEST_VPID, identityRoot });
    const { accessedDirty } = host.parts;
    const { apicAssist = "kvm" } = this.options;
    const assist = { apicAssist, pauseLoopExiting: this.watchesPauses };
    const vendor =
      maker === "intel"
        ? new VmxVendor(hardware, { eptRoot: map.root, accessedDirty, vpid, identityRoot, ...assist })
        : new SvmVendor(hardware, { nestedRoot: map.root, asid: GUEST_VPID, ...assist });
    const side: MemorySide = {
      shadow: undefined,
      isMemory: (gfn) => slots.has(gfn),
      populate(gfn) {
        map.populate(gfn);
        const { costs } = machine;
        return costs.ept_violation + costs.host_zero_page * 2 ** map.pageOrder(gfn);
      },
      mapDevice: (gfn) => map.mapFrame(gfn, deviceFrame(gfn)),
      reachDevice(gfn, step) {
        map.mapFrame(gfn, deviceFrame(gfn));
        step();
        map.unmapFrame(gfn);
        // The machine's look-ups; a processor's emulator needs none.
        machine.mmu.invalidateNested();
        hardware.engine.translationsChanged();
      },
    };
    const ram = new GuestRam(hardware, map, slots);
    return { side, map, ram, paging, vendor, hasTags: vpid !== 0 };
  }

  private shadowed(hardware: CodeMachine): Memory {
    const { machine } = hardware;
    const { features, vendor: maker } = machine.profile;
    const { slots } = this;
    const options = this.options.memory as ShadowedMemory;
    const map = new GuestMap(
      machine,
      LEVELS,
      0,
      DEVICE_HOLE / PAGE_BYTES,
      OWNER.monitor_maps,
      undefined,
      0,
      new HostRuns(machine.frames),
    );
    const ram = new GuestRam(hardware, map, slots);
    const paging = new ShadowedPaging(hardware, map, ram, { ...options.shadow, hostOrder: 0 });
    const hasTags = options.vpid && features.vpid;
    const vpid = hasTags ? GUEST_VPID : 0;
    const { apicAssist = "kvm" } = this.options;
    const assist = { apicAssist, pauseLoopExiting: this.watchesPauses };
    const shadowed = { eptRoot: undefined, accessedDirty: false, identityRoot: undefined };
    const vendor =
      maker === "intel"
        ? new VmxVendor(hardware, { ...shadowed, vpid, ...assist })
        : new SvmVendor(hardware, { nestedRoot: undefined, asid: GUEST_VPID, ...assist });
    const never = (): never => invariant(false, "shadowed guests have no violations") as never;
    const side: MemorySide = {
      shadow: paging,
      isMemory: (gfn) => slots.has(gfn),
      populate: never,
      mapDevice: never,
      reachDevice: never,
    };
    return { side, map, ram, paging, vendor, hasTags };
  }
}

function monitorFrames(guestFrames: number, memory: NestedMemory | ShadowedMemory): number {
  const leaves = Math.ceil(guestFrames / LEAF_ENTRIES);
  if (memory.kind === "shadow") return leaves + SHADOW_FRAMES;
  const hostPage = 2 ** memory.hostOrder;
  // A leaf table for each 2 MiB, and what alignment may skip.
  return leaves + SPARE_FRAMES + (hostPage > 1 ? 2 * hostPage : 0);
}

/** What the CPU finds around it: the kernel side between it and the devices. */
function surroundings({ kernel, board, chip, ram, paging, vendor, queued }: Parts): Surroundings {
  const { access } = kernel;
  const interception: Interception = {
    instruction: (instruction) => vendor.interception.instruction(instruction),
    exception: (vector, errorCode, during) => vendor.interception.exception(vector, errorCode, during),
    softwareInterrupt: (vector) => vendor.interception.softwareInterrupt(vector),
    // A virtual interrupt that the next entry delivers does not leave.
    interrupt: () => kernel.interruptLeaves() && vendor.interception.interrupt(),
    nmi: () => kernel.nmiLeaves() && vendor.interception.nmi!(),
    taskSwitch: (selector, kind, flags, during) =>
      kernel.taskSwitchLeaves() && vendor.interception.taskSwitch!(selector, kind, flags, during),
    shutdown: () => vendor.interception.shutdown(),
  };
  const devices = {
    ports: access.ports,
    physical: ram,
    paging,
    interception,
    readMemory: (address: number, size: 1 | 2 | 4) => access.readMemory(guestAddress(address), size),
    writeMemory: (address: number, size: 1 | 2 | 4, value: number) =>
      access.writeMemory(guestAddress(address), size, value),
  };
  if (board !== undefined)
    return { ...board.surroundings(), ...devices, msrs: chip?.msrs, runDue: (now) => kernel.due(now) };
  return {
    ...devices,
    localApic: undefined,
    msrs: undefined,
    interrupts: queued,
    nextDeadline: () => Number.POSITIVE_INFINITY,
    runDue: () => {},
    hasInterrupt: () => queued.hasPending(),
  };
}

const deviceFrame = (gfn: Gfn): number => (gfn < DEVICE_FRAMES ? DEVICE_FRAMES + gfn : gfn);
const guestAddress = (host: number): number => (host >= DEVICE_BASE ? host - DEVICE_BASE : host);

/** One table of 4 MiB pages that maps each address to itself, where the guest cannot see it in its memory map. */
function makeIdentityTables({ machine }: CodeMachine, map: GuestMap): number {
  const frame = machine.frames.takeBacked(OWNER.control_blocks);
  for (let entry = 0; entry < FRAME_WORDS; entry++)
    machine.ram[frame * FRAME_WORDS + entry] = (entry << 22) | P | RW | US | A | D | PS;
  map.mapFrame(IDENTITY_FRAME, frame);
  return IDENTITY_FRAME;
}
