/** An MMU, compiled: walker of both dimensions and look-up (mmu/walker.ts, mmu/mmu.ts). */
import type { Mmu } from "../../mmu/mmu.js";
import { PhysicalWalker } from "../../mmu/physical-walker.js";
import type { Code, FunctionReference } from "../../wasm/code.js";
import type { Emitter } from "./emitter.js";
import { defineWalk } from "./guest-walk.js";
import { defineHostWalk } from "./host-walk.js";
import { definePhysicalWalk } from "./physical-walk.js";
import { defineTranslate } from "./translate.js";

/**
 * (high half, low half, kind, user) → L1 entry, or 0 with the status register set.
 * @param cacheAccess used where the walker's references go through the data caches.
 * @param beforeReplacing code that runs before a first-level TLB entry is overwritten.
 */
export function defineMmu(
  emitter: Emitter,
  mmu: Mmu,
  cacheAccess: FunctionReference,
  beforeReplacing?: (entry: Code) => Code,
): FunctionReference {
  const { walker } = mmu;
  const host =
    walker.host === undefined
      ? undefined
      : defineHostWalk(
          emitter,
          walker.host.parts,
          walker.host.parts.caches === undefined ? undefined : cacheAccess,
        );
  const walk =
    walker instanceof PhysicalWalker
      ? definePhysicalWalk(emitter, host!)
      : defineWalk(emitter, walker, walker.parts.caches === undefined ? undefined : cacheAccess, host);
  return defineTranslate(emitter, mmu, walk, beforeReplacing);
}
