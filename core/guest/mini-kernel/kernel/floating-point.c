/*
 * Floating point of processes, saved and loaded in one of two ways (the setting `fpu`):
 *
 *   lazy   the registers are loaded when a process uses them: until then CR0.TS is set, and the first use traps
 *          (#NM). They are saved at a switch only if they were loaded since the last one, as Linux 2.4 and 2.6
 *          do it (__unlazy_fpu, math_state_restore): processes that do not compute pay nothing.
 *   eager  the registers are saved and loaded at each switch, and never trap; as Linux does since 4.6.
 */
#include "floating-point.h"

#include "process.h"
#include "settings.h"

/* What a process begins with: exceptions masked, x87 in full precision and empty (SDM 1, 8.1.5 and 10.2.3). */
#define CONTROL_WORD 0
#define CONTROL_WORD_AT_START 0x37f
#define MXCSR 24
#define MXCSR_AT_START 0x1f80
static struct floating_point at_start;

/* The registers hold the state of the current process, and its use of them does not trap. */
static bool is_loaded;

static void save(struct floating_point *to) {
  __asm__ volatile("fxsave %0" : "=m"(to->registers));
}
static void load(const struct floating_point *from) {
  __asm__ volatile("fxrstor %0" : : "m"((from->is_used ? from : &at_start)->registers));
}

void floating_point_start(void) {
  *(uint16_t *)(at_start.registers + CONTROL_WORD) = CONTROL_WORD_AT_START;
  *(uint32_t *)(at_start.registers + MXCSR) = MXCSR_AT_START;
  port->floating_point_start();
  if (settings.has_lazy_floating_point) port->floating_point_trap();
}

void floating_point_leave(struct process *process) {
  if (!is_loaded) return;
  save(&process->floating_point);
  is_loaded = false;
  if (settings.has_lazy_floating_point) port->floating_point_trap();
}

void floating_point_enter(struct process *process) {
  if (settings.has_lazy_floating_point) return;
  load(&process->floating_point);
  process->floating_point.is_used = is_loaded = true;
}

void floating_point_load(void) {
  port->floating_point_allow();
  load(&current->floating_point);
  current->floating_point.is_used = is_loaded = true;
}

void floating_point_copy(struct process *child) {
  if (is_loaded) save(&current->floating_point);
  if (current->floating_point.is_used)
    copy(&child->floating_point, &current->floating_point, sizeof child->floating_point);
}

void floating_point_drop(void) {
  current->floating_point.is_used = false;
  if (!is_loaded) return;
  is_loaded = false;
  if (settings.has_lazy_floating_point) port->floating_point_trap();
  else floating_point_enter(current);
}
