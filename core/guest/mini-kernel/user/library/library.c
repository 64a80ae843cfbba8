/* The user's side of system calls, printing and strings. */
#include "library.h"

#include "numbers.h"
#include "system-calls.h"

enum way system_call_way;
void signal_restorer(void);

/* ---- Ways into the kernel. ---- */

#ifdef __x86_64__
intptr_t system_call(uintptr_t number, uintptr_t a, uintptr_t b, uintptr_t c) {
  intptr_t result;
  if (system_call_way == BY_FAST)
    __asm__ volatile("syscall" : "=a"(result) : "0"(number), "D"(a), "S"(b), "d"(c) : "rcx", "r11", "memory");
  else __asm__ volatile("int $0x80" : "=a"(result) : "0"(number), "D"(a), "S"(b), "d"(c) : "memory");
  return result;
}
#else
intptr_t system_call(uintptr_t number, uintptr_t a, uintptr_t b, uintptr_t c) {
  intptr_t result;
  if (system_call_way == BY_FAST)
    __asm__ volatile("mov %%esp, %%ecx\n\tmov $1f, %%edx\n\tsysenter\n1:"
                     : "=a"(result)
                     : "0"(number), "b"(a), "S"(b), "D"(c)
                     : "ecx", "edx", "memory");
  else __asm__ volatile("int $0x80" : "=a"(result) : "0"(number), "b"(a), "S"(b), "D"(c) : "memory");
  return result;
}
#endif

/* ---- One function a call. ---- */

#define CALL(number, a, b, c) system_call(number, (uintptr_t)(a), (uintptr_t)(b), (uintptr_t)(c))

_Noreturn void exit(uint32_t status) {
  for (;;) CALL(CALL_EXIT, status, 0, 0);
}
intptr_t fork(void) { return CALL(CALL_FORK, 0, 0, 0); }
intptr_t execute(const char *path, const char *const *arguments) {
  return CALL(CALL_EXECUTE, path, arguments, 0);
}
intptr_t wait(uint32_t *status) { return CALL(CALL_WAIT, status, 0, 0); }
intptr_t open(const char *path, unsigned flags) { return CALL(CALL_OPEN, path, flags, 0); }
intptr_t close(intptr_t descriptor) { return CALL(CALL_CLOSE, descriptor, 0, 0); }
intptr_t read(intptr_t descriptor, void *to, size_t bytes) { return CALL(CALL_READ, descriptor, to, bytes); }
intptr_t write(intptr_t descriptor, const void *from, size_t bytes) {
  return CALL(CALL_WRITE, descriptor, from, bytes);
}
intptr_t seek(intptr_t descriptor, size_t position) { return CALL(CALL_SEEK, descriptor, position, 0); }
intptr_t stat(const char *path, struct file_information *information) {
  return CALL(CALL_STAT, path, information, 0);
}
intptr_t remove_file(const char *path) { return CALL(CALL_REMOVE, path, 0, 0); }
intptr_t make_pipe(uint32_t descriptors[2]) { return CALL(CALL_PIPE, descriptors, 0, 0); }

static void *address_of(intptr_t result) { return result == -1 ? 0 : (void *)result; }
void *map(size_t bytes, unsigned protection) { return address_of(CALL(CALL_MAP, 0, bytes, protection)); }
void *map_file(intptr_t descriptor, size_t bytes, unsigned protection) {
  return address_of(CALL(CALL_MAP_FILE, descriptor, bytes, protection));
}
intptr_t unmap(void *address, size_t bytes) { return CALL(CALL_UNMAP, address, bytes, 0); }
intptr_t protect(void *address, size_t bytes, unsigned protection) {
  return CALL(CALL_PROTECT, address, bytes, protection);
}
intptr_t handle_signal(unsigned number, void (*handler)(int number, uintptr_t address)) {
  return CALL(CALL_SIGNAL, number, handler, signal_restorer);
}
intptr_t send_signal(intptr_t process, unsigned number) { return CALL(CALL_KILL, process, number, 0); }

/* ---- Printing. ---- */

void print(const char *text) { write(CONSOLE, text, length_of(text)); }

void print_decimal(uint64_t value) {
  char text[DECIMAL_TEXT];
  print(decimal_text(value, text));
}

void print_hexadecimal(uint32_t value) {
  char text[HEXADECIMAL_TEXT];
  print(hexadecimal_text(value, text));
}

_Noreturn void fail(const char *reason) {
  print("failed: ");
  print(reason);
  print("\n");
  exit(1);
}

/* ---- Strings. ---- */

bool same_text(const char *a, const char *b) {
  while (*a != 0 && *a == *b) a++, b++;
  return *a == *b;
}

size_t length_of(const char *text) {
  size_t length = 0;
  while (text[length] != 0) length++;
  return length;
}

bool read_number(const char *text, uint32_t *value) {
  uint32_t number = 0;
  if (*text == 0) return false;
  for (; *text != 0; text++) {
    if (*text >= '0' && *text <= '9') number = number * 10 + (uint32_t)(*text - '0');
    else if ((*text == 'K' || *text == 'M') && text[1] == 0) number <<= *text == 'K' ? 10 : 20;
    else return false;
  }
  *value = number;
  return true;
}
