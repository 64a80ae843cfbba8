/* Bytes and strings. */
#include "memory.h"

void copy(void *to, const void *from, size_t bytes) {
  size_t words = bytes / sizeof(uintptr_t);
  size_t rest = bytes % sizeof(uintptr_t);
#ifdef __x86_64__
  __asm__ volatile("rep movsq" : "+D"(to), "+S"(from), "+c"(words) : : "memory");
#else
  __asm__ volatile("rep movsl" : "+D"(to), "+S"(from), "+c"(words) : : "memory");
#endif
  __asm__ volatile("rep movsb" : "+D"(to), "+S"(from), "+c"(rest) : : "memory");
}

void fill(void *to, uint8_t value, size_t bytes) {
  size_t words = bytes / sizeof(uintptr_t);
  size_t rest = bytes % sizeof(uintptr_t);
  uintptr_t pattern = (uintptr_t)-1 / 0xff * value;
#ifdef __x86_64__
  __asm__ volatile("rep stosq" : "+D"(to), "+c"(words) : "a"(pattern) : "memory");
#else
  __asm__ volatile("rep stosl" : "+D"(to), "+c"(words) : "a"(pattern) : "memory");
#endif
  __asm__ volatile("rep stosb" : "+D"(to), "+c"(rest) : "a"(pattern) : "memory");
}

size_t length_of(const char *text) {
  size_t length = 0;
  while (text[length] != 0) length++;
  return length;
}

bool same_text(const char *a, const char *b) {
  while (*a != 0 && *a == *b) a++, b++;
  return *a == *b;
}
