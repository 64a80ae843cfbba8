/*
 * System calls one by one, as lmbench's lat_syscall and lat_sig measure them (McVoy and Staelin, USENIX
 * 1996).
 */
#include "benchmark.h"

static uint32_t run_null_call(const struct parameter *n) {
  uint32_t own = (uint32_t)checked(system_call(CALL_PROCESS, 0, 0, 0));
  region_begin();
  for (uint32_t i = 0; i < n->value; i++)
    if ((uint32_t)system_call(CALL_PROCESS, 0, 0, 0) != own) fail("the process has another number");
  region_end();
  return checksum_add(CHECKSUM_START, own);
}

static uint32_t run_read(const struct parameter *n) {
  intptr_t zero = checked(open("/dev/zero", 0));
  uint32_t bytes = 0;
  uint8_t byte = 1;
  region_begin();
  for (uint32_t i = 0; i < n->value; i++) bytes += (uint32_t)read(zero, &byte, 1);
  region_end();
  return checksum_add(checksum_add(CHECKSUM_START, bytes), byte);
}

static uint32_t run_write(const struct parameter *n) {
  intptr_t null = checked(open("/dev/null", 0));
  uint32_t bytes = 0;
  uint8_t byte = 1;
  region_begin();
  for (uint32_t i = 0; i < n->value; i++) bytes += (uint32_t)write(null, &byte, 1);
  region_end();
  return checksum_add(CHECKSUM_START, bytes);
}

static uint32_t run_stat(const struct parameter *n) {
  struct file_information information = {0};
  uint32_t found = 0;
  region_begin();
  for (uint32_t i = 0; i < n->value; i++) found += stat("/true", &information) == 0;
  region_end();
  return checksum_add(checksum_add(CHECKSUM_START, found), information.kind);
}

static uint32_t run_open_close(const struct parameter *n) {
  uint32_t sum = 0;
  region_begin();
  for (uint32_t i = 0; i < n->value; i++) {
    intptr_t file = open("/true", 0);
    sum += (uint32_t)file;
    checked(close(file));
  }
  region_end();
  return checksum_add(CHECKSUM_START, sum);
}

static volatile uint32_t handled;
static void count_signal(int number, uintptr_t address) {
  (void)address;
  handled += (uint32_t)number;
}

static uint32_t run_signal_install(const struct parameter *n) {
  region_begin();
  for (uint32_t i = 0; i < n->value; i++) handle_signal(SIGNAL_USER_1, count_signal);
  region_end();
  return checksum_add(CHECKSUM_START, handled);
}

static uint32_t run_signal_handle(const struct parameter *n) {
  intptr_t own = system_call(CALL_PROCESS, 0, 0, 0);
  handle_signal(SIGNAL_USER_1, count_signal);
  region_begin();
  for (uint32_t i = 0; i < n->value; i++) send_signal(own, SIGNAL_USER_1);
  region_end();
  return checksum_add(CHECKSUM_START, handled);
}

/* Ticks of the timer while nobody runs, or while a loop does. */
static uint32_t run_ticks(const struct parameter *parameters) {
  uint32_t count = parameters[0].value;
  bool is_work = parameters[1].value != 0;
  region_begin();
  intptr_t end = system_call(CALL_TICKS, 0, 0, 0) + (intptr_t)count;
  if (is_work)
    while (system_call(CALL_TICKS, 0, 0, 0) < end) continue;
  else
    for (uint32_t i = 0; i < count; i++) system_call(CALL_SLEEP, 1, 0, 0);
  region_end();
  return checksum_add(CHECKSUM_START, count);
}

#define COUNT                                                                                                \
  {                                                                                                          \
    { "n", 100, 0 }                                                                                          \
  }
struct benchmark call_benchmarks[] = {
    {"null-call", run_null_call, COUNT},
    {"read", run_read, COUNT},
    {"write", run_write, COUNT},
    {"stat", run_stat, COUNT},
    {"open-close", run_open_close, COUNT},
    {"signal-install", run_signal_install, COUNT},
    {"signal-handle", run_signal_handle, COUNT},
    {"ticks", run_ticks, {{"n", 2, 0}, {"wait", 0, "sleep,work"}}},
    {.name = 0},
};
