/*
 * Processes made and ended: lmbench's lat_proc, and forkwait (Adams and Agesen, ASPLOS 2006, section 6.2:
 * 40,000 of them). Processes may have memory that they write, which forks then copy.
 */
#include "benchmark.h"

#define PAGE 4096u
#define BYTES_MOST (64 * PAGE)
static volatile uint8_t memory[BYTES_MOST];

enum { COUNT, SIZE };

static uint32_t size_of(const struct parameter *parameters) {
  if (parameters[SIZE].value > BYTES_MOST) fail("size is above 256K");
  return parameters[SIZE].value;
}

static void write_pages(uint32_t bytes) {
  for (uint32_t at = 0; at < bytes; at += PAGE) memory[at]++;
}

static uint32_t run_forkwait(const struct parameter *parameters) {
  uint32_t status, ended = 0, bytes = size_of(parameters);
  write_pages(bytes);
  region_begin();
  for (uint32_t i = 0; i < parameters[COUNT].value; i++) {
    if (checked(fork()) == 0) {
      write_pages(bytes);
      exit(0);
    }
    write_pages(bytes);
    ended += wait(&status) > 0;
  }
  region_end();
  return checksum_add(CHECKSUM_START, ended);
}

/* Makes children that run a program. */
static uint32_t run_program(const struct parameter *parameters, const char *const *words) {
  uint32_t count = parameters[COUNT].value, bytes = size_of(parameters);
  write_pages(bytes);
  region_begin();
  for (uint32_t i = 0; i < count; i++) {
    if (checked(fork()) == 0) {
      execute(words[0], words);
      fail("a program does not run");
    }
    write_pages(bytes);
    wait_well();
  }
  region_end();
  return checksum_add(CHECKSUM_START, count);
}

static uint32_t run_exec(const struct parameter *parameters) {
  static const char *const words[] = {"/true", 0};
  return run_program(parameters, words);
}

static uint32_t run_shell(const struct parameter *parameters) {
  static const char *const words[] = {"/sh", "/true", 0};
  return run_program(parameters, words);
}

struct benchmark process_benchmarks[] = {
    {"forkwait", run_forkwait, {{"n", 5, 0}, {"size", 0, 0}}},
    {"fork", run_forkwait, {{"n", 5, 0}, {"size", 0, 0}}},
    {"exec", run_exec, {{"n", 5, 0}, {"size", 0, 0}}},
    {"shell", run_shell, {{"n", 5, 0}, {"size", 0, 0}}},
    {.name = 0},
};
