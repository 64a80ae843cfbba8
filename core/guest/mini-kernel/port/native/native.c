/*
 * The port to a bare machine: privileged instructions, a PC's interrupt controllers, timers and serial port.
 */
#include "native.h"

#include "instructions.h"
#include "selectors.h"
#include "space.h"

/* ---- Memory management: entries are stored, and hold physical addresses. ---- */

static entry_t make_entry(frame_number frame, unsigned flags) { return (entry_t)frame << PAGE_SHIFT | flags; }
static frame_number entry_frame(entry_t entry) {
  return (frame_number)((entry & ENTRY_ADDRESS) >> PAGE_SHIFT);
}

/*
 * The kernel's part is the upper half (64-bit), or the last of four entries (PAE): the same tables in every
 * space.
 */
static void space_made(struct space *space) {
  unsigned first = LEVELS == 3 ? USER_TOP >> 30 : TABLE_ENTRIES / 2;
  unsigned end = LEVELS == 3 ? 4 : TABLE_ENTRIES;
  for (unsigned i = first; i < end; i++) space->top[i] = kernel_space.top[i];
}
static void space_dropped(struct space *space) { (void)space; }

/* Entries of PAE are of two words: while one changes, the entry is not present (SDM 3A, 4.10.4). */
static void set_entry(entry_t *entry, entry_t value, unsigned level) {
  (void)level;
#ifdef __x86_64__
  *(volatile entry_t *)entry = value;
#else
  volatile uint32_t *words = (volatile uint32_t *)entry;
  if (words[1] != (uint32_t)(value >> 32)) {
    words[0] = 0;
    words[1] = (uint32_t)(value >> 32);
  }
  words[0] = (uint32_t)value;
#endif
}
static void batch_nothing(void) {}

static void flush_page(uintptr_t address) { __asm__ volatile("invlpg (%0)" : : "r"(address) : "memory"); }
static void set_page(uintptr_t address, entry_t *entry, entry_t value) {
  const bool had_translation = *entry & ENTRY_PRESENT;
  set_entry(entry, value, 1);
  if (had_translation) flush_page(address);
}
static void write_cr3(uintptr_t value) { __asm__ volatile("mov %0, %%cr3" : : "r"(value) : "memory"); }
static void flush_all(void) {
  uintptr_t value;
  __asm__ volatile("mov %%cr3, %0" : "=r"(value));
  write_cr3(value);
}
static void activate(struct space *space) { write_cr3((uintptr_t)frame_of(space->top) << PAGE_SHIFT); }
static uint64_t machine_address(const void *memory) { return (uintptr_t)memory - KERNEL_BASE; }

/* ---- Interrupts of the processor. ---- */

static void interrupts_on(void) { __asm__ volatile("sti" : : : "memory"); }
static void interrupts_off(void) { __asm__ volatile("cli" : : : "memory"); }
static uintptr_t interrupts_save(void) {
  uintptr_t flags;
  __asm__ volatile("pushf\n\tpop %0\n\tcli" : "=r"(flags) : : "memory");
  return flags;
}
static void interrupts_restore(uintptr_t saved) {
  __asm__ volatile("push %0\n\tpopf" : : "r"(saved) : "memory", "cc");
}
/* The processor keeps the flag itself. */
static void interrupts_taken(void) {}
static void interrupts_before_return(const struct trap_frame *frame) {
  (void)frame;
  interrupts_off();
}
/* STI holds interrupts off for one more instruction: none can fall between the test and HLT. */
static void wait(void) { __asm__ volatile("sti\n\thlt" : : : "memory"); }

static void end(void) {
  for (;;) __asm__ volatile("cli\n\thlt");
}

const struct port native_port = {
    .has_devices = true,
    .has_fast_calls = true,
    .processor_start = native_processor_start,
    .set_kernel_stack = native_set_kernel_stack,
    .return_to_user = native_return_to_user,
    .user_code = USER_CODE,
    .user_data = USER_DATA,
    .fault_address = native_fault_address,
    .null_hypercall = 0,
    .floating_point_start = native_floating_point_start,
    .floating_point_trap = native_floating_point_trap,
    .floating_point_allow = native_floating_point_allow,
    .make_entry = make_entry,
    .entry_frame = entry_frame,
    .memory_start = native_memory_start,
    .space_made = space_made,
    .space_dropped = space_dropped,
    .set_entry = set_entry,
    .set_page = set_page,
    .batch_begin = batch_nothing,
    .batch_end = batch_nothing,
    .flush_page = flush_page,
    .flush_all = flush_all,
    .activate = activate,
    .machine_address = machine_address,
    .interrupts_on = interrupts_on,
    .interrupts_off = interrupts_off,
    .interrupts_save = interrupts_save,
    .interrupts_restore = interrupts_restore,
    .interrupts_taken = interrupts_taken,
    .interrupts_before_return = interrupts_before_return,
    .wait = wait,
    .interrupts_start = native_interrupts_start,
    .irq_enable = native_irq_enable,
    .timer_start = native_timer_start,
    .microseconds = native_microseconds,
    .console_start = native_console_start,
    .console_write = native_console_write,
    .end = end,
};
