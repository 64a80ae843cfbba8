/*
 * The runtime for a process of Linux, so that the bare processor can run the same object code of a program that needs no
 * privilege. It uses system calls alone, no library (man 2 syscall).
 */
#include "parameters.h"

#ifdef __x86_64__
#define SYS_WRITE 1
#define SYS_MMAP 9
#define SYS_EXIT 60
static long system_call(long number, long a, long b, long c, long d, long e, long f) {
  register long r10 __asm__("r10") = d;
  register long r8 __asm__("r8") = e;
  register long r9 __asm__("r9") = f;
  long result;
  __asm__ volatile("syscall"
                   : "=a"(result)
                   : "0"(number), "D"(a), "S"(b), "d"(c), "r"(r10), "r"(r8), "r"(r9)
                   : "rcx", "r11", "memory");
  return result;
}
#else
#define SYS_WRITE 4
#define SYS_MMAP 192 /* mmap2 */
#define SYS_EXIT 1
static long system_call(long number, long a, long b, long c, long d, long e, long f) {
  long result;
  __asm__ volatile("push %[f]\n\tpush %%ebp\n\tmov 4(%%esp), %%ebp\n\tint $0x80\n\tpop %%ebp\n\tadd $4, %%esp"
                   : "=a"(result)
                   : "0"(number), "b"(a), "c"(b), "d"(c), "S"(d), "D"(e), [f] "m"(f)
                   : "memory");
  return result;
}
#endif

#define STANDARD_OUTPUT 1
#define PROT_READ_WRITE_EXECUTE 7
#define MAP_PRIVATE_ANONYMOUS_LOW 0x62 /* and MAP_32BIT, which 32-bit processes do not mind */
#define ARENA_BYTES (192u << 20)

static uintptr_t next, limit;

_Noreturn void end(enum status status) {
  for (;;) system_call(SYS_EXIT, status, 0, 0, 0, 0, 0);
}

void print(const char *text) {
  long length = 0;
  while (text[length] != 0) length++;
  system_call(SYS_WRITE, STANDARD_OUTPUT, (long)text, length, 0, 0, 0);
}

void *allocate(size_t bytes, size_t alignment) {
  if (next == 0) {
    long arena = system_call(SYS_MMAP, 0, ARENA_BYTES, PROT_READ_WRITE_EXECUTE, MAP_PRIVATE_ANONYMOUS_LOW, -1, 0);
    if (arena < 0 && arena > -4096) fail("not enough memory");
    next = (uintptr_t)arena;
    limit = next + ARENA_BYTES;
  }
  uintptr_t first = (next + alignment - 1) & -(uintptr_t)alignment;
  if (bytes > limit - first) fail("not enough memory");
  next = first + bytes;
  return (void *)first;
}

void paging_start(void) {}
void paging_warm(const void *memory, size_t bytes) { (void)memory, (void)bytes; }
void roi_begin(void) { print("begin\n"); }
void roi_end(void) { print("end\n"); }
void roi_phase(uint32_t phase) { (void)phase; }

/* The words after the program's name, joined again. */
#define LINE_BYTES 1024
static char line[LINE_BYTES];

_Noreturn __attribute__((used)) void linux_main(uintptr_t *stack) {
  size_t length = 0;
  for (uintptr_t i = 2; i <= stack[0]; i++) {
    for (const char *c = (const char *)stack[i]; *c != 0 && length < LINE_BYTES - 2; c++) line[length++] = *c;
    line[length++] = ' ';
  }
  run_program(line);
  end(STATUS_OK);
}

#ifdef __x86_64__
__asm__(".globl start\nstart: mov %rsp, %rdi\n\tand $-16, %rsp\n\tcall linux_main");
#else
__asm__(".globl start\nstart: mov %esp, %eax\n\tand $-16, %esp\n\tpush %eax\n\tcall linux_main");
#endif
