/**
 * A machine that executes code: the memory side, a CPU on it with its engines, and nothing around it. What is around it is
 * given (`Surroundings`): a computer has a PC's devices there (computer.ts), a monitor whatever it shows its guest.
 */

import type { Core } from "./cpu/core.js";
import { FLOATING_POINT } from "./cpu/floating-point.js";
import type {
  CpuHost,
  DeviceMsrs,
  InterruptSource,
  LocalApicAccess,
  PagingControl,
  PhysicalAccess,
  PortAccess,
} from "./cpu/host.js";
import { instructionCosts } from "./cpu/instruction-costs.js";
import type { Interception } from "./cpu/interception.js";
import { type StartState, SystemUnit } from "./cpu/system-unit.js";
import type { CrossingName } from "./execute/code/crossings/names.js";
import { CrossingRecorder } from "./execute/code/crossings/recorder.js";
import { CodeEngine } from "./execute/code/engine.js";
import { EngineMemory } from "./execute/code/linear-access.js";
import { EnginePaging } from "./execute/code/paging.js";
import { SEMANTICS } from "./execute/code/semantics/index.js";
import type { Surroundings as AroundEngine } from "./execute/code/surroundings.js";
import { RegionTranslator } from "./execute/code/translate/translator.js";
import { Machine, type MachineOptions } from "./machine.js";

const MIB = 2 ** 20;
const DEFAULT_ARENA = 32 * MIB;

export interface CodeMachineOptions extends Omit<MachineOptions, "code"> {
  /** "translator" compiles hot code; both give the same results. */
  readonly engine?: "interpreter" | "translator";
  /** Which interrupts, returns, system calls and segment loads TypeScript need not do (CodeEngine); all when absent. */
  readonly crossings?: boolean | readonly CrossingName[];
  /** Mnemonics of instructions that TypeScript performs though code could: so that an interception is asked about them. */
  readonly asked?: readonly string[];
  /** Bytes for decoded code. */
  readonly arenaBytes?: number;
  /** Whether CPUID shows an APIC. */
  readonly hasApic: boolean;
}

/** What the CPU finds around it. */
export interface Surroundings {
  readonly ports: PortAccess;
  readonly localApic: LocalApicAccess | undefined;
  readonly msrs: DeviceMsrs | undefined;
  readonly interrupts: InterruptSource;
  /** Memory by the physical addresses that the CPU's registers hold; RAM itself when absent. */
  readonly physical?: PhysicalAccess | undefined;
  /** Control registers' part in translating addresses; the MMU itself when absent. */
  readonly paging?: PagingControl | undefined;
  /** What leaves the guest for its monitor; nothing when absent. */
  readonly interception?: Interception | undefined;
  /** Time of the next deadline, cycles; Infinity if none. */
  nextDeadline(): number;
  /** Lets everything due at a time happen. */
  runDue(now: number): void;
  /** A maskable interrupt waits for the CPU. */
  hasInterrupt(): boolean;
  readMemory(address: number, size: 1 | 2 | 4): number;
  writeMemory(address: number, size: 1 | 2 | 4, value: number): void;
}

export class CodeMachine {
  readonly machine: Machine;
  /** RAM as bytes. */
  readonly ram: Uint8Array;
  readonly engine: CodeEngine;
  readonly translator: RegionTranslator | undefined;
  readonly system: SystemUnit;
  /** The MMU by the control registers' own meaning; a monitor that virtualizes paging uses it for what is real. */
  readonly paging: EnginePaging;
  /** Memory as the system side reaches it. */
  readonly memory: EngineMemory;
  private readonly crossings: CrossingRecorder | undefined;

  /** @param surround makes what is around the CPU, once machine, engine and paging are there; the system side needs it. */
  constructor(options: CodeMachineOptions, surround: (hardware: CodeMachine) => Surroundings) {
    const { profile } = options;
    this.machine = new Machine({ ...options, code: { arenaBytes: options.arenaBytes ?? DEFAULT_ARENA } });
    const { machine } = this;
    this.ram = new Uint8Array(machine.memory.buffer, machine.ram.byteOffset, machine.ram.byteLength);
    const code = machine.code!;
    const { costOf, iteration } = instructionCosts(profile);
    const asked = new Set(options.asked);
    const semantics = Object.fromEntries(Object.entries(SEMANTICS).filter(([name]) => !asked.has(name)));
    this.engine = new CodeEngine(machine, semantics, costOf, iteration, options.crossings);
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
            semantics,
            iteration,
          );
    engine.translator = this.translator;
    this.paging = new EnginePaging(machine, engine);
    this.memory = new EngineMemory(machine, engine.runtime);
    this.crossings =
      engine.crossings === undefined ? undefined : new CrossingRecorder(code.crossings, engine.crossings);
    const surroundings = surround(this);
    this.system = new SystemUnit(code.cpu, new EngineHost(this, this.crossings, surroundings), {
      profile,
      costs: machine.costs,
      hasApic: options.hasApic,
      seed: options.seed,
      others: FLOATING_POINT,
      interception: surroundings.interception,
    });
    engine.connect(this.system, new EngineSurroundings(this.system.core, surroundings));
  }

  /** The CPU at its start. */
  start(state: StartState): void {
    this.system.start(state);
  }

  /** After a snapshot was restored: what is remembered outside of linear memory is made anew. */
  restored(): void {
    this.paging.restore();
    this.crossings?.forget();
  }
}

/** The same as the engine finds it: an NMI is an interrupt that waits, too. */
class EngineSurroundings implements AroundEngine {
  constructor(
    private readonly core: Core,
    private readonly around: Surroundings,
  ) {}

  nextDeadline(): number {
    return this.around.nextDeadline();
  }

  runDue(now: number): void {
    this.around.runDue(now);
  }

  hasInterrupt(): boolean {
    return this.around.hasInterrupt() || this.core.nmiPending;
  }

  readMemory(address: number, size: 1 | 2 | 4): number {
    return this.around.readMemory(address, size);
  }

  writeMemory(address: number, size: 1 | 2 | 4, value: number): void {
    this.around.writeMemory(address, size, value);
  }
}

/** RAM itself. */
class RamAccess implements PhysicalAccess {
  constructor(private readonly ram: Int32Array) {}

  read32(address: number): number {
    return address >= 0 && address + 4 <= this.ram.byteLength ? this.ram[address >> 2]! : -1;
  }
}

/** What the system side needs, by the engine. Methods of a class, not closures: V8 compiles them once for all machines. */
class EngineHost implements CpuHost {
  readonly memory: EngineMemory;
  readonly physical: PhysicalAccess;
  readonly paging: PagingControl;
  readonly ports: PortAccess;
  readonly localApic: LocalApicAccess | undefined;
  readonly msrs: DeviceMsrs | undefined;
  readonly interrupts: InterruptSource;
  private readonly engine: CodeEngine;
  private readonly events: Float64Array;

  constructor(
    hardware: CodeMachine,
    readonly crossings: CrossingRecorder | undefined,
    surroundings: Surroundings,
  ) {
    const { machine, engine, memory, paging } = hardware;
    this.memory = memory;
    this.engine = engine;
    this.events = machine.counters.events;
    this.physical = surroundings.physical ?? new RamAccess(machine.ram);
    this.paging = surroundings.paging ?? paging;
    this.ports = surroundings.ports;
    this.localApic = surroundings.localApic;
    this.msrs = surroundings.msrs;
    this.interrupts = surroundings.interrupts;
  }

  time(): number {
    return this.engine.now();
  }

  charge(category: number, cycles: number): void {
    this.engine.charge(category, cycles);
  }

  count(event: number): void {
    this.events[event]!++;
  }

  arithmeticFlags(): number {
    return this.engine.runtime["flags"]!();
  }

  modeChanged(): void {
    this.engine.modeChanged();
  }
}
