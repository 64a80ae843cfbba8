/*
 * Register arithmetic: a loop of additions, shifts, rotations and logic on values that stay in registers. No memory is
 * touched.
 */
#include "../runtime/runtime.h"

const char program_name[] = "arithmetic";

/* Rounds of the loop. */
PARAMETER(n, 100000, "");

static uint32_t rotate_left(uint32_t value, unsigned by) { return value << by | value >> (32 - by); }

uint32_t program(void) {
  uint32_t a = 1, b = 0x9e3779b9, c = 0x243f6a88, d = 0xb7e15162;
  paging_start();
  uint32_t rounds = n.value;
  roi_begin();
  for (uint32_t i = rounds; i > 0; i--) {
    a += b ^ i;
    b = rotate_left(b, 7) + d;
    c ^= a >> 3;
    d -= c & 0x55555555;
    a = rotate_left(a, 13) - c;
    b ^= d << 5;
  }
  roi_end();
  return checksum_add(checksum_add(checksum_add(checksum_add(CHECKSUM_START, a), b), c), d);
}
