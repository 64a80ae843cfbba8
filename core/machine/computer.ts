/**
 * A PC that executes code: the machine's memory side, a CPU on it with its engines, and a PC's devices around the CPU. It
 * loads what a loader laid out (structurally a BootPlan, guest/images/) and runs it until the guest ends, sleeps for ever,
 * or has used up its instructions.
 */
import type { CostName } from "../events/costs.js";
import type { CpuProfile } from "../events/profile.js";
import { UnsupportedError } from "../util/errors.js";
import { Console } from "./console.js";
import { FLOATING_POINT } from "./cpu/floating-point.js";
import type { CpuHost } from "./cpu/host.js";
import { instructionCosts } from "./cpu/instruction-costs.js";
import { processorOf } from "./cpu/processor.js";
import { type StartState, SystemUnit } from "./cpu/system-unit.js";
import { Marks } from "./devices/marks.js";
import { Pc } from "./devices/pc.js";
import { CrossingRecorder } from "./execute/code/crossings/recorder.js";
import { CodeEngine } from "./execute/code/engine.js";
import { EngineMemory } from "./execute/code/linear-access.js";
import { FRAME_KIND } from "./execute/code/memory.js";
import { EnginePaging } from "./execute/code/paging.js";
import { SEMANTICS } from "./execute/code/semantics/index.js";
import { RegionTranslator } from "./execute/code/translate/translator.js";
import { Machine } from "./machine.js";
import { restoreSnapshot, type Snapshot, saveSnapshot } from "./snapshot.js";

const MIB = 2 ** 20;
/** Addresses from here to 4 GiB are devices'. */
const DEVICE_HOLE = 3 * 2 ** 30;
/** Video memory: no device answers there. */
const VIDEO_FIRST = 0xa0;
const VIDEO_END = 0xc0;
const DEFAULT_ARENA = 32 * MIB;

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

/** How a run came to its end. */
export type Outcome =
  /** The guest said so, through the debug-exit port: its status as it wrote it. */
  | { readonly kind: "exit"; readonly status: number }
  /** A device asked for a reset: how many guests end. */
  | { readonly kind: "reset" }
  /** A fault that could not be delivered. */
  | { readonly kind: "shutdown"; readonly reason: string }
  /** Halted, and nothing will ever wake it. */
  | { readonly kind: "asleep" }
  /** The instructions it was allowed are used up. */
  | { readonly kind: "limit" }
  /** Somebody asked for it (`stop`). */
  | { readonly kind: "stopped" };

/** What is loaded into memory before the start. */
export interface Load {
  readonly writes: readonly { readonly physical: number; readonly bytes: Uint8Array }[];
  readonly zero: readonly { readonly physical: number; readonly length: number }[];
  readonly start: StartState;
}

export class Computer {
  readonly machine: Machine;
  readonly engine: CodeEngine;
  readonly translator: RegionTranslator | undefined;
  readonly system: SystemUnit;
  readonly pc: Pc;
  readonly marks: Marks;
  private readonly paging: EnginePaging;
  private readonly crossings: CrossingRecorder | undefined;
  /** What the first serial port sent. */
  readonly output = new Console();
  private ending: Outcome | undefined;

  constructor(readonly options: ComputerOptions) {
    const { profile, memoryBytes } = options;
    if (memoryBytes > DEVICE_HOLE) {
      throw new UnsupportedError(
        `a machine that executes code has at most 3 GiB of memory, not ${memoryBytes} bytes`,
      );
    }
    const frames = Math.floor(memoryBytes / 4096);
    this.machine = new Machine({
      ...options,
      paging: profile.features.longMode ? "4-level" : "pae",
      backedFrames: frames,
      frames,
      code: { arenaBytes: options.arenaBytes ?? DEFAULT_ARENA },
    });
    const { machine } = this;
    const code = machine.code!;
    code.frameKinds.fill(FRAME_KIND.device, VIDEO_FIRST, VIDEO_END);
    const { costOf, iteration } = instructionCosts(profile);
    this.engine = new CodeEngine(machine, SEMANTICS, costOf, iteration, options.crossings);
    const { engine } = this;
    this.translator =
      options.engine === "interpreter"
        ? undefined
        : new RegionTranslator(
            machine,
            engine.cache,
            engine.handlers,
            engine.table,
            engine.runtime,
            SEMANTICS,
            iteration,
          );
    engine.translator = this.translator;
    this.paging = new EnginePaging(machine, engine);
    this.crossings =
      engine.crossings === undefined ? undefined : new CrossingRecorder(code.crossings, engine.crossings);
    const hasApic = options.apic !== false;
    this.pc = this.makePc(frames * 4096, hasApic);
    this.marks = new Marks(this.pc.bus, (value) => this.onMark?.(value));
    this.system = new SystemUnit(code.cpu, this.makeHost(), {
      profile,
      costs: machine.costs,
      hasApic,
      seed: options.seed,
      others: FLOATING_POINT,
    });
    engine.connect(this.system, {
      nextDeadline: () => this.pc.schedule.next,
      runDue: (now) => this.pc.schedule.runDue(now),
      hasInterrupt: () => this.hasInterrupt || this.system.core.nmiPending,
      readMemory: (address, size) => this.pc.bus.readMemory(address, size),
      writeMemory: (address, size, value) => this.pc.bus.writeMemory(address, size, value),
    });
  }

  /** Told of every mark that the guest makes (devices/marks.ts). */
  onMark: ((value: number) => void) | undefined;
  /** Told of every byte that the guest sends by its first serial port, when it does. */
  onSerial: ((byte: number) => void) | undefined;
  private hasInterrupt = false;

  /** What the guest printed by its first serial port, as text (console.ts). */
  get console(): string {
    return this.output.text;
  }

  /** Puts an image into memory and the CPU at its start. */
  load({ writes, zero, start }: Load): void {
    const ram = new Uint8Array(
      this.machine.memory.buffer,
      this.machine.ram.byteOffset,
      this.machine.ram.byteLength,
    );
    for (const { physical, length } of zero) ram.fill(0, physical, physical + length);
    for (const { physical, bytes } of writes) ram.set(bytes, physical);
    this.system.start(start);
  }

  /** Runs until the guest ends or so many instructions have completed since the start. */
  run(instructions: number): Outcome {
    const end = this.engine.run(instructions);
    this.engine.stopRequested = false;
    if (end === "stopped") {
      const { ending } = this;
      this.ending = undefined;
      return ending ?? { kind: "stopped" };
    }
    if (end === "shutdown") return { kind: "shutdown", reason: this.system.core.shutdownReason };
    return { kind: end };
  }

  /** Takes the whole state; only between two blocks of code (engine.isBetweenBlocks). @param previous shares its pages. */
  save(previous?: Snapshot): Snapshot {
    return saveSnapshot(this, previous);
  }

  /** Goes back to a state of this computer: what follows is what followed then. */
  restore(snapshot: Snapshot): void {
    restoreSnapshot(this, snapshot);
    this.paging.restore();
    this.crossings?.forget();
    this.ending = undefined;
    this.hasInterrupt = this.pc.interrupts.hasPending();
  }

  /** Has `run` come back before the next block of code. */
  stop(): void {
    this.engine.stopRequested = true;
  }

  private end(outcome: Outcome): void {
    this.ending ??= outcome;
    this.stop();
  }

  private makePc(memoryBytes: number, hasApic: boolean): Pc {
    const { profile, disks } = this.options;
    const { machine, engine } = this;
    const ram = new Uint8Array(machine.memory.buffer, machine.ram.byteOffset, memoryBytes);
    return new Pc({
      clock: { cyclesPerSecond: profile.frequencyMHz * 1_000_000, now: () => engine.now() },
      memory: {
        read: (address, bytes) => {
          bytes.fill(0xff);
          bytes.set(ram.subarray(address, address + bytes.length));
        },
        write: (address, bytes) => {
          const fitting = bytes.subarray(0, Math.max(0, memoryBytes - address));
          ram.set(fitting, address);
          engine.wroteMemory(address, fitting.length);
        },
      },
      memoryBytes: { below4GiB: memoryBytes, above4GiB: 0 },
      outputs: {
        interrupt: (pending) => {
          this.hasInterrupt = pending;
        },
        // Whatever sets a deadline leaves the engine, which asks for the next one then.
        deadline: () => {},
        requestReset: () => this.end({ kind: "reset" }),
        a20: () => {},
        serial: (port, byte) => {
          if (port !== 0) return;
          this.output.add(byte);
          this.onSerial?.(byte);
        },
        debug: () => {},
        exit: (status) => this.end({ kind: "exit", status: status >>> 1 }),
        post: () => {},
        nmi: () => this.system.nmi(),
        smi: () => {},
        init: () => this.end({ kind: "reset" }),
        startup: () => {},
      },
      apic: hasApic
        ? {
            hasX2Apic: processorOf(profile, true).features.has("X2APIC"),
            hasTscDeadline: processorOf(profile, true).features.has("TSC-DEADLINE"),
            physicalAddressBits: profile.physicalAddressBits,
          }
        : undefined,
      ...(disks === undefined ? {} : { disks }),
    });
  }

  private makeHost(): CpuHost {
    const { machine, engine, pc } = this;
    const { runtime } = engine;
    const { crossings } = this;
    return {
      memory: new EngineMemory(machine, runtime),
      physical: {
        read32: (address) =>
          address >= 0 && address + 4 <= machine.ram.byteLength ? machine.ram[address >> 2]! : -1,
      },
      paging: this.paging,
      ports: pc.bus,
      localApic: pc.localApic,
      msrs: pc.msrs,
      interrupts: pc.interrupts,
      crossings,
      time: () => engine.now(),
      charge: (category, cycles) => engine.charge(category, cycles),
      count: (event) => {
        machine.counters.events[event]!++;
      },
      arithmeticFlags: () => runtime["flags"]!(),
      modeChanged: () => engine.modeChanged(),
    };
  }
}
