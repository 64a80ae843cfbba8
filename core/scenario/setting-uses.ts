/**
 * Which cells a setting of a scenario reaches: declared once, by the setting's path, and read by the check for settings
 * without effect (unused-settings.ts) and by `virtlab describe`. setting-uses.test.ts changes, for each kind of cell and each
 * technique, everything that is not declared here, and holds that the row stays the same.
 *
 * A setting that makes a cell unsupported (host.levels where code runs) reaches it too: the row says why.
 */
import { COSTS, type CostName } from "../events/costs.js";
import type { Catalogue } from "./catalogue.js";
import { isCodeWorkload } from "./code/workload.js";
import { findHostWorkload } from "./host/workload.js";

/** What a cell is: a reference stream on a machine, code on a machine, or a host with instances. */
export type CellKind = "stream" | "code" | "host";

/** By kind of cell: the techniques under which it is used, or all of them; a kind that is absent never uses it. */
export type SettingUse = Readonly<Partial<Record<CellKind, readonly string[] | "all">>>;

const HARDWARE = ["hardware/shadow", "hardware/nested", "hardware/agile"];
const NESTED = ["hardware/nested", "hardware/agile"];
/** Kernels that are not at CPL 0, with shadows of their tables. */
const DEPRIVILEGED = ["trap-and-emulate/shadow", "binary-translation/shadow"];
const SHADOW = ["hardware/shadow", ...DEPRIVILEGED];
const AGILE = ["hardware/agile"];
const TRANSLATED = ["binary-translation/shadow"];
const PARAVIRTUAL = ["paravirtual/direct"];
const MONITORED = [...HARDWARE, ...DEPRIVILEGED, ...PARAVIRTUAL];

const EVERY_CELL: SettingUse = { stream: "all", code: "all", host: "all" };
const ON_A_MACHINE: SettingUse = { stream: "all", code: "all" };
const CODE: SettingUse = { code: "all" };

/** By path, or by section for all that is in it. What is not here reaches every cell. */
const SETTINGS: Readonly<Record<string, SettingUse>> = {
  page: ON_A_MACHINE,
  ifMissing: CODE,
  "machine.caches": ON_A_MACHINE,
  "machine.sharers": ON_A_MACHINE,
  "machine.walkCaches": ON_A_MACHINE,
  "machine.tlb": ON_A_MACHINE,
  "machine.engine": CODE,
  "guest.paging": ON_A_MACHINE,
  // A shadowed guest and a Xen PV guest see no PCIDs (assemble.ts); the programs that are code use none.
  "guest.pcid": { stream: ["native", ...NESTED] },
  "host.page": { stream: HARDWARE, code: HARDWARE, host: "all" },
  "host.levels": { stream: NESTED, code: NESTED },
  "host.vpid": { stream: HARDWARE, code: HARDWARE },
  // The proposal of agile paging has them in any case.
  "host.accessedDirty": { stream: ["hardware/nested"], code: ["hardware/nested"] },
  "host.populate": { stream: HARDWARE, code: ["hardware/nested"] },
  "host.apicVirtualization": { code: HARDWARE },
  "host.pauseLoopExiting": { code: HARDWARE },
  "host.monitor": { code: HARDWARE },
  "host.mitigations": { code: HARDWARE },
  shadow: { stream: ["hardware/shadow"], code: SHADOW },
  agile: { stream: AGILE },
  translation: { code: TRANSLATED },
  "paravirtual.batch": { stream: PARAVIRTUAL, code: PARAVIRTUAL },
  budget: CODE,
};

/** Prices by who pays them, where their kind (PRICES_BY_KIND) says too little. */
const PRICE_GROUPS: readonly (readonly [use: SettingUse, names: readonly CostName[]])[] = [
  [EVERY_CELL, ["exception", "cr3_load"]],
  [
    CODE,
    [
      ...(["interrupt_delivery", "interrupt_return", "software_interrupt", "far_transfer"] as const),
      ...(["task_switch", "segment_load", "system_instruction", "cpuid", "msr_access"] as const),
      ...(["time_stamp", "random_number", "port_access", "cache_flush"] as const),
    ],
  ],
  [{ stream: HARDWARE, code: HARDWARE, host: "all" }, ["vm_exit", "vm_entry", "monitor_dispatch"]],
  [
    { code: HARDWARE },
    [
      ...(["posted_interrupt", "user_round_trip", "user_device"] as const),
      ...(["exit_mitigations", "vbox_dispatch", "vbox_round_trip"] as const),
    ],
  ],
  [{ stream: ["hardware/shadow", ...AGILE], code: ["hardware/shadow"] }, ["page_fault"]],
  [
    { stream: "all", host: "all" },
    ["kernel_fault", "kernel_zero_page", "kernel_copy_page", "kernel_allocate_page", "kernel_switch"],
  ],
  [
    { stream: ["hardware/shadow", ...AGILE], code: SHADOW },
    [
      ...(["shadow_hidden_fault", "shadow_fill_entry", "shadow_true_fault", "shadow_emulate_write"] as const),
      ...(["shadow_unsync", "shadow_sync_entry", "shadow_cr3", "shadow_invlpg", "shadow_allocate"] as const),
    ],
  ],
  [{ stream: AGILE }, ["agile_scan_table"]],
  [
    { stream: HARDWARE, code: [...HARDWARE, ...DEPRIVILEGED], host: "all" },
    ["ept_violation", "host_zero_page"],
  ],
  [
    { stream: PARAVIRTUAL, code: PARAVIRTUAL },
    ["ring_transition", "hypercall_dispatch", "validate_update", "validate_entry", "scan_entry"],
  ],
  [{ stream: PARAVIRTUAL, code: [...DEPRIVILEGED, ...PARAVIRTUAL] }, ["bounce_fault"]],
  [{ code: DEPRIVILEGED }, ["trap_dispatch", "decode_instruction"]],
  [{ code: TRANSLATED }, ["translate_instruction", "translate_lookup"]],
];

const PRICES: ReadonlyMap<string, SettingUse> = new Map(
  PRICE_GROUPS.flatMap(([use, names]) => names.map((name) => [name, use])),
);

const PRICES_BY_KIND: Readonly<Record<(typeof COSTS)[number]["kind"], SettingUse>> = {
  hardware: ON_A_MACHINE,
  "guest-software": { stream: "all" },
  "monitor-software": { code: MONITORED },
};

const PRICE_SECTION = "machine.costs.";

/** Who uses the setting at a dotted path; workloads' parameters are not settings. */
export function useOfSetting(path: string): SettingUse {
  if (path.startsWith(PRICE_SECTION)) {
    const name = path.slice(PRICE_SECTION.length);
    const kind = COSTS.find((cost) => cost.name === name)?.kind;
    return PRICES.get(name) ?? (kind === undefined ? EVERY_CELL : PRICES_BY_KIND[kind]);
  }
  return SETTINGS[path] ?? SETTINGS[path.split(".")[0]!] ?? EVERY_CELL;
}

/** Whether a cell of this kind under this technique uses a setting. */
export function usesSetting(use: SettingUse, kind: CellKind, technique: string): boolean {
  const techniques = use[kind];
  return techniques === "all" || techniques?.includes(technique) === true;
}

/** What a workload's cells are. */
export function kindOfWorkload(name: string, { workloads }: Catalogue): CellKind {
  if (isCodeWorkload(workloads.find((workload) => workload.name === name))) return "code";
  return findHostWorkload(name) === undefined ? "stream" : "host";
}

const KIND_WORDS: Readonly<Record<CellKind, string>> = {
  stream: "reference streams",
  code: "guests that are code",
  host: "hosts",
};

/** `reference streams under hardware/agile`; undefined where every cell uses it. */
export function usersText(use: SettingUse): string | undefined {
  if (use === EVERY_CELL) return undefined;
  const kinds = Object.entries(use) as [CellKind, readonly string[] | "all"][];
  return kinds
    .map(([kind, techniques]) =>
      techniques === "all" ? KIND_WORDS[kind] : `${KIND_WORDS[kind]} under ${techniques.join(", ")}`,
    )
    .join("; ");
}
