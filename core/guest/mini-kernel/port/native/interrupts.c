/* The two 8259A interrupt controllers of a PC (8259A data sheet): IRQ n comes as vector VECTOR_IRQ + n. */
#include "instructions.h"
#include "native.h"

#define PIC_MASTER 0x20
#define PIC_MASTER_DATA 0x21
#define PIC_SLAVE 0xa0
#define PIC_SLAVE_DATA 0xa1
#define ICW1_WITH_ICW4 0x11
#define ICW4_8086 0x01
#define END_OF_INTERRUPT 0x20
#define CASCADE_LINE 2
#define LINES 8
#define IRQS 16

static uint16_t masked = 0xffff & ~(1 << CASCADE_LINE);
static void (*handlers[IRQS])(void);

static void write_masks(void) {
  out8(PIC_MASTER_DATA, (uint8_t)masked);
  out8(PIC_SLAVE_DATA, (uint8_t)(masked >> LINES));
}

void native_interrupts_start(void) {
  out8(PIC_MASTER, ICW1_WITH_ICW4);
  out8(PIC_MASTER_DATA, VECTOR_IRQ);
  out8(PIC_MASTER_DATA, 1 << CASCADE_LINE);
  out8(PIC_MASTER_DATA, ICW4_8086);
  out8(PIC_SLAVE, ICW1_WITH_ICW4);
  out8(PIC_SLAVE_DATA, VECTOR_IRQ + LINES);
  out8(PIC_SLAVE_DATA, CASCADE_LINE);
  out8(PIC_SLAVE_DATA, ICW4_8086);
  write_masks();
}

static void end_of_interrupt(unsigned irq) {
  if (irq >= LINES) out8(PIC_SLAVE, END_OF_INTERRUPT);
  out8(PIC_MASTER, END_OF_INTERRUPT);
}

/* One entry for each IRQ that is in use, for a handler of interrupts knows not which it was. */
#define IRQ_ENTRY(irq)                                                                                       \
  static void irq_##irq(void) {                                                                              \
    end_of_interrupt(irq);                                                                                   \
    handlers[irq]();                                                                                         \
  }
IRQ_ENTRY(0)
IRQ_ENTRY(14)

void native_irq_enable(unsigned irq, void (*handler)(void)) {
  handlers[irq] = handler;
  interrupt_handle(VECTOR_IRQ + irq, irq == 0 ? irq_0 : irq_14);
  masked &= (uint16_t) ~(1 << irq);
  write_masks();
}
