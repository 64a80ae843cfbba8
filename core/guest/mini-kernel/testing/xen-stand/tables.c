/*
 * The guest's page tables: what it asks for is done, after a look at what the port relies on (tables are not
 * mapped writable). The stand's own entries go into each top table that is pinned.
 */
#include "instructions.h"
#include "stand.h"

static uint8_t levels[MACHINE_FRAMES]; /* of frames that are tables; 0: memory */
static entry_t *initial_top;

static entry_t *table_at(uint64_t frame) { return machine_memory(frame << PAGE_SHIFT); }
static unsigned index_at(uintptr_t address, unsigned level) {
  return address >> (PAGE_SHIFT + 9 * (level - 1)) & (ENTRIES - 1);
}

static entry_t *lowest_entry(entry_t *top, uintptr_t address) {
  entry_t *table = top;
  for (unsigned level = LEVELS; level > 1; level--) {
    entry_t entry = table[index_at(address, level)];
    if (!(entry & PRESENT)) stand_end("an address of the guest's has no table", address);
    table = machine_memory(entry & ADDRESS);
  }
  return &table[index_at(address, 1)];
}

/* 64-bit guests run in ring 3 altogether. */
static uint64_t adjusted(uint64_t value) {
#ifdef __x86_64__
  return value & PRESENT ? value | USER : value;
#else
  return value;
#endif
}

static bool is_stands(unsigned level, unsigned index, bool is_last_quarter) {
#ifdef __x86_64__
  (void)is_last_quarter;
  return level == LEVELS && index >= TOP_SLOTS_XEN_FIRST && index < TOP_SLOTS_XEN_END;
#else
  return level == 2 && is_last_quarter && index >= (MACHINE_TO_PHYSICAL - GUEST_BASE) >> 21;
#endif
}

/* A frame becomes a table, and all under it. */
static void adopt(uint64_t frame, unsigned level, bool is_last_quarter) {
  if (frame < GUEST_FIRST_FRAME || frame >= GUEST_FIRST_FRAME + GUEST_FRAMES)
    stand_end("a table is not the guest's", frame);
  if (levels[frame] == level) return;
  if (levels[frame] != 0) stand_end("a table is one of another level", frame);
  if (*lowest_entry(initial_top, GUEST_BASE + ((frame - GUEST_FIRST_FRAME) << PAGE_SHIFT)) & WRITABLE)
    stand_end("a table is mapped writable", frame);
  levels[frame] = (uint8_t)level;
  entry_t *table = table_at(frame);
  unsigned entries = LEVELS == 3 && level == 3 ? 4 : ENTRIES;
  for (unsigned i = 0; i < entries; i++) {
    if (is_stands(level, i, is_last_quarter) || !(table[i] & PRESENT)) continue;
    if (!(LEVELS == 3 && level == 3)) table[i] = adjusted(table[i]);
    if (level > 1) adopt((table[i] & ADDRESS) >> PAGE_SHIFT, level - 1, LEVELS == 3 && level == 3 && i == 3);
  }
}

void table_pin(uint64_t frame, unsigned level) {
  adopt(frame, level, false);
#ifdef __x86_64__
  table_at(frame)[TOP_SLOTS_XEN_FIRST] = initial_top[TOP_SLOTS_XEN_FIRST];
  table_at(frame)[262] = initial_top[262];
#else
  entry_t *last = machine_memory(table_at(frame)[3] & ADDRESS),
          *own = machine_memory(initial_top[3] & ADDRESS);
  for (unsigned i = (MACHINE_TO_PHYSICAL - GUEST_BASE) >> 21; i < ENTRIES; i++) last[i] = own[i];
#endif
}

/* Tables that are the space's alone are memory again. */
static void abandon(uint64_t frame, unsigned level, unsigned entries) {
  const entry_t *table = table_at(frame);
  levels[frame] = 0;
  for (unsigned i = 0; level > 1 && i < entries; i++)
    if (table[i] & PRESENT) abandon((table[i] & ADDRESS) >> PAGE_SHIFT, level - 1, ENTRIES);
}

void table_unpin(uint64_t frame) {
#ifdef __x86_64__
  if (levels[frame] != 0) abandon(frame, LEVELS, ENTRIES / 2); /* the program's tables are the kernel's too */
#else
  levels[(table_at(frame)[3] & ADDRESS) >> PAGE_SHIFT] = 0;
  abandon(frame, LEVELS, 3);
#endif
}

void table_update(uint64_t pointer, uint64_t value) {
  uint64_t frame = pointer >> PAGE_SHIFT;
  if (frame >= MACHINE_FRAMES || levels[frame] == 0)
    stand_end("an update of what is no table", (uintptr_t)pointer);
  unsigned level = levels[frame];
  if (level > 1 && (value & PRESENT)) adopt((value & ADDRESS) >> PAGE_SHIFT, level - 1, false);
  if (level == 1 && (value & WRITABLE) && levels[(value & ADDRESS) >> PAGE_SHIFT] != 0)
    stand_end("a table is to be written", (uintptr_t)value);
  *(entry_t *)machine_memory(pointer & ~(uint64_t)7) = adjusted(value);
}

void table_map(uintptr_t address, uint64_t value) {
  if ((value & WRITABLE) && levels[(value & ADDRESS) >> PAGE_SHIFT] != 0)
    stand_end("a table is to be written", (uintptr_t)value);
  *lowest_entry(machine_memory(guest.kernel_space), address) = adjusted(value);
  __asm__ volatile("invlpg (%0)" : : "r"(address) : "memory");
}

void space_load(uint64_t cr3) { __asm__ volatile("mov %0, %%cr3" : : "r"((uintptr_t)cr3) : "memory"); }

/* ---- The tables that the guest begins with: its memory up to end_frame, tables read-only. ---- */

static uint64_t new_table(uint64_t *next_frame) { return (*next_frame)++; }

static entry_t *child(entry_t *entry, uint64_t *next_frame, unsigned flags) {
  if (!(*entry & PRESENT)) *entry = new_table(next_frame) << PAGE_SHIFT | flags;
  return machine_memory(*entry & ADDRESS);
}

void tables_build(uint64_t *top, uint64_t *next_frame, uint64_t first_read_only, uint64_t end_frame) {
  *top = new_table(next_frame);
  initial_top = table_at(*top);
  for (uint64_t frame = GUEST_FIRST_FRAME; frame < end_frame; frame++) {
    uintptr_t address = GUEST_BASE + ((frame - GUEST_FIRST_FRAME) << PAGE_SHIFT);
    entry_t *table = initial_top;
    for (unsigned level = LEVELS; level > 1; level--)
      table = child(&table[index_at(address, level)], next_frame,
                    LEVELS == 3 && level == 3 ? PRESENT : PRESENT | WRITABLE | USER);
    table[index_at(address, 1)] = adjusted(frame << PAGE_SHIFT | PRESENT | WRITABLE);
  }
  for (uint64_t frame = first_read_only; frame < *next_frame; frame++)
    *lowest_entry(initial_top, GUEST_BASE + ((frame - GUEST_FIRST_FRAME) << PAGE_SHIFT)) &=
        ~(entry_t)WRITABLE;
  /* The stand's own: machine memory, and the table that is the guest's to read. */
  extern entry_t boot_pointers[];
#ifdef __x86_64__
  static entry_t pointers[ENTRIES] __attribute__((aligned(4096))),
      directory[ENTRIES] __attribute__((aligned(4096)));
  initial_top[262] = ((uintptr_t)boot_pointers - STAND_BASE) | PRESENT | WRITABLE;
  initial_top[TOP_SLOTS_XEN_FIRST] = ((uintptr_t)pointers - STAND_BASE) | PRESENT | USER;
  pointers[0] = ((uintptr_t)directory - STAND_BASE) | PRESENT | USER;
  directory[0] = TRANSLATION_PHYSICAL | PRESENT | USER | LARGE;
#else
  entry_t *last = machine_memory(initial_top[3] & ADDRESS);
  for (unsigned i = 480; i < ENTRIES; i++) last[i] = boot_pointers[i];
  last[(MACHINE_TO_PHYSICAL - GUEST_BASE) >> 21] = TRANSLATION_PHYSICAL | PRESENT | LARGE;
#endif
  adopt(*top, LEVELS, false);
}
