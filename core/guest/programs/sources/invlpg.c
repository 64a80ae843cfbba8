/* INVLPG storm: throws away the translation of a page and reads from it, page after page. */
#include "../runtime/machine.h"

const char program_name[] = "invlpg";

/* INVLPGs, each with a read. */
PARAMETER(n, 10000, "");
PARAMETER(pages, 64, "");

uint32_t program(void) {
  uint32_t count = pages.value;
  uint32_t *frames = allocate(count * PAGE_BYTES, PAGE_BYTES);
  for (uint32_t page = 0; page < count; page++) frames[page * (PAGE_BYTES / 4)] = page + 1;
  paging_start();
  for (uint32_t page = 0; page < count; page++)
    space_map(kernel_space(), WINDOW + page * PAGE_BYTES, (uintptr_t)frames + page * PAGE_BYTES);

  uint32_t sum = 0, rotating = 0;
  uintptr_t address = WINDOW, end = WINDOW + count * PAGE_BYTES;
  uint32_t times = n.value;
  roi_begin();
  for (uint32_t i = times; i > 0; i--) {
    invlpg(address);
    sum += *(volatile uint32_t *)address;
    rotating = rotating * 5 + sum;
    address += PAGE_BYTES;
    if (address == end) address = WINDOW;
  }
  roi_end();
  return checksum_add(checksum_add(CHECKSUM_START, sum), rotating);
}
