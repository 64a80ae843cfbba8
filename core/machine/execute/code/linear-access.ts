/** Memory by linear address for the CPU's system side (cpu/host.ts), through the same look-ups as code's own accesses. */
import { GuestFault, pageFault } from "../../cpu/fault.js";
import { type AccessBytes, type LinearAccess, SPAN_READ } from "../../cpu/host.js";
import { CODE_64, MODE, STATE } from "../../cpu/state.js";
import type { Machine } from "../../machine.js";
import { PF_USER, PF_WRITE } from "../../mmu/entry.js";
import type { ModuleExports } from "../../wasm/module.js";
import { ACCESS, accessOf } from "./runtime/contract.js";

const MOST = 4096;
/** Two granules at most: whether a write touches decoded code is asked of its first and its last byte. */
const MOST_SPAN = 64;
export const NONE_REFUSED = 2 ** 32;

export class EngineMemory implements LinearAccess {
  readonly words: Int32Array;
  high = 0;
  /**
   * Of the addresses with this high half (-1: the last 4 GiB of 64-bit ones; 0: those of 32 bits) those from here on fault, as if
   * no page were there: a monitor's own, while it does in its guest's stead what reaches memory by addresses of the guest's. None
   * unless it says so.
   */
  refusedFrom = NONE_REFUSED;
  refusedHigh: 0 | -1 = -1;
  private readonly halves: Uint16Array;
  private readonly bytes: Uint8Array;
  private readonly state: Int32Array;
  private readonly access: (high: number, low: number, access: number) => number;
  private readonly commit: () => void;
  private readonly bounce: number;

  constructor(machine: Machine, runtime: ModuleExports) {
    const { buffer } = machine.memory;
    const { cpu } = machine.code!;
    this.words = new Int32Array(buffer);
    this.halves = new Uint16Array(buffer);
    this.bytes = new Uint8Array(buffer);
    this.state = cpu.words;
    this.bounce = cpu.base + STATE.bounce;
    this.access = runtime["access"]!;
    this.commit = runtime["commit"]!;
  }

  read(high: number, low: number, bytes: AccessBytes, user: boolean): number {
    return this.valueAt(this.find(high, low, accessOf(ACCESS.read, bytes), user), bytes);
  }

  read64(high: number, low: number, user: boolean): number {
    const host = this.find(high, low, accessOf(ACCESS.read, 8), user);
    this.high = this.valueAt(host + 4, 4);
    return this.valueAt(host, 4);
  }

  write(high: number, low: number, bytes: AccessBytes, value: number, user: boolean): void {
    const host = this.find(high, low, accessOf(ACCESS.write, bytes), user);
    this.setValueAt(host, bytes, value);
    if (host === this.bounce) this.commit();
  }

  write64(high: number, low: number, valueLow: number, valueHigh: number, user: boolean): void {
    const host = this.find(high, low, accessOf(ACCESS.write, 8), user);
    this.setValueAt(host, 4, valueLow);
    this.setValueAt(host + 4, 4, valueHigh);
    if (host === this.bounce) this.commit();
  }

  checkWrite(high: number, low: number, bytes: number, user: boolean): void {
    // The first byte in each page that the write would touch: its address is the fault's.
    this.find(high, low, accessOf(ACCESS.write, 1), user);
    const offset = low & (MOST - 1);
    if (offset + bytes <= MOST) return;
    const lastLow = (low + bytes - 1) | 0;
    // Beyond 4 GiB there is more in 64-bit code alone.
    const isLong = (this.state[STATE.mode / 4]! & MODE.codeSize) === CODE_64;
    const carry = isLong && lastLow >>> 0 < low >>> 0 ? 1 : 0;
    this.find(high + carry, lastLow & -MOST, accessOf(ACCESS.write, 1), user);
  }

  span(high: number, low: number, bytes: number, kind: number, user: boolean): number {
    if ((low & 3) !== 0 || (low & (MOST - 1)) + bytes > MOST || bytes > MOST_SPAN) return -1;
    const access = accessOf(kind === SPAN_READ ? ACCESS.read : ACCESS.write, bytes);
    const host = this.find(high, low, access, user);
    return host === this.bounce ? -1 : host >> 2;
  }

  /** Host address of an access. */
  private find(high: number, low: number, access: number, user: boolean): number {
    if (high === this.refusedHigh && (low >>> 0) + (access >>> ACCESS.sizeShift) > this.refusedFrom)
      this.refuse(low, access, user);
    const host = this.access(high, low, user ? access : access | ACCESS.supervisor);
    if (host === 0) {
      const { state } = this;
      const vector = state[STATE.faultVector / 4]!;
      const address = STATE.faultAddress / 4;
      throw new GuestFault(vector, state[STATE.faultCode / 4]!, state[address + 1], state[address]);
    }
    return host;
  }

  private refuse(low: number, access: number, user: boolean): never {
    const first = low >>> 0;
    const kind = access & ACCESS.kindMask;
    // What lies before may fault of itself.
    if (first < this.refusedFrom) this.find(this.refusedHigh, low, accessOf(kind, 1), user);
    const code = (kind === ACCESS.read ? 0 : PF_WRITE) | (user ? PF_USER : 0);
    throw pageFault(code, this.refusedHigh, Math.max(first, this.refusedFrom) | 0);
  }

  private valueAt(host: number, bytes: AccessBytes): number {
    const { bytes: all } = this;
    if (bytes === 1) return all[host]!;
    if (bytes === 2) {
      return (host & 1) === 0 ? this.halves[host >> 1]! : all[host]! | (all[host + 1]! << 8);
    }
    if ((host & 3) === 0) return this.words[host >> 2]!;
    return all[host]! | (all[host + 1]! << 8) | (all[host + 2]! << 16) | (all[host + 3]! << 24);
  }

  private setValueAt(host: number, bytes: AccessBytes, value: number): void {
    if (bytes === 4 && (host & 3) === 0) {
      this.words[host >> 2] = value;
      return;
    }
    for (let i = 0; i < bytes; i++) this.bytes[host + i] = value >>> (8 * i);
  }
}
