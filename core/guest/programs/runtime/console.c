/* The console: the first serial port. */
#include "machine.h"
#include "serial.h"

void console_start(void) { serial_start(); }

void print(const char *text) {
  for (; *text != 0; text++) serial_write(text);
}
