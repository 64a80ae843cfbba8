/*
 * Signals. Delivery puts the interrupted registers onto the user's stack and enters the handler; the handler
 * returns to the restorer of the user's library, whose system call takes the registers back.
 *
 *   user's stack   [ return address: restorer | (32-bit) number, address | struct trap_frame ]
 */
#include "process.h"

#ifdef __x86_64__
#define STACK_ALIGNMENT 16
#define RED_ZONE 128 /* below the stack pointer, still in use (AMD64 psABI, 3.2.2) */
#define CALL_WORDS 1
#else
#define STACK_ALIGNMENT 4
#define RED_ZONE 0
#define CALL_WORDS 3
#endif

/* Flags that a program may set itself (SDM 1, 3.4.3). */
#define USER_FLAGS 0xcd5

void signal_send(struct process *to, unsigned number) { to->pending |= 1u << number; }

static void deliver(struct trap_frame *frame, unsigned number) {
  uintptr_t handler = current->handlers[number];
  uintptr_t saved = (frame->sp - RED_ZONE - sizeof(struct trap_frame)) & ~(uintptr_t)(STACK_ALIGNMENT - 1);
  uintptr_t *words = (uintptr_t *)saved - CALL_WORDS;
  if (number == SIGNAL_KILL || handler == 0 ||
      !space_allows(&current->space, (uintptr_t)words, saved + sizeof(struct trap_frame) - (uintptr_t)words,
                    true))
    process_exit(STATUS_OF_SIGNAL(number));
  *(struct trap_frame *)saved = *frame;
  words[0] = current->restorer;
#ifdef __x86_64__
  frame->di = number;
  frame->si = current->fault_address;
#else
  words[1] = number;
  words[2] = current->fault_address;
#endif
  frame->sp = (uintptr_t)words;
  frame->ip = handler;
  frame->vector = VECTOR_SYSTEM_CALL; /* its registers are no longer those of a fast system call */
}

void signals_deliver(struct trap_frame *frame) {
  unsigned number = (unsigned)__builtin_ctz(current->pending);
  current->pending &= ~(1u << number);
  deliver(frame, number);
}

void signal_return(struct trap_frame *frame) {
  /*
   * The restorer was entered by the handler's return: above the stack pointer are the rest of the words, then
   * the registers.
   */
  uintptr_t saved = frame->sp + (CALL_WORDS - 1) * sizeof(uintptr_t);
  if (!space_allows(&current->space, saved, sizeof(struct trap_frame), false))
    process_exit(STATUS_OF_SIGNAL(SIGNAL_SEGMENT));
  const struct trap_frame *from = (const struct trap_frame *)saved;
  uintptr_t cs = frame->cs, ss = frame->ss, flags = frame->flags;
  *frame = *from;
  frame->cs = cs;
  frame->ss = ss;
  frame->flags = (flags & ~(uintptr_t)USER_FLAGS) | (from->flags & USER_FLAGS);
  frame->vector = VECTOR_SYSTEM_CALL;
#ifndef __x86_64__
  frame->ds = frame->es = port->user_data;
#endif
}
