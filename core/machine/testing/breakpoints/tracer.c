/*
 * A debugger of one child that sets debug registers by ptrace (Linux, arch/x86/kernel/ptrace.c) and prints what they made of
 * some code: for each debug exception RIP's distance from the code and the causes in DR6, until INT3.
 *
 *      tracer CODE DATA STACK hex-code dr0 dr1 dr2 dr3 dr7     addresses in hex
 *
 * The code begins with RBX at DATA, RSP at STACK and zeros elsewhere. Exit status 3: the debug registers may not be set.
 */
#include <signal.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <unistd.h>

/* Around each address as many pages below as from it on. */
enum { PAGES_BYTES = 0x4000, BELOW = 0x2000, MOST_EVENTS = 64, NOT_PERMITTED = 3 };
#define DR(n) offsetof(struct user, u_debugreg[n])

static void *map(const char *hex) {
  uint8_t *first = (uint8_t *)strtoul(hex, 0, 16) - BELOW;
  if (mmap(first, PAGES_BYTES, 7, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0) != first) exit(NOT_PERMITTED);
  /* Every page is there before anything is watched. */
  memset(first, 0, PAGES_BYTES);
  return first + BELOW;
}

static void die(pid_t child, int status) {
  kill(child, SIGKILL);
  exit(status);
}

int main(int count, char **arguments) {
  if (count != 10) return 2;
  uint8_t *code = map(arguments[1]);
  uint8_t *data = map(arguments[2]);
  uint8_t *stack = map(arguments[3]);
  const char *hex = arguments[4];
  for (size_t i = 0; hex[2 * i]; i++) {
    unsigned byte;
    sscanf(hex + 2 * i, "%2x", &byte);
    code[i] = byte;
  }
  pid_t child = fork();
  if (child == 0) {
    ptrace(PTRACE_TRACEME, 0, 0, 0);
    raise(SIGSTOP);
    _exit(0);
  }
  int status;
  waitpid(child, &status, 0);
  struct user_regs_struct registers;
  ptrace(PTRACE_GETREGS, child, 0, &registers);
  struct user_regs_struct start = {.cs = registers.cs, .ss = registers.ss, .fs_base = registers.fs_base};
  start.rip = (uintptr_t)code;
  start.rbx = (uintptr_t)data;
  start.rsp = (uintptr_t)stack;
  start.eflags = 0x202;
  start.orig_rax = -1;
  if (ptrace(PTRACE_SETREGS, child, 0, &start) < 0) die(child, NOT_PERMITTED);
  for (int n = 0; n < 4; n++)
    if (ptrace(PTRACE_POKEUSER, child, DR(n), strtoul(arguments[5 + n], 0, 16)) < 0) die(child, NOT_PERMITTED);
  if (ptrace(PTRACE_POKEUSER, child, DR(7), strtoul(arguments[9], 0, 16)) < 0) die(child, NOT_PERMITTED);
  for (int events = 0; events < MOST_EVENTS; events++) {
    ptrace(PTRACE_CONT, child, 0, 0);
    waitpid(child, &status, 0);
    if (!WIFSTOPPED(status) || WSTOPSIG(status) != SIGTRAP) {
      printf("signal %d\n", WIFSTOPPED(status) ? WSTOPSIG(status) : -1);
      die(child, 1);
    }
    long causes = ptrace(PTRACE_PEEKUSER, child, DR(6), 0) & 0xe00f;
    ptrace(PTRACE_GETREGS, child, 0, &registers);
    if (causes == 0) die(child, 0);
    printf("%ld %lx\n", (long)(registers.rip - (uintptr_t)code), causes);
    ptrace(PTRACE_POKEUSER, child, DR(6), 0);
  }
  die(child, 1);
}
