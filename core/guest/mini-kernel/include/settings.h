/* What the command line tells the kernel. */
#pragma once
#include "types.h"

#define XEN_BATCH_MOST 128

enum timer_source { TIMER_PIT, TIMER_APIC };

struct settings {
  char program[16];
  uint32_t hertz;
  enum timer_source timer;
  bool is_careful;              /* the careful port (port.h) instead of the native one */
  bool has_lazy_floating_point; /* floating-point.c */
  /* Of the Xen port: most updates of tables in a request, several requests in one, stores into lowest tables. */
  uint32_t batch;
  bool has_multicalls;
  bool stores_entries;
};
extern struct settings settings;

/* Reads the kernel's words of the command line; a word of the kernel's with a bad value ends the machine. */
void settings_read(const char *line);
/* Whether the kernel understands a word; then it is no argument of the program. */
bool settings_knows(const char *word);
