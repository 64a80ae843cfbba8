/*
 * The first serial port, a 16550 (PC16550D data sheet), polled. Waiting for an empty transmitter costs one
 * read of the line status where the port is a model.
 */
#pragma once
#include "instructions.h"

#define SERIAL_DATA 0x3f8
#define SERIAL_INTERRUPT_ENABLE 0x3f9
#define SERIAL_FIFO_CONTROL 0x3fa
#define SERIAL_LINE_CONTROL 0x3fb
#define SERIAL_LINE_STATUS 0x3fd
#define LINE_CONTROL_DIVISOR_LATCH 0x80
#define LINE_CONTROL_8_BITS 0x03
#define LINE_STATUS_TRANSMITTER_EMPTY 0x20
#define DIVISOR_115200_BAUD 1

static inline void serial_start(void) {
  out8(SERIAL_INTERRUPT_ENABLE, 0);
  out8(SERIAL_LINE_CONTROL, LINE_CONTROL_DIVISOR_LATCH);
  out8(SERIAL_DATA, DIVISOR_115200_BAUD);
  out8(SERIAL_INTERRUPT_ENABLE, 0); /* the divisor's high half while the latch is on */
  out8(SERIAL_LINE_CONTROL, LINE_CONTROL_8_BITS);
  out8(SERIAL_FIFO_CONTROL, 0);
}

static inline void serial_write(const char *character) {
  while (!(in8(SERIAL_LINE_STATUS) & LINE_STATUS_TRANSMITTER_EMPTY)) __asm__ volatile("pause");
  out8(SERIAL_DATA, (uint8_t)*character);
}
