/**
 * The way from an exit to the entry after it, by whose monitor it is. KVM stays in the kernel, or returns from an ioctl to its process. So
 * does VirtualBox, whose support driver runs the guest in the kernel; but it carries more of the guest's state at each exit, and on the
 * way to its process it turns the processor's virtualization off, as another monitor may want it: its setting HM/Exclusive, which is off
 * on Windows (HM.cpp; HMR0LeaveCpu and hmR0EnterCpu in HMR0.cpp). What comes on may hold the address-space identifier of anybody, so that
 * the guest's translations are lost (SVMR0EnableCpu and VMXR0EnableCpu: cTlbFlushes).
 */
import type { Costs } from "../../events/costs.js";
import type { CpuProfile } from "../../events/profile.js";

/** Whose monitor: KVM on Linux, or VirtualBox on Windows. */
export const HARDWARE_MONITORS = ["kvm", "virtualbox"] as const;
export type HardwareMonitor = (typeof HARDWARE_MONITORS)[number];

/** SVMR0DisableCpu and SVMR0EnableCpu: EFER is read and written, and VM_HSAVE_PA is written, each twice. */
const MSRS_OFF_AND_ON = 6;
/** VMXR0DisableCpu and VMXR0EnableCpu: VMXOFF and VMXON, each with a MOV to CR4. */
const VMX_OFF_AND_ON = 4;

/** Cycles, but for the last. */
export interface MonitorPath {
  /** Around every exit. */
  readonly dispatch: number;
  /** To the user side and back, without the device there. */
  readonly userRoundTrip: number;
  /** No translation of the guest's outlives the way to the user side. */
  readonly dropsTranslations: boolean;
}

/** @param mitigated its kernel defends itself against speculative execution. */
export function pathOf(
  monitor: HardwareMonitor,
  mitigated: boolean,
  costs: Costs,
  vendor: CpuProfile["vendor"],
): MonitorPath {
  const mitigations = mitigated ? costs.exit_mitigations : 0;
  if (monitor === "kvm")
    return {
      dispatch: costs.monitor_dispatch + mitigations,
      userRoundTrip: costs.user_round_trip,
      dropsTranslations: false,
    };
  const offAndOn =
    vendor === "amd" ? MSRS_OFF_AND_ON * costs.msr_access : VMX_OFF_AND_ON * costs.system_instruction;
  return {
    dispatch: costs.vbox_dispatch + mitigations,
    userRoundTrip: costs.vbox_round_trip + offAndOn,
    dropsTranslations: true,
  };
}
