/*
 * Ticks, from the 8254 behind IRQ 0 (Intel 8254 data sheet) or the local APIC's timer (SDM 3A, 10.5.4), and
 * the time since the start, from the ticks and the 8254's count. The APIC's clock is measured against the
 * 8254's channel 2 first.
 */
#include "apic.h"
#include "console.h"
#include "instructions.h"
#include "native.h"
#include "process.h"
#include "settings.h"

#define PIT_HERTZ 1193182u
#define PIT_CHANNEL_0 0x40
#define PIT_CHANNEL_2 0x42
#define PIT_CONTROL 0x43
#define PIT_CHANNEL_0_MODE_2 0x34 /* both bytes, rate generator */
#define PIT_CHANNEL_2_MODE_0 0xb0 /* both bytes, output high at the end */
#define PIT_LATCH_CHANNEL_0 0x00
#define SYSTEM_PORT 0x61
#define SYSTEM_GATE_2 0x01
#define SYSTEM_SPEAKER 0x02
#define SYSTEM_OUTPUT_2 0x20
#define DIVISOR_MOST 0xffffu

static void (*tick_handler)(void);
static uint32_t divisor; /* counts of the 8254 in a tick */

static void apic_tick(void) {
  apic_write(APIC_END_OF_INTERRUPT, 0);
  tick_handler();
}

/* Counts of the APIC's timer, divided by 16, while the 8254 counts so far. */
static uint32_t apic_counts(uint32_t pit_counts) {
  out8(SYSTEM_PORT, (uint8_t)((in8(SYSTEM_PORT) & ~SYSTEM_SPEAKER) | SYSTEM_GATE_2));
  out8(PIT_CONTROL, PIT_CHANNEL_2_MODE_0);
  out8(PIT_CHANNEL_2, (uint8_t)pit_counts);
  apic_write(APIC_INITIAL_COUNT, UINT32_MAX);
  out8(PIT_CHANNEL_2, (uint8_t)(pit_counts >> 8));
  while (!(in8(SYSTEM_PORT) & SYSTEM_OUTPUT_2)) __asm__ volatile("pause");
  return UINT32_MAX - apic_read(APIC_CURRENT_COUNT);
}

static void apic_timer_start(void) {
  if (!apic_start()) panic("the processor has no local APIC");
  apic_write(APIC_LVT_TIMER, APIC_LVT_MASKED | VECTOR_APIC_TIMER);
  apic_write(APIC_DIVIDE, APIC_DIVIDE_BY_16);
  uint32_t counts = apic_counts(divisor);
  interrupt_handle(VECTOR_APIC_TIMER, apic_tick);
  apic_write(APIC_LVT_TIMER, APIC_LVT_PERIODIC | VECTOR_APIC_TIMER);
  apic_write(APIC_INITIAL_COUNT, counts);
}

void native_timer_start(unsigned hertz, void (*tick)(void)) {
  tick_handler = tick;
  divisor = PIT_HERTZ / hertz;
  if (divisor > DIVISOR_MOST) divisor = DIVISOR_MOST;
  out8(PIT_CONTROL, PIT_CHANNEL_0_MODE_2);
  out8(PIT_CHANNEL_0, (uint8_t)divisor);
  out8(PIT_CHANNEL_0, (uint8_t)(divisor >> 8));
  if (settings.timer == TIMER_APIC) apic_timer_start();
  else native_irq_enable(0, tick);
}

/* Of a count of the 8254, in 2⁻³² microseconds. */
#define MICROSECONDS_PER_COUNT 3599592027u

uint64_t native_microseconds(void) {
  static uint64_t last; /* a tick may be due that was not counted yet: time stands still then */
  uintptr_t saved = port->interrupts_save();
  out8(PIT_CONTROL, PIT_LATCH_CHANNEL_0);
  uint32_t count = in8(PIT_CHANNEL_0);
  count |= (uint32_t)in8(PIT_CHANNEL_0) << 8;
  uint64_t counts = ticks * divisor + (divisor - count);
  if (counts > last) last = counts;
  counts = last;
  port->interrupts_restore(saved);
  return (counts >> 32) * MICROSECONDS_PER_COUNT + ((counts & UINT32_MAX) * MICROSECONDS_PER_COUNT >> 32);
}
