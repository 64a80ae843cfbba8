/* The runtimes' own side of parameters. */
#pragma once
#include "runtime.h"

enum parameters_outcome { PARAMETERS_FINE, PARAMETER_UNKNOWN, PARAMETER_BAD_VALUE };

/* Sets parameters from a line; otherwise `offender` is where the word at fault begins. */
enum parameters_outcome parameters_read(const char *line, const char **offender);

void parameters_print(void);

/* Status of the debug exit, and of the process on Linux; README.md lists them. */
enum status { STATUS_OK, STATUS_FAILED, STATUS_BAD_PARAMETER, STATUS_TRAP };

/* Reads the line, runs the program between its banner and its checksum, and returns. */
void run_program(const char *line);

/* Ends the machine, or the process. */
_Noreturn void end(enum status status);
