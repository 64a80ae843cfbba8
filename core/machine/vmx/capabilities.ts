/**
 * What a generation's VMX can do: the capability MSRs (Intel SDM vol. 3, appendix A), from the CPU profile. A control's MSR
 * says which bits must be 1 (bits 31..0) and which may be (63..32).
 */
import type { CpuProfile } from "../../events/profile.js";
import type { AssistFeature } from "../../events/profiles/assist.js";
import { CR0 } from "../cpu/control-bits.js";
import { processorOf } from "../cpu/processor.js";
import { ENTRY_CONTROL, EXIT_CONTROL, PIN, PROCESSOR, SECONDARY } from "./controls.js";
import { HIGHEST_INDEX } from "./fields.js";
import { REVISION } from "./vmcs.js";

/** Which bits of a control must be, and may be, 1. */
export interface Allowed {
  readonly mustBe: number;
  readonly mayBe: number;
}

/** Bits that are reserved and 1 (A.3.1, A.3.2, A.4, A.5: the TRUE capability MSRs' view). */
const PIN_DEFAULT = 0x16;
const PROCESSOR_DEFAULT = 0x0400_6172;
const EXIT_DEFAULT = 0x0003_6dfb;
const ENTRY_DEFAULT = 0x11fb;
/** Without TRUE MSRs CR3 always exits, and debug controls are always saved and loaded. */
const OLD_PROCESSOR_DEFAULT = PROCESSOR_DEFAULT | PROCESSOR.cr3LoadExiting | PROCESSOR.cr3StoreExiting;
const OLD_EXIT_DEFAULT = EXIT_DEFAULT | EXIT_CONTROL.saveDebugControls;
const OLD_ENTRY_DEFAULT = ENTRY_DEFAULT | ENTRY_CONTROL.loadDebugControls;

/** Capability MSRs by number. */
export const VMX_MSR = {
  basic: 0x480,
  pin: 0x481,
  processor: 0x482,
  exit: 0x483,
  entry: 0x484,
  misc: 0x485,
  cr0Fixed0: 0x486,
  cr0Fixed1: 0x487,
  cr4Fixed0: 0x488,
  cr4Fixed1: 0x489,
  vmcsEnum: 0x48a,
  secondary: 0x48b,
  eptVpid: 0x48c,
} as const;

/** CR4.VMXE, which must be 1 in VMX operation. */
export const CR4_VMXE = 0x2000;

/** IA32_VMX_EPT_VPID_CAP (A.10): execute-only, 4 levels, write-back, 2M, 1G, INVEPT, A and D bits; INVVPID. */
const EPT_CAPABILITY = {
  executeOnly: 1,
  levels4: 0x40,
  writeBack: 0x4000,
  page2M: 0x1_0000,
  page1G: 0x2_0000,
} as const;
const EPT_INVEPT = 0x610_0000;
const EPT_ACCESSED_DIRTY = 0x20_0000;
const VPID_INVVPID_HIGH = 0xf01;

const sum = (bits: Readonly<Record<string, number>>): number =>
  Object.values(bits).reduce((all, bit) => all | bit, 0);

export class VmxCapabilities {
  readonly pin: Allowed;
  readonly processor: Allowed;
  readonly secondary: Allowed;
  readonly exit: Allowed;
  readonly entry: Allowed;
  /** Bits of CR0 and CR4 that must be 1, and that may be, in VMX operation. */
  readonly cr0Fixed0 = CR0.PE | CR0.NE | CR0.PG;
  readonly cr0Fixed1 = -1;
  readonly cr4Fixed0 = CR4_VMXE;
  readonly cr4Fixed1: number;
  readonly hasAccessedDirty: boolean;
  readonly physicalAddressBits: number;
  private readonly profile: CpuProfile;

  constructor(profile: CpuProfile) {
    const { features, physicalAddressBits } = profile;
    const has = (feature: AssistFeature): boolean => features.assist.includes(feature);
    const isOld = !features.nestedPaging;
    const choose = (mustBe: number, optional: readonly (readonly [number, boolean])[]): Allowed => ({
      mustBe,
      mayBe: optional.reduce((bits, [bit, isThere]) => (isThere ? bits | bit : bits), mustBe),
    });
    this.profile = profile;
    this.physicalAddressBits = physicalAddressBits;
    this.hasAccessedDirty = features.nestedAccessedDirty;
    this.cr4Fixed1 = processorOf(profile, true).cr4Defined | CR4_VMXE;
    this.pin = choose(PIN_DEFAULT, [
      [PIN.externalInterruptExiting | PIN.nmiExiting, true],
      [PIN.virtualNmis, has("VIRTUAL-NMI")],
      [PIN.preemptionTimer, has("PREEMPTION-TIMER")],
      [PIN.postedInterrupts, has("POSTED-INTERRUPTS")],
    ]);
    const { tprShadow, msrBitmaps, secondaryControls, nmiWindowExiting, monitorTrap, ...always } = PROCESSOR;
    this.processor = choose(isOld ? OLD_PROCESSOR_DEFAULT : PROCESSOR_DEFAULT, [
      [sum(always), true],
      [tprShadow, has("TPR-SHADOW")],
      [msrBitmaps, has("MSR-BITMAPS")],
      [nmiWindowExiting, has("VIRTUAL-NMI")],
      [monitorTrap, !isOld],
      [secondaryControls, has("VIRTUAL-APIC")],
    ]);
    this.secondary = choose(0, [
      [SECONDARY.virtualizeApicAccesses, has("VIRTUAL-APIC")],
      [SECONDARY.ept, features.nestedPaging],
      [SECONDARY.vpid, features.vpid],
      [SECONDARY.rdtscp, profile.identity.extensions.includes("RDTSCP")],
      [SECONDARY.descriptorTableExiting, has("DESCRIPTOR-EXITING")],
      [SECONDARY.wbinvdExiting, has("WBINVD-EXITING")],
      [SECONDARY.unrestrictedGuest, has("UNRESTRICTED-GUEST")],
      [SECONDARY.virtualizeX2Apic, has("UNRESTRICTED-GUEST")],
      [SECONDARY.pauseLoopExiting, has("PAUSE-LOOP")],
      [SECONDARY.apicRegisterVirtualization, has("APIC-REGISTERS")],
      [SECONDARY.virtualInterruptDelivery, has("VIRTUAL-INTERRUPTS")],
      [SECONDARY.rdrandExiting, profile.identity.extensions.includes("RDRAND")],
      [SECONDARY.rdseedExiting, profile.identity.extensions.includes("RDSEED")],
      [SECONDARY.invpcid, features.invpcid],
    ]);
    this.exit = choose(isOld ? OLD_EXIT_DEFAULT : EXIT_DEFAULT, [
      [EXIT_CONTROL.saveDebugControls | EXIT_CONTROL.acknowledgeInterrupt, true],
      [EXIT_CONTROL.hostAddressSpaceSize, features.longMode],
      [EXIT_CONTROL.savePat | EXIT_CONTROL.loadPat | EXIT_CONTROL.saveEfer | EXIT_CONTROL.loadEfer, !isOld],
      [EXIT_CONTROL.savePreemptionTimer, has("PREEMPTION-TIMER")],
    ]);
    this.entry = choose(isOld ? OLD_ENTRY_DEFAULT : ENTRY_DEFAULT, [
      [ENTRY_CONTROL.loadDebugControls, true],
      [ENTRY_CONTROL.ia32eModeGuest, features.longMode],
      [ENTRY_CONTROL.loadPat | ENTRY_CONTROL.loadEfer, !isOld],
    ]);
  }

  /** A capability MSR's halves; undefined where there is none. @param register VMX_MSR.… */
  msr(register: number): { readonly low: number; readonly high: number } | undefined {
    const control = ({ mustBe, mayBe }: Allowed) => ({ low: mustBe, high: mayBe });
    switch (register) {
      case VMX_MSR.basic:
        // Regions of 4096 bytes, write-back.
        return { low: REVISION, high: 0x1000 | (6 << 18) };
      case VMX_MSR.pin:
        return control(this.pin);
      case VMX_MSR.processor:
        return control(this.processor);
      case VMX_MSR.exit:
        return control(this.exit);
      case VMX_MSR.entry:
        return control(this.entry);
      case VMX_MSR.misc:
        // The preemption timer counts every 32nd cycle; HLT is supported; 4 CR3 targets.
        return { low: PREEMPTION_SHIFT | (1 << 6) | (CR3_TARGETS << 16), high: 0 };
      case VMX_MSR.cr0Fixed0:
        return { low: this.cr0Fixed0, high: 0 };
      case VMX_MSR.cr0Fixed1:
        return { low: this.cr0Fixed1, high: 0 };
      case VMX_MSR.cr4Fixed0:
        return { low: this.cr4Fixed0, high: 0 };
      case VMX_MSR.cr4Fixed1:
        return { low: this.cr4Fixed1, high: 0 };
      case VMX_MSR.vmcsEnum:
        return { low: HIGHEST_INDEX << 1, high: 0 };
      case VMX_MSR.secondary:
        return this.secondary.mayBe === 0 ? undefined : control(this.secondary);
      case VMX_MSR.eptVpid:
        return this.eptVpid();
      default:
        return undefined;
    }
  }

  private eptVpid(): { low: number; high: number } | undefined {
    const { features } = this.profile;
    if (!features.nestedPaging) return undefined;
    const { executeOnly, levels4, writeBack, page2M, page1G } = EPT_CAPABILITY;
    const low =
      executeOnly |
      levels4 |
      writeBack |
      EPT_INVEPT |
      (features.nestedPages.includes("2M") ? page2M : 0) |
      (features.nestedPages.includes("1G") ? page1G : 0) |
      (features.nestedAccessedDirty ? EPT_ACCESSED_DIRTY : 0);
    return { low, high: features.vpid ? VPID_INVVPID_HIGH : 0 };
  }
}

/** IA32_VMX_MISC bits 4..0: the preemption timer counts down by 1 each 2^5 cycles. */
export const PREEMPTION_SHIFT = 5;
/** Bits 24..16: CR3-target values. */
export const CR3_TARGETS = 4;
