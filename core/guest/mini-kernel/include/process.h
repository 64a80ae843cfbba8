/* Processes and the scheduler. */
#pragma once
#include "file.h"
#include "floating-point.h"
#include "list.h"
#include "segments.h"
#include "signals.h"
#include "space.h"
#include "trap.h"

#define PROCESSES_MOST 64
#define FILES_MOST 16

enum process_state { PROCESS_FREE, PROCESS_READY, PROCESS_WAITING, PROCESS_ENDED };

struct process {
  uint32_t number;
  enum process_state state;
  uint32_t status; /* once ended */
  struct process *parent;
  struct link run_link;    /* in the run queue, while it is ready */
  int counter;             /* ticks left of its turn */
  bool yields;             /* until it runs again, whoever else is ready goes first */
  uintptr_t stack_pointer; /* of the kernel stack, while another process runs */
  struct segments segments; /* likewise */
  struct space space;
  struct file *files[FILES_MOST];
  uint64_t wake_tick;
  struct process *next_sleeper; /* by the tick that wakes it */
  /* Signals: those that wait for delivery, their handlers in user mode, where a handler returns to. */
  uint32_t pending;
  uintptr_t handlers[SIGNALS];
  uintptr_t restorer;
  uintptr_t fault_address; /* that the last SIGSEGV is about */
  struct floating_point floating_point;
  uint8_t stack[KERNEL_STACK_BYTES] __attribute__((aligned(16)));
};

extern struct process *current;

/* The first process, running a program with the words of a line as arguments. */
void process_first(const char *path, const char *line);

/* System calls; negative results are errors. */
intptr_t process_fork(const struct trap_frame *frame);
intptr_t process_execute(struct trap_frame *frame, const char *path, const char *const *arguments);
intptr_t process_wait(uint32_t *status);
_Noreturn void process_exit(uint32_t status);
struct process *process_find(uint32_t number);
void processes_each(void (*does)(struct process *process));

/* Scheduler. Waiting gives up the processor until somebody wakes the queue: the head of a list of waiters. */
void process_ready(struct process *process);
void process_prepare_stack(struct process *process, const struct trap_frame *frame);
void schedule(void);
void yield(void); /* stays ready */
void queue_wait(struct link *queue);
void queue_wake(struct link *queue);
void sleep_until(uint64_t tick);
void sleepers_wake(uint64_t tick);
/* The loop of the processor when nobody is ready; never returns. */
_Noreturn void scheduler_run(void);
/* A tick of the running process's turn; half of it for a child; what an ended child has left of its own. */
void turn_tick(void);
void turn_divide(struct process *child);
void turn_join(const struct process *child);
/* The running process had its turn. */
extern volatile bool turn_is_over;
/* Before a return to user mode, interrupts off. */
void leave_kernel(struct trap_frame *frame);

/* Saves callee-saved registers and the stack pointer, and goes on where another process stopped. */
void switch_stacks(uintptr_t *save, uintptr_t load);

/* Signals. */
void signal_send(struct process *to, unsigned number);
void signals_deliver(struct trap_frame *frame);
void signal_return(struct trap_frame *frame);

/* Clock. */
void clock_start(unsigned hertz);
extern volatile uint64_t ticks;
