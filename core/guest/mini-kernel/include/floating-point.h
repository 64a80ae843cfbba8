/*
 * Floating point: registers of x87 and SSE, which are the processor's and not saved on the way into the kernel.
 * The kernel itself uses none of them.
 */
#pragma once
#include "types.h"

struct process;

/* What FXSAVE stores (SDM 1, 10.5.1). */
#define FLOATING_POINT_BYTES 512
struct floating_point {
  uint8_t registers[FLOATING_POINT_BYTES] __attribute__((aligned(16)));
  bool is_used; /* else the process begins with what FNINIT makes */
};

void floating_point_start(void);
/* At a switch of processes: of the one that gives up the processor, and of the one that gets it. */
void floating_point_leave(struct process *process);
void floating_point_enter(struct process *process);
/* The current process used it (#NM) though its registers are not loaded. */
void floating_point_load(void);
/* A child begins with what the current process has. */
void floating_point_copy(struct process *child);
/* The current process begins anew, or ends. */
void floating_point_drop(void);
