/**
 * What a VM entry checks (Intel SDM vol. 3, 27.2.1 to 27.2.3 and 27.3.1), each check by its name: controls and host state,
 * which fail the instruction, and guest state, which fails the entry with exit reason 33. Checks on what this machine does
 * not model (SMM, Intel PT, CET, PKRS, user interrupts, MPX) are left out.
 */
import { CR0, CR4, EFER } from "../cpu/control-bits.js";
import { RFLAGS } from "../cpu/state.js";
import { type Allowed, CR3_TARGETS, type VmxCapabilities } from "./capabilities.js";
import {
  ACTIVITY_STATE,
  BLOCKING,
  ENTRY_CONTROL,
  ENTRY_INFO_RESERVED,
  EVENT_TYPE,
  EXIT_CONTROL,
  INFO,
  PIN,
  PROCESSOR,
  SECONDARY,
  UNUSABLE,
} from "./controls.js";
import { FIELD, type FieldName, type SEGMENT_FIELDS } from "./fields.js";
import type { Vmcs } from "./vmcs.js";

export interface EntryCheck {
  readonly name: string;
  /** Section of the manual. */
  readonly section: string;
  isMet(state: EntryState): boolean;
}

const PAGE_MASK = 0xfff;
const MSR_AREA_MASK = 0xf;
const POSTED_MASK = 0x3f;
/** Memory types that IA32_PAT may hold: 2 and 3 are reserved, and so is all above 7. */
const PAT_TYPES: ReadonlySet<number> = new Set([0, 1, 4, 5, 6, 7]);
const EFER_DEFINED = EFER.SCE | EFER.LME | EFER.LMA | EFER.NXE;
const WRITE_BACK = 6;
/** Exceptions that push an error code. */
const WITH_ERROR_CODE: ReadonlySet<number> = new Set([8, 10, 11, 12, 13, 14, 17]);
/** RFLAGS: bits 31..22, 15, 5 and 3 are 0, bit 1 is 1. */
const RFLAGS_ZERO = 0xffc0_8028 | 0;
/** IA32_DEBUGCTL bits that this machine has: LBR and BTF. */
const DEBUG_CONTROL_DEFINED = 3;
const INTERRUPTIBILITY_RESERVED = ~0x1f;
const PENDING_DEBUG_RESERVED = ~0x1_500f;
const PENDING_BS = 0x4000;
/** SDM table 4-8. */
const PDPTE_RESERVED = 0x1e6;

/** Access rights (25.4.1). */
const RIGHTS = {
  type: 15,
  s: 0x10,
  dplShift: 5,
  p: 0x80,
  reserved: 0xf00,
  l: 0x2000,
  db: 0x4000,
  g: 0x8000,
} as const;
const RIGHTS_HIGH_RESERVED = 0xfffe_0000 | 0;
const VIRTUAL_8086_RIGHTS = 0xf3;
const REAL_LIMIT = 0xffff;

/** A VMCS as the checks look at it. */
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

interface SegmentView {
  readonly selector: number;
  readonly low: number;
  readonly high: number;
  readonly limit: number;
  readonly rights: number;
  readonly isUsable: boolean;
  readonly type: number;
  readonly dpl: number;
}

const check = (section: string, name: string, isMet: (s: EntryState) => boolean): EntryCheck => ({
  name,
  section,
  isMet,
});

/** `if` a condition holds, then `then` must. */
const implies = (condition: boolean, then: boolean): boolean => !condition || then;

const allows = ({ mustBe, mayBe }: Allowed, value: number): boolean =>
  (value & mustBe) === mustBe && (value & ~mayBe) === 0;
const isFixed = (value: number, fixed0: number, fixed1: number): boolean =>
  (value & fixed0) === fixed0 && (value & ~fixed1) === 0;

/** 27.2.1.1 to 27.2.1.3. */
export const CONTROL_CHECKS: readonly EntryCheck[] = [
  check("27.2.1.1", "pin-based controls are allowed", (s) => allows(s.capabilities.pin, s.pin)),
  check("27.2.1.1", "processor-based controls are allowed", (s) =>
    allows(s.capabilities.processor, s.processor),
  ),
  check("27.2.1.1", "secondary controls are allowed", (s) => allows(s.capabilities.secondary, s.secondary)),
  check("27.2.1.1", "at most four CR3 targets", (s) => s.low("cr3TargetCount") >>> 0 <= CR3_TARGETS),
  check("27.2.1.1", "I/O bitmaps are pages", (s) =>
    implies(
      s.hasProcessor(PROCESSOR.ioBitmaps),
      s.isPhysical("ioBitmapA", PAGE_MASK) && s.isPhysical("ioBitmapB", PAGE_MASK),
    ),
  ),
  check("27.2.1.1", "the MSR bitmaps are a page", (s) =>
    implies(s.hasProcessor(PROCESSOR.msrBitmaps), s.isPhysical("msrBitmaps", PAGE_MASK)),
  ),
  check("27.2.1.1", "the virtual-APIC page is a page", (s) =>
    implies(s.hasProcessor(PROCESSOR.tprShadow), s.isPhysical("virtualApicAddress", PAGE_MASK)),
  ),
  check("27.2.1.1", "the TPR threshold is a priority class", (s) =>
    implies(
      s.hasProcessor(PROCESSOR.tprShadow) && !s.hasSecondary(SECONDARY.virtualInterruptDelivery),
      (s.low("tprThreshold") & ~15) === 0,
    ),
  ),
  check("27.2.1.1", "the TPR threshold is not above the virtual TPR", (s) =>
    implies(
      s.hasProcessor(PROCESSOR.tprShadow) &&
        !s.hasSecondary(SECONDARY.virtualizeApicAccesses) &&
        !s.hasSecondary(SECONDARY.virtualInterruptDelivery),
      (s.low("tprThreshold") & 15) <= s.virtualTpr >>> 4,
    ),
  ),
  check("27.2.1.1", "virtual NMIs need NMI exiting", (s) =>
    implies(!s.hasPin(PIN.nmiExiting), !s.hasPin(PIN.virtualNmis)),
  ),
  check("27.2.1.1", "NMI-window exiting needs virtual NMIs", (s) =>
    implies(!s.hasPin(PIN.virtualNmis), !s.hasProcessor(PROCESSOR.nmiWindowExiting)),
  ),
  check("27.2.1.1", "the APIC-access page is a page", (s) =>
    implies(s.hasSecondary(SECONDARY.virtualizeApicAccesses), s.isPhysical("apicAccessAddress", PAGE_MASK)),
  ),
  check("27.2.1.1", "APIC virtualization needs the TPR shadow", (s) =>
    implies(
      !s.hasProcessor(PROCESSOR.tprShadow),
      !s.hasSecondary(
        SECONDARY.virtualizeX2Apic |
          SECONDARY.apicRegisterVirtualization |
          SECONDARY.virtualInterruptDelivery,
      ),
    ),
  ),
  check("27.2.1.1", "x2APIC mode excludes APIC accesses", (s) =>
    implies(s.hasSecondary(SECONDARY.virtualizeX2Apic), !s.hasSecondary(SECONDARY.virtualizeApicAccesses)),
  ),
  check("27.2.1.1", "virtual-interrupt delivery needs external-interrupt exiting", (s) =>
    implies(s.hasSecondary(SECONDARY.virtualInterruptDelivery), s.hasPin(PIN.externalInterruptExiting)),
  ),
  check("27.2.1.1", "posted interrupts need virtual-interrupt delivery", (s) =>
    implies(s.hasPin(PIN.postedInterrupts), s.hasSecondary(SECONDARY.virtualInterruptDelivery)),
  ),
  check("27.2.1.1", "posted interrupts need acknowledgement on exit", (s) =>
    implies(s.hasPin(PIN.postedInterrupts), s.hasExit(EXIT_CONTROL.acknowledgeInterrupt)),
  ),
  check("27.2.1.1", "the posted-interrupt vector has 8 bits", (s) =>
    implies(s.hasPin(PIN.postedInterrupts), (s.low("postedInterruptVector") & 0xff00) === 0),
  ),
  check("27.2.1.1", "the posted-interrupt descriptor is aligned", (s) =>
    implies(s.hasPin(PIN.postedInterrupts), s.isPhysical("postedInterruptDescriptor", POSTED_MASK)),
  ),
  check("27.2.1.1", "the VPID is not 0", (s) => implies(s.hasSecondary(SECONDARY.vpid), s.low("vpid") !== 0)),
  check("27.2.1.1", "the EPT pointer is valid", (s) =>
    implies(s.hasSecondary(SECONDARY.ept), isEptPointer(s)),
  ),
  check("27.2.1.1", "an unrestricted guest needs EPT", (s) =>
    implies(s.isUnrestricted, s.hasSecondary(SECONDARY.ept)),
  ),

  check("27.2.1.2", "exit controls are allowed", (s) => allows(s.capabilities.exit, s.exit)),
  check("27.2.1.2", "saving the preemption timer needs the timer", (s) =>
    implies(!s.hasPin(PIN.preemptionTimer), !s.hasExit(EXIT_CONTROL.savePreemptionTimer)),
  ),
  check("27.2.1.2", "the exit MSR-store area is aligned", (s) =>
    implies(s.low("exitMsrStoreCount") !== 0, s.isPhysical("exitMsrStoreAddress", MSR_AREA_MASK)),
  ),
  check("27.2.1.2", "the exit MSR-load area is aligned", (s) =>
    implies(s.low("exitMsrLoadCount") !== 0, s.isPhysical("exitMsrLoadAddress", MSR_AREA_MASK)),
  ),

  check("27.2.1.3", "entry controls are allowed", (s) => allows(s.capabilities.entry, s.entry)),
  check("27.2.1.3", "the injected type exists", (s) =>
    implies(s.injects, s.injectedType !== 1 && s.injectedType !== EVENT_TYPE.other),
  ),
  check("27.2.1.3", "the injected vector fits its type", (s) =>
    implies(
      s.injects,
      implies(s.injectedType === EVENT_TYPE.nmi, s.injectedVector === 2) &&
        implies(s.injectedType === EVENT_TYPE.hardwareException, s.injectedVector < 32),
    ),
  ),
  check("27.2.1.3", "an error code is delivered where the vector has one", (s) =>
    implies(
      s.injects,
      ((s.injection & INFO.errorCode) !== 0) ===
        (implies(s.isUnrestricted, s.isGuestProtected) &&
          s.injectedType === EVENT_TYPE.hardwareException &&
          WITH_ERROR_CODE.has(s.injectedVector)),
    ),
  ),
  check("27.2.1.3", "the interruption information's reserved bits are 0", (s) =>
    implies(s.injects, (s.injection & ENTRY_INFO_RESERVED) === 0),
  ),
  check("27.2.1.3", "the error code has 16 bits", (s) =>
    implies(s.injects && (s.injection & INFO.errorCode) !== 0, s.low("entryErrorCode") >>> 16 === 0),
  ),
  check("27.2.1.3", "the instruction length is 1 to 15", (s) => {
    const length = s.low("entryInstructionLength");
    const isSoftware =
      s.injectedType >= EVENT_TYPE.softwareInterrupt && s.injectedType <= EVENT_TYPE.softwareException;
    return implies(s.injects && isSoftware, length >= 1 && length <= 15);
  }),
  check("27.2.1.3", "the entry MSR-load area is aligned", (s) =>
    implies(s.low("entryMsrLoadCount") !== 0, s.isPhysical("entryMsrLoadAddress", MSR_AREA_MASK)),
  ),
  check("27.2.1.3", "no entry to SMM outside of it", (s) => !s.hasEntry(ENTRY_CONTROL.entryToSmm)),
];

/** Memory type uncacheable or write-back, a walk of 4 levels, A and D bits only where they exist, no reserved bits (25.6.11). */
function isEptPointer(s: EntryState): boolean {
  const low = s.low("eptPointer");
  const type = low & 7;
  const levels = ((low >>> 3) & 7) + 1;
  return (
    (type === 0 || type === WRITE_BACK) &&
    levels === 4 &&
    implies((low & 0x40) !== 0, s.capabilities.hasAccessedDirty) &&
    s.isPhysical("eptPointer", 0xf80)
  );
}

const HOST_SELECTORS = [
  "hostEsSelector",
  "hostCsSelector",
  "hostSsSelector",
  "hostDsSelector",
  "hostFsSelector",
  "hostGsSelector",
  "hostTrSelector",
] as const;
const HOST_BASES = ["hostFsBase", "hostGsBase", "hostGdtrBase", "hostIdtrBase", "hostTrBase"] as const;

/** 27.2.2 to 27.2.4. */
export const HOST_CHECKS: readonly EntryCheck[] = [
  check(
    "27.2.2",
    "host CR0 has its fixed bits",
    (s) =>
      isFixed(s.low("hostCr0"), s.capabilities.cr0Fixed0, s.capabilities.cr0Fixed1) &&
      s.high("hostCr0") === 0,
  ),
  check(
    "27.2.2",
    "host CR4 has its fixed bits",
    (s) =>
      isFixed(s.low("hostCr4"), s.capabilities.cr4Fixed0, s.capabilities.cr4Fixed1) &&
      s.high("hostCr4") === 0,
  ),
  check("27.2.2", "host CR3 is a physical address", (s) => s.isPhysical("hostCr3", 0)),
  check(
    "27.2.2",
    "host SYSENTER addresses are canonical",
    (s) => s.isCanonical("hostSysenterEsp") && s.isCanonical("hostSysenterEip"),
  ),
  check("27.2.2", "host PAT holds memory types", (s) =>
    implies(s.hasExit(EXIT_CONTROL.loadPat), s.isPat("hostPat")),
  ),
  check("27.2.2", "host EFER fits the address-space size", (s) => {
    const efer = s.low("hostEfer");
    const wanted = s.isHost64 ? EFER.LMA | EFER.LME : 0;
    return implies(
      s.hasExit(EXIT_CONTROL.loadEfer),
      (efer & ~EFER_DEFINED) === 0 && s.high("hostEfer") === 0 && (efer & (EFER.LMA | EFER.LME)) === wanted,
    );
  }),
  check("27.2.3", "host selectors have RPL and TI 0", (s) =>
    HOST_SELECTORS.every((name) => (s.low(name) & 7) === 0),
  ),
  check(
    "27.2.3",
    "host CS and TR are not null",
    (s) => s.low("hostCsSelector") !== 0 && s.low("hostTrSelector") !== 0,
  ),
  check("27.2.3", "host SS is not null in a 32-bit host", (s) =>
    implies(!s.isHost64, s.low("hostSsSelector") !== 0),
  ),
  check("27.2.3", "host bases are canonical", (s) => HOST_BASES.every((name) => s.isCanonical(name))),
  check("27.2.4", "a 64-bit guest needs a 64-bit host", (s) => implies(!s.isHost64, !s.isLong)),
  check("27.2.4", "a 32-bit host has no PCIDs", (s) =>
    implies(!s.isHost64, (s.low("hostCr4") & CR4.PCIDE) === 0),
  ),
  check("27.2.4", "a 32-bit host's RIP has 32 bits", (s) => implies(!s.isHost64, s.high("hostRip") === 0)),
  check("27.2.4", "a 64-bit host has PAE", (s) => implies(s.isHost64, (s.low("hostCr4") & CR4.PAE) !== 0)),
  check("27.2.4", "a 64-bit host's RIP is canonical", (s) => implies(s.isHost64, s.isCanonical("hostRip"))),
];

const DATA_SEGMENTS = ["Ds", "Es", "Fs", "Gs"] as const;
const CODE_AND_DATA = ["Cs", "Ss", "Ds", "Es", "Fs", "Gs"] as const;

/** Every usable segment of a list, outside virtual-8086 mode; CS and TR cannot be unusable. */
const eachUsable = (
  s: EntryState,
  names: readonly (typeof SEGMENT_FIELDS)[number][],
  holds: (segment: SegmentView, name: (typeof SEGMENT_FIELDS)[number]) => boolean,
): boolean =>
  names.every((name) => {
    const segment = s.segment(name);
    return implies(segment.isUsable || name === "Cs" || name === "Tr", holds(segment, name));
  });

const isGranularityRight = ({ limit, rights }: SegmentView): boolean =>
  implies((limit & 0xfff) !== 0xfff, (rights & RIGHTS.g) === 0) &&
  implies(limit >>> 20 !== 0, (rights & RIGHTS.g) !== 0);
const isReservedClear = ({ rights }: SegmentView): boolean =>
  (rights & (RIGHTS.reserved | RIGHTS_HIGH_RESERVED)) === 0;

/** 27.3.1.1. */
const REGISTER_CHECKS: readonly EntryCheck[] = [
  check("27.3.1.1", "guest CR0 has its fixed bits", (s) => {
    const { cr0Fixed0, cr0Fixed1 } = s.capabilities;
    const fixed0 = s.isUnrestricted ? cr0Fixed0 & ~(CR0.PE | CR0.PG) : cr0Fixed0;
    return isFixed(s.low("guestCr0"), fixed0, cr0Fixed1);
  }),
  check("27.3.1.1", "guest paging needs protection", (s) =>
    implies((s.low("guestCr0") & CR0.PG) !== 0, s.isGuestProtected),
  ),
  check("27.3.1.1", "guest CR4 has its fixed bits", (s) =>
    isFixed(s.low("guestCr4"), s.capabilities.cr4Fixed0, s.capabilities.cr4Fixed1),
  ),
  check("27.3.1.1", "guest DEBUGCTL has no reserved bits", (s) =>
    implies(
      s.hasEntry(ENTRY_CONTROL.loadDebugControls),
      (s.low("guestDebugControl") & ~DEBUG_CONTROL_DEFINED) === 0 && s.high("guestDebugControl") === 0,
    ),
  ),
  check("27.3.1.1", "an IA-32e guest has paging and PAE", (s) =>
    implies(s.isLong, (s.low("guestCr0") & CR0.PG) !== 0 && (s.low("guestCr4") & CR4.PAE) !== 0),
  ),
  check("27.3.1.1", "PCIDs need IA-32e mode", (s) =>
    implies(!s.isLong, (s.low("guestCr4") & CR4.PCIDE) === 0),
  ),
  check("27.3.1.1", "guest CR3 is a physical address", (s) => s.isPhysical("guestCr3", 0)),
  check("27.3.1.1", "guest DR7 has 32 bits", (s) =>
    implies(s.hasEntry(ENTRY_CONTROL.loadDebugControls), s.high("guestDr7") === 0),
  ),
  check(
    "27.3.1.1",
    "guest SYSENTER addresses are canonical",
    (s) => s.isCanonical("guestSysenterEsp") && s.isCanonical("guestSysenterEip"),
  ),
  check("27.3.1.1", "guest PAT holds memory types", (s) =>
    implies(s.hasEntry(ENTRY_CONTROL.loadPat), s.isPat("guestPat")),
  ),
  check("27.3.1.1", "guest EFER fits IA-32e mode", (s) => {
    const efer = s.low("guestEfer");
    const isLma = (efer & EFER.LMA) !== 0;
    const isPaging = (s.low("guestCr0") & CR0.PG) !== 0;
    return implies(
      s.hasEntry(ENTRY_CONTROL.loadEfer),
      (efer & ~EFER_DEFINED) === 0 &&
        isLma === s.isLong &&
        implies(isPaging, isLma === ((efer & EFER.LME) !== 0)),
    );
  }),
];

/** 27.3.1.2. */
const SEGMENT_CHECKS: readonly EntryCheck[] = [
  check(
    "27.3.1.2",
    "TR and LDTR are in the GDT",
    (s) =>
      (s.segment("Tr").selector & 4) === 0 && eachUsable(s, ["Ldtr"], ({ selector }) => (selector & 4) === 0),
  ),
  check("27.3.1.2", "SS and CS have one RPL", (s) =>
    implies(
      !s.isVirtual8086 && !s.isUnrestricted,
      (s.segment("Ss").selector & 3) === (s.segment("Cs").selector & 3),
    ),
  ),
  check("27.3.1.2", "virtual-8086 segments are those of virtual-8086 mode", (s) =>
    implies(
      s.isVirtual8086,
      CODE_AND_DATA.every((name) => {
        const { low, selector, limit, rights } = s.segment(name);
        return low === selector << 4 && limit === REAL_LIMIT && rights === VIRTUAL_8086_RIGHTS;
      }),
    ),
  ),
  check(
    "27.3.1.2",
    "bases of TR, FS and GS are canonical, and LDTR's",
    (s) =>
      s.isCanonical("guestTrBase") &&
      s.isCanonical("guestFsBase") &&
      s.isCanonical("guestGsBase") &&
      eachUsable(s, ["Ldtr"], () => s.isCanonical("guestLdtrBase")),
  ),
  check("27.3.1.2", "bases of CS, SS, DS and ES have 32 bits", (s) =>
    eachUsable(s, ["Cs", "Ss", "Ds", "Es"], ({ high }) => high === 0),
  ),
  check("27.3.1.2", "CS is accessed code", (s) =>
    implies(
      !s.isVirtual8086,
      [9, 11, 13, 15].includes(s.segment("Cs").type) || (s.isUnrestricted && s.segment("Cs").type === 3),
    ),
  ),
  check("27.3.1.2", "SS is writable data", (s) =>
    implies(
      !s.isVirtual8086,
      eachUsable(s, ["Ss"], ({ type }) => type === 3 || type === 7),
    ),
  ),
  check("27.3.1.2", "data segments are accessed and readable", (s) =>
    implies(
      !s.isVirtual8086,
      eachUsable(
        s,
        DATA_SEGMENTS,
        ({ type }) => (type & 1) !== 0 && implies((type & 8) !== 0, (type & 2) !== 0),
      ),
    ),
  ),
  check("27.3.1.2", "code and data segments are no system segments", (s) =>
    implies(
      !s.isVirtual8086,
      eachUsable(s, CODE_AND_DATA, ({ rights }) => (rights & RIGHTS.s) !== 0),
    ),
  ),
  check("27.3.1.2", "CS's DPL fits SS's", (s) => {
    const cs = s.segment("Cs");
    const ss = s.segment("Ss");
    if (s.isVirtual8086) return true;
    if (cs.type === 3) return cs.dpl === 0;
    return (cs.type & 4) === 0 ? cs.dpl === ss.dpl : cs.dpl <= ss.dpl;
  }),
  check("27.3.1.2", "SS's DPL is its RPL", (s) => {
    const ss = s.segment("Ss");
    return implies(!s.isVirtual8086 && !s.isUnrestricted, ss.dpl === (ss.selector & 3));
  }),
  check("27.3.1.2", "SS's DPL is 0 in real mode", (s) =>
    implies(
      !s.isVirtual8086 && (s.segment("Cs").type === 3 || !s.isGuestProtected),
      s.segment("Ss").dpl === 0,
    ),
  ),
  check("27.3.1.2", "data segments' DPL is not below their RPL", (s) =>
    implies(
      !s.isVirtual8086 && !s.isUnrestricted,
      eachUsable(s, DATA_SEGMENTS, ({ type, dpl, selector }) => implies(type < 12, dpl >= (selector & 3))),
    ),
  ),
  check("27.3.1.2", "code and data segments are present", (s) =>
    implies(
      !s.isVirtual8086,
      eachUsable(s, CODE_AND_DATA, ({ rights }) => (rights & RIGHTS.p) !== 0),
    ),
  ),
  check("27.3.1.2", "code and data rights have no reserved bits", (s) =>
    implies(!s.isVirtual8086, eachUsable(s, CODE_AND_DATA, isReservedClear)),
  ),
  check("27.3.1.2", "64-bit code has no D", (s) => {
    const { rights } = s.segment("Cs");
    return implies(!s.isVirtual8086 && s.isLong && (rights & RIGHTS.l) !== 0, (rights & RIGHTS.db) === 0);
  }),
  check("27.3.1.2", "granularity fits the limit", (s) =>
    implies(!s.isVirtual8086, eachUsable(s, CODE_AND_DATA, isGranularityRight)),
  ),
  check("27.3.1.2", "TR is a busy TSS", (s) => {
    const { type } = s.segment("Tr");
    return type === 11 || (type === 3 && !s.isLong);
  }),
  check("27.3.1.2", "TR is present, usable, and a system segment", (s) => {
    const tr = s.segment("Tr");
    return tr.isUsable && (tr.rights & RIGHTS.s) === 0 && (tr.rights & RIGHTS.p) !== 0;
  }),
  check(
    "27.3.1.2",
    "TR's rights have no reserved bits, and its granularity fits",
    (s) => isReservedClear(s.segment("Tr")) && isGranularityRight(s.segment("Tr")),
  ),
  check("27.3.1.2", "LDTR is a present LDT", (s) =>
    eachUsable(
      s,
      ["Ldtr"],
      (ldtr) =>
        ldtr.type === 2 &&
        (ldtr.rights & RIGHTS.s) === 0 &&
        (ldtr.rights & RIGHTS.p) !== 0 &&
        isReservedClear(ldtr) &&
        isGranularityRight(ldtr),
    ),
  ),
];

/** 27.3.1.3 and 27.3.1.4. */
const TABLE_AND_FLAG_CHECKS: readonly EntryCheck[] = [
  check(
    "27.3.1.3",
    "bases of GDTR and IDTR are canonical",
    (s) => s.isCanonical("guestGdtrBase") && s.isCanonical("guestIdtrBase"),
  ),
  check(
    "27.3.1.3",
    "limits of GDTR and IDTR have 16 bits",
    (s) => s.low("guestGdtrLimit") >>> 16 === 0 && s.low("guestIdtrLimit") >>> 16 === 0,
  ),
  check("27.3.1.4", "RIP fits the code", (s) => {
    const is64 = s.isLong && (s.segment("Cs").rights & RIGHTS.l) !== 0;
    return is64 ? s.isCanonical("guestRip") : s.high("guestRip") === 0;
  }),
  check("27.3.1.4", "RFLAGS has its fixed bits", (s) => {
    const flags = s.low("guestRflags");
    return (flags & RFLAGS_ZERO) === 0 && (flags & RFLAGS.reserved1) !== 0 && s.high("guestRflags") === 0;
  }),
  check("27.3.1.4", "virtual-8086 mode is protected mode's", (s) =>
    implies(s.isVirtual8086, !s.isLong && s.isGuestProtected),
  ),
  check("27.3.1.4", "an injected interrupt needs IF", (s) =>
    implies(
      s.injects && s.injectedType === EVENT_TYPE.externalInterrupt,
      (s.low("guestRflags") & RFLAGS.IF) !== 0,
    ),
  ),
];

/** 27.3.1.5 and 27.3.1.6. */
const ACTIVITY_CHECKS: readonly EntryCheck[] = [
  check("27.3.1.5", "the activity state exists", (s) => {
    const state = s.low("guestActivity");
    return state === ACTIVITY_STATE.active || state === ACTIVITY_STATE.hlt;
  }),
  check("27.3.1.5", "only privilege 0 halts", (s) =>
    implies(s.low("guestActivity") === ACTIVITY_STATE.hlt, s.segment("Ss").dpl === 0),
  ),
  check("27.3.1.5", "blocking by STI or MOV SS means active", (s) =>
    implies(
      (s.low("guestInterruptibility") & (BLOCKING.sti | BLOCKING.movSs)) !== 0,
      s.low("guestActivity") === ACTIVITY_STATE.active,
    ),
  ),
  check(
    "27.3.1.5",
    "interruptibility has no reserved bits",
    (s) => (s.low("guestInterruptibility") & INTERRUPTIBILITY_RESERVED) === 0,
  ),
  check("27.3.1.5", "blocking is by STI or by MOV SS", (s) => {
    const both = BLOCKING.sti | BLOCKING.movSs;
    return (s.low("guestInterruptibility") & both) !== both;
  }),
  check("27.3.1.5", "blocking by STI needs IF", (s) =>
    implies((s.low("guestInterruptibility") & BLOCKING.sti) !== 0, (s.low("guestRflags") & RFLAGS.IF) !== 0),
  ),
  check("27.3.1.5", "an injected interrupt meets no blocking", (s) =>
    implies(
      s.injects && s.injectedType === EVENT_TYPE.externalInterrupt,
      (s.low("guestInterruptibility") & (BLOCKING.sti | BLOCKING.movSs)) === 0,
    ),
  ),
  check("27.3.1.5", "an injected NMI meets no blocking by MOV SS", (s) =>
    implies(
      s.injects && s.injectedType === EVENT_TYPE.nmi,
      (s.low("guestInterruptibility") & BLOCKING.movSs) === 0,
    ),
  ),
  check("27.3.1.5", "an injected virtual NMI meets no blocking by NMI", (s) =>
    implies(
      s.hasPin(PIN.virtualNmis) && s.injects && s.injectedType === EVENT_TYPE.nmi,
      (s.low("guestInterruptibility") & BLOCKING.nmi) === 0,
    ),
  ),
  check(
    "27.3.1.5",
    "no blocking by SMI outside of SMM",
    (s) => (s.low("guestInterruptibility") & BLOCKING.smi) === 0,
  ),
  check(
    "27.3.1.5",
    "pending debug exceptions have no reserved bits",
    (s) => (s.low("guestPendingDebug") & PENDING_DEBUG_RESERVED) === 0 && s.high("guestPendingDebug") === 0,
  ),
  check("27.3.1.5", "a single step is pending where TF and blocking say so", (s) => {
    const isBlocked = (s.low("guestInterruptibility") & (BLOCKING.sti | BLOCKING.movSs)) !== 0;
    const isStepping = (s.low("guestRflags") & RFLAGS.TF) !== 0 && (s.low("guestDebugControl") & 2) === 0;
    return implies(isBlocked, ((s.low("guestPendingDebug") & PENDING_BS) !== 0) === isStepping);
  }),
  check(
    "27.3.1.5",
    "the VMCS link pointer is all ones",
    (s) => s.low("vmcsLinkPointer") === -1 && s.high("vmcsLinkPointer") === -1,
  ),
  check("27.3.1.6", "present PDPTEs have no reserved bits", (s) =>
    implies(
      s.hasSecondary(SECONDARY.ept) &&
        !s.isLong &&
        (s.low("guestCr0") & CR0.PG) !== 0 &&
        (s.low("guestCr4") & CR4.PAE) !== 0,
      ([0, 1, 2, 3] as const).every((entry) =>
        implies(
          (s.low(`guestPdpte${entry}`) & 1) !== 0,
          (s.low(`guestPdpte${entry}`) & PDPTE_RESERVED) === 0 && s.isPhysical(`guestPdpte${entry}`, 0),
        ),
      ),
    ),
  ),
];

export const GUEST_CHECKS: readonly EntryCheck[] = [
  ...REGISTER_CHECKS,
  ...SEGMENT_CHECKS,
  ...TABLE_AND_FLAG_CHECKS,
  ...ACTIVITY_CHECKS,
];

/** The first check of a list that is not met. */
export function failing(checks: readonly EntryCheck[], state: EntryState): EntryCheck | undefined {
  return checks.find((one) => !one.isMet(state));
}
