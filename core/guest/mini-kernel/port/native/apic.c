/*
 * The local APIC: found by CPUID, enabled by its MSR and its spurious-interrupt register (SDM 3A, 10.4.3 and
 * 10.9).
 */
#include "apic.h"

#include "instructions.h"
#include "space.h"
#include "vectors.h"

#define LEAF_FEATURES 1
#define CPUID_EDX_APIC (1u << 9)
#define IA32_APIC_BASE 0x1b
#define APIC_BASE_ENABLE (1u << 11)
#define APIC_PAGE 0xfee00000u
#define SOFTWARE_ENABLE 0x100

static volatile uint8_t *page;

bool apic_start(void) {
  if (page != 0) return true;
  if (!(cpuid(LEAF_FEATURES).d & CPUID_EDX_APIC)) return false;
  write_msr(IA32_APIC_BASE, read_msr(IA32_APIC_BASE) | APIC_BASE_ENABLE);
  page = device_map(APIC_PAGE);
  apic_write(APIC_SPURIOUS, SOFTWARE_ENABLE | VECTOR_SPURIOUS);
  return true;
}

uint32_t apic_read(unsigned offset) { return *(volatile uint32_t *)(page + offset); }
void apic_write(unsigned offset, uint32_t value) { *(volatile uint32_t *)(page + offset) = value; }
