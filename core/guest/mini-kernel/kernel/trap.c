/*
 * What happens on a trap: interrupts go to their handlers, page faults to the address space, the others to
 * the process as signals. A fault of the kernel itself, where nothing expects it, is the end.
 */
#include "trap.h"

#include "benchmark.h"
#include "console.h"
#include "port.h"
#include "process.h"
#include "trap-stubs.h"

static void (*handlers[VECTORS])(void);

void interrupt_handle(unsigned vector, void (*handler)(void)) { handlers[vector] = handler; }

static _Noreturn void fatal(const struct trap_frame *frame) {
  print("trap ");
  print_decimal(frame->vector);
  print(" error ");
  print_hexadecimal(frame->error);
  print(" at ");
  print_hexadecimal(frame->ip);
  print(" address ");
  print_hexadecimal(port->fault_address());
  print("\n");
  machine_end(STATUS_TRAP);
}

static unsigned signal_of(uintptr_t vector) {
  switch (vector) {
    case VECTOR_DIVIDE_ERROR:
    case VECTOR_X87:
    case VECTOR_SIMD: return SIGNAL_FPE;
    case VECTOR_INVALID_OPCODE: return SIGNAL_ILLEGAL;
    default: return SIGNAL_SEGMENT;
  }
}

static void page_fault(struct trap_frame *frame) {
  uintptr_t address = port->fault_address();
  if (frame->flags & FLAGS_INTERRUPT) port->interrupts_on();
  if (!from_user(frame) && benchmark_fault(address)) return;
  if (address < USER_TOP && space_fault(&current->space, address, (frame->error & FAULT_WRITE) != 0)) return;
  if (!from_user(frame)) fatal(frame);
  current->fault_address = address;
  signal_send(current, SIGNAL_SEGMENT);
}

static void exception(struct trap_frame *frame) {
  if (!from_user(frame)) {
    if (!benchmark_exception(frame)) fatal(frame);
    return;
  }
  if (frame->vector == VECTOR_NO_FLOATING_POINT) floating_point_load();
  else signal_send(current, signal_of(frame->vector));
}

void trap(struct trap_frame *frame) {
  port->interrupts_taken();
  if (frame->vector == VECTOR_PAGE_FAULT) page_fault(frame);
  else if (frame->vector < VECTORS && handlers[frame->vector] != 0) handlers[frame->vector]();
  else if (frame->vector < VECTOR_IRQ) exception(frame);
  if (!from_user(frame)) {
    port->interrupts_before_return(frame);
    return;
  }
  leave_kernel(frame);
}
