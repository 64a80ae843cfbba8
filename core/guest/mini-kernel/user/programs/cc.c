/*
 * What compilers do to a machine: maps a source, cuts it into words, enters them into a table in fresh
 * memory, and writes a word of "code" for each to an object file. Then it goes over the source as often as its
 * third argument says, as compilers do that optimize.
 */
#include "library.h"

#define SYMBOLS 4096u

struct symbol {
  uint32_t hash, uses;
};

static bool is_letter(uint8_t c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9'); }

static struct symbol *find(struct symbol *symbols, uint32_t hash) {
  uint32_t at = hash % SYMBOLS;
  while (symbols[at].hash != 0 && symbols[at].hash != hash) at = (at + 1) % SYMBOLS;
  symbols[at].hash = hash;
  return &symbols[at];
}

static uint32_t pass(const uint8_t *text, uint32_t size, uint32_t hash) {
  for (uint32_t at = 0; at < size; at++) hash = checksum_add(hash, text[at]);
  return hash;
}

int main(int count, char **words) {
  struct file_information information;
  uint32_t passes;
  if (count != 4 || !read_number(words[3], &passes) || stat(words[1], &information) < 0) return 2;
  intptr_t source = open(words[1], 0);
  const uint8_t *text = map_file(source, information.size, PROTECTION_READ);
  intptr_t object = open(words[2], OPEN_CREATE | OPEN_TRUNCATE);
  struct symbol *symbols = map(SYMBOLS * sizeof *symbols, PROTECTION_READ | PROTECTION_WRITE);
  if (text == 0 || object < 0 || symbols == 0) return 1;
  uint32_t code[64], length = 0;
  for (uint32_t at = 0; at < information.size;) {
    uint32_t hash = CHECKSUM_START;
    do hash = checksum_add(hash, text[at++]);
    while (at < information.size && is_letter(text[at - 1]) && is_letter(text[at]));
    code[length++] = hash ^ ++find(symbols, hash | 1)->uses;
    if (length == sizeof code / sizeof *code) write(object, code, sizeof code), length = 0;
  }
  write(object, code, length * sizeof *code);
  uint32_t hash = CHECKSUM_START;
  for (uint32_t i = 0; i < passes; i++) hash = pass(text, information.size, hash);
  if (passes > 0) write(object, &hash, sizeof hash);
  return 0;
}
