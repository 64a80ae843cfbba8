/** What a reader needs to work a walk out by hand: the machine's latencies, prices, TLBs and walk caches. */
import type { WalkCacheGeometry, WalkCacheLevel } from "../events/profile.js";
import type { Machine } from "../machine/machine.js";
import type { Amount, Place, TraceFacts } from "./trace-data.js";
import { tableName } from "./trace-entries.js";
import { latenciesOf } from "./trace-recorder.js";

const WALK_CACHE_LEVELS: readonly WalkCacheLevel[] = ["level1", "level2", "level3", "level4"];

export function factsOf(machine: Machine): TraceFacts {
  const { profile, costs, options, mmu } = machine;
  const { l1i, l1d, l2 } = profile.tlb;
  const arrays = [["L1D", l1d], ["L1I", l1i], ["L2", l2]] as const; // biome-ignore format: short
  const { guest, host, nestedTlb } = profile.walkCaches;
  const isNested = mmu.walker.host !== undefined;
  const isOn = options.walkCaches;
  return {
    profileTitle: profile.title,
    latencies: latenciesByPlace(machine),
    prices: {
      walkStart: costs.walk_start,
      tlbL2Hit: costs.tlb_l2_hit,
      entryBits: costs.entry_bits,
      reference: costs.reference,
    },
    tlbs: options.tlb
      ? arrays.flatMap(([tlb, list]) =>
          list.map(({ entries, ways, pages }) => ({ tlb, entries, ways, pages })),
        )
      : [],
    walkCaches: {
      guest: isOn ? sizesOf(guest, machine.paging.levels) : [],
      host: isOn && isNested ? sizesOf(host, options.nested?.levels ?? 0) : [],
      nestedTlb: isOn && isNested ? (nestedTlb?.entries ?? 0) : 0,
    },
    hostLevels: options.nested?.levels ?? 0,
    accessedDirty: isNested && (options.nested?.accessedDirty === true || machine.nestedFormat === "npt"),
  };
}

/** A cache of entries of the PD gives level-1 tables, and so on: named by the table whose entries it holds. */
function sizesOf(
  caches: Readonly<Partial<Record<WalkCacheLevel, WalkCacheGeometry>>>,
  levels: number,
): Amount[] {
  return WALK_CACHE_LEVELS.flatMap((level, index) => {
    const size = caches[level];
    return size === undefined || index + 1 >= levels
      ? []
      : [{ name: tableName(index + 2), count: size.entries }];
  });
}

function latenciesByPlace(machine: Machine): Readonly<Partial<Record<Place, number>>> {
  const [flat, l1, l2, l3, dram] = latenciesOf(machine);
  if (machine.options.caches === "off") return { flat: flat! };
  return { L1: l1!, L2: l2!, ...(machine.profile.caches.l3 === undefined ? {} : { L3: l3! }), DRAM: dram! };
}
