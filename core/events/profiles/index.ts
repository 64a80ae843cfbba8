/** All CPU profiles, oldest first. */
import type { CpuProfile } from "../profile.js";
import { BARCELONA_2007 } from "./barcelona-2007.js";
import { HASWELL_2013 } from "./haswell-2013.js";
import { ICE_LAKE_2019 } from "./ice-lake-2019.js";
import { MEROM_2006 } from "./merom-2006.js";
import { NEHALEM_2008 } from "./nehalem-2008.js";
import { NORTHWOOD_2002 } from "./northwood-2002.js";
import { PENRYN_2008 } from "./penryn-2008.js";
import { PRESCOTT_2005 } from "./prescott-2005.js";
import { SANDY_BRIDGE_2011 } from "./sandy-bridge-2011.js";
import { SKYLAKE_2015 } from "./skylake-2015.js";
import { WESTMERE_2010 } from "./westmere-2010.js";
import { ZEN_2_2019 } from "./zen-2-2019.js";
import { ZEN_3_2020 } from "./zen-3-2020.js";

export const PROFILES: readonly CpuProfile[] = [
  NORTHWOOD_2002,
  PRESCOTT_2005,
  MEROM_2006,
  BARCELONA_2007,
  PENRYN_2008,
  NEHALEM_2008,
  WESTMERE_2010,
  SANDY_BRIDGE_2011,
  HASWELL_2013,
  SKYLAKE_2015,
  ZEN_2_2019,
  ICE_LAKE_2019,
  ZEN_3_2020,
];

export function findProfile(name: string): CpuProfile | undefined {
  return PROFILES.find((profile) => profile.name === name);
}
