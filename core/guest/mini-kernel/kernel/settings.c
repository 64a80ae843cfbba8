/* The command line: words `name=value`, separated by spaces. */
#include "settings.h"

#include "console.h"
#include "memory.h"

#define HERTZ_LEAST 19 /* what the 8254 can count to */
#define HERTZ_MOST 10000

struct settings settings = {
    .program = "/bench",
    .hertz = 100,
    .timer = TIMER_PIT,
    .has_lazy_floating_point = true,
    .batch = XEN_BATCH_MOST,
    .has_multicalls = true,
};

static bool is_end(char c) { return c == 0 || c == ' '; }

/* The value of a word, if it has this name; else 0. */
static const char *value_of(const char *word, const char *name) {
  while (*name != 0 && *word == *name) word++, name++;
  return *name == 0 && *word == '=' ? word + 1 : 0;
}

static bool is_word(const char *word, const char *text) {
  while (*text != 0 && *word == *text) word++, text++;
  return *text == 0 && is_end(*word);
}

static _Noreturn void bad_value(const char *word) {
  size_t length = 0;
  while (!is_end(word[length])) length++;
  print("not a value of this parameter: ");
  print_bytes(word, length);
  print("\n");
  machine_end(STATUS_BAD_PARAMETER);
}

static uint32_t read_number(const char *word, const char *text) {
  uint32_t number = 0;
  for (; !is_end(*text); text++) {
    if (*text < '0' || *text > '9' || number > HERTZ_MOST) bad_value(word);
    number = number * 10 + (uint32_t)(*text - '0');
  }
  return number;
}

static void read_program(const char *text) {
  size_t length = 1; /* behind the '/' */
  for (; !is_end(*text) && length + 1 < sizeof settings.program; text++) settings.program[length++] = *text;
  settings.program[length] = 0;
}

/* Which of two words it is: false for the first. */
static bool read_choice(const char *word, const char *text, const char *first, const char *second) {
  if (!is_word(text, first) && !is_word(text, second)) bad_value(word);
  return is_word(text, second);
}

static void read_word(const char *word) {
  const char *value;
  if ((value = value_of(word, "run")) != 0) read_program(value);
  if ((value = value_of(word, "hz")) != 0) {
    settings.hertz = read_number(word, value);
    if (settings.hertz < HERTZ_LEAST || settings.hertz > HERTZ_MOST) bad_value(word);
  }
  if ((value = value_of(word, "timer")) != 0)
    settings.timer = read_choice(word, value, "pit", "apic") ? TIMER_APIC : TIMER_PIT;
  if ((value = value_of(word, "sensitive")) != 0)
    settings.is_careful = read_choice(word, value, "use", "avoid");
  if ((value = value_of(word, "fpu")) != 0)
    settings.has_lazy_floating_point = !read_choice(word, value, "lazy", "eager");
  if ((value = value_of(word, "batch")) != 0) {
    settings.batch = read_number(word, value);
    if (settings.batch == 0 || settings.batch > XEN_BATCH_MOST) bad_value(word);
  }
  if ((value = value_of(word, "multicall")) != 0)
    settings.has_multicalls = !read_choice(word, value, "on", "off");
  if ((value = value_of(word, "tables")) != 0)
    settings.stores_entries = read_choice(word, value, "explicit", "writable");
}

bool settings_knows(const char *word) {
  static const char *const names[] = {"run",   "hz",        "timer", "sensitive", "fpu",
                                      "batch", "multicall", "tables"};
  for (size_t i = 0; i < sizeof names / sizeof *names; i++)
    if (value_of(word, names[i]) != 0) return true;
  return false;
}

void settings_read(const char *line) {
  while (*line != 0) {
    if (*line != ' ') read_word(line);
    while (!is_end(*line)) line++;
    while (*line == ' ') line++;
  }
}
