/**
 * Xen's public interface for paravirtual guests, as far as this monitor has it: numbers and structures of xen/include/public
 * (xen.h, arch-x86/xen.h, xen-x86_32.h, xen-x86_64.h, event_channel.h, physdev.h, sched.h, vcpu.h, version.h).
 */

export const HYPERCALL = {
  set_trap_table: 0,
  mmu_update: 1,
  set_gdt: 2,
  stack_switch: 3,
  set_callbacks: 4,
  fpu_taskswitch: 5,
  update_descriptor: 10,
  memory_op: 12,
  multicall: 13,
  update_va_mapping: 14,
  set_timer_op: 15,
  xen_version: 17,
  console_io: 18,
  grant_table_op: 20,
  vm_assist: 21,
  iret: 23,
  vcpu_op: 24,
  set_segment_base: 25,
  mmuext_op: 26,
  sched_op: 29,
  event_channel_op: 32,
  physdev_op: 33,
} as const;

/** Results: errors are negative (xen/errno.h). */
export const OK = 0;
export const ERROR = {
  perm: -1,
  noEntry: -2,
  noDomain: -3,
  fault: -14,
  exists: -17,
  invalid: -22,
  noSpace: -28,
  unknown: -38,
  timePassed: -62,
} as const;

/** The page of hypercalls: so many bytes each. */
export const HYPERCALL_BYTES = 32;
/** INT of a 32-bit guest's hypercall. */
export const HYPERCALL_VECTOR = 0x82;

/** set_trap_table: flags of an entry. */
export const TRAP_RING = 3;
export const TRAP_MASKS_EVENTS = 4;

/** mmu_update: what to do, in the low bits of the pointer. */
export const UPDATE_KIND = { normal: 0, machineToPhysical: 1, keepAccessedDirty: 2 } as const;
export const UPDATE_BYTES = 16;
/** update_va_mapping: what to flush. */
export const UVMF = { flush: 1, invalidate: 2, kind: 3 } as const;

export const MMUEXT = {
  pinL1: 0,
  pinL2: 1,
  pinL3: 2,
  pinL4: 3,
  unpin: 4,
  newBase: 5,
  flushLocal: 6,
  invalidateLocal: 7,
  flushAll: 10,
  invalidateAll: 11,
  newUserBase: 15,
} as const;

export const EVENT_OP = {
  bindInterdomain: 0,
  bindVirq: 1,
  bindPirq: 2,
  close: 3,
  send: 4,
  status: 5,
  allocateUnbound: 6,
  bindIpi: 7,
  bindProcessor: 8,
  unmask: 9,
} as const;
export const CHANNEL_STATUS = { closed: 0, unbound: 1, interdomain: 2, pirq: 3, virq: 4, ipi: 5 } as const;
export const VIRQ_TIMER = 0;
export const SCHED = { yield: 0, block: 1, shutdown: 2 } as const;
export const SHUTDOWN_NAMES = ["poweroff", "reboot", "suspend", "crash"] as const;
export const PHYSDEV = { setIopl: 6, eoi: 12 } as const;
export const CONSOLE_WRITE = 0;
export const VERSION = {
  version: 0,
  extra: 1,
  capabilities: 3,
  platformParameters: 5,
  features: 6,
  pageSize: 7,
} as const;
/** Xen 4.0, whose interface has all that is here. */
export const XEN_VERSION = 4 << 16;
export const MEMORY = { currentReservation: 3, maximumReservation: 4 } as const;
export const VCPU = {
  isUp: 3,
  getRunstate: 4,
  stopPeriodic: 7,
  setSingleShot: 8,
  stopSingleShot: 9,
} as const;
/** vcpu_set_singleshot_timer: nanoseconds of system time, then flags; one wants that to be yet to come. */
export const SINGLE_SHOT = { flags: 8, future: 1 } as const;
export const RUNSTATE_RUNNING = 0;
/** vcpu_runstate_info: the state and since when, then time spent in each of four states, in nanoseconds. */
export const RUNSTATE = {
  32: { since: 4, times: 12, bytes: 44 },
  64: { since: 8, times: 16, bytes: 48 },
} as const;
export const VM_ASSIST = { enable: 0, disable: 1, writablePageTables: 2 } as const;
export const SEGMENT_BASE = { fs: 0, gsUser: 1, gsKernel: 2 } as const;

/** grant_table_op (grant_table.h): operations, their outcomes, flags of entries of version 1, of mappings and copies. */
export const GRANT_OP = { map: 0, unmap: 1, setup: 2, copy: 5, querySize: 6 } as const;
export const GRANT_STATUS = {
  okay: 0,
  error: -1,
  badDomain: -2,
  badReference: -3,
  badHandle: -4,
  badAddress: -5,
  denied: -8,
  badPage: -9,
  badCopy: -10,
} as const;
export const GRANT = { kinds: 3, permit: 1, readOnly: 4, reading: 8, writing: 16 } as const;
export const GRANT_MAP = { host: 2, readOnly: 4, application: 8, containsEntry: 16 } as const;
export const GRANT_COPY = { fromGrant: 1, toGrant: 2 } as const;
export const DOMAIN_SELF = 0x7ff0;

/** The hypercall iret of 64-bit guests: RCX and R11 need not be restored. */
export const IN_SYSCALL = 0x100;

/** shared_info: the first vcpu_info, then the channels. */
export const SHARED = { upcallPending: 0, upcallMask: 1, time: 32, channels: 2048 } as const;
/** vcpu_time_info, from its first byte: time stamp and nanoseconds at its start, 0 both, are before these. */
export const TIME = { multiplier: 24, shift: 28 } as const;

/** start_info: offsets that do not depend on the width, and those that do, of 32 and 64 bits. */
export const START_INFO_FLAGS = { privileged: 1, initialDomain: 2 } as const;
export const START_INFO = {
  32: { pages: 32, shared: 36, flags: 40, pageTable: 60, tableFrames: 64, frameList: 68, commandLine: 80 },
  64: { pages: 32, shared: 40, flags: 48, pageTable: 88, tableFrames: 96, frameList: 104, commandLine: 128 },
} as const;
export const COMMAND_LINE_BYTES = 1024;
export const MAGIC = { 32: "xen-3.0-x86_32p", 64: "xen-3.0-x86_64" } as const;

/** Selectors of Xen's own segments: its page of the GDT is the fifteenth. */
export const XEN_DESCRIPTORS = 0xe000;
export const SELECTORS = {
  32: { kernelCode: 0xe019, kernelData: 0xe021, userCode: 0xe02b, userData: 0xe033 },
  64: { kernelCode: 0xe033, kernelData: 0xe02b, userCode: 0xe033, userData: 0xe02b },
} as const;

/** Where a guest finds the table of pseudo-physical frame numbers; and from where on a 32-bit guest has nothing. */
export const MACHINE_TO_PHYSICAL = { 32: 0xf580_0000, 64: -0x8000_0000_0000 } as const;
