/*
 * A dynamic linker's work (System V gABI, chapter 5; the start of a program that prints a line, glibc on
 * IA-32): each library is mapped; words of its data become addresses by adding where it lies; names are looked
 * up in all of the libraries, by hash and comparison, and what is found goes into its data; its text is read
 * from then on. So each page is a fault, and a page of data is a copy.
 *
 *   library   [ buckets | symbols | text … | data ]     as large as a file of this kernel can be
 */
#include "link.h"

#include "library.h"

#define PAGE 4096u
#define LIBRARY_BYTES (64 * PAGE)
#define DATA_BYTES (8 * PAGE)
#define BUCKETS 256
#define SYMBOLS 1000
/* R_386_RELATIVE of a C library of 2001 (gcc.gnu.org/pipermail/java/2001-April/005832.html). */
#define RELATIVE 1576
/* "number of relocations" that LD_DEBUG=statistics tells of such programs: 97 to 153. */
#define LOOK_UPS 100

struct symbol {
  char name[16];
  uint32_t value;
  uint32_t next; /* in its bucket, and one; 0: the last */
};
struct library {
  uint32_t buckets[BUCKETS]; /* the first symbol, and one; 0: none */
  struct symbol symbols[SYMBOLS];
  uint8_t text[LIBRARY_BYTES - DATA_BYTES - BUCKETS * sizeof(uint32_t) - SYMBOLS * sizeof(struct symbol)];
  uint32_t data[DATA_BYTES / sizeof(uint32_t)];
};

static const char *const files[LIBRARIES_MOST] = {"/libc", "/libdl", "/libtermcap"};

static uint32_t hash_of(const char *name) {
  uint32_t hash = CHECKSUM_START;
  for (; *name != 0; name++) hash = checksum_add(hash, (uint8_t)*name);
  return hash;
}

/* "symbol_" and three digits, and of which library. */
static void name_symbol(char *name, uint32_t library, uint32_t index) {
  const char *prefix = "symbol_";
  while (*prefix != 0) *name++ = *prefix++;
  for (uint32_t power = 100; power > 0; power /= 10) *name++ = (char)('0' + index / power % 10);
  *name++ = (char)('a' + library);
  *name = 0;
}

void make_libraries(uint32_t count) {
  for (uint32_t i = 0; i < count; i++) {
    struct library *library = map(sizeof *library, PROTECTION_READ | PROTECTION_WRITE);
    intptr_t file = open(files[i], OPEN_CREATE | OPEN_TRUNCATE);
    if (library == 0 || file < 0) fail("no room for a library");
    for (uint32_t s = 0; s < SYMBOLS; s++) {
      struct symbol *symbol = &library->symbols[s];
      name_symbol(symbol->name, i, s);
      symbol->value = s;
      uint32_t *bucket = &library->buckets[hash_of(symbol->name) % BUCKETS];
      symbol->next = *bucket;
      *bucket = s + 1;
    }
    if (write(file, library, sizeof *library) != sizeof *library) fail("a library is not written");
    close(file);
    unmap(library, sizeof *library);
  }
}

/* ---- At the start of a program. ---- */

static const struct symbol *find(const struct library *library, const char *name, uint32_t hash) {
  for (uint32_t next = library->buckets[hash % BUCKETS]; next != 0; next = library->symbols[next - 1].next)
    if (same_text(library->symbols[next - 1].name, name)) return &library->symbols[next - 1];
  return 0;
}

static uint32_t value_of(struct library *const *libraries, uint32_t count, const char *name) {
  uint32_t hash = hash_of(name);
  for (uint32_t i = 0; i < count; i++) {
    const struct symbol *symbol = find(libraries[i], name, hash);
    if (symbol != 0) return symbol->value;
  }
  fail("a symbol is missing");
}

#define COUNT_OF(array) (sizeof(array) / sizeof *(array))
#define STEP 37 /* no divisor of the number of symbols: they lie in all of its pages */

static void relocate(struct library *const *libraries, uint32_t count, uint32_t at) {
  struct library *library = libraries[at];
  for (uint32_t i = 0; i < RELATIVE; i++)
    library->data[i * (COUNT_OF(library->data) / RELATIVE)] += (uint32_t)(uintptr_t)library;
  for (uint32_t i = 0; i < LOOK_UPS; i++) {
    char name[sizeof library->symbols->name];
    uint32_t index = (at + i) * STEP % SYMBOLS;
    name_symbol(name, i % count, index);
    if ((library->data[i] = value_of(libraries, count, name)) != index) fail("a symbol has another value");
  }
}

static void begin(const struct library *library) {
  for (uint32_t i = 0; i < sizeof library->text; i += PAGE)
    (void)*(volatile const uint8_t *)&library->text[i];
}

void link_libraries(uint32_t count) {
  struct library *libraries[LIBRARIES_MOST];
  if (count > LIBRARIES_MOST) fail("more libraries than there are");
  for (uint32_t i = 0; i < count; i++) {
    intptr_t file = open(files[i], 0);
    libraries[i] = map_file(file, sizeof *libraries[i], PROTECTION_READ | PROTECTION_WRITE);
    if (file < 0 || libraries[i] == 0) fail("a library cannot be mapped");
    close(file);
  }
  for (uint32_t i = 0; i < count; i++) relocate(libraries, count, i);
  for (uint32_t i = 0; i < count; i++) begin(libraries[i]);
}

void link_as_told(int count, char **words) {
  uint32_t libraries;
  if (count > 1 && read_number(words[1], &libraries)) link_libraries(libraries);
}
