/*
 * Memory copies: copies a block to another, by REP MOVS, by a loop of words, or by a loop of aligned 16-byte SSE2 moves.
 * A pass copies forth and changes a word, so that no copy is idle.
 */
#include "../runtime/runtime.h"

const char program_name[] = "memcpy";

/* Copies. */
PARAMETER(n, 4, "");
/* The block, in bytes: a multiple of 64. */
PARAMETER(size, 64 << 10, "");
PARAMETER(by, 0, "movs,words,sse2");
enum by { MOVS, WORDS, SSE2 };

#define UNIT_BYTES 64

static void copy_movs(uint32_t *to, const uint32_t *from, uint32_t bytes) {
  uintptr_t words = bytes / 4;
  __asm__ volatile("cld\n\trep movsl" : "+D"(to), "+S"(from), "+c"(words) : : "memory");
}

static void copy_words(uint32_t *to, const uint32_t *from, uint32_t bytes) {
  for (uintptr_t i = 0; i < bytes / 4; i++) {
    uint32_t word = from[i];
    __asm__ volatile("" : "+r"(word)); /* or the compiler makes a call or a vector of it */
    to[i] = word;
  }
}

static void copy_sse2(uint32_t *to, const uint32_t *from, uint32_t bytes) {
  const uint32_t *end = from + bytes / 4;
  __asm__ volatile(
      "1:\n\t"
      "movdqa (%[from]), %%xmm0\n\tmovdqa 16(%[from]), %%xmm1\n\t"
      "movdqa 32(%[from]), %%xmm2\n\tmovdqa 48(%[from]), %%xmm3\n\t"
      "movdqa %%xmm0, (%[to])\n\tmovdqa %%xmm1, 16(%[to])\n\t"
      "movdqa %%xmm2, 32(%[to])\n\tmovdqa %%xmm3, 48(%[to])\n\t"
      "add $64, %[from]\n\tadd $64, %[to]\n\tcmp %[end], %[from]\n\tjne 1b"
      : [to] "+r"(to), [from] "+r"(from)
      : [end] "r"(end)
      : "cc", "memory");
}

uint32_t program(void) {
  static void (*const copies[])(uint32_t *, const uint32_t *, uint32_t) = {copy_movs, copy_words, copy_sse2};
  uint32_t bytes = size.value, passes = n.value;
  if (bytes == 0 || bytes % UNIT_BYTES != 0) fail("size is not a multiple of 64");
  uint32_t *from = allocate(bytes, 4096), *to = allocate(bytes, 4096);
  for (uint32_t i = 0; i < bytes / 4; i++) from[i] = i * 0x9e3779b9u;
  paging_start();

  void (*copy)(uint32_t *, const uint32_t *, uint32_t) = copies[by.value];
  roi_begin();
  for (uint32_t pass = 0; pass < passes; pass++) {
    from[pass % (bytes / 4)] += pass;
    copy(to, from, bytes);
  }
  roi_end();

  uint32_t checksum = CHECKSUM_START;
  for (uint32_t i = 0; i < bytes / 4; i++) {
    if (passes > 0 && to[i] != from[i]) fail("the copy differs");
    if (i % 61 == 0) checksum = checksum_add(checksum, from[i]);
  }
  return checksum;
}
