/* Where the kernel's characters go without Xen: the first serial port. */
#include "native.h"
#include "serial.h"

void native_console_start(void) { serial_start(); }

void native_console_write(const char *bytes, size_t count) {
  for (size_t i = 0; i < count; i++) serial_write(bytes + i);
}
