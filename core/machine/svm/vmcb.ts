/**
 * A virtual machine control block in simulated memory (AMD APM vol. 2, 15.5 and appendix B): 4 KiB of a frame, the control area
 * from 0 and the state-save area from 400H, at the manual's offsets.
 */

/** Offsets in the control area (table B-1), bytes. */
export const CONTROL = {
  /** Bits 15..0: reads of CR0-15; 31..16: writes. The same for debug registers in the next. */
  interceptCr: 0x000,
  interceptDr: 0x004,
  interceptExceptions: 0x008,
  /** INTERCEPT_3 and INTERCEPT_4. */
  intercept3: 0x00c,
  intercept4: 0x010,
  /** Bits 15..0 the threshold, 31..16 the count of the pause filter. */
  pauseFilter: 0x03c,
  ioPermissions: 0x040,
  msrPermissions: 0x048,
  tscOffset: 0x050,
  asid: 0x058,
  tlbControl: 0x05c,
  /** V_TPR, V_IRQ and what belongs to them (VIRTUAL_INTERRUPT). */
  virtualInterrupt: 0x060,
  virtualVector: 0x064,
  interruptShadow: 0x068,
  exitCode: 0x070,
  exitInfo1: 0x078,
  exitInfo2: 0x080,
  exitInterruptInfo: 0x088,
  nestedPaging: 0x090,
  avicBar: 0x098,
  eventInjection: 0x0a8,
  nestedCr3: 0x0b0,
  nextRip: 0x0c8,
  avicBackingPage: 0x0e0,
  avicLogicalTable: 0x0f0,
  /** Bits 7..0: the last entry. */
  avicPhysicalTable: 0x0f8,
} as const;

/** Offsets in the state-save area, from the block's first byte (table B-2). */
export const SAVE = {
  es: 0x400,
  cs: 0x410,
  ss: 0x420,
  ds: 0x430,
  fs: 0x440,
  gs: 0x450,
  gdtr: 0x460,
  ldtr: 0x470,
  idtr: 0x480,
  tr: 0x490,
  /** Byte 4CBH. */
  cpl: 0x4c8,
  efer: 0x4d0,
  cr4: 0x548,
  cr3: 0x550,
  cr0: 0x558,
  dr7: 0x560,
  dr6: 0x568,
  rflags: 0x570,
  rip: 0x578,
  rsp: 0x5d8,
  rax: 0x5f8,
  star: 0x600,
  lstar: 0x608,
  cstar: 0x610,
  sfmask: 0x618,
  kernelGsBase: 0x620,
  sysenterCs: 0x628,
  sysenterEsp: 0x630,
  sysenterEip: 0x638,
  cr2: 0x640,
  pat: 0x668,
} as const;

const bit = (number: number): number => (1 << number) | 0;

/** INTERCEPT_3 (offset 00CH). PUSHF, POPF, IRET, INTn and RSM are not among them: this machine does not ask about them. */
export const INTERCEPT_3 = {
  intr: bit(0),
  nmi: bit(1),
  virtualInterrupt: bit(4),
  cr0Selective: bit(5),
  idtrRead: bit(6),
  gdtrRead: bit(7),
  ldtrRead: bit(8),
  trRead: bit(9),
  idtrWrite: bit(10),
  gdtrWrite: bit(11),
  ldtrWrite: bit(12),
  trWrite: bit(13),
  rdtsc: bit(14),
  rdpmc: bit(15),
  cpuid: bit(18),
  invd: bit(22),
  pause: bit(23),
  hlt: bit(24),
  invlpg: bit(25),
  invlpga: bit(26),
  io: bit(27),
  msr: bit(28),
  taskSwitch: bit(29),
  shutdown: bit(31),
} as const;

/** INTERCEPT_4 (offset 010H). */
export const INTERCEPT_4 = {
  vmrun: bit(0),
  vmmcall: bit(1),
  vmload: bit(2),
  vmsave: bit(3),
  stgi: bit(4),
  clgi: bit(5),
  skinit: bit(6),
  rdtscp: bit(7),
  icebp: bit(8),
  wbinvd: bit(9),
  monitor: bit(10),
  mwait: bit(11),
  xsetbv: bit(13),
} as const;

/** Offset 060H (15.21). */
export const VIRTUAL_INTERRUPT = {
  tprMask: 0xf,
  irq: bit(8),
  priorityShift: 16,
  ignoreTpr: bit(20),
  masking: bit(24),
  avic: bit(31),
} as const;

/** EVENTINJ and EXITINTINFO (15.20, 15.7.2). */
export const EVENT = {
  vectorMask: 0xff,
  typeShift: 8,
  typeMask: 7,
  errorCode: bit(11),
  valid: bit(31),
} as const;
export const EVENT_TYPE = { interrupt: 0, nmi: 2, exception: 3, software: 4 } as const;

const FRAME_WORDS = 1024;
const TWO_32 = 2 ** 32;

export class Vmcb {
  private readonly words: Int32Array;

  /** @param ram of the machine. @param frame that holds the block. */
  constructor(
    ram: Int32Array,
    readonly frame: number,
  ) {
    this.words = ram.subarray(frame * FRAME_WORDS, (frame + 1) * FRAME_WORDS);
  }

  /** Four bytes at an offset, as int32. */
  low(offset: number): number {
    return this.words[offset >> 2]!;
  }
  /** The four above them. */
  high(offset: number): number {
    return this.words[(offset >> 2) + 1]!;
  }
  unsigned(offset: number): number {
    return (this.high(offset) >>> 0) * TWO_32 + (this.low(offset) >>> 0);
  }
  /** Sets four bytes. */
  setLow(offset: number, value: number): void {
    this.words[offset >> 2] = value;
  }
  /** Sets eight bytes. */
  set(offset: number, low: number, high = 0): void {
    this.words[offset >> 2] = low;
    this.words[(offset >> 2) + 1] = high;
  }
  setUnsigned(offset: number, value: number): void {
    this.set(offset, value | 0, Math.floor(value / TWO_32) | 0);
  }
}
