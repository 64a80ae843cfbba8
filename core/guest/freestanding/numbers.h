/* Numbers as text. */
#pragma once
#include <stdint.h>

#define DECIMAL_TEXT 21 /* bytes of any uint64_t as text, at most */
#define HEXADECIMAL_TEXT 9

/* Writes the digits and a 0 at the end of `text`; returns where they begin. */
static inline const char *decimal_text(uint64_t value, char text[DECIMAL_TEXT]) {
  char *first = text + DECIMAL_TEXT - 1;
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
  return first;
}

/* Writes the eight digits and a 0; returns the text. */
static inline const char *hexadecimal_text(uint32_t value, char text[HEXADECIMAL_TEXT]) {
  for (int i = 0; i < 8; i++) text[i] = "0123456789abcdef"[value >> (28 - 4 * i) & 15];
  text[8] = 0;
  return text;
}
