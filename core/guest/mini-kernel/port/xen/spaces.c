/*
 * Spaces: their tables are filled as memory, become tables of Xen's all together when a space is first used
 * (Xen looks at them then: "pinned"), and are memory again before the space goes.
 */
#include "space.h"

#include "console.h"
#include "xen.h"

/* ---- Top tables: a 64-bit space has two, for Xen runs the kernel and its programs in one ring. ---- */

#ifdef __x86_64__
#define TOP_TABLES_MOST 96
#define PIN_TOP_TABLE PIN_L4_TABLE
#define USER_TOP_ENTRIES (TABLE_ENTRIES / 2)
struct top_tables {
  frame_number kernel, user; /* NO_FRAME: free */
};
static struct top_tables all_top_tables[TOP_TABLES_MOST];

/* By the kernel's top table; NO_FRAME: a free one. 0 if there is none: the kernel's own space has none. */
static struct top_tables *top_tables_of(frame_number kernel) {
  for (struct top_tables *tables = all_top_tables; tables < all_top_tables + TOP_TABLES_MOST; tables++)
    if (tables->kernel == kernel) return tables;
  return 0;
}

void xen_top_entry_set(const entry_t *entry, entry_t value) {
  const struct top_tables *tables = top_tables_of(frame_of(entry));
  if (tables != 0)
    xen_add_update((uint64_t)xen_machine_frame(tables->user) << PAGE_SHIFT | ((uintptr_t)entry & PAGE_MASK),
                   value);
}
#else
#define PIN_TOP_TABLE PIN_L3_TABLE
#define USER_TOP_ENTRIES (USER_TOP >> 30)
#define KERNEL_SLOT (KERNEL_BASE >> 30)
void xen_top_entry_set(const entry_t *entry, entry_t value) { (void)entry, (void)value; }
#endif

void xen_space_made(struct space *space) {
#ifdef __x86_64__
  for (unsigned i = TOP_SLOTS_XEN_END; i < TABLE_ENTRIES; i++) space->top[i] = kernel_space.top[i];
  struct top_tables *tables = top_tables_of(NO_FRAME);
  if (tables == 0) panic("too many spaces");
  *tables = (struct top_tables){frame_of(space->top), frame_allocate_zeroed()};
#else
  /* Xen wants a table of its own for the last GiB of each space, in which its own entries are. */
  frame_number table = frame_allocate_zeroed();
  entry_t *entries = frame_memory(table);
  const entry_t *kernel_entries = frame_memory(xen_entry_frame(kernel_space.top[KERNEL_SLOT]));
  unsigned end = (MACHINE_TO_PHYSICAL - KERNEL_BASE) >> 21;
  for (unsigned i = 0; i < end; i++) entries[i] = kernel_entries[i];
  space->top[KERNEL_SLOT] = xen_make_entry(table, ENTRY_PRESENT);
#endif
}

/* ---- From memory to tables, and back. ---- */

static void each_table(const entry_t *table, unsigned level, unsigned entries,
                       void (*change)(frame_number table)) {
  for (unsigned i = 0; i < entries; i++) {
    if (!(table[i] & ENTRY_PRESENT)) continue;
    frame_number below = xen_entry_frame(table[i]);
    change(below);
    if (level > 2) each_table(frame_memory(below), level - 1, TABLE_ENTRIES, change);
  }
}

/* All tables that are the space's alone. */
static void change_tables(const struct space *space, void (*change)(frame_number table)) {
  frame_number top = frame_of(space->top);
  each_table(space->top, LEVELS, USER_TOP_ENTRIES, change);
#ifdef __x86_64__
  change(top_tables_of(top)->user);
#else
  change(xen_entry_frame(space->top[KERNEL_SLOT]));
#endif
  change(top);
}

static void pin(const struct space *space) {
  frame_number top = frame_of(space->top);
#ifdef __x86_64__
  frame_number user = top_tables_of(top)->user;
  copy(frame_memory(user), space->top, USER_TOP_ENTRIES * sizeof(entry_t));
#endif
  change_tables(space, xen_table_protect);
#ifdef __x86_64__
  xen_add_operation(PIN_TOP_TABLE, xen_machine_frame(user));
#endif
  xen_add_operation(PIN_TOP_TABLE, xen_machine_frame(top));
}

static void unpin(const struct space *space) {
  frame_number top = frame_of(space->top);
  xen_batch_begin();
  xen_add_operation(UNPIN_TABLE, xen_machine_frame(top));
#ifdef __x86_64__
  xen_add_operation(UNPIN_TABLE, xen_machine_frame(top_tables_of(top)->user));
#endif
  change_tables(space, xen_table_release);
  xen_flush_all(); /* no look-up without the right to write them remains */
  xen_batch_end();
}

void xen_space_dropped(struct space *space) {
  frame_number top = frame_of(space->top);
  if (xen_is_table(top)) unpin(space);
#ifdef __x86_64__
  struct top_tables *tables = top_tables_of(top);
  frame_release(tables->user);
  tables->kernel = NO_FRAME;
#else
  frame_release(xen_entry_frame(space->top[KERNEL_SLOT]));
#endif
}

void xen_activate(struct space *space) {
  frame_number top = frame_of(space->top);
  xen_batch_begin();
  if (!xen_is_table(top)) pin(space);
  xen_add_operation(NEW_BASEPTR, xen_machine_frame(top));
#ifdef __x86_64__
  const struct top_tables *tables = top_tables_of(top);
  xen_add_operation(NEW_USER_BASEPTR, tables != 0 ? xen_machine_frame(tables->user) : 0);
#endif
  xen_batch_end();
}
