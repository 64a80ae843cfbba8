/*
 * Page frames: those given back form a list through their first words; those never given out are counted
 * through, and come in a scattered order. References are counted, for pages are shared between processes
 * until somebody writes.
 *
 * Scattered, because the free pages of a system that has run for a while are: neighbours in a program's memory
 * have any colours of a physically indexed cache (Kessler & Hill, ACM TOCS 10(4), 1992), not one after the
 * other. Within blocks, so that what lies in one large page of a monitor's tables stays there:
 *
 *   count   [ block | place in it ]   →   frame   [ block | order[place] ]
 */
#include "console.h"
#include "memory.h"
#include "random.h"

#define BLOCK_BYTES (2u << 20)
#define BLOCK_FRAMES (BLOCK_BYTES / PAGE_BYTES)
#define ORDER_SEED 1

static frame_number managed_first, managed_end;
static frame_number first_free;
static uint32_t free_frames;
static uint16_t *references; /* by frame, from managed_first on */

/* All before `unused_first` were given out in order; `count` is the next to look at. */
static frame_number unused_first, count;
static uint16_t order[BLOCK_FRAMES];

void frames_start(frame_number first, frame_number end) {
  size_t bytes = (end - first) * sizeof *references;
  references = frame_memory(first);
  fill(references, 0, bytes);
  managed_first = unused_first = count = first + (frame_number)(page_up(bytes) >> PAGE_SHIFT);
  managed_end = end;
  free_frames = managed_end - managed_first;
  for (unsigned place = 0; place < BLOCK_FRAMES; place++) order[place] = (uint16_t)place;
}

/* Fisher and Yates's shuffle (Knuth, TAOCP 2, algorithm 3.4.2P). */
void frames_scatter(void) {
  uint32_t state = ORDER_SEED;
  for (unsigned last = BLOCK_FRAMES - 1; last > 0; last--) {
    unsigned other = xorshift32(&state) % (last + 1);
    uint16_t kept = order[last];
    order[last] = order[other];
    order[other] = kept;
  }
  unused_first = count;
  count -= count % BLOCK_FRAMES;
}

static uint16_t *references_of(frame_number frame) { return &references[frame - managed_first]; }
static bool is_managed(frame_number frame) { return frame >= managed_first && frame < managed_end; }

/* There is one. */
static frame_number frame_unused(void) {
  frame_number frame;
  do {
    frame = count - count % BLOCK_FRAMES + order[count % BLOCK_FRAMES];
    count++;
  } while (frame < unused_first || frame >= managed_end);
  return frame;
}

frame_number frame_allocate(void) {
  if (free_frames == 0) panic("out of memory");
  free_frames--;
  frame_number frame = first_free;
  if (frame != NO_FRAME) first_free = *(frame_number *)frame_memory(frame);
  else frame = frame_unused();
  *references_of(frame) = 1;
  return frame;
}

frame_number frame_allocate_zeroed(void) {
  frame_number frame = frame_allocate();
  fill(frame_memory(frame), 0, PAGE_BYTES);
  return frame;
}

void frame_share(frame_number frame) {
  if (is_managed(frame)) ++*references_of(frame);
}

void frame_release(frame_number frame) {
  if (!is_managed(frame) || --*references_of(frame) > 0) return;
  *(frame_number *)frame_memory(frame) = first_free;
  first_free = frame;
  free_frames++;
}

bool frame_is_sole(frame_number frame) { return is_managed(frame) && *references_of(frame) == 1; }

frame_number frames_free(void) { return free_frames; }
