/**
 * What the kernel side tells the user side when it cannot go on alone: the page that /dev/kvm shares between both (struct
 * kvm_run, Linux Documentation/virt/kvm/api.rst, section 5). One for each virtual CPU, filled anew each time.
 */
export type ExitToUser =
  /** KVM_EXIT_IO: a port of a device that the user side has; one element of a string instruction at a time. */
  | "io"
  /** KVM_EXIT_MMIO: memory that is in no region. */
  | "mmio"
  /** KVM_EXIT_SHUTDOWN: the guest's processor shut down. */
  | "shutdown"
  /** KVM_EXIT_FAIL_ENTRY: the hardware refused the guest's state. */
  | "fail-entry";

export class RunPage {
  reason: ExitToUser = "io";
  /** Of "io": the port; of "mmio": the guest-physical address. */
  address = 0;
  /** Bytes. */
  size: 1 | 2 | 4 = 1;
  isWrite = false;
  /** What the guest writes, or what the user side answers; unsigned. */
  data = 0;
  /** Of "shutdown" and "fail-entry". */
  why = "";
}

/**
 * The user side. Where the ioctl KVM_RUN returns to its caller, this is called; when it is done, KVM_RUN is called again. The
 * kernel side charges both ways.
 */
export interface UserSide {
  exit(run: RunPage): void;
}
