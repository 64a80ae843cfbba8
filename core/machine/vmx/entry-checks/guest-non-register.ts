/**
 * What a VM entry checks of the guest's state that is in no register: activity, interruptibility, pending debug exceptions, the
 * link pointer (Intel SDM vol. 3, 27.3.1.5), page-directory-pointer-table entries (27.3.1.6).
 */
import { CR0, CR4 } from "../../cpu/control-bits.js";
import { RFLAGS } from "../../cpu/state.js";
import { ACTIVITY_STATE, BLOCKING, EVENT_TYPE, PIN, SECONDARY } from "../controls.js";
import { checksOf, type EntryCheck, implies } from "./check.js";

const INTERRUPTIBILITY_RESERVED = ~0x1f;
const PENDING_DEBUG_RESERVED = ~0x1_500f;
const PENDING_BS = 0x4000;
/** SDM table 4-8. */
const PDPTE_RESERVED = 0x1e6;

export const NON_REGISTER_CHECKS: readonly EntryCheck[] = [
  ...checksOf("27.3.1.5", {
    "the activity state exists": (s) => {
      const state = s.low("guestActivity");
      return state === ACTIVITY_STATE.active || state === ACTIVITY_STATE.hlt;
    },
    "only privilege 0 halts": (s) =>
      implies(s.low("guestActivity") === ACTIVITY_STATE.hlt, s.segment("Ss").dpl === 0),
    "blocking by STI or MOV SS means active": (s) =>
      implies(
        (s.low("guestInterruptibility") & (BLOCKING.sti | BLOCKING.movSs)) !== 0,
        s.low("guestActivity") === ACTIVITY_STATE.active,
      ),
    "interruptibility has no reserved bits": (s) =>
      (s.low("guestInterruptibility") & INTERRUPTIBILITY_RESERVED) === 0,
    "blocking is by STI or by MOV SS": (s) => {
      const both = BLOCKING.sti | BLOCKING.movSs;
      return (s.low("guestInterruptibility") & both) !== both;
    },
    "blocking by STI needs IF": (s) =>
      implies(
        (s.low("guestInterruptibility") & BLOCKING.sti) !== 0,
        (s.low("guestRflags") & RFLAGS.IF) !== 0,
      ),
    "an injected interrupt meets no blocking": (s) =>
      implies(
        s.injects && s.injectedType === EVENT_TYPE.externalInterrupt,
        (s.low("guestInterruptibility") & (BLOCKING.sti | BLOCKING.movSs)) === 0,
      ),
    "an injected NMI meets no blocking by MOV SS": (s) =>
      implies(
        s.injects && s.injectedType === EVENT_TYPE.nmi,
        (s.low("guestInterruptibility") & BLOCKING.movSs) === 0,
      ),
    "an injected virtual NMI meets no blocking by NMI": (s) =>
      implies(
        s.hasPin(PIN.virtualNmis) && s.injects && s.injectedType === EVENT_TYPE.nmi,
        (s.low("guestInterruptibility") & BLOCKING.nmi) === 0,
      ),
    "no blocking by SMI outside of SMM": (s) => (s.low("guestInterruptibility") & BLOCKING.smi) === 0,
    "pending debug exceptions have no reserved bits": (s) =>
      (s.low("guestPendingDebug") & PENDING_DEBUG_RESERVED) === 0 && s.high("guestPendingDebug") === 0,
    "a single step is pending where TF and blocking say so": (s) => {
      const isBlocked = (s.low("guestInterruptibility") & (BLOCKING.sti | BLOCKING.movSs)) !== 0;
      const isStepping = (s.low("guestRflags") & RFLAGS.TF) !== 0 && (s.low("guestDebugControl") & 2) === 0;
      return implies(isBlocked, ((s.low("guestPendingDebug") & PENDING_BS) !== 0) === isStepping);
    },
    "the VMCS link pointer is all ones": (s) =>
      s.low("vmcsLinkPointer") === -1 && s.high("vmcsLinkPointer") === -1,
  }),
  ...checksOf("27.3.1.6", {
    "present PDPTEs have no reserved bits": (s) =>
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
  }),
];
