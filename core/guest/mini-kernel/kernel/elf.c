/* Loading programs (System V gABI, chapter 5): each segment becomes an area of its file, filled by faults. */
#include "elf.h"

#include "console.h"
#include "settings.h"

#define ELF_MAGIC 0x464c457fu
#define SEGMENT_LOAD 1
#define SEGMENT_WRITABLE 2

#ifdef __x86_64__
struct elf_segment {
  uint32_t type, flags;
  uintptr_t offset, address, physical, file_bytes, memory_bytes, alignment;
};
#define STACK_ALIGNMENT 16
#else
struct elf_segment {
  uint32_t type;
  uintptr_t offset, address, physical, file_bytes, memory_bytes;
  uint32_t flags, alignment;
};
#define STACK_ALIGNMENT 4
#endif
struct elf_header {
  uint32_t magic;
  uint8_t identification[12];
  uint16_t type, machine;
  uint32_t version;
  uintptr_t entry, segments, sections;
  uint32_t flags;
  uint16_t header_bytes, segment_bytes, segment_count;
};

/* ---- Arguments. ---- */

static bool add_word(struct arguments *arguments, const char *word, size_t length) {
  if (arguments->count == ARGUMENTS_MOST || arguments->bytes + length + 1 > ARGUMENT_BYTES_MOST) return false;
  arguments->starts[arguments->count++] = (uint16_t)arguments->bytes;
  copy(arguments->text + arguments->bytes, word, length);
  arguments->bytes += (uint32_t)length + 1;
  arguments->text[arguments->bytes - 1] = 0;
  return true;
}

intptr_t user_text_length(const char *text, size_t most) {
  for (size_t length = 0; length < most; length++) {
    uintptr_t at = (uintptr_t)text + length;
    bool is_new_page = length == 0 || at % PAGE_BYTES == 0;
    if (is_new_page && !space_allows(&current->space, at, 1, false)) return -1;
    if (text[length] == 0) return (intptr_t)length;
  }
  return -1;
}

bool arguments_from_words(struct arguments *arguments, const char *const *words) {
  for (;; words++) {
    if (!space_allows(&current->space, (uintptr_t)words, sizeof *words, false)) return false;
    if (*words == 0) return true;
    intptr_t length = user_text_length(*words, ARGUMENT_BYTES_MOST);
    if (length < 0 || !add_word(arguments, *words, (size_t)length)) return false;
  }
}

void arguments_from_line(struct arguments *arguments, const char *name, const char *line) {
  add_word(arguments, name, length_of(name));
  while (*line != 0) {
    size_t length = 0;
    bool has_value = false, is_path = false;
    for (; line[length] != 0 && line[length] != ' '; length++) {
      has_value |= line[length] == '=';
      is_path |= line[length] == '/';
    }
    /* A loader may put the image's file name first. */
    if (has_value && !is_path && !settings_knows(line)) add_word(arguments, line, length);
    line += length;
    while (*line == ' ') line++;
  }
}

/*
 * Copies the arguments to the top of a new stack, where a program's start finds: whether fast system calls
 * work, the count, and the addresses of the words.
 */
static uintptr_t put_arguments(struct space *space, const struct arguments *arguments) {
  uintptr_t page = USER_TOP - PAGE_BYTES;
  uint8_t *memory = space_page(space, page);
  uintptr_t text = (PAGE_BYTES - arguments->bytes) & ~(uintptr_t)(STACK_ALIGNMENT - 1);
  copy(memory + text, arguments->text, arguments->bytes);
  uintptr_t at = (text - (arguments->count + 3) * sizeof(uintptr_t)) & ~(uintptr_t)(STACK_ALIGNMENT - 1);
  uintptr_t *words = (uintptr_t *)(memory + at);
  *words++ = port->has_fast_calls;
  *words++ = arguments->count;
  for (uint32_t i = 0; i < arguments->count; i++) *words++ = page + text + arguments->starts[i];
  *words = 0;
  return page + at;
}

/* ---- Segments. ---- */

static bool load_segments(struct space *space, struct node *file, const struct elf_header *header) {
  const struct elf_segment *segments =
      (const struct elf_segment *)((const uint8_t *)header + header->segments);
  for (unsigned i = 0; i < header->segment_count; i++) {
    const struct elf_segment *segment = &segments[i];
    if (segment->type != SEGMENT_LOAD || segment->memory_bytes == 0) continue;
    uintptr_t start = page_down(segment->address);
    uintptr_t before = segment->address - start;
    unsigned protection = PROTECTION_READ | (segment->flags & SEGMENT_WRITABLE ? PROTECTION_WRITE : 0);
    if (segment->offset % PAGE_BYTES != before) return false;
    if (area_add(space, start, before + segment->memory_bytes, protection, file, segment->offset - before,
                 before + segment->file_bytes) == 0)
      return false;
  }
  return true;
}

bool program_load(struct space *space, const char *path, const struct arguments *arguments,
                  struct trap_frame *start) {
  struct node *file = node_find(path);
  if (file == 0 || file->kind != NODE_FILE || file->size < sizeof(struct elf_header)) return false;
  /* Header and segments are in the first page. */
  const struct elf_header *header = frame_memory(file->pages[0]);
  if (header->magic != ELF_MAGIC) return false;
  space_create(space);
  uintptr_t stack = USER_TOP - STACK_BYTES_MOST;
  if (!load_segments(space, file, header) ||
      area_add(space, stack, STACK_BYTES_MOST, PROTECTION_READ | PROTECTION_WRITE, 0, 0, 0) == 0) {
    space_destroy(space);
    return false;
  }
  *start = (struct trap_frame){
      .vector = VECTOR_SYSTEM_CALL,
      .ip = header->entry,
      .cs = port->user_code,
      .flags = FLAGS_INTERRUPT | FLAGS_FIXED,
      .sp = put_arguments(space, arguments),
      .ss = port->user_data,
#ifndef __x86_64__
      .ds = port->user_data,
      .es = port->user_data,
#endif
  };
  return true;
}
