/**
 * A guest kernel that is not at CPL 0, and its processor's privileged state: what the guest set (the virtual state) and what the
 * machine must hold while the guest runs directly (the real one). Both are held in the same registers, at different times:
 *
 *      the guest runs        expose() ──→   a monitor emulates for it      conceal() ──→   the guest runs
 *      real state, CPL 1 or 3               virtual state, CPL 0                           real state
 *
 * In protected mode the kernel has CPL 1. In 64-bit mode no segment keeps code apart, and paging knows only user and supervisor:
 * there a kernel that runs as it is has CPL 3 like its programs, and which of them runs is kept here. One that is translated has
 * CPL 1 there too (EFER.LMSLE: cpu/long-limits.ts).
 *
 * General, x87 and SSE registers, DS to GS, CR2 to CR4 and MSRs are the same in both: no instruction reads the privileged of
 * these there without a trap. The others can be read there without one, so they must be the machine's own: that is
 * what makes x86 not virtualizable by trapping alone (Robin & Irvine, USENIX Security 2000; Popek & Goldberg, CACM 1974).
 */
import { addressOf } from "../../machine/address.js";
import type { CodeMachine } from "../../machine/code-machine.js";
import { CR0 } from "../../machine/cpu/control-bits.js";
import type { Core } from "../../machine/cpu/core.js";
import {
  ATTRIBUTES,
  CR0_WORD,
  FLAGS,
  GDTR_BASE,
  GDTR_LIMIT,
  IDTR_BASE,
  IDTR_LIMIT,
  PRIVILEGE,
  SEGMENT_WORDS,
  SELECTOR,
  segmentWord,
} from "../../machine/cpu/places.js";
import { PRIVILEGE_SHIFT } from "../../machine/cpu/segments.js";
import { CS, LDTR, RFLAGS, SS, TR } from "../../machine/cpu/state.js";

/** Flags that POPF does not change above CPL 0 with IOPL 0. */
const PRIVILEGED_FLAGS = RFLAGS.IF | RFLAGS.IOPL;
/** Always set while the guest runs: the monitor's tables are walked, and protect what is read-only from CPL 1 too. */
const REAL_CR0 = CR0.PE | CR0.PG | CR0.WP | CR0.NE | CR0.ET;
const DPL = 3 << PRIVILEGE_SHIFT;

/** Registers that hold linear addresses of descriptor tables: base and limit each. */
const TABLES = [GDTR_BASE, GDTR_BASE + 1, GDTR_LIMIT, IDTR_BASE, IDTR_BASE + 1, IDTR_LIMIT] as const;

const LOCAL_TABLE = segmentWord(LDTR);
const TASK = segmentWord(TR);
const CODE = segmentWord(CS);
const STACK = segmentWord(SS);

/** Where a table lies; lower halves of addresses, for the monitor's window has the highest ones. */
export interface TablePlace {
  readonly address: number;
  /** Highest valid offset. */
  readonly limit: number;
}

/** The monitor's own descriptor tables, which the machine reads while the guest runs. */
export interface RealTables {
  /** GDT for the guest's kernel, or for its programs. */
  tableFor(isKernel: boolean): TablePlace;
  readonly idt: TablePlace;
  /** Of its TSS, and that it is loaded. */
  readonly taskSelector: number;
}

export class PrivilegedState {
  /** The state in the registers is the virtual one. */
  isExposed = true;
  private readonly tables = new Int32Array(TABLES.length);
  private readonly localTable = new Int32Array(SEGMENT_WORDS);
  private taskSelector = 0;
  private flags = 0;
  private cr0 = 0;
  /** What was concealed had CPL 0. */
  private hidKernel = false;

  /** @param longRing CPL of the kernel in IA-32e mode. */
  constructor(
    private readonly hardware: CodeMachine,
    private readonly real: RealTables,
    private readonly longRing: 1 | 3,
  ) {}

  private get core(): Core {
    return this.hardware.system.core;
  }

  /** CPL at which the guest's kernel runs. */
  get guestRing(): 1 | 3 {
    return this.core.isLong ? this.longRing : 1;
  }

  /** Whether the guest's kernel is at RIP, not one of its programs. */
  get isKernel(): boolean {
    if (this.isExposed) return this.core.cpl === 0;
    // From CPL 1 the kernel returns to a program without a trap, and none comes back so.
    return this.guestRing === 3 ? this.hidKernel : this.core.cpl === 1;
  }

  /** Whether the guest's own IF lets interrupts in. */
  get takesInterrupts(): boolean {
    const flags = this.isExposed ? this.core.words[FLAGS]! : this.flags;
    return (flags & RFLAGS.IF) !== 0;
  }

  /** While the guest runs: its IF and IOPL are now these, as code of the monitor's has noted. */
  setVirtualFlags(flags: number): void {
    this.flags = flags & PRIVILEGED_FLAGS;
  }

  /** The same of IF alone. */
  setInterruptFlag(isSet: boolean): void {
    this.flags = isSet ? this.flags | RFLAGS.IF : this.flags & ~RFLAGS.IF;
  }

  /** RFLAGS.IF and IOPL, and CR0, as the guest set them; for what must compare. */
  get virtualFlags(): number {
    return this.isExposed ? this.core.words[FLAGS]! & PRIVILEGED_FLAGS : this.flags;
  }
  get virtualCr0(): number {
    return this.isExposed ? this.core.words[CR0_WORD]! : this.cr0;
  }

  /** While the guest runs: base and limit of its own GDT and IDT, and selectors of its own LDT and TSS. */
  get virtualTables() {
    const [gdtLow, gdtHigh, gdtLimit, idtLow, idtHigh, idtLimit] = this.tables;
    return {
      gdtBase: addressOf(gdtHigh!, gdtLow!),
      gdtLimit: gdtLimit!,
      idtBase: addressOf(idtHigh!, idtLow!),
      idtLimit: idtLimit!,
      localTable: this.localTable[SELECTOR]!,
      task: this.taskSelector,
    };
  }

  /** The virtual state into the registers, so that the guest's privileged instructions mean what the guest meant. */
  expose(): void {
    if (this.isExposed) return;
    const core = this.core;
    const { words } = core;
    if (this.isKernel) this.setRing(0);
    this.isExposed = true;
    words[FLAGS] = (words[FLAGS]! & ~PRIVILEGED_FLAGS) | this.flags;
    words[CR0_WORD] = this.cr0;
    for (let index = 0; index < TABLES.length; index++) words[TABLES[index]!] = this.tables[index]!;
    for (let word = 0; word < SEGMENT_WORDS; word++) words[LOCAL_TABLE + word] = this.localTable[word]!;
    words[TASK + SELECTOR] = this.taskSelector;
    core.updateMode();
  }

  /** The real state into the registers: the guest may run. */
  conceal(): void {
    if (!this.isExposed) return;
    this.isExposed = false;
    const core = this.core;
    const { words } = core;
    this.hidKernel = words[PRIVILEGE] === 0;
    const { idt, taskSelector } = this.real;
    const gdt = this.real.tableFor(this.hidKernel);
    this.flags = words[FLAGS]! & PRIVILEGED_FLAGS;
    this.cr0 = words[CR0_WORD]!;
    for (let index = 0; index < TABLES.length; index++) this.tables[index] = words[TABLES[index]!]!;
    for (let word = 0; word < SEGMENT_WORDS; word++) {
      this.localTable[word] = words[LOCAL_TABLE + word]!;
      words[LOCAL_TABLE + word] = 0;
    }
    this.taskSelector = words[TASK + SELECTOR]!;
    words[FLAGS] = (words[FLAGS]! & ~RFLAGS.IOPL) | RFLAGS.IF;
    words[CR0_WORD] = this.cr0 | REAL_CR0;
    if (this.hidKernel) {
      this.setRing(this.guestRing);
      // At CPL 3 alignment would be checked, which it never is at CPL 0 and 1.
      if (this.guestRing === 3) words[CR0_WORD]! &= ~CR0.AM;
    }
    const high = core.isLong ? -1 : 0;
    words[GDTR_BASE] = gdt.address | 0;
    words[GDTR_BASE + 1] = high;
    words[GDTR_LIMIT] = gdt.limit;
    words[IDTR_BASE] = idt.address | 0;
    words[IDTR_BASE + 1] = high;
    words[IDTR_LIMIT] = idt.limit;
    words[TASK + SELECTOR] = taskSelector;
    core.updateMode();
  }

  /** CPL, and with it the privilege of CS and SS. */
  private setRing(ring: number): void {
    const { words } = this.core;
    words[PRIVILEGE] = ring;
    setSegmentRing(words, CODE, ring);
    setSegmentRing(words, STACK, ring);
  }
}

/** RPL and DPL of a segment register, unless it is empty. @param at its first word. */
function setSegmentRing(words: Int32Array, at: number, ring: number): void {
  if (words[at + ATTRIBUTES] === 0) return;
  words[at + SELECTOR] = (words[at + SELECTOR]! & ~3) | ring;
  words[at + ATTRIBUTES] = (words[at + ATTRIBUTES]! & ~DPL) | (ring << PRIVILEGE_SHIFT);
}
