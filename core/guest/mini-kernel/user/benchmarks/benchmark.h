/*
 * What a benchmark is: a name, parameters with defaults, a function that does the work between the marks and
 * returns a checksum.
 */
#pragma once
#include "library.h"
#include "system-calls.h"

#define PARAMETERS_MOST 4
struct parameter {
  const char *name;
  uint32_t value;
  const char *choices; /* words separated by commas that stand for 0, 1, 2, …; 0: a number */
};

struct benchmark {
  const char *name;
  uint32_t (*run)(const struct parameter *parameters);
  struct parameter parameters[PARAMETERS_MOST]; /* as many as have names */
};

/* Each file of benchmarks has one list, ended by one without a name. */
extern struct benchmark nano_benchmarks[], call_benchmarks[], process_benchmarks[], memory_benchmarks[],
    switch_benchmarks[], mix_benchmarks[];

/* The region of interest: `begin` is printed before its mark, `end` after. */
void region_begin(void);
void region_end(void);

/* What ends a benchmark when a call failed that never should. */
static inline intptr_t checked(intptr_t result) {
  if (result < 0) fail("a system call failed");
  return result;
}
/* Waits for a child, which must have ended well. */
void wait_well(void);
