/** The MMU's part of control registers (cpu/host.ts): which format of tables is walked, its root, and what is flushed. */

import { addressOf } from "../../address.js";
import { CR0, CR4, EFER } from "../../cpu/control-bits.js";
import type { PagingControl } from "../../cpu/host.js";
import { STATE } from "../../cpu/state.js";
import type { Machine } from "../../machine.js";
import type { PagingName } from "../../mmu/format.js";
import type { Mmu } from "../../mmu/mmu.js";
import { REGISTER } from "../../registers.js";
import type { CodeEngine } from "./engine.js";
import { makeTranslate, TABLE_INDEX } from "./runtime.js";

export class EnginePaging implements PagingControl {
  private readonly state: Int32Array;
  private readonly translations = new Map<PagingName, unknown>();
  /** Undefined while paging is off. */
  private format: PagingName | undefined;

  constructor(
    private readonly machine: Machine,
    private readonly engine: CodeEngine,
  ) {
    this.state = machine.code!.cpu.words;
    engine.table.set(TABLE_INDEX.translate, engine.runtime["identity"] as () => number);
  }

  changed(): void {
    const format = this.presentFormat();
    if (format !== this.format) {
      this.format = format;
      this.engine.table.set(TABLE_INDEX.translate, this.translation(format) as () => number);
      this.mmu.flushAll(false);
      this.setRoot();
    }
    this.mmu.walker.writeProtect = (this.state[STATE.cr0 / 4]! & CR0.WP) !== 0;
    this.engine.translationsChanged();
  }

  loadRoot(keep: boolean): void {
    const hasGlobal = (this.state[STATE.cr4 / 4]! & CR4.PGE) !== 0;
    this.mmu.loadCr3(this.rootFrame(), this.pcid(), keep);
    // Without CR4.PGE no translation is global.
    if (!hasGlobal) this.mmu.flushAll(false);
    this.engine.translationsChanged();
  }

  loadPdptes(pdptes: Int32Array): void {
    this.machine.places.registers.words.set(pdptes.subarray(0, 8), REGISTER.pdptes);
  }

  invalidatePage(high: number, low: number): void {
    // Where a page is held in pieces, INVLPG takes all of them.
    if (this.machine.places.registers.words[REGISTER.hasFractures] !== 0) this.engine.translationsChanged();
    else this.engine.pageChanged(high, low);
    this.mmu.invalidatePage(addressOf(high, low));
  }

  invalidatePageOf(pcid: number, high: number, low: number): void {
    this.mmu.invalidatePageOf(pcid, addressOf(high, low));
    this.engine.translationsChanged();
  }

  invalidatePcid(pcid: number): void {
    this.mmu.invalidatePcid(pcid);
    this.engine.translationsChanged();
  }

  flushAll(keepGlobal: boolean): void {
    this.mmu.flushAll(keepGlobal);
    this.engine.translationsChanged();
  }

  /** After linear memory was restored: walks the format that the registers say, and flushes nothing. */
  restore(): void {
    this.format = this.presentFormat();
    this.engine.table.set(TABLE_INDEX.translate, this.translation(this.format) as () => number);
    this.mmu.select(0, this.pcid());
  }

  private get mmu(): Mmu {
    return this.machine.mmuFor(this.format ?? this.machine.options.paging);
  }

  private presentFormat(): PagingName | undefined {
    const cr0 = this.state[STATE.cr0 / 4]!;
    const cr4 = this.state[STATE.cr4 / 4]!;
    if ((cr0 & CR0.PG) === 0) return undefined;
    if ((this.state[STATE.efer / 4]! & EFER.LMA) !== 0) return (cr4 & CR4.LA57) !== 0 ? "5-level" : "4-level";
    return (cr4 & CR4.PAE) !== 0 ? "pae" : "32-bit";
  }

  private translation(format: PagingName | undefined): unknown {
    if (format === undefined) return this.engine.runtime["identity"];
    let translate = this.translations.get(format);
    if (translate === undefined) {
      translate = makeTranslate(this.machine, format);
      this.translations.set(format, translate);
    }
    return translate;
  }

  private setRoot(): void {
    if (this.format === undefined) return;
    this.mmu.loadCr3(this.rootFrame(), this.pcid(), false);
  }

  private rootFrame(): number {
    const low = this.state[STATE.cr3 / 4]!;
    const high = this.state[STATE.cr3 / 4 + 1]!;
    return ((low >>> 12) | (high << 20)) >>> 0;
  }

  private pcid(): number {
    return (this.state[STATE.cr4 / 4]! & CR4.PCIDE) === 0 ? 0 : this.state[STATE.cr3 / 4]! & 0xfff;
  }
}
