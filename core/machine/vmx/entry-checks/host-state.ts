/**
 * What a VM entry checks of the host-state area (Intel SDM vol. 3, 27.2.2 to 27.2.4), to which the exit will return. A check
 * that is not met fails the instruction.
 */
import { CR4, EFER } from "../../cpu/control-bits.js";
import { EXIT_CONTROL } from "../controls.js";
import { checksOf, EFER_DEFINED, type EntryCheck, implies, isFixed } from "./check.js";

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

/** 27.2.2 control registers and MSRs, 27.2.3 segment and descriptor-table registers, 27.2.4 address-space size. */
export const HOST_CHECKS: readonly EntryCheck[] = [
  ...checksOf("27.2.2", {
    "host CR0 has its fixed bits": (s) =>
      isFixed(s.low("hostCr0"), s.capabilities.cr0Fixed0, s.capabilities.cr0Fixed1) &&
      s.high("hostCr0") === 0,
    "host CR4 has its fixed bits": (s) =>
      isFixed(s.low("hostCr4"), s.capabilities.cr4Fixed0, s.capabilities.cr4Fixed1) &&
      s.high("hostCr4") === 0,
    "host CR3 is a physical address": (s) => s.isPhysical("hostCr3", 0),
    "host SYSENTER addresses are canonical": (s) =>
      s.isCanonical("hostSysenterEsp") && s.isCanonical("hostSysenterEip"),
    "host PAT holds memory types": (s) => implies(s.hasExit(EXIT_CONTROL.loadPat), s.isPat("hostPat")),
    "host EFER fits the address-space size": (s) => {
      const efer = s.low("hostEfer");
      const wanted = s.isHost64 ? EFER.LMA | EFER.LME : 0;
      return implies(
        s.hasExit(EXIT_CONTROL.loadEfer),
        (efer & ~EFER_DEFINED) === 0 && s.high("hostEfer") === 0 && (efer & (EFER.LMA | EFER.LME)) === wanted,
      );
    },
  }),
  ...checksOf("27.2.3", {
    "host selectors have RPL and TI 0": (s) => HOST_SELECTORS.every((name) => (s.low(name) & 7) === 0),
    "host CS and TR are not null": (s) => s.low("hostCsSelector") !== 0 && s.low("hostTrSelector") !== 0,
    "host SS is not null in a 32-bit host": (s) => implies(!s.isHost64, s.low("hostSsSelector") !== 0),
    "host bases are canonical": (s) => HOST_BASES.every((name) => s.isCanonical(name)),
  }),
  ...checksOf("27.2.4", {
    "a 64-bit guest needs a 64-bit host": (s) => implies(!s.isHost64, !s.isLong),
    "a 32-bit host has no PCIDs": (s) => implies(!s.isHost64, (s.low("hostCr4") & CR4.PCIDE) === 0),
    "a 32-bit host's RIP has 32 bits": (s) => implies(!s.isHost64, s.high("hostRip") === 0),
    "a 64-bit host has PAE": (s) => implies(s.isHost64, (s.low("hostCr4") & CR4.PAE) !== 0),
    "a 64-bit host's RIP is canonical": (s) => implies(s.isHost64, s.isCanonical("hostRip")),
  }),
];
