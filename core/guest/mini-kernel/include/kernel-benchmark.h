/* What the kernel measures of itself on a system call, because user mode may not do it. */
#pragma once
enum kernel_benchmark {
  BENCHMARK_IN,     /* IN from port 0x80 */
  BENCHMARK_CR8,    /* MOV to CR8 (64-bit) */
  BENCHMARK_CALL,   /* CALL and RET */
  BENCHMARK_FAULT,  /* a page fault in kernel mode, whose handler makes the page present */
  BENCHMARK_DIVIDE, /* #DE in kernel mode, whose handler goes on behind it */
  BENCHMARK_ENTRY,  /* a store into a page table in use */
  BENCHMARK_CPUID,
  BENCHMARK_HYPERCALL, /* VMCALL or VMMCALL, where a monitor answers; or what the port has for it */
  BENCHMARK_OUT,       /* OUT to port 0x80 */
  BENCHMARK_TPR,       /* the APIC's task priority, by its page */
  BENCHMARK_SELF,      /* an interrupt to oneself by the APIC */
  BENCHMARK_RDMSR,
  BENCHMARK_WRMSR,
  BENCHMARK_TIMER, /* programming the APIC's timer */
  KERNEL_BENCHMARKS
};
/* Results of the call. */
#define BENCHMARK_DONE 0
#define BENCHMARK_UNAVAILABLE 1 /* the machine, the mode or the port has no such thing */
