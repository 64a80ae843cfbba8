/* Sums in the registers of SSE and x87, by assembly alone. */
#include "arithmetic.h"

#define ELEMENTS 32
static const double first[ELEMENTS] = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16,
                                       1, 3, 5, 7, 9, 2, 4, 6, 8, 10, 1,  4,  7,  10, 2,  5};
static const double second[ELEMENTS] = {2, 7, 1, 8, 2, 8, 1, 8, 2, 8, 4, 5, 9, 0, 4, 5,
                                        3, 1, 4, 1, 5, 9, 2, 6, 5, 3, 5, 8, 9, 7, 9, 3};

void floating_point_begin(uint32_t value) {
  __asm__ volatile("fninit\n\tfildl %0\n\txorpd %%xmm7, %%xmm7\n\tcvtsi2sdl %0, %%xmm7" : : "m"(value));
}

/* Adds the product of the two vectors to XMM7, and 1 to ST(0). */
void floating_point_step(void) {
  for (int i = 0; i < ELEMENTS; i += 2)
    __asm__ volatile(
        "movupd %0, %%xmm0\n\tmovupd %1, %%xmm1\n\tmulpd %%xmm1, %%xmm0\n\taddpd %%xmm0, %%xmm7"
        :
        : "m"(first[i]), "m"(second[i]));
  __asm__ volatile("fld1\n\tfaddp");
}

uint32_t floating_point_sum(void) {
  uint32_t low, high, steps;
  __asm__ volatile("cvttsd2si %%xmm7, %0" : "=r"(low));
  __asm__ volatile("movapd %%xmm7, %%xmm0\n\tunpckhpd %%xmm0, %%xmm0\n\tcvttsd2si %%xmm0, %0" : "=r"(high));
  __asm__ volatile("fistl %0" : "=m"(steps));
  return low + 3 * high + 5 * steps;
}
