/** Every constant of hosts by name, with its source: what a run with a host rests on besides its CPU profile. */
import type { Constant } from "../events/profile.js";
import { findApplication } from "./applications/index.js";
import { DISKS, type DiskName } from "./disks.js";
import { HOST_SOFTWARE } from "./host.js";
import { KERNEL_CONTENTS } from "./instances/guest-contents.js";
import { RESTORED } from "./instances/prices.js";
import { findTechnology } from "./instances/technologies.js";
import { HOST_CONSTANTS } from "./machine-costs.js";

/** What a host with these is made of; a name that is none (of an experiment without it) is left out. */
export function hostConstants(technology: string, application: string, disk: string): Map<string, Constant> {
  const constants = new Map<string, Constant>();
  collect(constants, "host", { ...HOST_CONSTANTS, ...HOST_SOFTWARE });
  collect(constants, "snapshot", RESTORED);
  collect(constants, "kernel", KERNEL_CONTENTS);
  collect(constants, `technology.${technology}`, findTechnology(technology));
  collect(constants, `application.${application}`, findApplication(application));
  collect(constants, `disk.${disk}`, DISKS[disk as DiskName]);
  return constants;
}

/** Constants anywhere within a definition, by their path in it. */
export function collect(into: Map<string, Constant>, path: string, from: object | undefined): void {
  for (const [name, value] of Object.entries(from ?? {})) {
    if (typeof value !== "object" || value === null) continue;
    if ("value" in value && "source" in value) into.set(`${path}.${name}`, value as Constant);
    else collect(into, `${path}.${name}`, value as object);
  }
}
