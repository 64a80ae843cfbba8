/**
 * A PC that executes code: the machine's memory side, a CPU on it with its engines, and a PC's devices around the CPU. It
 * loads what a loader laid out (structurally a BootPlan, guest/images/) and runs it until the guest ends, sleeps for ever,
 * or has used up its instructions.
 */
import type { CostName } from "../events/costs.js";
import type { CpuProfile } from "../events/profile.js";
import { invariant } from "../util/errors.js";
import { Board, type Outcome } from "./board.js";
import { BoardComputer, checkMemoryBytes } from "./board-computer.js";
import { CodeMachine } from "./code-machine.js";
import type { Console } from "./console.js";
import type { StartState, SystemUnit } from "./cpu/system-unit.js";
import type { GuestMemory } from "./devices/device.js";
import type { Pc } from "./devices/pc.js";
import type { CodeEngine } from "./execute/code/engine.js";
import { FRAME_KIND } from "./execute/code/memory.js";
import type { RegionTranslator } from "./execute/code/translate/translator.js";
import type { Machine } from "./machine.js";
import { restoreSnapshot, type Snapshot, saveSnapshot } from "./snapshot.js";

export type { Outcome };

/** Frames of video memory: no device answers there. */
export const VIDEO_FIRST = 0xa0;
export const VIDEO_END = 0xc0;

export interface ComputerOptions {
  readonly profile: CpuProfile;
  readonly costs?: Partial<Record<CostName, number>>;
  readonly memoryBytes: number;
  /** References that go through the data caches (machine.ts). */
  readonly caches: "all" | "walker" | "off";
  readonly walkCaches: boolean;
  readonly tlb: boolean;
  readonly seed: number;
  /** "translator" compiles hot code; both give the same results. */
  readonly engine?: "interpreter" | "translator";
  /** False: interrupts, returns, system calls and segment loads are all done in TypeScript; results are the same. */
  readonly crossings?: boolean;
  /** Bytes for decoded code. */
  readonly arenaBytes?: number;
  readonly disks?: readonly (Uint8Array | undefined)[];
  /** False: no local and no I/O APIC. */
  readonly apic?: boolean;
}

/**
 * A computer as whoever runs a guest on it sees it: real, or one that a monitor shows (monitor/virtual-computer.ts). Times are
 * cycles of the real machine.
 */
export interface GuestComputer {
  readonly options: ComputerOptions;
  readonly machine: Machine;
  readonly engine: CodeEngine;
  readonly system: SystemUnit;
  readonly pc: Pc;
  /** The guest's RAM, as its devices reach it: by guest-physical addresses. */
  readonly guestMemory: GuestMemory;
  readonly output: Console;
  readonly console: string;
  /** Under a monitor: the first instruction that did not do what it does on a processor of the guest's own, in words. */
  readonly misbehaviour?: string | undefined;
  onMark: ((value: number) => void) | undefined;
  onSerial: ((byte: number) => void) | undefined;
  load(load: Load): void;
  run(instructions: number): Outcome;
  stop(): void;
}

/** What is loaded into memory before the start. */
export interface Load {
  readonly writes: readonly { readonly physical: number; readonly bytes: Uint8Array }[];
  readonly zero: readonly { readonly physical: number; readonly length: number }[];
  readonly start: StartState;
  /** How a paravirtual monitor starts the same image, where its makers have thought of that. */
  readonly xen?: ParavirtualKernel | undefined;
}

/** A kernel as its Xen notes describe it (guest/images/xen-kernel.ts). Virtual addresses are signed canonical. */
export interface ParavirtualKernel {
  readonly bits: 32 | 64;
  readonly entry: number;
  /** The page that is to have code for each hypercall. */
  readonly hypercallPage: number | undefined;
  /** Where pseudo-physical memory begins. */
  readonly virtualBase: number;
  /** What is to be in pseudo-physical memory. */
  readonly segments: readonly {
    readonly physical: number;
    readonly bytes: Uint8Array;
    readonly memoryBytes: number;
  }[];
  readonly commandLine: string;
}

export class Computer extends BoardComputer implements GuestComputer {
  readonly machine: Machine;
  readonly engine: CodeEngine;
  readonly translator: RegionTranslator | undefined;
  readonly system: SystemUnit;
  protected readonly board: Board;
  private readonly hardware: CodeMachine;

  constructor(readonly options: ComputerOptions) {
    super();
    const { profile, memoryBytes, disks } = options;
    checkMemoryBytes(memoryBytes);
    const frames = Math.floor(memoryBytes / 4096);
    const hasApic = options.apic !== false;
    const paging = profile.features.longMode ? "4-level" : "pae";
    let board!: Board;
    this.hardware = new CodeMachine(
      { ...options, paging, backedFrames: frames, frames, hasApic },
      ({ machine, engine }) => {
        const ram = new Uint8Array(machine.memory.buffer, machine.ram.byteOffset, frames * 4096);
        board = new Board({
          profile,
          memoryBytes: frames * 4096,
          hasApic,
          ...(disks === undefined ? {} : { disks }),
          now: () => engine.now(),
          stop: () => this.stop(),
          nmi: () => this.system.nmi(),
          memory: {
            read: (address, bytes) => {
              bytes.fill(0xff);
              bytes.set(ram.subarray(address, address + bytes.length));
            },
            write: (address, bytes) => {
              const fitting = bytes.subarray(0, Math.max(0, ram.length - address));
              ram.set(fitting, address);
              engine.wroteMemory(address, fitting.length);
            },
          },
        });
        return board.surroundings();
      },
    );
    this.board = board;
    const { machine, engine, translator, system } = this.hardware;
    this.machine = machine;
    this.engine = engine;
    this.translator = translator;
    this.system = system;
    machine.code!.frameKinds.fill(FRAME_KIND.device, VIDEO_FIRST, VIDEO_END);
  }

  /** Puts an image into memory and the CPU at its start. */
  load({ writes, zero, start }: Load): void {
    const { ram } = this.hardware;
    for (const { physical, length } of zero) ram.fill(0, physical, physical + length);
    for (const { physical, bytes } of writes) ram.set(bytes, physical);
    this.hardware.start(start);
  }

  /** Runs until the guest ends or so many instructions have completed since the start. */
  run(instructions: number): Outcome {
    const end = this.engine.run(instructions);
    this.engine.stopRequested = false;
    if (end === "stopped") return this.board.takeEnding();
    if (end === "shutdown") return { kind: "shutdown", reason: this.system.core.shutdownReason };
    invariant(end !== "exit", "nothing of a computer's leaves for a monitor");
    return { kind: end };
  }

  /** Takes the whole state; only between two blocks of code (engine.isBetweenBlocks). @param previous shares its pages. */
  save(previous?: Snapshot): Snapshot {
    return saveSnapshot(this, previous);
  }

  /** Goes back to a state of this computer: what follows is what followed then. */
  restore(snapshot: Snapshot): void {
    restoreSnapshot(this, snapshot);
    this.hardware.restored();
    this.board.restored();
  }
}
