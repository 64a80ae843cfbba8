/**
 * VMX operation as a monitor uses it: VMXON, VMCLEAR, VMPTRLD, VMREAD, VMWRITE, VMLAUNCH, VMRESUME, INVEPT and INVVPID
 * (Intel SDM vol. 3, 31). The monitor is no code of the machine's, so each is a method; what fails, fails as the instruction.
 *
 * Nothing here charges cycles: whoever executes the instructions does.
 */
import { type Core, SHADOW } from "../cpu/core.js";
import { EVENT_KIND } from "../cpu/interrupts/raise.js";
import { CR2_WORD, RIP, RIP_HIGH } from "../cpu/places.js";
import type { SystemUnit } from "../cpu/system-unit.js";
import type { Machine } from "../machine.js";
import type { VmxCapabilities } from "./capabilities.js";
import { EVENT_TYPE, INFO, PROCESSOR } from "./controls.js";
import { EntryState } from "./entry-checks/entry-state.js";
import { CONTROL_CHECKS, failing, GUEST_CHECKS, HOST_CHECKS } from "./entry-checks.js";
import { ENTRY_FAILURE, VM_ERROR, VMX_EXIT } from "./exit-reasons.js";
import { FIELD, FIELDS, fieldOf, TYPE } from "./fields.js";
import { GuestState } from "./guest-state.js";
import { REVISION, Vmcs } from "./vmcs.js";

/** How an instruction ended (31.2): CF, or ZF with an error number in the current VMCS. */
export type VmxResult =
  | { readonly kind: "succeed" }
  | { readonly kind: "fail-invalid" }
  | { readonly kind: "fail-valid"; readonly error: number; readonly check?: string };

/** How an entry ended: in the guest, back with exit reason 33, or as an instruction that failed. */
export type EntryResult =
  | { readonly kind: "entered" }
  | { readonly kind: "invalid-guest-state"; readonly check: string }
  | Exclude<VmxResult, { kind: "succeed" }>;

const SUCCEED: VmxResult = { kind: "succeed" };
const ENTERED: EntryResult = { kind: "entered" };
const FAIL_INVALID = { kind: "fail-invalid" } as const;
/** The task priority in the virtual-APIC page (30.1.1). */
const VIRTUAL_TPR = 0x80;

export class VmxUnit {
  /** The current VMCS; undefined when the pointer is invalid. */
  current: Vmcs | undefined;
  readonly guest: GuestState;
  private readonly core: Core;
  private vmxonFrame = -1;
  /** The guest-state area is the CPU's registers. */
  private isLoaded = false;
  /** Something was written since the checks were last met. */
  private isUnchecked = true;

  constructor(
    private readonly machine: Machine,
    private readonly system: SystemUnit,
    readonly capabilities: VmxCapabilities,
  ) {
    this.core = system.core;
    this.guest = new GuestState(this.core, machine.places.registers.words);
  }

  get isOn(): boolean {
    return this.vmxonFrame >= 0;
  }

  vmxon(frame: number): VmxResult {
    if (this.isOn) return this.fail(VM_ERROR.vmxonInRoot);
    if (!this.isFrame(frame) || new Vmcs(this.machine.ram, frame).revision !== REVISION) return FAIL_INVALID;
    this.vmxonFrame = frame;
    return SUCCEED;
  }

  vmxoff(): void {
    this.vmxonFrame = -1;
    this.current = undefined;
    this.isLoaded = false;
  }

  /** Writes what the processor holds of a VMCS to its region; it is no longer current nor launched. */
  vmclear(frame: number): VmxResult {
    if (!this.isFrame(frame)) return this.fail(VM_ERROR.vmclearInvalidAddress);
    if (frame === this.vmxonFrame) return this.fail(VM_ERROR.vmclearVmxonPointer);
    if (frame === this.current?.frame) {
      this.unload();
      this.current.isLaunched = false;
      this.current = undefined;
    } else new Vmcs(this.machine.ram, frame).isLaunched = false;
    return SUCCEED;
  }

  vmptrld(frame: number): VmxResult {
    if (!this.isFrame(frame)) return this.fail(VM_ERROR.vmptrldInvalidAddress);
    if (frame === this.vmxonFrame) return this.fail(VM_ERROR.vmptrldVmxonPointer);
    const vmcs = new Vmcs(this.machine.ram, frame);
    if (vmcs.revision !== REVISION) return this.fail(VM_ERROR.vmptrldWrongRevision);
    if (frame === this.current?.frame) return SUCCEED;
    this.unload();
    this.current = vmcs;
    this.guest.current = vmcs;
    this.isUnchecked = true;
    return SUCCEED;
  }

  /** VMREAD by encoding: halves, or why there are none. */
  vmread(encoding: number): { readonly low: number; readonly high: number } | VmxResult {
    if (this.current === undefined) return FAIL_INVALID;
    const field = fieldOf(encoding);
    if (field === undefined) return this.fail(VM_ERROR.unsupportedField);
    const [low, high] = this.read(field.index);
    return field.isHigh ? { low: high, high: 0 } : { low, high };
  }

  /** VMWRITE by encoding. */
  vmwrite(encoding: number, low: number, high = 0): VmxResult {
    if (this.current === undefined) return FAIL_INVALID;
    const field = fieldOf(encoding);
    if (field === undefined) return this.fail(VM_ERROR.unsupportedField);
    if (FIELDS[field.index]!.type === TYPE.exitInformation) return this.fail(VM_ERROR.readOnlyField);
    if (field.isHigh) this.write(field.index, this.read(field.index)[0], low);
    else this.write(field.index, low, high);
    return SUCCEED;
  }

  /** A field of the current VMCS, by index: what VMREAD gives, without its checks. */
  read(field: number): readonly [low: number, high: number] {
    const { guest, current } = this;
    if (!this.isLoaded || !guest.owns(field)) return [current!.low(field), current!.high(field)];
    const low = guest.read(field);
    return [low, guest.high];
  }

  /** The same for VMWRITE. */
  write(field: number, low: number, high = 0): void {
    this.isUnchecked = true;
    if (this.isLoaded && this.guest.owns(field)) this.guest.write(field, low, high);
    else this.current!.set(field, low, high);
  }

  /** The guest's registers were written other than by the guest: the next entry checks them. */
  touch(): void {
    this.isUnchecked = true;
  }

  vmlaunch(): EntryResult {
    if (this.current === undefined) return FAIL_INVALID;
    if (this.current.isLaunched) return this.fail(VM_ERROR.vmlaunchNotClear);
    return this.enter();
  }

  vmresume(): EntryResult {
    if (this.current === undefined) return FAIL_INVALID;
    if (!this.current.isLaunched) return this.fail(VM_ERROR.vmresumeNotLaunched);
    return this.enter();
  }

  /**
   * VM entry (27). Checks are made anew only where a field was written since they were met: what the processor itself keeps
   * in these fields meets them.
   */
  private enter(): EntryResult {
    const vmcs = this.current!;
    const injects = vmcs.low(FIELD.entryInterruptionInfo) < 0;
    const isChanged = this.isUnchecked;
    if (isChanged || injects) {
      const state = new EntryState(
        vmcs,
        this.capabilities,
        (field) => this.read(field),
        this.virtualTpr(vmcs),
      );
      const control = failing(CONTROL_CHECKS, state);
      if (control !== undefined) return this.fail(VM_ERROR.entryInvalidControls, control.name);
      const host = failing(HOST_CHECKS, state);
      if (host !== undefined) return this.fail(VM_ERROR.entryInvalidHostState, host.name);
      const guest = failing(GUEST_CHECKS, state);
      if (guest !== undefined) {
        vmcs.set(FIELD.exitReason, ENTRY_FAILURE | VMX_EXIT.entryInvalidGuestState);
        vmcs.set(FIELD.exitQualification, 0);
        return { kind: "invalid-guest-state", check: guest.name };
      }
      this.isUnchecked = false;
    }
    if (!this.isLoaded) this.guest.load();
    else if (isChanged) this.guest.settle();
    this.isLoaded = true;
    vmcs.isLaunched = true;
    if (injects) this.inject(vmcs);
    return ENTERED;
  }

  /** Event injection (27.6): delivered as if it had occurred at the guest's RIP. */
  private inject(vmcs: Vmcs): void {
    const { core } = this;
    const { words } = core;
    const info = vmcs.low(FIELD.entryInterruptionInfo);
    vmcs.set(FIELD.entryInterruptionInfo, info & ~INFO.valid);
    const vector = info & INFO.vectorMask;
    const type = (info >>> INFO.typeShift) & INFO.typeMask;
    const isSoftware = type >= EVENT_TYPE.softwareInterrupt;
    const isExternal = type === EVENT_TYPE.externalInterrupt || type === EVENT_TYPE.nmi;
    const length = isSoftware ? vmcs.low(FIELD.entryInstructionLength) : 0;
    const nextLow = (words[RIP]! + length) | 0;
    const carry = nextLow >>> 0 < words[RIP]! >>> 0 ? 1 : 0;
    if (type === EVENT_TYPE.nmi) core.nmiBlocked = true;
    core.shadow = SHADOW.none;
    this.system.redeliver(
      {
        vector,
        kind: isExternal ? EVENT_KIND.external : isSoftware ? EVENT_KIND.software : EVENT_KIND.exception,
        errorCode: (info & INFO.errorCode) === 0 ? 0 : vmcs.low(FIELD.entryErrorCode),
      },
      nextLow,
      words[RIP_HIGH]! + carry,
    );
  }

  /** The monitor gives the guest a page fault: CR2 is its own to write. */
  setFaultAddress(low: number, high: number): void {
    this.core.words[CR2_WORD] = low;
    this.core.words[CR2_WORD + 1] = high;
  }

  // INVEPT and INVVPID.

  invept(): void {
    this.machine.mmu.invalidateNested();
  }

  /** @param type 0 an address, 1 a VPID, 2 all, 3 a VPID's but global ones. False: the operand is invalid. */
  invvpid(type: number, vpid: number, address = 0): boolean {
    const { mmu } = this.machine;
    if (type > 3 || (type !== 2 && vpid === 0)) return false;
    if (type === 0) mmu.invalidateVpidPage(vpid, address);
    else if (type === 2) mmu.invalidateAllVpids();
    else mmu.invalidateVpid(vpid, type === 3);
    return true;
  }

  private unload(): void {
    if (this.isLoaded) this.guest.store();
    this.isLoaded = false;
  }

  private isFrame(frame: number): boolean {
    return Number.isInteger(frame) && frame >= 0 && frame < this.machine.options.backedFrames;
  }

  private virtualTpr(vmcs: Vmcs): number {
    if ((vmcs.low(FIELD.processorControls) & PROCESSOR.tprShadow) === 0) return 0;
    const address = vmcs.unsigned(FIELD.virtualApicAddress);
    return this.machine.ram[(address + VIRTUAL_TPR) >> 2]! & 0xff;
  }

  private fail(error: number, check?: string): Exclude<VmxResult, { kind: "succeed" }> {
    if (this.current === undefined) return FAIL_INVALID;
    this.current.set(FIELD.instructionError, error);
    return { kind: "fail-valid", error, ...(check === undefined ? {} : { check }) };
  }
}
