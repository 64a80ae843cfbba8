/*
 * The program with all benchmarks: `bench=<name>` chooses one; other words set its parameters. It prints what
 * core/guest/programs/README.md says of programs.
 */
#include "benchmark.h"

#ifdef __x86_64__
#define WIDTH "64"
#else
#define WIDTH "32"
#endif
#define REGION_BEGIN 1
#define REGION_END 2
#define STATUS_BAD_PARAMETER 2

static struct benchmark *const lists[] = {nano_benchmarks,   call_benchmarks,   process_benchmarks,
                                          memory_benchmarks, switch_benchmarks, mix_benchmarks};

/* Of every benchmark: how it enters the kernel. */
static struct parameter entry = {"entry", BY_FAST, "int80,fast"};

void region_begin(void) {
  print("begin\n");
  system_call(CALL_MARK, REGION_BEGIN, 0, 0);
}

void region_end(void) {
  system_call(CALL_MARK, REGION_END, 0, 0);
  print("end\n");
}

void wait_well(void) {
  uint32_t status;
  if (wait(&status) < 0 || status != 0) fail("a child did not end well");
}

/* ---- The command line. ---- */

static _Noreturn void bad(const char *what, const char *word) {
  print(what);
  print(word);
  print("\n");
  exit(STATUS_BAD_PARAMETER);
}

/* What follows `name=`, or 0. */
static const char *value_of(const char *word, const char *name) {
  while (*name != 0 && *word == *name) word++, name++;
  return *name == 0 && *word == '=' ? word + 1 : 0;
}

/* The length of the first of words separated by commas. */
static size_t choice_length(const char *choices) {
  size_t length = 0;
  while (choices[length] != 0 && choices[length] != ',') length++;
  return length;
}

static bool read_choice(const char *text, const char *choices, uint32_t *value) {
  for (uint32_t index = 0;; index++) {
    size_t length = choice_length(choices), i = 0;
    while (i < length && text[i] == choices[i]) i++;
    if (i == length && text[i] == 0) {
      *value = index;
      return true;
    }
    if (choices[length] == 0) return false;
    choices += length + 1;
  }
}

/* Sets a parameter if the word is for it. */
static bool read_parameter(struct parameter *parameter, const char *word) {
  const char *text = value_of(word, parameter->name);
  if (text == 0) return false;
  if (!(parameter->choices != 0 ? read_choice(text, parameter->choices, &parameter->value)
                                : read_number(text, &parameter->value)))
    bad("not a value of this parameter: ", word);
  return true;
}

static struct benchmark *find(const char *name) {
  for (size_t i = 0; i < sizeof lists / sizeof *lists; i++)
    for (struct benchmark *benchmark = lists[i]; benchmark->name != 0; benchmark++)
      if (same_text(benchmark->name, name)) return benchmark;
  return 0;
}

static void print_parameter(const struct parameter *parameter) {
  print(" ");
  print(parameter->name);
  print("=");
  if (parameter->choices == 0) {
    print_decimal(parameter->value);
    return;
  }
  const char *choice = parameter->choices;
  for (uint32_t i = 0; i < parameter->value; i++) choice += choice_length(choice) + 1;
  write(CONSOLE, choice, choice_length(choice));
}

int main(int count, char **words) {
  const char *name = "null-call";
  for (int i = 1; i < count; i++) {
    const char *text = value_of(words[i], "bench");
    if (text != 0) name = text;
  }
  struct benchmark *benchmark = find(name);
  if (benchmark == 0) bad("there is no benchmark ", name);
  for (int i = 1; i < count; i++) {
    bool is_known = value_of(words[i], "bench") != 0 || read_parameter(&entry, words[i]);
    for (int p = 0; p < PARAMETERS_MOST && benchmark->parameters[p].name != 0; p++)
      is_known |= read_parameter(&benchmark->parameters[p], words[i]);
    if (!is_known) bad("unknown parameter: ", words[i]);
  }
  if (entry.value == BY_INT80) system_call_way = BY_INT80; /* else the fastest that the kernel has */
  print("program ");
  print(name);
  print(" bits=" WIDTH);
  print_parameter(&entry);
  for (int p = 0; p < PARAMETERS_MOST && benchmark->parameters[p].name != 0; p++)
    print_parameter(&benchmark->parameters[p]);
  print("\n");
  uint32_t checksum = benchmark->run(benchmark->parameters);
  print("checksum ");
  print_hexadecimal(checksum);
  print("\nok\n");
  return 0;
}
