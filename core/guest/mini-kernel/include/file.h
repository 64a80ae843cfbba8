/* Open files and what is behind them: nodes of the ram file system, devices, pipes, the disk. */
#pragma once
#include "memory.h"

struct file;
struct file_information {
  uint32_t size, kind;
};

/* What a kind of node can do; `position` is the file's, and the operation moves it. */
struct node_operations {
  intptr_t (*read)(struct file *file, void *to, size_t bytes);
  intptr_t (*write)(struct file *file, const void *from, size_t bytes);
  void (*close)(struct file *file);
};

enum node_kind { NODE_DEVICE, NODE_FILE };
#define NODE_NAME_BYTES 28
#define NODE_PAGES 64

struct node {
  char name[NODE_NAME_BYTES];
  const struct node_operations *operations;
  enum node_kind kind;
  uint32_t size;
  frame_number pages[NODE_PAGES]; /* NO_FRAME: never written */
};

struct file {
  const struct node_operations *operations;
  struct node *node; /* 0 for pipes */
  struct pipe *pipe;
  uint32_t references;
  uintptr_t position;
};

#define OPEN_CREATE 1
#define OPEN_TRUNCATE 2

/* Results below 0. */
#define ERROR (-1)

void files_start(void);
void node_add_device(const char *name, const struct node_operations *operations);
struct node *node_find(const char *name);
void node_truncate(struct node *node);
intptr_t node_remove(struct node *node);
struct file *file_make(const struct node_operations *operations, struct node *node, struct pipe *pipe);
void file_share(struct file *file);
void file_close(struct file *file);

intptr_t file_open(const char *name, unsigned flags); /* a descriptor of the current process */
int descriptor_for(struct file *file);
struct file *file_at(uintptr_t descriptor); /* 0: there is none */

/* Two descriptors: to read from, and to write to. */
intptr_t pipe_make(uint32_t descriptors[2]);
void disk_start(void);
