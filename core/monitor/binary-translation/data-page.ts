/**
 * A page that translated code reaches through GS and the guest cannot reach at all: the guest's interrupt flag, registers put
 * aside, and where indirect branches go.
 */
import type { Hfn } from "../../machine/address.js";
import type { Machine } from "../../machine/machine.js";

/** Offsets in the page, bytes. */
export const DATA = {
  /** What is added to the machine's RFLAGS, whose IF is set, to get the guest's IF: 0, or -0x200 while that is clear. */
  flagsDelta: 0,
  /** Nonzero: an interrupt waits for the guest's IF. */
  pending: 4,
  eax: 8,
  ecx: 12,
  /** Guest address of an indirect branch, and the translated one where it goes on. */
  target: 16,
  jump: 20,
  /** The guest's IOPL, as a flag image has it; the machine's is 0. */
  privilegeLevel: 24,
  /** By the low byte of a guest address: the guest address, and its translation. */
  tags: 0x400,
  translations: 0x800,
} as const;

const ENTRIES = 256;
const INTERRUPT_FLAG = 0x200;
/** No instruction of a guest kernel begins here: a tag of nothing. */
const NOWHERE = -1;

export class DataPage {
  private readonly first: number;

  constructor(
    private readonly machine: Machine,
    readonly address: number,
    frame: Hfn,
  ) {
    this.first = frame * 1024;
    this.forgetBranches();
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

  /** Where an indirect branch wants to go, in the guest. */
  get target(): number {
    return this.word(DATA.target) >>> 0;
  }

  /** Remembers where a guest address is translated. */
  rememberBranch(guest: number, translated: number): void {
    const entry = 4 * (guest % ENTRIES);
    this.setWord(DATA.tags + entry, guest);
    this.setWord(DATA.translations + entry, translated);
  }

  forgetBranches(): void {
    for (let entry = 0; entry < ENTRIES; entry++) this.setWord(DATA.tags + 4 * entry, NOWHERE);
  }

  private word(offset: number): number {
    return this.machine.ram[this.first + (offset >> 2)]!;
  }
  private setWord(offset: number, value: number): void {
    this.machine.ram[this.first + (offset >> 2)] = value;
  }
}
