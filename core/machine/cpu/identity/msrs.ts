/**
 * RDMSR and WRMSR (SDM vol. 2; vol. 4). Registers live in one of three places: the CPU's state, where instructions need them;
 * devices (the local APIC's); and here, those that merely keep what is written, each with the bits it allows. A register
 * that the processor does not have is #GP(0), and remembered: a guest that probes is normal, one that depends on it is
 * worth knowing.
 */
import { EVENT } from "../../../events/events.js";
import { CR0, EFER } from "../control-bits.js";
import type { Core } from "../core.js";
import { generalProtection } from "../fault.js";
import {
  BASE,
  CR0_WORD,
  CSTAR,
  EFER_WORD,
  FMASK,
  KERNEL_GS_BASE,
  LSTAR,
  RAX,
  RCX,
  RDX,
  STAR,
  SYSENTER_CS,
  SYSENTER_EIP,
  SYSENTER_ESP,
  segmentWord,
  TIME_STAMP_OFFSET,
} from "../places.js";
import { FS, GS } from "../state.js";
import { type KeptMsr, keptMsrs } from "./kept-msrs.js";
import { MSR } from "./msr-numbers.js";

/** What a register in the state may hold. */
type Check = "any" | "canonical" | "word";
const IN_STATE = new Map<number, readonly [word: number, check: Check]>([
  [MSR.star, [STAR, "any"]],
  [MSR.lstar, [LSTAR, "canonical"]],
  [MSR.cstar, [CSTAR, "canonical"]],
  [MSR.fmask, [FMASK, "word"]],
  [MSR.kernelGsBase, [KERNEL_GS_BASE, "canonical"]],
  [MSR.fsBase, [segmentWord(FS) + BASE, "canonical"]],
  [MSR.gsBase, [segmentWord(GS) + BASE, "canonical"]],
  [MSR.sysenterCs, [SYSENTER_CS, "any"]],
  [MSR.sysenterEsp, [SYSENTER_ESP, "canonical"]],
  [MSR.sysenterEip, [SYSENTER_EIP, "canonical"]],
]);
/** Those of the state that come with long mode. */
const LONG_ONLY: ReadonlySet<number> = new Set([
  MSR.fsBase,
  MSR.gsBase,
  MSR.kernelGsBase,
  MSR.lstar,
  MSR.cstar,
]);

export interface MsrState {
  /** Register, low half, high half. */
  readonly kept: readonly (readonly [number, number, number])[];
  readonly unknown: readonly (readonly [number, number])[];
}

export class Msrs {
  /** Result of a read. */
  low = 0;
  high = 0;
  /** Registers that do not exist but were asked for: how often. */
  readonly unknown = new Map<number, number>();
  private readonly kept: Map<number, KeptMsr>;

  constructor(private readonly core: Core) {
    this.kept = keptMsrs(core.processor);
  }

  /** As RESET# leaves the registers that are kept here. */
  reset(): void {
    for (const [register, fresh] of keptMsrs(this.core.processor)) this.kept.set(register, fresh);
    this.setOffset(0, 0);
  }

  /** The low half of a kept register. */
  keptLow(register: number): number {
    return this.kept.get(register)?.low ?? 0;
  }

  /** Reads a register into `low` and `high`; false: there is none. */
  read(register: number): boolean {
    const { words, host } = this.core;
    if (host.msrs?.owns(register)) {
      const value = host.msrs.read(register);
      return value !== undefined && this.found(value.low | 0, value.high | 0);
    }
    const inState = this.inState(register);
    if (inState !== undefined) return this.found(words[inState[0]]!, words[inState[0] + 1]!);
    switch (register) {
      case MSR.efer:
        return this.found(words[EFER_WORD]!, 0);
      case MSR.timeStampCounter:
        this.readTimeStamp();
        return true;
    }
    if (register === MSR.tscAdjust && this.core.processor.features.has("TSC-ADJUST"))
      return this.found(words[TIME_STAMP_OFFSET]!, words[TIME_STAMP_OFFSET + 1]!);
    const kept = this.kept.get(register);
    return kept !== undefined && this.found(kept.low, kept.high);
  }

  /** Writes a register; false: there is none, or not with this value. */
  write(register: number, low: number, high: number): boolean {
    const { core } = this;
    const { msrs } = core.host;
    if (msrs?.owns(register)) return msrs.write(register, low >>> 0, high >>> 0);
    const inState = this.inState(register);
    if (inState !== undefined) return this.writeState(inState, low, high);
    if (register === MSR.efer) return writeEfer(core, low, high);
    if (register === MSR.timeStampCounter) return this.writeTimeStamp(low, high);
    if (register === MSR.tscAdjust && core.processor.features.has("TSC-ADJUST"))
      return this.setOffset(low, high);
    const kept = this.kept.get(register);
    if (kept === undefined || !kept.allows(low, high)) return false;
    if (!kept.ignoresWrites) {
      kept.low = low;
      kept.high = high;
    }
    return true;
  }

  /** The time-stamp counter into `low` and `high`: cycles since reset, and what the guest added. */
  readTimeStamp(): void {
    const { words, host } = this.core;
    const cycles = Math.floor(host.time());
    const base = cycles | 0;
    this.low = (base + words[TIME_STAMP_OFFSET]!) | 0;
    const carry = this.low >>> 0 < base >>> 0 ? 1 : 0;
    this.high = (Math.floor(cycles / 0x1_0000_0000) + words[TIME_STAMP_OFFSET + 1]! + carry) | 0;
  }

  save(): MsrState {
    return {
      kept: Array.from(this.kept, ([register, { low, high }]) => [register, low, high] as const),
      unknown: [...this.unknown],
    };
  }

  restore(state: MsrState): void {
    for (const [register, low, high] of state.kept) Object.assign(this.kept.get(register)!, { low, high });
    this.unknown.clear();
    for (const [register, count] of state.unknown) this.unknown.set(register, count);
  }

  private found(low: number, high: number): boolean {
    this.low = low;
    this.high = high;
    return true;
  }

  private inState(register: number): readonly [number, Check] | undefined {
    if (LONG_ONLY.has(register) && !this.core.processor.features.has("LM")) return undefined;
    return IN_STATE.get(register);
  }

  private writeState([word, check]: readonly [number, Check], low: number, high: number): boolean {
    const { core } = this;
    if (check === "canonical" && !core.isCanonical(high)) return false;
    if (check === "word" && high !== 0) return false;
    core.words[word] = low;
    core.words[word + 1] = high;
    return true;
  }

  private writeTimeStamp(low: number, high: number): boolean {
    this.readTimeStamp();
    const difference = (low - this.low) | 0;
    const borrow = low >>> 0 < this.low >>> 0 ? 1 : 0;
    const differenceHigh = (high - this.high - borrow) | 0;
    const { words } = this.core;
    const sum = (words[TIME_STAMP_OFFSET]! + difference) | 0;
    const carry = sum >>> 0 < difference >>> 0 ? 1 : 0;
    return this.setOffset(sum, (words[TIME_STAMP_OFFSET + 1]! + differenceHigh + carry) | 0);
  }

  /** IA32_TSC_ADJUST: what is added to cycles since the machine was made. */
  private setOffset(low: number, high: number): boolean {
    const { words, host } = this.core;
    words[TIME_STAMP_OFFSET] = low;
    words[TIME_STAMP_OFFSET + 1] = high;
    const { localApic } = host;
    if (localApic !== undefined) localApic.timer.tscOffset = high * 0x1_0000_0000 + (low >>> 0);
    return true;
  }
}

/** LME may not change while paging is on; LMA is the processor's own. */
function writeEfer(core: Core, low: number, high: number): boolean {
  const { words, processor } = core;
  const before = words[EFER_WORD]!;
  const efer = (low & ~EFER.LMA) | (before & EFER.LMA);
  const changed = efer ^ before;
  const isPaging = (words[CR0_WORD]! & CR0.PG) !== 0;
  if (high !== 0 || (low & ~processor.eferDefined) !== 0 || ((changed & EFER.LME) !== 0 && isPaging))
    return false;
  words[EFER_WORD] = efer;
  core.forgetCrossings();
  if ((changed & EFER.NXE) !== 0) core.host.paging.changed();
  return true;
}

export function readMsr(core: Core, msrs: Msrs): void {
  const register = core.register(RCX, 4) >>> 0;
  if (!msrs.read(register)) unknown(core, msrs, register);
  core.setRegister(RAX, 4, msrs.low);
  core.setRegister(RDX, 4, msrs.high);
}

export function writeMsr(core: Core, msrs: Msrs): void {
  const register = core.register(RCX, 4) >>> 0;
  if (!msrs.write(register, core.register(RAX, 4), core.register(RDX, 4))) unknown(core, msrs, register);
}

function unknown(core: Core, msrs: Msrs, register: number): never {
  if (!msrs.read(register)) {
    core.host.count(EVENT.unknown_msrs);
    msrs.unknown.set(register, (msrs.unknown.get(register) ?? 0) + 1);
  }
  throw generalProtection();
}
