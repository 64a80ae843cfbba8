/**
 * Whose cycles they are while a guest's kernel runs at CPL 3: the machine takes them for a program's, the monitor knows better.
 */
import { CYCLES } from "../events/categories.js";
import type { Counters } from "../events/counters.js";

export class KernelCycles {
  /** CYCLES.guest_user when the guest was last entered. */
  private before = 0;

  constructor(private readonly counters: Counters) {}

  /** The guest is entered. */
  entered(): void {
    this.before = this.counters.cycles[CYCLES.guest_user]!;
  }

  /** The guest has left. @param wasKernel what ran since it was entered was its kernel, at CPL 3. */
  left(wasKernel: boolean): void {
    if (!wasKernel) return;
    const { cycles } = this.counters;
    cycles[CYCLES.guest_kernel]! += cycles[CYCLES.guest_user]! - this.before;
    cycles[CYCLES.guest_user] = this.before;
  }
}
