/* What user programs have: system calls, printing, a little of what C libraries have. */
#pragma once
#include "random.h"
#include "signals.h"
#include "types.h"

#define OPEN_CREATE 1
#define OPEN_TRUNCATE 2
#define PROTECTION_NONE 0
#define PROTECTION_READ 1
#define PROTECTION_WRITE 2
#define MAP_SHARED 4
#define CONSOLE 1

/* ---- System calls: system-calls.h says what they do; negative results are errors. ---- */
enum way { BY_INT80, BY_FAST };
/*
 * How calls enter the kernel: INT 0x80, or SYSENTER (32-bit) or SYSCALL (64-bit), which is what programs
 * begin with where the kernel has it.
 */
extern enum way system_call_way;
intptr_t system_call(uintptr_t number, uintptr_t a, uintptr_t b, uintptr_t c);

struct file_information {
  uint32_t size, kind;
};

_Noreturn void exit(uint32_t status);
intptr_t fork(void);
intptr_t execute(const char *path, const char *const *arguments);
intptr_t wait(uint32_t *status);
intptr_t open(const char *path, unsigned flags);
intptr_t close(intptr_t descriptor);
intptr_t read(intptr_t descriptor, void *to, size_t bytes);
intptr_t write(intptr_t descriptor, const void *from, size_t bytes);
intptr_t seek(intptr_t descriptor, size_t position);
intptr_t stat(const char *path, struct file_information *information);
intptr_t remove_file(const char *path);
intptr_t make_pipe(uint32_t descriptors[2]);
void *map(size_t bytes, unsigned protection); /* 0: there is no room */
void *map_file(intptr_t descriptor, size_t bytes, unsigned protection);
intptr_t unmap(void *address, size_t bytes);
intptr_t protect(void *address, size_t bytes, unsigned protection);
/* The handler gets the number and, of SIGNAL_SEGMENT, the address. */
intptr_t handle_signal(unsigned number, void (*handler)(int number, uintptr_t address));
intptr_t send_signal(intptr_t process, unsigned number);

/* ---- Printing to the console. ---- */
void print(const char *text);
void print_decimal(uint64_t value);
void print_hexadecimal(uint32_t value); /* eight digits */
/* Prints `failed: <reason>` and ends the program with status 1. */
_Noreturn void fail(const char *reason);

/* ---- Strings and chance. ---- */
bool same_text(const char *a, const char *b);
size_t length_of(const char *text);
/* Whether `text` is a decimal number, perhaps with K or M (2¹⁰, 2²⁰) behind; its value. */
bool read_number(const char *text, uint32_t *value);

/* Folds a word into a checksum: FNV-1a by words (Fowler, Noll, Vo). */
#define CHECKSUM_START 0x811c9dc5u
static inline uint32_t checksum_add(uint32_t checksum, uint32_t word) {
  return (checksum ^ word) * 0x01000193u;
}
