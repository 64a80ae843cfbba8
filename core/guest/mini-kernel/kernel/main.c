/*
 * The kernel from its first port-independent line to the first process. The command line has words
 * `name=value`; the kernel's own are `run` (the program to run), `hz` (ticks a second); all others are the
 * program's arguments.
 */
#include "console.h"
#include "memory.h"
#include "port.h"
#include "process.h"
#include "settings.h"

const struct port *port;

static frame_number frames_of(uint64_t bytes) {
  if (bytes > MEMORY_MAPPED_MOST) bytes = MEMORY_MAPPED_MOST;
  return (frame_number)(bytes >> PAGE_SHIFT);
}

_Noreturn void kernel_main(const struct port *chosen, const struct boot_information *boot) {
  port = chosen;
  port->console_start();
  port->processor_start();
  settings_read(boot->command_line);
  if (settings.is_careful && port == &native_port) careful_port_start();
  frames_start(boot->first_frame, frames_of(boot->memory_bytes));
  spaces_start();
  frames_scatter();
  port->interrupts_start();
  files_start();
  disk_start();
  floating_point_start();
  clock_start(settings.hertz);
  process_first(settings.program, boot->command_line);
  scheduler_run();
}
