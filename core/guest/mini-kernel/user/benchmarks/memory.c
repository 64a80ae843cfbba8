/*
 * Memory as lmbench measures it: lat_mmap (a file mapped, touched and unmapped), lat_pagefault, and the
 * protection fault of lat_sig.
 */
#include "benchmark.h"

#define PAGE 4096u
#define FILE_BYTES_MOST (64 * PAGE)

/* A file of so many bytes, each page with another first word. */
static intptr_t make_file(uint32_t bytes) {
  if (bytes == 0 || bytes > FILE_BYTES_MOST || bytes % PAGE != 0)
    fail("size is no multiple of 4K up to 256K");
  intptr_t file = checked(open("/data", OPEN_CREATE | OPEN_TRUNCATE));
  for (uint32_t at = 0; at < bytes; at += PAGE) {
    uint32_t word = at + 1;
    checked(seek(file, at));
    checked(write(file, &word, sizeof word));
  }
  checked(seek(file, bytes - 1));
  checked(write(file, "", 1));
  return file;
}

enum { COUNT, SIZE };

static uint32_t run_mmap(const struct parameter *parameters) {
  uint32_t bytes = parameters[SIZE].value, checksum = CHECKSUM_START;
  intptr_t file = make_file(bytes);
  region_begin();
  for (uint32_t i = 0; i < parameters[COUNT].value; i++) {
    const uint8_t *memory = map_file(file, bytes, PROTECTION_READ | PROTECTION_WRITE);
    if (memory == 0) fail("no room for a mapping");
    for (uint32_t at = 0; at < bytes; at += PAGE) checksum = checksum_add(checksum, memory[at + 1]);
    checked(unmap((void *)memory, bytes));
  }
  region_end();
  return checksum;
}

static uint32_t run_page_fault(const struct parameter *parameters) {
  uint32_t bytes = FILE_BYTES_MOST, left = parameters[COUNT].value, checksum = CHECKSUM_START;
  intptr_t file = make_file(bytes);
  region_begin();
  while (left > 0) {
    const uint8_t *memory = map_file(file, bytes, PROTECTION_READ);
    for (uint32_t at = 0; at < bytes && left > 0; at += PAGE, left--)
      checksum = checksum_add(checksum, memory[at]);
    checked(unmap((void *)memory, bytes));
  }
  region_end();
  return checksum;
}

static volatile uint32_t caught;
static volatile uintptr_t caught_at;
static uint8_t *page;
static void mend(int number, uintptr_t address) {
  (void)number;
  caught++;
  caught_at = address;
  protect(page, PAGE, PROTECTION_READ | PROTECTION_WRITE);
}

static uint32_t run_protection_fault(const struct parameter *parameters) {
  page = map(PAGE, PROTECTION_READ | PROTECTION_WRITE);
  page[0] = 0;
  handle_signal(SIGNAL_SEGMENT, mend);
  region_begin();
  for (uint32_t i = 0; i < parameters[COUNT].value; i++) {
    protect(page, PAGE, PROTECTION_READ);
    *(volatile uint8_t *)page = (uint8_t)i;
  }
  region_end();
  if (caught_at != (uintptr_t)page) fail("a fault at another address");
  return checksum_add(CHECKSUM_START, caught);
}

struct benchmark memory_benchmarks[] = {
    {"mmap", run_mmap, {{"n", 5, 0}, {"size", 64 << 10, 0}}},
    {"page-fault", run_page_fault, {{"n", 100, 0}}},
    {"protection-fault", run_protection_fault, {{"n", 50, 0}}},
    {.name = 0},
};
