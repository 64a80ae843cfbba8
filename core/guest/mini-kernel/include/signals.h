/* Signals by their numbers, as POSIX systems have them, and what a process ends with that one of them ends. */
#pragma once

#define SIGNALS 32
#define SIGNAL_ILLEGAL 4
#define SIGNAL_FPE 8
#define SIGNAL_KILL 9
#define SIGNAL_USER_1 10
#define SIGNAL_SEGMENT 11
#define STATUS_OF_SIGNAL(number) (128 + (number))
