/**
 * The one list of everything that is counted. It gives counter indices, CSV columns, labels, units, direction and the
 * generated dictionary (results/COLUMNS.md). To add an event, add a row here and count it where it happens.
 *
 * `better` is the direction a reporter may call an improvement; "neither" is a description of the run.
 */
export interface EventDefinition {
  /** snake_case; the CSV column. */
  readonly name: string;
  /** For charts and tables. */
  readonly label: string;
  readonly better: "fewer" | "more" | "neither";
  readonly group: "references" | "instructions" | "tlb" | "walk" | "guest" | "shadow" | "nested" | "paravirtual" | "translation" | "exits";
  readonly description: string;
}

export const EVENTS = [
  // What the guest did.
  { name: "references", label: "References", better: "neither", group: "references", description: "Memory references by guest user code and guest kernel, fetches included." },
  { name: "reads", label: "Reads", better: "neither", group: "references", description: "References that were data reads." },
  { name: "writes", label: "Writes", better: "neither", group: "references", description: "References that were data writes." },
  { name: "fetches", label: "Fetches", better: "neither", group: "references", description: "References that were instruction fetches." },
  { name: "kernel_references", label: "Kernel references", better: "neither", group: "references", description: "References made at supervisor privilege (page-table reads and writes, page zeroing and copying)." },

  // Instructions, of guests that execute code.
  { name: "instructions", label: "Instructions", better: "neither", group: "instructions", description: "Instructions completed; a repeated string instruction is one." },
  { name: "interrupts", label: "Interrupts", better: "neither", group: "instructions", description: "Interrupts and NMIs of devices delivered to the guest." },
  { name: "posted_interrupts", label: "Posted interrupts", better: "neither", group: "instructions", description: "Notifications by which the guest that runs got interrupts without an exit (posted interrupts, AVIC's doorbell)." },
  { name: "exceptions", label: "Exceptions", better: "neither", group: "instructions", description: "Faults, traps and aborts delivered to the guest, page faults included." },
  { name: "software_interrupts", label: "Software interrupts", better: "neither", group: "instructions", description: "INT n, INT3 and INTO that entered a handler." },
  { name: "interrupt_returns", label: "Interrupt returns", better: "neither", group: "instructions", description: "IRET." },
  { name: "far_transfers", label: "Far transfers", better: "neither", group: "instructions", description: "Far JMP, CALL and RET, through gates or not." },
  { name: "segment_loads", label: "Segment loads", better: "neither", group: "instructions", description: "Loads of ES, SS, DS, FS and GS by MOV, POP, LDS and the like." },
  { name: "port_accesses", label: "Port accesses", better: "neither", group: "instructions", description: "IN, OUT and each element of INS and OUTS." },
  { name: "control_register_accesses", label: "Control-register accesses", better: "neither", group: "instructions", description: "MOV to and from control registers, LMSW, SMSW and CLTS." },
  { name: "debug_register_accesses", label: "Debug-register accesses", better: "neither", group: "instructions", description: "MOV to and from debug registers." },
  { name: "descriptor_table_accesses", label: "Descriptor-table accesses", better: "neither", group: "instructions", description: "LGDT, LIDT, LLDT, LTR and their inverses." },
  { name: "msr_accesses", label: "MSR accesses", better: "neither", group: "instructions", description: "RDMSR and WRMSR." },
  { name: "unknown_msrs", label: "Unknown MSRs", better: "neither", group: "instructions", description: "RDMSR and WRMSR of registers that the processor does not have: #GP." },
  { name: "cpuids", label: "CPUID", better: "neither", group: "instructions", description: "CPUID." },
  { name: "time_stamp_reads", label: "Time-stamp reads", better: "neither", group: "instructions", description: "RDTSC, RDTSCP and RDPMC." },
  { name: "halts", label: "Halts", better: "neither", group: "instructions", description: "HLT." },

  // TLBs. A reference that faults and is retried is looked up again, and counted again.
  { name: "tlb_lookups", label: "TLB look-ups", better: "neither", group: "tlb", description: "Look-ups in a first-level TLB (instruction or data), retries after faults included." },
  { name: "tlb_l1d_misses", label: "L1 data-TLB misses", better: "fewer", group: "tlb", description: "Data references that missed every first-level data TLB." },
  { name: "tlb_l1i_misses", label: "L1 instruction-TLB misses", better: "fewer", group: "tlb", description: "Fetches that missed every first-level instruction TLB." },
  { name: "tlb_l2_hits", label: "L2 TLB hits", better: "neither", group: "tlb", description: "First-level misses that hit the unified second-level TLB." },
  { name: "tlb_misses", label: "TLB misses", better: "fewer", group: "tlb", description: "References that missed every TLB level and started a page walk." },
  { name: "tlb_permission_walks", label: "Walks for permission or dirty bit", better: "fewer", group: "tlb", description: "Walks though a TLB level held the page: first write to a clean page, or an access the entry did not allow." },
  { name: "tlb_full_flushes", label: "TLB flushes", better: "fewer", group: "tlb", description: "Flushes of all non-global entries of a context, or of everything." },
  { name: "tlb_page_invalidations", label: "Page invalidations", better: "fewer", group: "tlb", description: "INVLPG, and INVPCID and INVVPID of one address." },
  { name: "cr3_loads", label: "CR3 loads", better: "neither", group: "tlb", description: "Loads of the hardware's CR3, by guest or monitor." },

  // Page walks.
  { name: "walks", label: "Page walks", better: "fewer", group: "walk", description: "Page walks by the hardware, those that ended in a fault included." },
  { name: "walk_refs", label: "Walk references", better: "fewer", group: "walk", description: "Page-table entries read by the hardware walker, both dimensions." },
  { name: "walk_refs_max", label: "Most references in one walk", better: "fewer", group: "walk", description: "The most entries that one walk read (a maximum, not a sum)." },
  { name: "walk_refs_guest_l1", label: "Level-1 references", better: "fewer", group: "walk", description: "Entries read at level 1 (PT) of the table CR3 points to." },
  { name: "walk_refs_guest_l2", label: "Level-2 references", better: "fewer", group: "walk", description: "Entries read at level 2 (PD) of the table CR3 points to." },
  { name: "walk_refs_guest_l3", label: "Level-3 references", better: "fewer", group: "walk", description: "Entries read at level 3 (PDPT) of the table CR3 points to." },
  { name: "walk_refs_guest_l4", label: "Level-4 references", better: "fewer", group: "walk", description: "Entries read at level 4 (PML4) of the table CR3 points to." },
  { name: "walk_refs_guest_l5", label: "Level-5 references", better: "fewer", group: "walk", description: "Entries read at level 5 (PML5) of the table CR3 points to." },
  { name: "walk_refs_host_l1", label: "Level-1 nested references", better: "fewer", group: "walk", description: "Entries read at level 1 of the EPT or NPT." },
  { name: "walk_refs_host_l2", label: "Level-2 nested references", better: "fewer", group: "walk", description: "Entries read at level 2 of the EPT or NPT." },
  { name: "walk_refs_host_l3", label: "Level-3 nested references", better: "fewer", group: "walk", description: "Entries read at level 3 of the EPT or NPT." },
  { name: "walk_refs_host_l4", label: "Level-4 nested references", better: "fewer", group: "walk", description: "Entries read at level 4 of the EPT or NPT." },
  { name: "walk_refs_host_l5", label: "Level-5 nested references", better: "fewer", group: "walk", description: "Entries read at level 5 of the EPT or NPT." },
  { name: "walk_cache_guest_hits", label: "Paging-structure cache hits", better: "neither", group: "walk", description: "Walks that started below the root thanks to a paging-structure cache." },
  { name: "walk_cache_host_hits", label: "Nested paging-structure cache hits", better: "neither", group: "walk", description: "Guest-physical walks that started below the EPT or NPT root." },
  { name: "nested_tlb_hits", label: "Nested TLB hits", better: "neither", group: "walk", description: "Guest-physical translations found in the nested TLB." },
  { name: "nested_tlb_misses", label: "Nested TLB misses", better: "fewer", group: "walk", description: "Guest-physical translations that walked the EPT or NPT." },
  { name: "walk_hits_l1", label: "Walk references in L1", better: "neither", group: "walk", description: "Walk references that hit the first-level data cache." },
  { name: "walk_hits_l2", label: "Walk references in L2", better: "neither", group: "walk", description: "Walk references that hit the second-level cache." },
  { name: "walk_hits_l3", label: "Walk references in L3", better: "neither", group: "walk", description: "Walk references that hit the third-level cache." },
  { name: "walk_misses", label: "Walk references in DRAM", better: "fewer", group: "walk", description: "Walk references that missed every cache." },
  { name: "walks_shadow", label: "Walks in the shadow", better: "more", group: "walk", description: "Agile paging: walks that stayed in the shadow tables." },
  { name: "walks_switched_l1", label: "Walks switched at level 1", better: "neither", group: "walk", description: "Agile paging: walks whose first guest table was at level 1 (PT), the others shadows." },
  { name: "walks_switched_l2", label: "Walks switched at level 2", better: "neither", group: "walk", description: "Agile paging: walks whose first guest table was at level 2 (PD), those above shadows." },
  { name: "walks_switched_l3", label: "Walks switched at level 3", better: "neither", group: "walk", description: "Agile paging: walks whose first guest table was at level 3 (PDPT), those above shadows." },
  { name: "walks_switched_l4", label: "Walks switched at level 4", better: "neither", group: "walk", description: "Agile paging: walks whose first guest table was at level 4 (PML4), found without the nested table." },
  { name: "walks_switched_l5", label: "Walks switched at level 5", better: "neither", group: "walk", description: "Agile paging: walks whose first guest table was at level 5 (PML5), found without the nested table." },
  { name: "walks_nested", label: "Walks in two dimensions", better: "fewer", group: "walk", description: "Agile paging: walks of address spaces that have no shadow." },
  { name: "walks_dirty", label: "Walks to mark pages dirty", better: "fewer", group: "walk", description: "Agile paging: two-dimensional walks by which the hardware carried a dirty bit from the shadow to the guest's table." },
  { name: "entry_bits_set", label: "Accessed and dirty bits set", better: "neither", group: "walk", description: "Entries in which the hardware set an accessed or dirty bit." },

  // What the guest's kernel saw and did.
  { name: "guest_page_faults", label: "Guest page faults", better: "neither", group: "guest", description: "Page faults delivered to the guest's kernel." },
  { name: "guest_table_writes", label: "Guest page-table writes", better: "neither", group: "guest", description: "Page-table entries changed by the guest's kernel." },
  { name: "guest_switches", label: "Address-space switches", better: "neither", group: "guest", description: "Switches of address space by the guest's kernel." },
  { name: "guest_forks", label: "Forks", better: "neither", group: "guest", description: "Processes forked." },
  { name: "guest_copies", label: "Copy-on-write copies", better: "neither", group: "guest", description: "Pages copied to break copy-on-write sharing." },
  { name: "guest_zeroed", label: "Pages zeroed", better: "neither", group: "guest", description: "Pages zeroed on first touch." },
  { name: "guest_system_calls", label: "System calls", better: "neither", group: "guest", description: "System calls by guest user code." },

  // Binary translation.
  { name: "translated_units", label: "Translated units", better: "fewer", group: "translation", description: "Pieces of guest code that a binary translator translated, again ones too." },
  { name: "translated_instructions", label: "Translated instructions", better: "fewer", group: "translation", description: "Guest instructions in them." },
  { name: "translation_lookups", label: "Translation look-ups", better: "fewer", group: "translation", description: "How often a binary translator's monitor looked for the translation of a guest address; what it does not find is translated." },
  { name: "translations_dropped", label: "Translations dropped", better: "fewer", group: "translation", description: "Translated units that were dropped alone: the guest's code changed, or a store in them is translated anew." },
  { name: "in_cache_emulations", label: "In-cache emulations", better: "neither", group: "translation", description: "Instructions that translated code did on the monitor's data without leaving the translation cache; no exits." },
  { name: "translation_flushes", label: "Translation flushes", better: "fewer", group: "translation", description: "How often the translation cache was emptied: full, or the guest's code changed, or its paging." },

  // Monitors.
  { name: "exits", label: "Exits", better: "fewer", group: "exits", description: "Transitions from guest to monitor, all reasons (see exits.csv); hypercalls and paravirtual traps included." },
  { name: "shadow_hidden_faults", label: "Hidden faults", better: "fewer", group: "shadow", description: "Page faults the monitor resolved by filling the shadow table; the guest never saw them." },
  { name: "shadow_true_faults", label: "True faults", better: "neither", group: "shadow", description: "Page faults the monitor found to be the guest's own, and delivered." },
  { name: "shadow_write_faults", label: "Writes to guarded tables", better: "fewer", group: "shadow", description: "Guest writes to write-protected page tables that exited." },
  { name: "shadow_tables_made", label: "Shadow tables made", better: "fewer", group: "shadow", description: "Shadow page-table frames allocated." },
  { name: "shadow_tables_reused", label: "Shadow roots reused", better: "more", group: "shadow", description: "CR3 loads that found a shadow root still built." },
  { name: "shadow_tables_dropped", label: "Shadow tables dropped", better: "fewer", group: "shadow", description: "Shadow frames freed because the guest's table went away or memory was short." },
  { name: "shadow_unsynced", label: "Tables let out of sync", better: "neither", group: "shadow", description: "Guest page tables made writable and left to diverge until the next flush." },
  { name: "shadow_resynced", label: "Tables resynchronised", better: "neither", group: "shadow", description: "Out-of-sync guest tables compared with their shadow and mended." },
  { name: "shadow_entries_filled", label: "Shadow entries filled", better: "neither", group: "shadow", description: "Shadow entries written." },
  { name: "shadow_large_split", label: "Large pages split", better: "fewer", group: "shadow", description: "Guest or host large pages that the shadow had to map by smaller ones." },
  { name: "shadow_large_merged", label: "Large pages merged", better: "more", group: "shadow", description: "Split mappings put together to a large page again." },
  { name: "agile_nested", label: "Tables turned nested", better: "fewer", group: "shadow", description: "Agile paging: guest tables that the monitor gave up shadowing, as they were written often; those below not counted." },
  { name: "agile_shadowed", label: "Tables turned shadowed", better: "neither", group: "shadow", description: "Agile paging: guest tables that the monitor shadowed again, as they were not written for an interval." },
  { name: "agile_scans", label: "Scans of nested tables", better: "neither", group: "shadow", description: "Agile paging: ends of intervals, at which the dirty bits of nested guest tables are looked at." },
  { name: "ept_violations", label: "EPT violations", better: "fewer", group: "nested", description: "EPT violations or nested page faults." },
  { name: "hypercalls", label: "Hypercalls", better: "fewer", group: "paravirtual", description: "Hypercalls made; a multicall counts once." },
  { name: "hypercalls_mmu_update", label: "mmu_update", better: "fewer", group: "paravirtual", description: "Hypercalls mmu_update and update_va_mapping, parts of multicalls too." },
  { name: "hypercalls_mmuext", label: "mmuext_op", better: "fewer", group: "paravirtual", description: "Hypercalls mmuext_op (roots, pins, flushes), parts of multicalls too." },
  { name: "hypercalls_stack_switch", label: "stack_switch", better: "fewer", group: "paravirtual", description: "Hypercalls stack_switch, parts of multicalls too." },
  { name: "hypercalls_fpu_taskswitch", label: "fpu_taskswitch", better: "fewer", group: "paravirtual", description: "Hypercalls fpu_taskswitch (lazy floating point), parts of multicalls too." },
  { name: "hypercalls_iret", label: "iret", better: "fewer", group: "paravirtual", description: "Hypercalls iret." },
  { name: "hypercalls_timer", label: "set_timer_op", better: "fewer", group: "paravirtual", description: "Hypercalls set_timer_op." },
  { name: "hypercalls_sched", label: "sched_op", better: "fewer", group: "paravirtual", description: "Hypercalls sched_op." },
  { name: "hypercalls_multicall", label: "multicall", better: "fewer", group: "paravirtual", description: "Hypercalls multicall." },
  { name: "hypercalls_other", label: "Other hypercalls", better: "fewer", group: "paravirtual", description: "Hypercalls of other kinds." },
  { name: "mmu_updates", label: "MMU updates validated", better: "neither", group: "paravirtual", description: "Page-table updates validated by the hypervisor." },
  { name: "tables_pinned", label: "Tables pinned", better: "neither", group: "paravirtual", description: "Page-table trees validated and pinned." },
] as const satisfies readonly EventDefinition[];

export type EventName = (typeof EVENTS)[number]["name"];

/** Counter index of each event: `EVENT.tlb_misses`. */
export const EVENT = Object.fromEntries(EVENTS.map((event, index) => [event.name, index])) as Readonly<Record<EventName, number>>;
