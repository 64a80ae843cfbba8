/*
 * GUPS: exclusive-ors random 32-bit words of a table in place, then the same again, which must restore it (HPC Challenge
 * RandomAccess; Luszczek et al., 2005, with another generator and smaller words).
 */
#include "../runtime/runtime.h"

const char program_name[] = "gups";

/* Updates. */
PARAMETER(n, 20000, "");
/* The table, in bytes: a power of two. */
PARAMETER(size, 1 << 20, "");

#define SEED 2463534242u

static uint32_t update(uint32_t *table, uint32_t mask, uint32_t updates) {
  uint32_t random = SEED;
  for (uint32_t i = updates; i > 0; i--) {
    uint32_t draw = xorshift32(&random);
    table[draw & mask] ^= draw;
  }
  return random;
}

uint32_t program(void) {
  uint32_t words = size.value / 4, updates = n.value;
  if (words < 2 || (words & (words - 1)) != 0) fail("size is not a power of two");
  uint32_t *table = allocate((size_t)words * 4, 4096);
  for (uint32_t i = 0; i < words; i++) table[i] = i;
  paging_start();
  paging_warm(table, (size_t)words * 4);

  roi_begin();
  uint32_t last = update(table, words - 1, updates);
  roi_end();

  uint32_t checksum = checksum_add(CHECKSUM_START, last);
  for (uint32_t i = 0; i < words; i += 31) checksum = checksum_add(checksum, table[i]);
  update(table, words - 1, updates);
  for (uint32_t i = 0; i < words; i++)
    if (table[i] != i) fail("the second pass did not restore the table");
  return checksum;
}
