/** The CPU profile of a cell: the named one, with the part of the last-level cache that the cell's thread has of it. */
import type { CpuProfile } from "../events/profile.js";
import { findProfile } from "../events/profiles/index.js";
import { invariant, UnsupportedError } from "../util/errors.js";
import type { CellConfig } from "./config.js";

/** Sets that a level of the cache model has at least (machine/cache.ts). */
const LEAST_SETS = 16;
const LINE_BYTES = 64;

/** @throws UnsupportedError where there is no last-level cache to share, or not enough of it. */
export function machineProfile({ profile: name, sharers }: CellConfig["machine"]): CpuProfile {
  const profile = findProfile(name);
  invariant(profile !== undefined, "the scenario was checked", () => name);
  if (sharers === 1) return profile;
  const { l3 } = profile.caches;
  if (l3 === undefined)
    throw new UnsupportedError(`${name} has no third level of cache that threads would share`);
  const sizeBytes = l3.sizeBytes / sharers;
  if (sizeBytes / LINE_BYTES / l3.ways < LEAST_SETS)
    throw new UnsupportedError(`the third cache of ${name} is too small for ${sharers} threads`);
  const source = `${l3.source}; one of ${sharers} equal parts`;
  return { ...profile, caches: { ...profile.caches, l3: { ...l3, sizeBytes, source } } };
}
