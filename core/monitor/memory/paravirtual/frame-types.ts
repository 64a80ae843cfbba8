/**
 * What Xen knows of each guest frame in use as a page table: its level once validated, and the direct-map entry that maps
 * it, so that it can be made read-only (a frame is never both a page table and writable: xen/arch/x86/mm.c).
 */
import type { Gfn } from "../../../machine/address.js";

export class FrameTypes {
  /** Level of the validated table in each guest frame with contents; 0 is an ordinary frame. */
  private readonly level: Uint8Array;
  /** RAM word of the kernel's level-1 entry that maps each frame, plus one; 0 is none. */
  private readonly mappedBy: Float64Array;

  constructor(backedFrames: number) {
    this.level = new Uint8Array(backedFrames);
    this.mappedBy = new Float64Array(backedFrames);
  }

  levelOf(gfn: Gfn): number {
    return this.level[gfn] ?? 0;
  }

  setLevel(gfn: Gfn, level: number): void {
    this.level[gfn] = level;
  }

  /** Notes that the level-1 entry at a RAM word maps a frame, for the kernel. */
  noteMapping(gfn: Gfn, word: number): void {
    if (gfn < this.mappedBy.length) this.mappedBy[gfn] = word + 1;
  }

  /** RAM word of the kernel's entry for a frame, or -1. */
  mappingOf(gfn: Gfn): number {
    return this.mappedBy[gfn]! - 1;
  }
}
