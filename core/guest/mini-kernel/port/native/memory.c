/*
 * The kernel's own map on a bare machine: all memory at KERNEL_BASE by pages of 2 MiB, global where the
 * processor has that.
 */
#include "instructions.h"
#include "native.h"
#include "space.h"

#define LARGE_PAGE_SHIFT 21
#define LARGE_PAGE_BYTES (1u << LARGE_PAGE_SHIFT)
#define LEAF_FEATURES 1
#define CPUID_EDX_PGE (1u << 13)
#define CR4_PGE 0x80

static bool has_global_pages(void) { return (cpuid(LEAF_FEATURES).d & CPUID_EDX_PGE) != 0; }

static void allow_global_pages(void) {
  uintptr_t cr4;
  __asm__ volatile("mov %%cr4, %0" : "=r"(cr4));
  __asm__ volatile("mov %0, %%cr4" : : "r"(cr4 | CR4_PGE) : "memory");
}

/* The table under an entry, made if there is none. */
static entry_t *table_under(entry_t *entry, unsigned flags) {
  if (!(*entry & ENTRY_PRESENT)) *entry = (entry_t)frame_allocate_zeroed() << PAGE_SHIFT | flags;
  return frame_memory((frame_number)((*entry & ENTRY_ADDRESS) >> PAGE_SHIFT));
}

void native_memory_start(struct space *kernel) {
  kernel->top = frame_memory(frame_allocate_zeroed());
  unsigned flags = ENTRY_PRESENT | ENTRY_WRITABLE | ENTRY_ACCESSED | ENTRY_DIRTY | ENTRY_LARGE;
  if (has_global_pages()) flags |= ENTRY_GLOBAL;
  for (uintptr_t physical = 0; physical < MEMORY_MAPPED_MOST; physical += LARGE_PAGE_BYTES) {
    uintptr_t address = KERNEL_BASE + physical;
#ifdef __x86_64__
    entry_t *level_3 =
        table_under(&kernel->top[address >> 39 & 511], ENTRY_PRESENT | ENTRY_WRITABLE | ENTRY_ACCESSED);
    entry_t *level_2 =
        table_under(&level_3[address >> 30 & 511], ENTRY_PRESENT | ENTRY_WRITABLE | ENTRY_ACCESSED);
#else
    entry_t *level_2 = table_under(&kernel->top[address >> 30], ENTRY_PRESENT);
#endif
    level_2[address >> LARGE_PAGE_SHIFT & 511] = physical | flags;
  }
  device_map(0); /* the devices' tables exist before spaces share them */
  native_port.activate(kernel);
  if (has_global_pages()) allow_global_pages();
}
