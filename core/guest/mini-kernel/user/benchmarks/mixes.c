/*
 * Mixes of everything: computing alone, which virtualization should not slow down; compiling (processes,
 * programs, files, mappings); a database (random reads through a cache in shared memory, from disk where
 * there is one); a web server (requests by timer, files, copies).
 */
#include "benchmark.h"
#include "numbers.h"

#define PAGE 4096u

/* ---- Computing. ---- */

static uint32_t crc32(const uint8_t *bytes, uint32_t count) {
  uint32_t crc = ~0u;
  for (uint32_t i = 0; i < count; i++) {
    crc ^= bytes[i];
    for (int bit = 0; bit < 8; bit++) crc = crc >> 1 ^ (crc & 1 ? 0xedb88320u : 0);
  }
  return ~crc;
}

static void sort(uint32_t *words, uint32_t count) {
  for (uint32_t gap = count / 2; gap > 0; gap /= 2)
    for (uint32_t i = gap; i < count; i++) {
      uint32_t word = words[i], at = i;
      for (; at >= gap && words[at - gap] > word; at -= gap) words[at] = words[at - gap];
      words[at] = word;
    }
}

#define SIDE 16
static uint32_t multiply(uint32_t *state) {
  static uint32_t a[SIDE][SIDE], b[SIDE][SIDE];
  uint32_t trace = 0;
  for (int i = 0; i < SIDE; i++)
    for (int j = 0; j < SIDE; j++) a[i][j] = xorshift32(state), b[i][j] = xorshift32(state);
  for (int i = 0; i < SIDE; i++)
    for (int j = 0; j < SIDE; j++) {
      uint32_t sum = 0;
      for (int k = 0; k < SIDE; k++) sum += a[i][k] * b[k][j];
      trace = checksum_add(trace, sum);
    }
  return trace;
}

static uint32_t run_compute(const struct parameter *n) {
  static uint32_t words[1024];
  uint32_t state = 1, checksum = CHECKSUM_START;
  region_begin();
  for (uint32_t i = 0; i < n->value; i++) {
    for (uint32_t w = 0; w < 1024; w++) words[w] = xorshift32(&state);
    checksum = checksum_add(checksum, crc32((const uint8_t *)words, sizeof words));
    sort(words, 1024);
    checksum = checksum_add(checksum, words[512]);
    checksum = checksum_add(checksum, multiply(&state));
  }
  region_end();
  return checksum;
}

/* ---- Compiling: a source and a process for each unit; then its object is read. ---- */

static void unit_name(char *name, char first, uint32_t unit) {
  name[0] = '/', name[1] = first, name[2] = '-';
  name[3] = (char)('a' + unit / 26 % 26), name[4] = (char)('a' + unit % 26), name[5] = 0;
}

#define UNITS 8
static void write_source(uint32_t unit) {
  static char line[] = "value = (first + 17) * second - value / 3;\n";
  char name[6];
  unit_name(name, 's', unit);
  intptr_t file = checked(open(name, OPEN_CREATE | OPEN_TRUNCATE));
  for (uint32_t i = 0; i < 60; i++) {
    line[9] = (char)('a' + (i + unit) % 26);
    checked(write(file, line, sizeof line - 1));
  }
  close(file);
}

static uint32_t run_compile(const struct parameter *parameters) {
  const uint32_t count = parameters[0].value;
  uint32_t checksum = CHECKSUM_START;
  char passes[DECIMAL_TEXT];
  const char *const pass_count = decimal_text(parameters[1].value, passes);
  for (uint32_t unit = 0; unit < UNITS; unit++) write_source(unit);
  region_begin();
  for (uint32_t i = 0; i < count; i++) {
    char source[6], object[6];
    unit_name(source, 's', i % UNITS);
    unit_name(object, 'o', i % UNITS);
    const char *const words[] = {"/cc", source, object, pass_count, 0};
    if (checked(fork()) == 0) {
      execute("/cc", words);
      exit(1);
    }
    wait_well();
    uint32_t word;
    intptr_t file = checked(open(object, 0));
    while (read(file, &word, sizeof word) == sizeof word) checksum = checksum_add(checksum, word);
    close(file);
  }
  region_end();
  return checksum;
}

/* ---- A database: a server with a cache in shared memory, and a client that asks for random records. ---- */

enum { COUNT, STORAGE, CACHE };
#define SECTOR 512u
#define SECTORS 128u
#define RECORD_WORDS (SECTOR / 4)
#define SLOTS_MOST 64u

struct slot {
  uint32_t sector; /* and one; 0: empty */
  uint32_t words[RECORD_WORDS];
};

static intptr_t open_storage(uint32_t storage) {
  if (storage == 0) return checked(open("/table", OPEN_CREATE | OPEN_TRUNCATE));
  intptr_t disk = open(storage == 1 ? "/dev/disk-pio" : "/dev/disk", 0);
  if (disk < 0) fail("there is no disk");
  return disk;
}

static void fill_storage(intptr_t storage) {
  uint32_t words[RECORD_WORDS], state = 7;
  for (uint32_t sector = 0; sector < SECTORS; sector++) {
    for (uint32_t i = 0; i < RECORD_WORDS; i++) words[i] = xorshift32(&state);
    checked(seek(storage, sector * SECTOR));
    if (write(storage, words, SECTOR) != SECTOR) fail("the disk is smaller than 64K");
  }
}

static _Noreturn void serve_records(intptr_t storage, intptr_t requests, intptr_t replies, struct slot *slots,
                                    uint32_t cache) {
  uint32_t sector;
  while (read(requests, &sector, sizeof sector) == sizeof sector) {
    uint32_t index = sector % cache;
    if (slots[index].sector != sector + 1) {
      checked(seek(storage, sector * SECTOR));
      checked(read(storage, slots[index].words, SECTOR));
      slots[index].sector = sector + 1;
    }
    checked(write(replies, &index, sizeof index));
  }
  exit(0);
}

static uint32_t run_database(const struct parameter *parameters) {
  uint32_t cache = parameters[CACHE].value, checksum = CHECKSUM_START, state = 3;
  if (cache == 0 || cache > SLOTS_MOST) fail("cache is not from 1 to 64");
  intptr_t storage = open_storage(parameters[STORAGE].value);
  fill_storage(storage);
  struct slot *slots = map(SLOTS_MOST * sizeof(struct slot), PROTECTION_READ | PROTECTION_WRITE | MAP_SHARED);
  uint32_t requests[2], replies[2];
  checked(make_pipe(requests));
  checked(make_pipe(replies));
  if (checked(fork()) == 0) {
    close(requests[1]);
    close(replies[0]);
    serve_records(storage, requests[0], replies[1], slots, cache);
  }
  close(requests[0]);
  close(replies[1]);
  region_begin();
  for (uint32_t i = 0; i < parameters[COUNT].value; i++) {
    uint32_t sector = xorshift32(&state) % SECTORS, index;
    checked(write(requests[1], &sector, sizeof sector));
    if (read(replies[0], &index, sizeof index) != sizeof index) fail("the server is gone");
    checksum = checksum_add(checksum, slots[index].words[i % RECORD_WORDS]);
  }
  region_end();
  close(requests[1]);
  wait_well();
  return checksum;
}

/* ---- A web server: bursts of requests, one a tick, for pages that go from a file into a pipe. ---- */

enum { BURST = 1 };
#define WEB_PAGES 4u
#define WEB_BYTES 2048u

static void make_page(uint32_t number) {
  uint8_t bytes[WEB_BYTES];
  char name[6];
  unit_name(name, 'w', number);
  for (uint32_t i = 0; i < WEB_BYTES; i++) bytes[i] = (uint8_t)(i * (number + 1));
  intptr_t file = checked(open(name, OPEN_CREATE | OPEN_TRUNCATE));
  checked(write(file, bytes, WEB_BYTES));
  close(file);
}

static _Noreturn void serve_pages(intptr_t requests, intptr_t replies) {
  uint8_t buffer[1024];
  uint32_t number;
  while (read(requests, &number, sizeof number) == sizeof number) {
    struct file_information information;
    char name[6];
    unit_name(name, 'w', number);
    checked(stat(name, &information));
    checked(write(replies, &information.size, sizeof information.size));
    intptr_t file = checked(open(name, 0)), bytes;
    while ((bytes = read(file, buffer, sizeof buffer)) > 0) checked(write(replies, buffer, (size_t)bytes));
    close(file);
  }
  exit(0);
}

/* All of a reply, which may come in parts. */
static uint32_t read_reply(intptr_t replies, uint32_t checksum) {
  uint8_t buffer[512];
  uint32_t size, got = 0;
  if (read(replies, &size, sizeof size) != sizeof size) fail("the server is gone");
  while (got < size) {
    intptr_t bytes = read(replies, buffer, size - got < sizeof buffer ? size - got : sizeof buffer);
    if (bytes <= 0) fail("the reply ends early");
    for (intptr_t i = 0; i < bytes; i++, got++)
      if (got % 64 == 0) checksum = checksum_add(checksum, buffer[i]);
  }
  return checksum;
}

static uint32_t run_web(const struct parameter *parameters) {
  uint32_t burst = parameters[BURST].value, checksum = CHECKSUM_START, state = 5;
  for (uint32_t number = 0; number < WEB_PAGES; number++) make_page(number);
  uint32_t requests[2], replies[2];
  checked(make_pipe(requests));
  checked(make_pipe(replies));
  if (checked(fork()) == 0) {
    close(requests[1]);
    close(replies[0]);
    serve_pages(requests[0], replies[1]);
  }
  close(requests[0]);
  close(replies[1]);
  region_begin();
  for (uint32_t i = 0; i < parameters[COUNT].value; i++) {
    if (burst != 0 && i % burst == 0) checked(system_call(CALL_SLEEP, 1, 0, 0));
    uint32_t number = xorshift32(&state) % WEB_PAGES;
    checked(write(requests[1], &number, sizeof number));
    checksum = read_reply(replies[0], checksum);
  }
  region_end();
  close(requests[1]);
  wait_well();
  return checksum;
}

struct benchmark mix_benchmarks[] = {
    {"compute", run_compute, {{"n", 1, 0}}},
    {"compile", run_compile, {{"n", 3, 0}, {"passes", 0, 0}}},
    {"database", run_database, {{"n", 30, 0}, {"storage", 0, "ram,pio,dma"}, {"cache", 16, 0}}},
    {"web", run_web, {{"n", 6, 0}, {"burst", 3, 0}}},
    {.name = 0},
};
