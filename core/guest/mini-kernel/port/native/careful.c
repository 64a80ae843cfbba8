/*
 * The native port for a kernel that is deprivileged by a monitor which only traps: every change of the
 * interrupt flag is an instruction that traps, CLI or STI, and what the flag was is remembered here, not read
 * from the processor.
 */
#include "port.h"

struct port careful_port;

static bool are_on;

static void interrupts_on(void) {
  are_on = true; /* before: an interrupt that comes at once finds, and leaves, them on */
  native_port.interrupts_on();
}

static void interrupts_off(void) {
  native_port.interrupts_off();
  are_on = false;
}

static void interrupts_taken(void) { are_on = false; }

static uintptr_t interrupts_save(void) {
  uintptr_t saved = are_on;
  interrupts_off();
  return saved;
}

static void interrupts_restore(uintptr_t saved) {
  if (saved) interrupts_on();
  else interrupts_off();
}

/* IRET may leave the flag as it is, so it is set before. What interrupts here is one more frame on the stack.
 */
static void interrupts_before_return(const struct trap_frame *frame) {
  if (frame->flags & FLAGS_INTERRUPT) interrupts_on();
}

static void wait(void) {
  are_on = true;
  native_port.wait();
}

void careful_port_start(void) {
  careful_port = native_port;
  careful_port.interrupts_on = interrupts_on;
  careful_port.interrupts_off = interrupts_off;
  careful_port.interrupts_save = interrupts_save;
  careful_port.interrupts_restore = interrupts_restore;
  careful_port.interrupts_taken = interrupts_taken;
  careful_port.interrupts_before_return = interrupts_before_return;
  careful_port.wait = wait;
  port = &careful_port;
}
