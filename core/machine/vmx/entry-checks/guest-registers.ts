/** What a VM entry checks of the guest's registers besides its segments (Intel SDM vol. 3, 27.3.1.1, 27.3.1.3, 27.3.1.4). */
import { CR0, CR4, EFER } from "../../cpu/control-bits.js";
import { RFLAGS } from "../../cpu/state.js";
import { ENTRY_CONTROL, EVENT_TYPE } from "../controls.js";
import { checksOf, EFER_DEFINED, type EntryCheck, implies, isFixed } from "./check.js";
import { RIGHTS } from "./entry-state.js";

/** RFLAGS: bits 31..22, 15, 5 and 3 are 0, bit 1 is 1. */
const RFLAGS_ZERO = 0xffc0_8028 | 0;
/** IA32_DEBUGCTL bits that this machine has: LBR and BTF. */
const DEBUG_CONTROL_DEFINED = 3;

/** Control registers, debug registers and MSRs. */
export const CONTROL_REGISTER_CHECKS: readonly EntryCheck[] = checksOf("27.3.1.1", {
  "guest CR0 has its fixed bits": (s) => {
    const { cr0Fixed0, cr0Fixed1 } = s.capabilities;
    const fixed0 = s.isUnrestricted ? cr0Fixed0 & ~(CR0.PE | CR0.PG) : cr0Fixed0;
    return isFixed(s.low("guestCr0"), fixed0, cr0Fixed1);
  },
  "guest paging needs protection": (s) => implies((s.low("guestCr0") & CR0.PG) !== 0, s.isGuestProtected),
  "guest CR4 has its fixed bits": (s) =>
    isFixed(s.low("guestCr4"), s.capabilities.cr4Fixed0, s.capabilities.cr4Fixed1),
  "guest DEBUGCTL has no reserved bits": (s) =>
    implies(
      s.hasEntry(ENTRY_CONTROL.loadDebugControls),
      (s.low("guestDebugControl") & ~DEBUG_CONTROL_DEFINED) === 0 && s.high("guestDebugControl") === 0,
    ),
  "an IA-32e guest has paging and PAE": (s) =>
    implies(s.isLong, (s.low("guestCr0") & CR0.PG) !== 0 && (s.low("guestCr4") & CR4.PAE) !== 0),
  "PCIDs need IA-32e mode": (s) => implies(!s.isLong, (s.low("guestCr4") & CR4.PCIDE) === 0),
  "guest CR3 is a physical address": (s) => s.isPhysical("guestCr3", 0),
  "guest DR7 has 32 bits": (s) =>
    implies(s.hasEntry(ENTRY_CONTROL.loadDebugControls), s.high("guestDr7") === 0),
  "guest SYSENTER addresses are canonical": (s) =>
    s.isCanonical("guestSysenterEsp") && s.isCanonical("guestSysenterEip"),
  "guest PAT holds memory types": (s) => implies(s.hasEntry(ENTRY_CONTROL.loadPat), s.isPat("guestPat")),
  "guest EFER fits IA-32e mode": (s) => {
    const efer = s.low("guestEfer");
    const isLma = (efer & EFER.LMA) !== 0;
    const isPaging = (s.low("guestCr0") & CR0.PG) !== 0;
    return implies(
      s.hasEntry(ENTRY_CONTROL.loadEfer),
      (efer & ~EFER_DEFINED) === 0 &&
        isLma === s.isLong &&
        implies(isPaging, isLma === ((efer & EFER.LME) !== 0)),
    );
  },
});

/** Descriptor-table registers. */
export const DESCRIPTOR_TABLE_CHECKS: readonly EntryCheck[] = checksOf("27.3.1.3", {
  "bases of GDTR and IDTR are canonical": (s) =>
    s.isCanonical("guestGdtrBase") && s.isCanonical("guestIdtrBase"),
  "limits of GDTR and IDTR have 16 bits": (s) =>
    s.low("guestGdtrLimit") >>> 16 === 0 && s.low("guestIdtrLimit") >>> 16 === 0,
});

/** RIP and RFLAGS. */
export const FLAG_CHECKS: readonly EntryCheck[] = checksOf("27.3.1.4", {
  "RIP fits the code": (s) => {
    const is64 = s.isLong && (s.segment("Cs").rights & RIGHTS.l) !== 0;
    return is64 ? s.isCanonical("guestRip") : s.high("guestRip") === 0;
  },
  "RFLAGS has its fixed bits": (s) => {
    const flags = s.low("guestRflags");
    return (flags & RFLAGS_ZERO) === 0 && (flags & RFLAGS.reserved1) !== 0 && s.high("guestRflags") === 0;
  },
  "virtual-8086 mode is protected mode's": (s) => implies(s.isVirtual8086, !s.isLong && s.isGuestProtected),
  "an injected interrupt needs IF": (s) =>
    implies(
      s.injects && s.injectedType === EVENT_TYPE.externalInterrupt,
      (s.low("guestRflags") & RFLAGS.IF) !== 0,
    ),
});
