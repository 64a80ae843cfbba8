/* Memory above the image, handed out upwards and never taken back. */
#include "memory.h"

#define MEBIBYTE 0x100000u

extern char image_end[];
static uintptr_t next = (uintptr_t)image_end;
static uintptr_t limit = UINTPTR_MAX;

void memory_limit(uint32_t upper_kibibytes) { limit = MEBIBYTE + (uintptr_t)upper_kibibytes * 1024; }

uintptr_t memory_end(void) { return next; }

void *allocate(size_t bytes, size_t alignment) {
  uintptr_t first = (next + alignment - 1) & -(uintptr_t)alignment;
  if (first > limit || bytes > limit - first) fail("not enough memory");
  next = first + bytes;
  return (void *)first;
}
