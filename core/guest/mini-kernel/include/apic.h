/*
 * The local APIC through its page (SDM 3A, chapter 10): the timer, the task priority, interrupts to oneself.
 */
#pragma once
#include "types.h"

#define APIC_TASK_PRIORITY 0x080
#define APIC_END_OF_INTERRUPT 0x0b0
#define APIC_SPURIOUS 0x0f0
#define APIC_COMMAND 0x300
#define APIC_LVT_TIMER 0x320
#define APIC_INITIAL_COUNT 0x380
#define APIC_CURRENT_COUNT 0x390
#define APIC_DIVIDE 0x3e0

#define APIC_LVT_MASKED 0x10000
#define APIC_LVT_PERIODIC 0x20000
#define APIC_DIVIDE_BY_16 0x3
#define APIC_COMMAND_SELF 0x40000 /* shorthand: self; fixed delivery */

/* Maps and enables it, once. False if the processor has none. */
bool apic_start(void);
uint32_t apic_read(unsigned offset);
void apic_write(unsigned offset, uint32_t value);
