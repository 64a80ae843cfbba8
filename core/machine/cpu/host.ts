/**
 * What the CPU's system side needs of the rest of the machine: memory by linear address, the MMU's registers, ports,
 * interrupts, time. Engines implement it (execute/code/engine.ts); tests have a small one over flat memory.
 *
 * Linear addresses are carried as two int32 halves, `high` and `low`; outside 64-bit mode `high` is 0. Values of 4 bytes
 * are int32, smaller ones zero-extended. Nothing here allocates unless it fails: these are the paths of every interrupt
 * and system call.
 */

import type { Crossings } from "./crossings.js";

export type AccessBytes = 1 | 2 | 4;

/** Kinds of access for `span`. */
export const SPAN_READ = 0;
export const SPAN_WRITE = 1;

/**
 * Memory by linear address, through TLB and tables. `user`: the access is made with user privilege; accesses to
 * descriptor tables and the TSS are made with supervisor privilege at any CPL (SDM vol. 3, 4.6). Addresses are canonical:
 * the caller checks. Each method throws a GuestFault (#PF) where the access faults, before anything is written.
 */
export interface LinearAccess {
  /** The whole linear memory of the machine as words, for what `span` finds. */
  readonly words: Int32Array;
  /** Upper half of what `read64` read. */
  high: number;

  read(high: number, low: number, bytes: AccessBytes, user: boolean): number;
  /** Returns the lower half, leaves the upper one in `high`. */
  read64(high: number, low: number, user: boolean): number;
  write(high: number, low: number, bytes: AccessBytes, value: number, user: boolean): void;
  write64(high: number, low: number, valueLow: number, valueHigh: number, user: boolean): void;
  /** Faults as a write of so many bytes (at most 4096) would, and writes nothing; A and D bits may be set. */
  checkWrite(high: number, low: number, bytes: number, user: boolean): void;

  /**
   * Where `bytes` consecutive bytes are in `words`, to be read (or, for SPAN_WRITE, overwritten) at once as 32-bit words:
   * an index, or -1 if they are not 4-byte aligned, cross a page, are not RAM, or hold decoded code that a write would
   * change; then the caller goes word by word. Counts as one reference.
   * @param kind SPAN_READ or SPAN_WRITE.
   */
  span(high: number, low: number, bytes: number, kind: number, user: boolean): number;
}

/** RAM by physical address, as the processor reads PDPTEs and a loader leaves things. Outside RAM reads as all ones. */
export interface PhysicalAccess {
  read32(address: number): number;
}

/** The MMU's part of control registers, which are already in the state when it is told. */
export interface PagingControl {
  /**
   * CR0.PG or WP, CR4.PSE, PAE, PGE, PCIDE or LA57, EFER.LMA or NXE changed: format of the tables and rights. What is
   * to be flushed is asked for apart.
   */
  changed(): void;
  /** CR3 was loaded. `keep`: bit 63 of the operand was set under PCIDE, this PCID's translations stay. */
  loadRoot(keep: boolean): void;
  /** The PAE format's four PDPTEs, two words each, already checked. */
  loadPdptes(pdptes: Int32Array): void;
  /** INVLPG; INVPCID type 0. */
  invalidatePage(high: number, low: number): void;
  invalidatePageOf(pcid: number, high: number, low: number): void;
  /** INVPCID type 1. */
  invalidatePcid(pcid: number): void;
  /** Everything (INVPCID type 2, changes of CR4.PGE and the like), or all but global pages (type 3, CR3 without PCIDs). */
  flushAll(keepGlobal: boolean): void;
}

/** Ports, as devices/bus.ts has them; values unsigned. */
export interface PortAccess {
  readPort(port: number, size: AccessBytes): number;
  writePort(port: number, size: AccessBytes, value: number): void;
  /** After an element of a string instruction: the rest of the world is to have a turn before the next. */
  readonly isTurnOver?: boolean;
}

/** A 64-bit value as two halves, unsigned. */
export interface MsrValue {
  readonly low: number;
  readonly high: number;
}

/** MSRs that a device keeps: IA32_APIC_BASE, IA32_TSC_DEADLINE and the x2APIC's (devices/apic/msrs.ts). Halves unsigned. */
export interface DeviceMsrs {
  owns(register: number): boolean;
  /** RDMSR of one that it owns; undefined where that faults. */
  read(register: number): MsrValue | undefined;
  /** WRMSR of one that it owns; false where that faults. */
  write(register: number, low: number, high: number): boolean;
}

/** The local APIC as far as instructions reach it past its own registers. */
export interface LocalApicAccess {
  /** TPR: CR8 is its bits 7..4. */
  taskPriority: number;
  /** What the guest added to the time-stamp counter, cycles: the timer's deadlines are in its time. */
  readonly timer: { set tscOffset(cycles: number) };
}

/** Maskable interrupts that the controllers hold for this CPU. */
export interface InterruptSource {
  hasPending(): boolean;
  /** The interrupt-acknowledge cycle: the vector, 0 to 255. */
  acknowledge(): number;
}

export interface CpuHost {
  readonly memory: LinearAccess;
  readonly physical: PhysicalAccess;
  readonly paging: PagingControl;
  readonly ports: PortAccess;
  /** Undefined in a machine without APICs. */
  readonly localApic: LocalApicAccess | undefined;
  readonly msrs: DeviceMsrs | undefined;
  readonly interrupts: InterruptSource;
  /** Undefined where the engine leaves every crossing to the system side. */
  readonly crossings?: Crossings | undefined;

  /** Cycles since reset; the time-stamp counter before its offset. */
  time(): number;
  /** @param category CYCLES.…, events/categories.ts. */
  charge(category: number, cycles: number): void;
  /** @param event EVENT.…, events/events.ts. */
  count(event: number): void;
  /** CF PF AF ZF SF OF at their places, from the state's lazy fields (STATE.flagKind and those after it). */
  arithmeticFlags(): number;
  /**
   * CS.base, CPL or the mode word may have changed: the engine forgets its code page and chooses its look-up of data anew.
   */
  modeChanged(): void;
}
