/*
 * Two address spaces in turn: each round loads CR3 and reads a word from each of 64 pages, which the two spaces map at
 * the same addresses to frames of their own.
 */
#include "../runtime/machine.h"

const char program_name[] = "address-spaces";

/* Rounds: a load of CR3 and `pages` reads each. */
PARAMETER(n, 1000, "");
PARAMETER(pages, 64, "");

#define SPACES 2

uint32_t program(void) {
  uint32_t count = pages.value;
  struct space spaces[SPACES];
  uint32_t *frames[SPACES];
  for (unsigned s = 0; s < SPACES; s++) {
    frames[s] = allocate(count * PAGE_BYTES, PAGE_BYTES);
    for (uint32_t page = 0; page < count; page++) frames[s][page * (PAGE_BYTES / 4)] = (page + 1) << (16 * s);
  }
  paging_start();
  for (unsigned s = 0; s < SPACES; s++) {
    space_create(&spaces[s]);
    for (uint32_t page = 0; page < count; page++)
      space_map(&spaces[s], WINDOW + page * PAGE_BYTES, (uintptr_t)frames[s] + page * PAGE_BYTES);
  }

  uint32_t rounds = n.value, sum = 0;
  uintptr_t roots[SPACES] = {spaces[0].root, spaces[1].root};
  uintptr_t end = WINDOW + count * PAGE_BYTES;
  roi_begin();
  for (uint32_t round = 0; round < rounds; round++) {
    write_cr3(roots[round % SPACES]);
    for (uintptr_t address = WINDOW; address < end; address += PAGE_BYTES) sum += *(volatile uint32_t *)address;
  }
  roi_end();
  write_cr3(kernel_space()->root);

  /* Each round adds the same, by its space. */
  uint32_t triangle = count * (count + 1) / 2;
  if (sum != (rounds + 1) / 2 * triangle + (rounds / 2 * triangle << 16)) fail("another sum");
  return checksum_add(CHECKSUM_START, sum);
}
