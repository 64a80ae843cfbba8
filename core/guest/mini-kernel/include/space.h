/* Address spaces: a tree of page tables, and the areas that say what belongs there. */
#pragma once
#include "memory.h"
#include "port.h"

#define PROTECTION_READ 1
#define PROTECTION_WRITE 2
#define AREA_SHARED 4 /* with `protection`: memory that fork does not copy */

struct node;

/* Pages with the same rights and origin: memory of one's own, zero at first, or a file's. */
struct area {
  struct area *next; /* by address */
  uintptr_t start, end;
  unsigned protection;
  struct node *file;    /* 0: none */
  uintptr_t file_start; /* the offset of `start` in the file */
  uintptr_t file_end;   /* zero from this address on */
};

struct space {
  entry_t *top;
  struct area *areas;
};

extern struct space kernel_space;

void spaces_start(void);
void space_create(struct space *space);
/* A copy whose pages are the same until either side writes. */
void space_clone(struct space *to, const struct space *from);
void space_destroy(struct space *space);

/* Translates by it from now on; the kernel's part is in every space. */
void space_activate(struct space *space);

/* A new area; `start` 0: anywhere. Its address, or 0 if there is no room for it. */
uintptr_t area_add(struct space *space, uintptr_t start, size_t bytes, unsigned protection, struct node *file,
                   uintptr_t file_start, size_t file_bytes);
void area_remove(struct space *space, uintptr_t start, size_t bytes);
/* False if there is a hole. */
bool area_protect(struct space *space, uintptr_t start, size_t bytes, unsigned protection);
/* Populates a shared area, which forks then share. */
void area_populate(struct space *space, uintptr_t start, size_t bytes);

/* Mends a page fault if an area allows the access. */
bool space_fault(struct space *space, uintptr_t address, bool is_write);
/* Whether areas allow all of an access: then the kernel may make it, and faults on the way are mended. */
bool space_allows(const struct space *space, uintptr_t start, size_t bytes, bool is_write);
/* The page at an address, made as a write fault would. */
void *space_page(struct space *space, uintptr_t address);

/* The lowest entry for an address, tables made on the way if wanted; else perhaps 0. */
entry_t *space_entry(struct space *space, uintptr_t address, bool make);
/* An address of the kernel's where nothing is mapped, and a device's page mapped at one. */
uintptr_t kernel_window(void);
void *device_map(uint64_t physical);
