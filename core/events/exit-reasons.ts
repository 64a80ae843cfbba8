/** Why a guest leaves for its monitor: the closed set of reasons, each a row of exits.csv. */
export interface ExitReason {
  readonly name: string;
  readonly label: string;
  readonly description: string;
}

export const EXIT_REASONS = [
  { name: "page_fault_hidden", label: "Hidden page fault", description: "A page fault that only the shadow table caused." },
  { name: "page_fault_true", label: "True page fault", description: "A page fault of the guest's own, intercepted and delivered to it." },
  { name: "table_write", label: "Page-table write", description: "A write to a write-protected guest page table, emulated or let out of sync." },
  { name: "cr3_load", label: "CR3 load", description: "MOV to CR3 under shadow paging." },
  { name: "invlpg", label: "INVLPG", description: "INVLPG (or INVPCID) under shadow paging." },
  { name: "ept_violation", label: "EPT violation", description: "EPT violation or nested page fault." },
  { name: "hypercall", label: "Hypercall", description: "A hypercall of a paravirtual guest." },
  { name: "trap", label: "Trap", description: "An exception that the hypervisor receives and bounces to a paravirtual guest." },
] as const satisfies readonly ExitReason[];

export type ExitReasonName = (typeof EXIT_REASONS)[number]["name"];

export const EXIT = Object.fromEntries(EXIT_REASONS.map((reason, index) => [reason.name, index])) as Readonly<
  Record<ExitReasonName, number>
>;
