/* Objects of one size: a list of free ones through their first words. */
#include "memory.h"

void *pool_allocate(struct pool *pool) {
  if (pool->first_free == 0) {
    uint8_t *page = frame_memory(frame_allocate());
    for (size_t at = 0; at + pool->bytes <= PAGE_BYTES; at += pool->bytes) pool_release(pool, page + at);
  }
  void *object = pool->first_free;
  pool->first_free = *(void **)object;
  fill(object, 0, pool->bytes);
  return object;
}

void pool_release(struct pool *pool, void *object) {
  *(void **)object = pool->first_free;
  pool->first_free = object;
}
