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
  { name: "hypercall", label: "Hypercall", description: "A hypercall of a paravirtual guest, or VMCALL and VMMCALL." },
  { name: "trap", label: "Trap", description: "An exception that the hypervisor receives and bounces to a paravirtual guest." },
  { name: "external_interrupt", label: "External interrupt", description: "An interrupt of the host's, its timer's above all, while the guest ran." },
  { name: "interrupt_window", label: "Interrupt window", description: "The guest became able to take a virtual interrupt that had to wait." },
  { name: "exception", label: "Exception", description: "An exception of the guest's that the monitor had asked for, page faults apart." },
  { name: "cpuid", label: "CPUID", description: "CPUID." },
  { name: "halt", label: "HLT", description: "HLT: the guest waits, and the monitor lets others run." },
  { name: "msr_read", label: "RDMSR", description: "RDMSR of a register that the monitor keeps." },
  { name: "msr_write", label: "WRMSR", description: "WRMSR of a register that the monitor keeps." },
  { name: "control_register", label: "Control register", description: "MOV to or from a control register, CLTS or LMSW; CR3 loads apart." },
  { name: "debug_register", label: "Debug register", description: "MOV to or from a debug register." },
  { name: "descriptor_table", label: "Descriptor table", description: "LGDT, LIDT, LLDT, LTR or their inverses." },
  { name: "io_kernel", label: "Port, kernel", description: "A port of a device that the monitor's kernel side emulates." },
  { name: "io_user", label: "Port, user", description: "A port of a device that the monitor's user side emulates: kernel to user and back." },
  { name: "mmio_kernel", label: "MMIO, kernel", description: "Memory of a device that the monitor's kernel side emulates." },
  { name: "mmio_user", label: "MMIO, user", description: "Memory of a device that the monitor's user side emulates, or of none." },
  { name: "apic_access", label: "APIC access", description: "An access to the local APIC's page that the hardware did not virtualize." },
  { name: "tpr_threshold", label: "TPR below threshold", description: "The guest lowered its task priority, and an interrupt waits that it masked." },
  { name: "time_stamp", label: "RDTSC", description: "RDTSC, RDTSCP or RDPMC." },
  { name: "preemption_timer", label: "Preemption timer", description: "The VMX-preemption timer expired." },
  { name: "cache_flush", label: "INVD, WBINVD", description: "INVD or WBINVD." },
  { name: "triple_fault", label: "Triple fault", description: "The guest's processor shut down." },
  { name: "other_instruction", label: "Other instruction", description: "Any other instruction that leaves: VMX and SVM instructions, XSETBV, MONITOR, MWAIT." },
  { name: "privileged", label: "Privileged instruction", description: "A privileged instruction of a guest kernel that is not at CPL 0, trapped and emulated; those with reasons of their own apart." },
  { name: "system_call", label: "System call", description: "A system call of user code that the monitor hands to a guest kernel that is not at CPL 0; INT n of any kind." },
  { name: "call_out", label: "Call-out", description: "Translated code calls the monitor to do an instruction for it." },
  { name: "translation", label: "Translation", description: "Translated code comes to what is not translated yet, or not chained." },
  { name: "task_switch", label: "Task switch", description: "A task switch by JMP, CALL, IRET or a task gate, which the monitor makes in the guest's stead." },
  { name: "apic_write", label: "APIC write", description: "A write to the local APIC's page that the hardware has made, and the monitor completes (APIC-write exit, AVIC's traps)." },
  { name: "end_of_interrupt", label: "End of interrupt", description: "The end of a level-triggered interrupt that the hardware has made: the I/O APIC is to know (virtualized EOI)." },
  { name: "incomplete_ipi", label: "Incomplete IPI", description: "An IPI that AVIC could not deliver: not a fixed interrupt, or a target that does not run." },
  { name: "nmi_window", label: "NMI window", description: "The guest became able to take a virtual NMI that had to wait." },
  { name: "pause", label: "PAUSE", description: "A loop of PAUSE that lasted: the guest waits for another of its processors, it seems (pause-loop exiting, pause filter)." },
] as const satisfies readonly ExitReason[];

export type ExitReasonName = (typeof EXIT_REASONS)[number]["name"];

export const EXIT = Object.fromEntries(EXIT_REASONS.map((reason, index) => [reason.name, index])) as Readonly<
  Record<ExitReasonName, number>
>;
