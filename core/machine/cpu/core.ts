/**
 * The processor core as the system side sees it: the state of state.ts by name, what is not in linear memory (activity,
 * interrupt shadow, NMI blocking), and the small steps that every system instruction is made of. One object for each CPU;
 * the files beside it are functions of it.
 *
 * 64-bit values are two int32 halves; a function that yields one returns the low half and leaves the high one in `high`.
 * RF is not kept: IRET and POPF drop it, and the images that faults push have it set, so that only an interrupt between
 * IRET and the next instruction could tell. Hot code: nothing here allocates.
 */
import { CYCLES } from "../../events/categories.js";
import type { Costs } from "../../events/costs.js";
import { addressOf, type Gva, highHalf, lowHalf } from "../address.js";
import { flagKind } from "../execute/code/flags.js";
import type { Instruction } from "../x86/instruction.js";
import { CR0, CR4, EFER } from "./control-bits.js";
import { Descriptor } from "./descriptor.js";
import type { CpuHost, LinearAccess } from "./host.js";
import type { Interception, SwitchKind, Vectoring } from "./interception.js";
import { type Event, newEvent } from "./interrupts/event.js";
import { modeWordOf } from "./mode.js";
import {
  CR0_WORD,
  CR4_WORD,
  EFER_WORD,
  FAULT_ADDRESS,
  FLAG_EXTRA,
  FLAG_KIND,
  FLAGS,
  GENERAL,
  GENERATION,
  MODE_WORD,
  NMI_BLOCKED,
  PRIVILEGE,
  RIP,
  RIP_HIGH,
  SELECTOR,
  segmentWord,
} from "./places.js";
import type { Processor } from "./processor.js";
import { Stack } from "./stack.js";
import { ARITHMETIC_FLAGS, CODE_64, type CpuState, MODE, RFLAGS } from "./state.js";
import type { UnfinishedSwitch } from "./transfers/task-switch.js";

/** What the CPU is doing (SDM vol. 3, 25.4.2). */
export const ACTIVITY = { active: 0, halted: 1, shutdown: 2 } as const;

/** What the last instruction keeps away from the next one's start: interrupts (STI), and debug traps too (MOV SS). */
export const SHADOW = { none: 0, interrupts: 1, interruptsAndTraps: 2 } as const;

const EXPLICIT_FLAGS = flagKind("explicit", 1);
/** RFLAGS that an image has or may set; RF is not among them. */
const FLAGS_KEPT =
  RFLAGS.TF |
  RFLAGS.IF |
  RFLAGS.DF |
  RFLAGS.IOPL |
  RFLAGS.NT |
  RFLAGS.VM |
  RFLAGS.AC |
  RFLAGS.VIF |
  RFLAGS.VIP |
  RFLAGS.ID;
/** Flags that the mode word depends on. */
const MODE_FLAGS = RFLAGS.TF | RFLAGS.VM | RFLAGS.AC;

export class Core {
  readonly words: Int32Array;
  readonly memory: LinearAccess;

  /** Upper half of a result. */
  high = 0;
  /** RIP of the instruction after the one being executed. */
  nextLow = 0;
  nextHigh = 0;

  activity: number = ACTIVITY.active;
  /** Why the CPU shut down: what could not be delivered. */
  shutdownReason = "";
  shadow: number = SHADOW.none;
  nmiPending = false;
  /** Something left for the monitor, which has not taken it yet. */
  hasExited = false;
  /** The system's instruction that is being performed, where one is. */
  performing: Instruction | undefined;
  /** A monitor does an instruction in its guest's stead. */
  isEmulating = false;
  /** A monitor's software delivers the guest's events: it counts `softwareDeliveries`, and charges for them. */
  deliversInSoftware = false;
  softwareDeliveries = 0;

  /** Preallocated: the code and the other segment under consideration, those that a return goes to, and a gate. */
  readonly code: Descriptor;
  readonly data: Descriptor;
  readonly returnCode: Descriptor;
  readonly returnData: Descriptor;
  readonly gate: Descriptor;
  readonly stack: Stack;
  readonly outerStack: Stack;
  readonly event: Event = newEvent();

  constructor(
    readonly state: CpuState,
    readonly host: CpuHost,
    readonly processor: Processor,
    readonly costs: Costs,
    readonly interception: Interception | undefined = undefined,
  ) {
    this.words = state.words;
    this.memory = host.memory;
    this.code = new Descriptor(this);
    this.data = new Descriptor(this);
    this.returnCode = new Descriptor(this);
    this.returnData = new Descriptor(this);
    this.gate = new Descriptor(this);
    this.stack = new Stack(this);
    this.outerStack = new Stack(this);
  }

  /** From the delivery of an NMI to the next IRET (SDM vol. 3, 6.7.1). */
  get nmiBlocked(): boolean {
    return this.words[NMI_BLOCKED] !== 0;
  }
  set nmiBlocked(on: boolean) {
    this.words[NMI_BLOCKED] = on ? 1 : 0;
  }

  /** Descriptor tables or control registers changed: what the engine remembers of crossings may not hold any more. */
  forgetCrossings(): void {
    this.words[GENERATION] = (this.words[GENERATION]! + 1) | 0;
  }

  /** Linear address of a page fault that has not been delivered to the guest. */
  get faultAddress(): Gva {
    return addressOf(this.words[FAULT_ADDRESS + 1]!, this.words[FAULT_ADDRESS]!);
  }
  set faultAddress(linear: Gva) {
    this.words[FAULT_ADDRESS] = lowHalf(linear);
    this.words[FAULT_ADDRESS + 1] = highHalf(linear);
  }

  /** Whether an exception leaves for the monitor instead of being delivered; a page fault's address is `faultAddress`. */
  leaves(vector: number, errorCode: number, during: Vectoring | undefined): boolean {
    if (this.interception?.exception(vector, errorCode, during) !== true) return false;
    this.hasExited = true;
    return true;
  }

  /** A task switch whose rest left for the monitor (transfers/task-switch.ts). */
  unfinishedSwitch: UnfinishedSwitch | undefined;

  /** Whether a task switch leaves for the monitor instead of being made. @param event that came to a task gate. */
  leavesForTask(selector: number, by: SwitchKind, flags: number, event: Event | undefined): boolean {
    const during = event && { vector: event.vector, kind: event.kind, errorCode: event.errorCode };
    if (this.interception?.taskSwitch?.(selector, by, flags, during) !== true) return false;
    this.hasExited = true;
    return true;
  }

  // Modes.

  get mode(): number {
    return this.words[MODE_WORD]!;
  }
  get cpl(): number {
    return this.words[PRIVILEGE]!;
  }
  get isUser(): boolean {
    return this.words[PRIVILEGE] === 3;
  }
  get isProtected(): boolean {
    return (this.words[CR0_WORD]! & CR0.PE) !== 0;
  }
  get isVirtual8086(): boolean {
    return (this.words[FLAGS]! & RFLAGS.VM) !== 0;
  }
  /** IA-32e mode: 64-bit or compatibility mode. */
  get isLong(): boolean {
    return (this.words[EFER_WORD]! & EFER.LMA) !== 0;
  }
  get is64BitCode(): boolean {
    return (this.words[MODE_WORD]! & MODE.codeSize) === CODE_64;
  }
  get ioPrivilege(): number {
    return (this.words[FLAGS]! >> 12) & 3;
  }

  /** The same where only segments, TS, TF or AC changed: code stays where it is, so the engine is told of a new mode word alone. */
  refreshMode(): void {
    const mode = modeWordOf(this.words);
    if (mode !== this.words[MODE_WORD]) this.updateMode();
  }

  /** Recomputes the mode word, and tells the engine. Call after a change of CS, SS, CPL, CR0, EFER, TF, VM or AC. */
  updateMode(): void {
    this.words[MODE_WORD] = modeWordOf(this.words);
    this.host.modeChanged();
  }

  /** Bits of a linear address are sign-extended from 47, or from 56 under CR4.LA57 (SDM vol. 1, 3.3.7.1). */
  isCanonical(high: number): boolean {
    const shift = (this.words[CR4_WORD]! & CR4.LA57) === 0 ? 16 : 7;
    return (high << shift) >> shift === high;
  }

  // Registers.

  /** 1 (low byte), 2, 4 or 8 bytes of a general register; the high half is in `high`. */
  register(number: number, size: number): number {
    const low = this.words[GENERAL + 2 * number]!;
    if (size === 8) {
      this.high = this.words[GENERAL + 2 * number + 1]!;
      return low;
    }
    this.high = 0;
    return size === 4 ? low : size === 2 ? low & 0xffff : low & 0xff;
  }

  /** Writes a general register: 4 bytes clear the upper half, 1 (low byte) and 2 keep the rest. */
  setRegister(number: number, size: number, low: number, high = 0): void {
    const at = GENERAL + 2 * number;
    if (size >= 4) {
      this.words[at] = low;
      this.words[at + 1] = size === 8 ? high : 0;
    } else if (size === 2) this.words[at] = (this.words[at]! & ~0xffff) | (low & 0xffff);
    else this.words[at] = (this.words[at]! & ~0xff) | (low & 0xff);
  }

  selector(segment: number): number {
    return this.words[segmentWord(segment) + SELECTOR]!;
  }

  /** Sets RIP; outside 64-bit code the high half is to be 0. */
  jump(low: number, high: number): void {
    this.words[RIP] = low;
    this.words[RIP_HIGH] = high;
  }

  // Flags.

  /** RFLAGS, all of it. */
  readFlags(): number {
    const { words } = this;
    const arithmetic =
      words[FLAG_KIND] === EXPLICIT_FLAGS
        ? words[FLAG_EXTRA]! & ARITHMETIC_FLAGS
        : this.host.arithmeticFlags();
    return (words[FLAGS]! & FLAGS_KEPT) | arithmetic | RFLAGS.reserved1;
  }

  /** Replaces RFLAGS. Returns whether the mode word depends on what changed. */
  writeFlags(value: number): boolean {
    const { words } = this;
    const before = words[FLAGS]!;
    words[FLAG_KIND] = EXPLICIT_FLAGS;
    words[FLAG_EXTRA] = value & ARITHMETIC_FLAGS;
    words[FLAGS] = (value & FLAGS_KEPT) | RFLAGS.reserved1;
    return ((before ^ value) & MODE_FLAGS) !== 0;
  }

  /** Changes flags that are neither arithmetic nor in the mode word. */
  setSystemFlags(clear: number, set: number): void {
    this.words[FLAGS] = (this.words[FLAGS]! & ~clear) | set;
  }

  setZeroFlag(on: boolean): void {
    this.writeFlags((this.readFlags() & ~RFLAGS.ZF) | (on ? RFLAGS.ZF : 0));
  }

  // Accounting.

  /** Cycles of the software's own work, at its privilege; an instruction that a monitor emulates is the monitor's work. */
  charge(cycles: number): void {
    if (this.isEmulating) return;
    this.host.charge(this.isUser ? CYCLES.guest_user : CYCLES.guest_kernel, cycles);
  }

  /** The processor's own work on a way into a kernel or out of it, unless a monitor's software does it in its stead. */
  chargeCrossing(category: number, cycles: number): void {
    if (!this.isEmulating) this.host.charge(category, cycles);
  }
}
