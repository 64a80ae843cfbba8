/** Hypercalls about what is outside the processor: time, waiting, events, devices, the console, which Xen this is. */
import { ACTIVITY } from "../../../machine/cpu/core.js";
import {
  CONSOLE_WRITE,
  ERROR,
  MACHINE_TO_PHYSICAL,
  MAGIC,
  OK,
  PHYSDEV,
  SCHED,
  SHUTDOWN_NAMES,
  VERSION,
  XEN_VERSION,
} from "../abi.js";
import { type Arguments, type Calls, type Domain, MOST_ELEMENTS } from "../call.js";
import type { GuestAccess } from "../guest-access.js";
import { eventChannel } from "./events.js";

const HIGH = 2 ** 32;
/** COM1's transmitter: the console is the serial line of the guest's board, as with Xen's own. */
const SERIAL_PORT = 0x3f8;
/** What follows the version in its name, and bytes of it and of the capabilities (version.h). */
const EXTRA_VERSION = ".0";
const EXTRA_BYTES = 16;
const CAPABILITY_BYTES = 1024;

/** @param spend cycles of the monitor's work, besides a call's fixed path. */
export function outsideCalls(domain: Domain, spend: (cycles: number) => void): Calls {
  const isWide = domain.access.wordBytes === 8;
  return {
    set_timer_op: (args) => {
      const high = (isWide ? args.high[0]! : args.low[1]!) >>> 0;
      domain.time.set(high * HIGH + (args.low[0]! >>> 0));
      return OK;
    },
    sched_op: (args) => schedule(domain, args, spend),
    event_channel_op: (args) => eventChannel(domain, args.low[0]!, args.word(1)),
    physdev_op: (args) => physicalDevice(domain, args.low[0]!, args.word(1)),
    console_io: (args) => print(domain, args),
    xen_version: (args) => version(domain, args),
  };
}

function schedule(domain: Domain, args: Arguments, spend: (cycles: number) => void): number {
  const { events, core, access, hardware } = domain;
  switch (args.low[0]) {
    case SCHED.yield:
      return OK;
    case SCHED.block:
      events.isMasked = false;
      spend(hardware.machine.costs.halt_schedule);
      if (!events.isPending) core.activity = ACTIVITY.halted;
      return OK;
    case SCHED.shutdown: {
      const reason = access.read32(args.word(1));
      domain.end(`the guest asked to be shut down: ${SHUTDOWN_NAMES[reason] ?? reason}`);
      return OK;
    }
    default:
      return ERROR.unknown;
  }
}

function physicalDevice({ access, cpu }: Domain, command: number, at: number): number {
  if (command === PHYSDEV.setIopl) cpu.ioPrivilege = access.read32(at) & 3;
  else if (command !== PHYSDEV.eoi) return ERROR.unknown;
  return OK;
}

function print({ access, board }: Domain, args: Arguments): number {
  if (args.low[0] !== CONSOLE_WRITE) return ERROR.unknown;
  const count = args.low[1]! >>> 0;
  if (count > MOST_ELEMENTS) return ERROR.invalid;
  const text = args.word(2);
  for (let i = 0; i < count; i++) board.pc.bus.writePort(SERIAL_PORT, 1, access.read8(text + i));
  return OK;
}

/** Text of a fixed length, zeros behind it. */
function writeText(access: GuestAccess, at: number, text: string, bytes: number): void {
  for (let offset = 0; offset < bytes; offset += 2) {
    const code = (index: number): number => (index < text.length ? text.charCodeAt(index) : 0);
    access.write16(at + offset, code(offset) | (code(offset + 1) << 8));
  }
}

function version({ access }: Domain, args: Arguments): number {
  const at = args.word(1);
  switch (args.low[0]) {
    case VERSION.version:
      return XEN_VERSION;
    case VERSION.extra:
      writeText(access, at, EXTRA_VERSION, EXTRA_BYTES);
      return OK;
    case VERSION.capabilities:
      writeText(access, at, MAGIC[access.wordBytes === 8 ? 64 : 32], CAPABILITY_BYTES);
      return OK;
    case VERSION.platformParameters:
      // Where the hypervisor's addresses begin.
      access.writeWord(at, MACHINE_TO_PHYSICAL[access.wordBytes === 8 ? 64 : 32]);
      return OK;
    case VERSION.pageSize:
      return 4096;
    case VERSION.features:
      // No feature changes what a guest has to do.
      if (access.read32(at) !== 0) return ERROR.invalid;
      access.write32(at + 4, 0);
      return OK;
    default:
      return ERROR.unknown;
  }
}
