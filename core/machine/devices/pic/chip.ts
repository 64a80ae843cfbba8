/**
 * One 8259A programmable interrupt controller (Intel, "8259A Programmable Interrupt Controller", order 231468-003),
 * as in a PC: 8086 mode, and trigger modes from the ELCR instead of ICW1's LTIM (82371SB PIIX3 datasheet, ELCR1).
 * Modelled: the initialisation sequence, fully nested, special fully nested, rotating and special mask modes,
 * automatic EOI, poll, and the default IR7 when a request is gone by the time it is acknowledged. Not modelled:
 * MCS-80/85 mode, buffered mode.
 *
 *   lines ──edge──→ latched ─┐
 *         ──level────────────┴→ IRR ──& ~IMR──→ priority ──→ INT ──INTA──→ ISR ──EOI──→
 */
import type { Stateful } from "../device.js";

/** The level that is signalled when the request has gone. */
const DEFAULT_LEVEL = 7;

const ICW1 = 0x10;
const ICW1_NEEDS_ICW4 = 0x01;
const ICW1_SINGLE = 0x02;
const ICW4_AUTOMATIC_EOI = 0x02;
const ICW4_SPECIAL_FULLY_NESTED = 0x10;
const ICW2_VECTOR = 0xf8;

const OCW3 = 0x08;
const OCW3_READ_REGISTER = 0x02;
const OCW3_READ_ISR = 0x01;
const OCW3_POLL = 0x04;
const OCW3_SET_SPECIAL_MASK = 0x40;
const OCW3_SPECIAL_MASK = 0x20;

/** OCW2's command, bits 7..5: R, SL, EOI. */
const OCW2 = {
  clearRotateInAutomaticEoi: 0,
  nonspecificEoi: 1,
  noOperation: 2,
  specificEoi: 3,
  rotateInAutomaticEoi: 4,
  rotateOnNonspecificEoi: 5,
  setPriority: 6,
  rotateOnSpecificEoi: 7,
} as const;

const POLL_INTERRUPT = 0x80;

/** Which initialisation command word the next write to A0 = 1 is. */
type Expected = "ocw1" | "icw2" | "icw3" | "icw4";

export interface PicChipState {
  /** Levels of IR0-7. */
  lines: number;
  /** Rising edges not yet acknowledged. */
  latched: number;
  inService: number;
  mask: number;
  /** Level-triggered inputs (ELCR). */
  levelTriggered: number;
  vectorBase: number;
  expected: Expected;
  needsIcw4: boolean;
  isSingle: boolean;
  automaticEoi: boolean;
  rotateInAutomaticEoi: boolean;
  specialFullyNested: boolean;
  specialMask: boolean;
  readsIsr: boolean;
  /** The next read is a poll. */
  polled: boolean;
  /** The level with the lowest priority: 7 unless rotated. */
  lowest: number;
  /** INT, the output. */
  output: boolean;
}

const POWER_ON: PicChipState = {
  lines: 0,
  latched: 0,
  inService: 0,
  mask: 0,
  levelTriggered: 0,
  vectorBase: 0,
  expected: "ocw1",
  needsIcw4: false,
  isSingle: false,
  automaticEoi: false,
  rotateInAutomaticEoi: false,
  specialFullyNested: false,
  specialMask: false,
  readsIsr: false,
  polled: false,
  lowest: 7,
  output: false,
};

export class PicChip implements Stateful<PicChipState> {
  private state: PicChipState = { ...POWER_ON };

  /**
   * @param slaves inputs that are another chip's output, as a mask.
   * @param onOutput told every change of INT, including the pulse to low of an acknowledge.
   */
  constructor(
    private readonly slaves: number,
    private readonly onOutput: (high: boolean) => void,
  ) {}

  get output(): boolean {
    return this.state.output;
  }

  /** The ELCR's byte for this chip: level-triggered inputs. */
  get levelTriggered(): number {
    return this.state.levelTriggered;
  }

  set levelTriggered(mask: number) {
    this.state.levelTriggered = mask;
    this.update();
  }

  /**
   * Drives input `level`. A falling edge takes back a request that is not acknowledged (datasheet, "Edge and
   * level").
   */
  setLine(level: number, high: boolean): void {
    const { state } = this;
    const bit = 1 << level;
    if (high === ((state.lines & bit) !== 0)) return;
    state.lines ^= bit;
    state.latched = high ? state.latched | bit : state.latched & ~bit;
    this.update();
  }

  /**
   * The interrupt acknowledge sequence of this chip. `slaveVector` gives the vector for a level that is a slave's.
   * @returns the vector; of level 7, without a bit in the ISR, when no request is left.
   */
  acknowledge(slaveVector: (level: number) => number): number {
    const { state } = this;
    const level = this.acceptHighest();
    let vector = state.vectorBase | DEFAULT_LEVEL;
    if (level !== undefined) {
      vector = (this.slaves >> level) & 1 ? slaveVector(level) : state.vectorBase | level;
    }
    this.update();
    return vector;
  }

  /** @param a0 the address line A0. */
  read(a0: number): number {
    const { state } = this;
    if (state.polled) {
      state.polled = false;
      const level = this.acceptHighest();
      this.update();
      return level === undefined ? 0 : POLL_INTERRUPT | level;
    }
    if (a0 === 1) return state.mask;
    return state.readsIsr ? state.inService : this.requests;
  }

  write(a0: number, value: number): void {
    if (a0 === 1) this.writeData(value);
    else if (value & ICW1) this.beginInitialisation(value);
    else if (value & OCW3) this.writeOcw3(value);
    else this.writeOcw2(value >> 5, value & 7);
    this.update();
  }

  reset(): void {
    const { lines } = this.state;
    this.state = { ...POWER_ON, lines };
    this.update();
    this.onOutput(this.state.output);
  }

  save(): PicChipState {
    return { ...this.state };
  }

  restore(state: PicChipState): void {
    this.state = { ...state };
  }

  /** The interrupt request register. */
  private get requests(): number {
    const { latched, lines, levelTriggered } = this.state;
    return (latched & ~levelTriggered) | (lines & levelTriggered);
  }

  /**
   * ICW1 clears the mask and the edge latches, and takes back every mode (datasheet, "Initialization command
   * words").
   */
  private beginInitialisation(value: number): void {
    const { lines, levelTriggered, vectorBase, output } = this.state;
    this.state = {
      ...POWER_ON,
      lines,
      levelTriggered,
      vectorBase,
      output,
      expected: "icw2",
      needsIcw4: (value & ICW1_NEEDS_ICW4) !== 0,
      isSingle: (value & ICW1_SINGLE) !== 0,
    };
  }

  private writeData(value: number): void {
    const { state } = this;
    const afterIcw3: Expected = state.needsIcw4 ? "icw4" : "ocw1";
    switch (state.expected) {
      case "icw2":
        state.vectorBase = value & ICW2_VECTOR;
        state.expected = state.isSingle ? afterIcw3 : "icw3";
        break;
      case "icw3": // which inputs are slaves', or a slave's number: the PC's wiring is fixed
        state.expected = afterIcw3;
        break;
      case "icw4":
        state.automaticEoi = (value & ICW4_AUTOMATIC_EOI) !== 0;
        state.specialFullyNested = (value & ICW4_SPECIAL_FULLY_NESTED) !== 0;
        state.expected = "ocw1";
        break;
      case "ocw1":
        state.mask = value;
    }
  }

  private writeOcw2(command: number, level: number): void {
    const { state } = this;
    switch (command) {
      case OCW2.nonspecificEoi:
      case OCW2.rotateOnNonspecificEoi: {
        // In special mask mode a masked level in service is not ended by a non-specific EOI.
        const served = this.highest(state.specialMask ? state.inService & ~state.mask : state.inService);
        if (served === undefined) break;
        state.inService &= ~(1 << served);
        if (command === OCW2.rotateOnNonspecificEoi) state.lowest = served;
        break;
      }
      case OCW2.specificEoi:
        state.inService &= ~(1 << level);
        break;
      case OCW2.rotateOnSpecificEoi:
        state.inService &= ~(1 << level);
        state.lowest = level;
        break;
      case OCW2.setPriority:
        state.lowest = level;
        break;
      case OCW2.rotateInAutomaticEoi:
        state.rotateInAutomaticEoi = true;
        break;
      case OCW2.clearRotateInAutomaticEoi:
        state.rotateInAutomaticEoi = false;
        break;
    }
  }

  private writeOcw3(value: number): void {
    const { state } = this;
    if (value & OCW3_READ_REGISTER) state.readsIsr = (value & OCW3_READ_ISR) !== 0;
    if (value & OCW3_POLL) state.polled = true;
    if (value & OCW3_SET_SPECIAL_MASK) state.specialMask = (value & OCW3_SPECIAL_MASK) !== 0;
  }

  /** 0 for the level with the highest priority, 7 for the lowest. */
  private rank(level: number): number {
    return (level - this.state.lowest - 1) & 7;
  }

  /** The level of highest priority in a mask. */
  private highest(levels: number): number | undefined {
    const { lowest } = this.state;
    for (let rank = 0; rank < 8; rank++) {
      const level = (lowest + 1 + rank) & 7;
      if ((levels >> level) & 1) return level;
    }
    return undefined;
  }

  /** The level that INT asks for: the highest unmasked request that no level in service holds back. */
  private signalled(): number | undefined {
    const { state } = this;
    const level = this.highest(this.requests & ~state.mask);
    if (level === undefined) return undefined;
    const served = this.highest(state.specialMask ? state.inService & ~state.mask : state.inService);
    if (served === undefined || this.rank(level) < this.rank(served)) return level;
    // Special fully nested: a slave in service may ask again for a request of higher priority within it.
    const asksAgain = level === served && state.specialFullyNested && ((this.slaves >> level) & 1) === 1;
    return asksAgain ? level : undefined;
  }

  /** What the first INTA pulse does: the request moves from IRR to ISR, and INT falls. */
  private acceptHighest(): number | undefined {
    const { state } = this;
    const level = this.signalled();
    this.drive(false);
    if (level === undefined) return undefined;
    state.latched &= ~(1 << level);
    if (!state.automaticEoi) state.inService |= 1 << level;
    else if (state.rotateInAutomaticEoi) state.lowest = level;
    return level;
  }

  private update(): void {
    this.drive(this.signalled() !== undefined);
  }

  private drive(high: boolean): void {
    if (high === this.state.output) return;
    this.state.output = high;
    this.onOutput(high);
  }
}
