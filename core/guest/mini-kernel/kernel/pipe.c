/*
 * Pipes: a page as a ring, between those who hold the ends. Reading waits for a first byte, writing for room
 * for all.
 */
#include "file.h"
#include "process.h"

struct pipe {
  uint8_t *ring;
  uint32_t written, read;    /* bytes ever; their difference is what the ring holds */
  uint32_t readers, writers; /* open ends */
  struct link waiting;
};
static struct pool pipes = {.bytes = sizeof(struct pipe)};

static void close_end(struct pipe *pipe, uint32_t *ends) {
  --*ends;
  queue_wake(&pipe->waiting);
  if (pipe->readers != 0 || pipe->writers != 0) return;
  frame_release(frame_of(pipe->ring));
  pool_release(&pipes, pipe);
}
static void close_reader(struct file *file) { close_end(file->pipe, &file->pipe->readers); }
static void close_writer(struct file *file) { close_end(file->pipe, &file->pipe->writers); }

/* Bytes from `position` that lie side by side in the ring, at most `most`. */
static size_t run_length(uint32_t position, size_t most) {
  size_t until_end = PAGE_BYTES - position % PAGE_BYTES;
  return until_end < most ? until_end : most;
}

static intptr_t read_bytes(struct file *file, void *to, size_t bytes) {
  struct pipe *pipe = file->pipe;
  while (pipe->written == pipe->read) {
    if (pipe->writers == 0 || bytes == 0) return 0;
    queue_wait(&pipe->waiting);
    if (current->pending != 0) return ERROR;
  }
  size_t available = pipe->written - pipe->read;
  if (bytes > available) bytes = available;
  for (size_t done = 0; done < bytes;) {
    size_t part = run_length(pipe->read, bytes - done);
    copy((uint8_t *)to + done, pipe->ring + pipe->read % PAGE_BYTES, part);
    pipe->read += (uint32_t)part;
    done += part;
  }
  queue_wake(&pipe->waiting);
  return (intptr_t)bytes;
}

static intptr_t write_bytes(struct file *file, const void *from, size_t bytes) {
  struct pipe *pipe = file->pipe;
  for (size_t done = 0; done < bytes;) {
    if (pipe->readers == 0 || current->pending != 0) return ERROR;
    size_t room = PAGE_BYTES - (pipe->written - pipe->read);
    if (room == 0) {
      queue_wait(&pipe->waiting);
      continue;
    }
    size_t part = run_length(pipe->written, room < bytes - done ? room : bytes - done);
    copy(pipe->ring + pipe->written % PAGE_BYTES, (const uint8_t *)from + done, part);
    pipe->written += (uint32_t)part;
    done += part;
    queue_wake(&pipe->waiting);
  }
  return (intptr_t)bytes;
}

static intptr_t read_nothing(struct file *file, void *to, size_t bytes) {
  (void)file, (void)to, (void)bytes;
  return ERROR;
}
static intptr_t write_nothing(struct file *file, const void *from, size_t bytes) {
  (void)file, (void)from, (void)bytes;
  return ERROR;
}
static const struct node_operations reader_operations = {read_bytes, write_nothing, close_reader};
static const struct node_operations writer_operations = {read_nothing, write_bytes, close_writer};

intptr_t pipe_make(uint32_t descriptors[2]) {
  struct pipe *pipe = pool_allocate(&pipes);
  *pipe = (struct pipe){.ring = frame_memory(frame_allocate()), .readers = 1, .writers = 1};
  list_start(&pipe->waiting);
  struct file *reader = file_make(&reader_operations, 0, pipe);
  struct file *writer = file_make(&writer_operations, 0, pipe);
  int first = descriptor_for(reader);
  int second = first < 0 ? ERROR : descriptor_for(writer);
  if (second < 0) {
    if (first >= 0) current->files[first] = 0;
    file_close(reader);
    file_close(writer);
    return ERROR;
  }
  descriptors[0] = (uint32_t)first;
  descriptors[1] = (uint32_t)second;
  return 0;
}
