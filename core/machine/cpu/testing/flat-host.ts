/**
 * A small machine around a CPU's system side: memory where a linear address is the physical one (modulo its size), with
 * single pages that can be made absent, read-only or the supervisor's. What the CPU tells it is written down.
 */
import { PAGE_BYTES } from "../../address.js";
import { pageFault } from "../fault.js";
import type { AccessBytes, CpuHost, LinearAccess, PagingControl } from "../host.js";
import { SPAN_READ, SPAN_WRITE } from "../host.js";
import { FLAG_EXTRA } from "../places.js";
import { ARITHMETIC_FLAGS } from "../state.js";

export const MEMORY_BYTES = 1 << 20;
/** Error code of a page fault. */
const PRESENT = 1;
const WRITE = 2;
const USER = 4;

export class FlatMemory implements LinearAccess {
  readonly words = new Int32Array(MEMORY_BYTES / 4);
  readonly bytes = new Uint8Array(this.words.buffer);
  readonly view = new DataView(this.words.buffer);
  high = 0;
  /** Pages, by number. */
  readonly absent = new Set<number>();
  readonly readOnly = new Set<number>();
  readonly supervisor = new Set<number>();
  /** False makes callers go word by word. */
  hasSpans = true;

  read(high: number, low: number, bytes: AccessBytes, user: boolean): number {
    let value = 0;
    for (let i = 0; i < bytes; i++) value |= this.bytes[this.at(high, low + i, SPAN_READ, user)]! << (8 * i);
    return value;
  }

  read64(high: number, low: number, user: boolean): number {
    this.high = this.read(high, low + 4, 4, user);
    return this.read(high, low, 4, user);
  }

  write(high: number, low: number, bytes: AccessBytes, value: number, user: boolean): void {
    this.checkWrite(high, low, bytes, user);
    for (let i = 0; i < bytes; i++) this.bytes[(low + i) & (MEMORY_BYTES - 1)] = value >>> (8 * i);
  }

  write64(high: number, low: number, valueLow: number, valueHigh: number, user: boolean): void {
    this.checkWrite(high, low, 8, user);
    this.write(high, low, 4, valueLow, user);
    this.write(high, low + 4, 4, valueHigh, user);
  }

  checkWrite(high: number, low: number, bytes: number, user: boolean): void {
    for (let i = 0; i < bytes; i++) this.at(high, low + i, SPAN_WRITE, user);
  }

  span(high: number, low: number, bytes: number, kind: number, user: boolean): number {
    if (!this.hasSpans || (low & 3) !== 0 || (low & (PAGE_BYTES - 1)) + bytes > PAGE_BYTES) return -1;
    return this.at(high, low, kind, user) >> 2;
  }

  private at(high: number, low: number, kind: number, user: boolean): number {
    const address = low & (MEMORY_BYTES - 1);
    const page = address >>> 12;
    const code = (kind === SPAN_WRITE ? WRITE : 0) | (user ? USER : 0);
    if (this.absent.has(page)) throw pageFault(code, high, low | 0);
    const isForbidden =
      (user && this.supervisor.has(page)) || (kind === SPAN_WRITE && this.readOnly.has(page));
    if (isForbidden) throw pageFault(code | PRESENT, high, low | 0);
    return address;
  }
}

export class FlatHost implements CpuHost {
  readonly memory = new FlatMemory();
  readonly physical = { read32: (address: number): number => this.memory.read(0, address, 4, false) };
  /** What was asked of the MMU, in order. */
  readonly asked: string[] = [];
  readonly paging: PagingControl = {
    changed: () => this.ask("changed"),
    loadRoot: (keep) => this.ask(keep ? "root, kept" : "root"),
    loadPdptes: (pdptes) => this.ask(`PDPTEs ${[...pdptes].join(" ")}`),
    invalidatePage: (high, low) => this.ask(`page ${high}:${low >>> 0}`),
    invalidatePageOf: (pcid, high, low) => this.ask(`page ${high}:${low >>> 0} of ${pcid}`),
    invalidatePcid: (pcid) => this.ask(`PCID ${pcid}`),
    flushAll: (keepGlobal) => this.ask(keepGlobal ? "all but global" : "all"),
  };
  /** Accesses to ports, in order; reads give the port's number. */
  readonly portAccesses: string[] = [];
  readonly ports = {
    readPort: (port: number, size: AccessBytes): number => {
      this.portAccesses.push(`in${size} ${port}`);
      return port;
    },
    writePort: (port: number, size: AccessBytes, value: number): void => {
      this.portAccesses.push(`out${size} ${port} ${value}`);
    },
  };
  readonly localApic = { taskPriority: 0, timer: { tscOffset: 0 } };
  msrs: CpuHost["msrs"];
  /** Vectors that wait. */
  readonly pending: number[] = [];
  readonly interrupts = {
    hasPending: (): boolean => this.pending.length > 0,
    acknowledge: (): number => this.pending.shift()!,
  };
  cycles = 0;
  modeChanges = 0;
  readonly counts = new Map<number, number>();
  readonly charged = new Map<number, number>();

  constructor(private readonly state: () => Int32Array) {}

  time(): number {
    return this.cycles;
  }
  charge(category: number, cycles: number): void {
    this.cycles += cycles;
    this.charged.set(category, (this.charged.get(category) ?? 0) + cycles);
  }
  count(event: number): void {
    this.counts.set(event, (this.counts.get(event) ?? 0) + 1);
  }
  /** Tests leave flags explicit. */
  arithmeticFlags(): number {
    return this.state()[FLAG_EXTRA]! & ARITHMETIC_FLAGS;
  }
  modeChanged(): void {
    this.modeChanges++;
  }

  private ask(what: string): void {
    this.asked.push(what);
  }
}
