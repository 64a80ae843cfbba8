/*
 * What every program may use. There are two runtimes behind it: the bare machine's (console.c, main.c, memory.c and
 * the start32.S or start64.S of the width) and Linux's (linux.c), so that the same object code of a program that
 * needs no privilege also runs on the processor at hand. What only a bare machine has is in machine.h.
 */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "random.h"

/* ---- What a program defines. ---- */

/* Its name as in PROGRAMS (index.ts). */
extern const char program_name[];

/* Prepares, works between roi_begin and roi_end, checks what it can (fail), and returns the checksum of its results,
 * which is the same in both widths. */
uint32_t program(void);

/*
 * A parameter, set by the multiboot command line (`n=100 part=sort`) or by a host that writes `value` into the image;
 * core/guest/programs/parameters.ts reads the same layout. `choices` is empty for a number, else the words that stand
 * for 0, 1, 2, …, separated by commas. Volatile: the compiler must not fold in the default.
 */
struct parameter {
  char name[16];
  char choices[44];
  uint32_t value;
};

#define PARAMETER(identifier, default_value, words)                                                          \
  static volatile struct parameter identifier __attribute__((section("parameters"), used, aligned(4))) = {  \
      .name = #identifier, .choices = words, .value = default_value}

/* ---- Results. ---- */

/* Prints a string; a line should end with '\n'. */
void print(const char *text);
void print_decimal(uint64_t value);
void print_hexadecimal(uint32_t value); /* eight digits */

/* Prints `failed: <reason>` and ends the machine with status 1. */
_Noreturn void fail(const char *reason);

/* Folds a word into a checksum: FNV-1a by words (Fowler, Noll, Vo), started with CHECKSUM_START. */
#define CHECKSUM_START 0x811c9dc5u
static inline uint32_t checksum_add(uint32_t checksum, uint32_t word) { return (checksum ^ word) * 0x01000193u; }

/* ---- The region of interest: what is measured. ---- */

/* Print `begin` and `end` outside of the region and mark its borders (README.md says how). */
void roi_begin(void);
void roi_end(void);

/* Names a phase within the region: 3, 4, … */
void roi_phase(uint32_t phase);

/* ---- Memory. ---- */

/* `bytes` of memory that lasts until the end, writable and executable, with anything in it; `alignment` is a power of two
 * up to 4096. Fails when there is not enough. */
void *allocate(size_t bytes, size_t alignment);

/* Turns paging on as the parameters `paging` and `page` say, for all memory allocated so far. Nothing on Linux. */
void paging_start(void);

/*
 * Reads a word of each page and loads CR3 anew, as often as the parameter `reload` says: some emulators enlarge their
 * translation caches only then. Nothing on Linux.
 */
void paging_warm(const void *memory, size_t bytes);

/* ---- Chance. ---- */

/* A number below `bound`, by multiplication: the bias is below bound / 2³². */
static inline uint32_t random_below(uint32_t *state, uint32_t bound) {
  return (uint32_t)(((uint64_t)xorshift32(state) * bound) >> 32);
}
