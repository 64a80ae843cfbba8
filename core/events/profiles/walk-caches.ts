/**
 * Paging-structure caches as the vendors build them. Their existence is architectural (Intel SDM vol. 3,
 * 4.10.3; AMD APM vol. 2, 5.5), their sizes are mostly found by timing, so nearly all are assumptions with
 * a range.
 */
import type { CpuProfile, WalkCacheGeometry } from "../profile.js";
import { SOURCES } from "./sources.js";

type Entries = readonly [entries: number, ways: number];

function assumedSize([entries, ways]: Entries, source: string): WalkCacheGeometry {
  return { entries, ways, source, assumed: true, range: [Math.ceil(entries / 2), entries * 2] };
}

/**
 * Intel's three caches: PDE (`level1`), PDPTE (`level2`) and PML4 (`level3`). With EPT the same arrays
 * hold combined mappings, and guest-physical ones have room of their own (SDM 29.4.2, as cited); no size
 * of the latter is published, so the same sizes stand for them.
 */
export function intelWalkCaches(nested: boolean): CpuProfile["walkCaches"] {
  const guest = {
    level1: assumedSize([32, 4], `32 PDE entries: ${SOURCES.revAnC}, paper's table as cited`),
    level2: assumedSize(
      [4, 4],
      `4 PDPTE entries on cores to Ivy Bridge: ${SOURCES.revAnC}; the same taken for later ones`,
    ),
    level3: assumedSize([2, 2], "the SDM allows a PML4 cache; nobody published its size"),
  };
  if (!nested) return { guest, host: {} };
  const why = "guest-physical mappings, no published size: as many as for the guest's dimension";
  return {
    guest,
    host: {
      level1: assumedSize([32, 4], why),
      level2: assumedSize([4, 4], why),
      level3: assumedSize([2, 2], why),
    },
    nestedTlb: assumedSize(
      [32, 4],
      "no published size; between AMD's 16 (Bhargava et al. 2008) and the L1 data TLB's 64",
    ),
  };
}

/** Adds a cache of PML5 entries, for a core with 57-bit addresses. */
export function withFifthLevel(caches: CpuProfile["walkCaches"]): CpuProfile["walkCaches"] {
  const level4 = assumedSize([2, 2], "as the PML4 cache");
  return { ...caches, guest: { ...caches.guest, level4 }, host: { ...caches.host, level4 } };
}
