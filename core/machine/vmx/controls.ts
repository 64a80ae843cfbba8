/** VM-execution, VM-exit and VM-entry controls, bit by bit (Intel SDM vol. 3, 25.6.1, 25.6.2, 25.7.1, 25.8.1). */

const bit = (number: number): number => (1 << number) | 0;

export const PIN = {
  externalInterruptExiting: bit(0),
  nmiExiting: bit(3),
  virtualNmis: bit(5),
  preemptionTimer: bit(6),
  postedInterrupts: bit(7),
} as const;

export const PROCESSOR = {
  interruptWindowExiting: bit(2),
  tscOffsetting: bit(3),
  hltExiting: bit(7),
  invlpgExiting: bit(9),
  mwaitExiting: bit(10),
  rdpmcExiting: bit(11),
  rdtscExiting: bit(12),
  cr3LoadExiting: bit(15),
  cr3StoreExiting: bit(16),
  cr8LoadExiting: bit(19),
  cr8StoreExiting: bit(20),
  tprShadow: bit(21),
  nmiWindowExiting: bit(22),
  movDrExiting: bit(23),
  unconditionalIoExiting: bit(24),
  ioBitmaps: bit(25),
  monitorTrap: bit(27),
  msrBitmaps: bit(28),
  monitorExiting: bit(29),
  pauseExiting: bit(30),
  secondaryControls: bit(31),
} as const;

export const SECONDARY = {
  virtualizeApicAccesses: bit(0),
  ept: bit(1),
  descriptorTableExiting: bit(2),
  rdtscp: bit(3),
  virtualizeX2Apic: bit(4),
  vpid: bit(5),
  wbinvdExiting: bit(6),
  unrestrictedGuest: bit(7),
  apicRegisterVirtualization: bit(8),
  virtualInterruptDelivery: bit(9),
  pauseLoopExiting: bit(10),
  rdrandExiting: bit(11),
  invpcid: bit(12),
  rdseedExiting: bit(16),
} as const;

export const EXIT_CONTROL = {
  saveDebugControls: bit(2),
  hostAddressSpaceSize: bit(9),
  acknowledgeInterrupt: bit(15),
  savePat: bit(18),
  loadPat: bit(19),
  saveEfer: bit(20),
  loadEfer: bit(21),
  savePreemptionTimer: bit(22),
} as const;

export const ENTRY_CONTROL = {
  loadDebugControls: bit(2),
  ia32eModeGuest: bit(9),
  entryToSmm: bit(10),
  loadPat: bit(14),
  loadEfer: bit(15),
} as const;

/** Interruption information, of entries and exits alike (25.8.3, 25.9.2, 25.9.3). */
export const INFO = {
  vectorMask: 0xff,
  typeShift: 8,
  typeMask: 7,
  /** Deliver an error code; or: there is one. */
  errorCode: bit(11),
  /** Of exits: NMIs were unblocked by the IRET that faulted. */
  nmiUnblocking: bit(12),
  valid: bit(31),
} as const;
/** Bits of an entry's information that must be 0. */
export const ENTRY_INFO_RESERVED = 0x7fff_f000;

export const EVENT_TYPE = {
  externalInterrupt: 0,
  nmi: 2,
  hardwareException: 3,
  softwareInterrupt: 4,
  privilegedSoftwareException: 5,
  softwareException: 6,
  other: 7,
} as const;

/** Interruptibility state (25.4.2). */
export const BLOCKING = { sti: bit(0), movSs: bit(1), smi: bit(2), nmi: bit(3) } as const;
/** Activity state (25.4.2). */
export const ACTIVITY_STATE = { active: 0, hlt: 1, shutdown: 2, waitForSipi: 3 } as const;

/** Access rights of a segment (25.4.1): bits 15..0 as a descriptor has them, and: */
export const UNUSABLE = bit(16);
