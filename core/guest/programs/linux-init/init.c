/*
 * The first process of the linux-boot scenario: /init of an initramfs, without a C library.
 *
 * It shows that the kernel's paths work which a guest of the lab exercises, prints one line for each to /dev/console,
 * and ends the machine. The counts can be set after "--" on the kernel's command line, which the kernel hands to
 * init as arguments:
 *
 *     console=ttyS0 ... -- syscalls=1000 forks=8 pages=256 end=reset
 *
 *   syscalls=N   getppid() N times                                     (system-call entry and exit)
 *   forks=N      fork, exit in the child, wait in the parent, N times  (copy-on-write, context switch)
 *   pages=N      touch N fresh pages of anonymous memory               (page faults)
 *   end=reset    reboot(2), restart: the reset line, by default (the kernel's reboot= says how)
 *   end=halt     reboot(2), halt: CLI; HLT for ever
 *   end=exit     OUT 0 to the debug-exit port 0xF4 first, so that the kernel's shutdown is not part of the run
 *
 * Build: see README.md beside this file; the result is committed as `init`, so that nobody needs a compiler.
 * System-call numbers and calling convention: System V ABI, AMD64 supplement, A.2.1; asm/unistd_64.h.
 */

enum {
  SYS_write = 1, SYS_mmap = 9, SYS_munmap = 11, SYS_fork = 57, SYS_exit = 60, SYS_wait4 = 61, SYS_uname = 63,
  SYS_getppid = 110, SYS_reboot = 169, SYS_ioperm = 173,
};

enum { STDOUT = 1 };
enum { PAGE_BYTES = 4096 };
enum { PROT_READ_WRITE = 3, MAP_PRIVATE_ANONYMOUS = 0x22 };
enum { DEBUG_EXIT_PORT = 0xf4 };

/* reboot(2), linux/reboot.h */
#define REBOOT_MAGIC1 0xfee1deadUL
#define REBOOT_MAGIC2 672274793UL
#define REBOOT_RESTART 0x01234567UL
#define REBOOT_HALT 0xcdef0123UL

static long call(long number, unsigned long a, unsigned long b, unsigned long c, unsigned long d) {
  register unsigned long r10 __asm__("r10") = d;
  register long r8 __asm__("r8") = -1; /* mmap's descriptor */
  register long r9 __asm__("r9") = 0;  /* and its offset */
  long result;
  __asm__ volatile("syscall"
                   : "=a"(result)
                   : "a"(number), "D"(a), "S"(b), "d"(c), "r"(r10), "r"(r8), "r"(r9)
                   : "rcx", "r11", "memory");
  return result;
}

/* One line in memory, so that a line is one write. */
static char line[256];
static unsigned long used;

static void text(const char *string) {
  while (*string != 0 && used < sizeof line - 1) line[used++] = *string++;
}

static void number(unsigned long value) {
  char digits[20];
  int count = 0;
  do digits[count++] = '0' + value % 10;
  while ((value /= 10) != 0);
  while (count > 0 && used < sizeof line - 1) line[used++] = digits[--count];
}

static void print(void) {
  line[used++] = '\n';
  call(SYS_write, STDOUT, (unsigned long)line, used, 0);
  used = 0;
}

/* The text after "name=" when the argument has that name, else 0. */
static const char *value_of(const char *argument, const char *name) {
  while (*name != 0)
    if (*argument++ != *name++) return 0;
  return *argument == '=' ? argument + 1 : 0;
}

static unsigned long parse(const char *digits) {
  unsigned long value = 0;
  while (*digits >= '0' && *digits <= '9') value = value * 10 + (*digits++ - '0');
  return value;
}

static void set_count(unsigned long *count, const char *argument, const char *name) {
  const char *value = value_of(argument, name);
  if (value != 0) *count = parse(value);
}

/* struct new_utsname, linux/utsname.h: six fields of 65 bytes. */
enum { UTSNAME_FIELD = 65, UTSNAME_RELEASE = 2, UTSNAME_MACHINE = 4 };
static char names[6][UTSNAME_FIELD];

static void report(const char *what, unsigned long count) {
  text("init: ");
  number(count);
  text(what);
  print();
}

static unsigned long system_calls(unsigned long wanted) {
  unsigned long done = 0;
  while (done < wanted && call(SYS_getppid, 0, 0, 0, 0) == 0) done++; /* the first process has no parent: 0 */
  return done;
}

static unsigned long forks(unsigned long wanted) {
  unsigned long done = 0;
  while (done < wanted) {
    long child = call(SYS_fork, 0, 0, 0, 0);
    if (child == 0) call(SYS_exit, 0, 0, 0, 0);
    if (child < 0 || call(SYS_wait4, child, 0, 0, 0) != child) break;
    done++;
  }
  return done;
}

static unsigned long pages(unsigned long wanted) {
  long memory = call(SYS_mmap, 0, wanted * PAGE_BYTES, PROT_READ_WRITE, MAP_PRIVATE_ANONYMOUS);
  unsigned long sum = 0;
  if (wanted == 0 || memory < 0) return 0;
  for (unsigned long i = 0; i < wanted; i++) *(volatile char *)(memory + i * PAGE_BYTES) = 1;
  for (unsigned long i = 0; i < wanted; i++) sum += *(volatile char *)(memory + i * PAGE_BYTES);
  call(SYS_munmap, memory, wanted * PAGE_BYTES, 0, 0);
  return sum;
}

/* `stack` as the kernel leaves it: argc, argv[0..argc-1], 0, environment. */
__attribute__((used)) static void run(unsigned long *stack) {
  unsigned long syscall_count = 1000, fork_count = 8, page_count = 256;
  const char *end = "reset";
  for (unsigned long i = 1; i < stack[0]; i++) {
    const char *argument = (const char *)stack[1 + i];
    set_count(&syscall_count, argument, "syscalls");
    set_count(&fork_count, argument, "forks");
    set_count(&page_count, argument, "pages");
    if (value_of(argument, "end") != 0) end = value_of(argument, "end");
  }

  call(SYS_uname, (unsigned long)names, 0, 0, 0);
  text("init: running on Linux ");
  text(names[UTSNAME_RELEASE]);
  text(" ");
  text(names[UTSNAME_MACHINE]);
  print();
  report(" system calls", system_calls(syscall_count));
  report(" forks", forks(fork_count));
  report(" pages touched", pages(page_count));
  text("init: done, ");
  text(end);
  print();

  if (end[0] == 'e' && call(SYS_ioperm, DEBUG_EXIT_PORT, 1, 1, 0) == 0)
    __asm__ volatile("outb %b0, %w1" : : "a"(0), "d"(DEBUG_EXIT_PORT));
  call(SYS_reboot, REBOOT_MAGIC1, REBOOT_MAGIC2, end[0] == 'h' ? REBOOT_HALT : REBOOT_RESTART, 0);
  call(SYS_exit, 1, 0, 0, 0); /* not reached as root; the kernel panics when init ends */
}

/* The entry of the process: RSP points to argc (System V ABI, AMD64 supplement, 3.4.1). */
__asm__(".globl _start\n"
        "_start:\n"
        "  xorl %ebp, %ebp\n"
        "  movq %rsp, %rdi\n"
        "  andq $-16, %rsp\n"
        "  call run\n"
        "  hlt\n");
