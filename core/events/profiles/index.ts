/** All CPU profiles by name, oldest first. */
import type { CpuProfile } from "../profile.js";
import { NEHALEM_2008 } from "./nehalem-2008.js";

export const PROFILES: readonly CpuProfile[] = [NEHALEM_2008];

export function findProfile(name: string): CpuProfile | undefined {
  return PROFILES.find((profile) => profile.name === name);
}
