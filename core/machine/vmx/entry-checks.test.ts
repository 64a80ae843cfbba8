/**
 * Each check of a VM entry, by itself: a VMCS that meets all of them is changed in one way, that check is no longer met, and the
 * entry fails as the manual says: with error 7 or 8, or with exit reason 33.
 */
import { readFileSync } from "node:fs";
import { beforeAll, describe, expect, it } from "vitest";
import { findProfile } from "../../events/profiles/index.js";
import { loadImage } from "../../guest/images/image.js";
import { makeHardwareComputer } from "../../monitor/hardware-assisted/computer.js";
import type { VmxVendor } from "../../monitor/hardware-assisted/vmx.js";
import { PLAIN } from "../testing/plain.js";
import { ACTIVITY_STATE, ENTRY_CONTROL, EXIT_CONTROL, PIN, PROCESSOR, SECONDARY } from "./controls.js";
import type { EntryCheck } from "./entry-checks/check.js";
import { EntryState } from "./entry-checks/entry-state.js";
import { CONTROL_CHECKS, GUEST_CHECKS, HOST_CHECKS } from "./entry-checks.js";
import { ENTRY_FAILURE, VM_ERROR, VMX_EXIT } from "./exit-reasons.js";
import { FIELD, type FieldName } from "./fields.js";
import type { VmxUnit } from "./unit.js";
import { Vmcs } from "./vmcs.js";

const MEMORY = 16 * 2 ** 20;
const FRAME_WORDS = 1024;

let unit: VmxUnit;
let vmcs: Vmcs;
let words: Int32Array;
let valid: Int32Array;

beforeAll(() => {
  const computer = makeHardwareComputer(
    {
      profile: findProfile("ice-lake-2019")!,
      memoryBytes: MEMORY,
      ...PLAIN,
      engine: "interpreter",
    },
    { hostOrder: 0, vpid: true, accessedDirty: true, populate: false },
  );
  const file = new URL("../../guest/programs/images/compute-32.elf", import.meta.url);
  computer.load(loadImage(readFileSync(file), { name: file.pathname, append: "", memoryBytes: MEMORY }));
  // Launched, and no instruction executed.
  computer.run(0);
  const { vendor } = computer.vm;
  ({ unit } = vendor as VmxVendor);
  const { frame } = unit.current!;
  unit.vmclear(frame);
  const { ram } = computer.machine;
  words = ram.subarray(frame * FRAME_WORDS, (frame + 1) * FRAME_WORDS);
  valid = words.slice();
  vmcs = new Vmcs(ram, frame);
});

const low = (name: FieldName, value: number): void => vmcs.set(FIELD[name], value, vmcs.high(FIELD[name]));
const high = (name: FieldName, value: number): void => vmcs.set(FIELD[name], vmcs.low(FIELD[name]), value);
const set = (name: FieldName, bits: number): void => low(name, vmcs.low(FIELD[name]) | bits);
const clear = (name: FieldName, bits: number): void => low(name, vmcs.low(FIELD[name]) & ~bits);
/** A valid external interrupt, exception 13 with its code, and so on, to be spoilt. */
const inject = (info: number): void => low("entryInterruptionInfo", info | 0x8000_0000);

const VM86 = (): void => set("guestRflags", 0x2_0000);
const PRESENT_LDT = 0x82;

// biome-ignore format: a table
const SPOILT: Readonly<Record<string, () => void>> = {
  "pin-based controls are allowed": () => clear("pinControls", 2),
  "processor-based controls are allowed": () => set("processorControls", 1),
  "secondary controls are allowed": () => set("secondaryControls", 1 << 30),
  "at most four CR3 targets": () => low("cr3TargetCount", 5),
  "I/O bitmaps are pages": () => { set("processorControls", PROCESSOR.ioBitmaps); low("ioBitmapB", 8); },
  "the MSR bitmaps are a page": () => low("msrBitmaps", 0x1008),
  "the virtual-APIC page is a page": () => high("virtualApicAddress", 1 << 30),
  "the TPR threshold is a priority class": () => { clear("secondaryControls", SECONDARY.virtualInterruptDelivery); low("tprThreshold", 16); },
  "the TPR threshold is not above the virtual TPR": () => {
    clear("secondaryControls", SECONDARY.virtualInterruptDelivery | SECONDARY.virtualizeApicAccesses);
    low("tprThreshold", 3);
  },
  "virtual NMIs need NMI exiting": () => clear("pinControls", PIN.nmiExiting),
  "NMI-window exiting needs virtual NMIs": () => { clear("pinControls", PIN.virtualNmis); set("processorControls", PROCESSOR.nmiWindowExiting); },
  "the APIC-access page is a page": () => low("apicAccessAddress", 0xfee0_0010),
  "APIC virtualization needs the TPR shadow": () => clear("processorControls", PROCESSOR.tprShadow),
  "x2APIC mode excludes APIC accesses": () => set("secondaryControls", SECONDARY.virtualizeX2Apic),
  "virtual-interrupt delivery needs external-interrupt exiting": () => clear("pinControls", PIN.externalInterruptExiting),
  "posted interrupts need virtual-interrupt delivery": () => clear("secondaryControls", SECONDARY.virtualInterruptDelivery),
  "posted interrupts need acknowledgement on exit": () => clear("exitControls", EXIT_CONTROL.acknowledgeInterrupt),
  "the posted-interrupt vector has 8 bits": () => low("postedInterruptVector", 0x1f2),
  "the posted-interrupt descriptor is aligned": () => set("postedInterruptDescriptor", 0x20),
  "the VPID is not 0": () => low("vpid", 0),
  "the EPT pointer is valid": () => clear("eptPointer", 7 << 3),
  "an unrestricted guest needs EPT": () => clear("secondaryControls", SECONDARY.ept),
  "exit controls are allowed": () => clear("exitControls", 2),
  "saving the preemption timer needs the timer": () => {
    clear("pinControls", PIN.preemptionTimer);
    set("exitControls", EXIT_CONTROL.savePreemptionTimer);
  },
  "the exit MSR-store area is aligned": () => { low("exitMsrStoreCount", 1); low("exitMsrStoreAddress", 8); },
  "the exit MSR-load area is aligned": () => { low("exitMsrLoadCount", 1); low("exitMsrLoadAddress", 8); },
  "entry controls are allowed": () => clear("entryControls", 1),
  "the injected type exists": () => inject(0x120),
  "the injected vector fits its type": () => inject(0x203),
  "an error code is delivered where the vector has one": () => inject(0x30d),
  "the interruption information's reserved bits are 0": () => inject(0x1020),
  "the error code has 16 bits": () => { inject(0xb0d); low("entryErrorCode", 0x1_0000); },
  "the instruction length is 1 to 15": () => { inject(0x480); low("entryInstructionLength", 0); },
  "the entry MSR-load area is aligned": () => { low("entryMsrLoadCount", 1); low("entryMsrLoadAddress", 4); },
  "no entry to SMM outside of it": () => set("entryControls", ENTRY_CONTROL.entryToSmm),

  "host CR0 has its fixed bits": () => clear("hostCr0", 0x20),
  "host CR4 has its fixed bits": () => clear("hostCr4", 0x2000),
  "host CR3 is a physical address": () => high("hostCr3", 1 << 30),
  "host SYSENTER addresses are canonical": () => high("hostSysenterEip", 0x8000),
  "host PAT holds memory types": () => { set("exitControls", EXIT_CONTROL.loadPat); low("hostPat", 2); },
  "host EFER fits the address-space size": () => clear("hostEfer", 0x400),
  "host selectors have RPL and TI 0": () => set("hostDsSelector", 3),
  "host CS and TR are not null": () => low("hostTrSelector", 0),
  "host SS is not null in a 32-bit host": () => { clear("exitControls", EXIT_CONTROL.hostAddressSpaceSize); low("hostSsSelector", 0); },
  "host bases are canonical": () => high("hostGsBase", 0x8000),
  "a 64-bit guest needs a 64-bit host": () => { clear("exitControls", EXIT_CONTROL.hostAddressSpaceSize); set("entryControls", ENTRY_CONTROL.ia32eModeGuest); },
  "a 32-bit host has no PCIDs": () => { clear("exitControls", EXIT_CONTROL.hostAddressSpaceSize); set("hostCr4", 1 << 17); },
  "a 32-bit host's RIP has 32 bits": () => { clear("exitControls", EXIT_CONTROL.hostAddressSpaceSize); high("hostRip", 1); },
  "a 64-bit host has PAE": () => clear("hostCr4", 0x20),
  "a 64-bit host's RIP is canonical": () => high("hostRip", 0x8000),

  "guest CR0 has its fixed bits": () => clear("guestCr0", 0x20),
  "guest paging needs protection": () => { set("guestCr0", 0x8000_0000 | 0); clear("guestCr0", 1); },
  "guest CR4 has its fixed bits": () => clear("guestCr4", 0x2000),
  "guest DEBUGCTL has no reserved bits": () => low("guestDebugControl", 4),
  "an IA-32e guest has paging and PAE": () => set("entryControls", ENTRY_CONTROL.ia32eModeGuest),
  "PCIDs need IA-32e mode": () => set("guestCr4", 1 << 17),
  "guest CR3 is a physical address": () => high("guestCr3", 1 << 30),
  "guest DR7 has 32 bits": () => high("guestDr7", 1),
  "guest SYSENTER addresses are canonical": () => high("guestSysenterEsp", 0x8000),
  "guest PAT holds memory types": () => { set("entryControls", ENTRY_CONTROL.loadPat); high("guestPat", 0x0800_0000); },
  "guest EFER fits IA-32e mode": () => set("guestEfer", 0x400),
  "TR and LDTR are in the GDT": () => low("guestTrSelector", 4),
  "SS and CS have one RPL": () => { clear("secondaryControls", SECONDARY.unrestrictedGuest); set("guestSsSelector", 3); },
  "virtual-8086 segments are those of virtual-8086 mode": VM86,
  "bases of TR, FS and GS are canonical, and LDTR's": () => high("guestFsBase", 0x8000),
  "bases of CS, SS, DS and ES have 32 bits": () => high("guestCsBase", 1),
  "CS is accessed code": () => clear("guestCsRights", 1),
  "SS is writable data": () => clear("guestSsRights", 2),
  "data segments are accessed and readable": () => clear("guestEsRights", 1),
  "code and data segments are no system segments": () => clear("guestDsRights", 0x10),
  "CS's DPL fits SS's": () => set("guestCsRights", 0x60),
  "SS's DPL is its RPL": () => { clear("secondaryControls", SECONDARY.unrestrictedGuest); set("guestSsRights", 0x60); },
  "SS's DPL is 0 in real mode": () => { clear("guestCr0", 1); set("guestSsRights", 0x60); },
  "data segments' DPL is not below their RPL": () => { clear("secondaryControls", SECONDARY.unrestrictedGuest); set("guestDsSelector", 3); },
  "code and data segments are present": () => clear("guestGsRights", 0x80),
  "code and data rights have no reserved bits": () => set("guestFsRights", 0x100),
  "64-bit code has no D": () => { set("entryControls", ENTRY_CONTROL.ia32eModeGuest); set("guestCsRights", 0x6000); },
  "granularity fits the limit": () => low("guestDsLimit", 0x1_0000),
  "TR is a busy TSS": () => { clear("guestTrRights", 15); set("guestTrRights", 9); },
  "TR is present, usable, and a system segment": () => set("guestTrRights", 0x1_0000),
  "TR's rights have no reserved bits, and its granularity fits": () => set("guestTrRights", 0x400),
  "LDTR is a present LDT": () => low("guestLdtrRights", PRESENT_LDT | 0x10),
  "bases of GDTR and IDTR are canonical": () => high("guestIdtrBase", 0x8000),
  "limits of GDTR and IDTR have 16 bits": () => low("guestGdtrLimit", 0x1_0000),
  "RIP fits the code": () => high("guestRip", 1),
  "RFLAGS has its fixed bits": () => clear("guestRflags", 2),
  "virtual-8086 mode is protected mode's": () => { VM86(); clear("guestCr0", 1); },
  "an injected interrupt needs IF": () => { inject(0x20); clear("guestRflags", 0x200); },
  "the activity state exists": () => low("guestActivity", ACTIVITY_STATE.waitForSipi + 1),
  "only privilege 0 halts": () => { low("guestActivity", ACTIVITY_STATE.hlt); set("guestSsRights", 0x60); },
  "blocking by STI or MOV SS means active": () => { low("guestActivity", ACTIVITY_STATE.hlt); set("guestInterruptibility", 2); },
  "interruptibility has no reserved bits": () => set("guestInterruptibility", 0x20),
  "blocking is by STI or by MOV SS": () => set("guestInterruptibility", 3),
  "blocking by STI needs IF": () => { set("guestInterruptibility", 1); clear("guestRflags", 0x200); },
  "an injected interrupt meets no blocking": () => { inject(0x20); set("guestRflags", 0x200); set("guestInterruptibility", 2); },
  "an injected NMI meets no blocking by MOV SS": () => { inject(0x202); set("guestInterruptibility", 2); },
  "an injected virtual NMI meets no blocking by NMI": () => { inject(0x202); set("guestInterruptibility", 8); },
  "no blocking by SMI outside of SMM": () => set("guestInterruptibility", 4),
  "pending debug exceptions have no reserved bits": () => set("guestPendingDebug", 0x10),
  "a single step is pending where TF and blocking say so": () => { set("guestInterruptibility", 2); set("guestPendingDebug", 0x4000); },
  "the VMCS link pointer is all ones": () => low("vmcsLinkPointer", 0),
  "present PDPTEs have no reserved bits": () => {
    set("guestCr0", 0x8000_0000 | 0);
    set("guestCr4", 0x20);
    low("guestPdpte2", 3);
  },
};

const stateOf = (): EntryState =>
  new EntryState(vmcs, unit.capabilities, (field) => [vmcs.low(field), vmcs.high(field)], 0);

/** As the processor sees it: the check by itself, then the instruction. */
function spoil({ name }: EntryCheck): ReturnType<VmxUnit["vmlaunch"]> {
  words.set(valid);
  SPOILT[name]!();
  unit.vmptrld(vmcs.frame);
  const result = unit.vmlaunch();
  unit.vmclear(vmcs.frame);
  return result;
}

describe.each([
  ["controls", CONTROL_CHECKS, VM_ERROR.entryInvalidControls],
  ["host state", HOST_CHECKS, VM_ERROR.entryInvalidHostState],
] as const)("%s", (_area, checks, error) => {
  it.each(checks.map((check) => [check.section, check.name, check] as const))(
    "%s: %s",
    (_section, _name, check) => {
      const result = spoil(check);
      expect(check.isMet(stateOf())).toBe(false);
      expect(result).toMatchObject({ kind: "fail-valid" });
      // A change may spoil a check of the controls that comes before a check of the host's.
      expect([VM_ERROR.entryInvalidControls, error]).toContain((result as { error: number }).error);
    },
  );
});

describe("guest state", () => {
  it.each(GUEST_CHECKS.map((check) => [check.section, check.name, check] as const))(
    "%s: %s",
    (_section, _name, check) => {
      const result = spoil(check);
      expect(check.isMet(stateOf())).toBe(false);
      expect(result).toMatchObject({ kind: "invalid-guest-state" });
      expect(vmcs.low(FIELD.exitReason)).toBe(ENTRY_FAILURE | VMX_EXIT.entryInvalidGuestState);
    },
  );
});

describe("a VMCS that meets all", () => {
  it("enters, and is launched", () => {
    words.set(valid);
    const state = stateOf();
    const unmet = [...CONTROL_CHECKS, ...HOST_CHECKS, ...GUEST_CHECKS].filter((check) => !check.isMet(state));
    expect(unmet.map(({ name }) => name)).toEqual([]);
    unit.vmptrld(vmcs.frame);
    expect(unit.vmresume()).toMatchObject({ kind: "fail-valid", error: VM_ERROR.vmresumeNotLaunched });
    expect(unit.vmlaunch()).toEqual({ kind: "entered" });
    expect(unit.vmlaunch()).toMatchObject({ kind: "fail-valid", error: VM_ERROR.vmlaunchNotClear });
    expect(unit.vmresume()).toEqual({ kind: "entered" });
  });

  it("has a change for every check, and for nothing else", () => {
    const names = [...CONTROL_CHECKS, ...HOST_CHECKS, ...GUEST_CHECKS].map(({ name }) => name);
    expect(Object.keys(SPOILT).sort()).toEqual([...names].sort());
  });
});
