/**
 * How long a loop of PAUSE lasts before it leaves: cycles for VT-x, executions for AMD-V. Each exit doubles it, for what the loop waits for
 * does not come soon; a virtual CPU that was away begins anew (Linux arch/x86/kvm/x86.h, __grow_ple_window and __shrink_ple_window, which
 * both modules call).
 */

/** Module parameters ple_window_grow and pause_filter_count_grow. */
const GROW = 2;

export class PauseWindow {
  private current: number;

  /**
   * @param first as it begins. @param most the widest that the control block's field holds.
   * @param write puts it into the control block.
   */
  constructor(
    private readonly first: number,
    private readonly most: number,
    private readonly write: (size: number) => void,
  ) {
    this.current = first;
  }

  get size(): number {
    return this.current;
  }

  grow(): void {
    this.set(Math.min(this.size * GROW, this.most));
  }

  reset(): void {
    this.set(this.first);
  }

  private set(size: number): void {
    if (size === this.current) return;
    this.current = size;
    this.write(size);
  }
}
