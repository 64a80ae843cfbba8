/*
 * FS and GS: the kernel uses neither, so they stay a program's own while it is in the kernel, and change with
 * the process. As in Linux, both are loaded at every switch in 32-bit mode (2.4), in 64-bit mode where they are
 * not null. None can be bad: the descriptor table never changes.
 */
#pragma once
#include "types.h"

struct segments {
  uint16_t fs, gs;
};

static inline void segments_save(struct segments *to) {
  __asm__ volatile("mov %%fs, %0\n\tmov %%gs, %1" : "=m"(to->fs), "=m"(to->gs));
}

static inline void segments_set(const struct segments *from) {
  __asm__ volatile("mov %0, %%fs\n\tmov %1, %%gs" : : "m"(from->fs), "m"(from->gs));
}

static inline void segments_load(const struct segments *from) {
#ifdef __x86_64__
  struct segments here;
  segments_save(&here);
  if ((here.fs | here.gs | from->fs | from->gs) == 0) return;
#endif
  segments_set(from);
}
