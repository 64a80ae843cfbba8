/* Tries what the kernel promises, one line each; the tests read the lines. */
#include "library.h"

#include "arithmetic.h"
#include "layout.h"
#include "system-calls.h"

#define PAGE 4096u
static uint32_t failures;

static void item(const char *name, bool is_good) {
  print(is_good ? "pass " : "FAIL ");
  print(name);
  print("\n");
  failures += !is_good;
}

/* The status that a child ends with which does this. */
static uint32_t status_of_child(void (*does)(void)) {
  uint32_t status = 0;
  if (fork() == 0) {
    does();
    exit(0);
  }
  return wait(&status) < 0 ? UINT32_MAX : status;
}

/* ---- Processes. ---- */

static volatile uint32_t shared_after_fork = 1;
static void changes_memory(void) {
  if (shared_after_fork != 1) exit(2);
  shared_after_fork = 2;
  exit(shared_after_fork == 2 ? 42 : 3);
}

static uint8_t many_pages[8 * PAGE];
static void changes_pages(void) {
  for (uint32_t i = 0; i < sizeof many_pages; i += PAGE) {
    if (many_pages[i] != (uint8_t)(i / PAGE + 1)) exit(2);
    many_pages[i] = 0xee;
  }
}

static void test_fork(void) {
  item("fork: the child's status arrives", status_of_child(changes_memory) == 42);
  item("fork: the parent's memory stays", shared_after_fork == 1);
  for (uint32_t i = 0; i < sizeof many_pages; i += PAGE) many_pages[i] = (uint8_t)(i / PAGE + 1);
  bool is_good = status_of_child(changes_pages) == 0 && status_of_child(changes_pages) == 0;
  for (uint32_t i = 0; i < sizeof many_pages; i += PAGE) is_good &= many_pages[i] == (uint8_t)(i / PAGE + 1);
  item("fork: pages are copied when written", is_good);
  intptr_t before = system_call(CALL_FREE, 0, 0, 0);
  for (int i = 0; i < 20; i++) status_of_child(changes_pages);
  item("fork: an ended child's memory is free again", system_call(CALL_FREE, 0, 0, 0) == before);
  uint32_t status;
  item("wait: fails without children", wait(&status) < 0);
}

static void runs_hello(void) {
  static const char *const words[] = {"/hello", "from", "exec", 0};
  execute("/hello", words);
  exit(9);
}
static void runs_nothing(void) {
  static const char *const words[] = {"/nothing", 0};
  if (execute("/nothing", words) < 0) exit(5);
}
static void runs_shell(void) {
  static const char *const words[] = {"/sh", "/hello", "from", "sh", 0};
  execute("/sh", words);
  exit(9);
}
static void test_exec(void) {
  item("exec: a program runs with its arguments", status_of_child(runs_hello) == 0);
  item("exec: a missing one fails", status_of_child(runs_nothing) == 5);
  item("exec: by a shell", status_of_child(runs_shell) == 0);
}

/* Children of which each has to wait for a tick to be preempted. */
static void test_preemption(void) {
  volatile uint32_t *flags = map(PAGE, PROTECTION_READ | PROTECTION_WRITE | MAP_SHARED);
  if (fork() == 0) {
    while (flags[0] == 0) continue; /* its turn ends by a tick alone */
    flags[1] = 1;
    exit(0);
  }
  if (fork() == 0) {
    flags[0] = 1;
    while (flags[1] == 0) continue;
    exit(0);
  }
  uint32_t status;
  bool is_good = wait(&status) > 0 && wait(&status) > 0;
  item("scheduler: processes that never wait take turns", is_good && flags[1] == 1);
  unmap((void *)flags, PAGE);
}

/* The child goes on with the registers that it was forked with; both change them while the other waits. */
static void test_floating_point(void) {
  enum { STEPS = 5 };
  floating_point_begin(1);
  for (int i = 0; i < 2 * STEPS; i++) floating_point_step();
  uint32_t expected = floating_point_sum(), status = 1;
  floating_point_begin(1);
  for (int i = 0; i < STEPS; i++) floating_point_step();
  if (fork() == 0) {
    for (int i = 0; i < STEPS; i++) {
      floating_point_step();
      system_call(CALL_YIELD, 0, 0, 0);
    }
    exit(floating_point_sum() != expected);
  }
  for (int i = 0; i < STEPS; i++) {
    floating_point_step();
    system_call(CALL_YIELD, 0, 0, 0);
  }
  item("floating point: a child has its parent's registers", wait(&status) > 0 && status == 0);
  item("floating point: each process has its own", floating_point_sum() == expected);
}

static void test_time(void) {
  uint64_t before = 0, after = 0;
  intptr_t ticks = system_call(CALL_TICKS, 0, 0, 0);
  system_call(CALL_TIME, (uintptr_t)&before, 0, 0);
  system_call(CALL_SLEEP, 3, 0, 0);
  system_call(CALL_TIME, (uintptr_t)&after, 0, 0);
  item("sleep: takes as many ticks", system_call(CALL_TICKS, 0, 0, 0) - ticks >= 3);
  item("time: goes on", after > before);
}

/* ---- Memory. ---- */

/* Volatile, for compilers refuse to go there. */
static volatile uintptr_t zero_page = 8, kernel_page = (uintptr_t)KERNEL_BASE + KERNEL_PHYSICAL;
static void writes_zero_page(void) { *(volatile uint32_t *)zero_page = 1; }
static void reads_kernel(void) { *(volatile const uint8_t *)kernel_page; }

static void test_memory(void) {
  uint32_t *memory = map(64 * PAGE, PROTECTION_READ | PROTECTION_WRITE);
  bool is_good = memory != 0;
  for (uint32_t i = 0; is_good && i < 64; i++) {
    is_good &= memory[i * PAGE / 4] == 0;
    memory[i * PAGE / 4] = i;
  }
  for (uint32_t i = 0; is_good && i < 64; i++) is_good &= memory[i * PAGE / 4] == i;
  item("map: memory is zero and stays written", is_good);
  item("unmap: a hole", unmap(memory + 16 * PAGE / 4, 16 * PAGE) == 0 && memory[40 * PAGE / 4] == 40);
  item("read: refuses a buffer with a hole", read(open("/dev/zero", 0), memory, 64 * PAGE) < 0);
  item("unmap: the rest", unmap(memory, 64 * PAGE) == 0);
  volatile uint32_t *shared = map(2 * PAGE, PROTECTION_READ | PROTECTION_WRITE | MAP_SHARED);
  if (fork() == 0) {
    shared[0] = 7;
    shared[PAGE / 4] = 8;
    exit(0);
  }
  uint32_t status;
  wait(&status);
  item("map: shared memory is shared by fork", shared[0] == 7 && shared[PAGE / 4] == 8);
  unmap((void *)shared, 2 * PAGE);
  intptr_t file = open("/true", 0);
  const uint8_t *mapped = map_file(file, PAGE, PROTECTION_READ);
  uint8_t head[4];
  item("map: a file",
       read(file, head, 4) == 4 && mapped[0] == 0x7f && mapped[1] == head[1] && mapped[3] == 'F');
  close(file);
  item("fault: page 0 ends a process", status_of_child(writes_zero_page) == STATUS_OF_SIGNAL(SIGNAL_SEGMENT));
  item("fault: the kernel's memory, too", status_of_child(reads_kernel) == STATUS_OF_SIGNAL(SIGNAL_SEGMENT));
}

/* ---- Signals. ---- */

static volatile int last_number;
static volatile uintptr_t last_address;
static volatile uint8_t *protected_page;

static void remember(int number, uintptr_t address) {
  last_number = number;
  last_address = address;
}
static void mend(int number, uintptr_t address) {
  remember(number, address);
  protect((void *)protected_page, PAGE, PROTECTION_READ | PROTECTION_WRITE);
}
static void end_with_number(int number, uintptr_t address) {
  (void)address;
  exit((uint32_t)number);
}
static void divides_by_zero(void) {
  handle_signal(SIGNAL_FPE, end_with_number);
  __asm__ volatile("divl %2" : : "a"(1), "d"(0), "r"(0) : "cc");
}
static void divides_unhandled(void) { __asm__ volatile("divl %2" : : "a"(1), "d"(0), "r"(0) : "cc"); }
static void runs_privileged(void) { __asm__ volatile("hlt"); }
static void runs_undefined(void) { __asm__ volatile("ud2"); }

static void test_signals(void) {
  handle_signal(SIGNAL_USER_1, remember);
  uintptr_t kept = 0x1234567;
  __asm__ volatile("" : "+r"(kept));
  send_signal(system_call(CALL_PROCESS, 0, 0, 0), SIGNAL_USER_1);
  item("signal: a handler runs and returns", last_number == SIGNAL_USER_1 && kept == 0x1234567);
  protected_page = map(PAGE, PROTECTION_READ | PROTECTION_WRITE);
  protected_page[5] = 1;
  protect((void *)protected_page, PAGE, PROTECTION_READ);
  handle_signal(SIGNAL_SEGMENT, mend);
  protected_page[5] = 2;
  bool is_good = last_number == SIGNAL_SEGMENT && last_address == (uintptr_t)protected_page + 5 &&
                 protected_page[5] == 2;
  item("protect: a handler mends a fault, which is made again", is_good);
  protect((void *)protected_page, PAGE, PROTECTION_NONE);
  last_number = 0;
  item("protect: no right to read", protected_page[5] == 2 && last_number == SIGNAL_SEGMENT);
  handle_signal(SIGNAL_SEGMENT, 0);
  item("signal: SIGFPE", status_of_child(divides_by_zero) == SIGNAL_FPE);
  item("signal: unhandled, it ends the process",
       status_of_child(divides_unhandled) == STATUS_OF_SIGNAL(SIGNAL_FPE));
  item("signal: a privileged instruction",
       status_of_child(runs_privileged) == STATUS_OF_SIGNAL(SIGNAL_SEGMENT));
  item("signal: an undefined one", status_of_child(runs_undefined) == STATUS_OF_SIGNAL(SIGNAL_ILLEGAL));
}

/* ---- Files, pipes, disk. ---- */

static void test_files(void) {
  char text[16] = {0};
  struct file_information information;
  intptr_t file = open("/file", OPEN_CREATE | OPEN_TRUNCATE);
  item("file: written", write(file, "hello, world", 12) == 12);
  seek(file, 7);
  item("file: read back", read(file, text, sizeof text) == 5 && same_text(text, "world"));
  seek(file, PAGE - 2);
  write(file, "abcd", 4);
  seek(file, PAGE - 2);
  item("file: across pages", read(file, text, 4) == 4 && text[0] == 'a' && text[3] == 'd');
  close(file);
  item("stat: its size", stat("/file", &information) == 0 && information.size == PAGE + 2);
  item("file: removed", remove_file("/file") == 0 && open("/file", 0) < 0);
  item("open: fails for what there is not", open("/nothing", 0) < 0);
  item("read: fails without a file", read(15, text, 1) < 0);
}

static void test_pipes(void) {
  enum { BYTES = 3 * PAGE + 100 };
  uint32_t ends[2];
  make_pipe(ends);
  if (fork() == 0) {
    close(ends[0]);
    for (uint32_t i = 0; i < BYTES; i++) {
      uint8_t byte = (uint8_t)(i * 7);
      if (write(ends[1], &byte, 1) != 1) exit(1);
    }
    exit(0);
  }
  close(ends[1]);
  uint8_t buffer[100];
  uint32_t bytes = 0;
  bool is_good = true;
  intptr_t got;
  while ((got = read(ends[0], buffer, sizeof buffer)) > 0)
    for (intptr_t i = 0; i < got; i++) is_good &= buffer[i] == (uint8_t)(bytes++ * 7);
  uint32_t status = 1;
  wait(&status);
  item("pipe: bytes arrive in order, then the end", is_good && bytes == BYTES && status == 0);
  close(ends[0]);
}

static void test_disk(const char *name) {
  intptr_t disk = open(name, 0);
  if (disk < 0) return;
  uint32_t written[128], got[128];
  for (uint32_t i = 0; i < 128; i++) written[i] = i * 0x1234567;
  bool is_good = seek(disk, 3 * 512) == 0 && write(disk, written, 512) == 512;
  is_good &= seek(disk, 3 * 512) == 0 && read(disk, got, 512) == 512;
  for (uint32_t i = 0; i < 128; i++) is_good &= got[i] == written[i];
  print(is_good ? "pass " : "FAIL ");
  print(name);
  print(": a sector comes back\n");
  failures += !is_good;
  close(disk);
}

int main(void) {
  print("selftest\n");
  const enum way ways[] = {BY_INT80, system_call_way}; /* the second is the fastest that the kernel has */
  for (int i = 0; i < 2; i++) {
    system_call_way = ways[i];
    item("call: returns", system_call(CALL_NULL, 0, 0, 0) == 0 && system_call(CALLS, 0, 0, 0) < 0);
    test_fork();
    test_exec();
    test_signals();
  }
  test_preemption();
  test_floating_point();
  test_time();
  test_memory();
  test_files();
  test_pipes();
  test_disk("/dev/disk-pio");
  test_disk("/dev/disk");
  print(failures == 0 ? "ok\n" : "failed: see above\n");
  return failures == 0 ? 0 : 1;
}
