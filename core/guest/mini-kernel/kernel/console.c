/* Printing, and the end of the machine. Where the characters go is the port's matter. */
#include "console.h"

#include "instructions.h"
#include "port.h"

#define DEBUG_EXIT_PORT 0xf4 /* QEMU's isa-debug-exit */

void print_bytes(const char *bytes, size_t count) { port->console_write(bytes, count); }
void print(const char *text) { print_bytes(text, length_of(text)); }

void print_decimal(uint64_t value) {
  char digits[20];
  size_t first = sizeof digits;
  /* Long division by ten in 16-bit steps: a 32-bit program has no 64-bit division without a library. */
  do {
    uint32_t remainder = 0;
    uint64_t quotient = 0;
    for (int shift = 48; shift >= 0; shift -= 16) {
      uint32_t part = remainder << 16 | (uint32_t)(value >> shift & 0xffff);
      quotient = quotient << 16 | part / 10;
      remainder = part % 10;
    }
    digits[--first] = (char)('0' + remainder);
    value = quotient;
  } while (value != 0);
  print_bytes(digits + first, sizeof digits - first);
}

void print_hexadecimal(uintptr_t value) {
  char digits[2 * sizeof value];
  for (size_t i = sizeof digits; i-- > 0; value >>= 4) digits[i] = "0123456789abcdef"[value & 15];
  print_bytes(digits, sizeof digits);
}

_Noreturn void machine_end(uint32_t status) {
  out32(DEBUG_EXIT_PORT, status);
  for (;;) port->end();
}

_Noreturn void panic(const char *reason) {
  print("failed: ");
  print(reason);
  print("\n");
  machine_end(STATUS_FAILED);
}
