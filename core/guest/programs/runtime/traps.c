/*
 * The interrupt descriptor table, the task state segment, and what happens on a trap (SDM 3A, chapters 6 and 7). The
 * interrupt controllers start masked.
 */
#include "descriptors.h"
#include "machine.h"
#include "parameters.h"

#define PIC_MASTER_DATA 0x21
#define PIC_SLAVE_DATA 0xa1

/* The attributes of a gate (SDM 3A, 6.11). */
#define GATE_PRESENT 0x8000
#define GATE_INTERRUPT 0x0e00 /* clears IF on the way in */
#define GATE_DPL_SHIFT 13

#define AVAILABLE_TASK_STATE 0x8900 /* present, DPL 0, type 9 */

static struct gate gates[GATES] __attribute__((aligned(16)));
static struct task_state task __attribute__((aligned(16)));
static void (*handlers[VECTORS])(struct trap_frame *);

extern uint32_t global_descriptors[];
extern const char trap_stubs[]; /* of TRAP_STUB_BYTES each (traps32.S, traps64.S) */

void trap_gate(unsigned vector, void (*entry)(void), unsigned dpl) {
  uintptr_t offset = (uintptr_t)entry;
  gates[vector] = (struct gate){
      .offset_low = (uint16_t)offset,
      .selector = KERNEL_CODE,
      .attributes = (uint16_t)(GATE_PRESENT | GATE_INTERRUPT | dpl << GATE_DPL_SHIFT),
      .offset_middle = (uint16_t)(offset >> 16),
  };
}

void trap_handle(unsigned vector, void (*handler)(struct trap_frame *)) { handlers[vector] = handler; }

/* Called by the stubs. */
void trap(struct trap_frame *frame) {
  if (handlers[frame->vector] != 0) {
    handlers[frame->vector](frame);
    return;
  }
  print("trap ");
  print_decimal(frame->vector);
  print(" error ");
  print_hexadecimal((uint32_t)frame->error);
  print(" at ");
  print_hexadecimal((uint32_t)frame->ip);
  print(" CR2 ");
  print_hexadecimal((uint32_t)read_cr2());
  print("\n");
  end(STATUS_TRAP);
}

void set_kernel_stack(uintptr_t top) { task.sp0 = top; }

void traps_start(void) {
  out8(PIC_MASTER_DATA, 0xff);
  out8(PIC_SLAVE_DATA, 0xff);

  for (unsigned vector = 0; vector < VECTORS; vector++)
    trap_gate(vector, (void (*)(void))(trap_stubs + vector * TRAP_STUB_BYTES), 0);
  struct __attribute__((packed)) {
    uint16_t limit;
    uintptr_t base;
  } pointer = {sizeof gates - 1, (uintptr_t)gates};
  __asm__ volatile("lidt %0" : : "m"(pointer));

#ifndef __x86_64__
  task.ss0 = KERNEL_DATA;
#endif
  task.io_map = sizeof task; /* beyond the limit: no port for ring 3 */
  uint32_t base = (uint32_t)(uintptr_t)&task;
  uint32_t *descriptor = &global_descriptors[TASK_STATE / sizeof *descriptor];
  descriptor[0] = base << 16 | (sizeof task - 1);
  descriptor[1] = (base & 0xff000000) | AVAILABLE_TASK_STATE | (base >> 16 & 0xff);
  __asm__ volatile("ltr %0" : : "r"((uint16_t)TASK_STATE));
}
