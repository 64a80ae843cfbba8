/* Numbers as text, on either runtime. */
#include "runtime.h"

void print_decimal(uint64_t value) {
  char digits[21];
  char *first = digits + sizeof digits - 1;
  *first = 0;
  /* Long division by ten in 16-bit steps: a 32-bit program has no 64-bit division without a library. */
  do {
    uint32_t remainder = 0;
    uint64_t quotient = 0;
    for (int shift = 48; shift >= 0; shift -= 16) {
      uint32_t part = remainder << 16 | (uint32_t)(value >> shift & 0xffff);
      quotient = quotient << 16 | part / 10;
      remainder = part % 10;
    }
    *--first = (char)('0' + remainder);
    value = quotient;
  } while (value != 0);
  print(first);
}

void print_hexadecimal(uint32_t value) {
  char digits[9];
  for (int i = 0; i < 8; i++) digits[i] = "0123456789abcdef"[value >> (28 - 4 * i) & 15];
  digits[8] = 0;
  print(digits);
}
