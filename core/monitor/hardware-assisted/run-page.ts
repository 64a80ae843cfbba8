/**
 * What the kernel side tells the user side when it cannot go on alone: the page that /dev/kvm shares between both, struct
 * kvm_run (Linux Documentation/virt/kvm/api.rst, section 5). One for each virtual CPU; each exit fills anew what belongs to its
 * reason. What the user side leaves in `io.data` or `mmio.data` of a read is the guest's at the next KVM_RUN.
 */

/** KVM_EXIT_… of linux/kvm.h, those that this kernel side has. */
export const KVM_EXIT = {
  unknown: 0,
  /** A port of a device that the user side has. */
  io: 2,
  /** HLT, where the interrupt controllers are the user side's; with those of the kernel's: nothing will ever wake the guest. */
  hlt: 5,
  /** Memory that is in no slot. */
  mmio: 6,
  /** The guest can take an interrupt now (`requestInterruptWindow`). */
  "irq-window-open": 7,
  /** The guest's processor shut down: a triple fault. */
  shutdown: 8,
  /** The hardware refused the guest's state. */
  "fail-entry": 9,
  /** KVM_RUN was interrupted: by `immediateExit`, `stop()`, or the instructions allowed. */
  intr: 10,
  "internal-error": 17,
} as const;

export type KvmExitReason = keyof typeof KVM_EXIT;

/** KVM_INTERNAL_ERROR_…: what the kernel side could not emulate. */
export type KvmInternalError = "emulation" | "delivery-event";

/** Bytes of a port access's data: a repeated INS brings up to 256 elements at once. */
const IO_BYTES = 1024;
/** Longest access to device memory that one exit tells of. */
export const MMIO_BYTES = 8;

export class KvmRun {
  // From the user side.
  /** Exit with "irq-window-open" once the guest can take an interrupt. */
  requestInterruptWindow = false;
  /** The next KVM_RUN completes what was pending and comes back at once. */
  immediateExit = false;

  // To the user side.
  exitReason: KvmExitReason = "unknown";
  /** Of the kernel side: KVM_RUN comes back with that reason. */
  isTold = false;
  /** KVM_INTERRUPT would reach the guest at the next entry. */
  readyForInterruptInjection = false;
  /** The guest's RFLAGS.IF. */
  ifFlag = false;
  readonly io = {
    direction: "in" as "in" | "out",
    /** Bytes of an element. */
    size: 1 as 1 | 2 | 4,
    port: 0,
    /** Elements, one after another in `data`, little-endian. */
    count: 1,
    data: new DataView(new ArrayBuffer(IO_BYTES)),
  };
  readonly mmio = {
    physicalAddress: 0,
    data: new DataView(new ArrayBuffer(MMIO_BYTES)),
    /** Bytes. */
    length: 1,
    isWrite: false,
  };
  /** Which check failed, in words. */
  readonly failEntry = { hardwareEntryFailureReason: "" };
  readonly internal = { suberror: "emulation" as KvmInternalError, message: "" };
  /** Of "shutdown": what could not be delivered. */
  readonly shutdown = { reason: "" };

  /** The kernel side cannot go on alone. */
  tell(reason: KvmExitReason): void {
    this.exitReason = reason;
    this.isTold = true;
  }

  /** An element of `io.data`, unsigned. */
  readElement(index: number): number {
    const { data, size } = this.io;
    if (size === 1) return data.getUint8(index);
    return size === 2 ? data.getUint16(2 * index, true) : data.getUint32(4 * index, true);
  }

  writeElement(index: number, value: number): void {
    const { data, size } = this.io;
    if (size === 1) data.setUint8(index, value);
    else if (size === 2) data.setUint16(2 * index, value, true);
    else data.setUint32(4 * index, value, true);
  }
}
