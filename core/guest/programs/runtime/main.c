/*
 * The bare machine's runtime from the first C function to the last: what the loader told, the region of interest, the
 * end.
 */
#include "machine.h"
#include "memory.h"
#include "parameters.h"

#define MULTIBOOT_LOADER_MAGIC 0x2badb002
#define MULTIBOOT_HAS_MEMORY 0x1
#define MULTIBOOT_HAS_COMMAND_LINE 0x4

/* The first fields of what a loader tells (Multiboot Specification 0.6.96, section 3.3). */
struct multiboot_information {
  uint32_t flags;
  uint32_t lower_kibibytes;
  uint32_t upper_kibibytes; /* from 1 MiB to the first hole */
  uint32_t boot_device;
  uint32_t command_line;
};

#define DEBUG_EXIT_PORT 0xf4
#define REGION_PORT 0x5640 /* "V@" */
#define REGION_BEGIN 1
#define REGION_END 2

/* Prints how far the time-stamp counter went in the region: its instructions under QEMU's -icount shift=0. */
PARAMETER(count, 0, "no,yes");

/* Instructions between the two readings that are not the region's: RDTSC, four MOVs and OUT before, OUT after. */
#define COUNTED_OUTSIDE 7

static uint64_t begin_stamp;

_Noreturn void end(enum status status) {
  out32(DEBUG_EXIT_PORT, status);
  for (;;) __asm__ volatile("cli; hlt");
}

void roi_begin(void) {
  uint32_t low, high;
  print("begin\n");
  __asm__ volatile(
      "rdtsc\n\tmov %%eax, %[low]\n\tmov %%edx, %[high]\n\t"
      "mov %[mark], %%eax\n\tmov %[port], %%edx\n\tout %%eax, %%dx"
      : [low] "=&S"(low), [high] "=&D"(high)
      : [mark] "i"(REGION_BEGIN), [port] "i"(REGION_PORT)
      : "eax", "edx", "memory");
  begin_stamp = (uint64_t)high << 32 | low;
}

void roi_end(void) {
  uint32_t low, high;
  __asm__ volatile("out %%eax, %%dx\n\trdtsc"
                   : "=a"(low), "=d"(high)
                   : "0"(REGION_END), "1"(REGION_PORT)
                   : "memory");
  print("end\n");
  if (!count.value) return;
  print("instructions ");
  print_decimal(((uint64_t)high << 32 | low) - begin_stamp - COUNTED_OUTSIDE);
  print("\n");
}

void roi_phase(uint32_t phase) { out32(REGION_PORT, phase); }

void console_start(void);
void traps_start(void);

_Noreturn void runtime_main(uint32_t magic, const struct multiboot_information *information) {
  console_start();
  traps_start();
  if (magic != MULTIBOOT_LOADER_MAGIC) fail("not started by a multiboot loader");
  if (information->flags & MULTIBOOT_HAS_MEMORY) memory_limit(information->upper_kibibytes);
  run_program(information->flags & MULTIBOOT_HAS_COMMAND_LINE ? (const char *)(uintptr_t)information->command_line
                                                              : "");
  end(STATUS_OK);
}
