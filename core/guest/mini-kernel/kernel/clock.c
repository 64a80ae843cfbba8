/* Ticks: they count time, wake sleepers, and end turns. */
#include "process.h"

volatile uint64_t ticks;

static void tick(void) {
  ticks++;
  turn_tick();
  sleepers_wake(ticks);
}

void clock_start(unsigned hertz) { port->timer_start(hertz, tick); }
