/** What a VM entry checks of the VMX control fields (Intel SDM vol. 3, 27.2.1). A check that is not met fails the instruction. */
import { pushesErrorCode } from "../../cpu/interrupts/raise.js";
import { type Allowed, CR3_TARGETS } from "../capabilities.js";
import {
  ENTRY_CONTROL,
  ENTRY_INFO_RESERVED,
  EVENT_TYPE,
  EXIT_CONTROL,
  INFO,
  PIN,
  PROCESSOR,
  SECONDARY,
} from "../controls.js";
import { checksOf, type EntryCheck, implies } from "./check.js";
import type { EntryState } from "./entry-state.js";

const PAGE_MASK = 0xfff;
const MSR_AREA_MASK = 0xf;
const POSTED_MASK = 0x3f;
const WRITE_BACK = 6;

const allows = ({ mustBe, mayBe }: Allowed, value: number): boolean =>
  (value & mustBe) === mustBe && (value & ~mayBe) === 0;

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

/** 27.2.1.1 VM-execution, 27.2.1.2 VM-exit, 27.2.1.3 VM-entry control fields. */
export const CONTROL_CHECKS: readonly EntryCheck[] = [
  ...checksOf("27.2.1.1", {
    "pin-based controls are allowed": (s) => allows(s.capabilities.pin, s.pin),
    "processor-based controls are allowed": (s) => allows(s.capabilities.processor, s.processor),
    "secondary controls are allowed": (s) => allows(s.capabilities.secondary, s.secondary),
    "at most four CR3 targets": (s) => s.low("cr3TargetCount") >>> 0 <= CR3_TARGETS,
    "I/O bitmaps are pages": (s) =>
      implies(
        s.hasProcessor(PROCESSOR.ioBitmaps),
        s.isPhysical("ioBitmapA", PAGE_MASK) && s.isPhysical("ioBitmapB", PAGE_MASK),
      ),
    "the MSR bitmaps are a page": (s) =>
      implies(s.hasProcessor(PROCESSOR.msrBitmaps), s.isPhysical("msrBitmaps", PAGE_MASK)),
    "the virtual-APIC page is a page": (s) =>
      implies(s.hasProcessor(PROCESSOR.tprShadow), s.isPhysical("virtualApicAddress", PAGE_MASK)),
    "the TPR threshold is a priority class": (s) =>
      implies(
        s.hasProcessor(PROCESSOR.tprShadow) && !s.hasSecondary(SECONDARY.virtualInterruptDelivery),
        (s.low("tprThreshold") & ~15) === 0,
      ),
    "the TPR threshold is not above the virtual TPR": (s) =>
      implies(
        s.hasProcessor(PROCESSOR.tprShadow) &&
          !s.hasSecondary(SECONDARY.virtualizeApicAccesses) &&
          !s.hasSecondary(SECONDARY.virtualInterruptDelivery),
        (s.low("tprThreshold") & 15) <= s.virtualTpr >>> 4,
      ),
    "virtual NMIs need NMI exiting": (s) => implies(!s.hasPin(PIN.nmiExiting), !s.hasPin(PIN.virtualNmis)),
    "NMI-window exiting needs virtual NMIs": (s) =>
      implies(!s.hasPin(PIN.virtualNmis), !s.hasProcessor(PROCESSOR.nmiWindowExiting)),
    "the APIC-access page is a page": (s) =>
      implies(s.hasSecondary(SECONDARY.virtualizeApicAccesses), s.isPhysical("apicAccessAddress", PAGE_MASK)),
    "APIC virtualization needs the TPR shadow": (s) =>
      implies(
        !s.hasProcessor(PROCESSOR.tprShadow),
        !s.hasSecondary(
          SECONDARY.virtualizeX2Apic |
            SECONDARY.apicRegisterVirtualization |
            SECONDARY.virtualInterruptDelivery,
        ),
      ),
    "x2APIC mode excludes APIC accesses": (s) =>
      implies(s.hasSecondary(SECONDARY.virtualizeX2Apic), !s.hasSecondary(SECONDARY.virtualizeApicAccesses)),
    "virtual-interrupt delivery needs external-interrupt exiting": (s) =>
      implies(s.hasSecondary(SECONDARY.virtualInterruptDelivery), s.hasPin(PIN.externalInterruptExiting)),
    "posted interrupts need virtual-interrupt delivery": (s) =>
      implies(s.hasPin(PIN.postedInterrupts), s.hasSecondary(SECONDARY.virtualInterruptDelivery)),
    "posted interrupts need acknowledgement on exit": (s) =>
      implies(s.hasPin(PIN.postedInterrupts), s.hasExit(EXIT_CONTROL.acknowledgeInterrupt)),
    "the posted-interrupt vector has 8 bits": (s) =>
      implies(s.hasPin(PIN.postedInterrupts), (s.low("postedInterruptVector") & 0xff00) === 0),
    "the posted-interrupt descriptor is aligned": (s) =>
      implies(s.hasPin(PIN.postedInterrupts), s.isPhysical("postedInterruptDescriptor", POSTED_MASK)),
    "the VPID is not 0": (s) => implies(s.hasSecondary(SECONDARY.vpid), s.low("vpid") !== 0),
    "the EPT pointer is valid": (s) => implies(s.hasSecondary(SECONDARY.ept), isEptPointer(s)),
    "an unrestricted guest needs EPT": (s) => implies(s.isUnrestricted, s.hasSecondary(SECONDARY.ept)),
  }),
  ...checksOf("27.2.1.2", {
    "exit controls are allowed": (s) => allows(s.capabilities.exit, s.exit),
    "saving the preemption timer needs the timer": (s) =>
      implies(!s.hasPin(PIN.preemptionTimer), !s.hasExit(EXIT_CONTROL.savePreemptionTimer)),
    "the exit MSR-store area is aligned": (s) =>
      implies(s.low("exitMsrStoreCount") !== 0, s.isPhysical("exitMsrStoreAddress", MSR_AREA_MASK)),
    "the exit MSR-load area is aligned": (s) =>
      implies(s.low("exitMsrLoadCount") !== 0, s.isPhysical("exitMsrLoadAddress", MSR_AREA_MASK)),
  }),
  ...checksOf("27.2.1.3", {
    "entry controls are allowed": (s) => allows(s.capabilities.entry, s.entry),
    "the injected type exists": (s) =>
      implies(s.injects, s.injectedType !== 1 && s.injectedType !== EVENT_TYPE.other),
    "the injected vector fits its type": (s) =>
      implies(
        s.injects,
        implies(s.injectedType === EVENT_TYPE.nmi, s.injectedVector === 2) &&
          implies(s.injectedType === EVENT_TYPE.hardwareException, s.injectedVector < 32),
      ),
    "an error code is delivered where the vector has one": (s) =>
      implies(
        s.injects,
        ((s.injection & INFO.errorCode) !== 0) ===
          (implies(s.isUnrestricted, s.isGuestProtected) &&
            s.injectedType === EVENT_TYPE.hardwareException &&
            pushesErrorCode(s.injectedVector)),
      ),
    "the interruption information's reserved bits are 0": (s) =>
      implies(s.injects, (s.injection & ENTRY_INFO_RESERVED) === 0),
    "the error code has 16 bits": (s) =>
      implies(s.injects && (s.injection & INFO.errorCode) !== 0, s.low("entryErrorCode") >>> 16 === 0),
    "the instruction length is 1 to 15": (s) => {
      const length = s.low("entryInstructionLength");
      const isSoftware =
        s.injectedType >= EVENT_TYPE.softwareInterrupt && s.injectedType <= EVENT_TYPE.softwareException;
      return implies(s.injects && isSoftware, length >= 1 && length <= 15);
    },
    "the entry MSR-load area is aligned": (s) =>
      implies(s.low("entryMsrLoadCount") !== 0, s.isPhysical("entryMsrLoadAddress", MSR_AREA_MASK)),
    "no entry to SMM outside of it": (s) => !s.hasEntry(ENTRY_CONTROL.entryToSmm),
  }),
];
