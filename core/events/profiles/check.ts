/**
 * What a profile must satisfy before a machine is built from it. The machine's arrays rely on it: sets are
 * powers of two, every address can be held, prices exist. And the reader does: each number has a source,
 * each assumption a range.
 */
import { COSTS } from "../costs.js";
import { INSTRUCTION_CLASSES } from "../instruction-classes.js";
import type { CacheGeometry, Constant, CpuProfile, TlbGeometry, WalkCacheGeometry } from "../profile.js";

/** Says that something is wrong; `what` names the field. */
type Report = (what: string, problem: string) => void;

/** Every problem of a profile, one sentence each that starts with the field; none when it is sound. */
export function checkProfile(profile: CpuProfile): string[] {
  const problems: string[] = [];
  const report: Report = (what, problem) => {
    problems.push(`${what}: ${problem}`);
  };
  checkIdentity(profile, report);
  checkFeatures(profile, report);
  checkTlbs(profile, report);
  checkWalkCaches(profile, report);
  checkCaches(profile, report);
  checkCosts(profile, report);
  for (const name of INSTRUCTION_CLASSES) checkConstant(`instructions.${name}`, profile.instructions[name], report);
  return problems;
}

function checkIdentity(profile: CpuProfile, report: Report): void {
  if (!/^[a-z0-9]+(-[a-z0-9]+)*-\d{4}$/.test(profile.name)) report("name", "is not kebab-case with a year");
  else if (!profile.name.endsWith(`-${profile.year}`))
    report("name", `does not end with the year ${profile.year}`);
  if (!(profile.frequencyMHz > 0)) report("frequencyMHz", "is not positive");
  if (!(profile.physicalAddressBits >= 32 && profile.physicalAddressBits <= 52)) {
    report("physicalAddressBits", `${profile.physicalAddressBits} is outside 32 to 52`);
  }
}

function checkFeatures({ features, featuresSource, identity }: CpuProfile, report: Report): void {
  const implies = (has: boolean, needed: boolean, text: string): void => {
    if (has && !needed) report("features", text);
  };
  const nestedSizes = features.nestedPages.length > 0;
  implies(features.nestedPaging, features.hardwareAssist, "nestedPaging requires hardwareAssist");
  implies(features.vpid, features.hardwareAssist, "vpid requires hardwareAssist");
  implies(
    features.nestedPaging,
    features.nestedPages.includes("4K"),
    "nestedPaging requires 4K in nestedPages",
  );
  implies(nestedSizes, features.nestedPaging, "nestedPages requires nestedPaging");
  implies(features.nestedPages.includes("4M"), false, "no nested table has 4M pages");
  implies(features.nestedAccessedDirty, features.nestedPaging, "nestedAccessedDirty requires nestedPaging");
  implies(features.invpcid, features.pcid, "invpcid requires pcid");
  implies(features.pcid, features.longMode, "pcid requires longMode");
  implies(features.page1G, features.longMode, "page1G requires longMode");
  implies(features.la57, features.longMode, "la57 requires longMode");
  checkSource("features", featuresSource, report);
  if (!(identity.signature > 0)) report("identity", "has no signature");
  checkSource("identity", identity.source, report);
}

function checkTlbs({ tlb, features }: CpuProfile, report: Report): void {
  for (const level of ["l1i", "l1d", "l2"] as const) {
    for (const [index, array] of tlb[level].entries()) {
      checkTlb(`tlb.${level}[${index}]`, array, features.page1G, report);
    }
    const sizes = tlb[level].flatMap((array) => array.pages);
    if (new Set(sizes).size < sizes.length) report(`tlb.${level}`, "holds a page size in two arrays");
    if (level !== "l2" && !sizes.includes("4K")) report(`tlb.${level}`, "cannot hold 4K pages");
  }
}

function checkTlb(what: string, array: TlbGeometry, page1G: boolean, report: Report): void {
  checkArray(what, array, report);
  if (array.pages.length === 0) report(what, "holds no page size");
  if (array.pages.includes("1G") && !page1G) report(what, "holds 1G pages, which the CPU does not have");
  if (array.policy === "tree-plru" && !isPowerOfTwo(array.ways)) {
    report(what, `tree-plru over ${array.ways} ways, not a power of two`);
  }
}

function checkWalkCaches({ walkCaches, features }: CpuProfile, report: Report): void {
  for (const dimension of ["guest", "host"] as const) {
    for (const [level, array] of Object.entries(walkCaches[dimension])) {
      checkArray(`walkCaches.${dimension}.${level}`, array, report);
      if (level === "level4" && !features.la57) report(`walkCaches.${dimension}.level4`, "requires la57");
    }
  }
  if (walkCaches.nestedTlb !== undefined) checkArray("walkCaches.nestedTlb", walkCaches.nestedTlb, report);
  const hasHost = Object.keys(walkCaches.host).length > 0 || walkCaches.nestedTlb !== undefined;
  if (hasHost && !features.nestedPaging) report("walkCaches", "has a nested dimension without nestedPaging");
}

function checkArray(what: string, array: TlbGeometry | WalkCacheGeometry, report: Report): void {
  const sets = array.entries / array.ways;
  if (!isPowerOfTwo(sets))
    report(what, `${array.entries} entries of ${array.ways} ways give ${sets} sets, not a power of two`);
  checkSource(what, array.source, report);
  checkRange(what, { ...array, value: array.entries }, report);
}

function checkCaches({ caches }: CpuProfile, report: Report): void {
  const levels: [string, CacheGeometry][] = [
    ["l1d", caches.l1d],
    ["l2", caches.l2],
  ];
  if (caches.l3 !== undefined) levels.push(["l3", caches.l3]);
  for (const [name, { sizeBytes, ways, latency, source }] of levels) {
    const sets = sizeBytes / 64 / ways;
    if (!isPowerOfTwo(sets) || sets < 16)
      report(`caches.${name}`, `${sets} sets, not a power of two from 16`);
    checkSource(`caches.${name}`, source, report);
    checkConstant(`caches.${name}.latency`, latency, report);
  }
  checkConstant("caches.dram", caches.dram, report);
  const latencies = [...levels.map(([, level]) => level.latency.value), caches.dram.value];
  if (latencies.some((latency, index) => index > 0 && latency <= latencies[index - 1]!)) {
    report("caches", `latencies do not increase: ${latencies.join(", ")}`);
  }
}

function checkCosts({ costs, features, tlb }: CpuProfile, report: Report): void {
  for (const { name } of COSTS) {
    const constant: Constant | undefined = costs[name];
    if (constant === undefined) report(`costs.${name}`, "is missing");
    else checkConstant(`costs.${name}`, constant, report);
  }
  const charged = (name: "vm_exit" | "vm_entry" | "invpcid" | "tlb_l2_hit", used: boolean): void => {
    if (used && !(costs[name]?.value > 0))
      report(`costs.${name}`, "is free, though the CPU has what it prices");
  };
  charged("vm_exit", features.hardwareAssist);
  charged("vm_entry", features.hardwareAssist);
  charged("invpcid", features.invpcid || features.vpid);
  charged("tlb_l2_hit", tlb.l2.length > 0);
}

function checkConstant(what: string, constant: Constant, report: Report): void {
  if (!Number.isFinite(constant.value) || constant.value < 0)
    report(what, `${constant.value} is not a price`);
  checkSource(what, constant.source, report);
  checkRange(what, constant, report);
}

/** An assumption or a fit needs a range; any range is ordered and contains the value. */
function checkRange(what: string, number: Constant, report: Report): void {
  const { value, range, source, assumed = false } = number;
  if (range === undefined) {
    if (assumed) report(what, "is assumed without a range");
    if (source.startsWith("fitted to")) report(what, "is fitted without a range");
  } else if (!(range[0] <= value && value <= range[1])) {
    report(what, `${value} is outside its range ${range[0]} to ${range[1]}`);
  }
}

function checkSource(what: string, source: string, report: Report): void {
  if (source.trim() === "" || /placeholder/i.test(source)) report(what, "has no source");
}

function isPowerOfTwo(value: number): boolean {
  return value >= 1 && Number.isInteger(Math.log2(value));
}
