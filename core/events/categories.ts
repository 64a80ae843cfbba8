/**
 * Who owns a cycle. Each cycle is charged to exactly one category at the moment it is spent; the categories sum to the
 * total, and every run asserts it. The CSV column is `cycles_<name>`.
 */
export interface CycleCategory {
  readonly name: string;
  readonly label: string;
  /** Whose doing it is, for grouping in charts: the guest's own work, the hardware's translation, or virtualization. */
  readonly owner: "guest" | "translation" | "virtualization";
  readonly description: string;
}

export const CYCLE_CATEGORIES = [
  { name: "guest_user", label: "Guest user", owner: "guest", description: "Issue cycles of the guest's user-mode references." },
  { name: "guest_kernel", label: "Guest kernel", owner: "guest", description: "The guest kernel's own work: fault handling, fork, switch, zeroing and copying." },
  { name: "guest_memory", label: "Guest memory", owner: "guest", description: "Cache and DRAM latency of the guest's own references (user and kernel)." },
  { name: "guest_fault", label: "Fault delivery", owner: "guest", description: "Exception delivery and return inside the guest." },
  { name: "guest_switch", label: "Address-space switch", owner: "guest", description: "CR3 loads and TLB invalidation instructions executed by the guest." },
  { name: "tlb_l2", label: "L2 TLB", owner: "translation", description: "Latency of second-level TLB hits." },
  { name: "walk_guest", label: "Walk: page table", owner: "translation", description: "References to the table CR3 points to (the guest's own, or its shadow)." },
  { name: "walk_host", label: "Walk: nested table", owner: "translation", description: "References to the EPT or NPT." },
  { name: "idle", label: "Idle", owner: "guest", description: "Halted, waiting for an interrupt." },
  { name: "transition", label: "Exit and entry", owner: "virtualization", description: "The hardware's exits and entries, and hypercall or trap transitions of a paravirtual guest." },
  { name: "monitor", label: "Monitor", owner: "virtualization", description: "The monitor's own work, by reason in exits.csv; its user side apart." },
  { name: "monitor_user", label: "Monitor, user side", owner: "virtualization", description: "The monitor's user side: the way there from its kernel side and back, and its devices' answers." },
  { name: "translator", label: "Translator", owner: "virtualization", description: "A binary translator's own work: translating, and finding translations; translated code is the guest's." },
] as const satisfies readonly CycleCategory[];

export type CycleCategoryName = (typeof CYCLE_CATEGORIES)[number]["name"];

/** Counter index of each category: `CYCLES.walk_host`. */
export const CYCLES = Object.fromEntries(CYCLE_CATEGORIES.map((category, index) => [category.name, index])) as Readonly<
  Record<CycleCategoryName, number>
>;
