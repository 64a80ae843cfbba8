/*
 * System calls: a table of functions of up to three arguments. What user memory they touch is checked against
 * the areas first.
 */
#include "system-calls.h"

#include "benchmark.h"
#include "console.h"
#include "elf.h"
#include "instructions.h"
#include "process.h"

#define MARK_PORT 0x5640 /* core/machine/devices/marks.ts */
#define PATH_BYTES_MOST 64

typedef intptr_t system_call(struct trap_frame *frame, uintptr_t a, uintptr_t b, uintptr_t c);
#define CALL(name)                                                                                           \
  static intptr_t name(struct trap_frame *frame __attribute__((unused)),                                     \
                       uintptr_t a __attribute__((unused)), uintptr_t b __attribute__((unused)),             \
                       uintptr_t c __attribute__((unused)))

static bool may_read(uintptr_t from, size_t bytes) {
  return space_allows(&current->space, from, bytes, false);
}
static bool may_write(uintptr_t to, size_t bytes) { return space_allows(&current->space, to, bytes, true); }
static bool is_path(uintptr_t path) { return user_text_length((const char *)path, PATH_BYTES_MOST) >= 0; }

/* ---- Processes. ---- */
CALL(call_null) { return 0; }
CALL(call_exit) { process_exit((uint32_t)a); }
CALL(call_fork) { return process_fork(frame); }
CALL(call_execute) {
  return is_path(a) ? process_execute(frame, (const char *)a, (const char *const *)b) : ERROR;
}
CALL(call_wait) { return may_write(a, sizeof(uint32_t)) ? process_wait((uint32_t *)a) : ERROR; }
CALL(call_process) { return (intptr_t)current->number; }
CALL(call_yield) {
  yield();
  return 0;
}
CALL(call_sleep) {
  sleep_until(ticks + a);
  return 0;
}

/* ---- Files. ---- */
CALL(call_open) { return is_path(a) ? file_open((const char *)a, (unsigned)b) : ERROR; }
CALL(call_close) {
  struct file *file = file_at(a);
  if (file == 0) return ERROR;
  current->files[a] = 0;
  file_close(file);
  return 0;
}
CALL(call_read) {
  struct file *file = file_at(a);
  return file != 0 && may_write(b, c) ? file->operations->read(file, (void *)b, c) : ERROR;
}
CALL(call_write) {
  struct file *file = file_at(a);
  return file != 0 && may_read(b, c) ? file->operations->write(file, (const void *)b, c) : ERROR;
}
CALL(call_seek) {
  struct file *file = file_at(a);
  if (file == 0 || file->node == 0) return ERROR;
  file->position = b;
  return 0;
}
CALL(call_stat) {
  if (!is_path(a) || !may_write(b, sizeof(struct file_information))) return ERROR;
  const struct node *node = node_find((const char *)a);
  if (node == 0) return ERROR;
  *(struct file_information *)b = (struct file_information){.size = node->size, .kind = node->kind};
  return 0;
}
CALL(call_remove) {
  struct node *node = is_path(a) ? node_find((const char *)a) : 0;
  return node != 0 ? node_remove(node) : ERROR;
}
CALL(call_pipe) { return may_write(a, 2 * sizeof(uint32_t)) ? pipe_make((uint32_t *)a) : ERROR; }

/* ---- Memory. ---- */
CALL(call_map) {
  uintptr_t start = area_add(&current->space, a, b, (unsigned)c, 0, 0, 0);
  if (start != 0 && (c & AREA_SHARED)) area_populate(&current->space, start, page_up(b));
  return start != 0 ? (intptr_t)start : ERROR;
}
CALL(call_map_file) {
  struct file *file = file_at(a);
  if (file == 0 || file->node == 0 || file->node->kind != NODE_FILE) return ERROR;
  size_t bytes = b < file->node->size ? b : file->node->size;
  uintptr_t start = area_add(&current->space, 0, b, (unsigned)c & ~AREA_SHARED, file->node, 0, bytes);
  return start != 0 ? (intptr_t)start : ERROR;
}
CALL(call_unmap) {
  if (a % PAGE_BYTES != 0 || a >= USER_TOP || b > USER_TOP - a) return ERROR;
  area_remove(&current->space, a, b);
  return 0;
}
CALL(call_protect) {
  if (a % PAGE_BYTES != 0 || a >= USER_TOP || b > USER_TOP - a) return ERROR;
  return area_protect(&current->space, a, b, (unsigned)c) ? 0 : ERROR;
}

/* ---- Signals. ---- */
CALL(call_signal) {
  if (a >= SIGNALS) return ERROR;
  intptr_t before = (intptr_t)current->handlers[a];
  current->handlers[a] = b;
  current->restorer = c;
  return before;
}
CALL(call_signal_return) {
  signal_return(frame);
  return (intptr_t)frame->ax;
}
CALL(call_kill) {
  struct process *process = process_find((uint32_t)a);
  if (process == 0 || b >= SIGNALS) return ERROR;
  signal_send(process, (unsigned)b);
  return 0;
}

/* ---- Time, measurement. ---- */
CALL(call_time) {
  if (!may_write(a, sizeof(uint64_t))) return ERROR;
  *(uint64_t *)a = port->microseconds();
  return 0;
}
CALL(call_ticks) { return (intptr_t)ticks; }
CALL(call_mark) {
  out32(MARK_PORT, (uint32_t)a);
  return 0;
}
CALL(call_benchmark) {
  return may_write(c, sizeof(uint32_t)) ? benchmark_run(a, (uint32_t)b, (uint32_t *)c) : ERROR;
}
CALL(call_free) { return (intptr_t)frames_free(); }

static system_call *const calls[CALLS] = {
    [CALL_NULL] = call_null,
    [CALL_EXIT] = call_exit,
    [CALL_FORK] = call_fork,
    [CALL_EXECUTE] = call_execute,
    [CALL_WAIT] = call_wait,
    [CALL_PROCESS] = call_process,
    [CALL_OPEN] = call_open,
    [CALL_CLOSE] = call_close,
    [CALL_READ] = call_read,
    [CALL_WRITE] = call_write,
    [CALL_SEEK] = call_seek,
    [CALL_STAT] = call_stat,
    [CALL_REMOVE] = call_remove,
    [CALL_PIPE] = call_pipe,
    [CALL_MAP] = call_map,
    [CALL_MAP_FILE] = call_map_file,
    [CALL_UNMAP] = call_unmap,
    [CALL_PROTECT] = call_protect,
    [CALL_SIGNAL] = call_signal,
    [CALL_SIGNAL_RETURN] = call_signal_return,
    [CALL_KILL] = call_kill,
    [CALL_YIELD] = call_yield,
    [CALL_SLEEP] = call_sleep,
    [CALL_TIME] = call_time,
    [CALL_TICKS] = call_ticks,
    [CALL_MARK] = call_mark,
    [CALL_BENCHMARK] = call_benchmark,
    [CALL_FREE] = call_free,
};

/* Interrupts are allowed while a call is worked on. */
void system_call_trap(struct trap_frame *frame) {
  uintptr_t number = frame->ax;
  port->interrupts_on();
  intptr_t result = ERROR;
  if (number < CALLS) result = calls[number](frame, ARGUMENT_1(frame), ARGUMENT_2(frame), ARGUMENT_3(frame));
  /* A program that began anew has its first registers. */
  if (number != CALL_EXECUTE || result < 0) frame->ax = (uintptr_t)result;
  leave_kernel(frame);
}
