/*
 * The registers of interrupted code as the entries of either port leave them on the kernel stack, and what
 * handles traps.
 */
#pragma once
#include "types.h"
#include "vectors.h"

struct trap_frame {
#ifdef __x86_64__
  uintptr_t r15, r14, r13, r12, r11, r10, r9, r8, di, si, bp, bx, dx, cx, ax;
#else
  uintptr_t ds, es, di, si, bp, unused, bx, dx, cx, ax;
#endif
  uintptr_t vector, error;
  uintptr_t ip, cs, flags, sp, ss; /* sp and ss: in 32-bit mode only from user mode */
};

/* Arguments of a system call; the number is in ax. */
#ifdef __x86_64__
#define ARGUMENT_1(frame) ((frame)->di)
#define ARGUMENT_2(frame) ((frame)->si)
#define ARGUMENT_3(frame) ((frame)->dx)
#else
#define ARGUMENT_1(frame) ((frame)->bx)
#define ARGUMENT_2(frame) ((frame)->si)
#define ARGUMENT_3(frame) ((frame)->di)
#endif

#define SELECTOR_RPL 3
static inline bool from_user(const struct trap_frame *frame) { return (frame->cs & SELECTOR_RPL) == 3; }

/* Called by the entries, interrupts off. */
void trap(struct trap_frame *frame);
void system_call_trap(struct trap_frame *frame);

/* A device's interrupt: its handler runs with interrupts off. */
void interrupt_handle(unsigned vector, void (*handler)(void));

/* What a page fault's error code says (SDM 3A, 4.7). */
#define FAULT_WRITE 2
