/** What a hypercall is: its arguments, what it works on, and the table that has them by name. */
import type { Board } from "../../machine/board.js";
import type { CodeMachine } from "../../machine/code-machine.js";
import type { Core } from "../../machine/cpu/core.js";
import type { HYPERCALL } from "./abi.js";
import type { DirectPaging } from "./direct-paging.js";
import type { EventChannels } from "./events.js";
import type { GuestAccess } from "./guest-access.js";
import type { GuestCpu } from "./guest-cpu.js";
import type { GuestDescriptors } from "./guest-descriptors.js";
import type { PhysicalIrqs } from "./physical-irqs.js";
import type { VirtualTime } from "./time.js";

/** Most arguments of a call. */
export const ARGUMENTS = 6;
const HIGH = 2 ** 32;
/** Most elements of one list: where Xen would let others run. */
export const MOST_ELEMENTS = 2 ** 20;

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
  readonly descriptors: GuestDescriptors;
  readonly events: EventChannels;
  readonly time: VirtualTime;
  readonly irqs: PhysicalIrqs;
  readonly core: Core;
  /** Channel of the timer's events; 0: none. */
  timerChannel: number;
  /** Stores to lowest tables are emulated (VMASST_TYPE_writable_pagetables). */
  hasWritableTables: boolean;
  /** The guest has ended, for this reason. */
  end(reason: string): void;
}

/** Makes a call. @returns its result. @throws GuestFault where the guest's memory cannot be read or written */
export type Call = (args: Arguments) => number;
export type Calls = Readonly<Partial<Record<keyof typeof HYPERCALL, Call>>>;
