/**
 * Maskable interrupts as the CPU sees them: whether one is pending, and the acknowledge that fetches its vector.
 * Sources are the 8259A pair, wired to the local APIC's LINT0 and to the I/O APIC's pin 0, and the local APIC. With
 * no local APIC, or with it disabled in IA32_APIC_BASE, the pair's output is the CPU's INTR pin (Intel
 * MultiProcessor Specification 1.4, 3.6.2: PIC mode and virtual wire mode).
 *
 * EFLAGS.IF and interrupt shadows are the CPU's part; TPR and PPR are counted here.
 */
import { invariant } from "../../util/errors.js";
import type { LocalApic } from "./apic/local-apic.js";
import type { PicPair } from "./pic/pair.js";

export class Interrupts {
  private pic: PicPair | undefined;
  private localApic: LocalApic | undefined;
  /** The level last told to the CPU. */
  private pending = false;

  /** @param onChange told every change of what `hasPending` returns, and the level after a restore. */
  constructor(private readonly onChange: (pending: boolean) => void) {}

  /** Names the sources, which need this to be made first. */
  connect(pic: PicPair, localApic: LocalApic | undefined): void {
    this.pic = pic;
    this.localApic = localApic;
    this.update();
  }

  /** Whether `acknowledge` would deliver an interrupt now. */
  hasPending(): boolean {
    return this.isExternal || (this.localApic?.deliverable ?? -1) >= 0;
  }

  /**
   * Accepts the pending interrupt and returns its vector; the 8259As' come first, as INTR has no priority class. With
   * nothing pending, the vector is a spurious one.
   */
  acknowledge(): number {
    const { pic, localApic } = this;
    invariant(pic !== undefined, "interrupts are connected");
    let vector: number;
    if (localApic?.isEnabled && !this.isExternal) vector = localApic.acknowledge();
    else {
      localApic?.endExtInt();
      vector = pic.acknowledge();
    }
    this.update();
    return vector;
  }

  /** To be called when anything changed on which `hasPending` depends. */
  update(): void {
    const pending = this.hasPending();
    if (pending === this.pending) return;
    this.pending = pending;
    this.onChange(pending);
  }

  /** After a restore: tells the CPU the present level. */
  refresh(): void {
    this.pending = this.hasPending();
    this.onChange(this.pending);
  }

  /** The 8259As ask for INTA cycles, and the request reaches the CPU. */
  get isExternal(): boolean {
    const { pic, localApic } = this;
    return localApic?.isEnabled ? localApic.requestsExtInt : pic?.output === true;
  }
}
