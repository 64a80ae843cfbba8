/*
 * Timer interrupts: works, or waits in HLT, until a periodic timer has interrupted n times. The timer is the 8254 behind
 * the 8259 (Intel 8254 and 8259A data sheets), or the local APIC's (SDM 3A, 10.5.4), which is programmed through
 * its page or, as x2APIC, through MSRs (10.12). How many instructions fit between two interrupts depends on the
 * machine; the checksum does not.
 */
#include "../runtime/machine.h"

const char program_name[] = "timer";

/* Interrupts. */
PARAMETER(n, 10, "");
PARAMETER(source, 0, "pit,apic,x2apic");
enum source { PIT, XAPIC, X2APIC };
PARAMETER(wait, 0, "work,hlt");
/* Ticks of the timer's input clock between interrupts: 1,193,182 a second for the PIT, the bus clock / 16 for the APIC. */
PARAMETER(period, 1193, "");

#define PIT_CHANNEL_0 0x40
#define PIT_CONTROL 0x43
#define PIT_CHANNEL_0_MODE_2_BOTH_BYTES 0x34
#define PIC_MASTER 0x20
#define PIC_MASTER_DATA 0x21
#define PIC_SLAVE 0xa0
#define PIC_SLAVE_DATA 0xa1
#define PIC_ICW1_WITH_ICW4 0x11
#define PIC_ICW4_8086 0x01
#define PIC_CASCADE_LINE 2
#define PIC_ALL_MASKED 0xff
#define PIC_ALL_BUT_TIMER_MASKED 0xfe
#define PIC_END_OF_INTERRUPT 0x20
#define PIC_VECTOR 32
#define PIC_SLAVE_VECTOR 40

#define APIC_VECTOR 48
#define SPURIOUS_VECTOR 63
#define IA32_APIC_BASE 0x1b
#define APIC_BASE_ENABLE (1u << 11)
#define APIC_BASE_X2APIC (1u << 10)
#define APIC_PAGE 0xfee00000u
#define X2APIC_MSRS 0x800
#define APIC_END_OF_INTERRUPT 0x0b0
#define APIC_SPURIOUS 0x0f0
#define APIC_SOFTWARE_ENABLE 0x100
#define APIC_LVT_TIMER 0x320
#define APIC_LVT_MASKED 0x10000
#define APIC_LVT_PERIODIC 0x20000
#define APIC_INITIAL_COUNT 0x380
#define APIC_DIVIDE 0x3e0
#define APIC_DIVIDE_BY_16 0x3
#define CPUID_EDX_APIC (1u << 9)
#define CPUID_ECX_X2APIC (1u << 21)

static volatile uint32_t ticks;

/* ---- The local APIC. ---- */
GENERAL_REGISTERS_ONLY static void apic_write(uint32_t offset, uint32_t value) {
  if (source.value == X2APIC) write_msr(X2APIC_MSRS + offset / 16, value);
  else *(volatile uint32_t *)(uintptr_t)(APIC_PAGE + offset) = value;
}

static void apic_start(void) {
  uint32_t a = 1, b, c, d;
  __asm__ volatile("cpuid" : "+a"(a), "=b"(b), "=c"(c), "=d"(d));
  if (!(d & CPUID_EDX_APIC)) fail("the processor has no local APIC");
  uint64_t base = read_msr(IA32_APIC_BASE) | APIC_BASE_ENABLE;
  write_msr(IA32_APIC_BASE, base);
  if (source.value == X2APIC) {
    if (!(c & CPUID_ECX_X2APIC)) fail("the processor has no x2APIC");
    write_msr(IA32_APIC_BASE, base | APIC_BASE_X2APIC);
  } else {
    space_map(kernel_space(), APIC_PAGE, APIC_PAGE);
  }
  apic_write(APIC_SPURIOUS, APIC_SOFTWARE_ENABLE | SPURIOUS_VECTOR);
  apic_write(APIC_LVT_TIMER, APIC_LVT_PERIODIC | APIC_VECTOR);
  apic_write(APIC_DIVIDE, APIC_DIVIDE_BY_16);
  apic_write(APIC_INITIAL_COUNT, period.value);
}

GENERAL_REGISTERS_ONLY static void apic_interrupt(struct trap_frame *frame) {
  (void)frame;
  if (++ticks == n.value) apic_write(APIC_LVT_TIMER, APIC_LVT_MASKED | APIC_VECTOR);
  apic_write(APIC_END_OF_INTERRUPT, 0);
}

/* ---- The 8254 and the 8259s. ---- */
static void pit_start(void) {
  out8(PIC_MASTER, PIC_ICW1_WITH_ICW4);
  out8(PIC_MASTER_DATA, PIC_VECTOR);
  out8(PIC_MASTER_DATA, 1 << PIC_CASCADE_LINE);
  out8(PIC_MASTER_DATA, PIC_ICW4_8086);
  out8(PIC_SLAVE, PIC_ICW1_WITH_ICW4);
  out8(PIC_SLAVE_DATA, PIC_SLAVE_VECTOR);
  out8(PIC_SLAVE_DATA, PIC_CASCADE_LINE);
  out8(PIC_SLAVE_DATA, PIC_ICW4_8086);
  out8(PIC_SLAVE_DATA, PIC_ALL_MASKED);
  out8(PIC_MASTER_DATA, PIC_ALL_BUT_TIMER_MASKED);
  out8(PIT_CONTROL, PIT_CHANNEL_0_MODE_2_BOTH_BYTES);
  out8(PIT_CHANNEL_0, (uint8_t)period.value);
  out8(PIT_CHANNEL_0, (uint8_t)(period.value >> 8));
}

GENERAL_REGISTERS_ONLY static void pit_interrupt(struct trap_frame *frame) {
  (void)frame;
  if (++ticks == n.value) out8(PIC_MASTER_DATA, PIC_ALL_MASKED);
  out8(PIC_MASTER, PIC_END_OF_INTERRUPT);
}

/* ---- The interrupted. ---- */
static void work(void) {
  uint32_t a = 0, b = 7, step = 0;
  __asm__ volatile("sti");
  while (ticks < n.value) {
    step = step * 5 + 1;
    a += step;
    b += step * 3;
  }
  __asm__ volatile("cli");
  if (b != a * 3 + 7) fail("an interrupt changed a register");
}

static void halt(void) {
  /* STI holds interrupts off for one more instruction: none can fall between the test and HLT. */
  while (ticks < n.value) __asm__ volatile("sti\n\thlt\n\tcli" : : : "memory");
}

uint32_t program(void) {
  paging_start();
  if (n.value == 0) fail("n is 0");
  trap_handle(PIC_VECTOR, pit_interrupt);
  trap_handle(APIC_VECTOR, apic_interrupt);
  roi_begin();
  if (source.value == PIT) pit_start();
  else apic_start();
  if (wait.value) halt();
  else work();
  roi_end();
  if (ticks != n.value) fail("another number of interrupts");
  return checksum_add(CHECKSUM_START, ticks);
}
