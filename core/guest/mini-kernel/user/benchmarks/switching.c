/*
 * lmbench's lat_ctx and lat_pipe: a token goes round a ring of processes by pipes; whoever has it sums up
 * memory of its own.
 */
#include "benchmark.h"

#define PROCESSES_MOST 16
#define WORDS_MOST (64 * 1024 / 4)
static volatile uint32_t memory[WORDS_MOST];

enum { COUNT, PROCESSES, SIZE };

static uint32_t sum_memory(uint32_t bytes) {
  uint32_t sum = 0;
  for (uint32_t i = 0; i < bytes / 4; i++) sum += memory[i];
  return sum;
}

static void fill_memory(uint32_t bytes) {
  for (uint32_t i = 0; i < bytes / 4; i++) memory[i] = i;
}

/* Passes the token on, changed, until the one before closes its end. */
static _Noreturn void pass_on(intptr_t from, intptr_t to, uint32_t bytes) {
  uint32_t token;
  fill_memory(bytes); /* a copy of one's own */
  while (read(from, &token, sizeof token) == sizeof token) {
    token += sum_memory(bytes) + 1;
    checked(write(to, &token, sizeof token));
  }
  exit(0);
}

/* Sends the token round once, and changes it as each of the ring does. */
static uint32_t send_round(intptr_t to, intptr_t from, uint32_t token, uint32_t bytes) {
  token += sum_memory(bytes) + 1;
  checked(write(to, &token, sizeof token));
  if (read(from, &token, sizeof token) != sizeof token) fail("the token is lost");
  return token;
}

static uint32_t run_ring(uint32_t rounds, uint32_t processes, uint32_t bytes) {
  if (processes < 1 || processes > PROCESSES_MOST) fail("processes is not from 1 to 16");
  if (bytes > sizeof memory) fail("size is above 64K");
  fill_memory(bytes);
  uint32_t first[2], from[2], next[2];
  checked(make_pipe(first));
  from[0] = first[0], from[1] = first[1];
  /* Each child reads where its predecessor writes; this process closes the ring, and may be all of it. */
  for (uint32_t i = 1; i < processes; i++) {
    checked(make_pipe(next));
    if (checked(fork()) == 0) {
      close(first[1]);
      if (i > 1) close(from[1]);
      close(next[0]);
      pass_on(from[0], next[1], bytes);
    }
    close(from[0]);
    if (i > 1) close(from[1]);
    from[0] = next[0], from[1] = next[1];
  }
  if (processes > 1) close(from[1]);
  send_round(first[1], from[0], 0, bytes); /* not measured: each runs for the first time */
  uint32_t token = 1;
  region_begin();
  for (uint32_t i = 0; i < rounds; i++) token = send_round(first[1], from[0], token, bytes);
  region_end();
  close(first[1]);
  for (uint32_t i = 1; i < processes; i++) wait_well();
  return checksum_add(CHECKSUM_START, token);
}

static uint32_t run_context_switch(const struct parameter *parameters) {
  return run_ring(parameters[COUNT].value, parameters[PROCESSES].value, parameters[SIZE].value);
}
static uint32_t run_pipe(const struct parameter *parameters) {
  return run_ring(parameters[COUNT].value, 2, 0);
}

struct benchmark switch_benchmarks[] = {
    {"context-switch", run_context_switch, {{"n", 10, 0}, {"processes", 2, 0}, {"size", 0, 0}}},
    {"pipe", run_pipe, {{"n", 20, 0}}},
    {.name = 0},
};
