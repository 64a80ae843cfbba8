/** How a guest begins: its memory, what it is given (domain.ts), the monitor's parts for it, the processor's first state. */
import { OWNER } from "../../events/memory-owners.js";
import type { ParavirtualKernel } from "../../machine/computer.js";
import { CR0, CR4, EFER } from "../../machine/cpu/control-bits.js";
import type { Core } from "../../machine/cpu/core.js";
import { RFLAGS } from "../../machine/cpu/state.js";
import type { StartState } from "../../machine/cpu/system-unit.js";
import { invariant, UnsupportedError } from "../../util/errors.js";
import type { MonitorParts } from "../virtual-computer.js";
import { SELECTORS } from "./abi.js";
import type { Domain } from "./call.js";
import { DirectPaging } from "./direct-paging.js";
import { type BuiltDomain, buildDomain } from "./domain.js";
import { EventChannels } from "./events.js";
import { OWNED_BY } from "./frame-types.js";
import { GuestAccess } from "./guest-access.js";
import type { GuestCpu } from "./guest-cpu.js";
import { GuestCpu32 } from "./guest-cpu-32.js";
import { GuestCpu64 } from "./guest-cpu-64.js";
import { GuestDescriptors } from "./guest-descriptors.js";
import { HypervisorSpace } from "./hypervisor-space.js";
import { PhysicalIrqs } from "./physical-irqs.js";
import { VirtualTime } from "./time.js";

/** Ring of a guest's kernel. */
const KERNEL_RING = { 32: 1, 64: 3 } as const;
/** Present, flat; of the ring that follows: code of 32 bits, of 64 bits, data. */
const CODE_32 = 0xc0_9b00;
const CODE_64 = 0xa0_9b00;
const DATA = 0xc0_9300;
const RING_SHIFT = 13;
const REGISTER_NAMES = [
  ...["rax", "rcx", "rdx", "rbx", "rsp", "rbp", "rsi", "rdi"],
  ...["r8", "r9", "r10", "r11", "r12", "r13", "r14", "r15"],
];

/** What the guest's parts tell the monitor. */
interface Told {
  timerExpired(): void;
  end(reason: string): void;
}

/** @throws UnsupportedError for a kernel that this machine cannot run */
export function startDomain(parts: MonitorParts, xen: ParavirtualKernel, told: Told): Domain {
  const { hardware, board, guestFrames } = parts;
  const { machine, system } = hardware;
  const { profile } = machine;
  const { bits } = xen;
  if (bits === 64 && !profile.features.longMode)
    throw new UnsupportedError(`${profile.name} has no long mode, in which this kernel runs`);
  const space = new HypervisorSpace(hardware, bits);
  const shared = machine.frames.takeBacked(OWNER.monitor_memory);
  const frames = Int32Array.from({ length: guestFrames }, () =>
    machine.frames.takeBacked(OWNER.guest_memory),
  );
  const toGuest = new Int32Array(machine.options.frames).fill(-1);
  for (const [guest, frame] of frames.entries()) toGuest[frame] = guest;
  space.mapFrames(toGuest);
  const paging = new DirectPaging(hardware, bits, space, guestFrames);
  for (const frame of frames) paging.types.setOwner(frame, OWNED_BY.guest);
  paging.types.setOwner(shared, OWNED_BY.shared);
  const built = buildDomain(hardware, xen, frames, shared);

  const wordBytes = bits === 32 ? 4 : 8;
  const { core } = system;
  const access = new GuestAccess(() => system.core, wordBytes);
  const events = new EventChannels(hardware, shared, wordBytes);
  const cyclesPerSecond = profile.frequencyMHz * 1e6;
  const now = (): number => hardware.engine.now();
  const time = new VirtualTime(board.pc.schedule, cyclesPerSecond, now, told.timerExpired);
  time.share(events);
  const irqs = new PhysicalIrqs(board.pc);
  irqs.start();
  const descriptors = new GuestDescriptors(hardware, paging, space, access, KERNEL_RING[bits]);
  const cpu = makeCpu(bits, () => system.core, access, events, paging);
  startProcessor(parts, xen, space, built);
  const isPinned = paging.pin(built.root, paging.topUse) && paging.loadKernelRoot(built.root);
  invariant(isPinned, "the tables that the guest is given are valid");
  paging.takeWork();
  return {
    ...{ hardware, board, access, events, paging, descriptors, time, irqs, core, cpu },
    timerChannel: 0,
    hasWritableTables: false,
    end: told.end,
  };
}

function makeCpu(
  bits: 32 | 64,
  core: () => Core,
  access: GuestAccess,
  events: EventChannels,
  paging: DirectPaging,
): GuestCpu {
  if (bits === 32) return new GuestCpu32(core, access, events);
  return new GuestCpu64(core, access, events, (isKernel) => {
    if (!isKernel && paging.userRoot < 0) return false;
    paging.switchTo(isKernel);
    return true;
  });
}

function startProcessor(
  { hardware: { system, machine } }: MonitorParts,
  { bits, entry }: ParavirtualKernel,
  space: HypervisorSpace,
  { root, stack, startInfo }: BuiltDomain,
): void {
  const isWide = bits === 64;
  const flat = (selector: number, attributes: number) => ({
    ...{ selector, base: 0, limit: 0xffff_ffff },
    attributes: attributes | (KERNEL_RING[bits] << RING_SHIFT),
  });
  const { kernelCode, kernelData } = SELECTORS[bits];
  const none = { selector: 0, base: 0, limit: 0, attributes: 0 };
  const data = flat(kernelData, DATA);
  const registers = Object.fromEntries(
    REGISTER_NAMES.map((name) => [name, name === "rsp" ? stack : name === "rsi" ? startInfo : 0]),
  ) as StartState["registers"];
  system.start({
    rip: entry,
    rflags: RFLAGS.IF | RFLAGS.reserved1,
    registers,
    segments: {
      ...{ es: data, ss: data, ds: data, fs: data, gs: data, ldtr: none, tr: none },
      cs: flat(kernelCode, isWide ? CODE_64 : CODE_32),
    },
    gdtr: { base: space.descriptors, limit: space.descriptorsLimit },
    idtr: { base: 0, limit: 0 },
    cr0: CR0.PE | CR0.MP | CR0.NE | CR0.WP | CR0.PG,
    cr3: root * 4096,
    cr4: CR4.PAE | CR4.OSFXSR | CR4.OSXMMEXCPT | (isWide ? CR4.PGE : 0),
    efer: (isWide ? EFER.LME | EFER.LMA | EFER.SCE : 0) | (machine.profile.features.nx ? EFER.NXE : 0),
  });
}
