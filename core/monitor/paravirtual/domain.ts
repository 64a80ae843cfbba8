/**
 * What a guest is given at its start (xen.h, "initial memory layout"), in pseudo-physical memory from its first page on:
 *
 *      kernel · list of machine frames · start_info · page tables · stack (one page) · at least 512 KiB that are free
 *
 * all mapped at the kernel's base, up to a multiple of 4 MiB; page tables read-only.
 */
import { type Hfn, PAGE_BYTES } from "../../machine/address.js";
import type { CodeMachine } from "../../machine/code-machine.js";
import type { ParavirtualKernel } from "../../machine/computer.js";
import { A, D, entryHi, entryLo, P, RW, US } from "../../machine/mmu/entry.js";
import { PAGING_FORMATS } from "../../machine/mmu/format.js";
import { UnsupportedError } from "../../util/errors.js";
import { KIB, MIB } from "../../util/units.js";
import {
  COMMAND_LINE_BYTES,
  HYPERCALL,
  HYPERCALL_BYTES,
  HYPERCALL_VECTOR,
  MAGIC,
  START_INFO,
  START_INFO_FLAGS,
} from "./abi.js";

const ENTRIES = 512;
const WORDS = 1024;
const LEAST_FREE = 512 * KIB;
const MAPPED_UNIT = 4 * MIB;

/** Where the guest begins: linear addresses, and the machine frame of its top table. */
export interface BuiltDomain {
  readonly startInfo: number;
  readonly stack: number;
  readonly root: Hfn;
}

/** @param frames machine frame of each pseudo-physical one. @param shared of the shared page. */
export function buildDomain(
  hardware: CodeMachine,
  kernel: ParavirtualKernel,
  frames: Int32Array,
  shared: Hfn,
): BuiltDomain {
  return new Builder(hardware, kernel, frames).build(shared);
}

class Builder {
  private readonly wordBytes: 4 | 8;
  /** Tables by their level and the first address that they map. */
  private readonly tables = new Map<string, Hfn>();
  private nextTable = 0;

  constructor(
    private readonly hardware: CodeMachine,
    private readonly kernel: ParavirtualKernel,
    private readonly frames: Int32Array,
  ) {
    this.wordBytes = kernel.bits === 32 ? 4 : 8;
  }

  build(shared: Hfn): BuiltDomain {
    const { kernel, wordBytes, frames } = this;
    for (const { physical, bytes } of kernel.segments) this.write(physical, bytes);
    const imageEnd = Math.max(...kernel.segments.map(({ physical, memoryBytes }) => physical + memoryBytes));
    const list = pageUp(imageEnd);
    const startInfo = list + pageUp(frames.length * wordBytes);
    const firstTable = startInfo + PAGE_BYTES;
    let tableCount = 0;
    let mapped = 0;
    // More tables need more memory to be mapped, which may need another table.
    for (let needed = 1; needed > tableCount; ) {
      tableCount = needed;
      mapped =
        Math.ceil((firstTable + (tableCount + 1) * PAGE_BYTES + LEAST_FREE) / MAPPED_UNIT) * MAPPED_UNIT;
      needed = this.tablesFor(mapped);
    }
    if (mapped > frames.length * PAGE_BYTES)
      throw new UnsupportedError(`the guest begins with ${mapped / MIB} MiB of memory mapped, and has less`);
    this.nextTable = firstTable / PAGE_BYTES;
    const root = this.mapAll(mapped, firstTable / PAGE_BYTES, tableCount);
    for (const [index, frame] of frames.entries()) this.writeWord(list + index * wordBytes, frame);
    this.fillHypercallPage();
    this.fillStartInfo(startInfo, { shared, list, firstTable, tableCount });
    const address = (physical: number): number => kernel.virtualBase + physical;
    return {
      startInfo: address(startInfo),
      stack: address(firstTable + (tableCount + 1) * PAGE_BYTES),
      root,
    };
  }

  // Tables.

  private get levels(): number {
    return PAGING_FORMATS[this.kernel.bits === 32 ? "pae" : "4-level"].levels;
  }

  private tablesFor(mapped: number): number {
    let count = 0;
    for (let level = 1; level <= this.levels; level++) {
      const bytes = PAGE_BYTES * ENTRIES ** level;
      const { virtualBase } = this.kernel;
      count += Math.floor((virtualBase + mapped - 1) / bytes) - Math.floor(virtualBase / bytes) + 1;
    }
    return count;
  }

  private mapAll(mapped: number, firstTable: number, tableCount: number): Hfn {
    // The top table is the first: start_info says where by the same word.
    const top = this.table(this.levels, this.kernel.virtualBase);
    for (let page = 0; page < mapped / PAGE_BYTES; page++) {
      const isTable = page >= firstTable && page < firstTable + tableCount;
      const table = this.table(1, this.kernel.virtualBase + page * PAGE_BYTES);
      const flags = P | A | D | (isTable ? 0 : RW);
      this.setEntry(table, this.indexOf(page * PAGE_BYTES, 1), this.frames[page]!, flags);
    }
    return top;
  }

  /** The table of a level for an address, made where there is none yet, with those above it. */
  private table(level: number, address: number): Hfn {
    const bytes = PAGE_BYTES * ENTRIES ** level;
    // One top table, whatever it maps.
    const key = level === this.levels ? "top" : `${level} ${Math.floor(address / bytes)}`;
    const known = this.tables.get(key);
    if (known !== undefined) return known;
    const frame = this.frames[this.nextTable++]!;
    this.hardware.machine.ram.fill(0, frame * WORDS, (frame + 1) * WORDS);
    this.tables.set(key, frame);
    if (level < this.levels) {
      const above = this.table(level + 1, address);
      const isPointer = this.kernel.bits === 32 && level + 1 === this.levels;
      this.setEntry(
        above,
        this.indexOf(address - this.kernel.virtualBase, level + 1),
        frame,
        isPointer ? P : P | RW | US | A | D,
      );
    }
    return frame;
  }

  /** @param offset from the kernel's base. */
  private indexOf(offset: number, level: number): number {
    const index = Math.floor((this.kernel.virtualBase + offset) / (PAGE_BYTES * ENTRIES ** (level - 1)));
    return ((index % ENTRIES) + ENTRIES) % ENTRIES;
  }

  private setEntry(table: Hfn, index: number, frame: Hfn, flags: number): void {
    const { ram } = this.hardware.machine;
    ram[table * WORDS + 2 * index] = entryLo(frame, flags);
    ram[table * WORDS + 2 * index + 1] = entryHi(frame, flags);
  }

  // Contents.

  private fillStartInfo(
    at: number,
    where: { shared: Hfn; list: number; firstTable: number; tableCount: number },
  ): void {
    const { kernel, frames } = this;
    const place = START_INFO[kernel.bits];
    const text = (value: string): Uint8Array => Uint8Array.from(value, (letter) => letter.charCodeAt(0));
    this.write(at, text(MAGIC[kernel.bits]));
    this.writeWord(at + place.pages, frames.length);
    this.writeWord(at + place.shared, where.shared * PAGE_BYTES);
    this.write(at + place.flags, Uint8Array.of(START_INFO_FLAGS.privileged | START_INFO_FLAGS.initialDomain));
    this.writeWord(at + place.pageTable, kernel.virtualBase + where.firstTable);
    this.writeWord(at + place.tableFrames, where.tableCount);
    this.writeWord(at + place.frameList, kernel.virtualBase + where.list);
    this.write(at + place.commandLine, text(kernel.commandLine.slice(0, COMMAND_LINE_BYTES - 1)));
  }

  /** Code that makes each hypercall, as guests rely on it: which registers it keeps, and what it pushes for iret. */
  private fillHypercallPage(): void {
    const { bits, hypercallPage, virtualBase } = this.kernel;
    if (hypercallPage === undefined) return;
    for (let number = 0; number < PAGE_BYTES / HYPERCALL_BYTES; number++) {
      const isReturn = number === HYPERCALL.iret;
      const code = bits === 32 ? callBy32(number, isReturn) : callBy64(number, isReturn);
      this.write(hypercallPage - virtualBase + number * HYPERCALL_BYTES, Uint8Array.from(code));
    }
  }

  // Pseudo-physical memory.

  private write(physical: number, bytes: Uint8Array): void {
    const { ram } = this.hardware;
    for (let at = 0; at < bytes.length; ) {
      const offset = (physical + at) % PAGE_BYTES;
      const frame = this.frames[Math.floor((physical + at) / PAGE_BYTES)];
      if (frame === undefined) throw new UnsupportedError("the kernel does not fit into the guest's memory");
      const length = Math.min(PAGE_BYTES - offset, bytes.length - at);
      ram.set(bytes.subarray(at, at + length), frame * PAGE_BYTES + offset);
      at += length;
    }
  }

  private writeWord(physical: number, value: number): void {
    const word = new DataView(new ArrayBuffer(8));
    word.setInt32(0, value | 0, true);
    word.setInt32(4, Math.floor(value / 2 ** 32) | 0, true);
    this.write(physical, new Uint8Array(word.buffer, 0, this.wordBytes));
  }
}

const pageUp = (address: number): number => Math.ceil(address / PAGE_BYTES) * PAGE_BYTES;

const PUSH_EAX = 0x50;
const MOV_EAX = 0xb8;
const RET = 0xc3;
const INT = 0xcd;
const SYSCALL = [0x0f, 0x05] as const;
/** Push and pop RCX and R11, which SYSCALL does not keep. */
const PUSH_KEPT = [0x51, 0x41, 0x53] as const;
const POP_KEPT = [0x41, 0x5b, 0x59] as const;

function callBy32(number: number, isReturn: boolean): readonly number[] {
  const call = [MOV_EAX, number, 0, 0, 0, INT, HYPERCALL_VECTOR];
  return isReturn ? [PUSH_EAX, ...call] : [...call, RET];
}

function callBy64(number: number, isReturn: boolean): readonly number[] {
  const call = [MOV_EAX, number, 0, 0, 0, ...SYSCALL];
  return isReturn ? [...PUSH_KEPT, PUSH_EAX, ...call] : [...PUSH_KEPT, ...call, ...POP_KEPT, RET];
}
