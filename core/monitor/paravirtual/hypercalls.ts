/**
 * Hypercalls: what each does, and its work (xen/include/public). A call that is not here, or of a kind that is not, fails with
 * -ENOSYS, as in a Xen that lacks it.
 */
import { EVENT } from "../../events/events.js";
import type { Hfn } from "../../machine/address.js";
import type { Board } from "../../machine/board.js";
import type { CodeMachine } from "../../machine/code-machine.js";
import { CR0 } from "../../machine/cpu/control-bits.js";
import type { Core } from "../../machine/cpu/core.js";
import { ACTIVITY } from "../../machine/cpu/core.js";
import { GuestFault } from "../../machine/cpu/fault.js";
import { BASE, CR0_WORD, KERNEL_GS_BASE, segmentWord } from "../../machine/cpu/places.js";
import { FS, GS } from "../../machine/cpu/state.js";
import {
  CONSOLE_WRITE,
  ERROR,
  EVENT_OP,
  HYPERCALL,
  MEMORY,
  MMUEXT,
  OK,
  PHYSDEV,
  SCHED,
  SEGMENT_BASE,
  SHUTDOWN_NAMES,
  TRAP_MASKS_EVENTS,
  TRAP_RING,
  UPDATE_BYTES,
  UPDATE_KIND,
  UVMF,
  VCPU,
  VERSION,
  VIRQ_TIMER,
  XEN_VERSION,
} from "./abi.js";
import type { DirectPaging } from "./direct-paging.js";
import type { EventChannels } from "./events.js";
import { USE } from "./frame-types.js";
import type { GuestAccess } from "./guest-access.js";
import type { GuestCpu } from "./guest-cpu.js";
import type { PhysicalIrqs } from "./physical-irqs.js";
import type { VirtualTime } from "./time.js";

/** Most arguments of a call. */
const ARGUMENTS = 6;
const HIGH = 2 ** 32;
const VECTORS = 256;
/** COM1's transmitter: the console is the serial line of the guest's board, as with Xen's own. */
const SERIAL_PORT = 0x3f8;
/** Most elements of one list: where Xen would let others run. */
const MOST_ELEMENTS = 2 ** 20;

/** A call's arguments: words of the guest's, low halves and high ones. */
export class Arguments {
  readonly low = new Int32Array(ARGUMENTS);
  readonly high = new Int32Array(ARGUMENTS);

  constructor(private readonly wordBytes: 4 | 8) {}

  /** As an address or a small number: unsigned of 32 bits, signed of 64. */
  word(index: number): number {
    const low = this.low[index]! >>> 0;
    return this.wordBytes === 4 ? low : this.high[index]! * HIGH + low;
  }
}

/** What hypercalls work on. */
export interface Domain {
  readonly hardware: CodeMachine;
  readonly board: Board;
  readonly cpu: GuestCpu;
  readonly access: GuestAccess;
  readonly paging: DirectPaging;
  readonly events: EventChannels;
  readonly time: VirtualTime;
  readonly irqs: PhysicalIrqs;
  readonly core: Core;
  /** Channel of the timer's events; 0: none. */
  timerChannel: number;
  /** The guest has ended, for this reason. */
  end(reason: string): void;
}

export class Hypercalls {
  private readonly calls: readonly (((args: Arguments) => number) | undefined)[];
  private readonly nested: Arguments;
  private readonly isWide: boolean;
  private work = 0;

  constructor(private readonly domain: Domain) {
    const { wordBytes } = domain.access;
    this.isWide = wordBytes === 8;
    this.nested = new Arguments(wordBytes);
    const calls: ((args: Arguments) => number)[] = [];
    const rows: Partial<Record<keyof typeof HYPERCALL, (args: Arguments) => number>> = {
      set_trap_table: (args) => this.setTrapTable(args.word(0)),
      mmu_update: (args) => this.mmuUpdate(args),
      stack_switch: (args) => this.stackSwitch(args),
      set_callbacks: (args) => this.setCallbacks(args),
      fpu_taskswitch: (args) => this.taskSwitch(args.low[0] !== 0),
      memory_op: (args) => this.memory(args.low[0]!),
      multicall: (args) => this.multicall(args),
      update_va_mapping: (args) => this.updateMapping(args),
      set_timer_op: (args) => this.setTimer(args),
      xen_version: (args) => this.version(args),
      console_io: (args) => this.console(args),
      vcpu_op: (args) =>
        args.low[0] === VCPU.isUp ? (args.low[1] === 0 ? 1 : ERROR.noEntry) : ERROR.unknown,
      set_segment_base: (args) => this.setSegmentBase(args),
      mmuext_op: (args) => this.mmuExtended(args),
      sched_op: (args) => this.schedule(args),
      event_channel_op: (args) => this.eventChannel(args.low[0]!, args.word(1)),
      physdev_op: (args) => this.physicalDevice(args.low[0]!, args.word(1)),
    };
    for (const [name, call] of Object.entries(rows)) calls[HYPERCALL[name as keyof typeof HYPERCALL]] = call;
    this.calls = calls;
  }

  /** Makes a call. Returns its result; iret is not among these. */
  call(number: number, args: Arguments): number {
    const { hardware } = this.domain;
    this.work += hardware.machine.costs.hypercall_dispatch;
    const call = this.calls[number];
    if (call === undefined) return ERROR.unknown;
    try {
      return call(args);
    } catch (fault) {
      if (!(fault instanceof GuestFault)) throw fault;
      return ERROR.fault;
    }
  }

  /** Cycles of work since this was last asked. */
  takeWork(): number {
    const work = this.work + this.domain.paging.takeWork();
    this.work = 0;
    return work;
  }

  // The processor.

  private setTrapTable(address: number): number {
    const { access, cpu } = this.domain;
    const { wordBytes } = access;
    const bytes = 2 * wordBytes;
    for (let at = address; at < address + VECTORS * bytes; at += bytes) {
      const head = access.read32(at);
      const target = access.readWord(at + wordBytes);
      if (target === 0) return OK;
      const flags = (head >>> 8) & 0xff;
      cpu.traps.set(head & 0xff, {
        selector: head >>> 16,
        address: target,
        ring: flags & TRAP_RING,
        masksEvents: (flags & TRAP_MASKS_EVENTS) !== 0,
      });
    }
    return OK;
  }

  private stackSwitch(args: Arguments): number {
    this.domain.cpu.kernelStack = {
      selector: args.low[0]! & 0xffff,
      pointer: this.isWide ? args.word(1) : args.low[1]!,
    };
    return OK;
  }

  private setCallbacks(args: Arguments): number {
    const { cpu } = this.domain;
    if (this.isWide) {
      const at = (index: number) => ({ selector: 0, address: args.word(index) });
      cpu.eventCallback = at(0);
      cpu.failsafeCallback = at(1);
      cpu.syscallCallback = at(2);
    } else {
      const at = (index: number) => ({ selector: args.low[index]! & 0xffff, address: args.word(index + 1) });
      cpu.eventCallback = at(0);
      cpu.failsafeCallback = at(2);
    }
    return OK;
  }

  /** The guest's lazy floating point: the next use of it traps, or does not. */
  private taskSwitch(traps: boolean): number {
    const { core } = this.domain;
    if (traps) core.words[CR0_WORD]! |= CR0.TS;
    else core.words[CR0_WORD]! &= ~CR0.TS;
    core.updateMode();
    return OK;
  }

  private setSegmentBase(args: Arguments): number {
    if (!this.isWide) return ERROR.unknown;
    const { core } = this.domain;
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

  // Memory.

  private mmuUpdate(args: Arguments): number {
    const { access, paging, hardware } = this.domain;
    const list = args.word(0);
    const count = args.low[1]! >>> 0;
    const doneAt = args.word(2);
    if (count > MOST_ELEMENTS) return ERROR.invalid;
    let done = 0;
    let result: number = OK;
    for (; done < count && result === OK; done++) {
      const at = list + done * UPDATE_BYTES;
      const pointer = access.read32(at);
      const kind = pointer & 7;
      const frame = (pointer >>> 12) | (access.read32(at + 4) << 20);
      const low = access.read32(at + 8);
      const high = access.read32(at + 12);
      if (kind === UPDATE_KIND.machineToPhysical) result = ERROR.perm;
      else if (kind > UPDATE_KIND.keepAccessedDirty) result = ERROR.unknown;
      else if (!paging.update(frame, (pointer & 0xfff) >>> 3, low, high)) result = ERROR.invalid;
    }
    hardware.machine.counters.events[EVENT.mmu_updates]! += done;
    if (doneAt !== 0) access.write32(doneAt, result === OK ? done : done - 1);
    return result;
  }

  private updateMapping(args: Arguments): number {
    const { paging, hardware } = this.domain;
    const address = args.word(0);
    const low = args.low[1]!;
    const high = this.isWide ? args.high[1]! : args.low[2]!;
    const flags = args.low[this.isWide ? 2 : 3]!;
    const entry = paging.lowestEntry(address);
    hardware.machine.counters.events[EVENT.mmu_updates]!++;
    if (entry === undefined || !paging.update(entry.table, entry.index, low, high)) return ERROR.invalid;
    const kind = flags & UVMF.kind;
    if (kind === UVMF.flush) paging.flushAll();
    else if (kind === UVMF.invalidate) paging.invalidate(address);
    return OK;
  }

  private mmuExtended(args: Arguments): number {
    const { access } = this.domain;
    const list = args.word(0);
    const count = args.low[1]! >>> 0;
    const doneAt = args.word(2);
    if (count > MOST_ELEMENTS) return ERROR.invalid;
    let done = 0;
    let result: number = OK;
    for (; done < count && result === OK; done++) {
      const { wordBytes } = access;
      const at = list + done * 3 * wordBytes;
      result = this.extended(access.read32(at), access.readWord(at + wordBytes));
    }
    if (doneAt !== 0) access.write32(doneAt, result === OK ? done : done - 1);
    return result;
  }

  private extended(command: number, argument: number): number {
    const { paging } = this.domain;
    const check = (isDone: boolean): number => (isDone ? OK : ERROR.invalid);
    const frame = this.frameOf(argument);
    switch (command) {
      case MMUEXT.pinL1:
      case MMUEXT.pinL2:
      case MMUEXT.pinL3:
      case MMUEXT.pinL4: {
        this.domain.hardware.machine.counters.events[EVENT.tables_pinned]!++;
        return check(paging.pin(frame, USE.l1 + command - MMUEXT.pinL1));
      }
      case MMUEXT.unpin:
        return check(paging.unpin(frame));
      case MMUEXT.newBase:
        return check(paging.loadKernelRoot(frame));
      case MMUEXT.newUserBase:
        return this.isWide ? check(paging.loadUserRoot(argument === 0 ? -1 : frame)) : ERROR.unknown;
      case MMUEXT.flushLocal:
      case MMUEXT.flushAll:
        paging.flushAll();
        return OK;
      case MMUEXT.invalidateLocal:
      case MMUEXT.invalidateAll:
        paging.invalidate(argument);
        return OK;
      default:
        return ERROR.unknown;
    }
  }

  /** A frame number of the guest's; one that no machine has is not the guest's either. */
  private frameOf(argument: number): Hfn {
    const { frames } = this.domain.hardware.machine.options;
    return argument >= 0 && argument < frames ? argument : frames;
  }

  private memory(command: number): number {
    const isAsked = command === MEMORY.currentReservation || command === MEMORY.maximumReservation;
    return isAsked ? this.domain.paging.guestFrameCount : ERROR.unknown;
  }

  // Time, events, devices.

  private setTimer(args: Arguments): number {
    const low = args.low[0]! >>> 0;
    const high = (this.isWide ? args.high[0]! : args.low[1]!) >>> 0;
    this.domain.time.set(high * HIGH + low);
    return OK;
  }

  private schedule(args: Arguments): number {
    const { events, core, access, hardware } = this.domain;
    switch (args.low[0]) {
      case SCHED.yield:
        return OK;
      case SCHED.block:
        events.isMasked = false;
        this.work += hardware.machine.costs.halt_schedule;
        if (!events.isPending) core.activity = ACTIVITY.halted;
        return OK;
      case SCHED.shutdown: {
        const reason = access.read32(args.word(1));
        this.domain.end(`the guest asked to be shut down: ${SHUTDOWN_NAMES[reason] ?? reason}`);
        return OK;
      }
      default:
        return ERROR.unknown;
    }
  }

  private eventChannel(command: number, at: number): number {
    const { access, events, irqs } = this.domain;
    switch (command) {
      case EVENT_OP.bindVirq: {
        if (access.read32(at) !== VIRQ_TIMER || access.read32(at + 4) !== 0) return ERROR.invalid;
        const channel = events.bind();
        if (channel === 0) return ERROR.busy;
        access.write32(at + 8, channel);
        this.domain.timerChannel = channel;
        return OK;
      }
      case EVENT_OP.bindPirq: {
        const irq = access.read32(at);
        if (!irqs.isFree(irq)) return ERROR.busy;
        const channel = events.bind();
        if (channel === 0) return ERROR.busy;
        access.write32(at + 8, channel);
        irqs.bind(irq, channel);
        return OK;
      }
      case EVENT_OP.send: {
        const channel = access.read32(at);
        if (!events.isBound(channel)) return ERROR.invalid;
        events.send(channel);
        return OK;
      }
      case EVENT_OP.unmask:
        return events.unmask(access.read32(at) >>> 0);
      default:
        return ERROR.unknown;
    }
  }

  private physicalDevice(command: number, at: number): number {
    const { access, cpu } = this.domain;
    if (command === PHYSDEV.setIopl) cpu.ioPrivilege = access.read32(at) & 3;
    else if (command !== PHYSDEV.eoi) return ERROR.unknown;
    return OK;
  }

  private console(args: Arguments): number {
    if (args.low[0] !== CONSOLE_WRITE) return ERROR.unknown;
    const { access, board } = this.domain;
    const count = args.low[1]! >>> 0;
    if (count > MOST_ELEMENTS) return ERROR.invalid;
    const text = args.word(2);
    for (let i = 0; i < count; i++) board.pc.bus.writePort(SERIAL_PORT, 1, access.read8(text + i));
    return OK;
  }

  private version(args: Arguments): number {
    const { access } = this.domain;
    const at = args.word(1);
    switch (args.low[0]) {
      case VERSION.version:
        return XEN_VERSION;
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

  private multicall(args: Arguments): number {
    const { access } = this.domain;
    const { wordBytes } = access;
    const count = args.low[1]! >>> 0;
    if (count > MOST_ELEMENTS) return ERROR.invalid;
    const { nested } = this;
    for (let i = 0; i < count; i++) {
      const at = args.word(0) + i * (2 + ARGUMENTS) * wordBytes;
      const number = access.readWord(at);
      for (let index = 0; index < ARGUMENTS; index++) {
        const place = at + (2 + index) * wordBytes;
        nested.low[index] = access.read32(place);
        nested.high[index] = this.isWide ? access.read32(place + 4) : 0;
      }
      // A list in a list would end nowhere.
      const result = number === HYPERCALL.multicall ? ERROR.invalid : this.call(number, nested);
      access.writeWord(at + wordBytes, result);
    }
    return OK;
  }
}
