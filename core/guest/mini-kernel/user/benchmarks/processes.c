/*
 * Processes made and ended: lmbench's lat_proc, and forkwait (Adams and Agesen, ASPLOS 2006, section 6.2:
 * 40,000 of them).
 */
#include "benchmark.h"

static uint32_t run_forkwait(const struct parameter *n) {
  uint32_t status, ended = 0;
  region_begin();
  for (uint32_t i = 0; i < n->value; i++) {
    if (checked(fork()) == 0) exit(0);
    ended += wait(&status) > 0;
  }
  region_end();
  return checksum_add(CHECKSUM_START, ended);
}

/* Makes children that run a program. */
static uint32_t run_program(uint32_t count, const char *const *words) {
  region_begin();
  for (uint32_t i = 0; i < count; i++) {
    if (checked(fork()) == 0) {
      execute(words[0], words);
      fail("a program does not run");
    }
    wait_well();
  }
  region_end();
  return checksum_add(CHECKSUM_START, count);
}

static uint32_t run_exec(const struct parameter *n) {
  static const char *const words[] = {"/true", 0};
  return run_program(n->value, words);
}

static uint32_t run_shell(const struct parameter *n) {
  static const char *const words[] = {"/sh", "/true", 0};
  return run_program(n->value, words);
}

struct benchmark process_benchmarks[] = {
    {"forkwait", run_forkwait, {{"n", 5, 0}}},
    {"fork", run_forkwait, {{"n", 5, 0}}},
    {"exec", run_exec, {{"n", 5, 0}}},
    {"shell", run_shell, {{"n", 5, 0}}},
    {.name = 0},
};
