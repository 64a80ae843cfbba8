/**
 * A guest that executes code, from its configuration to its end: a computer with its image loaded, its region of interest, what
 * it printed, and how it ended. A run of a scenario and `virtlab run` are both this.
 */
import type { CostName } from "../../events/costs.js";
import type { Counters } from "../../events/counters.js";
import type { BootPlan } from "../../guest/images/boot-plan.js";
import type { ComputerOptions, GuestComputer, Outcome } from "../../machine/computer.js";
import { RFLAGS } from "../../machine/cpu/state.js";
import { MARK } from "../../machine/devices/marks.js";
import { invariant, UnsupportedError } from "../../util/errors.js";
import type { CellConfig, GuestFile } from "../config.js";
import { machineProfile } from "../machine-profile.js";
import { makeGuestComputer } from "./computers.js";
import { ConsoleHash } from "./console-hash.js";
import { readGuestFile } from "./files.js";
import { bootPlan, codeMemory } from "./load.js";

/** How a guest's run ended: as the machine says it, or because the machine's time was up. */
export type GuestEnd = Outcome | { readonly kind: "time" };

/** What is told while the guest runs; nothing of it may change the guest. */
export interface GuestHooks {
  /** A byte of the first serial port. */
  serial?(byte: number): void;
  /** The region of interest begins, and ends. */
  begin?(): void;
  end?(): void;
  readonly read?: (file: GuestFile) => Uint8Array;
}

/** What was counted in the region of interest. */
export interface Region {
  readonly counters: Counters;
  readonly instructions: number;
  /** Cycles that passed. */
  readonly cycles: number;
}

/** A machine with a cell's image loaded, at its start. */
export interface LoadedComputer {
  readonly computer: GuestComputer;
  readonly plan: BootPlan;
}

/** @throws UnsupportedError when the machine cannot be made or lacks what the image needs; UserError for its files. */
export function loadComputer(config: CellConfig, read = readGuestFile): LoadedComputer {
  const { machine, code, seed } = config;
  invariant(code !== undefined, "the plan found the guest's code", () => config.workload);
  const profile = machineProfile(machine);
  const memoryBytes = codeMemory(config);
  const plan = bootPlan(code, memoryBytes, read);
  if (plan.start.mode === "long" && !profile.features.longMode)
    throw new UnsupportedError(`${profile.name} has no long mode, in which ${code.image.name} starts`);
  const options: ComputerOptions = {
    profile,
    costs: machine.costs as Partial<Record<CostName, number>>,
    memoryBytes,
    caches: machine.caches,
    walkCaches: machine.walkCaches,
    tlb: machine.tlb,
    seed,
    engine: machine.engine,
    ...(code.disk === undefined ? {} : { disks: [read(code.disk)] }),
  };
  const computer = makeGuestComputer(options, config);
  computer.load(plan);
  return { computer, plan };
}

export class CodeGuest implements LoadedComputer {
  readonly computer: GuestComputer;
  readonly plan: BootPlan;
  private readonly hash = new ConsoleHash();
  /** Where the region of interest begins: at power-on, until a mark says otherwise. */
  private start = { instructions: 0, now: 0, isMarked: false };
  private measured: Region | undefined;
  private isTimeUp = false;

  /** Machine and image, ready to run. @throws as loadComputer does */
  constructor(
    readonly config: CellConfig,
    private readonly hooks: GuestHooks = {},
  ) {
    const { computer, plan } = loadComputer(config, hooks.read);
    this.computer = computer;
    this.plan = plan;
    computer.onSerial = (byte) => {
      this.hash.add(byte);
      hooks.serial?.(byte);
    };
    computer.onMark = (mark) => this.mark(mark);
    const timer = computer.pc.schedule.timer(() => {
      this.isTimeUp = true;
      computer.stop();
    });
    timer.at(config.budget.seconds * computer.options.profile.frequencyMHz * 1e6);
  }

  /**
   * Runs the guest until it ends.
   * @param instructions come back after so many since the start, though the guest is not at its end
   * @returns undefined when it came back so
   */
  run(instructions = Number.POSITIVE_INFINITY): GuestEnd | undefined {
    const { computer, config } = this;
    const most = Math.min(instructions, config.budget.instructions);
    const outcome = computer.run(most);
    if (outcome.kind === "limit" && most < config.budget.instructions) return undefined;
    if (outcome.kind !== "stopped" || !this.isTimeUp) return outcome;
    return { kind: this.sleepsForEver ? "asleep" : "time" };
  }

  /** Halted, and either takes no interrupts or there is no device that will ever interrupt. */
  private get sleepsForEver(): boolean {
    const { system, pc } = this.computer;
    const takesInterrupts = (system.core.readFlags() & RFLAGS.IF) !== 0;
    return system.isHalted && !(takesInterrupts && Number.isFinite(pc.schedule.next));
  }

  /** The region of interest: from the first begin mark to the end mark after it; without marks, from power-on until now. */
  get region(): Region {
    return this.measured ?? this.soFar();
  }

  /** Of everything the guest printed, and of its status. */
  fingerprint(end: GuestEnd): string {
    return this.hash.with(end.kind === "exit" ? end.status : 0);
  }

  private mark(mark: number): void {
    if (this.measured !== undefined) return;
    const { engine, machine } = this.computer;
    if (mark === MARK.begin && !this.start.isMarked) {
      machine.counters.reset();
      machine.frames.resetPeaks();
      this.start = { instructions: engine.instructions, now: engine.now(), isMarked: true };
      this.hooks.begin?.();
    } else if (mark === MARK.end) {
      this.hooks.end?.();
      this.measured = this.soFar();
    }
  }

  private soFar(): Region {
    const { engine, machine } = this.computer;
    return {
      counters: machine.counters.copy(),
      instructions: engine.instructions - this.start.instructions,
      cycles: engine.now() - this.start.now,
    };
  }
}
