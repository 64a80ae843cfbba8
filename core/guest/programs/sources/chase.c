/*
 * Pointer chase: follows one random cycle through all lines of a table larger than the caches, so that each load waits
 * for the one before (as lmbench's lat_mem_rd does; McVoy and Staelin, 1996). The cycle is Sattolo's (1986).
 */
#include "../runtime/runtime.h"

const char program_name[] = "chase";

/* Loads. */
PARAMETER(n, 20000, "");
/* The table, in bytes. */
PARAMETER(size, 1 << 20, "");

#define LINE_BYTES 64
struct line {
  uint32_t next; /* address of a line: memory lies below 4 GiB in both widths */
  uint32_t number;
  uint8_t rest[LINE_BYTES - 8];
};

uint32_t program(void) {
  uint32_t count = size.value / LINE_BYTES;
  if (count < 2) fail("size is below two lines");
  struct line *lines = allocate((size_t)count * LINE_BYTES, LINE_BYTES);
  for (uint32_t i = 0; i < count; i++) lines[i].number = i;
  uint32_t random = 2463534242u;
  for (uint32_t i = count - 1; i > 0; i--) {
    uint32_t other = random_below(&random, i);
    uint32_t number = lines[i].number;
    lines[i].number = lines[other].number;
    lines[other].number = number;
  }
  /* `number` holds a cyclic permutation now: the successor of each line. */
  for (uint32_t i = 0; i < count; i++) lines[i].next = (uint32_t)(uintptr_t)&lines[lines[i].number];
  paging_start();
  paging_warm(lines, (size_t)count * LINE_BYTES);

  const struct line *line = lines;
  uint32_t loads = n.value;
  roi_begin();
  for (uint32_t i = loads; i > 0; i--) line = (const struct line *)(uintptr_t)line->next;
  roi_end();
  return checksum_add(CHECKSUM_START, line->number);
}
