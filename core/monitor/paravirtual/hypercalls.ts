/**
 * Hypercalls by number: what each does is in calls/. A call that is not there, or of a kind that is not, fails with -ENOSYS,
 * as in a Xen that lacks it.
 */
import { EVENT } from "../../events/events.js";
import { GuestFault } from "../../machine/cpu/fault.js";
import { ERROR, HYPERCALL, OK } from "./abi.js";
import { ARGUMENTS, Arguments, type Call, type Domain, MOST_ELEMENTS } from "./call.js";
import { memoryCalls } from "./calls/memory.js";
import { outsideCalls } from "./calls/outside.js";
import { processorCalls } from "./calls/processor.js";
import { grantCalls } from "./grants.js";

/** The event that counts a call; others are counted as others. */
const EVENT_OF: Readonly<Partial<Record<keyof typeof HYPERCALL, number>>> = {
  mmu_update: EVENT.hypercalls_mmu_update,
  update_va_mapping: EVENT.hypercalls_mmu_update,
  mmuext_op: EVENT.hypercalls_mmuext,
  multicall: EVENT.hypercalls_multicall,
  stack_switch: EVENT.hypercalls_stack_switch,
  fpu_taskswitch: EVENT.hypercalls_fpu_taskswitch,
  iret: EVENT.hypercalls_iret,
  set_timer_op: EVENT.hypercalls_timer,
  sched_op: EVENT.hypercalls_sched,
};

export class Hypercalls {
  private readonly calls: (Call | undefined)[] = [];
  /** Event of each call. */
  private readonly kinds: number[] = [];
  private readonly nested: Arguments;
  private work = 0;

  constructor(private readonly domain: Domain) {
    this.nested = new Arguments(domain.access.wordBytes);
    const rows = {
      ...processorCalls(domain),
      ...memoryCalls(domain),
      ...outsideCalls(domain, (cycles) => {
        this.work += cycles;
      }),
      ...grantCalls(domain),
      multicall: (args: Arguments) => this.multicall(args),
    };
    for (const [name, number] of Object.entries(HYPERCALL)) {
      this.calls[number] = rows[name as keyof typeof rows];
      this.kinds[number] = EVENT_OF[name as keyof typeof HYPERCALL] ?? EVENT.hypercalls_other;
    }
  }

  /** Makes a call. Returns its result; iret is not among these, but counted. */
  call(number: number, args: Arguments): number {
    this.count(number);
    this.work += this.domain.hardware.machine.costs.hypercall_dispatch;
    const call = this.calls[number];
    if (call === undefined) return ERROR.unknown;
    try {
      return call(args);
    } catch (fault) {
      if (!(fault instanceof GuestFault)) throw fault;
      return ERROR.fault;
    }
  }

  count(number: number): void {
    const { events } = this.domain.hardware.machine.counters;
    events[this.kinds[number] ?? EVENT.hypercalls_other]!++;
  }

  /** Cycles of work since this was last asked. */
  takeWork(): number {
    const work = this.work + this.domain.paging.takeWork();
    this.work = 0;
    return work;
  }

  private multicall(args: Arguments): number {
    const { access } = this.domain;
    const { wordBytes } = access;
    const count = args.low[1]! >>> 0;
    const list = args.word(0);
    if (count > MOST_ELEMENTS) return ERROR.invalid;
    const { nested } = this;
    for (let i = 0; i < count; i++) {
      const at = list + i * (2 + ARGUMENTS) * wordBytes;
      const number = access.readWord(at);
      for (let index = 0; index < ARGUMENTS; index++) {
        const place = at + (2 + index) * wordBytes;
        nested.low[index] = access.read32(place);
        nested.high[index] = wordBytes === 8 ? access.read32(place + 4) : 0;
      }
      // A list in a list would end nowhere.
      const result = number === HYPERCALL.multicall ? ERROR.invalid : this.call(number, nested);
      access.writeWord(at + wordBytes, result);
    }
    return OK;
  }
}
