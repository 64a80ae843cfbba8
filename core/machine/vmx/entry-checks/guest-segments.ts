/** What a VM entry checks of the guest's segment registers (Intel SDM vol. 3, 27.3.1.2). */
import type { SEGMENT_FIELDS } from "../fields.js";
import { checksOf, type EntryCheck, implies } from "./check.js";
import { type EntryState, RIGHTS, type SegmentView } from "./entry-state.js";

/** Access rights that are reserved in bits 31..17. */
const RIGHTS_HIGH_RESERVED = 0xfffe_0000 | 0;
const VIRTUAL_8086_RIGHTS = 0xf3;
const REAL_LIMIT = 0xffff;

const DATA_SEGMENTS = ["Ds", "Es", "Fs", "Gs"] as const;
const CODE_AND_DATA = ["Cs", "Ss", "Ds", "Es", "Fs", "Gs"] as const;

/** Every usable segment of a list, outside virtual-8086 mode; CS and TR cannot be unusable. */
const eachUsable = (
  s: EntryState,
  names: readonly (typeof SEGMENT_FIELDS)[number][],
  holds: (segment: SegmentView, name: (typeof SEGMENT_FIELDS)[number]) => boolean,
): boolean =>
  names.every((name) => {
    const segment = s.segment(name);
    return implies(segment.isUsable || name === "Cs" || name === "Tr", holds(segment, name));
  });

const isGranularityRight = ({ limit, rights }: SegmentView): boolean =>
  implies((limit & 0xfff) !== 0xfff, (rights & RIGHTS.g) === 0) &&
  implies(limit >>> 20 !== 0, (rights & RIGHTS.g) !== 0);
const isReservedClear = ({ rights }: SegmentView): boolean =>
  (rights & (RIGHTS.reserved | RIGHTS_HIGH_RESERVED)) === 0;

export const SEGMENT_CHECKS: readonly EntryCheck[] = checksOf("27.3.1.2", {
  "TR and LDTR are in the GDT": (s) =>
    (s.segment("Tr").selector & 4) === 0 && eachUsable(s, ["Ldtr"], ({ selector }) => (selector & 4) === 0),
  "SS and CS have one RPL": (s) =>
    implies(
      !s.isVirtual8086 && !s.isUnrestricted,
      (s.segment("Ss").selector & 3) === (s.segment("Cs").selector & 3),
    ),
  "virtual-8086 segments are those of virtual-8086 mode": (s) =>
    implies(
      s.isVirtual8086,
      CODE_AND_DATA.every((name) => {
        const { low, selector, limit, rights } = s.segment(name);
        return low === selector << 4 && limit === REAL_LIMIT && rights === VIRTUAL_8086_RIGHTS;
      }),
    ),
  "bases of TR, FS and GS are canonical, and LDTR's": (s) =>
    s.isCanonical("guestTrBase") &&
    s.isCanonical("guestFsBase") &&
    s.isCanonical("guestGsBase") &&
    eachUsable(s, ["Ldtr"], () => s.isCanonical("guestLdtrBase")),
  "bases of CS, SS, DS and ES have 32 bits": (s) =>
    eachUsable(s, ["Cs", "Ss", "Ds", "Es"], ({ high }) => high === 0),
  "CS is accessed code": (s) =>
    implies(
      !s.isVirtual8086,
      [9, 11, 13, 15].includes(s.segment("Cs").type) || (s.isUnrestricted && s.segment("Cs").type === 3),
    ),
  "SS is writable data": (s) =>
    implies(
      !s.isVirtual8086,
      eachUsable(s, ["Ss"], ({ type }) => type === 3 || type === 7),
    ),
  "data segments are accessed and readable": (s) =>
    implies(
      !s.isVirtual8086,
      eachUsable(
        s,
        DATA_SEGMENTS,
        ({ type }) => (type & 1) !== 0 && implies((type & 8) !== 0, (type & 2) !== 0),
      ),
    ),
  "code and data segments are no system segments": (s) =>
    implies(
      !s.isVirtual8086,
      eachUsable(s, CODE_AND_DATA, ({ rights }) => (rights & RIGHTS.s) !== 0),
    ),
  "CS's DPL fits SS's": (s) => {
    const cs = s.segment("Cs");
    const ss = s.segment("Ss");
    if (s.isVirtual8086) return true;
    if (cs.type === 3) return cs.dpl === 0;
    return (cs.type & 4) === 0 ? cs.dpl === ss.dpl : cs.dpl <= ss.dpl;
  },
  "SS's DPL is its RPL": (s) => {
    const ss = s.segment("Ss");
    return implies(!s.isVirtual8086 && !s.isUnrestricted, ss.dpl === (ss.selector & 3));
  },
  "SS's DPL is 0 in real mode": (s) =>
    implies(
      !s.isVirtual8086 && (s.segment("Cs").type === 3 || !s.isGuestProtected),
      s.segment("Ss").dpl === 0,
    ),
  "data segments' DPL is not below their RPL": (s) =>
    implies(
      !s.isVirtual8086 && !s.isUnrestricted,
      eachUsable(s, DATA_SEGMENTS, ({ type, dpl, selector }) => implies(type < 12, dpl >= (selector & 3))),
    ),
  "code and data segments are present": (s) =>
    implies(
      !s.isVirtual8086,
      eachUsable(s, CODE_AND_DATA, ({ rights }) => (rights & RIGHTS.p) !== 0),
    ),
  "code and data rights have no reserved bits": (s) =>
    implies(!s.isVirtual8086, eachUsable(s, CODE_AND_DATA, isReservedClear)),
  "64-bit code has no D": (s) => {
    const { rights } = s.segment("Cs");
    return implies(!s.isVirtual8086 && s.isLong && (rights & RIGHTS.l) !== 0, (rights & RIGHTS.db) === 0);
  },
  "granularity fits the limit": (s) =>
    implies(!s.isVirtual8086, eachUsable(s, CODE_AND_DATA, isGranularityRight)),
  "TR is a busy TSS": (s) => {
    const { type } = s.segment("Tr");
    return type === 11 || (type === 3 && !s.isLong);
  },
  "TR is present, usable, and a system segment": (s) => {
    const tr = s.segment("Tr");
    return tr.isUsable && (tr.rights & RIGHTS.s) === 0 && (tr.rights & RIGHTS.p) !== 0;
  },
  "TR's rights have no reserved bits, and its granularity fits": (s) =>
    isReservedClear(s.segment("Tr")) && isGranularityRight(s.segment("Tr")),
  "LDTR is a present LDT": (s) =>
    eachUsable(
      s,
      ["Ldtr"],
      (ldtr) =>
        ldtr.type === 2 &&
        (ldtr.rights & RIGHTS.s) === 0 &&
        (ldtr.rights & RIGHTS.p) !== 0 &&
        isReservedClear(ldtr) &&
        isGranularityRight(ldtr),
    ),
});
