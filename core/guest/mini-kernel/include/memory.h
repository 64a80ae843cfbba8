/*
 * Memory: page frames, the kernel's map of them, pools of small objects. A frame's number counts pages from
 * address 0 as the kernel sees memory (under Xen these are pseudo-physical); the kernel's map has all of it
 * at KERNEL_BASE.
 */
#pragma once
#include "layout.h"
#include "types.h"

typedef uint32_t frame_number;
#define NO_FRAME 0u

static inline void *frame_memory(frame_number frame) {
  return (void *)((uintptr_t)KERNEL_BASE + ((uintptr_t)frame << PAGE_SHIFT));
}
static inline frame_number frame_of(const void *memory) {
  return (frame_number)(((uintptr_t)memory - (uintptr_t)KERNEL_BASE) >> PAGE_SHIFT);
}

/* Takes over the frames from `first` (exclusive of the image) to `end`. */
void frames_start(frame_number first, frame_number end);
/* From now on frames that were never used come in no order; until then one after the other. */
void frames_scatter(void);
/* A frame with one reference, its contents anything; zeroed. The machine ends when there is none. */
frame_number frame_allocate(void);
frame_number frame_allocate_zeroed(void);
/* One more reference, and one less: the last frees the frame. Frames of the image are never freed. */
void frame_share(frame_number frame);
void frame_release(frame_number frame);
/* Whether there is no other reference; a frame of the image always has one. */
bool frame_is_sole(frame_number frame);
frame_number frames_free(void);

/* Objects of one size, cut from whole pages and never given back to frames. */
struct pool {
  size_t bytes;
  void *first_free;
};
void *pool_allocate(struct pool *pool); /* zeroed */
void pool_release(struct pool *pool, void *object);

void copy(void *to, const void *from, size_t bytes);
void fill(void *to, uint8_t value, size_t bytes);
size_t length_of(const char *text);
bool same_text(const char *a, const char *b);
