/** What exits cost and who had the cycles: the hardware's way out and in, the kernel side's work, the user side's. */
import { CYCLES } from "../../events/categories.js";
import type { CodeMachine } from "../../machine/code-machine.js";

export class ExitAccounts {
  /** @param flush drops all translations of the hardware's, as every exit and entry does where they carry no tags. */
  constructor(
    private readonly hardware: CodeMachine,
    private readonly flush: (() => void) | undefined,
  ) {}

  get costs() {
    return this.hardware.machine.costs;
  }

  /**
   * One exit and the entry after it, with the kernel side's path around both.
   * @param work cycles beyond that path. @param user cycles of the user side, and of the way there.
   */
  leave(reason: number, work: number, user = 0): void {
    const { machine, engine } = this.hardware;
    const { costs } = this;
    const transition = costs.vm_exit + costs.vm_entry;
    const monitor = costs.monitor_dispatch + work;
    engine.charge(CYCLES.transition, transition);
    engine.charge(CYCLES.monitor, monitor);
    engine.charge(CYCLES.monitor_user, user);
    machine.counters.exit(reason, transition + monitor + user);
    this.flush?.();
  }

  /** More work of an exit that has been counted. */
  work(reason: number, cycles: number): void {
    const { machine, engine } = this.hardware;
    engine.charge(CYCLES.monitor, cycles);
    machine.counters.exitCycles[reason]! += cycles;
  }

  /** To the user side and back, where the device is found and answers; of an exit that has been counted. */
  workOfUser(reason: number): void {
    const { machine, engine } = this.hardware;
    const { user_round_trip, user_device } = this.costs;
    const cycles = user_round_trip + user_device;
    engine.charge(CYCLES.monitor_user, cycles);
    machine.counters.exitCycles[reason]! += cycles;
  }
}
