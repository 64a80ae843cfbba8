/* The parts of the native port, which native.c puts into one table. */
#pragma once
#include "port.h"

void native_processor_start(void);
void native_set_kernel_stack(uintptr_t top);
void native_return_to_user(void); /* entry32.S, entry64.S */
uintptr_t native_fault_address(void);
void native_floating_point_start(void);
void native_floating_point_trap(void);
void native_floating_point_allow(void);

void native_memory_start(struct space *kernel);

void native_interrupts_start(void);
void native_irq_enable(unsigned irq, void (*handler)(void));

void native_timer_start(unsigned hertz, void (*tick)(void));
uint64_t native_microseconds(void);

void native_console_start(void);
void native_console_write(const char *bytes, size_t count);
