/**
 * Whether a CPU gets anything done: a handler that faults itself delivers exceptions for ever, and completes no instruction that
 * a limit could count. It is looked at fixed times, so that every engine looks at the same place.
 */

/** Cycles between two looks. */
export const LOOK_CYCLES = 2 ** 27;

export class Progress {
  /** Time of the next look. */
  nextLook = LOOK_CYCLES;
  /** Instructions at the last look; -1 if something was done since that they do not count. */
  private lookedAt = -1;

  /** Something was done that is no completed instruction. */
  note(): void {
    this.lookedAt = -1;
  }

  /** Whether nothing got done since the last look; if it did, there will be another. */
  isStuck(now: number, instructions: number): boolean {
    if (this.lookedAt === instructions) return true;
    this.lookedAt = instructions;
    this.schedule(now);
    return false;
  }

  /** Begins anew at a time. */
  restart(now: number): void {
    this.lookedAt = -1;
    this.schedule(now);
  }

  private schedule(now: number): void {
    this.nextLook = (Math.floor(now / LOOK_CYCLES) + 1) * LOOK_CYCLES;
  }
}
