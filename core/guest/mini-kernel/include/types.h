/* The words of all files. */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define PAGE_SHIFT 12
#define PAGE_BYTES 4096u
#define PAGE_MASK ((uintptr_t)PAGE_BYTES - 1)

static inline uintptr_t page_down(uintptr_t address) { return address & ~PAGE_MASK; }
static inline uintptr_t page_up(uintptr_t address) { return (address + PAGE_MASK) & ~PAGE_MASK; }
