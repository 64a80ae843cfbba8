/*
 * Executes pieces of code on the present processor, each from a given state, and reports the states they end in.
 * native.mjs compiles and feeds it; the layouts are those of core/machine/testing/vectors/state.ts.
 *
 * Code is surrounded by INT3, so each run ends in a signal. The signal's handler is the loop: it reads the interrupted
 * state from the signal frame, writes the next state into the frame, and returns; the kernel loads all registers at once.
 * 16- and 32-bit code runs in this 64-bit process through code segments of the GDT and LDT. While cases run, FS and GS are
 * the cases', so the handler uses no thread-local storage: no libc call that might set errno.
 *
 * Input:   struct header; its segments; the background of the windows; then for each case a struct case_in and its patches,
 *          each a struct patch with its bytes, padded to 4.
 * Output:  for each case a struct case_out and its runs of changed memory, in the same form.
 */
#define _GNU_SOURCE
#include <asm/ldt.h>
#include <asm/prctl.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <ucontext.h>
#include <unistd.h>

struct state {
  uint64_t general[16]; /* in the hardware's order */
  uint64_t rip, flags, fs_base, gs_base;
  uint16_t es, cs, ss, ds, fs, gs;
  uint32_t mxcsr;
  uint16_t x87_control, x87_status;
  uint8_t x87_tags, unused[11];
  uint8_t x87[8][16]; /* physical registers */
  uint8_t xmm[16][16];
};
_Static_assert(sizeof(struct state) == 576, "the layout of state.ts");

struct window { uint32_t address, bytes; };
struct header { uint32_t mode, segments, windows, cases; };
struct patch { uint32_t address, bytes; };
struct case_in { struct state state; uint32_t patches, unused; };
struct case_out { uint32_t vector, error; uint64_t address; struct state state; uint32_t runs, unused; };

/* What a case reports that did not end in time. */
enum { NO_END = 255 };
enum { CASE_SECONDS = 2, MAX_WINDOWS = 4, SIGNAL_STACK = 1 << 16 };
enum { XFEATURE_X87_SSE = 3, XSTATE_BV_OFFSET = 512, X87_TOP_SHIFT = 11 };
/* AC, under which compiled code would fault, and NT and ID, which the kernel does not take from the frame. */
#define FLAGS_OF_CASES "0x244000"

static struct header header;
static struct window windows[MAX_WINDOWS];
static uint8_t *background[MAX_WINDOWS]; /* as at the start of every case */
static uint8_t *before[MAX_WINDOWS];     /* as at the start of this case */
static const uint8_t *input;
static uint8_t *output, *output_end;
static uint32_t done;
static const struct case_in *current;

static long system_call(long number, long a, long b, long c) {
  long result;
  __asm__ volatile("syscall" : "=a"(result) : "a"(number), "D"(a), "S"(b), "d"(c) : "rcx", "r11", "memory");
  return result;
}

/* libc's memcpy is bound before the first case (-z now) and touches no thread-local storage. */
static uint8_t *memory_at(uint32_t address) { return (uint8_t *)(uintptr_t)address; }
static uint32_t padded(uint32_t bytes) { return (bytes + 3) & ~3u; }

/* ucontext's registers in the hardware's order. */
static const int GENERAL[16] = {REG_RAX, REG_RCX, REG_RDX, REG_RBX, REG_RSP, REG_RBP, REG_RSI, REG_RDI,
                                REG_R8,  REG_R9,  REG_R10, REG_R11, REG_R12, REG_R13, REG_R14, REG_R15};

/* The frame's image of FXSAVE has ST(0) first, and full exponents beside each significand. */
static void read_vectors(struct state *state, const struct _libc_fpstate *image) {
  unsigned top = (image->swd >> X87_TOP_SHIFT) & 7;
  state->mxcsr = image->mxcsr;
  state->x87_control = image->cwd;
  state->x87_status = image->swd;
  state->x87_tags = (uint8_t)image->ftw;
  for (unsigned i = 0; i < 8; i++) memcpy(state->x87[(top + i) & 7], &image->_st[i], 10);
  memcpy(state->xmm, image->_xmm, sizeof state->xmm);
}

static void write_vectors(const struct state *state, struct _libc_fpstate *image) {
  unsigned top = (state->x87_status >> X87_TOP_SHIFT) & 7;
  image->mxcsr = state->mxcsr;
  image->cwd = state->x87_control;
  image->swd = state->x87_status;
  image->ftw = state->x87_tags;
  image->fop = 0;
  image->rip = 0;
  image->rdp = 0;
  for (unsigned i = 0; i < 8; i++) memcpy(&image->_st[i], state->x87[(top + i) & 7], 10);
  memcpy(image->_xmm, state->xmm, sizeof state->xmm);
  *(uint64_t *)((uint8_t *)image + XSTATE_BV_OFFSET) |= XFEATURE_X87_SSE; /* else the kernel leaves them out */
}

static void load_segments(const struct state *state) {
  __asm__ volatile("mov %0, %%es" ::"r"(state->es));
  __asm__ volatile("mov %0, %%ds" ::"r"(state->ds));
  __asm__ volatile("mov %0, %%fs" ::"r"(state->fs));
  __asm__ volatile("mov %0, %%gs" ::"r"(state->gs));
  if (header.mode != 64) return;
  system_call(SYS_arch_prctl, ARCH_SET_FS, (long)state->fs_base, 0);
  system_call(SYS_arch_prctl, ARCH_SET_GS, (long)state->gs_base, 0);
}

static void store_segments(struct state *state) {
  __asm__ volatile("mov %%es, %0" : "=rm"(state->es));
  __asm__ volatile("mov %%ds, %0" : "=rm"(state->ds));
  __asm__ volatile("mov %%fs, %0" : "=rm"(state->fs));
  __asm__ volatile("mov %%gs, %0" : "=rm"(state->gs));
  state->fs_base = current->state.fs_base;
  state->gs_base = current->state.gs_base;
  if (header.mode != 64) return;
  system_call(SYS_arch_prctl, ARCH_GET_FS, (long)&state->fs_base, 0);
  system_call(SYS_arch_prctl, ARCH_GET_GS, (long)&state->gs_base, 0);
}

static void finish(void) {
  for (uint8_t *at = output; at < output_end;) {
    long written = system_call(SYS_write, STDOUT_FILENO, (long)at, output_end - at);
    if (written <= 0) system_call(SYS_exit_group, 1, 0, 0);
    at += written;
  }
  system_call(SYS_exit_group, 0, 0, 0);
}

static void report_memory(struct case_out *out) {
  for (uint32_t w = 0; w < header.windows; w++) {
    const uint8_t *now = memory_at(windows[w].address), *then = before[w];
    if (memcmp(now, then, windows[w].bytes) == 0) continue;
    for (uint32_t i = 0; i < windows[w].bytes; i++) {
      if (now[i] == then[i]) continue;
      uint32_t end = i;
      while (end < windows[w].bytes && now[end] != then[end]) end++;
      struct patch *run = (struct patch *)output_end;
      run->address = windows[w].address + i;
      run->bytes = end - i;
      memcpy(run + 1, now + i, end - i);
      output_end += sizeof *run + padded(end - i);
      out->runs++;
      i = end;
    }
  }
}

static void report(int signal, const ucontext_t *context) {
  const greg_t *frame = context->uc_mcontext.gregs;
  struct case_out *out = (struct case_out *)output_end;
  output_end += sizeof *out;
  out->vector = signal == SIGALRM ? NO_END : (uint32_t)frame[REG_TRAPNO];
  out->error = (uint32_t)frame[REG_ERR];
  out->address = (uint64_t)frame[REG_CR2];
  for (int i = 0; i < 16; i++) out->state.general[i] = (uint64_t)frame[GENERAL[i]];
  out->state.rip = (uint64_t)frame[REG_RIP];
  out->state.flags = (uint64_t)frame[REG_EFL];
  const uint16_t *selectors = (const uint16_t *)&frame[REG_CSGSFS]; /* CS, GS, FS, SS */
  out->state.cs = selectors[0];
  out->state.ss = selectors[3];
  store_segments(&out->state);
  read_vectors(&out->state, context->uc_mcontext.fpregs);
  report_memory(out);
}

static void begin(ucontext_t *context) {
  greg_t *frame = context->uc_mcontext.gregs;
  current = (const struct case_in *)input;
  input += sizeof *current;
  for (uint32_t w = 0; w < header.windows; w++) memcpy(memory_at(windows[w].address), background[w], windows[w].bytes);
  for (uint32_t i = 0; i < current->patches; i++) {
    const struct patch *patch = (const struct patch *)input;
    memcpy(memory_at(patch->address), patch + 1, patch->bytes);
    input += sizeof *patch + padded(patch->bytes);
  }
  for (uint32_t w = 0; w < header.windows; w++) memcpy(before[w], memory_at(windows[w].address), windows[w].bytes);

  const struct state *state = &current->state;
  for (int i = 0; i < 16; i++) frame[GENERAL[i]] = (greg_t)state->general[i];
  frame[REG_RIP] = (greg_t)state->rip;
  frame[REG_EFL] = (greg_t)state->flags;
  uint16_t *selectors = (uint16_t *)&frame[REG_CSGSFS];
  selectors[0] = state->cs;
  selectors[3] = state->ss;
  write_vectors(state, context->uc_mcontext.fpregs);
  load_segments(state);
  struct itimerval limit = {.it_value = {.tv_sec = CASE_SECONDS}};
  system_call(SYS_setitimer, ITIMER_REAL, (long)&limit, 0);
}

static void on_signal(int signal, siginfo_t *information, void *context) {
  __asm__ volatile("pushfq; andl $~" FLAGS_OF_CASES ", (%%rsp); popfq" ::: "cc", "memory");
  (void)information;
  if (signal != SIGUSR1) {
    report(signal, context);
    done++;
  }
  if (done == header.cases) finish();
  begin(context);
}

static void need(int condition, const char *what) {
  if (condition) return;
  perror(what);
  exit(1);
}

static void read_exactly(void *into, size_t bytes) { need(fread(into, 1, bytes, stdin) == bytes, "input"); }

static void *allocate(size_t bytes) {
  void *memory = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  need(memory != MAP_FAILED, "mmap");
  return memory;
}

static void map_windows(void) {
  for (uint32_t w = 0; w < header.windows; w++) {
    read_exactly(&windows[w], sizeof windows[w]);
    void *at = memory_at(windows[w].address);
    int protection = PROT_READ | PROT_WRITE | (w == 0 ? PROT_EXEC : 0); /* the first holds code */
    need(mmap(at, windows[w].bytes, protection, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0) == at, "mmap");
    background[w] = allocate(windows[w].bytes);
    before[w] = allocate(windows[w].bytes);
    read_exactly(background[w], windows[w].bytes);
  }
}

int main(void) {
  static const int SIGNALS[] = {SIGUSR1, SIGTRAP, SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGALRM};
  const size_t INPUT_BYTES = (size_t)1 << 30, OUTPUT_BYTES = (size_t)1 << 30; /* reserved, not used */

  read_exactly(&header, sizeof header);
  for (uint32_t i = 0; i < header.segments; i++) {
    struct user_desc segment;
    read_exactly(&segment, sizeof segment);
    /* It returns 32 bits, which syscall() does not take for an error. */
    need((int)syscall(SYS_modify_ldt, 1, &segment, sizeof segment) == 0, "modify_ldt");
  }
  map_windows();
  uint8_t *cases = allocate(INPUT_BYTES);
  need(fread(cases, 1, INPUT_BYTES, stdin) < INPUT_BYTES, "input of at most 1 GiB");
  input = cases;
  output = output_end = allocate(OUTPUT_BYTES);

  stack_t stack = {.ss_sp = allocate(SIGNAL_STACK), .ss_size = SIGNAL_STACK};
  need(sigaltstack(&stack, NULL) == 0, "sigaltstack");
  struct sigaction action = {.sa_sigaction = on_signal, .sa_flags = SA_SIGINFO | SA_ONSTACK | SA_NODEFER};
  for (size_t i = 0; i < sizeof SIGNALS / sizeof *SIGNALS; i++)
    need(sigaction(SIGNALS[i], &action, NULL) == 0, "sigaction");
  raise(SIGUSR1); /* never comes back: the last case ends the process */
  return 1;
}
