/*
 * The scheduler, after Linux 2.4's (kernel/sched.c: schedule, goodness, try_to_wake_up; __switch_to of i386).
 * The run queue has every process that is ready, the running one too. Each has a counter, the ticks left of
 * its turn: the choice is whoever has most, looking at all of them. Once all have used up theirs, everybody
 * gets a new turn on top of half of what was left, so those who wait come before those who compute.
 *
 * A process runs until it waits, or until its turn ends in user mode: the kernel is not preempted, and, unlike
 * Linux's, a process that is woken never ends the turn of the one that wakes it. There are neither nice values
 * nor threads, the other terms of goodness. Interrupt handlers wake processes, so queues change with
 * interrupts off.
 */
#include "console.h"
#include "process.h"

#define SAVED_REGISTERS (LEVELS == 3 ? 4 : 6) /* that switch_stacks pops */
#define TURN_TICKS 2                          /* at 100 Hz Linux's are six: tests would wait for them */
#define TURN_TICKS_MOST (2 * TURN_TICKS)
#define GOODNESS_YIELDS (-1)                  /* behind everybody else who is ready */

struct process *current;
volatile bool turn_is_over;

static struct link run_queue = LIST_HEAD(run_queue);
static struct process *sleepers; /* by the tick that wakes them */
static uintptr_t scheduler_stack;

/* ---- The run queue. ---- */

void process_ready(struct process *process) {
  uintptr_t saved = port->interrupts_save();
  process->state = PROCESS_READY;
  if (!list_has(&process->run_link)) list_append(&run_queue, &process->run_link);
  port->interrupts_restore(saved);
}

static int goodness(const struct process *process) {
  return process->yields ? GOODNESS_YIELDS : process->counter;
}

static void refill(struct process *process) { process->counter = process->counter / 2 + TURN_TICKS; }

/* The best of the run queue, the first among equals; 0: nobody is ready. */
static struct process *choose(void) {
  for (;;) {
    struct process *best = 0;
    int most = 0;
    for (struct link *link = run_queue.next; link != &run_queue; link = link->next) {
      struct process *process = LIST_MEMBER(link, struct process, run_link);
      int its = goodness(process);
      if (best == 0 || its > most) best = process, most = its;
    }
    if (best == 0 || most != 0) return best;
    processes_each(refill);
  }
}

void turn_tick(void) {
  if (current == 0 || current->counter == 0) return;
  if (--current->counter == 0) turn_is_over = true;
}

/* A child has half of what is left of its parent's turn, and leaves the rest of it: nobody gains by forking. */
void turn_divide(struct process *child) {
  child->counter = (current->counter + 1) / 2;
  current->counter /= 2;
  if (current->counter == 0) turn_is_over = true;
}
void turn_join(const struct process *child) {
  current->counter += child->counter;
  if (current->counter > TURN_TICKS_MOST) current->counter = TURN_TICKS_MOST;
}

/* ---- Switching. ---- */

/* Runs a process until it comes back. Interrupts are off. */
static void switch_to(struct process *next) {
  struct process *before = current;
  current = next;
  port->batch_begin();
  if (before != 0) {
    floating_point_leave(before);
    segments_save(&before->segments);
  }
  if (next != 0) {
    port->set_kernel_stack((uintptr_t)next->stack + KERNEL_STACK_BYTES);
    space_activate(&next->space);
    segments_load(&next->segments);
    floating_point_enter(next);
  }
  port->batch_end();
  switch_stacks(before != 0 ? &before->stack_pointer : &scheduler_stack,
                next != 0 ? next->stack_pointer : scheduler_stack);
}

/* Gives up the processor to the best; to the idle loop if nobody is ready. */
void schedule(void) {
  uintptr_t saved = port->interrupts_save();
  turn_is_over = false;
  if (current->state != PROCESS_READY) list_remove(&current->run_link);
  struct process *next = choose();
  if (next != current) switch_to(next);
  port->interrupts_restore(saved);
}

void yield(void) {
  uintptr_t saved = port->interrupts_save();
  list_remove(&current->run_link);
  list_append(&run_queue, &current->run_link);
  current->yields = true;
  schedule();
  current->yields = false;
  port->interrupts_restore(saved);
}

_Noreturn void scheduler_run(void) {
  for (;;) {
    port->interrupts_off();
    struct process *next = choose();
    if (next != 0) switch_to(next);
    else port->wait();
  }
}

/* ---- Waiting. ---- */

struct waiter {
  struct link link;
  struct process *process;
};

/* Waiters are in the queue until they run again, and are woken all together. */
void queue_wait(struct link *queue) {
  struct waiter waiter = {.process = current};
  current->state = PROCESS_WAITING;
  uintptr_t saved = port->interrupts_save();
  list_append(queue, &waiter.link);
  port->interrupts_restore(saved);
  schedule();
  saved = port->interrupts_save();
  list_remove(&waiter.link);
  port->interrupts_restore(saved);
}

void queue_wake(struct link *queue) {
  uintptr_t saved = port->interrupts_save();
  for (struct link *link = queue->next; link != queue; link = link->next) {
    struct process *process = LIST_MEMBER(link, struct waiter, link)->process;
    if (process->state == PROCESS_WAITING) process_ready(process);
  }
  port->interrupts_restore(saved);
}

void sleep_until(uint64_t tick) {
  uintptr_t saved = port->interrupts_save();
  struct process **place = &sleepers;
  while (*place != 0 && (*place)->wake_tick <= tick) place = &(*place)->next_sleeper;
  current->wake_tick = tick;
  current->state = PROCESS_WAITING;
  current->next_sleeper = *place;
  *place = current;
  schedule();
  port->interrupts_restore(saved);
}

void sleepers_wake(uint64_t tick) {
  while (sleepers != 0 && sleepers->wake_tick <= tick) {
    struct process *process = sleepers;
    sleepers = process->next_sleeper;
    process_ready(process);
  }
}

/* ---- To user mode. ---- */

/* The frame at the bottom of a kernel stack: of the process in user mode. */
static struct trap_frame *user_frame(struct process *process) {
  return (struct trap_frame *)(process->stack + KERNEL_STACK_BYTES) - 1;
}

/* Where a new process begins; it returns to the port's way out of the kernel. */
static void process_begin(void) { port->interrupts_before_return(user_frame(current)); }

/*
 *   stack   [ registers that switch_stacks pops | process_begin | port->return_to_user | trap frame ]
 */
void process_prepare_stack(struct process *process, const struct trap_frame *frame) {
  struct trap_frame *on_stack = user_frame(process);
  *on_stack = *frame;
  uintptr_t *words = (uintptr_t *)on_stack;
  *--words = (uintptr_t)port->return_to_user;
  *--words = (uintptr_t)process_begin;
  for (int i = 0; i < SAVED_REGISTERS; i++) *--words = 0;
  process->stack_pointer = (uintptr_t)words;
}

void leave_kernel(struct trap_frame *frame) {
  port->interrupts_off();
  while (turn_is_over || current->pending != 0) {
    if (current->pending != 0) {
      port->interrupts_on();
      signals_deliver(frame);
      port->interrupts_off();
    }
    if (turn_is_over) schedule();
  }
  port->interrupts_before_return(frame);
}
