/*
 * Descriptor tables, the task state segment, and the ways into the kernel (SDM 3A, chapters 3, 6 and 7; 5.8.7
 * and 5.8.8 for SYSENTER and SYSCALL).
 */
#include "descriptors.h"
#include "instructions.h"
#include "native.h"
#include "selectors.h"
#include "trap-stubs.h"

/* ---- Segments: base 0, limit 4 GiB. Access byte, then flags G, D/B, L. ---- */
#define DESCRIPTOR(access, flags) (0xf00000000ffffull | (uint64_t)(access) << 40 | (uint64_t)(flags) << 52)
#define CODE_RING_0 0x9b
#define DATA_RING_0 0x93
#define CODE_RING_3 0xfb
#define DATA_RING_3 0xf3
#define FLAGS_32 0xc
#define FLAGS_64 0xa
#ifdef __x86_64__
#define FLAGS_KERNEL FLAGS_64
#else
#define FLAGS_KERNEL FLAGS_32
#endif

static uint64_t descriptors[DESCRIPTORS] = {
    [KERNEL_CODE / 8] = DESCRIPTOR(CODE_RING_0, FLAGS_KERNEL),
    [KERNEL_DATA / 8] = DESCRIPTOR(DATA_RING_0, FLAGS_32),
    [USER_CODE_32 / 8] = DESCRIPTOR(CODE_RING_3, FLAGS_32),
    [USER_DATA / 8] = DESCRIPTOR(DATA_RING_3, FLAGS_32),
    [USER_CODE_64 / 8] = DESCRIPTOR(CODE_RING_3, FLAGS_64),
    [USER_CODE_64 / 8 + 1] = DESCRIPTOR(DATA_RING_3, FLAGS_32),
};

/* ---- The task state segment, and gates. ---- */
#define AVAILABLE_TASK_STATE 0x89 /* present, DPL 0, type 9 */
static struct task_state task __attribute__((aligned(16)));

#define GATE_INTERRUPT 0x8e00 /* present; clears IF on the way in */
#define GATE_USER 0x6000      /* DPL 3 */
static struct gate gates[GATES] __attribute__((aligned(16)));

/* Read by the fast entries, which find no stack of the kernel's when they begin. */
uintptr_t native_kernel_stack;
#ifdef __x86_64__
uintptr_t native_user_stack;
#endif

extern const char native_stubs[]; /* entry32.S, entry64.S: of TRAP_STUB_BYTES each */
void native_system_call_entry(void);
void native_sysenter_entry(void);
void native_syscall_entry(void);

struct __attribute__((packed)) table_pointer {
  uint16_t limit;
  uintptr_t base;
};

static void set_gate(unsigned vector, const void *entry, unsigned attributes) {
  uintptr_t offset = (uintptr_t)entry;
  gates[vector] = (struct gate){
      .offset_low = (uint16_t)offset,
      .selector = KERNEL_CODE,
      .attributes = (uint16_t)attributes,
      .offset_middle = (uint16_t)(offset >> 16),
#ifdef __x86_64__
      .offset_high = (uint32_t)(offset >> 32),
#endif
  };
}

static void load_segments(void) {
  struct table_pointer pointer = {sizeof descriptors - 1, (uintptr_t)descriptors};
  __asm__ volatile("lgdt %0" : : "m"(pointer));
#ifdef __x86_64__
  __asm__ volatile(
      "push %0\n\tpush $1f\n\tlretq\n1:\tmov %1, %%ss\n\tmov %1, %%ds\n\tmov %1, %%es\n\t"
      "mov %1, %%fs\n\tmov %1, %%gs"
      :
      : "i"(KERNEL_CODE), "r"(KERNEL_DATA)
      : "memory");
#else
  __asm__ volatile(
      "ljmp %0, $1f\n1:\tmov %1, %%ss\n\tmov %1, %%ds\n\tmov %1, %%es\n\tmov %2, %%fs\n\tmov %2, %%gs"
      :
      : "i"(KERNEL_CODE), "r"(KERNEL_DATA), "r"(0)
      : "memory");
#endif
}

static void load_task(void) {
  uintptr_t base = (uintptr_t)&task;
#ifndef __x86_64__
  task.ss0 = KERNEL_DATA;
#endif
  task.io_map = sizeof task; /* beyond the limit: no port for ring 3 */
  descriptors[TASK_STATE / 8] = (sizeof task - 1) | (uint64_t)(base & 0xffffff) << 16 |
                                (uint64_t)AVAILABLE_TASK_STATE << 40 | (uint64_t)(base >> 24 & 0xff) << 56;
#ifdef __x86_64__
  descriptors[TASK_STATE / 8 + 1] = base >> 32;
#endif
  __asm__ volatile("ltr %0" : : "r"((uint16_t)TASK_STATE));
}

static void load_gates(void) {
  for (unsigned vector = 0; vector < VECTORS; vector++) {
    unsigned user = vector == VECTOR_BREAKPOINT ? GATE_USER : 0;
    set_gate(vector, native_stubs + vector * TRAP_STUB_BYTES, GATE_INTERRUPT | user);
  }
  set_gate(VECTOR_SYSTEM_CALL, (const void *)native_system_call_entry, GATE_INTERRUPT | GATE_USER);
  struct table_pointer pointer = {sizeof gates - 1, (uintptr_t)gates};
  __asm__ volatile("lidt %0" : : "m"(pointer));
}

#ifdef __x86_64__
#define IA32_EFER 0xc0000080
#define IA32_STAR 0xc0000081
#define IA32_LSTAR 0xc0000082
#define IA32_FMASK 0xc0000084
#define EFER_SCE 1
static void allow_fast_calls(void) {
  write_msr(IA32_STAR, (uint64_t)USER_CODE_32 << 48 | (uint64_t)KERNEL_CODE << 32);
  write_msr(IA32_LSTAR, (uintptr_t)native_syscall_entry);
  write_msr(IA32_FMASK, FLAGS_INTERRUPT | FLAGS_DIRECTION);
  write_msr(IA32_EFER, read_msr(IA32_EFER) | EFER_SCE);
}
#else
#define LEAF_FEATURES 1
#define CPUID_EDX_SEP (1u << 11)
#define IA32_SYSENTER_CS 0x174
#define IA32_SYSENTER_ESP 0x175
#define IA32_SYSENTER_EIP 0x176
static void allow_fast_calls(void) {
  if (!(cpuid(LEAF_FEATURES).d & CPUID_EDX_SEP)) return;
  write_msr(IA32_SYSENTER_CS, KERNEL_CODE);
  write_msr(IA32_SYSENTER_ESP, (uintptr_t)&native_kernel_stack); /* where the entry finds its stack */
  write_msr(IA32_SYSENTER_EIP, (uintptr_t)native_sysenter_entry);
}
#endif

void native_processor_start(void) {
  load_segments();
  load_task();
  load_gates();
  allow_fast_calls();
}

void native_set_kernel_stack(uintptr_t top) {
  task.sp0 = top;
  native_kernel_stack = top;
}

uintptr_t native_fault_address(void) {
  uintptr_t value;
  __asm__ volatile("mov %%cr2, %0" : "=r"(value));
  return value;
}

/* ---- Floating point. ---- */

#define CR0_MP (1u << 1)
#define CR0_EM (1u << 2)
#define CR0_TS (1u << 3)
#define CR0_NE (1u << 5)
#define CR4_OSFXSR (1u << 9)
#define CR4_OSXMMEXCPT (1u << 10)

static uintptr_t read_cr0(void) {
  uintptr_t value;
  __asm__ volatile("mov %%cr0, %0" : "=r"(value));
  return value;
}
static void write_cr0(uintptr_t value) { __asm__ volatile("mov %0, %%cr0" : : "r"(value) : "memory"); }

/* x87 is there, with #MF for its exceptions; so are FXSAVE and SSE (SDM 3A, 9.2 and 13.1.3). */
void native_floating_point_start(void) {
  uintptr_t cr4;
  write_cr0((read_cr0() & ~(uintptr_t)(CR0_EM | CR0_TS)) | CR0_MP | CR0_NE);
  __asm__ volatile("mov %%cr4, %0" : "=r"(cr4));
  __asm__ volatile("mov %0, %%cr4" : : "r"(cr4 | CR4_OSFXSR | CR4_OSXMMEXCPT) : "memory");
}

void native_floating_point_trap(void) { write_cr0(read_cr0() | CR0_TS); }

void native_floating_point_allow(void) { __asm__ volatile("clts" : : : "memory"); }
