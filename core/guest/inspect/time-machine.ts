/**
 * Back and forth in a guest's life: snapshots are taken on the way, and an earlier instruction is reached from the last
 * snapshot before it. The guest is deterministic, so it comes by the same way again.
 */
import type { Computer, Outcome } from "../../machine/computer.js";
import type { Snapshot } from "../../machine/snapshot.js";

/** Snapshots kept; when there are more, every second one goes and the interval doubles. */
const MOST = 64;

export class TimeMachine {
  private snapshots: Snapshot[] = [];

  /** @param interval instructions between two snapshots at first. */
  constructor(
    private readonly computer: Computer,
    private interval = 1_000_000,
  ) {
    this.take();
  }

  /** Goes to the point at which so many instructions have completed, forwards or back. */
  goTo(instructions: number): Outcome {
    const { computer } = this;
    if (instructions < computer.engine.instructions) {
      const at = this.snapshots.findLastIndex((snapshot) => snapshot.instructions <= instructions);
      const from = this.snapshots[Math.max(at, 0)]!;
      computer.restore(from);
      this.snapshots = this.snapshots.slice(0, Math.max(at, 0) + 1);
    }
    for (;;) {
      const due = this.snapshots.at(-1)!.instructions + this.interval;
      const outcome = computer.run(Math.min(instructions, due));
      if (outcome.kind !== "limit" || computer.engine.instructions >= instructions) return outcome;
      this.take();
    }
  }

  /** A snapshot at the next point between two blocks. */
  private take(): void {
    const { computer } = this;
    while (!computer.engine.isBetweenBlocks) {
      if (computer.run(computer.engine.instructions + 1).kind !== "limit") return;
    }
    this.snapshots.push(computer.save(this.snapshots.at(-1)));
    if (this.snapshots.length <= MOST) return;
    this.snapshots = this.snapshots.filter((_, index) => index % 2 === 0);
    this.interval *= 2;
  }
}
