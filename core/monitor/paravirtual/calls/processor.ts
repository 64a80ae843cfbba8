/** Hypercalls about the processor: traps, stacks, callbacks, descriptors, lazy floating point, ways of helping the guest. */
import { CR0 } from "../../../machine/cpu/control-bits.js";
import { BASE, CR0_WORD, KERNEL_GS_BASE, segmentWord } from "../../../machine/cpu/places.js";
import { FS, GS } from "../../../machine/cpu/state.js";
import {
  ERROR,
  OK,
  RUNSTATE,
  RUNSTATE_RUNNING,
  SEGMENT_BASE,
  SINGLE_SHOT,
  TRAP_MASKS_EVENTS,
  TRAP_RING,
  VCPU,
  VM_ASSIST,
} from "../abi.js";
import type { Arguments, Calls, Domain } from "../call.js";

const VECTORS = 256;
const HIGH = 2 ** 32;

export function processorCalls(domain: Domain): Calls {
  const { access, cpu, core, descriptors } = domain;
  const isWide = access.wordBytes === 8;
  return {
    set_trap_table: (args) => setTrapTable(domain, args.word(0)),
    stack_switch: (args) => {
      cpu.kernelStack.selector = args.low[0]! & 0xffff;
      cpu.kernelStack.pointer = isWide ? args.word(1) : args.low[1]!;
      return OK;
    },
    set_callbacks: (args) => setCallbacks(domain, args, isWide),
    // The guest's lazy floating point: the next use of it traps, or does not.
    fpu_taskswitch: (args) => {
      if (args.low[0] !== 0) core.words[CR0_WORD]! |= CR0.TS;
      else core.words[CR0_WORD]! &= ~CR0.TS;
      core.updateMode();
      return OK;
    },
    set_segment_base: (args) => (isWide ? setSegmentBase(domain, args) : ERROR.unknown),
    set_gdt: (args) => descriptors.setTable(args.word(0), args.low[1]! >>> 0),
    // The machine address is of 64 bits: two words of a 32-bit guest's, as is the descriptor.
    update_descriptor: (args) =>
      isWide
        ? descriptors.update(args.word(0), args.low[1]!, args.high[1]!)
        : descriptors.update(args.low[1]! * HIGH + (args.low[0]! >>> 0), args.low[2]!, args.low[3]!),
    vm_assist: (args) => {
      const [command, kind] = args.low;
      if (kind !== VM_ASSIST.writablePageTables) return ERROR.invalid;
      if (command !== VM_ASSIST.enable && command !== VM_ASSIST.disable) return ERROR.unknown;
      domain.hasWritableTables = command === VM_ASSIST.enable;
      return OK;
    },
    vcpu_op: (args) => (args.low[1] === 0 ? processor(domain, args) : ERROR.noEntry),
  };
}

function setTrapTable({ access, cpu }: Domain, address: number): number {
  const { wordBytes } = access;
  if (address === 0) {
    cpu.traps.clear();
    return OK;
  }
  const bytes = 2 * wordBytes;
  for (let at = address; at < address + VECTORS * bytes; at += bytes) {
    const head = access.read32(at);
    const target = access.readWord(at + wordBytes);
    if (target === 0) return OK;
    const flags = (head >>> 8) & 0xff;
    cpu.traps.set(head & 0xff, {
      selector: cpu.kernelSelector(head >>> 16),
      address: target,
      ring: flags & TRAP_RING,
      masksEvents: (flags & TRAP_MASKS_EVENTS) !== 0,
    });
  }
  return OK;
}

function setCallbacks({ cpu }: Domain, args: Arguments, isWide: boolean): number {
  if (isWide) {
    const at = (index: number) => ({ selector: 0, address: args.word(index) });
    cpu.eventCallback = at(0);
    cpu.failsafeCallback = at(1);
    cpu.syscallCallback = at(2);
  } else {
    const at = (index: number) => ({
      selector: cpu.kernelSelector(args.low[index]! & 0xffff),
      address: args.word(index + 1),
    });
    cpu.eventCallback = at(0);
    cpu.failsafeCallback = at(2);
  }
  return OK;
}

function setSegmentBase({ core }: Domain, args: Arguments): number {
  const places: Readonly<Record<number, number>> = {
    [SEGMENT_BASE.fs]: segmentWord(FS) + BASE,
    [SEGMENT_BASE.gsKernel]: segmentWord(GS) + BASE,
    [SEGMENT_BASE.gsUser]: KERNEL_GS_BASE,
  };
  const place = places[args.low[0]!];
  if (place === undefined || !core.isCanonical(args.high[1]!)) return ERROR.invalid;
  core.words[place] = args.low[1]!;
  core.words[place + 1] = args.high[1]!;
  return OK;
}

/** Of the only virtual processor, which runs whenever the guest asks. */
function processor({ access, time }: Domain, args: Arguments): number {
  switch (args.low[0]) {
    case VCPU.isUp:
      return 1;
    case VCPU.getRunstate: {
      const at = args.word(2);
      const { bytes, times } = RUNSTATE[access.wordBytes === 8 ? 64 : 32];
      for (let offset = 0; offset < bytes; offset += 4) access.write32(at + offset, 0);
      access.write32(at, RUNSTATE_RUNNING);
      access.write64(at + times, time.nanoseconds);
      return OK;
    }
    case VCPU.setSingleShot: {
      const at = args.word(2);
      const timeout = access.read64(at);
      const mustCome = (access.read32(at + SINGLE_SHOT.flags) & SINGLE_SHOT.future) !== 0;
      if (mustCome && timeout <= time.nanoseconds) return ERROR.timePassed;
      time.set(timeout);
      return OK;
    }
    case VCPU.stopSingleShot:
      time.set(0);
      return OK;
    case VCPU.stopPeriodic:
      // There is no periodic timer.
      return OK;
    default:
      return ERROR.unknown;
  }
}
