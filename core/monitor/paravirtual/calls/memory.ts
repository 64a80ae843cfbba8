/** Hypercalls about memory: updates of tables, roots, pins, flushes, reservations. */
import { EVENT } from "../../../events/events.js";
import type { Hfn } from "../../../machine/address.js";
import { ERROR, MEMORY, MMUEXT, OK, UPDATE_BYTES, UPDATE_KIND, UVMF } from "../abi.js";
import { type Arguments, type Calls, type Domain, MOST_ELEMENTS } from "../call.js";
import { USE } from "../frame-types.js";

const ENTRY_BYTES = 8;

export function memoryCalls(domain: Domain): Calls {
  return {
    mmu_update: (args) =>
      eachOf(domain, args, (at) => {
        domain.hardware.machine.counters.events[EVENT.mmu_updates]!++;
        return update(domain, args.word(0) + at * UPDATE_BYTES);
      }),
    update_va_mapping: (args) => updateMapping(domain, args),
    mmuext_op: (args) => {
      const { access } = domain;
      const { wordBytes } = access;
      return eachOf(domain, args, (index) => {
        const at = args.word(0) + index * 3 * wordBytes;
        return extended(domain, access.read32(at), access.readWord(at + wordBytes));
      });
    },
    memory_op: (args) => {
      const isAsked = args.low[0] === MEMORY.currentReservation || args.low[0] === MEMORY.maximumReservation;
      return isAsked ? domain.paging.guestFrameCount : ERROR.unknown;
    },
  };
}

/** A list's elements one by one, up to the first that fails; how many were done goes where the guest wants it. */
function eachOf({ access }: Domain, args: Arguments, act: (index: number) => number): number {
  const count = args.low[1]! >>> 0;
  const doneAt = args.word(2);
  if (count > MOST_ELEMENTS) return ERROR.invalid;
  let done = 0;
  let result: number = OK;
  for (; done < count && result === OK; done++) result = act(done);
  if (doneAt !== 0) access.write32(doneAt, result === OK ? done : done - 1);
  return result;
}

function update({ access, paging }: Domain, at: number): number {
  const pointer = access.read32(at);
  const kind = pointer & (ENTRY_BYTES - 1);
  const frame = (pointer >>> 12) | (access.read32(at + 4) << 20);
  if (kind === UPDATE_KIND.machineToPhysical) return ERROR.perm;
  if (kind > UPDATE_KIND.keepAccessedDirty) return ERROR.unknown;
  const index = (pointer & 0xfff) >>> 3;
  return paging.update(frame, index, access.read32(at + 8), access.read32(at + 12)) ? OK : ERROR.invalid;
}

function updateMapping({ access, paging, hardware }: Domain, args: Arguments): number {
  const isWide = access.wordBytes === 8;
  const address = args.word(0);
  const low = args.low[1]!;
  const high = isWide ? args.high[1]! : args.low[2]!;
  const flags = args.low[isWide ? 2 : 3]!;
  const entry = paging.lowestEntry(address);
  hardware.machine.counters.events[EVENT.mmu_updates]!++;
  if (entry === undefined || !paging.update(entry.table, entry.index, low, high)) return ERROR.invalid;
  const kind = flags & UVMF.kind;
  if (kind === UVMF.flush) paging.flushAll();
  else if (kind === UVMF.invalidate) paging.invalidate(address);
  return OK;
}

function extended({ access, paging, hardware }: Domain, command: number, argument: number): number {
  const check = (isDone: boolean): number => (isDone ? OK : ERROR.invalid);
  const frame = frameOf(argument, hardware.machine.options.frames);
  const isWide = access.wordBytes === 8;
  switch (command) {
    case MMUEXT.pinL1:
    case MMUEXT.pinL2:
    case MMUEXT.pinL3:
    case MMUEXT.pinL4:
      hardware.machine.counters.events[EVENT.tables_pinned]!++;
      return check(paging.pin(frame, USE.l1 + command - MMUEXT.pinL1));
    case MMUEXT.unpin:
      return check(paging.unpin(frame));
    case MMUEXT.newBase:
      return check(paging.loadKernelRoot(frame));
    case MMUEXT.newUserBase:
      return isWide ? check(paging.loadUserRoot(argument === 0 ? -1 : frame)) : ERROR.unknown;
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
const frameOf = (argument: number, frames: number): Hfn =>
  argument >= 0 && argument < frames ? argument : frames;
