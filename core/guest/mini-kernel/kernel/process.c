/* Processes: their beginning, copying, replacing and end. */
#include "process.h"

#include "console.h"
#include "elf.h"

static struct process processes[PROCESSES_MOST];
static struct link parents = LIST_HEAD(parents); /* that wait for a child */
static uint32_t last_number;

static struct process *process_new(void) {
  for (struct process *process = processes; process < processes + PROCESSES_MOST; process++) {
    if (process->state != PROCESS_FREE) continue;
    process->number = ++last_number;
    process->state = PROCESS_WAITING;
    process->status = 0;
    process->pending = 0;
    process->floating_point.is_used = false;
    process->parent = current;
    return process;
  }
  return 0;
}

struct process *process_find(uint32_t number) {
  for (struct process *process = processes; process < processes + PROCESSES_MOST; process++)
    if (process->number == number && (process->state == PROCESS_READY || process->state == PROCESS_WAITING))
      return process;
  return 0;
}

void processes_each(void (*does)(struct process *process)) {
  for (struct process *process = processes; process < processes + PROCESSES_MOST; process++)
    if (process->state == PROCESS_READY || process->state == PROCESS_WAITING) does(process);
}

/* ---- The first process. ---- */

void process_first(const char *path, const char *line) {
  struct process *process = process_new();
  struct arguments *arguments = frame_memory(frame_allocate_zeroed());
  arguments_from_line(arguments, path, line);
  struct trap_frame frame;
  if (!program_load(&process->space, path, arguments, &frame)) {
    print("there is no program ");
    print(path);
    print("\n");
    machine_end(STATUS_BAD_PARAMETER);
  }
  frame_release(frame_of(arguments));
  struct file *console = file_make(node_find("/dev/console")->operations, node_find("/dev/console"), 0);
  for (int i = 0; i < 3; i++) {
    if (i > 0) file_share(console);
    process->files[i] = console;
  }
  process_prepare_stack(process, &frame);
  process_ready(process);
}

/* ---- System calls. ---- */

intptr_t process_fork(const struct trap_frame *frame) {
  struct process *child = process_new();
  if (child == 0) return ERROR;
  space_clone(&child->space, &current->space);
  for (int i = 0; i < FILES_MOST; i++)
    if ((child->files[i] = current->files[i]) != 0) file_share(child->files[i]);
  floating_point_copy(child);
  segments_save(&child->segments);
  turn_divide(child);
  copy(child->handlers, current->handlers, sizeof child->handlers);
  child->restorer = current->restorer;
  struct trap_frame start = *frame;
  start.ax = 0;
  process_prepare_stack(child, &start);
  process_ready(child);
  return (intptr_t)child->number;
}

intptr_t process_execute(struct trap_frame *frame, const char *path, const char *const *words) {
  struct arguments *arguments = frame_memory(frame_allocate_zeroed());
  struct space space;
  struct trap_frame start;
  bool is_loaded = arguments_from_words(arguments, words) && program_load(&space, path, arguments, &start);
  frame_release(frame_of(arguments));
  if (!is_loaded) return ERROR;
  struct space old = current->space;
  current->space = space;
  space_activate(&current->space);
  space_destroy(&old);
  fill(current->handlers, 0, sizeof current->handlers);
  floating_point_drop();
  segments_set(&(struct segments){.fs = 0, .gs = 0});
  *frame = start;
  return 0;
}

static struct process *ended_child(bool *has_children) {
  *has_children = false;
  for (struct process *process = processes; process < processes + PROCESSES_MOST; process++) {
    if (process->state == PROCESS_FREE || process->parent != current) continue;
    *has_children = true;
    if (process->state == PROCESS_ENDED) return process;
  }
  return 0;
}

intptr_t process_wait(uint32_t *status) {
  bool has_children;
  struct process *child;
  while ((child = ended_child(&has_children)) == 0) {
    if (!has_children) return ERROR;
    queue_wait(&parents);
  }
  *status = child->status;
  turn_join(child);
  child->state = PROCESS_FREE;
  child->parent = 0;
  return (intptr_t)child->number;
}

/* Nobody will wait for a process. */
static void abandon(struct process *process) {
  process->parent = 0;
  if (process->state == PROCESS_ENDED) process->state = PROCESS_FREE;
}

/* The machine ends with its first process. */
_Noreturn void process_exit(uint32_t status) {
  if (current == &processes[0]) machine_end(status);
  for (int i = 0; i < FILES_MOST; i++)
    if (current->files[i] != 0) file_close(current->files[i]), current->files[i] = 0;
  for (struct process *process = processes; process < processes + PROCESSES_MOST; process++)
    if (process->parent == current) abandon(process);
  floating_point_drop();
  port->interrupts_off();
  space_activate(&kernel_space);
  space_destroy(&current->space);
  current->status = status;
  current->state = current->parent != 0 ? PROCESS_ENDED : PROCESS_FREE;
  queue_wake(&parents);
  schedule();
  panic("an ended process goes on");
}
