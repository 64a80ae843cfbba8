/*
 * Page tables in three formats: 2-level and PAE for 32-bit images, 4-level for 64-bit ones (SDM 3A, 4.3 to 4.5). They
 * differ in the number of levels, in the entry's size and so in how many address bits a level takes:
 *
 *   2-level            31‥22  21‥12   4-byte entries, large pages of 4 MiB
 *   PAE         31‥30  29‥21  20‥12   8-byte entries, large pages of 2 MiB
 *   4-level  47‥39 38‥30 29‥21 20‥12   the same
 *
 * Frames lie below 4 GiB, so the low half of an entry is all that is ever written.
 */
#include "machine.h"
#include "memory.h"

#ifdef __x86_64__
PARAMETER(paging, 0, "4-level");
enum format { FOUR_LEVEL };
#else
PARAMETER(paging, 1, "off,2-level,pae");
enum format { OFF, TWO_LEVEL, PAE };
#endif
/* With `large`, memory itself is mapped by large pages; what space_map adds has 4 KiB. */
PARAMETER(page, 0, "4K,large");
PARAMETER(reload, 0, "");

#define ENTRY_PRESENT 0x1
#define ENTRY_PRESENT_WRITABLE_USER 0x7
#define ENTRY_LARGE 0x80
#define TABLE_BYTES 4096
#define CR0_PG 0x80000000
#define CR0_WP 0x10000
#define CR4_PSE 0x10
#define CR4_PAE 0x20

/* Tables that programs ask for after paging has begun must be mapped too. */
#define SLACK_BYTES 0x400000u

static struct space kernel;
static uintptr_t mapped_end;

#ifdef __x86_64__
static bool is_off(void) { return false; }
static bool is_pae(void) { return false; }
static unsigned top_level(void) { return 3; }
static unsigned index_bits(void) { return 9; }
#else
static bool is_off(void) { return paging.value == OFF; }
static bool is_pae(void) { return paging.value == PAE; }
static unsigned top_level(void) { return is_pae() ? 2 : 1; }
static unsigned index_bits(void) { return is_pae() ? 9 : 10; }
#endif

static uint32_t new_table(void) {
  uint32_t *words = allocate(TABLE_BYTES, TABLE_BYTES);
  uint32_t table = (uint32_t)(uintptr_t)words;
  if (mapped_end != 0 && table + TABLE_BYTES > mapped_end) fail("no room for page tables");
  for (unsigned i = 0; i < TABLE_BYTES / sizeof *words; i++) words[i] = 0;
  return table;
}

/* The low half of an address's entry in the table at `table` of a level; level 0 maps 4 KiB pages. */
static volatile uint32_t *entry_at(uint32_t table, unsigned level, uintptr_t address) {
  unsigned bits = index_bits();
  uintptr_t index = address >> (PAGE_SHIFT + level * bits) & ((1u << bits) - 1);
  return (volatile uint32_t *)(uintptr_t)(table + index * (TABLE_BYTES >> bits));
}

/* The entry of an address at a level; makes the tables above it. */
static volatile uint32_t *entry_of(struct space *space, uintptr_t address, unsigned level) {
  uint32_t table = space->root;
  for (unsigned above = top_level(); above > level; above--) {
    volatile uint32_t *entry = entry_at(table, above, address);
    if (!(*entry & ENTRY_PRESENT)) {
      /* In the four entries at the top of PAE the rights are reserved bits. */
      uint32_t rights = is_pae() && above == 2 ? ENTRY_PRESENT : ENTRY_PRESENT_WRITABLE_USER;
      *entry = new_table() | rights;
    }
    table = *entry & -(uint32_t)TABLE_BYTES;
  }
  return entry_at(table, level, address);
}

void space_create(struct space *space) {
  if (is_off()) fail("this program needs paging");
  space->root = new_table();
  uintptr_t end = mapped_end != 0 ? mapped_end : memory_end() + SLACK_BYTES;
  unsigned level = page.value ? 1 : 0;
  uint32_t size = PAGE_BYTES << (level * index_bits());
  end = (end + size - 1) & -(uintptr_t)size;
  for (uintptr_t address = 0; address < end; address += size)
    *entry_of(space, address, level) = present_entry(address) | (level > 0 ? ENTRY_LARGE : 0);
  mapped_end = end;
}

volatile uint32_t *space_entry(struct space *space, uintptr_t address) { return entry_of(space, address, 0); }

void space_map(struct space *space, uintptr_t address, uintptr_t frame) {
  *space_entry(space, address) = present_entry(frame);
}

struct space *kernel_space(void) {
  if (kernel.root == 0) fail("this program needs paging");
  return &kernel;
}

void paging_start(void) {
  if (is_off()) return;
  space_create(&kernel);
#ifdef __x86_64__
  write_cr3(kernel.root);
#else
  uintptr_t cr4, cr0;
  __asm__ volatile("mov %%cr4, %0" : "=r"(cr4));
  __asm__ volatile("mov %0, %%cr4" : : "r"(cr4 | (is_pae() ? CR4_PAE : CR4_PSE)));
  write_cr3(kernel.root);
  __asm__ volatile("mov %%cr0, %0" : "=r"(cr0));
  __asm__ volatile("mov %0, %%cr0" : : "r"(cr0 | CR0_PG | CR0_WP) : "memory");
#endif
}

void paging_warm(const void *memory, size_t bytes) {
  uintptr_t first = (uintptr_t)memory;
  for (uint32_t i = reload.value; i > 0; i--) {
    for (uintptr_t address = first; address < first + bytes; address += PAGE_BYTES)
      *(const volatile uint32_t *)address;
    if (kernel.root != 0) write_cr3(kernel.root);
  }
}
