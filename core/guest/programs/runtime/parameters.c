/* The command line: `name=value` words set parameters (runtime.h); a word that names none is a mistake and said so. */
#include "parameters.h"

/* The linker names the ends of a section whose name is an identifier. */
extern volatile struct parameter __start_parameters[], __stop_parameters[];

static bool is_end(char c) { return c == 0 || c == ' ' || c == '\t' || c == '\n'; }

/* Whether `word`, ended by `end`, is `text`, ended by 0 or a comma. */
static bool same_word(const char *word, char end, const volatile char *text) {
  while (*word != end && !is_end(*word) && *word == *text) word++, text++;
  return (*word == end || is_end(*word)) && (*text == 0 || *text == ',');
}

/* A number: decimal or after 0x hexadecimal, then perhaps K or M (2¹⁰, 2²⁰). False if there is none. */
static bool read_number(const char *text, uint32_t *value) {
  uint32_t base = 10;
  uint32_t number = 0;
  if (text[0] == '0' && text[1] == 'x') text += 2, base = 16;
  if (is_end(*text)) return false;
  for (; !is_end(*text); text++) {
    char c = *text;
    if (c >= '0' && c <= '9') number = number * base + (uint32_t)(c - '0');
    else if (base == 16 && c >= 'a' && c <= 'f') number = number * base + (uint32_t)(c - 'a' + 10);
    else if ((c == 'K' || c == 'M') && is_end(text[1])) number <<= c == 'K' ? 10 : 20;
    else return false;
  }
  *value = number;
  return true;
}

static bool read_choice(const char *text, const volatile char *choices, uint32_t *value) {
  uint32_t index = 0;
  for (const volatile char *choice = choices; *choice != 0; index++) {
    if (same_word(text, 0, choice)) {
      *value = index;
      return true;
    }
    while (*choice != 0 && *choice != ',') choice++;
    if (*choice == ',') choice++;
  }
  return false;
}

/* Sets the parameter that a word names. */
static enum parameters_outcome read_word(const char *word, const char *equals) {
  for (volatile struct parameter *p = __start_parameters; p < __stop_parameters; p++) {
    uint32_t value;
    if (!same_word(word, '=', p->name)) continue;
    if (!(p->choices[0] != 0 ? read_choice(equals + 1, p->choices, &value) : read_number(equals + 1, &value)))
      return PARAMETER_BAD_VALUE;
    p->value = value;
    return PARAMETERS_FINE;
  }
  return PARAMETER_UNKNOWN;
}

/* A loader may put the image's file name first: words without '=' and paths are passed over. */
enum parameters_outcome parameters_read(const char *line, const char **offender) {
  while (*line != 0) {
    while (*line != 0 && is_end(*line)) line++;
    const char *word = line;
    const char *equals = 0;
    bool is_path = false;
    for (; !is_end(*line); line++) {
      if (*line == '=' && equals == 0) equals = line;
      if (*line == '/') is_path = true;
    }
    if (equals == 0 || is_path) continue;
    enum parameters_outcome outcome = read_word(word, equals);
    if (outcome != PARAMETERS_FINE) {
      *offender = word;
      return outcome;
    }
  }
  return PARAMETERS_FINE;
}

/* `name=value` of each parameter, after a space. */
void parameters_print(void) {
  for (volatile struct parameter *p = __start_parameters; p < __stop_parameters; p++) {
    print(" ");
    print((const char *)p->name);
    print("=");
    if (p->choices[0] == 0) {
      print_decimal(p->value);
      continue;
    }
    const volatile char *choice = p->choices;
    for (uint32_t i = 0; i < p->value && *choice != 0; choice++)
      if (*choice == ',') i++;
    for (char letter[2] = {0, 0}; *choice != 0 && *choice != ','; choice++) {
      letter[0] = *choice;
      print(letter);
    }
  }
}
