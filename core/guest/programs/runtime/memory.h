/* The bare machine's memory, for the runtime's own files. */
#pragma once
#include "runtime.h"

/* Believes that memory reaches this far above 1 MiB; without it, as far as anybody asks. */
void memory_limit(uint32_t upper_kibibytes);

/* The first address that is not allocated. */
uintptr_t memory_end(void);
