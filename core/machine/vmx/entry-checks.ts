/**
 * What a VM entry checks (Intel SDM vol. 3, 27.2.1 to 27.2.4 and 27.3.1), each check by its name: controls and host state,
 * which fail the instruction, and guest state, which fails the entry with exit reason 33. Checks on what this machine does
 * not model (SMM, Intel PT, CET, PKRS, user interrupts, MPX) are left out.
 */
import type { EntryCheck } from "./entry-checks/check.js";
import type { EntryState } from "./entry-checks/entry-state.js";
import { NON_REGISTER_CHECKS } from "./entry-checks/guest-non-register.js";
import {
  CONTROL_REGISTER_CHECKS,
  DESCRIPTOR_TABLE_CHECKS,
  FLAG_CHECKS,
} from "./entry-checks/guest-registers.js";
import { SEGMENT_CHECKS } from "./entry-checks/guest-segments.js";

export { CONTROL_CHECKS } from "./entry-checks/controls.js";
export { HOST_CHECKS } from "./entry-checks/host-state.js";

/** 27.3.1, in its order. */
export const GUEST_CHECKS: readonly EntryCheck[] = [
  ...CONTROL_REGISTER_CHECKS,
  ...SEGMENT_CHECKS,
  ...DESCRIPTOR_TABLE_CHECKS,
  ...FLAG_CHECKS,
  ...NON_REGISTER_CHECKS,
];

/** The first check of a list that is not met. */
export function failing(checks: readonly EntryCheck[], state: EntryState): EntryCheck | undefined {
  return checks.find((one) => !one.isMet(state));
}
