/**
 * A page that translated code reaches through GS and the guest cannot reach at all: the guest's interrupt flag, registers put
 * aside, and where indirect branches go (the latter two by the code's width: code-width.ts).
 */
import { addressOf, type Hfn, highHalf, lowHalf } from "../../machine/address.js";
import type { Machine } from "../../machine/machine.js";
import { type CodeWidth, WIDTH_32 } from "./code-width.js";

/** Offsets in the page, bytes. */
export const DATA = {
  /** What is added to the machine's RFLAGS, whose IF is set, to get the guest's IF: 0, or -0x200 while that is clear. */
  flagsDelta: 0,
  /** Nonzero: an interrupt waits for the guest's IF. */
  pending: 4,
  /** The guest's IOPL, as a flag image has it; the machine's is 0. */
  privilegeLevel: 24,
} as const;

const ENTRIES = 256;
const INTERRUPT_FLAG = 0x200;
/** No instruction of a guest kernel begins here: a tag of nothing. */
const NOWHERE = -1;

export class DataPage {
  private readonly first: number;
  private width = WIDTH_32;

  constructor(
    private readonly machine: Machine,
    readonly address: number,
    frame: Hfn,
  ) {
    this.first = frame * 1024;
    this.forgetBranches(WIDTH_32);
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
    const { data, bits } = this.width;
    const low = this.word(data.target);
    return bits === 64 ? addressOf(this.word(data.target + 4), low) : low >>> 0;
  }

  /** Remembers where a guest address is translated. */
  rememberBranch(guest: number, translated: number): void {
    const { data, bytes } = this.width;
    const entry = lowHalf(guest) & (ENTRIES - 1);
    this.setWord(data.tags + bytes * entry, lowHalf(guest));
    if (bytes === 8) this.setWord(data.tags + bytes * entry + 4, highHalf(guest));
    this.setWord(data.translations + 4 * entry, translated);
  }

  /** From now on branches are those of code of a width, and none is remembered. */
  forgetBranches(width: CodeWidth): void {
    this.width = width;
    const { data, bytes } = width;
    for (let at = 0; at < ENTRIES * bytes; at += 4) this.setWord(data.tags + at, NOWHERE);
  }

  private word(offset: number): number {
    return this.machine.ram[this.first + (offset >> 2)]!;
  }
  private setWord(offset: number, value: number): void {
    this.machine.ram[this.first + (offset >> 2)] = value;
  }
}
