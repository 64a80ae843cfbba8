/*
 * What only the kernel can measure, in loops of its own (kernel-benchmark.h): Adams and Agesen's
 * nanobenchmarks (ASPLOS 2006, section 6.3) and the exits that kvm-unit-tests' vmexit measures. Each gives a
 * checksum that neither the machine nor a monitor changes.
 */
#include "benchmark.h"

#include "apic.h"
#include "instructions.h"
#include "kernel-benchmark.h"
#include "port.h"
#include "process.h"

#define DIAGNOSTIC_PORT 0x80 /* nothing is behind it but the chipset */
#define IA32_APIC_BASE 0x1b
#define IA32_SYSENTER_CS 0x174

/* ---- Control flow and ports. ---- */

static uint32_t run_in(uint32_t count) {
  for (uint32_t i = 0; i < count; i++) in8(DIAGNOSTIC_PORT);
  return count;
}

static uint32_t run_out(uint32_t count) {
  for (uint32_t i = 0; i < count; i++) out8(DIAGNOSTIC_PORT, (uint8_t)i);
  return count;
}

__attribute__((noinline)) static void called(void) { __asm__ volatile(""); }
static uint32_t run_call(uint32_t count) {
  for (uint32_t i = 0; i < count; i++) called();
  return count;
}

static uint32_t run_cpuid(uint32_t count) {
  for (uint32_t i = 0; i < count; i++) cpuid(0);
  return count;
}

/* ---- Faults of the kernel that are meant. ---- */

static uintptr_t fault_page;
static entry_t *fault_entry;
static volatile uint32_t mended;

bool benchmark_fault(uintptr_t address) {
  if (fault_entry == 0 || page_down(address) != fault_page) return false;
  port->set_entry(fault_entry, *fault_entry | ENTRY_PRESENT, 1);
  mended++;
  return true;
}

/* A page of the kernel's to play with: its address, and its entry. */
static uintptr_t own_page(entry_t **entry) {
  static uintptr_t page;
  if (page == 0) page = kernel_window();
  *entry = space_entry(&kernel_space, page, true);
  if (**entry == 0) {
    frame_number frame = frame_allocate_zeroed();
    port->set_entry(*entry, port->make_entry(frame, ENTRY_PRESENT | ENTRY_WRITABLE), 1);
  }
  return page;
}

/* Takes a page away and touches it. */
static uint32_t run_fault(uint32_t count) {
  entry_t *entry;
  fault_page = own_page(&entry);
  fault_entry = entry;
  mended = 0;
  for (uint32_t i = 0; i < count; i++) {
    port->set_entry(entry, *entry & ~(entry_t)ENTRY_PRESENT, 1);
    port->flush_page(fault_page);
    *(volatile uint32_t *)fault_page;
  }
  fault_entry = 0;
  return mended;
}

/* Changes the lowest entry of a page that nobody touches. */
static uint32_t run_entry(uint32_t count) {
  entry_t *entry;
  own_page(&entry);
  entry_t value = *entry;
  for (uint32_t i = 0; i < count; i++) port->set_entry(entry, value ^ (i & 1 ? ENTRY_SHARED : 0), 1);
  port->set_entry(entry, value, 1);
  return count;
}

/* Where the division is, and where to go on behind it. */
extern const char benchmark_division[], benchmark_divided[];
static uint32_t run_divide(uint32_t count) {
  mended = 0;
  for (uint32_t i = 0; i < count; i++)
    __asm__ volatile(
        ".globl benchmark_division, benchmark_divided\n"
        "benchmark_division: divl %2\n"
        "benchmark_divided:"
        :
        : "a"(1), "d"(0), "r"(0)
        : "cc");
  return mended;
}

/* ---- Interrupt priorities, interrupts, timer. ---- */

#ifdef __x86_64__
static uint32_t run_cr8(uint32_t count) {
  for (uint32_t i = 0; i < count; i++) __asm__ volatile("mov %0, %%cr8" : : "r"((uintptr_t)0) : "memory");
  return count;
}
#endif

static uint32_t run_tpr(uint32_t count) {
  for (uint32_t i = 0; i < count; i++) apic_write(APIC_TASK_PRIORITY, 0);
  return count;
}

static volatile uint32_t arrived;
static void self_interrupt(void) {
  apic_write(APIC_END_OF_INTERRUPT, 0);
  arrived++;
}
static uint32_t run_self(uint32_t count) {
  arrived = 0;
  interrupt_handle(VECTOR_SELF, self_interrupt);
  for (uint32_t i = 0; i < count; i++) {
    apic_write(APIC_COMMAND, APIC_COMMAND_SELF | VECTOR_SELF);
    while (arrived == i) __asm__ volatile("pause");
  }
  return arrived;
}

/* So far away that it never fires here. */
static uint32_t run_timer(uint32_t count) {
  apic_write(APIC_LVT_TIMER, APIC_LVT_MASKED | VECTOR_APIC_TIMER);
  for (uint32_t i = 0; i < count; i++) apic_write(APIC_INITIAL_COUNT, UINT32_MAX);
  apic_write(APIC_INITIAL_COUNT, 0);
  return count;
}

/* ---- Model-specific registers, calls to a monitor. ---- */

static uint32_t run_rdmsr(uint32_t count) {
  for (uint32_t i = 0; i < count; i++) read_msr(IA32_APIC_BASE);
  return count;
}

static uint32_t run_wrmsr(uint32_t count) {
  uint64_t value = read_msr(IA32_SYSENTER_CS);
  for (uint32_t i = 0; i < count; i++) write_msr(IA32_SYSENTER_CS, value);
  return count;
}

#define VENDOR_AMD_EBX 0x68747541u /* "Auth" */

/* Where there is no monitor that answers, the instruction is undefined: it is passed over then. */
#define CALL_BYTES 3
static bool is_calling, is_refused;

static uint32_t run_hypercall(uint32_t count) {
  if (port->null_hypercall != 0) {
    for (uint32_t i = 0; i < count; i++) port->null_hypercall();
    return count;
  }
  bool is_amd = cpuid(0).b == VENDOR_AMD_EBX;
  is_calling = true;
  for (uint32_t i = 0; i < count && !is_refused; i++) {
    uintptr_t number = UINT32_MAX; /* no call: any monitor refuses it */
    if (is_amd) __asm__ volatile("vmmcall" : "+a"(number) : : "memory");
    else __asm__ volatile("vmcall" : "+a"(number) : : "memory");
  }
  is_calling = false;
  return count;
}

bool benchmark_exception(struct trap_frame *frame) {
  if (frame->vector == VECTOR_DIVIDE_ERROR && frame->ip == (uintptr_t)benchmark_division) {
    frame->ip = (uintptr_t)benchmark_divided;
    mended++;
    return true;
  }
  if (frame->vector != VECTOR_INVALID_OPCODE || !is_calling) return false;
  frame->ip += CALL_BYTES;
  return is_refused = true;
}

/* ---- Which is which. ---- */

static const struct {
  uint32_t (*run)(uint32_t count);
  bool needs_apic;
} benchmarks[KERNEL_BENCHMARKS] = {
    [BENCHMARK_IN] = {.run = run_in},
#ifdef __x86_64__
    [BENCHMARK_CR8] = {.run = run_cr8, .needs_apic = true},
#endif
    [BENCHMARK_CALL] = {.run = run_call},
    [BENCHMARK_FAULT] = {.run = run_fault},
    [BENCHMARK_DIVIDE] = {.run = run_divide},
    [BENCHMARK_ENTRY] = {.run = run_entry},
    [BENCHMARK_CPUID] = {.run = run_cpuid},
    [BENCHMARK_HYPERCALL] = {.run = run_hypercall},
    [BENCHMARK_OUT] = {.run = run_out},
    [BENCHMARK_TPR] = {.run = run_tpr, .needs_apic = true},
    [BENCHMARK_SELF] = {.run = run_self, .needs_apic = true},
    [BENCHMARK_RDMSR] = {.run = run_rdmsr},
    [BENCHMARK_WRMSR] = {.run = run_wrmsr},
    [BENCHMARK_TIMER] = {.run = run_timer, .needs_apic = true},
};

intptr_t benchmark_run(uintptr_t operation, uint32_t count, uint32_t *result) {
  if (operation >= KERNEL_BENCHMARKS || benchmarks[operation].run == 0) return BENCHMARK_UNAVAILABLE;
  if (benchmarks[operation].needs_apic && (!port->has_devices || !apic_start())) return BENCHMARK_UNAVAILABLE;
  is_refused = false;
  *result = benchmarks[operation].run(count);
  return is_refused ? BENCHMARK_UNAVAILABLE : BENCHMARK_DONE;
}
