/**
 * Registers of the local APIC (Intel SDM vol. 3, "Local APIC register address map" and "x2APIC register address
 * space"). A register's number is its MMIO offset ÷ 16, which is also its x2APIC MSR less 0x800.
 */

export const REGISTER = {
  id: 0x02,
  version: 0x03,
  taskPriority: 0x08,
  arbitrationPriority: 0x09,
  processorPriority: 0x0a,
  endOfInterrupt: 0x0b,
  remoteRead: 0x0c,
  logicalDestination: 0x0d,
  destinationFormat: 0x0e,
  spurious: 0x0f,
  /** ISR, TMR and IRR are eight registers each. */
  inService: 0x10,
  triggerMode: 0x18,
  requests: 0x20,
  errorStatus: 0x28,
  lvtCmci: 0x2f,
  commandLow: 0x30,
  commandHigh: 0x31,
  lvtTimer: 0x32,
  lvtThermal: 0x33,
  lvtPerformance: 0x34,
  lvtLint0: 0x35,
  lvtLint1: 0x36,
  lvtError: 0x37,
  initialCount: 0x38,
  currentCount: 0x39,
  divide: 0x3e,
  /** x2APIC only. */
  selfIpi: 0x3f,
} as const;

/** Registers that a vector set has. */
export const SET_REGISTERS = 8;

/** Fields shared by the LVT's entries, the interrupt command register and redirection entries. */
export const VECTOR = 0xff;
export const DELIVERY_MODE = 0x700;
export const DELIVERY_MODE_SHIFT = 8;
export const LOGICAL = 0x800;
export const POLARITY_LOW = 0x2000;
export const REMOTE_IRR = 0x4000;
export const LEVEL_TRIGGERED = 0x8000;
export const MASKED = 0x1_0000;

/** The timer entry's mode, bits 18..17. */
export const TIMER_MODE = 0x6_0000;
export const TIMER_MODE_SHIFT = 17;

/** Delivery modes. */
export const DELIVERY = {
  fixed: 0,
  lowestPriority: 1,
  smi: 2,
  nmi: 4,
  init: 5,
  startup: 6,
  extInt: 7,
} as const;

/** Bits of ESR. */
export const ERROR = {
  sendIllegalVector: 0x20,
  receiveIllegalVector: 0x40,
  illegalRegister: 0x80,
} as const;

/** Vectors below are illegal in fixed and lowest-priority interrupts. */
export const FIRST_LEGAL_VECTOR = 16;

/** MSRs of the registers in x2APIC mode. */
export const X2APIC_FIRST = 0x800;
export const X2APIC_LAST = 0x8ff;

export const SPURIOUS_ENABLED = 0x100;
export const SPURIOUS_FOCUS = 0x200;
export const SPURIOUS_NO_BROADCAST = 0x1000;

/** Interrupt command register. */
export const COMMAND_ASSERT = 0x4000;
export const COMMAND_SHORTHAND_SHIFT = 18;
export const COMMAND_MASK = 0xc_cfff;
export const SHORTHAND = { none: 0, self: 1, all: 2, others: 3 } as const;

/** IA32_APIC_BASE. */
export const BASE_BOOTSTRAP = 0x100;
export const BASE_X2APIC = 0x400;
export const BASE_ENABLED = 0x800;
