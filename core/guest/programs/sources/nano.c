/*
 * Nanobenchmarks: one operation of a kernel over and over, as FrobOS runs them in Adams and Agesen (ASPLOS 2006, section
 * 6.3). Faults go to handlers of a few instructions (nano32.S, nano64.S) that pass over the instruction: what is measured is
 * the processor's and the monitor's part, not a kernel's. System calls are measured by the program system-call.
 */
#include "../runtime/machine.h"

const char program_name[] = "nano";

/* Operations, a multiple of UNROLLED. */
PARAMETER(n, 1600, "");
PARAMETER(operation, 0, "in,callret,pgfault,divzero,ptemod,cr8wr");
enum operation { IN, CALLRET, PGFAULT, DIVZERO, PTEMOD, CR8WR };

#define DIAGNOSTIC_PORT "0x80" /* nothing is behind it but the chipset */
#define DIVIDE_ERROR_VECTOR 0
#define ENTRY_AVAILABLE 0x200 /* a bit of an entry that the processor ignores (SDM 3A, table 4-6) */

/* Operations in a round, so that the loop around them hardly counts. */
#define UNROLLED 16
#define ROUND(body) ".rept 16\n\t" body "\n\t.endr"

/* Counted by the handlers. */
uint32_t nano_faults;
void nano_page_fault(void);
void nano_divide_error(void);

static void run_in(uint32_t rounds) {
  for (uint32_t i = rounds; i > 0; i--)
    __asm__ volatile(ROUND("inb $" DIAGNOSTIC_PORT ", %%al") : : : "eax");
}

void nano_called(void);
static void run_callret(uint32_t rounds) {
  for (uint32_t i = rounds; i > 0; i--) __asm__ volatile(ROUND("call nano_called") : : : "memory");
}

static void run_pgfault(uint32_t rounds) {
  trap_gate(PAGE_FAULT_VECTOR, nano_page_fault, 0);
  for (uint32_t i = rounds; i > 0; i--)
    __asm__ volatile(ROUND("movl (%0), %%eax") : : "b"((uintptr_t)WINDOW) : "eax", "memory");
}

static void run_divzero(uint32_t rounds) {
  trap_gate(DIVIDE_ERROR_VECTOR, nano_divide_error, 0);
  for (uint32_t i = rounds; i > 0; i--)
    __asm__ volatile(ROUND("divl %%ecx") : : "a"(1), "d"(0), "c"(0) : "memory");
}

/* Each round ends as it began: the operations change a bit to and fro. */
static void run_ptemod(uint32_t rounds, volatile uint32_t *entry) {
  uint32_t value = *entry, other = value ^ ENTRY_AVAILABLE;
  for (uint32_t i = rounds; i > 0; i--)
    __asm__ volatile(".rept 8\n\tmovl %1, (%0)\n\tmovl %2, (%0)\n\t.endr"
                     : : "b"(entry), "r"(other), "r"(value) : "memory");
}

static void run_cr8wr(uint32_t rounds) {
#ifdef __x86_64__
  for (uint32_t i = rounds; i > 0; i--)
    __asm__ volatile(ROUND("mov %0, %%cr8") : : "r"((uintptr_t)0) : "memory");
#else
  (void)rounds;
  fail("CR8 is a register of 64-bit mode");
#endif
}

uint32_t program(void) {
  uint32_t times = n.value, rounds = times / UNROLLED;
  if (times % UNROLLED != 0) fail("n is not a multiple of 16");
  uint32_t *frame = allocate(PAGE_BYTES, PAGE_BYTES);
  paging_start();
  /* The page after the one that is mapped is absent, and its table in use. */
  space_map(kernel_space(), WINDOW + PAGE_BYTES, (uintptr_t)frame);
  volatile uint32_t *page = (volatile uint32_t *)(uintptr_t)(WINDOW + PAGE_BYTES);
  *page = times;
  volatile uint32_t *entry = space_entry(kernel_space(), WINDOW + PAGE_BYTES);

  enum operation what = operation.value;
  roi_begin();
  if (what == IN) run_in(rounds);
  if (what == CALLRET) run_callret(rounds);
  if (what == PGFAULT) run_pgfault(rounds);
  if (what == DIVZERO) run_divzero(rounds);
  if (what == PTEMOD) run_ptemod(rounds, entry);
  if (what == CR8WR) run_cr8wr(rounds);
  roi_end();

  if (nano_faults != (what == PGFAULT || what == DIVZERO ? times : 0)) fail("another number of faults");
  return checksum_add(CHECKSUM_START, *page);
}
