/*
 * Direct paging: entries hold machine frames, tables are mapped without the right to write, and Xen makes
 * every change after looking at it.
 *
 *   (kernel's address - KERNEL_BASE) >> 12  = pseudo-physical frame
 *   frame_list[pseudo-physical frame]       = machine frame
 *   MACHINE_TO_PHYSICAL[machine frame]      = pseudo-physical frame, a table of Xen's
 *
 * Changes between batch_begin and batch_end are put together into one multicall.
 */
#include "console.h"
#include "space.h"
#include "xen.h"

static word machine_frame(frame_number frame) { return ((const word *)xen_start_info->frame_list)[frame]; }
static const volatile word *machine_to_physical(void) { return (const volatile word *)MACHINE_TO_PHYSICAL; }

uint64_t xen_machine_address(const void *memory) {
  return (uint64_t)machine_frame(frame_of(memory)) << PAGE_SHIFT | ((uintptr_t)memory & PAGE_MASK);
}

entry_t xen_make_entry(frame_number frame, unsigned flags) {
  return (entry_t)machine_frame(frame) << PAGE_SHIFT | flags;
}
frame_number xen_entry_frame(entry_t entry) {
  return (frame_number)machine_to_physical()[(entry & ENTRY_ADDRESS) >> PAGE_SHIFT];
}

/* ---- Batches: requests wait here until they are one multicall: entries, flushes and spaces, stack. ---- */

#define REQUESTS_MOST 64
static struct mmu_update updates[REQUESTS_MOST];
static struct mmuext_op operations[4];
static struct multicall_entry calls[3];
static unsigned update_count, operation_count, batch_depth;
static uintptr_t new_stack; /* 0: as it is */

static void add_call(unsigned *count, enum hypercall operation, word a, word b, word c, word d) {
  calls[(*count)++] = (struct multicall_entry){.operation = operation, .arguments = {a, b, c, d}};
}

static void send(void) {
  unsigned count = 0;
  if (update_count > 0) add_call(&count, MMU_UPDATE, (word)updates, update_count, 0, DOMID_SELF);
  if (operation_count > 0) add_call(&count, MMUEXT_OP, (word)operations, operation_count, 0, DOMID_SELF);
  if (new_stack != 0) add_call(&count, STACK_SWITCH, FLAT_KERNEL_SS, new_stack, 0, 0);
  update_count = operation_count = 0;
  new_stack = 0;
  if (count == 0) return;
  if (count == 1)
    xen_call(calls[0].operation, calls[0].arguments[0], calls[0].arguments[1], calls[0].arguments[2],
             calls[0].arguments[3]);
  else xen_call(MULTICALL, (word)calls, count, 0, 0);
  for (unsigned i = 0; count > 1 && i < count; i++)
    if ((intptr_t)calls[i].result < 0) panic("a hypercall of a batch failed");
}

static void send_unless_batched(void) {
  if (batch_depth == 0) send();
}

void xen_batch_begin(void) { batch_depth++; }
void xen_batch_end(void) {
  if (--batch_depth == 0) send();
}

static void add_update(uint64_t pointer, uint64_t value) {
  if (update_count == REQUESTS_MOST) send();
  updates[update_count++] = (struct mmu_update){pointer, value};
}

static void add_operation(enum mmuext_command command, word argument) {
  if (operation_count == sizeof operations / sizeof *operations) send();
  operations[operation_count++] = (struct mmuext_op){.command = command, .argument_1 = argument};
}

/* ---- Top tables: a 64-bit space has two, for Xen runs the kernel and its programs in one ring. ---- */

#ifdef __x86_64__
#define TOP_TABLES_MOST 96
#define PIN_TOP_TABLE PIN_L4_TABLE
struct top_tables {
  frame_number kernel, user; /* NO_FRAME: free */
};
static struct top_tables all_top_tables[TOP_TABLES_MOST];

/* By the kernel's top table; NO_FRAME: a free one. 0 if there is none. */
static struct top_tables *top_tables_of(frame_number kernel) {
  for (struct top_tables *tables = all_top_tables; tables < all_top_tables + TOP_TABLES_MOST; tables++)
    if (tables->kernel == kernel) return tables;
  return 0;
}
#else
#define PIN_TOP_TABLE PIN_L3_TABLE
#endif

/* ---- Entries. ---- */

void xen_set_entry(entry_t *entry, entry_t value, unsigned level) {
  add_update(xen_machine_address(entry), value);
#ifdef __x86_64__
  if (level == LEVELS) {
    const struct top_tables *tables = top_tables_of(frame_of(entry));
    if (tables != 0)
      add_update((uint64_t)machine_frame(tables->user) << PAGE_SHIFT | ((uintptr_t)entry & PAGE_MASK), value);
  }
#endif
  /* What follows reads the entries of upper levels. */
  if (level > 1) send();
  else send_unless_batched();
}

void xen_map_at(const volatile void *address, entry_t entry) {
#ifdef __x86_64__
  xen_call(UPDATE_VA_MAPPING, (word)address, entry, UVMF_INVLPG, 0);
#else
  xen_call(UPDATE_VA_MAPPING, (word)address, (word)entry, (word)(entry >> 32), UVMF_INVLPG);
#endif
}

void xen_table_made(frame_number table, unsigned level) {
  (void)level;
  xen_map_at(frame_memory(table), xen_make_entry(table, ENTRY_PRESENT));
}

void xen_table_dropped(frame_number table, unsigned level) {
  (void)level;
  xen_map_at(frame_memory(table), xen_make_entry(table, ENTRY_PRESENT | ENTRY_WRITABLE));
}

void xen_flush_page(uintptr_t address) {
  add_operation(INVLPG_LOCAL, address);
  send_unless_batched();
}

void xen_flush_all(void) {
  add_operation(TLB_FLUSH_LOCAL, 0);
  send_unless_batched();
}

/* ---- Spaces. ---- */

void xen_space_made(struct space *space) {
  frame_number top = frame_of(space->top);
#ifdef __x86_64__
  for (unsigned i = TOP_SLOTS_XEN_END; i < TABLE_ENTRIES; i++) space->top[i] = kernel_space.top[i];
  struct top_tables *tables = top_tables_of(NO_FRAME);
  if (tables == 0) panic("too many spaces");
  *tables = (struct top_tables){top, frame_allocate_zeroed()};
  xen_table_made(tables->user, LEVELS);
  add_operation(PIN_TOP_TABLE, machine_frame(tables->user));
#else
  /* Xen wants a table of its own for the last GiB of each space, in which its own entries are. */
  unsigned slot = KERNEL_BASE >> 30;
  frame_number table = frame_allocate_zeroed();
  entry_t *entries = frame_memory(table);
  const entry_t *kernel_entries = frame_memory(xen_entry_frame(kernel_space.top[slot]));
  unsigned end = (MACHINE_TO_PHYSICAL - KERNEL_BASE) >> 21;
  for (unsigned i = 0; i < end; i++) entries[i] = kernel_entries[i];
  xen_table_made(table, LEVELS - 1);
  space->top[slot] = xen_make_entry(table, ENTRY_PRESENT);
#endif
  xen_table_made(top, LEVELS);
  add_operation(PIN_TOP_TABLE, machine_frame(top));
  send();
}

void xen_space_dropped(struct space *space) {
  frame_number top = frame_of(space->top);
  add_operation(UNPIN_TABLE, machine_frame(top));
#ifdef __x86_64__
  struct top_tables *tables = top_tables_of(top);
  add_operation(UNPIN_TABLE, machine_frame(tables->user));
  send();
  xen_table_dropped(tables->user, LEVELS);
  frame_release(tables->user);
  tables->kernel = NO_FRAME;
#else
  send();
  frame_number table = xen_entry_frame(space->top[KERNEL_BASE >> 30]);
  xen_table_dropped(table, LEVELS - 1);
  frame_release(table);
#endif
}

void xen_activate(struct space *space) {
  frame_number top = frame_of(space->top);
  add_operation(NEW_BASEPTR, machine_frame(top));
#ifdef __x86_64__
  const struct top_tables *tables = top_tables_of(top); /* the kernel's own space has none */
  add_operation(NEW_USER_BASEPTR, tables != 0 ? machine_frame(tables->user) : 0);
#endif
  send_unless_batched();
}

void xen_set_kernel_stack(uintptr_t top) {
  new_stack = top;
  send_unless_batched();
}

/* ---- The kernel's map: what Xen made at the start, and the rest of memory behind it. ---- */

#define BYTES_OF_TABLE ((uintptr_t)PAGE_BYTES * TABLE_ENTRIES) /* that a lowest table maps */
#define INDEX_BITS 9

/* The level 2 entry for an address of the kernel's; Xen made the tables above. */
static entry_t *level_2_entry(struct space *kernel, uintptr_t address) {
  entry_t *table = kernel->top;
  for (unsigned level = LEVELS; level > 2; level--) {
    unsigned index = address >> (PAGE_SHIFT + INDEX_BITS * (level - 1)) & (TABLE_ENTRIES - 1);
    table = frame_memory(xen_entry_frame(table[index]));
  }
  return &table[address >> (PAGE_SHIFT + INDEX_BITS) & (TABLE_ENTRIES - 1)];
}

static entry_t memory_entry(uintptr_t address) {
  return xen_make_entry(frame_of((const void *)address), ENTRY_PRESENT | ENTRY_WRITABLE);
}

/* Maps memory up to `end` by a table that is filled before it becomes one. */
static void map_by_new_table(entry_t *level_2, uintptr_t address, uintptr_t end) {
  frame_number table = frame_allocate_zeroed();
  entry_t *entries = frame_memory(table);
  for (unsigned i = 0; i < TABLE_ENTRIES && address + i * PAGE_BYTES < end; i++)
    entries[i] = memory_entry(address + i * PAGE_BYTES);
  xen_table_made(table, 1);
  xen_set_entry(level_2, xen_make_entry(table, ENTRY_PRESENT | ENTRY_WRITABLE | ENTRY_USER | ENTRY_ACCESSED),
                2);
}

/* Maps what a table that Xen made leaves out. */
static void complete_table(entry_t *entries, uintptr_t address, uintptr_t end) {
  for (unsigned i = 0; i < TABLE_ENTRIES && address + i * PAGE_BYTES < end; i++)
    if (!(entries[i] & ENTRY_PRESENT)) xen_set_entry(&entries[i], memory_entry(address + i * PAGE_BYTES), 1);
}

void xen_memory_start(struct space *kernel) {
  kernel->top = (entry_t *)xen_start_info->page_table;
  uintptr_t bytes = (uintptr_t)xen_start_info->pages << PAGE_SHIFT;
  if (bytes > MEMORY_MAPPED_MOST) bytes = MEMORY_MAPPED_MOST;
  uintptr_t end = KERNEL_BASE + bytes;
  for (uintptr_t address = KERNEL_BASE; address < end; address += BYTES_OF_TABLE) {
    entry_t *level_2 = level_2_entry(kernel, address);
    xen_batch_begin();
    if (*level_2 & ENTRY_PRESENT) complete_table(frame_memory(xen_entry_frame(*level_2)), address, end);
    else map_by_new_table(level_2, address, end);
    xen_batch_end();
  }
  space_entry(kernel, DEVICE_BASE, true); /* the table exists before spaces share it */
}
