/** An interrupt that the user side gave its virtual CPU (KVM_INTERRUPT), where the kernel side has no interrupt controllers. */
import type { InterruptSource } from "../../machine/cpu/host.js";

const NONE = -1;

export class QueuedInterrupt implements InterruptSource {
  private vector = NONE;

  /** @param wantsWindow the user side waits until the guest can take one: as if one did. */
  constructor(private readonly wantsWindow: () => boolean) {}

  get isEmpty(): boolean {
    return this.vector === NONE;
  }

  queue(vector: number): void {
    this.vector = vector;
  }

  hasPending(): boolean {
    return !this.isEmpty || this.wantsWindow();
  }

  acknowledge(): number {
    const { vector } = this;
    this.vector = NONE;
    return vector;
  }
}
