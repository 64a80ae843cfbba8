/**
 * The prices a profile gives, in cycles of its own clock. Each is declared here once; a profile gives each a value with
 * its source (profile.ts). Hardware prices differ by generation; prices of software (the guest kernel's and the
 * monitors' work) have a common default in profiles/software.ts that a profile may replace.
 */
export interface CostDefinition {
  readonly name: string;
  readonly kind: "hardware" | "guest-software" | "monitor-software";
  readonly description: string;
}

export const COSTS = [
  { name: "reference", kind: "hardware", description: "Issue cost of one memory reference that hits the first-level TLB and cache." },
  { name: "tlb_l2_hit", kind: "hardware", description: "Extra latency of a second-level TLB hit." },
  { name: "walk_start", kind: "hardware", description: "Fixed cost of a page walk besides its memory references." },
  { name: "entry_bits", kind: "hardware", description: "Setting an accessed or dirty bit (a locked update by the walker)." },
  { name: "exception", kind: "hardware", description: "Delivering a page fault through the IDT and returning with IRET." },
  { name: "syscall", kind: "hardware", description: "Entering the kernel by SYSCALL or SYSENTER and returning." },
  { name: "cr3_load", kind: "hardware", description: "MOV to CR3, besides the TLB misses it causes later." },
  { name: "decode_line", kind: "hardware", description: "Reading and decoding a line of 64 bytes of code again, where decoded code is cached by linear address and lost with the instruction TLB (NetBurst's trace cache); 0 elsewhere." },
  { name: "invlpg", kind: "hardware", description: "INVLPG of one page." },
  { name: "invpcid", kind: "hardware", description: "INVPCID or INVVPID." },
  { name: "interrupt_delivery", kind: "hardware", description: "Delivering an interrupt or exception through the IDT, to the handler's first instruction." },
  { name: "interrupt_return", kind: "hardware", description: "IRET." },
  { name: "software_interrupt", kind: "hardware", description: "INT n, INT3 or INTO, to the handler's first instruction." },
  { name: "far_transfer", kind: "hardware", description: "Far JMP, CALL or RET." },
  { name: "task_switch", kind: "hardware", description: "Switching to another TSS." },
  { name: "segment_load", kind: "hardware", description: "Loading a segment register with its descriptor." },
  { name: "system_instruction", kind: "hardware", description: "A system instruction that has no price of its own: descriptor tables, control and debug registers, CLI and STI beyond the common path." },
  { name: "cpuid", kind: "hardware", description: "CPUID." },
  { name: "msr_access", kind: "hardware", description: "RDMSR or WRMSR." },
  { name: "time_stamp", kind: "hardware", description: "RDTSC, RDTSCP or RDPMC." },
  { name: "random_number", kind: "hardware", description: "RDRAND or RDSEED." },
  { name: "port_access", kind: "hardware", description: "IN or OUT, with the device's answer." },
  { name: "cache_flush", kind: "hardware", description: "WBINVD or INVD." },
  { name: "vm_exit", kind: "hardware", description: "The hardware's VM exit, guest to root mode." },
  { name: "vm_entry", kind: "hardware", description: "The hardware's VM entry, root mode to guest." },
  { name: "page_fault", kind: "hardware", description: "What a page fault takes the processor to recognize, beyond other causes of an exit: part of a delivery's price where it does not leave." },
  { name: "posted_interrupt", kind: "hardware", description: "Taking interrupts posted to the guest that runs: the notification, the descriptor or backing page, no exit." },
  { name: "ring_transition", kind: "hardware", description: "One hypercall or trap into a paravirtual hypervisor and back, register saving included." },

  { name: "kernel_fault", kind: "guest-software", description: "The guest kernel's page-fault handler without allocation, zeroing or table reads." },
  { name: "kernel_zero_page", kind: "guest-software", description: "Zeroing 4 KiB, per 4 KiB." },
  { name: "kernel_copy_page", kind: "guest-software", description: "Copying 4 KiB, per 4 KiB." },
  { name: "kernel_allocate_page", kind: "guest-software", description: "Allocating or freeing one frame." },
  { name: "kernel_fork", kind: "guest-software", description: "Fork besides per-entry work: task structures, areas, files." },
  { name: "kernel_fork_entry", kind: "guest-software", description: "Duplicating one page-table entry at fork." },
  { name: "kernel_exit", kind: "guest-software", description: "Process exit and wait besides per-entry work." },
  { name: "kernel_unmap_entry", kind: "guest-software", description: "Tearing down one page-table entry." },
  { name: "kernel_map", kind: "guest-software", description: "mmap or munmap besides per-entry work." },
  { name: "kernel_switch", kind: "guest-software", description: "Scheduler and register switch of a context switch, CR3 load not included." },
  { name: "kernel_syscall", kind: "guest-software", description: "Dispatch of a system call that does nothing." },

  { name: "monitor_dispatch", kind: "monitor-software", description: "The monitor's path around every exit: saving state, finding the handler, preparing re-entry." },
  { name: "exit_mitigations", kind: "monitor-software", description: "What the kernel's mitigations of speculative execution add to the path around an exit: returns and indirect calls that are mispredicted by design, a return stack refilled, predictors restricted." },
  { name: "vbox_dispatch", kind: "monitor-software", description: "VirtualBox's path around every exit, as monitor_dispatch is KVM's." },
  { name: "vbox_round_trip", kind: "monitor-software", description: "From VirtualBox's support driver to its process and back into the guest's session, as user_round_trip is KVM's; the processor's virtualization off and on is apart." },
  { name: "shadow_hidden_fault", kind: "monitor-software", description: "Walking the guest's tables in software and filling the shadow: fixed part." },
  { name: "shadow_fill_entry", kind: "monitor-software", description: "Writing one more shadow entry in the same fault or an eager fill." },
  { name: "shadow_true_fault", kind: "monitor-software", description: "Finding that a fault is the guest's own and injecting it." },
  { name: "shadow_emulate_write", kind: "monitor-software", description: "Decoding and emulating one write to a guarded page table, and updating the shadow." },
  { name: "shadow_unsync", kind: "monitor-software", description: "Letting one table go out of sync (unprotecting it)." },
  { name: "shadow_sync_entry", kind: "monitor-software", description: "Comparing one entry at a resynchronisation." },
  { name: "shadow_cr3", kind: "monitor-software", description: "Emulating a CR3 load: finding or making the shadow root." },
  { name: "shadow_invlpg", kind: "monitor-software", description: "Emulating INVLPG." },
  { name: "agile_scan_table", kind: "monitor-software", description: "Agile paging: looking at the dirty bit of one guest table that the hardware walks, and clearing it." },
  { name: "shadow_allocate", kind: "monitor-software", description: "Allocating and protecting for, or dropping, one shadow table." },
  { name: "ept_violation", kind: "monitor-software", description: "Handling an EPT violation: finding or allocating the frame and filling the entry." },
  { name: "host_zero_page", kind: "monitor-software", description: "Zeroing 4 KiB of host memory before it is given to a guest, per 4 KiB." },
  { name: "hypercall_dispatch", kind: "monitor-software", description: "The hypervisor's fixed path of a hypercall." },
  { name: "validate_update", kind: "monitor-software", description: "Validating and applying one page-table update (type and reference counts)." },
  { name: "validate_entry", kind: "monitor-software", description: "Validating or releasing one entry that is present, of a table being pinned or unpinned." },
  { name: "scan_entry", kind: "monitor-software", description: "Passing over one entry that is not present, of a table being pinned or unpinned." },
  { name: "bounce_fault", kind: "monitor-software", description: "Delivering an event to a guest kernel that is not at CPL 0, in software: reading its gate, building the frame on its stack." },
  { name: "emulate_register", kind: "monitor-software", description: "Emulating an instruction on the guest's virtual registers, beyond the way to the monitor: CPUID, RDMSR, WRMSR, an access to a control or debug register." },
  { name: "emulate_instruction", kind: "monitor-software", description: "Fetching, decoding and emulating an instruction that refers to a device's memory." },
  { name: "kernel_device", kind: "monitor-software", description: "Finding a device of the monitor's kernel side, and its answer." },
  { name: "user_round_trip", kind: "monitor-software", description: "From the monitor's kernel side to its user side and back into the kernel." },
  { name: "user_device", kind: "monitor-software", description: "Finding a device of the monitor's user side, and its answer." },
  { name: "inject_event", kind: "monitor-software", description: "Choosing a virtual interrupt or exception and having the next entry deliver it." },
  { name: "host_interrupt", kind: "monitor-software", description: "The host's own handling of an interrupt that arrived while the guest ran." },
  { name: "halt_schedule", kind: "monitor-software", description: "Descheduling a virtual CPU that halts, and waking it." },
  { name: "trap_dispatch", kind: "monitor-software", description: "The monitor's path around a trap or a call-out of a guest kernel that is not at CPL 0, besides the processor's own: saving registers, finding the reason, going back." },
  { name: "decode_instruction", kind: "monitor-software", description: "Fetching and decoding an instruction that trapped. The translator did it long ago for one that calls out." },
  { name: "translate_instruction", kind: "monitor-software", description: "Translating one guest instruction: fetching, decoding, emitting." },
  { name: "translate_lookup", kind: "monitor-software", description: "Finding the translation of a guest address in the monitor." },
] as const satisfies readonly CostDefinition[];

/** Prices and base costs are multiples of this, so that sums of them are exact in any order; cycles. */
export const COST_GRAIN = 1 / 64;

/** The nearest such multiple. */
export function inGrains(cycles: number): number {
  return Math.round(cycles / COST_GRAIN) * COST_GRAIN;
}

export type CostName = (typeof COSTS)[number]["name"];
/** All prices as plain numbers, cycles. */
export type Costs = Readonly<Record<CostName, number>>;
