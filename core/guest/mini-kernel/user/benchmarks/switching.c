/*
 * lmbench's lat_ctx and lat_pipe: a token goes round a ring of processes by pipes; whoever has it sums up
 * memory of its own, or computes with floating point, whose registers each keeps from turn to turn.
 */
#include "benchmark.h"
#include "arithmetic.h"

#define PROCESSES_MOST 16
#define WORDS_MOST (64 * 1024 / 4)
static volatile uint32_t memory[WORDS_MOST];

struct ring {
  uint32_t rounds, processes;
  uint32_t bytes;     /* that each sums up */
  uint32_t computing; /* so many of the processes compute, the first ones */
};

static uint32_t sum_memory(uint32_t bytes) {
  uint32_t sum = 0;
  for (uint32_t i = 0; i < bytes / 4; i++) sum += memory[i];
  return sum;
}

static void fill_memory(uint32_t bytes) {
  for (uint32_t i = 0; i < bytes / 4; i++) memory[i] = i;
}

static bool computes(const struct ring *ring, uint32_t place) { return place < ring->computing; }

static void begin(const struct ring *ring, uint32_t place) {
  fill_memory(ring->bytes); /* a copy of one's own */
  if (computes(ring, place)) floating_point_begin(place);
}

/* What a process adds to the token. */
static uint32_t take_turn(const struct ring *ring, uint32_t place) {
  uint32_t sum = sum_memory(ring->bytes) + 1;
  if (computes(ring, place)) {
    floating_point_step();
    sum += floating_point_sum();
  }
  return sum;
}

/* Passes the token on, changed, until the one before closes its end. */
static _Noreturn void pass_on(const struct ring *ring, uint32_t place, intptr_t from, intptr_t to) {
  uint32_t token;
  begin(ring, place);
  while (read(from, &token, sizeof token) == sizeof token) {
    token += take_turn(ring, place);
    checked(write(to, &token, sizeof token));
  }
  exit(0);
}

/* Sends the token round once, and changes it as each of the ring does. */
static uint32_t send_round(const struct ring *ring, intptr_t to, intptr_t from, uint32_t token) {
  token += take_turn(ring, 0);
  checked(write(to, &token, sizeof token));
  if (read(from, &token, sizeof token) != sizeof token) fail("the token is lost");
  return token;
}

static uint32_t run_ring(const struct ring *ring) {
  const uint32_t processes = ring->processes;
  if (processes < 1 || processes > PROCESSES_MOST) fail("processes is not from 1 to 16");
  if (ring->bytes > sizeof memory) fail("size is above 64K");
  begin(ring, 0);
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
      pass_on(ring, i, from[0], next[1]);
    }
    close(from[0]);
    if (i > 1) close(from[1]);
    from[0] = next[0], from[1] = next[1];
  }
  if (processes > 1) close(from[1]);
  send_round(ring, first[1], from[0], 0); /* not measured: each runs for the first time */
  uint32_t token = 1;
  region_begin();
  for (uint32_t i = 0; i < ring->rounds; i++) token = send_round(ring, first[1], from[0], token);
  region_end();
  close(first[1]);
  for (uint32_t i = 1; i < processes; i++) wait_well();
  return checksum_add(CHECKSUM_START, token);
}

static uint32_t run_context_switch(const struct parameter *parameters) {
  return run_ring(&(struct ring){
      .rounds = parameters[0].value, .processes = parameters[1].value, .bytes = parameters[2].value});
}
static uint32_t run_floating_point(const struct parameter *parameters) {
  return run_ring(&(struct ring){
      .rounds = parameters[0].value, .processes = parameters[1].value, .computing = parameters[2].value});
}
static uint32_t run_pipe(const struct parameter *parameters) {
  return run_ring(&(struct ring){.rounds = parameters[0].value, .processes = 2});
}

struct benchmark switch_benchmarks[] = {
    {"context-switch", run_context_switch, {{"n", 10, 0}, {"processes", 2, 0}, {"size", 0, 0}}},
    {"fpu-switch", run_floating_point, {{"n", 10, 0}, {"processes", 2, 0}, {"computing", 2, 0}}},
    {"pipe", run_pipe, {{"n", 20, 0}}},
    {.name = 0},
};
