/** What VMRUN checks (AMD APM vol. 2, 15.5.1, canonicalization and consistency checks), each by its name: VMEXIT_INVALID. */
import { CR0, CR4, EFER } from "../cpu/control-bits.js";
import type { Processor } from "../cpu/processor.js";
import { EFER_SVME } from "./saved-state.js";
import {
  CONTROL,
  EVENT,
  EVENT_TYPE,
  INTERCEPT_3,
  INTERCEPT_4,
  SAVE,
  VIRTUAL_INTERRUPT,
  type Vmcb,
} from "./vmcb.js";

export interface VmrunCheck {
  readonly name: string;
  isMet(vmcb: Vmcb, processor: Processor): boolean;
}

/** Bytes of the permission maps (15.10.1, 15.11). */
export const IO_MAP_BYTES = 12 * 1024;
export const MSR_MAP_BYTES = 8 * 1024;
const SEGMENT_LONG = 0x200;
const SEGMENT_DEFAULT = 0x400;
/** Exceptions that cannot be injected: NMI has a type of its own, and vector 9 and 15 do not exist. */
const NO_EXCEPTION: ReadonlySet<number> = new Set([2, 9, 15]);

/** What AVIC uses, each a page (15.29.4). */
const AVIC_PAGES = [
  CONTROL.avicBar,
  CONTROL.avicBackingPage,
  CONTROL.avicLogicalTable,
  CONTROL.avicPhysicalTable,
] as const;
const PAGE = 4096;

const implies = (condition: boolean, then: boolean): boolean => !condition || then;
const has = (value: number, bits: number): boolean => (value & bits) !== 0;

const isLong = (vmcb: Vmcb): boolean => has(vmcb.low(SAVE.efer), EFER.LME) && has(vmcb.low(SAVE.cr0), CR0.PG);
const fits = (vmcb: Vmcb, offset: number, bytes: number, processor: Processor): boolean =>
  vmcb.unsigned(offset) + bytes <= 2 ** processor.profile.physicalAddressBits;

const usesAvic = (vmcb: Vmcb): boolean => has(vmcb.low(CONTROL.virtualInterrupt), VIRTUAL_INTERRUPT.avic);

export const VMRUN_CHECKS: readonly VmrunCheck[] = [
  { name: "EFER.SVME is set", isMet: (vmcb) => has(vmcb.low(SAVE.efer), EFER_SVME) },
  {
    name: "CR0.NW needs CR0.CD",
    isMet: (vmcb) => implies(has(vmcb.low(SAVE.cr0), CR0.NW), has(vmcb.low(SAVE.cr0), CR0.CD)),
  },
  { name: "CR0 has 32 bits", isMet: (vmcb) => vmcb.high(SAVE.cr0) === 0 },
  {
    name: "CR3 has no reserved bits",
    isMet: (vmcb, { reservedAddressHigh }) => (vmcb.high(SAVE.cr3) & reservedAddressHigh) === 0,
  },
  {
    name: "CR4 has no reserved bits",
    isMet: (vmcb, { cr4Defined }) => (vmcb.low(SAVE.cr4) & ~cr4Defined) === 0 && vmcb.high(SAVE.cr4) === 0,
  },
  { name: "DR6 has 32 bits", isMet: (vmcb) => vmcb.high(SAVE.dr6) === 0 },
  { name: "DR7 has 32 bits", isMet: (vmcb) => vmcb.high(SAVE.dr7) === 0 },
  {
    name: "EFER has no reserved bits",
    isMet: (vmcb, { eferDefined }) =>
      (vmcb.low(SAVE.efer) & ~(eferDefined | EFER_SVME)) === 0 && vmcb.high(SAVE.efer) === 0,
  },
  { name: "long mode needs PAE", isMet: (vmcb) => implies(isLong(vmcb), has(vmcb.low(SAVE.cr4), CR4.PAE)) },
  {
    name: "long mode needs protection",
    isMet: (vmcb) => implies(isLong(vmcb), has(vmcb.low(SAVE.cr0), CR0.PE)),
  },
  {
    name: "64-bit code has no D",
    isMet: (vmcb) => {
      const attributes = vmcb.low(SAVE.cs) >>> 16;
      const isPae = has(vmcb.low(SAVE.cr4), CR4.PAE);
      return implies(
        isLong(vmcb) && isPae && has(attributes, SEGMENT_LONG),
        !has(attributes, SEGMENT_DEFAULT),
      );
    },
  },
  { name: "VMRUN is intercepted", isMet: (vmcb) => has(vmcb.low(CONTROL.intercept4), INTERCEPT_4.vmrun) },
  {
    name: "the I/O permissions map is memory",
    isMet: (vmcb, processor) =>
      implies(
        has(vmcb.low(CONTROL.intercept3), INTERCEPT_3.io),
        fits(vmcb, CONTROL.ioPermissions, IO_MAP_BYTES, processor),
      ),
  },
  {
    name: "the MSR permissions map is memory",
    isMet: (vmcb, processor) =>
      implies(
        has(vmcb.low(CONTROL.intercept3), INTERCEPT_3.msr),
        fits(vmcb, CONTROL.msrPermissions, MSR_MAP_BYTES, processor),
      ),
  },
  { name: "the ASID is not 0", isMet: (vmcb) => vmcb.low(CONTROL.asid) !== 0 },
  {
    name: "AVIC is on this processor",
    isMet: (vmcb, { profile }) => implies(usesAvic(vmcb), profile.features.assist.includes("AVIC")),
  },
  {
    name: "AVIC needs nested paging",
    isMet: (vmcb) => implies(usesAvic(vmcb), has(vmcb.low(CONTROL.nestedPaging), 1)),
  },
  {
    name: "AVIC's pages are memory",
    isMet: (vmcb, processor) =>
      implies(
        usesAvic(vmcb),
        AVIC_PAGES.every((offset) => fits(vmcb, offset, PAGE, processor)),
      ),
  },
  {
    name: "the injected event exists",
    isMet: (vmcb) => {
      const info = vmcb.low(CONTROL.eventInjection);
      const type = (info >>> EVENT.typeShift) & EVENT.typeMask;
      const vector = info & EVENT.vectorMask;
      const isType = Object.values(EVENT_TYPE).some((one) => one === type);
      const isException = type !== EVENT_TYPE.exception || (vector < 32 && !NO_EXCEPTION.has(vector));
      return implies(has(info, EVENT.valid), isType && isException);
    },
  },
];
