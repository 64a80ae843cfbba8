/* Gates and the task state segment as the processor reads them (SDM 3A, 6.11, 6.14.1 and 7). */
#pragma once
#include <stdint.h>

struct gate {
  uint16_t offset_low;
  uint16_t selector;
  uint16_t attributes;
  uint16_t offset_middle;
#ifdef __x86_64__
  uint32_t offset_high;
  uint32_t reserved;
#endif
};
#define GATES 256

/* Only the stack for ring 0 is used (SDM 3A, 7.2.1 and 7.7). */
struct __attribute__((packed)) task_state {
#ifdef __x86_64__
  uint32_t reserved;
  uint64_t sp0;
  uint8_t unused[90];
#else
  uint32_t link;
  uint32_t sp0;
  uint32_t ss0;
  uint8_t unused[90];
#endif
  uint16_t io_map;
};
