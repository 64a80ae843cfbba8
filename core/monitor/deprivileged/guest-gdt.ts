/**
 * The guest's descriptor table as the machine has it: copies, one for each use (shadow-gdt.ts), made anew before the guest runs
 * when its own may have changed. The pages of its own are guarded: what is written there is followed.
 */
import { addressOf, type Gfn, type Gva, PAGE_BYTES } from "../../machine/address.js";
import type { CodeMachine } from "../../machine/code-machine.js";
import type { Core } from "../../machine/cpu/core.js";
import { ATTRIBUTES, BASE, GDTR_BASE, GDTR_LIMIT, HIGHEST, segmentWord } from "../../machine/cpu/places.js";
import { LDTR } from "../../machine/cpu/state.js";
import type { GuestRam } from "../guest-ram.js";
import type { ShadowedPaging } from "../memory/shadow/shadowed-paging.js";
import type { SegmentExtent } from "./segment-extent.js";
import { extentOf, ShadowGdt } from "./shadow-gdt.js";
import type { MonitorWindow } from "./window.js";

/** Of a selector: the descriptor's offset in its table, and that this is the local one. */
const INDEX = 0xfff8;
const LOCAL = 4;

export class GuestGdt {
  /** The copies may differ from the guest's. */
  isStale = false;
  /**
   * While the guest is in protected mode; in IA-32e mode its kernel and its programs have one each. Of a kernel that is translated
   * no instruction loads a segment there: the programs' is as good as any.
   */
  private readonly legacy: ShadowGdt;
  private long: { readonly kernel: ShadowGdt; readonly programs: ShadowGdt } | undefined;
  /** Guest frames of the guest's own; -1: not mapped. */
  private readonly frames: Gfn[] = [];

  constructor(
    private readonly hardware: CodeMachine,
    private readonly window: MonitorWindow,
    private readonly ram: GuestRam,
    private readonly paging: () => ShadowedPaging,
    /** The guest's kernel is: no instruction of its loads a segment from the machine's table in IA-32e mode. */
    private readonly isTranslated: boolean,
  ) {
    this.legacy = new ShadowGdt(hardware, window, isTranslated ? "translated" : "ring-1", true);
  }

  private get core(): Core {
    return this.hardware.system.core;
  }

  /** The table that the machine reads while the guest's kernel or its programs run. */
  tableFor(isKernel: boolean): ShadowGdt {
    const { long, legacy } = this;
    if (long === undefined || !this.core.isLong) return legacy;
    return isKernel ? long.kernel : long.programs;
  }

  /**
   * In protected mode: a segment as the guest's tables have it, if the monitor may have cut it short. Of its local table, whose
   * segments come to the monitor, that is always what is there now.
   */
  wholeOf(selector: number): SegmentExtent | undefined {
    const offset = selector & INDEX;
    if ((selector & LOCAL) === 0) return this.legacy.wholeAt(offset);
    const { words } = this.core;
    const table = segmentWord(LDTR);
    if (words[table + ATTRIBUTES] === 0 || offset + 7 > words[table + HIGHEST]! >>> 0) return undefined;
    const base = words[table + BASE]!;
    return extentOf(this.read((base + offset) >>> 0), this.read((base + offset + 4) >>> 0));
  }

  /** Whether a guest frame holds some of the guest's own. */
  isIn(frame: Gfn): boolean {
    return this.frames.includes(frame);
  }

  /** A guest frame was written, or is from now on. */
  written(frame: Gfn): void {
    this.isStale ||= this.isIn(frame);
  }

  /** Copies the table that the guest's GDTR, which is in the registers, says. */
  copy(): void {
    const { core, frames, ram } = this;
    const paging = this.paging();
    const { words } = core;
    const base = addressOf(words[GDTR_BASE + 1]!, words[GDTR_BASE]!);
    frames.length = 0;
    const read = (offset: number): number => {
      const linear = core.isLong ? base + offset : (base + offset) >>> 0;
      const gfn = paging.translate(linear);
      if (frames.at(-1) !== gfn) frames.push(gfn);
      return gfn < 0 ? 0 : ram.read32(gfn * PAGE_BYTES + (linear & (PAGE_BYTES - 1)));
    };
    for (const table of this.present()) table.copy(words[GDTR_LIMIT]!, read);
    for (const gfn of frames) if (gfn >= 0) paging.trace(gfn);
    this.isStale = false;
  }

  /** An aligned word at a linear address of the guest's; 0 where nothing is mapped. */
  private read(linear: Gva): number {
    const gfn = this.paging().translate(linear);
    return gfn < 0 ? 0 : this.ram.read32(gfn * PAGE_BYTES + (linear & (PAGE_BYTES - 1)));
  }

  private present(): readonly ShadowGdt[] {
    if (!this.core.isLong) return [this.legacy];
    this.long ??= this.makeLong();
    const { kernel, programs } = this.long;
    return kernel === programs ? [programs] : [kernel, programs];
  }

  private makeLong(): { readonly kernel: ShadowGdt; readonly programs: ShadowGdt } {
    const { hardware, window, isTranslated } = this;
    if (!isTranslated) {
      const kernel = new ShadowGdt(hardware, window, "kernel-at-3", false);
      return { kernel, programs: new ShadowGdt(hardware, window, "programs", false) };
    }
    const programs = new ShadowGdt(hardware, window, "programs", false);
    return { kernel: programs, programs };
  }
}
