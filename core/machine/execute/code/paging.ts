/** The MMU's part of control registers (cpu/host.ts): which tables are walked, their root, and what is flushed. */

import { addressOf } from "../../address.js";
import { CR0, CR4, EFER } from "../../cpu/control-bits.js";
import type { PagingControl } from "../../cpu/host.js";
import { STATE } from "../../cpu/state.js";
import type { Machine } from "../../machine.js";
import type { PagingName } from "../../mmu/format.js";
import type { Mmu } from "../../mmu/mmu.js";
import { REGISTER } from "../../registers.js";
import type { CodeEngine } from "./engine.js";
import { TABLE_INDEX } from "./runtime/contract.js";
import { makeTranslate } from "./runtime/translation.js";

/** What the registers of a guest under nested paging come to. */
export interface GuestPaging {
  /** VPID or ASID that tags its translations; 0 is the host's. */
  readonly vpid: number;
  /**
   * Guest-physical frame of identity tables, 32-bit with 4 MiB pages, that are walked while the guest's paging is off: for
   * processors whose guests cannot do without (SDM vol. 3, 27.3.1.1). Undefined: the second dimension alone is walked.
   */
  readonly identityRoot?: number | undefined;
}

/** Tables of a format, the identity tables, or none while paging is off. */
type Tables = PagingName | "identity" | "none";

export class EnginePaging implements PagingControl {
  private readonly state: Int32Array;
  private readonly translations = new Map<Tables, unknown>();
  private tables: Tables = "none";

  constructor(
    private readonly machine: Machine,
    private readonly engine: CodeEngine,
    private readonly guest: GuestPaging = { vpid: 0 },
  ) {
    this.state = machine.code!.cpu.words;
    engine.table.set(TABLE_INDEX.translate, this.translation("none") as () => number);
    this.mmu.select(guest.vpid, 0);
  }

  changed(): void {
    const tables = this.presentTables();
    if (tables !== this.tables) {
      this.tables = tables;
      this.engine.table.set(TABLE_INDEX.translate, this.translation(tables) as () => number);
      this.mmu.select(this.guest.vpid, this.pcid());
      this.mmu.flushAll(false);
      if (tables !== "none") this.mmu.loadCr3(this.rootFrame(), this.pcid(), false);
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

  /** Walks tables that are a monitor's, whatever the control registers say; supervisors too respect read-only pages. */
  useTables(format: PagingName, root: number): void {
    if (format !== this.tables) {
      this.tables = format;
      this.engine.table.set(TABLE_INDEX.translate, this.translation(format) as () => number);
      this.mmu.select(this.guest.vpid, 0);
      this.mmu.flushAll(false);
    }
    this.mmu.walker.writeProtect = true;
    this.mmu.loadCr3(root, 0, false);
    if (format === "pae") this.mmu.walker.loadPdptes(0);
    this.engine.translationsChanged();
  }

  /** After linear memory was restored: walks what the registers say, and flushes nothing. */
  restore(): void {
    this.tables = this.presentTables();
    this.engine.table.set(TABLE_INDEX.translate, this.translation(this.tables) as () => number);
    this.mmu.select(this.guest.vpid, this.pcid());
  }

  private get mmu(): Mmu {
    return this.mmuOf(this.tables);
  }

  private mmuOf(tables: Tables): Mmu {
    const { machine } = this;
    if (tables === "identity") return machine.mmuFor("32-bit");
    if (tables !== "none") return machine.mmuFor(tables);
    return this.isNested ? machine.physicalMmu : machine.mmuFor(machine.options.paging);
  }

  private get isNested(): boolean {
    return this.machine.options.nested !== undefined;
  }

  private presentTables(): Tables {
    const cr0 = this.state[STATE.cr0 / 4]!;
    const cr4 = this.state[STATE.cr4 / 4]!;
    if ((cr0 & CR0.PG) === 0) return this.guest.identityRoot === undefined ? "none" : "identity";
    if ((this.state[STATE.efer / 4]! & EFER.LMA) !== 0) return (cr4 & CR4.LA57) !== 0 ? "5-level" : "4-level";
    return (cr4 & CR4.PAE) !== 0 ? "pae" : "32-bit";
  }

  private translation(tables: Tables): unknown {
    if (tables === "none" && !this.isNested) return this.engine.runtime["identity"];
    let translate = this.translations.get(tables);
    if (translate === undefined) {
      translate = makeTranslate(this.machine, this.mmuOf(tables));
      this.translations.set(tables, translate);
    }
    return translate;
  }

  private rootFrame(): number {
    if (this.tables === "identity") return this.guest.identityRoot!;
    const low = this.state[STATE.cr3 / 4]!;
    const high = this.state[STATE.cr3 / 4 + 1]!;
    return ((low >>> 12) | (high << 20)) >>> 0;
  }

  private pcid(): number {
    return (this.state[STATE.cr4 / 4]! & CR4.PCIDE) === 0 ? 0 : this.state[STATE.cr3 / 4]! & 0xfff;
  }
}
