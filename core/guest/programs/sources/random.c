/*
 * Random access: reads and writes back 32-bit words at random places of a table, whose places a linear congruential
 * generator draws (Numerical Recipes' constants), through page tables. With `flags=live` the carry of one addition
 * lives over the load and the store, as in code for long integers; with `flags=dead` the same loop adds without
 * carry, so that every flag is dead by the time of the access. The two differ in nothing else.
 */
#include "../runtime/runtime.h"

const char program_name[] = "random";

/* Accesses: a load and a store each. */
PARAMETER(n, 50000, "");
/* The table, in bytes: a power of two. */
PARAMETER(size, 1 << 20, "");
PARAMETER(flags, 0, "dead,live");

#define PAGE_BYTES 4096
#define MULTIPLIER "1664525"
#define INCREMENT "1013904223"

#ifdef __x86_64__
#define ADDRESS(operand) "%q[" operand "]"
#else
#define ADDRESS(operand) "%[" operand "]"
#endif
#define WORD "(" ADDRESS("table") ", " ADDRESS("place") ")"

/*
 * The loop with one of the two additions in two places. The flags that ADD sets pass over the load to the first, and the
 * first's pass over the store to the second; LEA and MOV leave flags alone.
 */
#define LOOP(add)                                                                                            \
  __asm__ volatile("1:\n\t"                                                                                  \
                   "imul $" MULTIPLIER ", %[random], %[random]\n\t"                                          \
                   "lea " INCREMENT "(" ADDRESS("random") "), %[random]\n\t"                                 \
                   "mov %[random], %[place]\n\t"                                                             \
                   "shr $3, %[place]\n\t"                                                                    \
                   "and %[mask], %[place]\n\t"                                                               \
                   "add %[random], %[sum]\n\t"                                                               \
                   "mov " WORD ", %[value]\n\t" add " %[sum], %[value]\n\t"                                  \
                   "mov %[value], " WORD "\n\t" add " %[value], %[sum]\n\t"                                  \
                   "dec %[count]\n\t"                                                                        \
                   "jnz 1b"                                                                                  \
                   : [random] "+r"(random), [sum] "+r"(sum), [count] "+r"(count), [place] "=&r"(place),      \
                     [value] "=&r"(value)                                                                    \
                   : [table] "r"(table), [mask] "r"(mask)                                                    \
                   : "cc", "memory")

uint32_t program(void) {
  uint32_t bytes = size.value;
  if (bytes < PAGE_BYTES || (bytes & (bytes - 1)) != 0) fail("size is not a power of two from 4096");
  uint32_t mask = (bytes - 1) & -4u;
  uint32_t *table = allocate(bytes, PAGE_BYTES);
  for (uint32_t i = 0; i < bytes / 4; i++) table[i] = i;
  paging_start();
  paging_warm(table, bytes);

  uint32_t random = 1, sum = 0, count = n.value, place, value;
  if (count == 0) fail("n is 0");
  bool is_live = flags.value;
  roi_begin();
  if (is_live) LOOP("adc");
  else LOOP("add");
  roi_end();

  uint32_t checksum = checksum_add(CHECKSUM_START, sum);
  for (uint32_t i = 0; i < bytes / 4; i += 61) checksum = checksum_add(checksum, table[i]);
  return checksum;
}
