/* The parts of the Xen port, which xen.c puts into one table; and hypercalls. */
#pragma once
#include "abi.h"
#include "port.h"

extern const struct xen_start_info *xen_start_info;
extern volatile struct shared_info xen_shared;
extern const uint8_t hypercall_page[];

/*
 * Calls the hypervisor; what registers the arguments are in differs by width. A negative result is an error.
 */
static inline intptr_t hypercall(enum hypercall number, word a, word b, word c, word d) {
  intptr_t result = (intptr_t)(hypercall_page + HYPERCALL_BYTES * number);
#ifdef __x86_64__
  register word fourth __asm__("r10") = d;
  __asm__ volatile("call *%%rax"
                   : "+a"(result), "+D"(a), "+S"(b), "+d"(c), "+r"(fourth)
                   :
                   : "rcx", "r8", "r11", "memory");
#else
  __asm__ volatile("call *%%eax" : "+a"(result), "+b"(a), "+c"(b), "+d"(c), "+S"(d) : : "edi", "memory");
#endif
  return result;
}
/* One that cannot fail unless the port or the hypervisor is wrong. */
void xen_call(enum hypercall number, word a, word b, word c, word d);

void xen_processor_start(void);
void xen_return_to_user(void); /* entry32.S, entry64.S */
void xen_event_entry(void);

/* Requests, sent at once or with others (batch.c). */
void xen_batch_begin(void);
void xen_batch_end(void);
void xen_batch_send(void);
void xen_add_update(uint64_t pointer, uint64_t value);
void xen_add_operation(enum mmuext_command command, word argument);
void xen_set_kernel_stack(uintptr_t top);
void xen_floating_point_trap(void);

void xen_memory_start(struct space *kernel);
word xen_machine_frame(frame_number frame);
uint64_t xen_machine_address(const void *memory);
entry_t xen_make_entry(frame_number frame, unsigned flags);
frame_number xen_entry_frame(entry_t entry);
void xen_set_entry(entry_t *entry, entry_t value, unsigned level);
void xen_set_page(uintptr_t address, entry_t *entry, entry_t value);
void xen_flush_page(uintptr_t address);
void xen_flush_all(void);
/* Whether Xen knows a frame as a table; it becomes one that the kernel cannot write, and memory again. */
bool xen_is_table(frame_number frame);
void xen_table_protect(frame_number table);
void xen_table_release(frame_number table);

void xen_space_made(struct space *space);
void xen_space_dropped(struct space *space);
void xen_activate(struct space *space);
/* An entry of a kernel's top table changes: so does that of its programs'. */
void xen_top_entry_set(const entry_t *entry, entry_t value);
/* Changes what is at an address now, by one hypercall; UVMF flags. Nothing may wait to be sent. */
void xen_map_at(const volatile void *address, entry_t entry, unsigned flags);

void xen_interrupts_on(void);
void xen_interrupts_off(void);
uintptr_t xen_interrupts_save(void);
void xen_interrupts_restore(uintptr_t saved);
void xen_interrupts_before_return(const struct trap_frame *frame);
void xen_wait(void);
void xen_interrupts_start(void);
void xen_irq_enable(unsigned irq, void (*handler)(void));
void xen_virq_enable(unsigned virq, void (*handler)(void));

void xen_timer_start(unsigned hertz, void (*tick)(void));
uint64_t xen_microseconds(void);
