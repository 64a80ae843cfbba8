/*
 * Single operations: the nanobenchmarks of Adams and Agesen (ASPLOS 2006, section 6.3) and the exits of
 * kvm-unit-tests' vmexit. Those that need privilege run in a loop inside the kernel (kernel-benchmark.h).
 */
#include "benchmark.h"
#include "kernel-benchmark.h"

static uint32_t run_syscall(const struct parameter *n) {
  uint32_t count = n->value, checksum = CHECKSUM_START;
  region_begin();
  for (uint32_t i = 0; i < count; i++)
    checksum = checksum_add(checksum, (uint32_t)system_call(CALL_NULL, 0, 0, 0));
  region_end();
  return checksum;
}

static uint32_t run_in_kernel(enum kernel_benchmark operation, uint32_t count) {
  uint32_t result = 0;
  region_begin();
  intptr_t outcome = system_call(CALL_BENCHMARK, operation, count, (uintptr_t)&result);
  region_end();
  if (outcome == BENCHMARK_UNAVAILABLE) fail("this machine has no such operation");
  checked(outcome);
  if (result != count) fail("another number of operations");
  return checksum_add(CHECKSUM_START, result);
}

#define IN_KERNEL(name, operation)                                                                           \
  static uint32_t run_##name(const struct parameter *n) { return run_in_kernel(operation, n->value); }
IN_KERNEL(in, BENCHMARK_IN)
IN_KERNEL(cr8wr, BENCHMARK_CR8)
IN_KERNEL(callret, BENCHMARK_CALL)
IN_KERNEL(pgfault, BENCHMARK_FAULT)
IN_KERNEL(divzero, BENCHMARK_DIVIDE)
IN_KERNEL(ptemod, BENCHMARK_ENTRY)
IN_KERNEL(cpuid, BENCHMARK_CPUID)
IN_KERNEL(hypercall, BENCHMARK_HYPERCALL)
IN_KERNEL(out, BENCHMARK_OUT)
IN_KERNEL(tpr, BENCHMARK_TPR)
IN_KERNEL(self, BENCHMARK_SELF)
IN_KERNEL(rdmsr, BENCHMARK_RDMSR)
IN_KERNEL(wrmsr, BENCHMARK_WRMSR)
IN_KERNEL(timer, BENCHMARK_TIMER)

#define COUNT                                                                                                \
  {                                                                                                          \
    { "n", 100, 0 }                                                                                          \
  }
struct benchmark nano_benchmarks[] = {
    {"syscall", run_syscall, COUNT},
    {"in", run_in, COUNT},
    {"cr8wr", run_cr8wr, COUNT},
    {"callret", run_callret, COUNT},
    {"pgfault", run_pgfault, COUNT},
    {"divzero", run_divzero, COUNT},
    {"ptemod", run_ptemod, COUNT},
    {"cpuid", run_cpuid, COUNT},
    {"hypercall", run_hypercall, COUNT},
    {"out", run_out, COUNT},
    {"tpr", run_tpr, COUNT},
    {"self-ipi", run_self, COUNT},
    {"rdmsr", run_rdmsr, COUNT},
    {"wrmsr", run_wrmsr, COUNT},
    {"set-timer", run_timer, COUNT},
    {.name = 0},
};
