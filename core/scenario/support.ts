/**
 * What a profile cannot do: the reason for an `unsupported` row. Known before the run, from the configuration alone;
 * a combination that only the machine can refuse is refused by runCell.
 */
import { findTechnology } from "../host/instances/technologies.js";
import { PAGING_FORMATS } from "../machine/mmu/format.js";
import { defaultOf } from "../util/parameters.js";
import { formatBytes, PAGE_SIZES, type PageSizeName } from "../util/units.js";
import { CATALOGUE, type Catalogue } from "./catalogue.js";
import { unsupportedTechnique } from "./code/computers.js";
import { isCodeWorkload } from "./code/workload.js";
import type { CellConfig, GuestPaging } from "./config.js";
import { hostRefusal } from "./host/run-host.js";
import { findHostWorkload } from "./host/workload.js";

/** Page sizes of each format (Intel SDM vol. 3, 4.3 to 4.5). */
const PAGES_OF: Readonly<Record<GuestPaging, readonly PageSizeName[]>> = {
  "32-bit": ["4K", "4M"],
  pae: ["4K", "2M"],
  "4-level": ["4K", "2M", "1G"],
  "5-level": ["4K", "2M", "1G"],
};

/** Techniques without a model for reference streams. */
const CODE_ALONE: ReadonlySet<string> = new Set(["trap-and-emulate/shadow", "binary-translation/shadow"]);

/** Why this cell cannot run, or undefined when it can. */
export function unsupportedReason(config: CellConfig, catalogue: Catalogue = CATALOGUE): string | undefined {
  const profile = catalogue.profiles.find(({ name }) => name === config.machine.profile);
  const technique = catalogue.techniques.find(({ name }) => name === config.technique);
  if (profile === undefined) return `there is no profile ${config.machine.profile}`;
  if (technique === undefined) return `there is no technique ${config.technique}`;
  if (config.code?.missing !== undefined) return config.code.missing;
  const workload = catalogue.workloads.find(({ name }) => name === config.workload);
  if (isCodeWorkload(workload)) {
    return (
      technique.unsupported(profile) ??
      unsupportedTechnique(config, profile) ??
      workload.unsupported(config, profile)
    );
  }
  if (findHostWorkload(config.workload) !== undefined) return technique.unsupported(profile);
  if (CODE_ALONE.has(technique.name)) return `${technique.name} runs guests that are code alone`;
  const { features } = profile;
  const { paging } = config.guest;
  const isLong = paging === "4-level" || paging === "5-level";
  const isAgile = config.technique === "hardware/agile";
  const isNested = config.technique === "hardware/nested" || isAgile;

  const refused = technique.unsupported(profile);
  if (refused !== undefined) return refused;
  if (isLong && !features.longMode) return `${profile.name} has no long mode, which ${paging} paging needs`;
  if (isAgile && !isLong)
    return `agile paging was proposed for the tables of long mode, not for ${paging} paging`;
  if (PAGING_FORMATS[paging].hasNx && !features.nx)
    return `${profile.name} has no NX, which the kernel of reference streams sets in ${paging} tables`;
  if (paging === "5-level" && !features.la57)
    return `${profile.name} has no 57-bit addresses, which 5-level paging needs`;
  if (!PAGES_OF[paging].includes(config.page)) return `${paging} paging has no ${config.page} pages`;
  if (config.technique === "paravirtual/direct" && config.page !== "4K")
    return "a Xen PV guest has no large pages: its frames are contiguous to itself, not in the machine";
  if (config.page === "1G" && !features.page1G) return `${profile.name} has no 1G pages`;
  if (isNested && !features.nestedPages.includes(config.host.page)) {
    return `${profile.name} has no ${config.host.page} pages in its nested table`;
  }
  if (isNested && config.host.levels === 1 && (isAgile || config.host.page !== "4K"))
    return "a flat nested table was proposed for nested paging with 4K host pages";
  if (isNested && config.host.levels === 5 && !features.la57)
    return `${profile.name} has no 5-level nested table`;
  if (config.host.page === "4M") return "host pages are 4K, 2M or 1G: 4M pages belong to 32-bit paging alone";
  return undefined;
}

/** Why a cell's translations cannot be shown one by one, or undefined when they can. */
export function untraceableReason(config: CellConfig): string | undefined {
  return config.technique === "hardware/agile"
    ? "what an agile walk reads depends on what its monitor saw before: the columns walks_* of a run say how often which"
    : unsupportedReason(config);
}

/** Parameters that are memory mapped by `page`. */
const MAPPED = new Set(["footprint", "mapping", "workingSet"]);

/**
 * Why the combination makes no sense on any machine: the user's to mend; undefined when it does. Mapped memory asked to
 * be smaller than the page that maps it is refused; a default that is smaller is rounded up by the workload.
 */
export function impossibleReason(config: CellConfig, catalogue: Catalogue = CATALOGUE): string | undefined {
  const host = findHostWorkload(config.workload);
  if (host !== undefined) return hostRefusal(config, host.experiment);
  if (findTechnology(config.technique) !== undefined)
    return `${config.workload} runs on one machine, and ${config.technique} is what an instance on a host is`;
  const workload = catalogue.workloads.find(({ name }) => name === config.workload);
  if (isCodeWorkload(workload)) return undefined; // its kernel maps all memory alike
  const pageBytes = PAGE_SIZES[config.page];
  for (const [name, spec] of Object.entries(workload?.parameters ?? {})) {
    const bytes = config.parameters[name];
    const isMapped = spec.kind === "bytes" && MAPPED.has(name);
    if (
      !isMapped ||
      typeof bytes !== "number" ||
      bytes >= pageBytes ||
      bytes === defaultOf(spec, config.size)
    )
      continue;
    return `page ${config.page} is larger than the ${name} of ${config.workload} (${formatBytes(bytes)})`;
  }
  return undefined;
}
