/*
 * Page frames: those never given out yet lie above `unused`; those given back form a list through their first
 * words. References are counted, for pages are shared between processes until somebody writes.
 */
#include "console.h"
#include "memory.h"

static frame_number managed_first, unused, managed_end;
static frame_number first_free;
static uint32_t free_frames;
static uint16_t *references; /* by frame, from managed_first on */

void frames_start(frame_number first, frame_number end) {
  size_t bytes = (end - first) * sizeof *references;
  references = frame_memory(first);
  fill(references, 0, bytes);
  managed_first = unused = first + (frame_number)(page_up(bytes) >> PAGE_SHIFT);
  managed_end = end;
}

static uint16_t *references_of(frame_number frame) { return &references[frame - managed_first]; }
static bool is_managed(frame_number frame) { return frame >= managed_first && frame < managed_end; }

frame_number frame_allocate(void) {
  frame_number frame = first_free;
  if (frame != NO_FRAME) {
    first_free = *(frame_number *)frame_memory(frame);
    free_frames--;
  } else {
    if (unused == managed_end) panic("out of memory");
    frame = unused++;
  }
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

frame_number frames_free(void) { return free_frames + managed_end - unused; }
