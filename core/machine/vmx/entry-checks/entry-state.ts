/** A VMCS as the checks of a VM entry look at it: fields by name, controls by bit, and what several checks ask. */
import { CR0 } from "../../cpu/control-bits.js";
import { RFLAGS } from "../../cpu/state.js";
import type { VmxCapabilities } from "../capabilities.js";
import { ENTRY_CONTROL, EXIT_CONTROL, INFO, PROCESSOR, SECONDARY, UNUSABLE } from "../controls.js";
import { FIELD, type FieldName, type SEGMENT_FIELDS } from "../fields.js";
import type { Vmcs } from "../vmcs.js";

/** Memory types that IA32_PAT may hold: 2 and 3 are reserved, and so is all above 7. */
const PAT_TYPES: ReadonlySet<number> = new Set([0, 1, 4, 5, 6, 7]);

/** Access rights (25.4.1). */
export const RIGHTS = {
  type: 15,
  s: 0x10,
  dplShift: 5,
  p: 0x80,
  reserved: 0xf00,
  l: 0x2000,
  db: 0x4000,
  g: 0x8000,
} as const;

export class EntryState {
  readonly pin: number;
  readonly processor: number;
  readonly secondary: number;
  readonly exit: number;
  readonly entry: number;

  constructor(
    readonly vmcs: Vmcs,
    readonly capabilities: VmxCapabilities,
    /** Whether a field is what memory says, or a register (guest-state.ts). */
    private readonly readField: (field: number) => readonly [low: number, high: number],
    /** The task priority in the virtual-APIC page. */
    readonly virtualTpr: number,
  ) {
    this.pin = vmcs.low(FIELD.pinControls);
    this.processor = vmcs.low(FIELD.processorControls);
    this.secondary =
      (this.processor & PROCESSOR.secondaryControls) === 0 ? 0 : vmcs.low(FIELD.secondaryControls);
    this.exit = vmcs.low(FIELD.exitControls);
    this.entry = vmcs.low(FIELD.entryControls);
  }

  low(name: FieldName): number {
    return this.readField(FIELD[name])[0];
  }
  high(name: FieldName): number {
    return this.readField(FIELD[name])[1];
  }
  hasPin = (bit: number): boolean => (this.pin & bit) !== 0;
  hasProcessor = (bit: number): boolean => (this.processor & bit) !== 0;
  hasSecondary = (bit: number): boolean => (this.secondary & bit) !== 0;
  hasExit = (bit: number): boolean => (this.exit & bit) !== 0;
  hasEntry = (bit: number): boolean => (this.entry & bit) !== 0;

  /** A physical address with these low bits 0, within the processor's width. */
  isPhysical(name: FieldName, mask: number): boolean {
    const { physicalAddressBits } = this.capabilities;
    const value = (this.high(name) >>> 0) * 2 ** 32 + (this.low(name) >>> 0);
    return (this.low(name) & mask) === 0 && value < 2 ** physicalAddressBits;
  }
  /** Canonical for 48 bits. */
  isCanonical(name: FieldName): boolean {
    const high = this.high(name);
    return (high << 16) >> 16 === high;
  }
  isPat(name: FieldName): boolean {
    return [this.low(name), this.high(name)].every((half) =>
      [0, 8, 16, 24].every((shift) => PAT_TYPES.has((half >>> shift) & 0xff)),
    );
  }

  get isUnrestricted(): boolean {
    return this.hasSecondary(SECONDARY.unrestrictedGuest);
  }
  get isLong(): boolean {
    return this.hasEntry(ENTRY_CONTROL.ia32eModeGuest);
  }
  get isHost64(): boolean {
    return this.hasExit(EXIT_CONTROL.hostAddressSpaceSize);
  }
  get isVirtual8086(): boolean {
    return (this.low("guestRflags") & RFLAGS.VM) !== 0;
  }
  get isGuestProtected(): boolean {
    return (this.low("guestCr0") & CR0.PE) !== 0;
  }
  get injection(): number {
    return this.low("entryInterruptionInfo");
  }
  get injects(): boolean {
    return (this.injection & INFO.valid) !== 0;
  }
  get injectedType(): number {
    return (this.injection >>> INFO.typeShift) & INFO.typeMask;
  }
  get injectedVector(): number {
    return this.injection & INFO.vectorMask;
  }

  segment(name: (typeof SEGMENT_FIELDS)[number]): SegmentView {
    const rights = this.low(`guest${name}Rights`);
    return {
      selector: this.low(`guest${name}Selector`),
      low: this.low(`guest${name}Base`),
      high: this.high(`guest${name}Base`),
      limit: this.low(`guest${name}Limit`),
      rights,
      isUsable: (rights & UNUSABLE) === 0,
      type: rights & RIGHTS.type,
      dpl: (rights >>> RIGHTS.dplShift) & 3,
    };
  }
}

/** A segment register of the guest-state area. */
export interface SegmentView {
  readonly selector: number;
  readonly low: number;
  readonly high: number;
  readonly limit: number;
  readonly rights: number;
  readonly isUsable: boolean;
  readonly type: number;
  readonly dpl: number;
}
