/** What the guest dimension's paging-structure caches remember: frames of tables, as a debugger reads the store. */
import type { Hfn } from "../../machine/address.js";
import type { Machine } from "../../machine/machine.js";
import { ALIVE, CONTEXT_SHIFT } from "../../machine/mmu/contexts.js";
import { ENTRY_WORDS, FRAME, TAG_HI } from "../../machine/mmu/translations.js";
import { walkCacheEntries } from "../../machine/mmu/walk-caches.js";

export function walkCacheFrames({ mmu, profile }: Machine): Set<Hfn> {
  const { store, l1d, l1i, l2 } = mmu.parts;
  const arrays = [l1d, l1i, ...(l2 === undefined ? [] : [l2])].flatMap((level) => level.arrays);
  // The store holds the TLBs first, then these caches.
  const start = Math.max(...arrays.map((array) => array.end));
  const end = start + walkCacheEntries(profile.walkCaches.guest) * ENTRY_WORDS;
  const frames = new Set<Hfn>();
  for (let entry = start; entry < end; entry += ENTRY_WORDS) {
    const tag = store.words[entry + TAG_HI]!;
    if (tag >= 0 && store.contexts[tag >>> CONTEXT_SHIFT] === ALIVE) frames.add(store.words[entry + FRAME]!);
  }
  return frames;
}
