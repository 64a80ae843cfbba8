/*
 * The scheduler: round robin over those that are ready. A process runs until it waits, or until a tick finds
 * it in user mode; the kernel itself is not preempted. Interrupt handlers wake processes, so queues change
 * with interrupts off.
 */
#include "console.h"
#include "process.h"

#define SAVED_REGISTERS (LEVELS == 3 ? 4 : 6) /* that switch_stacks pops */

struct process *current;
volatile bool turn_is_over;

static struct queue ready;
static struct process *sleepers; /* by the tick that wakes them */
static uintptr_t scheduler_stack;

static void queue_add(struct queue *queue, struct process *process) {
  process->next = 0;
  if (queue->first == 0) queue->first = process;
  else queue->last->next = process;
  queue->last = process;
}

static struct process *queue_take(struct queue *queue) {
  struct process *process = queue->first;
  if (process != 0) queue->first = process->next;
  return process;
}

void process_ready(struct process *process) {
  uintptr_t saved = port->interrupts_save();
  process->state = PROCESS_READY;
  queue_add(&ready, process);
  port->interrupts_restore(saved);
}

/* Runs a process until it comes back. Interrupts are off. */
static void switch_to(struct process *next) {
  struct process *before = current;
  current = next;
  port->batch_begin();
  if (before != 0) floating_point_leave(before);
  if (next != 0) {
    turn_is_over = false;
    port->set_kernel_stack((uintptr_t)next->stack + KERNEL_STACK_BYTES);
    space_activate(&next->space);
    floating_point_enter(next);
  }
  port->batch_end();
  switch_stacks(before != 0 ? &before->stack_pointer : &scheduler_stack,
                next != 0 ? next->stack_pointer : scheduler_stack);
}

/* Gives up the processor. The current process is in some queue, or ended. */
void schedule(void) {
  uintptr_t saved = port->interrupts_save();
  struct process *next = queue_take(&ready);
  if (next == current && next != 0) turn_is_over = false;
  else switch_to(next); /* to nobody: the idle loop */
  port->interrupts_restore(saved);
}

void yield(void) {
  uintptr_t saved = port->interrupts_save();
  queue_add(&ready, current);
  schedule();
  port->interrupts_restore(saved);
}

_Noreturn void scheduler_run(void) {
  for (;;) {
    port->interrupts_off();
    struct process *next = queue_take(&ready);
    if (next != 0) switch_to(next);
    else port->wait();
  }
}

void queue_wait(struct queue *queue) {
  uintptr_t saved = port->interrupts_save();
  current->state = PROCESS_WAITING;
  queue_add(queue, current);
  schedule();
  port->interrupts_restore(saved);
}

void queue_wake(struct queue *queue) {
  uintptr_t saved = port->interrupts_save();
  for (struct process *process; (process = queue_take(queue)) != 0;) process_ready(process);
  port->interrupts_restore(saved);
}

void sleep_until(uint64_t tick) {
  uintptr_t saved = port->interrupts_save();
  struct process **place = &sleepers;
  while (*place != 0 && (*place)->wake_tick <= tick) place = &(*place)->next;
  current->wake_tick = tick;
  current->state = PROCESS_WAITING;
  current->next = *place;
  *place = current;
  schedule();
  port->interrupts_restore(saved);
}

void sleepers_wake(uint64_t tick) {
  while (sleepers != 0 && sleepers->wake_tick <= tick) {
    struct process *process = sleepers;
    sleepers = process->next;
    process_ready(process);
  }
}

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
    if (turn_is_over) yield();
  }
  port->interrupts_before_return(frame);
}
