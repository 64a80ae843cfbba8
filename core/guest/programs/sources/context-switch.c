/*
 * Context switches: processes in ring 3, each with an address space of its own, touch their pages and yield; the kernel
 * picks the next in turn, loads its CR3 and its kernel stack, and returns to it.
 */
#include "../runtime/machine.h"

const char program_name[] = "context-switch";

/* Switches. */
PARAMETER(n, 1000, "");
PARAMETER(processes, 2, "");
/* Pages that a process writes to before it yields. */
PARAMETER(pages, 16, "");

#define SYSTEM_CALL_VECTOR 0x80
#define STACK_BYTES 4096
#define PROCESSES_MOST 16
#define USER_FLAGS 0x2 /* no interrupts */

struct process {
  struct space space;
  uintptr_t kernel_stack;       /* its top */
  struct trap_frame *suspended; /* on that stack */
};
static struct process table[PROCESSES_MOST];
static uint32_t current, switches, count;

/* ---- A process: alike in all spaces; what its window shows is its own. ---- */
static inline void yield(void) { __asm__ volatile("int $0x80" : : : "memory"); }

static void process_main(void) {
  for (;;) {
    volatile uint32_t *word = (volatile uint32_t *)(uintptr_t)WINDOW;
    for (uint32_t page = pages.value; page > 0; page--, word += PAGE_BYTES / 4) *word = *word * 3 + page;
    yield();
  }
}

/* ---- The kernel. ---- */

/* Called by the entry with what it saved; returns what it shall resume (context-switch32.S, context-switch64.S). */
GENERAL_REGISTERS_ONLY struct trap_frame *schedule(struct trap_frame *frame) {
  table[current].suspended = frame;
  if (switches == n.value) leave_user();
  switches++;
  current = current + 1 == count ? 0 : current + 1;
  struct process *next = &table[current];
  set_kernel_stack(next->kernel_stack);
  write_cr3(next->space.root);
  return next->suspended;
}

void yield_entry(void);

/* A process that has not run yet looks as if it had yielded: its frame, with what IRET takes to ring 3. */
struct first_frame {
  struct trap_frame frame;
  uintptr_t sp, ss;
};

static uintptr_t user_stack(void) { return WINDOW + (pages.value + 1) * PAGE_BYTES - 16; }

static void create(struct process *process, uint32_t number) {
  uintptr_t frames = (uintptr_t)allocate((pages.value + 1) * PAGE_BYTES, PAGE_BYTES);
  space_create(&process->space);
  for (uint32_t page = 0; page <= pages.value; page++) { /* the last is the stack */
    *(uint32_t *)(frames + page * PAGE_BYTES) = number;
    space_map(&process->space, WINDOW + page * PAGE_BYTES, frames + page * PAGE_BYTES);
  }
  process->kernel_stack = (uintptr_t)allocate(STACK_BYTES, 16) + STACK_BYTES;
  struct first_frame *first = (struct first_frame *)(process->kernel_stack - sizeof *first);
  *first = (struct first_frame){
      .frame = {.ip = (uintptr_t)process_main, .cs = USER_CODE, .flags = USER_FLAGS},
      .sp = user_stack(),
      .ss = USER_DATA,
  };
  process->suspended = &first->frame;
}

uint32_t program(void) {
  count = processes.value;
  if (count < 1 || count > PROCESSES_MOST) fail("1 to 16 processes");
  paging_start();
  for (uint32_t i = 0; i < count; i++) create(&table[i], i + 1);
  trap_gate(SYSTEM_CALL_VECTOR, yield_entry, 3);
  set_kernel_stack(table[0].kernel_stack);

  roi_begin();
  write_cr3(table[0].space.root);
  enter_user(process_main, user_stack());
  write_cr3(kernel_space()->root);
  roi_end();

  /* There were n + 1 turns, dealt in order. */
  uint32_t checksum = CHECKSUM_START;
  for (uint32_t i = 0; i < count; i++) {
    uint32_t turns = n.value / count + (i <= n.value % count);
    write_cr3(table[i].space.root);
    for (uint32_t page = 0; page < pages.value; page++) {
      uint32_t expected = i + 1;
      for (uint32_t turn = 0; turn < turns; turn++) expected = expected * 3 + (pages.value - page);
      uint32_t found = *(volatile uint32_t *)(uintptr_t)(WINDOW + page * PAGE_BYTES);
      if (found != expected) fail("a page holds what another process wrote");
      checksum = checksum_add(checksum, found);
    }
  }
  write_cr3(kernel_space()->root);
  return checksum;
}
