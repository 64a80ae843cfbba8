/*
 * The ram file system, flat: nodes by their whole path. Programs are in it from the start, their pages those
 * of the kernel's image (programs.S); what is written gets pages of its own. Devices are nodes too.
 */
#include "console.h"
#include "file.h"
#include "process.h"

#define NODES_MOST 48
static struct node nodes[NODES_MOST];
static struct pool files = {.bytes = sizeof(struct file)};

/* ---- Nodes. ---- */

struct node *node_find(const char *name) {
  for (struct node *node = nodes; node < nodes + NODES_MOST; node++)
    if (node->name[0] != 0 && same_text(node->name, name)) return node;
  return 0;
}

static struct node *node_add(const char *name, enum node_kind kind,
                             const struct node_operations *operations) {
  if (length_of(name) >= NODE_NAME_BYTES || name[0] == 0) return 0;
  for (struct node *node = nodes; node < nodes + NODES_MOST; node++) {
    if (node->name[0] != 0) continue;
    fill(node, 0, sizeof *node);
    copy(node->name, name, length_of(name));
    node->kind = kind;
    node->operations = operations;
    return node;
  }
  return 0;
}

void node_add_device(const char *name, const struct node_operations *operations) {
  node_add(name, NODE_DEVICE, operations);
}

void node_truncate(struct node *node) {
  for (unsigned i = 0; i < NODE_PAGES; i++) {
    if (node->pages[i] != NO_FRAME) frame_release(node->pages[i]);
    node->pages[i] = NO_FRAME;
  }
  node->size = 0;
}

intptr_t node_remove(struct node *node) {
  if (node->kind != NODE_FILE) return ERROR;
  node_truncate(node);
  node->name[0] = 0;
  return 0;
}

/* ---- Files of the file system. ---- */

static intptr_t file_read(struct file *file, void *to, size_t bytes) {
  const struct node *node = file->node;
  if (file->position >= node->size) return 0;
  if (bytes > node->size - file->position) bytes = node->size - file->position;
  for (size_t done = 0; done < bytes;) {
    size_t offset = file->position % PAGE_BYTES;
    size_t part = PAGE_BYTES - offset < bytes - done ? PAGE_BYTES - offset : bytes - done;
    copy((uint8_t *)to + done, (uint8_t *)frame_memory(node->pages[file->position >> PAGE_SHIFT]) + offset,
         part);
    file->position += part;
    done += part;
  }
  return (intptr_t)bytes;
}

static intptr_t file_write(struct file *file, const void *from, size_t bytes) {
  struct node *node = file->node;
  if (bytes > NODE_PAGES * PAGE_BYTES || file->position > NODE_PAGES * PAGE_BYTES - bytes) return ERROR;
  for (size_t done = 0; done < bytes;) {
    frame_number *page = &node->pages[file->position >> PAGE_SHIFT];
    if (*page == NO_FRAME) *page = frame_allocate_zeroed();
    size_t offset = file->position % PAGE_BYTES;
    size_t part = PAGE_BYTES - offset < bytes - done ? PAGE_BYTES - offset : bytes - done;
    copy((uint8_t *)frame_memory(*page) + offset, (const uint8_t *)from + done, part);
    file->position += part;
    done += part;
  }
  if (file->position > node->size) node->size = (uint32_t)file->position;
  return (intptr_t)bytes;
}

static void close_nothing(struct file *file) { (void)file; }
static const struct node_operations file_operations = {file_read, file_write, close_nothing};

/* ---- Devices without a state. ---- */

static intptr_t null_read(struct file *file, void *to, size_t bytes) {
  (void)file, (void)to, (void)bytes;
  return 0;
}
static intptr_t null_write(struct file *file, const void *from, size_t bytes) {
  (void)file, (void)from;
  return (intptr_t)bytes;
}
static intptr_t zero_read(struct file *file, void *to, size_t bytes) {
  (void)file;
  fill(to, 0, bytes);
  return (intptr_t)bytes;
}
static intptr_t console_write(struct file *file, const void *from, size_t bytes) {
  (void)file;
  print_bytes(from, bytes);
  return (intptr_t)bytes;
}
static const struct node_operations null_operations = {null_read, null_write, close_nothing};
static const struct node_operations zero_operations = {zero_read, null_write, close_nothing};
static const struct node_operations console_operations = {null_read, console_write, close_nothing};

/* programs.S: names, and where each program lies in the image. */
struct program {
  const char *name, *begin, *end;
};
extern const struct program programs[], programs_end[];

void files_start(void) {
  node_add_device("/dev/null", &null_operations);
  node_add_device("/dev/zero", &zero_operations);
  node_add_device("/dev/console", &console_operations);
  for (const struct program *program = programs; program < programs_end; program++) {
    struct node *node = node_add(program->name, NODE_FILE, &file_operations);
    node->size = (uint32_t)(program->end - program->begin);
    for (uint32_t page = 0; page * PAGE_BYTES < node->size; page++)
      node->pages[page] = frame_of(program->begin) + page;
  }
}

/* ---- Open files and descriptors. ---- */

struct file *file_make(const struct node_operations *operations, struct node *node, struct pipe *pipe) {
  struct file *file = pool_allocate(&files);
  *file = (struct file){.operations = operations, .node = node, .pipe = pipe, .references = 1};
  return file;
}

void file_share(struct file *file) { file->references++; }

void file_close(struct file *file) {
  if (--file->references > 0) return;
  file->operations->close(file);
  pool_release(&files, file);
}

int descriptor_for(struct file *file) {
  for (int i = 0; i < FILES_MOST; i++) {
    if (current->files[i] != 0) continue;
    current->files[i] = file;
    return i;
  }
  return ERROR;
}

struct file *file_at(uintptr_t descriptor) {
  return descriptor < FILES_MOST ? current->files[descriptor] : 0;
}

intptr_t file_open(const char *name, unsigned flags) {
  struct node *node = node_find(name);
  if (node == 0 && (flags & OPEN_CREATE)) node = node_add(name, NODE_FILE, &file_operations);
  if (node == 0) return ERROR;
  if ((flags & OPEN_TRUNCATE) && node->kind == NODE_FILE) node_truncate(node);
  struct file *file = file_make(node->operations, node, 0);
  int descriptor = descriptor_for(file);
  if (descriptor < 0) file_close(file);
  return descriptor;
}
