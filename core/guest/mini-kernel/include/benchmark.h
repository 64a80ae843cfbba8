/* What the kernel's own benchmarks (benchmark.c) expect of traps. */
#pragma once
#include "trap.h"

/* Whether a fault of the kernel at this address was meant; it is mended then. */
bool benchmark_fault(uintptr_t address);
bool benchmark_exception(struct trap_frame *frame);
intptr_t benchmark_run(uintptr_t operation, uint32_t count, uint32_t *result);
