/* The parts of the stand. */
#pragma once
#pragma GCC visibility push(hidden) /* 64-bit: everything is reached relative to the instruction pointer */
#include "layout.h"
#include "port/xen/abi.h"
#include "trap.h"

typedef uint64_t entry_t;
#define PRESENT 0x1
#define WRITABLE 0x2
#define USER 0x4
#define LARGE 0x80
#define ADDRESS 0x000ffffffffff000ull
#ifdef __x86_64__
#define LEVELS 4
#define GUEST_BASE 0xffffffff80000000
#else
#define LEVELS 3
#define GUEST_BASE 0xc0000000
#endif
#define ENTRIES 512

static inline void *machine_memory(uint64_t address) { return (void *)(STAND_BASE + (uintptr_t)address); }

/* The guest's state besides its registers. */
struct guest {
  bool is_in_kernel; /* 64-bit: which of both modes of ring 3 */
  uintptr_t kernel_stack;
  uint64_t kernel_space, user_space; /* values of CR3 */
  struct trap_info traps[256];
  uintptr_t event_callback, syscall_callback;
  uint64_t timer; /* time stamp at which its event comes; 0: none */
  uint32_t timer_channel, irq_channels[16], channels;
};
extern struct guest guest;
extern struct shared_info shared;

_Noreturn void stand_end(const char *reason, uintptr_t value);
void stand_print(const char *bytes, size_t count);

/* tables.c */
void table_pin(uint64_t frame, unsigned level);
void table_unpin(uint64_t frame);
void table_update(uint64_t pointer, uint64_t value);
void table_map(uintptr_t address, uint64_t value);
void space_load(uint64_t cr3);
void tables_build(uint64_t *top, uint64_t *next_frame, uint64_t first_read_only, uint64_t end_frame);

/* hypercalls.c */
intptr_t hypercall_do(struct trap_frame *frame, uintptr_t number, const uintptr_t *arguments);
void event_send(uint32_t channel);

/* traps.c */
void traps_start(void);
void guest_return(struct trap_frame *frame); /* the hypercall iret */
void floating_point_start(void);
void floating_point_trap(bool on); /* fpu_taskswitch */
void wait_for_interrupt(void);
_Noreturn void stand_enter(struct trap_frame *frame);
