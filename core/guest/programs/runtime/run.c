/* The life of a program, the same on either runtime: banner, work, checksum. README.md shows what is printed. */
#include "parameters.h"

#ifdef __x86_64__
#define WIDTH "64"
#else
#define WIDTH "32"
#endif

static void print_word(const char *word) {
  for (char letter[2] = {0, 0}; *word != 0 && *word != ' '; word++) {
    letter[0] = *word;
    print(letter);
  }
}

_Noreturn void fail(const char *reason) {
  print("failed: ");
  print(reason);
  print("\n");
  end(STATUS_FAILED);
}

void run_program(const char *line) {
  const char *offender = line;
  enum parameters_outcome outcome = parameters_read(line, &offender);
  print("program ");
  print(program_name);
  print(" bits=" WIDTH);
  parameters_print();
  print("\n");
  if (outcome != PARAMETERS_FINE) {
    print(outcome == PARAMETER_UNKNOWN ? "unknown parameter: " : "not a value of this parameter: ");
    print_word(offender);
    print("\n");
    end(STATUS_BAD_PARAMETER);
  }
  uint32_t checksum = program();
  print("checksum ");
  print_hexadecimal(checksum);
  print("\nok\n");
}
