/**
 * The local APIC's MSRs: IA32_APIC_BASE, IA32_TSC_DEADLINE and the x2APIC registers at 0x800 (Intel SDM vol. 3,
 * "Extended xAPIC (x2APIC)": register address space, state transitions, reserved bits). An access that must fault
 * says so; raising #GP(0) is the CPU's part.
 */
import type { LocalApic } from "./local-apic.js";
import { LVT_WRITABLE } from "./local-vector-table.js";
import {
  BASE_BOOTSTRAP,
  BASE_ENABLED,
  BASE_X2APIC,
  COMMAND_MASK,
  REGISTER,
  SET_REGISTERS,
  SPURIOUS_ENABLED,
  SPURIOUS_FOCUS,
  SPURIOUS_NO_BROADCAST,
  VECTOR,
  X2APIC_FIRST,
  X2APIC_LAST,
} from "./registers.js";

export const IA32_APIC_BASE = 0x1b;
export const IA32_TSC_DEADLINE = 0x6e0;

const TWO_32 = 0x1_0000_0000;
const PAGE_MASK = 0xffff_f000;
const BASE_FLAGS = BASE_BOOTSTRAP | BASE_X2APIC | BASE_ENABLED;

/** A 64-bit value as two unsigned halves. */
export interface MsrValue {
  readonly low: number;
  readonly high: number;
}

/** Bits that may be written, by register; a register that is not here faults when written. */
const WRITABLE = new Map<number, number>([
  ...LVT_WRITABLE,
  [REGISTER.taskPriority, 0xff],
  [REGISTER.endOfInterrupt, 0],
  [REGISTER.spurious, VECTOR | SPURIOUS_ENABLED | SPURIOUS_FOCUS | SPURIOUS_NO_BROADCAST],
  [REGISTER.errorStatus, 0],
  [REGISTER.commandLow, COMMAND_MASK],
  [REGISTER.initialCount, 0xffff_ffff],
  [REGISTER.divide, 0x0b],
  [REGISTER.selfIpi, VECTOR],
]);

/** Registers that can be read besides the writable ones. */
const READ_ONLY: readonly number[] = [
  REGISTER.id,
  REGISTER.version,
  REGISTER.processorPriority,
  REGISTER.logicalDestination,
  REGISTER.currentCount,
];
const WRITE_ONLY: readonly number[] = [REGISTER.endOfInterrupt, REGISTER.selfIpi];

export interface LocalApicMsrsOptions {
  /** CPUID.1:ECX.x2APIC. */
  readonly hasX2Apic: boolean;
  /** CPUID.1:ECX.TSC-Deadline. */
  readonly hasTscDeadline: boolean;
  readonly physicalAddressBits: number;
  /** Runs the deadlines that have passed, as the bus does before an access. */
  readonly catchUp: () => void;
}

export class LocalApicMsrs {
  constructor(
    private readonly apic: LocalApic,
    private readonly options: LocalApicMsrsOptions,
  ) {}

  /** Whether an MSR is this device's. */
  owns(msr: number): boolean {
    return (
      msr === IA32_APIC_BASE ||
      (msr === IA32_TSC_DEADLINE && this.options.hasTscDeadline) ||
      (this.options.hasX2Apic && msr >= X2APIC_FIRST && msr <= X2APIC_LAST)
    );
  }

  /** RDMSR of an MSR that this device owns; undefined when it faults. */
  read(msr: number): MsrValue | undefined {
    this.options.catchUp();
    const { apic } = this;
    if (msr === IA32_APIC_BASE) {
      const { base, flags } = apic.apicBase;
      return { low: ((base % TWO_32) + flags) >>> 0, high: Math.floor(base / TWO_32) };
    }
    if (msr === IA32_TSC_DEADLINE) return apic.timer.tscDeadline;
    const register = msr - X2APIC_FIRST;
    if (!apic.isX2Apic || !isReadable(register)) return undefined;
    const high = register === REGISTER.commandLow ? apic.read(REGISTER.commandHigh) : 0;
    return { low: apic.read(register), high };
  }

  /** WRMSR of an MSR that this device owns; halves unsigned. False when it faults. */
  write(msr: number, low: number, high: number): boolean {
    this.options.catchUp();
    const { apic } = this;
    if (msr === IA32_APIC_BASE) return this.writeBase(low, high);
    if (msr === IA32_TSC_DEADLINE) {
      apic.timer.writeTscDeadline(low, high);
      return true;
    }
    const register = msr - X2APIC_FIRST;
    const writable = WRITABLE.get(register);
    if (!apic.isX2Apic || writable === undefined || (low & ~writable) !== 0) return false;
    if (register === REGISTER.commandLow) apic.write(REGISTER.commandHigh, high);
    else if (high !== 0) return false;
    if (register === REGISTER.selfIpi) apic.sendSelf(low);
    else apic.write(register, low);
    return true;
  }

  /** Of the modes, x2APIC is entered from xAPIC only and left by disabling only. */
  private writeBase(low: number, high: number): boolean {
    const { apic, options } = this;
    const flags = low & ~PAGE_MASK;
    const allowed = options.hasX2Apic ? BASE_FLAGS : BASE_FLAGS & ~BASE_X2APIC;
    if ((flags & ~allowed) !== 0) return false;
    const base = high * TWO_32 + ((low & PAGE_MASK) >>> 0);
    if (base >= 2 ** options.physicalAddressBits) return false;
    const toX2Apic = (flags & BASE_X2APIC) !== 0;
    const toEnabled = (flags & BASE_ENABLED) !== 0;
    if (toX2Apic && !(toEnabled && apic.isEnabled)) return false;
    if (apic.isX2Apic && toEnabled && !toX2Apic) return false;
    apic.setApicBase(base, flags);
    return true;
  }
}

function isReadable(register: number): boolean {
  if (register >= REGISTER.inService && register < REGISTER.requests + SET_REGISTERS) return true;
  return READ_ONLY.includes(register) || (WRITABLE.has(register) && !WRITE_ONLY.includes(register));
}
