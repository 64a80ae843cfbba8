/* Programs: ELF files of the kernel's own width, and the arguments they begin with. */
#pragma once
#include "process.h"

/* Words and where they begin, as they are copied onto a new stack. */
#define ARGUMENTS_MOST 16
#define ARGUMENT_BYTES_MOST 1024
struct arguments {
  uint32_t count, bytes;
  uint16_t starts[ARGUMENTS_MOST];
  char text[ARGUMENT_BYTES_MOST];
};

/* False if they do not fit or are not the process's to read. */
bool arguments_from_words(struct arguments *arguments, const char *const *words);
/* The program's name, then the words of the command line that are not the kernel's. */
void arguments_from_line(struct arguments *arguments, const char *name, const char *line);

/*
 * Makes a space with a program in it, and the registers to begin with. False, with nothing made, if there is
 * no such program.
 */
bool program_load(struct space *space, const char *path, const struct arguments *arguments,
                  struct trap_frame *start);

/* A string of the current process that is all readable: its length, or -1. */
intptr_t user_text_length(const char *text, size_t most);
