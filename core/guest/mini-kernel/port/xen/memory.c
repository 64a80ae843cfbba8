/*
 * Direct paging: entries hold machine frames. A table that Xen knows is mapped without the right to write, and Xen
 * makes every change after looking at it, or emulates the store that makes it (the setting `tables`); before
 * that, and after it was given back (spaces.c), a table is memory like any other.
 *
 *   (kernel's address - KERNEL_BASE) >> 12  = pseudo-physical frame
 *   frame_list[pseudo-physical frame]       = machine frame
 *   MACHINE_TO_PHYSICAL[machine frame]      = pseudo-physical frame, a table of Xen's
 */
#include "settings.h"
#include "space.h"
#include "xen.h"

word xen_machine_frame(frame_number frame) { return ((const word *)xen_start_info->frame_list)[frame]; }
static const volatile word *machine_to_physical(void) { return (const volatile word *)MACHINE_TO_PHYSICAL; }

uint64_t xen_machine_address(const void *memory) {
  return (uint64_t)xen_machine_frame(frame_of(memory)) << PAGE_SHIFT | ((uintptr_t)memory & PAGE_MASK);
}

entry_t xen_make_entry(frame_number frame, unsigned flags) {
  return (entry_t)xen_machine_frame(frame) << PAGE_SHIFT | flags;
}
frame_number xen_entry_frame(entry_t entry) {
  return (frame_number)machine_to_physical()[(entry & ENTRY_ADDRESS) >> PAGE_SHIFT];
}

/* ---- Which frames are tables that Xen knows. ---- */

#define FRAMES_MOST ((MEMORY_MAPPED_MOST >> PAGE_SHIFT) + 1)
static uint32_t tables[FRAMES_MOST / 32 + 1];

bool xen_is_table(frame_number frame) { return tables[frame / 32] >> frame % 32 & 1; }
static void set_table(frame_number frame, bool on) {
  if (on) tables[frame / 32] |= 1u << frame % 32;
  else tables[frame / 32] &= ~(1u << frame % 32);
}

/* The entry that maps a frame in the kernel's map, changed. */
static void change_own_map(frame_number frame, unsigned flags) {
  const entry_t *entry = space_entry(&kernel_space, (uintptr_t)frame_memory(frame), false);
  xen_add_update(xen_machine_address(entry), xen_make_entry(frame, flags));
}
void xen_table_protect(frame_number table) {
  if (xen_is_table(table)) return;
  change_own_map(table, ENTRY_PRESENT);
  set_table(table, true);
}
void xen_table_release(frame_number table) {
  set_table(table, false);
  change_own_map(table, ENTRY_PRESENT | ENTRY_WRITABLE);
}

/* ---- Entries. ---- */

/* A store that Xen emulates: of the whole entry at once, for it looks at what each store makes. */
static void store(entry_t *entry, entry_t value) {
#ifdef __x86_64__
  *(volatile entry_t *)entry = value;
#else
  entry_t before = *entry;
  __asm__ volatile("cmpxchg8b %1"
                   : "+A"(before), "+m"(*entry)
                   : "b"((uint32_t)value), "c"((uint32_t)(value >> 32))
                   : "cc");
#endif
}

void xen_set_entry(entry_t *entry, entry_t value, unsigned level) {
  if (!xen_is_table(frame_of(entry))) {
    *entry = value;
    return;
  }
  if (level == 1 && settings.stores_entries) {
    store(entry, value);
    return;
  }
  if (level > 1 && (value & ENTRY_PRESENT)) xen_table_protect(xen_entry_frame(value));
  xen_add_update(xen_machine_address(entry), value);
  if (level == LEVELS) xen_top_entry_set(entry, value);
  /* What follows reads the entries of upper levels. */
  if (level > 1) xen_batch_send();
}

void xen_map_at(const volatile void *address, entry_t entry, unsigned flags) {
#ifdef __x86_64__
  xen_call(UPDATE_VA_MAPPING, (word)address, entry, flags, 0);
#else
  xen_call(UPDATE_VA_MAPPING, (word)address, (word)entry, (word)(entry >> 32), flags);
#endif
}

/* One call for both, as Linux's ports to Xen have it for faults (set_pte_at, ptep_establish). */
void xen_set_page(uintptr_t address, entry_t *entry, entry_t value) {
  const bool had_translation = *entry & ENTRY_PRESENT;
  if (xen_is_table(frame_of(entry)) && !settings.stores_entries) {
    xen_map_at((const void *)address, value, had_translation ? UVMF_INVLPG : UVMF_NONE);
    return;
  }
  xen_set_entry(entry, value, 1);
  if (had_translation) xen_flush_page(address);
}

void xen_flush_page(uintptr_t address) { xen_add_operation(INVLPG_LOCAL, address); }
void xen_flush_all(void) { xen_add_operation(TLB_FLUSH_LOCAL, 0); }

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
  if (settings.stores_entries)
    xen_call(VM_ASSIST, VM_ASSIST_ENABLE, VM_ASSIST_WRITABLE_PAGETABLES, 0, 0);
  frame_number first = frame_of(kernel->top);
  for (word i = 0; i < xen_start_info->page_table_frames; i++) set_table(first + (frame_number)i, true);
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
