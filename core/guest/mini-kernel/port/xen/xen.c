/*
 * The port to Xen, as the public interface has it (abi.h; README.md says what is used of it): the kernel runs
 * in ring 1 (32-bit) or ring 3 (64-bit), asks by hypercalls, and has page tables of machine frames that it
 * may read but not write.
 */
#include "xen.h"

#include "console.h"

const struct xen_start_info *xen_start_info;
volatile struct shared_info xen_shared __attribute__((aligned(PAGE_BYTES)));

#define IOPL_OF_KERNEL 1

void xen_call(enum hypercall number, word a, word b, word c, word d) {
  if (hypercall(number, a, b, c, d) < 0) panic("a hypercall failed");
}

static uintptr_t fault_address(void) { return xen_shared.vcpus[0].cr2; }

/*
 * Before paging of the kernel's own, for this is the first thing the kernel does: ports are allowed, and the
 * page of shared information is there.
 */
static void console_start(void) {
  const uint32_t iopl = IOPL_OF_KERNEL;
  xen_map_at(&xen_shared, xen_start_info->shared_info | ENTRY_PRESENT | ENTRY_WRITABLE, UVMF_INVLPG);
  hypercall(PHYSDEV_OP, PHYSDEVOP_SET_IOPL, (word)&iopl, 0, 0);
}

static void console_write(const char *bytes, size_t count) {
  hypercall(CONSOLE_IO, CONSOLEIO_WRITE, count, (word)bytes, 0);
}

/* What Linux's ports have for it: no call is cheaper (drivers/xen/events, force_evtchn_callback). */
static void null_hypercall(void) { xen_call(XEN_VERSION, XENVER_VERSION, 0, 0, 0); }

/* Xen has turned both units on, and clears CR0.TS before it hands #NM to the guest. */
static void floating_point_nothing(void) {}

/* Xen has masked events. */
static void interrupts_taken(void) {}

static void end(void) {
  const uint32_t reason = SHUTDOWN_POWEROFF;
  hypercall(SCHED_OP, SCHEDOP_SHUTDOWN, (word)&reason, 0, 0);
}

const struct port xen_port = {
#ifdef __x86_64__
    .has_fast_calls = true,
#endif
    .processor_start = xen_processor_start,
    .set_kernel_stack = xen_set_kernel_stack,
    .return_to_user = xen_return_to_user,
    .user_code = FLAT_USER_CS,
    .user_data = FLAT_USER_DS,
    .fault_address = fault_address,
    .null_hypercall = null_hypercall,
    .floating_point_start = floating_point_nothing,
    .floating_point_trap = xen_floating_point_trap,
    .floating_point_allow = floating_point_nothing,
    .make_entry = xen_make_entry,
    .entry_frame = xen_entry_frame,
    .memory_start = xen_memory_start,
    .space_made = xen_space_made,
    .space_dropped = xen_space_dropped,
    .set_entry = xen_set_entry,
    .set_page = xen_set_page,
    .batch_begin = xen_batch_begin,
    .batch_end = xen_batch_end,
    .flush_page = xen_flush_page,
    .flush_all = xen_flush_all,
    .activate = xen_activate,
    .machine_address = xen_machine_address,
    .interrupts_on = xen_interrupts_on,
    .interrupts_off = xen_interrupts_off,
    .interrupts_save = xen_interrupts_save,
    .interrupts_restore = xen_interrupts_restore,
    .interrupts_taken = interrupts_taken,
    .interrupts_before_return = xen_interrupts_before_return,
    .wait = xen_wait,
    .interrupts_start = xen_interrupts_start,
    .irq_enable = xen_irq_enable,
    .timer_start = xen_timer_start,
    .microseconds = xen_microseconds,
    .console_start = console_start,
    .console_write = console_write,
    .end = end,
};

/*
 * Called by start.S. Behind the page tables is the stack that Xen made; then memory is free (xen.h, "initial
 * memory layout").
 */
_Noreturn void xen_main(const struct xen_start_info *start);
_Noreturn void xen_main(const struct xen_start_info *start) {
  const frame_number stack_frames = 1;
  xen_start_info = start;
  const struct boot_information boot = {
      .memory_bytes = (uint64_t)start->pages << PAGE_SHIFT,
      .command_line = start->command_line,
      .first_frame =
          frame_of((const void *)start->page_table) + (frame_number)start->page_table_frames + stack_frames,
  };
  kernel_main(&xen_port, &boot);
}
