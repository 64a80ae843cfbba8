/* What the kernel prints, and how it ends. */
#pragma once
#include "types.h"

void print(const char *text);
void print_bytes(const char *bytes, size_t count);
void print_decimal(uint64_t value);
void print_hexadecimal(uintptr_t value);

/* Of the debug exit, as core/guest/programs/README.md has it. */
enum status { STATUS_OK, STATUS_FAILED, STATUS_BAD_PARAMETER, STATUS_TRAP };

/* Ends the machine. */
_Noreturn void machine_end(uint32_t status);
/* Prints `failed: <reason>` and ends the machine. */
_Noreturn void panic(const char *reason);
