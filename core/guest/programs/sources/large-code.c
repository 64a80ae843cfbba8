/*
 * A large code footprint: 4,096 small functions, generated at the start, called indirectly in random order, so that
 * neither a branch predictor nor a cache of translated code sees the same few again and again. The bytes of a
 * function mean the same in 32- and in 64-bit mode.
 */
#include "../runtime/runtime.h"

const char program_name[] = "large-code";

/* Calls. */
PARAMETER(n, 10000, "");

#define FUNCTIONS_SHIFT 12
#define FUNCTIONS (1u << FUNCTIONS_SHIFT)
#define FUNCTION_BYTES 64

static uint8_t *code;

static void emit(const void *bytes, uint32_t length) {
  for (uint32_t i = 0; i < length; i++) *code++ = ((const uint8_t *)bytes)[i];
}

static void emit_word(uint32_t word) { emit(&word, sizeof word); }

/*
 * One function: EAX and ECX in, EAX out, EDX lost; twelve instructions, or eleven where the branch is taken:
 *
 *   lea   edx, [eax + ecx * 2 + constant]    add/xor/sub eax, edx     imul  eax, eax, constant
 *   push  eax    rol   eax, constant         test  al, mask           jz    over
 *   add   eax, constant    over:             pop   edx                xor   eax, edx
 *   add/xor/sub eax, constant                ret
 */
static void emit_function(uint32_t *random) {
  static const uint8_t operation_eax_edx[3] = {0x01, 0x31, 0x29};      /* ADD, XOR, SUB r/m32, r32 */
  static const uint8_t operation_eax_constant[3] = {0x05, 0x35, 0x2d}; /* ADD, XOR, SUB EAX, imm32 */
  emit("\x8d\x94\x48", 3);
  emit_word(xorshift32(random) & 0xffff);
  emit(&operation_eax_edx[random_below(random, 3)], 1);
  emit("\xd0", 1);
  emit("\x69\xc0", 2);
  emit_word(xorshift32(random) | 1);
  emit("\x50\xc1\xc0", 3);
  uint8_t count = (uint8_t)(1 + random_below(random, 31));
  emit(&count, 1);
  uint8_t mask = (uint8_t)(1u << random_below(random, 8));
  emit("\xa8", 1);
  emit(&mask, 1);
  emit("\x74\x05\x05", 3);
  emit_word(xorshift32(random));
  emit("\x5a\x31\xd0", 3);
  emit(&operation_eax_constant[random_below(random, 3)], 1);
  emit_word(xorshift32(random));
  emit("\xc3", 1);
}

uint32_t program(void) {
  uint8_t *functions = allocate(FUNCTIONS * FUNCTION_BYTES, 4096);
  uint32_t random = 521288629u;
  for (uint32_t i = 0; i < FUNCTIONS; i++) {
    code = functions + i * FUNCTION_BYTES;
    emit_function(&random);
  }
  paging_start();

  uint32_t calls = n.value, value = 1, draw = 1;
  roi_begin();
  for (uint32_t i = calls; i > 0; i--) {
    draw = draw * 1664525u + 1013904223u;
    const uint8_t *function = functions + (draw >> (32 - FUNCTIONS_SHIFT)) * FUNCTION_BYTES;
    uint32_t argument = draw;
    __asm__ volatile("call *%[function]"
                     : "+a"(value), "+c"(argument)
                     : [function] "r"(function)
                     : "edx", "cc", "memory");
  }
  roi_end();
  return checksum_add(CHECKSUM_START, value);
}
