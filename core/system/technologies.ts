/** The technologies of instances (core/host/instances), as techniques that a scenario can name. */
import type { CpuProfile } from "../events/profile.js";
import { TECHNOLOGIES } from "../host/instances/technologies.js";
import type { Technology } from "../host/instances/technology.js";
import type { TechniqueDefinition } from "./techniques.js";

export const INSTANCE_TECHNIQUES: readonly TechniqueDefinition[] = TECHNOLOGIES.map(
  (technology): TechniqueDefinition => ({
    name: technology.name,
    title: technology.title,
    description: technology.description,
    source: technology.source,
    unsupported: (profile) => unsupportedBy(technology, profile),
  }),
);

function unsupportedBy({ guest, title }: Technology, { features, name }: CpuProfile): string | undefined {
  if (guest === undefined || features.nestedPaging) return undefined;
  return `${name} has no EPT or NPT, which a ${title} of a host is modelled with`;
}
