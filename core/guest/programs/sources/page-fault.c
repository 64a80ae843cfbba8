/*
 * Page faults: reads from a page that is not there; the handler writes its entry, as a kernel that fills memory on
 * demand does, and the read is made again; then the entry is cleared and its translation thrown away.
 */
#include "../runtime/machine.h"

const char program_name[] = "page-fault";

/* Faults. */
PARAMETER(n, 5000, "");
PARAMETER(pages, 64, "");

static uintptr_t frames;
static volatile uint32_t *entries[1024];
static uint32_t faults;

GENERAL_REGISTERS_ONLY static void page_fault(struct trap_frame *frame) {
  uint32_t page = (uint32_t)(read_cr2() - WINDOW) >> PAGE_SHIFT;
  if (frame->error != 0 || page >= pages.value) fail("another page fault than expected");
  *entries[page] = present_entry(frames + page * PAGE_BYTES);
  faults++;
}

uint32_t program(void) {
  uint32_t count = pages.value;
  if (count > sizeof entries / sizeof entries[0]) fail("at most 1024 pages");
  frames = (uintptr_t)allocate(count * PAGE_BYTES, PAGE_BYTES);
  for (uint32_t page = 0; page < count; page++) *(uint32_t *)(frames + page * PAGE_BYTES) = page + 1;
  paging_start();
  for (uint32_t page = 0; page < count; page++)
    entries[page] = space_entry(kernel_space(), WINDOW + page * PAGE_BYTES);
  trap_handle(PAGE_FAULT_VECTOR, page_fault);

  uint32_t times = n.value, sum = 0, page = 0;
  roi_begin();
  for (uint32_t i = times; i > 0; i--) {
    uintptr_t address = WINDOW + page * PAGE_BYTES;
    sum = sum * 5 + *(volatile uint32_t *)address;
    *entries[page] = 0;
    invlpg(address);
    if (++page == count) page = 0;
  }
  roi_end();
  if (faults != times) fail("another number of faults");
  return checksum_add(CHECKSUM_START, sum);
}
