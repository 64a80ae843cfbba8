/**
 * Pages that translated code reaches through GS and the guest cannot reach at all: the guest's interrupt flag, registers put
 * aside (by the code's width: code-width.ts), and where indirect branches go (branch-tables.ts).
 */
import { addressOf, type Hfn, PAGE_BYTES } from "../../machine/address.js";
import type { Machine } from "../../machine/machine.js";
import { BranchTables } from "./branch-tables.js";
import { type CodeWidth, WIDTH_32 } from "./code-width.js";

/** Offsets in the pages, bytes. */
export const DATA = {
  /** What is added to the machine's RFLAGS, whose IF is set, to get the guest's IF: 0, or -0x200 while that is clear. */
  flagsDelta: 0,
  /** Nonzero: an interrupt waits for the guest's IF. */
  pending: 4,
  /** The guest's IOPL, as a flag image has it; the machine's is 0. */
  privilegeLevel: 24,
  /** Nonzero: the monitor is to be called where the guest returns to a program. */
  barsReturn: 28,
  /** Of a return to a program: flags put aside, the selector of CS, the program's IOPL, and the selector of the guest's GS. */
  flags: 64,
  returnSelector: 68,
  programPrivilege: 72,
  guestGs: 76,
} as const;

export const DATA_PAGES = 2;
export const DATA_BYTES = DATA_PAGES * PAGE_BYTES;
const INTERRUPT_FLAG = 0x200;

export class DataPages {
  readonly branches: BranchTables;
  private width = WIDTH_32;

  /** @param address linear, of the first. */
  constructor(
    private readonly machine: Machine,
    readonly address: number,
    private readonly frames: readonly Hfn[],
  ) {
    this.branches = new BranchTables(this, WIDTH_32);
  }

  get interruptFlag(): boolean {
    return this.word(DATA.flagsDelta) === 0;
  }
  set interruptFlag(on: boolean) {
    this.setWord(DATA.flagsDelta, on ? 0 : -INTERRUPT_FLAG);
  }

  get privilegeLevel(): number {
    return this.word(DATA.privilegeLevel);
  }
  set privilegeLevel(flags: number) {
    this.setWord(DATA.privilegeLevel, flags);
  }

  set pending(on: boolean) {
    this.setWord(DATA.pending, on ? 1 : 0);
  }

  /** IOPL that the last return to a program gave it. */
  get programPrivilege(): number {
    return this.word(DATA.programPrivilege);
  }

  /** Whether a return to a program calls the monitor; if not, the selector that loads the guest's GS. */
  setReturn(isBarred: boolean, gs: number): void {
    this.setWord(DATA.barsReturn, isBarred ? 1 : 0);
    this.setWord(DATA.guestGs, gs);
  }

  /** Where an indirect branch wants to go, in the guest. */
  get target(): number {
    const { data, bits } = this.width;
    const low = this.word(data.target);
    return bits === 64 ? addressOf(this.word(data.target + 4), low) : low >>> 0;
  }

  /** From now on branches are those of code of a width, and none is remembered. */
  useWidth(width: CodeWidth): void {
    this.width = width;
    this.branches.forget(width);
  }

  word(offset: number): number {
    return this.machine.ram[this.place(offset)]!;
  }
  setWord(offset: number, value: number): void {
    this.machine.ram[this.place(offset)] = value;
  }
  private place(offset: number): number {
    return (this.frames[Math.floor(offset / PAGE_BYTES)]! * PAGE_BYTES + (offset % PAGE_BYTES)) / 4;
  }
}
