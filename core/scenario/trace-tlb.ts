/** Which TLB entries hold an address now: looked up as the hardware would, without using them. */
import { highHalf, lowHalf } from "../machine/address.js";
import type { Machine } from "../machine/machine.js";
import { highTag } from "../machine/mmu/tlb.js";
import { ENTRY_WORDS, FRAME, GUEST_MASK, MASK } from "../machine/mmu/translations.js";
import type { AccessKind, HeldIn } from "./trace-data.js";

/** Names of page sizes by log2 of their 4 KiB frames. */
const PAGE_NAMES: Readonly<Record<number, string>> = { 0: "4K", 9: "2M", 10: "4M", 18: "1G" };

/** Of the levels that an access of this kind asks, first level first. `frame` is the host frame of the address. */
export function heldIn(
  machine: Machine,
  address: number,
  kind: AccessKind,
): (HeldIn & { readonly frame: number })[] {
  const { parts, context, globalContext } = machine.mmu;
  if (!parts.tlbEnabled) return [];
  const { l1i, l1d, l2 } = machine.profile.tlb;
  const [hi, lo] = [highHalf(address), lowHalf(address)];
  const page = (lo >>> 12) | (hi << 20);
  const first = kind === "fetch" ? (["L1I", parts.l1i, l1i] as const) : (["L1D", parts.l1d, l1d] as const);
  return [first, ["L2", parts.l2, l2] as const].flatMap(([tlb, level, geometries]) => {
    const entry = level?.find(page, highTag(context, hi), highTag(globalContext, hi)) ?? -1;
    const index = level?.arrays.findIndex(({ base, end }) => entry >= base && entry < end) ?? -1;
    if (level === undefined || index < 0) return [];
    const { entries, ways } = geometries[index]!;
    const { words } = parts.store;
    const mask = words[entry + MASK]!;
    const place = (entry - level.arrays[index]!.base) / ENTRY_WORDS;
    return [
      {
        tlb,
        entries,
        ways,
        set: Math.floor(place / ways),
        way: place % ways,
        page: pageName(mask),
        guestPage: pageName(words[entry + GUEST_MASK]!),
        frame: words[entry + FRAME]! + (page & ~mask),
      },
    ];
  });
}

function pageName(mask: number): string {
  return PAGE_NAMES[Math.log2(-mask)]!;
}
