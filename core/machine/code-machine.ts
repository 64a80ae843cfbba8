/**
 * A machine that executes code: the memory side, a CPU on it with its engines, and nothing around it. What is around it is
 * given (`Surroundings`): a computer has a PC's devices there (computer.ts), a monitor whatever it shows its guest.
 */

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
    this.system = new SystemUnit(code.cpu, this.makeHost(surroundings), {
      profile,
      costs: machine.costs,
      hasApic: options.hasApic,
      seed: options.seed,
      others: FLOATING_POINT,
      interception: surroundings.interception,
    });
    engine.connect(this.system, {
      nextDeadline: () => surroundings.nextDeadline(),
      runDue: (now) => surroundings.runDue(now),
      hasInterrupt: () => surroundings.hasInterrupt() || this.system.core.nmiPending,
      readMemory: (address, size) => surroundings.readMemory(address, size),
      writeMemory: (address, size, value) => surroundings.writeMemory(address, size, value),
    });
  }

  /** RAM as bytes. */
  get ram(): Uint8Array {
    const { memory, ram } = this.machine;
    return new Uint8Array(memory.buffer, ram.byteOffset, ram.byteLength);
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

  private makeHost(surroundings: Surroundings): CpuHost {
    const { machine, engine, crossings, memory } = this;
    const { runtime } = engine;
    const { ports, localApic, msrs, interrupts } = surroundings;
    return {
      memory,
      physical: surroundings.physical ?? {
        read32: (address) =>
          address >= 0 && address + 4 <= machine.ram.byteLength ? machine.ram[address >> 2]! : -1,
      },
      paging: surroundings.paging ?? this.paging,
      ports,
      localApic,
      msrs,
      interrupts,
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
