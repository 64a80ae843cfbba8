/*
 * System calls: a loop in ring 3 that calls the kernel and does nothing else. `entry` chooses the way in and out: INT
 * 0x80 and IRET, SYSENTER and SYSEXIT (in 64-bit mode on Intel processors alone), or SYSCALL and SYSRET (64-bit image).
 * The entries to the kernel are in system-call32.S and system-call64.S.
 */
#include "../runtime/machine.h"

const char program_name[] = "system-call";

/* Calls. */
PARAMETER(n, 5000, "");
PARAMETER(entry, 0, "int80,sysenter,syscall");
enum entry { INT80, SYSENTER, SYSCALL };

#define SYSTEM_CALL_VECTOR 0x80
#define IA32_SYSENTER_CS 0x174
#define IA32_SYSENTER_ESP 0x175
#define IA32_SYSENTER_EIP 0x176
#define IA32_EFER 0xc0000080
#define IA32_STAR 0xc0000081
#define IA32_LSTAR 0xc0000082
#define IA32_FMASK 0xc0000084
#define IA32_KERNEL_GS_BASE 0xc0000102
#define EFER_SCE 1
#define STACK_BYTES 4096
#define CPUID_EDX_SEP (1u << 11)

/* ---- The kernel: a table of calls, each with one argument, in the register that the entries pass it in. ---- */
#ifdef __x86_64__
#define CALL
#else
#define CALL __attribute__((regparm(1)))
#endif
enum call { CALL_LEAVE, CALL_MIX };

/* Not initialized, so that it lies apart from code: monitors that translate guard the pages of code against writing. */
static uint32_t state;

GENERAL_REGISTERS_ONLY CALL static uint32_t call_mix(uint32_t argument) { return state = state * 4 + argument; }
GENERAL_REGISTERS_ONLY CALL static uint32_t call_leave(uint32_t argument) {
  (void)argument;
  leave_user();
}

/* Read by the entries. */
uint32_t (*const CALL system_calls[])(uint32_t) = {[CALL_LEAVE] = call_leave, [CALL_MIX] = call_mix};
#ifdef __x86_64__
/* What GS leads to in the kernel: its stack, and room for the user's stack pointer. */
struct {
  uintptr_t kernel_stack, user_stack;
} per_processor;
#endif

void int80_entry(void);
void sysenter_entry(void);
void syscall_entry(void);

/* ---- The user's side. ---- */

/* The register names and what the way in destroys differ; the argument and the result are where C has them. */
static inline uint32_t call_by_int80(uint32_t number, uint32_t argument) {
  uint32_t result;
#ifdef __x86_64__
  __asm__ volatile("int $0x80" : "=a"(result) : "0"(number), "D"(argument)
                   : "rcx", "rdx", "rsi", "r8", "r9", "r10", "r11", "memory");
#else
  __asm__ volatile("int $0x80" : "=a"(result) : "0"(number), "b"(argument) : "memory");
#endif
  return result;
}

static inline uint32_t call_by_sysenter(uint32_t number, uint32_t argument) {
  uint32_t result;
#ifdef __x86_64__
  __asm__ volatile("mov %%rsp, %%rcx\n\tlea 1f(%%rip), %%rdx\n\tsysenter\n1:"
                   : "=a"(result) : "0"(number), "D"(argument)
                   : "rcx", "rdx", "rsi", "r8", "r9", "r10", "r11", "memory");
#else
  __asm__ volatile("mov %%esp, %%ecx\n\tmov $1f, %%edx\n\tsysenter\n1:"
                   : "=a"(result) : "0"(number), "b"(argument) : "ecx", "edx", "memory");
#endif
  return result;
}

#ifdef __x86_64__
static inline uint32_t call_by_syscall(uint32_t number, uint32_t argument) {
  uint32_t result;
  __asm__ volatile("syscall" : "=a"(result) : "0"(number), "D"(argument)
                   : "rcx", "rdx", "rsi", "r8", "r9", "r10", "r11", "memory");
  return result;
}
#endif

static uint32_t calls, returned;

#define USER_LOOP(by)                                                                                        \
  static void user_##by(void) {                                                                              \
    uint32_t result = 0;                                                                                     \
    for (uint32_t i = calls; i > 0; i--) result = call_by_##by(CALL_MIX, result ^ i);                        \
    returned = result;                                                                                       \
    call_by_##by(CALL_LEAVE, 0);                                                                             \
  }
USER_LOOP(int80)
USER_LOOP(sysenter)
#ifdef __x86_64__
USER_LOOP(syscall)
#endif

/* ---- Setting up. ---- */

static void prepare_sysenter(uintptr_t kernel_stack) {
  uint32_t a = 1, b, c, d;
  __asm__ volatile("cpuid" : "+a"(a), "=b"(b), "=c"(c), "=d"(d));
  if (!(d & CPUID_EDX_SEP)) fail("the processor has no SYSENTER");
  write_msr(IA32_SYSENTER_CS, KERNEL_CODE);
  write_msr(IA32_SYSENTER_ESP, kernel_stack);
  write_msr(IA32_SYSENTER_EIP, (uintptr_t)sysenter_entry);
}

#ifdef __x86_64__
static void prepare_syscall(uintptr_t kernel_stack) {
  per_processor.kernel_stack = kernel_stack;
  write_msr(IA32_KERNEL_GS_BASE, (uintptr_t)&per_processor);
  write_msr(IA32_STAR, (uint64_t)USER_CODE_32 << 48 | (uint64_t)KERNEL_CODE << 32);
  write_msr(IA32_LSTAR, (uintptr_t)syscall_entry);
  write_msr(IA32_FMASK, 0);
  write_msr(IA32_EFER, read_msr(IA32_EFER) | EFER_SCE);
}
#endif

uint32_t program(void) {
  uintptr_t kernel_stack = (uintptr_t)allocate(STACK_BYTES, 16) + STACK_BYTES;
  uintptr_t user_stack = (uintptr_t)allocate(STACK_BYTES, 16) + STACK_BYTES;
  paging_start();
  set_kernel_stack(kernel_stack);
  calls = n.value;
  state = 1;

  void (*user)(void) = user_int80;
  enum entry way = entry.value;
  if (way == INT80) trap_gate(SYSTEM_CALL_VECTOR, int80_entry, 3);
  if (way == SYSENTER) prepare_sysenter(kernel_stack), user = user_sysenter;
#ifdef __x86_64__
  if (way == SYSCALL) prepare_syscall(kernel_stack), user = user_syscall;
#else
  if (way == SYSCALL) fail("SYSCALL in 32-bit mode is not for every processor; use the 64-bit image");
#endif

  roi_begin();
  enter_user(user, user_stack);
  roi_end();

  uint32_t expected = 1, result = 0;
  for (uint32_t i = calls; i > 0; i--) result = expected = expected * 4 + (result ^ i);
  if (returned != result || state != expected) fail("other results than without a kernel in between");
  return checksum_add(CHECKSUM_START, returned);
}
