/**
 * A computer on which vectors run: long mode, ring 3, page tables for the three windows, and a supervisor's page with
 * descriptor tables and handlers. An exception is delivered as ever; its handler ends the run by the debug-exit port, and
 * the frame that it got on the stack says where code was.
 *
 *      1000_0000H GDT   +200H LDT   +400H IDT   +800H TSS   +C00H handlers       1000_1000H supervisor's stack
 */

import { OWNER } from "../../../events/memory-owners.js";
import { findProfile } from "../../../events/profiles/index.js";
import { PAGE_BYTES } from "../../address.js";
import { Computer } from "../../computer.js";
import { CR0, CR4, EFER } from "../../cpu/control-bits.js";
import { ACTIVITY, SHADOW } from "../../cpu/core.js";
import { loadNull, loadSegment, setSegment } from "../../cpu/segments.js";
import { CS, FS, GS, LDTR, SEGMENT, SS, STATE, segmentOffset, TR } from "../../cpu/state.js";
import { HEADER } from "../../execute/code/record.js";
import { HOT } from "../../execute/code/runtime/contract.js";
import { NX, P, RW, US } from "../../mmu/entry.js";
import { PLAIN } from "../plain.js";
import { mapPage, newTable } from "../tables.js";
import type { VectorTarget } from "./compare.js";
import { localDescriptors, userDescriptors } from "./environment.js";
import { type Fault, hasErrorCode } from "./outcome.js";
import { type MachineState, MEMORY_WINDOWS, REGISTERS } from "./state.js";

/** Of the kind that recorded: where vendors differ, it is AMD's way. */
const PROFILE = "zen-3-2020";
const MEMORY_BYTES = 1 << 22;
const ARENA_BYTES = 1 << 22;
/** More than any vector executes. */
const LIMIT = 100_000;
const USER = 3;

/** Places in the supervisor's two pages. */
const SUPERVISOR = 0x1000_0000;
const LDT = 0x200;
const IDT = 0x400;
const TSS = 0x800;
const HANDLERS = 0xc00;
const STACK_TOP = 0x2000;
const VECTORS = 32;
const HANDLER_BYTES = 8;
/** Masks of the two 8259s: the timer ticks from the start. */
const INTERRUPT_MASKS = [0x21, 0xa1];
/** OUT 0F4H, AL: the debug-exit port. */
const END = [0xe6, 0xf4];

/** Selectors of the supervisor. */
const CODE = 0x08;
const TASK = 0x40;
const LOCAL_TABLE = 0x50;
/** Segment descriptors of 64-bit supervisor code and of system segments: upper doubleword. */
const CODE_DESCRIPTOR = 0x00af_9b00n << 32n;
const PRESENT_LDT = 0x8200;
const BUSY_TSS = 0x8b00;
const TSS_BYTES = 0x68;
const TSS_STACK = 4;
/** Where the I/O permission bitmap begins: beyond the limit, so that there is none. */
const TSS_PORTS = 0x66;
/** Interrupt gates of 64-bit mode, present, bits 47..40 of their first half; software may use those of INT3 and INTO. */
const GATE = 0x8en << 40n;
const USER_GATE = 0xeen << 40n;
const USER_VECTORS = [3, 4];
const LOCAL = 4;

export class EngineTarget implements VectorTarget {
  /** execute/code/semantics/sse-guard.ts says why it does not. */
  readonly setsStickyFlags = false;
  private readonly computer: Computer;
  private readonly ram: Uint8Array;
  private readonly words: Int32Array;
  private readonly longs: BigInt64Array;
  private readonly view: DataView;
  /** First byte of each window in RAM. */
  private readonly places: Readonly<Record<string, number>>;
  /** First byte of the supervisor's pages in RAM. */
  private readonly supervisor: number;
  /** Quadwords of the last exception's frame: RIP, CS, RFLAGS, RSP, SS. */
  private readonly frame = new BigUint64Array(5);

  /** @param engine with "translator", everything runs as translated code. */
  constructor(engine: "interpreter" | "translator") {
    this.computer = new Computer({
      profile: findProfile(PROFILE)!,
      memoryBytes: MEMORY_BYTES,
      ...PLAIN,
      engine,
      arenaBytes: ARENA_BYTES,
      apic: false,
    });
    const { machine, system, pc } = this.computer;
    system.reset();
    for (const port of INTERRUPT_MASKS) pc.bus.writePort(port, 1, 0xff);
    const { ram } = machine;
    this.ram = new Uint8Array(ram.buffer, ram.byteOffset, ram.byteLength);
    this.view = new DataView(ram.buffer, ram.byteOffset, ram.byteLength);
    this.words = machine.code!.cpu.words;
    this.longs = machine.code!.cpu.longs;
    const root = newTable(machine);
    this.places = this.mapWindows(root);
    this.supervisor = this.mapSupervisor(root);
    this.setControl(root);
    if (engine === "translator") this.translateAtOnce();
  }

  setState(state: MachineState): void {
    const { words, longs } = this;
    const { core } = this.computer.system;
    core.activity = ACTIVITY.active;
    core.shadow = SHADOW.none;
    for (const { name } of MEMORY_WINDOWS) this.setMemory(this.places[name]!, state.memory[name]);
    for (let register = 0; register < 16; register++)
      longs[STATE.general / 8 + register] = state.general[register]!;
    longs[STATE.rip / 8] = state.rip;
    core.writeFlags(state.flags);
    for (let segment = 0; segment < 6; segment++) this.setSegment(segment, state.selectors[segment]!);
    for (const [segment, place] of [
      [FS, REGISTERS.fsBase],
      [GS, REGISTERS.gsBase],
    ] as const)
      if ((state.selectors[segment]! & LOCAL) === 0)
        longs[(segmentOffset(segment) + SEGMENT.base) / 8] = state.view.getBigInt64(place, true);
    words[STATE.privilege / 4] = USER;
    for (let word = 0; word < 32; word++) longs[STATE.xmm / 8 + word] = state.xmm[word]!;
    words[STATE.mxcsr / 4] = state.mxcsr;
    words[STATE.x87Control / 4] = state.view.getUint16(REGISTERS.x87Control, true);
    words[STATE.x87Status / 4] = state.view.getUint16(REGISTERS.x87Status, true);
    words[STATE.x87Tags / 4] = state.view.getUint8(REGISTERS.x87Tags);
    this.x87().set(new Uint8Array(state.registers, REGISTERS.x87, 128));
    core.updateMode();
  }

  run(): Fault | undefined {
    const { engine } = this.computer;
    if (this.computer.run(engine.instructions + LIMIT).kind !== "exit") return undefined;
    const vector = Math.floor((this.words[STATE.rip / 4]! - SUPERVISOR - HANDLERS) / HANDLER_BYTES);
    const stack = Number(this.longs[STATE.general / 8 + 4]!) - SUPERVISOR + this.supervisor;
    const first = hasErrorCode(vector) ? stack + 8 : stack;
    for (let word = 0; word < 5; word++) this.frame[word] = this.view.getBigUint64(first + word * 8, true);
    return {
      vector,
      errorCode: hasErrorCode(vector) ? this.view.getUint32(stack, true) : 0,
      address: BigInt.asUintN(64, this.longs[STATE.cr2 / 8]!),
    };
  }

  getState(state: MachineState): void {
    const { words, longs } = this;
    const [rip, cs, flags, rsp, ss] = this.frame;
    for (const { name, bytes } of MEMORY_WINDOWS)
      state.memory[name].set(this.ram.subarray(this.places[name]!, this.places[name]! + bytes));
    for (let register = 0; register < 16; register++)
      state.general[register] = register === 4 ? rsp! : longs[STATE.general / 8 + register]!;
    state.rip = rip!;
    state.flags = Number(flags! & 0xffff_ffffn);
    for (let segment = 0; segment < 6; segment++)
      state.selectors[segment] = words[(segmentOffset(segment) + SEGMENT.selector) / 4]!;
    state.selectors[CS] = Number(cs!);
    state.selectors[SS] = Number(ss!);
    const base = (segment: number): bigint => longs[(segmentOffset(segment) + SEGMENT.base) / 8]!;
    state.view.setBigInt64(REGISTERS.fsBase, base(FS), true);
    state.view.setBigInt64(REGISTERS.gsBase, base(GS), true);
    for (let word = 0; word < 32; word++) state.xmm[word] = longs[STATE.xmm / 8 + word]!;
    state.mxcsr = words[STATE.mxcsr / 4]!;
    state.view.setUint16(REGISTERS.x87Control, words[STATE.x87Control / 4]!, true);
    state.view.setUint16(REGISTERS.x87Status, words[STATE.x87Status / 4]!, true);
    state.view.setUint8(REGISTERS.x87Tags, words[STATE.x87Tags / 4]!);
    new Uint8Array(state.registers, REGISTERS.x87, 128).set(this.x87());
  }

  private x87(): Uint8Array {
    const { bytes } = this.computer.machine.code!.cpu;
    return bytes.subarray(STATE.x87, STATE.x87 + 128);
  }

  /** Replaces memory; decoded code of a page goes only if its bytes change. */
  private setMemory(place: number, bytes: Uint8Array): void {
    let first = 0;
    while (first < bytes.length && this.ram[place + first] === bytes[first]) first++;
    if (first === bytes.length) return;
    this.ram.set(bytes.subarray(first), place + first);
    this.computer.engine.wroteMemory(place + first, bytes.length - first);
  }

  /** Loads a segment register from the tables in memory, by the CPU's own way but without its checks. */
  private setSegment(segment: number, selector: number): void {
    const { core } = this.computer.system;
    if ((selector & ~3) === 0) loadNull(core, segment, selector);
    else {
      core.data.fetch(selector);
      loadSegment(core, segment, selector, core.data);
    }
  }

  /** Every block is hot when it is first entered. */
  private translateAtOnce(): void {
    const { machine, engine } = this.computer;
    const words = new Int32Array(machine.memory.buffer);
    const build = engine.cache.build.bind(engine.cache);
    engine.cache.build = (secondFrame) => {
      const block = build(secondFrame);
      words[(block.header + HEADER.heat) / 4] = HOT - 1;
      return block;
    };
  }

  private takeFrames(count: number): number[] {
    const { frames } = this.computer.machine;
    return Array.from({ length: count }, () => frames.takeBacked(OWNER.guest_memory));
  }

  /** Maps pages, which get consecutive frames; the first one's address in RAM. */
  private mapPages(root: number, address: number, bytes: number, flags: number): number {
    const frames = this.takeFrames(bytes / PAGE_BYTES);
    for (const [page, frame] of frames.entries())
      mapPage(this.computer.machine, root, address + page * PAGE_BYTES, frame, flags);
    return frames[0]! * PAGE_BYTES;
  }

  private mapWindows(root: number): Record<string, number> {
    return Object.fromEntries(
      MEMORY_WINDOWS.map(({ name, address, bytes }) => [
        name,
        this.mapPages(root, address, bytes, P | RW | US | (name === "code" ? 0 : NX)),
      ]),
    );
  }

  /** Descriptor tables, task state and handlers. */
  private mapSupervisor(root: number): number {
    const { view } = this;
    const place = this.mapPages(root, SUPERVISOR, STACK_TOP, P | RW);
    const gdt = (selector: number, descriptor: bigint): void =>
      view.setBigUint64(place + (selector & ~7), descriptor, true);
    gdt(CODE, CODE_DESCRIPTOR);
    for (const [selector, descriptor] of userDescriptors()) gdt(selector, descriptor);
    for (const [index, descriptor] of localDescriptors().entries())
      view.setBigUint64(place + LDT + index * 8, descriptor, true);
    view.setBigUint64(place + TSS + TSS_STACK, BigInt(SUPERVISOR + STACK_TOP), true);
    view.setUint16(place + TSS + TSS_PORTS, TSS_BYTES, true);
    for (let vector = 0; vector < VECTORS; vector++) {
      const handler = HANDLERS + vector * HANDLER_BYTES;
      this.ram.set(END, place + handler);
      const offset = BigInt(SUPERVISOR + handler);
      const kind = USER_VECTORS.includes(vector) ? USER_GATE : GATE;
      const gate = (offset & 0xffffn) | (BigInt(CODE) << 16n) | kind | ((offset >> 16n) << 48n);
      view.setBigUint64(place + IDT + vector * 16, gate, true);
    }
    return place;
  }

  private setControl(root: number): void {
    const { words, longs } = this;
    const { core } = this.computer.system;
    words[STATE.cr0 / 4] = CR0.PG | CR0.PE | CR0.MP | CR0.ET | CR0.NE | CR0.WP | CR0.AM;
    words[STATE.cr4 / 4] = CR4.PAE | CR4.OSFXSR | CR4.OSXMMEXCPT | CR4.FSGSBASE;
    words[STATE.efer / 4] = EFER.LME | EFER.LMA | EFER.NXE | EFER.SCE;
    words[STATE.cr3 / 4] = root * PAGE_BYTES;
    longs[STATE.gdtrBase / 8] = BigInt(SUPERVISOR);
    words[STATE.gdtrLimit / 4] = LOCAL_TABLE + 16 - 1;
    longs[STATE.idtrBase / 8] = BigInt(SUPERVISOR + IDT);
    words[STATE.idtrLimit / 4] = VECTORS * 16 - 1;
    const localBytes = localDescriptors().byteLength;
    setSegment(core, LDTR, LOCAL_TABLE, SUPERVISOR + LDT, localBytes - 1, PRESENT_LDT);
    setSegment(core, TR, TASK, SUPERVISOR + TSS, TSS_BYTES - 1, BUSY_TSS);
    core.host.paging.changed();
    core.host.paging.loadRoot(false);
  }
}
