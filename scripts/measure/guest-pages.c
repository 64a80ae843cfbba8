/*
 * The init of a guest whose pages are counted (guest-pages.mjs). It makes a heap from an input that all guests have and another
 * that is its own, lets some processes come and go, and then leaves in its memory, for whoever looks at it from outside, what
 * the kernel uses each page for: /proc/kpageflags (Linux, Documentation/admin-guide/mm/pagemap.rst), a letter for each page.
 */
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/reboot.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define PAGE 4096
#define HEAP_PAGES 2048
#define CHILDREN 8
#define MOST_PAGES 65536
/* Where a page of the map begins: eight bytes that nothing else begins with, and which part of the map it is. */
#define MARK "\x7fpages\x01\x02"
#define LETTERS (PAGE - 16)

/* Bits of include/uapi/linux/kernel-page-flags.h, and of the kernel's own in kernel-page-flags.h. */
enum { LRU = 5, SLAB = 7, BUDDY = 10, MMAP = 11, ANON = 12, NOPAGE = 20, PGTABLE = 26, RESERVED = 32 };

static const struct { char letter; uint64_t bits; } USES[] = {
  {'x', 1ull << NOPAGE},              /* no memory */
  {'f', 1ull << BUDDY},               /* free */
  {'a', 1ull << ANON},                /* a process's */
  {'s', 1ull << SLAB},                /* the kernel's objects */
  {'t', 1ull << PGTABLE},             /* page tables */
  {'r', 1ull << RESERVED},            /* the kernel's image, and what it took while it started: page structures, tables */
  {'c', 1ull << LRU | 1ull << MMAP},  /* a file's */
};

static char letter(uint64_t flags) {
  for (size_t i = 0; i < sizeof USES / sizeof USES[0]; i++)
    if (flags & USES[i].bits) return USES[i].letter;
  return 'k'; /* taken by the kernel page by page */
}

/* A heap that follows from a seed: every page differs from every other of it. */
static void fill(uint64_t seed) {
  volatile uint64_t *heap = malloc((size_t)HEAP_PAGES * PAGE);
  for (size_t i = 0; i < (size_t)HEAP_PAGES * PAGE / sizeof *heap; i++) {
    seed = seed * 6364136223846793005ull + 1442695040888963407ull; /* Knuth's MMIX */
    heap[i] = seed;
  }
}

static void map(void) {
  static uint64_t flags[MOST_PAGES];
  const int file = open("/proc/kpageflags", O_RDONLY);
  ssize_t pages = 0;
  for (ssize_t got; (got = read(file, (char *)flags + pages, sizeof flags - pages)) > 0;) pages += got;
  pages /= sizeof flags[0];
  const ssize_t parts = (pages + LETTERS - 1) / LETTERS;
  char *shown = aligned_alloc(PAGE, (size_t)parts * PAGE);
  for (ssize_t part = 0; part < parts; part++) {
    char *page = shown + part * PAGE;
    const uint64_t number = (uint64_t)part;
    memcpy(page, MARK, 8);
    memcpy(page + 8, &number, 8);
    for (ssize_t at = 0; at < LETTERS; at++) {
      const ssize_t frame = part * LETTERS + at;
      page[16 + at] = frame < pages ? letter(flags[frame]) : 0;
    }
  }
}

int main(int count, char **arguments) {
  mkdir("/proc", 0755);
  mount("proc", "/proc", "proc", 0, "");
  fill(1);
  fill(strtoull(arguments[count - 1], NULL, 10)); /* the kernel puts words before it that it does not know */
  for (int i = 0; i < CHILDREN; i++) {
    const pid_t child = fork();
    if (child == 0) {
      fill(100 + i);
      _exit(0);
    }
    waitpid(child, NULL, 0);
  }
  map();
  sync();
  reboot(RB_HALT_SYSTEM);
  for (;;) pause();
}
