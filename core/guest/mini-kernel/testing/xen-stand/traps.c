/*
 * What traps to the stand: hypercalls, interrupts, which become events, and all else, which bounces into the
 * guest's handlers. A frame for the guest is what Xen makes: the processor's, with the event mask beside CS
 * (32-bit) or RCX and R11 below (64-bit).
 */
#include "descriptors.h"
#include "instructions.h"
#include "stand.h"
#include "trap-stubs.h"

#ifdef __x86_64__
#define IOPL_OF_KERNEL 0x3000
#else
#define IOPL_OF_KERNEL 0x1000
#endif
#define IOPL 0x3000
#define FLAGS_OFF_IN_HANDLERS (IOPL | 0x100) /* and TF */

static uint64_t descriptors[DESCRIPTOR_TABLE_BYTES / 8];
static struct task_state task __attribute__((aligned(16)));
static struct gate gates[GATES] __attribute__((aligned(16)));

extern char stand_stubs[], stand_stub_80[], stand_stub_82[], stand_stack_top[];
void stand_syscall(void);

static void set_gate(unsigned vector, uintptr_t offset, unsigned ring) {
  gates[vector].offset_low = (uint16_t)offset;
  gates[vector].selector = STAND_CODE;
  gates[vector].attributes = (uint16_t)(0x8e00 | ring << 13);
  gates[vector].offset_middle = (uint16_t)(offset >> 16);
#ifdef __x86_64__
  gates[vector].offset_high = (uint32_t)(offset >> 32);
#endif
}

static void set_segment(unsigned selector, unsigned access, unsigned flags) {
  descriptors[selector / 8] = 0xf00000000ffffull | (uint64_t)access << 40 | (uint64_t)flags << 52;
}

static void load_tables(void) {
  struct __attribute__((packed)) {
    uint16_t limit;
    uintptr_t base;
  } pointer = {sizeof descriptors - 1, (uintptr_t)descriptors},
    interrupts = {sizeof gates - 1, (uintptr_t)gates};
  __asm__ volatile("lgdt %0\n\tlidt %1\n\tltr %2"
                   :
                   : "m"(pointer), "m"(interrupts), "r"((uint16_t)STAND_TASK));
#ifdef __x86_64__
  __asm__ volatile("push %0\n\tlea 1f(%%rip), %%rax\n\tpush %%rax\n\tlretq\n1:"
                   :
                   : "i"(STAND_CODE)
                   : "rax", "memory");
#else
  __asm__ volatile("ljmp %0, $1f\n1:\tmov %1, %%ss" : : "i"(STAND_CODE), "r"(STAND_DATA) : "memory");
#endif
}

void traps_start(void) {
  uintptr_t base = (uintptr_t)&task;
  task.sp0 = (uintptr_t)stand_stack_top;
  task.io_map = sizeof task;
  descriptors[STAND_TASK / 8] = (sizeof task - 1) | (uint64_t)(base & 0xffffff) << 16 | 0x89ull << 40 |
                                (uint64_t)(base >> 24 & 0xff) << 56;
  set_segment(STAND_DATA, 0x93, 0xc);
#ifdef __x86_64__
  descriptors[STAND_TASK / 8 + 1] = base >> 32;
  set_segment(STAND_CODE, 0x9b, 0xa);
  set_segment(FLAT_USER_CS, 0xfb, 0xa);
  set_segment(FLAT_USER_DS, 0xf3, 0xc);
  write_msr(0xc0000081, (uint64_t)(FLAT_USER_DS - 8) << 48 | (uint64_t)STAND_CODE << 32);
  write_msr(0xc0000082, (uintptr_t)stand_syscall);
  write_msr(0xc0000084, 0x300);
#else
  task.ss0 = STAND_DATA;
  set_segment(STAND_CODE, 0x9b, 0xc);
  set_segment(FLAT_KERNEL_CS, 0xbb, 0xc);
  set_segment(FLAT_KERNEL_SS, 0xb3, 0xc);
  set_segment(FLAT_USER_CS, 0xfb, 0xc);
  set_segment(FLAT_USER_DS, 0xf3, 0xc);
  set_gate(VECTOR_HYPERCALL, (uintptr_t)stand_stub_82, 1);
#endif
  for (unsigned vector = 0; vector < VECTORS; vector++)
    set_gate(vector, (uintptr_t)stand_stubs + vector * TRAP_STUB_BYTES, 0);
  set_gate(VECTOR_SYSTEM_CALL, (uintptr_t)stand_stub_80, 3);
  load_tables();
}

/* ---- Into the guest's kernel. ---- */

static bool is_guests_kernel(const struct trap_frame *frame) {
#ifdef __x86_64__
  (void)frame;
  return guest.is_in_kernel;
#else
  return (frame->cs & 3) == 1;
#endif
}

static void bounce(struct trap_frame *frame, uintptr_t address, bool has_error, bool masks_events) {
  bool was_kernel = is_guests_kernel(frame);
  uint8_t mask = shared.vcpus[0].upcall_mask;
  uintptr_t flags = (frame->flags & ~(uintptr_t)(FLAGS_INTERRUPT | IOPL)) | (mask ? 0 : FLAGS_INTERRUPT);
  uintptr_t *stack = (uintptr_t *)(was_kernel ? frame->sp : guest.kernel_stack);
  if (address == 0) stand_end("a trap that the guest does not handle", frame->vector);
#ifdef __x86_64__
  if (!was_kernel) space_load(guest.kernel_space);
  stack = (uintptr_t *)((uintptr_t)stack & ~(uintptr_t)15);
  *--stack = frame->ss;
  *--stack = frame->sp;
  *--stack = flags;
  *--stack = was_kernel ? frame->cs & ~(uintptr_t)3 : frame->cs;
  *--stack = frame->ip;
  if (has_error) *--stack = frame->error;
  *--stack = frame->r11;
  *--stack = frame->cx;
  guest.is_in_kernel = true;
#else
  if (!was_kernel) *--stack = frame->ss, *--stack = frame->sp;
  *--stack = flags;
  *--stack = frame->cs | (uintptr_t)mask << 16;
  *--stack = frame->ip;
  if (has_error) *--stack = frame->error;
#endif
  if (masks_events) shared.vcpus[0].upcall_mask = 1;
  frame->ip = address;
  frame->cs = FLAT_KERNEL_CS;
  frame->ss = FLAT_KERNEL_SS;
  frame->sp = (uintptr_t)stack;
  frame->flags = (frame->flags & ~(uintptr_t)FLAGS_OFF_IN_HANDLERS) | FLAGS_INTERRUPT | IOPL_OF_KERNEL;
}

void guest_return(struct trap_frame *frame) {
  const uintptr_t *stack = (const uintptr_t *)frame->sp;
  bool is_user;
#ifdef __x86_64__
  frame->ax = stack[0], frame->r11 = stack[1];
  if (!(stack[3] & 0x100)) frame->cx = stack[2];
  stack += 4;
  is_user = (stack[1] & 3) == 3;
  frame->sp = stack[3], frame->ss = FLAT_KERNEL_SS;
  frame->cs = stack[1] | 3;
  uintptr_t ip = stack[0], flags = stack[2];
  if (is_user) guest.is_in_kernel = false, space_load(guest.user_space); /* the stack is not mapped there */
#else
  frame->ax = *stack++;
  is_user = (stack[1] & 3) == 3;
  uintptr_t ip = stack[0], flags = stack[2];
  frame->cs = stack[1] & 0xffff;
  if (is_user) frame->sp = stack[3], frame->ss = stack[4];
  else frame->sp = (uintptr_t)(stack + 3);
#endif
  shared.vcpus[0].upcall_mask = !(flags & FLAGS_INTERRUPT);
  frame->ip = ip;
  frame->flags = (flags & ~(uintptr_t)IOPL) | FLAGS_INTERRUPT | (is_user ? 0 : IOPL_OF_KERNEL);
}

/* ---- Floating point: on, as Xen's guests find it; CR0.TS as the guest wants it. ---- */

#define CR0_MP_NE 0x22
#define CR0_TS 0x8
#define CR4_OSFXSR 0x200

void floating_point_start(void) {
  uintptr_t value;
  __asm__ volatile("mov %%cr0, %0\n\tor %1, %0\n\tmov %0, %%cr0" : "=&r"(value) : "i"(CR0_MP_NE));
  __asm__ volatile("mov %%cr4, %0\n\tor %1, %0\n\tmov %0, %%cr4" : "=&r"(value) : "i"(CR4_OSFXSR));
}

void floating_point_trap(bool on) {
  uintptr_t value;
  __asm__ volatile("mov %%cr0, %0" : "=r"(value));
  __asm__ volatile("mov %0, %%cr0" : : "r"(on ? value | CR0_TS : value & ~(uintptr_t)CR0_TS));
}

/* ---- Out of the guest. ---- */

static void interrupt(unsigned irq) {
  if (irq >= 8) out8(0xa0, 0x20);
  out8(0x20, 0x20);
  if (irq == 0 && guest.timer != 0 && read_tsc() >= guest.timer) {
    guest.timer = 0;
    event_send(guest.timer_channel);
  }
  if (irq != 0 && guest.irq_channels[irq] != 0) event_send(guest.irq_channels[irq]);
}

void wait_for_interrupt(void) { __asm__ volatile("sti\n\thlt\n\tcli" : : : "memory"); }

static void hypercall(struct trap_frame *frame) {
#ifdef __x86_64__
  if (!guest.is_in_kernel) {
    bounce(frame, guest.syscall_callback, false, false);
    return;
  }
  const uintptr_t arguments[] = {frame->di, frame->si, frame->dx, frame->r10};
#else
  const uintptr_t arguments[] = {frame->bx, frame->cx, frame->dx, frame->si};
#endif
  uintptr_t number = frame->ax;
  intptr_t result = hypercall_do(frame, number, arguments);
  frame->ax = (uintptr_t)result;
}

void stand_trap(struct trap_frame *frame) {
  unsigned vector = (unsigned)frame->vector;
  bool is_stands = (frame->cs & 3) == 0;
  if (vector >= VECTOR_IRQ && vector < VECTOR_IRQ + 16) interrupt(vector - VECTOR_IRQ);
  else if (is_stands) stand_end("the stand trapped", frame->ip);
  else if (vector == VECTOR_HYPERCALL) hypercall(frame);
  else {
    uintptr_t cr2;
    __asm__ volatile("mov %%cr2, %0" : "=r"(cr2));
    if (vector == VECTOR_PAGE_FAULT) shared.vcpus[0].cr2 = cr2;
    if (vector == VECTOR_NO_FLOATING_POINT) floating_point_trap(false);
    const struct trap_info *trap = &guest.traps[vector];
    if (vector == VECTOR_SYSTEM_CALL && (trap->flags & 3) != 3) stand_end("INT 0x80 is not the guest's", 0);
    bounce(frame, trap->address, PUSHES_ERROR(vector), (trap->flags & TRAP_MASK_EVENTS) != 0);
  }
  if (!is_stands && shared.vcpus[0].upcall_pending && !shared.vcpus[0].upcall_mask)
    bounce(frame, guest.event_callback, false, true);
}
