/*
 * Traps and callbacks. Segments are Xen's; the kernel stack is told to it (memory.c, with the switch of
 * spaces).
 */
#include "xen.h"

#include "abi-entry.h"

extern const char xen_stubs[]; /* entry32.S, entry64.S: of XEN_STUB_BYTES each */
void xen_system_call_entry(void);
void xen_syscall_entry(void);
void xen_failsafe(void);

#define EXCEPTIONS 20 /* with vectors from 0 on that Xen lets guests have */
#define RING_USER 3

static struct trap_info traps[EXCEPTIONS + 2];

static word stub_of(unsigned vector) { return (word)(xen_stubs + vector * XEN_STUB_BYTES); }

void xen_processor_start(void) {
  struct trap_info *next = traps;
  for (unsigned vector = 0; vector < EXCEPTIONS; vector++) {
    if (vector == VECTOR_NMI) continue;
    unsigned ring = vector == VECTOR_BREAKPOINT ? RING_USER : 0;
    *next++ = (struct trap_info){(uint8_t)vector, (uint8_t)(ring | TRAP_MASK_EVENTS), FLAT_KERNEL_CS,
                                 stub_of(vector)};
  }
  /* The handler leaves the mask alone, so Xen can have a 32-bit program's INT enter it directly. */
  *next = (struct trap_info){VECTOR_SYSTEM_CALL, RING_USER, FLAT_KERNEL_CS, (word)xen_system_call_entry};
  xen_call(SET_TRAP_TABLE, (word)traps, 0, 0, 0);
#ifdef __x86_64__
  xen_call(SET_CALLBACKS, (word)xen_event_entry, (word)xen_failsafe, (word)xen_syscall_entry, 0);
#else
  xen_call(SET_CALLBACKS, FLAT_KERNEL_CS, (word)xen_event_entry, FLAT_KERNEL_CS, (word)xen_failsafe);
#endif
}
