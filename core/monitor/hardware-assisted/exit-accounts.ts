/** What exits cost and who had the cycles: the hardware's way out and in, the kernel side's work, the user side's. */
import { CYCLES } from "../../events/categories.js";
import type { CodeMachine } from "../../machine/code-machine.js";
import type { MonitorPath } from "./monitor-path.js";

export class ExitAccounts {
  /** What leaves next does so by a page fault. */
  private isFault = false;

  /**
   * @param flush drops all translations of the hardware's.
   * @param hasTags they outlive exits and entries.
   */
  constructor(
    private readonly hardware: CodeMachine,
    private readonly path: MonitorPath,
    private readonly flush: () => void,
    private readonly hasTags: boolean,
  ) {}

  get costs() {
    return this.hardware.machine.costs;
  }

  /** To the user side and back, cycles; the device there comes on top. */
  get userRoundTrip(): number {
    return this.path.userRoundTrip;
  }

  /** The exit to come is by a page fault, which takes the processor more than others. */
  noteFault(): void {
    this.isFault = true;
  }

  /**
   * One exit and the entry after it, with the kernel side's path around both.
   * @param work cycles beyond that path. @param user cycles of the user side, and of the way there.
   */
  leave(reason: number, work: number, user = 0): void {
    const { machine, engine } = this.hardware;
    const { costs } = this;
    const transition = costs.vm_exit + costs.vm_entry + (this.isFault ? costs.page_fault : 0);
    const monitor = this.path.dispatch + work;
    this.isFault = false;
    engine.charge(CYCLES.transition, transition);
    engine.charge(CYCLES.monitor, monitor);
    engine.charge(CYCLES.monitor_user, user);
    machine.counters.exit(reason, transition + monitor + user);
    if (!this.hasTags || (user > 0 && this.path.dropsTranslations)) this.flush();
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
    const cycles = this.userRoundTrip + this.costs.user_device;
    engine.charge(CYCLES.monitor_user, cycles);
    machine.counters.exitCycles[reason]! += cycles;
    if (this.path.dropsTranslations) this.flush();
  }
}
