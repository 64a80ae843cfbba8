/**
 * A PC that a monitor shows its guest: a machine that executes code, the guest's own devices, and the monitor between them.
 * To whoever runs a guest it is a computer like the real one.
 */
import { Board, type Outcome } from "../machine/board.js";
import { BoardComputer, checkMemoryBytes } from "../machine/board-computer.js";
import { CodeMachine, type CodeMachineOptions, type Surroundings } from "../machine/code-machine.js";
import type { ComputerOptions, GuestComputer, Load } from "../machine/computer.js";
import type {
  DeviceMsrs,
  InterruptSource,
  LocalApicAccess,
  PagingControl,
  PhysicalAccess,
  PortAccess,
} from "../machine/cpu/host.js";
import type { Interception } from "../machine/cpu/interception.js";
import type { SystemUnit } from "../machine/cpu/system-unit.js";
import type { GuestMemory } from "../machine/devices/device.js";
import type { Pc } from "../machine/devices/pc.js";
import type { CodeEngine } from "../machine/execute/code/engine.js";
import type { Machine } from "../machine/machine.js";
import type { Monitor } from "./monitor.js";

/** What a monitor is made of, once the machine is there. */
export interface MonitorParts {
  readonly hardware: CodeMachine;
  /** The guest's devices. They use the guest's memory, which the monitor makes: no device works before the guest runs. */
  readonly board: Board;
  /** 4 KiB frames of the guest. */
  readonly guestFrames: number;
}

/** A monitor as the computer that it shows needs it. */
export interface MadeMonitor {
  readonly monitor: Monitor;
  /** Memory by the addresses that the guest's devices use. */
  readonly ram: GuestMemory & PhysicalAccess;
  /** Loads the guest and starts its CPU, where that is not a matter of memory and a loader's state. */
  load?(load: Load): void;
  /** What the guest takes in place of its devices' interrupts. */
  readonly interrupts?: InterruptSource;
}

/** Which machine a monitor needs, and how it is made. */
export interface MonitorDesign {
  /** Frames of the monitor's own: tables, control blocks, translated code. */
  readonly monitorFrames: number;
  readonly machine: Pick<CodeMachineOptions, "paging" | "nested" | "crossings" | "asked">;
  make(parts: MonitorParts): MadeMonitor;
}

/** The guest's devices, and the monitor between them and its CPU. */
class MonitorSurroundings implements Surroundings {
  readonly ports: PortAccess;
  readonly localApic: LocalApicAccess | undefined;
  readonly msrs: DeviceMsrs | undefined;
  readonly interrupts: InterruptSource;
  readonly physical: PhysicalAccess;
  readonly paging: PagingControl | undefined;
  readonly interception: Interception;
  private readonly pc: Pc;
  private readonly monitor: Monitor;

  constructor({ pc }: Board, { monitor, ram, interrupts }: MadeMonitor) {
    this.pc = pc;
    this.monitor = monitor;
    this.ports = pc.bus;
    this.localApic = pc.localApic;
    this.msrs = pc.msrs;
    this.interrupts = interrupts ?? pc.interrupts;
    this.physical = ram;
    this.paging = monitor.paging;
    this.interception = monitor.interception;
  }

  nextDeadline(): number {
    return this.pc.schedule.next;
  }

  runDue(now: number): void {
    this.monitor.due(now);
  }

  hasInterrupt(): boolean {
    return this.monitor.hasInterrupt();
  }

  readMemory(address: number, size: 1 | 2 | 4): number {
    return this.pc.bus.readMemory(address, size);
  }

  writeMemory(address: number, size: 1 | 2 | 4, value: number): void {
    this.pc.bus.writeMemory(address, size, value);
  }
}

export class VirtualComputer extends BoardComputer implements GuestComputer {
  readonly machine: Machine;
  readonly engine: CodeEngine;
  readonly system: SystemUnit;
  readonly monitor: Monitor;
  protected readonly board: Board;
  private readonly hardware: CodeMachine;
  private readonly made: MadeMonitor;

  constructor(
    readonly options: ComputerOptions,
    design: MonitorDesign,
  ) {
    super();
    const { profile, memoryBytes, disks } = options;
    checkMemoryBytes(memoryBytes);
    const guestFrames = Math.floor(memoryBytes / 4096);
    const frames = guestFrames + design.monitorFrames;
    const hasApic = options.apic !== false;
    let made!: MadeMonitor;
    let board!: Board;
    this.hardware = new CodeMachine(
      { ...options, ...design.machine, backedFrames: frames, frames, hasApic },
      (hardware) => {
        board = new Board({
          profile,
          memoryBytes: guestFrames * 4096,
          hasApic,
          ...(disks === undefined ? {} : { disks }),
          now: () => hardware.engine.now(),
          stop: () => this.stop(),
          nmi: () => hardware.system.nmi(),
          memory: {
            read: (address, bytes) => made.ram.read(address, bytes),
            write: (address, bytes) => made.ram.write(address, bytes),
          },
        });
        made = design.make({ hardware, board, guestFrames });
        return new MonitorSurroundings(board, made);
      },
    );
    this.board = board;
    this.monitor = made.monitor;
    this.made = made;
    ({ machine: this.machine, engine: this.engine, system: this.system } = this.hardware);
  }

  get misbehaviour(): string | undefined {
    return this.monitor.misbehaviour;
  }

  /** Puts an image into the guest's memory and its CPU at its start. */
  load(load: Load): void {
    const { made } = this;
    if (made.load !== undefined) {
      made.load(load);
      return;
    }
    for (const { physical, length } of load.zero) made.ram.write(physical, new Uint8Array(length));
    for (const { physical, bytes } of load.writes) made.ram.write(physical, bytes);
    this.monitor.start(load.start);
  }

  /** Runs until the guest ends or so many instructions have completed since the start. */
  run(instructions: number): Outcome {
    for (;;) {
      const end = this.engine.run(instructions);
      this.engine.stopRequested = false;
      if (end === "stopped") return this.board.takeEnding();
      if (end === "shutdown") return { kind: "shutdown", reason: this.system.core.shutdownReason };
      if (end !== "exit") return { kind: end };
      this.system.resume();
      const outcome = this.monitor.handle();
      if (outcome !== undefined) return outcome;
      // A monitor that goes on by itself: the guest's instructions are its steps.
      if (this.system.hasExited && this.engine.instructions >= instructions) return { kind: "limit" };
    }
  }
}
