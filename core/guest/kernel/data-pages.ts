/**
 * Data pages of the guest: allocated, zeroed, copied and given back, with the kernel's references to them
 * through the direct map (one for each 4 KiB, so that a host which backs memory on first touch backs all of a
 * large page) and the prices. Frames that the direct map does not reach (high memory of the 32-bit formats)
 * are priced but not touched.
 */
import { CYCLES } from "../../events/categories.js";
import { EVENT } from "../../events/events.js";
import type { Gfn } from "../../machine/address.js";
import type { Vcpu } from "../vcpu.js";
import type { DataFrames } from "./frames.js";
import type { KernelLayout } from "./layout.js";

export class DataPages {
  /** Pages zeroed and copied since boot, for the fingerprint. */
  zeroed = 0;
  copied = 0;

  constructor(
    private readonly cpu: Vcpu,
    private readonly layout: KernelLayout,
    readonly frames: DataFrames,
  ) {}

  /**
   * First frame of a new page full of zeros. @param level of the leaf that will map it. @throws GuestFailure
   */
  allocateZeroed(level: number): Gfn {
    const { cpu, frames } = this;
    const frame = frames.allocate(level);
    const count = frames.pageFrames[level]!;
    this.touch(frame, count, true);
    cpu.charge(CYCLES.guest_kernel, cpu.costs.kernel_allocate_page + count * cpu.costs.kernel_zero_page);
    cpu.counters.events[EVENT.guest_zeroed]!++;
    this.zeroed++;
    return frame;
  }

  /** First frame of a new page with the contents of another. @throws GuestFailure */
  allocateCopy(source: Gfn, level: number): Gfn {
    const { cpu, frames } = this;
    const frame = frames.allocate(level);
    const count = frames.pageFrames[level]!;
    this.touch(source, count, false);
    this.touch(frame, count, true);
    cpu.charge(CYCLES.guest_kernel, cpu.costs.kernel_allocate_page + count * cpu.costs.kernel_copy_page);
    cpu.counters.events[EVENT.guest_copies]!++;
    this.copied++;
    return frame;
  }

  /** One mapping of a page less; the page is freed with its last. */
  drop(frame: Gfn, level: number): void {
    if (!this.frames.isShared(frame)) {
      this.cpu.charge(CYCLES.guest_kernel, this.cpu.costs.kernel_allocate_page);
    }
    this.frames.drop(frame, level);
  }

  private touch(frame: Gfn, count: number, write: boolean): void {
    const { cpu, layout } = this;
    const end = Math.min(frame + count, layout.directFrames);
    for (let f = frame; f < end; f++) cpu.touch(layout.directMap + f * 4096, write);
  }
}
