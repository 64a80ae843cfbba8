/* Chance. */
#pragma once
#include <stdint.h>

/* Marsaglia's xorshift generator with 32 bits of state (Journal of Statistical Software 8(14), 2003); never 0. */
static inline uint32_t xorshift32(uint32_t *state) {
  uint32_t x = *state;
  x ^= x << 13;
  x ^= x >> 17;
  x ^= x << 5;
  return *state = x;
}
