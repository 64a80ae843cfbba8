/* Numbers as text, on either runtime. */
#include "numbers.h"

#include "runtime.h"

void print_decimal(uint64_t value) {
  char text[DECIMAL_TEXT];
  print(decimal_text(value, text));
}

void print_hexadecimal(uint32_t value) {
  char text[HEXADECIMAL_TEXT];
  print(hexadecimal_text(value, text));
}
