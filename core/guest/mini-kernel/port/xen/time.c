/*
 * Xen's time: nanoseconds at some time stamp and how fast the time-stamp counter goes, in the shared page; a
 * timer that is set anew for each tick.
 */
#include "instructions.h"
#include "xen.h"

#define NANOSECONDS 1000000000u
#define MICROSECONDS_PER_NANOSECOND 4294967u /* 2⁻³² microseconds */

static void (*tick_handler)(void);
static uint64_t next_tick, period;

/* The upper half of a product with a fraction of 32 bits. */
static uint64_t scaled(uint64_t value, uint32_t fraction) {
  return (value >> 32) * fraction + ((value & UINT32_MAX) * fraction >> 32);
}

static uint64_t nanoseconds(void) {
  const volatile struct vcpu_time_info *time = &xen_shared.vcpus[0].time;
  uint32_t version;
  uint64_t result;
  do {
    version = time->version & ~1u;
    __asm__ volatile("" : : : "memory");
    uint64_t passed = read_tsc() - time->tsc_timestamp;
    passed = time->tsc_shift < 0 ? passed >> -time->tsc_shift : passed << time->tsc_shift;
    result = time->system_time + scaled(passed, time->tsc_to_system_mul);
    __asm__ volatile("" : : : "memory");
  } while (time->version != version);
  return result;
}

static void set_timer(void) {
#ifdef __x86_64__
  xen_call(SET_TIMER_OP, next_tick, 0, 0, 0);
#else
  xen_call(SET_TIMER_OP, (word)next_tick, (word)(next_tick >> 32), 0, 0);
#endif
}

static void timer_event(void) {
  tick_handler();
  next_tick += period;
  set_timer();
}

void xen_timer_start(unsigned hertz, void (*tick)(void)) {
  tick_handler = tick;
  period = NANOSECONDS / hertz;
  next_tick = nanoseconds() + period;
  xen_virq_enable(VIRQ_TIMER, timer_event);
  set_timer();
}

uint64_t xen_microseconds(void) { return scaled(nanoseconds(), MICROSECONDS_PER_NANOSECOND); }
