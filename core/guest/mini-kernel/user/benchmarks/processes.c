/*
 * Processes made and ended: lmbench's lat_proc, and forkwait (Adams and Agesen, ASPLOS 2006, section 6.2:
 * 40,000 of them). Processes may have memory that they write, which forks then copy.
 */
#include "benchmark.h"
#include "link.h"

#define PAGE 4096u
#define BYTES_MOST (64 * PAGE)
static volatile uint8_t memory[BYTES_MOST];

enum { COUNT, SIZE, LINKING };

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

/* Makes children that run a program: by the first words as it is, by the others linked with libraries. */
static uint32_t run_program(const struct parameter *parameters, const char *const *as_it_is,
                            const char *const *linked) {
  uint32_t count = parameters[COUNT].value, bytes = size_of(parameters);
  const bool is_linked = parameters[LINKING].value != 0;
  const char *const *words = is_linked ? linked : as_it_is;
  if (is_linked) make_libraries(LIBRARIES_MOST);
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
  static const char *const words[] = {"/true", 0}, *const linked[] = {"/true", "1", 0};
  return run_program(parameters, words, linked);
}

/* Shells are linked with libraries for terminals and for loading, too. */
static uint32_t run_shell(const struct parameter *parameters) {
  static const char *const words[] = {"/sh", "/true", 0}, *const linked[] = {"/sh", "3", "/true", "1", 0};
  return run_program(parameters, words, linked);
}

struct benchmark process_benchmarks[] = {
    {"forkwait", run_forkwait, {{"n", 5, 0}, {"size", 0, 0}}},
    {"fork", run_forkwait, {{"n", 5, 0}, {"size", 0, 0}}},
    {"exec", run_exec, {{"n", 5, 0}, {"size", 0, 0}, {"linking", 0, "static,dynamic"}}},
    {"shell", run_shell, {{"n", 5, 0}, {"size", 0, 0}, {"linking", 0, "static,dynamic"}}},
    {.name = 0},
};
