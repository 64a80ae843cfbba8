/*
 * Address spaces: trees of page tables (SDM 3A, 4.4 and 4.5), walked by level:
 *
 *   64-bit   47      39 38      30 29      21 20      12 11         0
 *            [ level 4 | level 3  | level 2  | level 1  |   offset  ]     9 bits each
 *   PAE                 31 30
 *                      [level 3]  of four entries that a load of CR3 reads, so they exist from the start
 */
#include "space.h"

#include "console.h"
#include "file.h"

struct space kernel_space;
static struct pool areas = {.bytes = sizeof(struct area)};

#define INDEX_BITS 9
#define USER_TABLE (ENTRY_PRESENT | ENTRY_WRITABLE | ENTRY_USER | ENTRY_ACCESSED)
#define USER_PAGE (ENTRY_PRESENT | ENTRY_USER | ENTRY_ACCESSED)

static unsigned index_at(uintptr_t address, unsigned level) {
  return address >> (PAGE_SHIFT + INDEX_BITS * (level - 1)) & (TABLE_ENTRIES - 1);
}
static uintptr_t bytes_of_entry(unsigned level) {
  return (uintptr_t)1 << (PAGE_SHIFT + INDEX_BITS * (level - 1));
}
static entry_t *table_of(entry_t entry) { return frame_memory(port->entry_frame(entry)); }

/* Makes the table that an entry leads to. */
static void make_table(entry_t *entry, unsigned level) {
  frame_number table = frame_allocate_zeroed();
  /* Rights are the lowest entry's matter; entries of the PAE level 3 have none (SDM 3A, table 4-8). */
  unsigned flags = LEVELS == 3 && level == LEVELS ? ENTRY_PRESENT : USER_TABLE;
  port->set_entry(entry, port->make_entry(table, flags), level);
}

entry_t *space_entry(struct space *space, uintptr_t address, bool make) {
  entry_t *table = space->top;
  for (unsigned level = LEVELS; level > 1; level--) {
    entry_t *entry = &table[index_at(address, level)];
    if (!(*entry & ENTRY_PRESENT)) {
      if (!make) return 0;
      make_table(entry, level);
    }
    table = table_of(*entry);
  }
  return &table[index_at(address, 1)];
}

/* ---- Making, copying and destroying. ---- */

void spaces_start(void) { port->memory_start(&kernel_space); }

void space_create(struct space *space) {
  frame_number top = frame_allocate_zeroed();
  *space = (struct space){.top = frame_memory(top)};
#ifndef __x86_64__
  for (unsigned i = 0; i < USER_TOP / bytes_of_entry(LEVELS); i++) {
    frame_number table = frame_allocate_zeroed();
    space->top[i] = port->make_entry(table, ENTRY_PRESENT);
  }
#endif
  port->space_made(space);
}

/*
 * Copies the entries of a table for the addresses from `address` to `end`. Pages that are not shared lose the
 * right to be written, on both sides.
 */
static void clone_table(entry_t *to, entry_t *from, unsigned level, uintptr_t address, uintptr_t end) {
  uintptr_t step = bytes_of_entry(level);
  for (unsigned i = index_at(address, level); address < end && i < TABLE_ENTRIES; i++) {
    uintptr_t next = (address & ~(step - 1)) + step;
    entry_t entry = from[i];
    if (entry & ENTRY_USED) {
      if (level > 1) {
        if (!(to[i] & ENTRY_PRESENT)) make_table(&to[i], level);
        clone_table(table_of(to[i]), table_of(entry), level - 1, address, next < end ? next : end);
      } else {
        if ((entry & ENTRY_WRITABLE) && !(entry & ENTRY_SHARED)) {
          entry &= ~(entry_t)ENTRY_WRITABLE;
          port->set_entry(&from[i], entry, level);
        }
        frame_share(port->entry_frame(entry));
        port->set_entry(&to[i], entry, level);
      }
    }
    if (next == 0) return;
    address = next;
  }
}

void space_clone(struct space *to, const struct space *from) {
  space_create(to);
  struct area **last = &to->areas;
  port->batch_begin();
  for (const struct area *area = from->areas; area != 0; area = area->next) {
    struct area *twin = pool_allocate(&areas);
    *twin = *area;
    twin->next = 0;
    *last = twin;
    last = &twin->next;
    clone_table(to->top, from->top, LEVELS, area->start, area->end);
  }
  port->flush_all();
  port->batch_end();
}

/* Releases what the tables under a table refer to, and the tables. */
static void drop_tables(entry_t *table, unsigned level, unsigned entries) {
  for (unsigned i = 0; i < entries; i++) {
    if (!(table[i] & ENTRY_USED)) continue;
    frame_number frame = port->entry_frame(table[i]);
    if (level > 1) drop_tables(frame_memory(frame), level - 1, TABLE_ENTRIES);
    frame_release(frame);
  }
}

void space_destroy(struct space *space) {
  port->space_dropped(space);
  /* The kernel's part of the top table is not a process's. */
  unsigned user_entries = LEVELS == 3 ? USER_TOP / bytes_of_entry(LEVELS) : TABLE_ENTRIES / 2;
  drop_tables(space->top, LEVELS, user_entries);
  frame_release(frame_of(space->top));
  while (space->areas != 0) {
    struct area *area = space->areas;
    space->areas = area->next;
    pool_release(&areas, area);
  }
  space->top = 0;
}

void space_activate(struct space *space) {
  static const entry_t *active;
  if (space->top == active) return;
  active = space->top;
  port->activate(space);
}

/* ---- Areas. ---- */

static struct area *area_at(const struct space *space, uintptr_t address) {
  struct area *area = space->areas;
  while (area != 0 && area->end <= address) area = area->next;
  return area != 0 && area->start <= address ? area : 0;
}

/* The lowest gap of so many bytes, or 0. */
static uintptr_t find_gap(const struct space *space, size_t bytes) {
  uintptr_t start = MAPPING_BOTTOM;
  for (const struct area *area = space->areas; area != 0; area = area->next) {
    if (area->end <= start) continue;
    if (area->start >= start + bytes) break;
    start = area->end;
  }
  return bytes <= USER_TOP - STACK_BYTES_MOST - start ? start : 0;
}

uintptr_t area_add(struct space *space, uintptr_t start, size_t bytes, unsigned protection, struct node *file,
                   uintptr_t file_start, size_t file_bytes) {
  bytes = page_up(bytes);
  if (bytes == 0 || bytes >= USER_TOP) return 0;
  if (start == 0) start = find_gap(space, bytes);
  if (start < USER_BOTTOM || start % PAGE_BYTES != 0 || start > USER_TOP - bytes) return 0;
  struct area **place = &space->areas;
  while (*place != 0 && (*place)->end <= start) place = &(*place)->next;
  if (*place != 0 && (*place)->start < start + bytes) return 0;
  struct area *area = pool_allocate(&areas);
  *area = (struct area){
      .next = *place,
      .start = start,
      .end = start + bytes,
      .protection = protection,
      .file = file,
      .file_start = file_start,
      .file_end = start + file_bytes,
  };
  *place = area;
  return start;
}

/* Pages whose look-ups are stale: flushed one by one while they are few, else all, once their entries have changed. */
#define STALE_MOST 8
struct stale {
  unsigned count;
  uintptr_t pages[STALE_MOST];
};
static void note_stale(struct stale *stale, uintptr_t page) {
  if (stale->count < STALE_MOST) stale->pages[stale->count] = page;
  stale->count++;
}
static void flush_stale(const struct stale *stale) {
  if (stale->count > STALE_MOST) port->flush_all();
  else
    for (unsigned i = 0; i < stale->count; i++) port->flush_page(stale->pages[i]);
}

/* Splits an area so that one begins at `address`. */
static void split_at(struct space *space, uintptr_t address) {
  struct area *area = area_at(space, address);
  if (area == 0 || area->start == address) return;
  struct area *rest = pool_allocate(&areas);
  *rest = *area;
  rest->start = address;
  rest->file_start += address - area->start;
  area->end = address;
  area->next = rest;
}

void area_remove(struct space *space, uintptr_t start, size_t bytes) {
  uintptr_t end = start + page_up(bytes);
  split_at(space, start);
  split_at(space, end);
  struct area **place = &space->areas;
  struct stale stale = {0};
  port->batch_begin();
  while (*place != 0 && (*place)->start < end) {
    struct area *area = *place;
    if (area->start < start) {
      place = &area->next;
      continue;
    }
    for (uintptr_t page = area->start; page < area->end; page += PAGE_BYTES) {
      entry_t *entry = space_entry(space, page, false);
      if (entry == 0 || !(*entry & ENTRY_USED)) continue;
      frame_number frame = port->entry_frame(*entry);
      port->set_entry(entry, 0, 1);
      note_stale(&stale, page);
      frame_release(frame);
    }
    *place = area->next;
    pool_release(&areas, area);
  }
  flush_stale(&stale);
  port->batch_end();
}

bool area_protect(struct space *space, uintptr_t start, size_t bytes, unsigned protection) {
  uintptr_t end = start + page_up(bytes);
  for (uintptr_t at = start; at < end;) {
    const struct area *area = area_at(space, at);
    if (area == 0) return false;
    at = area->end;
  }
  split_at(space, start);
  split_at(space, end);
  struct stale stale = {0};
  port->batch_begin();
  for (struct area *area = area_at(space, start); area != 0 && area->start < end; area = area->next) {
    area->protection = (area->protection & AREA_SHARED) | protection;
    for (uintptr_t page = area->start; page < area->end; page += PAGE_BYTES) {
      entry_t *entry = space_entry(space, page, false);
      if (entry == 0 || !(*entry & ENTRY_USED)) continue;
      entry_t changed = *entry & ~(entry_t)(ENTRY_WRITABLE | ENTRY_USED);
      changed |= protection & PROTECTION_READ ? ENTRY_PRESENT : ENTRY_HIDDEN;
      /* The right to write comes back by a fault, which looks whether the page is shared. */
      if ((protection & PROTECTION_WRITE) && (*entry & ENTRY_SHARED)) changed |= ENTRY_WRITABLE;
      if (changed == *entry) continue;
      port->set_entry(entry, changed, 1);
      note_stale(&stale, page);
    }
  }
  flush_stale(&stale);
  port->batch_end();
  return true;
}

void area_populate(struct space *space, uintptr_t start, size_t bytes) {
  port->batch_begin();
  for (uintptr_t page = start; page < start + bytes; page += PAGE_BYTES) {
    entry_t *entry = space_entry(space, page, true);
    frame_number frame = frame_allocate_zeroed();
    port->set_entry(entry, port->make_entry(frame, USER_PAGE | ENTRY_WRITABLE | ENTRY_DIRTY | ENTRY_SHARED),
                    1);
  }
  port->batch_end();
}

/* ---- Faults. ---- */

/* A frame of one's own with the contents that an area's page has at first. */
static frame_number first_contents(const struct area *area, uintptr_t page) {
  if (area->file == 0 || page >= area->file_end) return frame_allocate_zeroed();
  uintptr_t offset = area->file_start + (page - area->start);
  frame_number from = area->file->pages[offset >> PAGE_SHIFT];
  frame_number frame = frame_allocate_zeroed();
  size_t bytes = area->file_end - page < PAGE_BYTES ? area->file_end - page : PAGE_BYTES;
  if (from != NO_FRAME) copy(frame_memory(frame), frame_memory(from), bytes);
  return frame;
}

/* The file's own frame, if all of the page is the file's; it may only be read. */
static frame_number file_frame(const struct area *area, uintptr_t page) {
  if (area->file == 0 || page + PAGE_BYTES > area->file_end) return NO_FRAME;
  frame_number frame = area->file->pages[(area->file_start + (page - area->start)) >> PAGE_SHIFT];
  if (frame != NO_FRAME) frame_share(frame);
  return frame;
}

bool space_fault(struct space *space, uintptr_t address, bool is_write) {
  uintptr_t page = page_down(address);
  const struct area *area = area_at(space, address);
  if (area == 0 || !(area->protection & (is_write ? PROTECTION_WRITE : PROTECTION_READ))) return false;
  entry_t *entry = space_entry(space, page, true);
  entry_t was = *entry;
  frame_number frame = NO_FRAME;
  unsigned flags = USER_PAGE;
  if (area->protection & PROTECTION_WRITE) flags |= ENTRY_WRITABLE | ENTRY_DIRTY;
  if (!(was & ENTRY_USED)) {
    if (!is_write && (frame = file_frame(area, page)) != NO_FRAME)
      flags &= ~(unsigned)(ENTRY_WRITABLE | ENTRY_DIRTY);
    else frame = first_contents(area, page);
  } else if (is_write && !(was & ENTRY_WRITABLE)) {
    frame_number shared = port->entry_frame(was);
    if (frame_is_sole(shared)) {
      frame = shared;
    } else {
      frame = frame_allocate();
      copy(frame_memory(frame), frame_memory(shared), PAGE_BYTES);
    }
    if (frame != shared) frame_release(shared);
  } else {
    port->flush_page(page); /* the tables allow it: the processor remembered something older */
    return true;
  }
  port->set_page(page, entry, port->make_entry(frame, flags));
  return true;
}

bool space_allows(const struct space *space, uintptr_t start, size_t bytes, bool is_write) {
  if (start >= USER_TOP || bytes > USER_TOP - start) return false;
  uintptr_t end = start + bytes;
  while (start < end) {
    const struct area *area = area_at(space, start);
    if (area == 0 || !(area->protection & (is_write ? PROTECTION_WRITE : PROTECTION_READ))) return false;
    start = area->end;
  }
  return true;
}

void *space_page(struct space *space, uintptr_t address) {
  const entry_t *entry = space_entry(space, address, true);
  if (!(*entry & ENTRY_WRITABLE) && !space_fault(space, address, true)) panic("no page where one was to be");
  return frame_memory(port->entry_frame(*space_entry(space, address, false)));
}

/* ---- Devices. ---- */

uintptr_t kernel_window(void) {
  static uintptr_t next = DEVICE_BASE;
  uintptr_t address = next;
  next += PAGE_BYTES;
  return address;
}

void *device_map(uint64_t physical) {
  uintptr_t address = kernel_window();
  entry_t *entry = space_entry(&kernel_space, address, true);
  *entry = (physical & ENTRY_ADDRESS) | ENTRY_PRESENT | ENTRY_WRITABLE | ENTRY_CACHE_DISABLE;
  return (void *)address;
}
