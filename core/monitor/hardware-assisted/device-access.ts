/**
 * Devices as the guest reaches them while the kernel side emulates for it. Those of the kernel side answer at once. What is the
 * user side's is told on the run page, and the emulation goes on when KVM_RUN is called again (KVM's complete_userspace_io):
 *
 *      IN, INS     ask for all elements, then emulate          OUT, OUTS   emulate one element, then tell
 *      a load      ask, then execute the instruction with the answer at hand
 *      a store     execute, then tell piece by piece           both        ask, execute, tell
 *
 * An instruction whose other operand faults is begun anew, with the answers it has (KVM's read_cache).
 */
import type { AccessBytes, PortAccess } from "../../machine/cpu/host.js";
import { invariant } from "../../util/errors.js";
import { type KvmRun, MMIO_BYTES } from "./run-page.js";

/** What the kernel side does of a device of its own: charges the access, and answers. */
export interface KernelDevices {
  ownsPort(port: number): boolean;
  readPort(port: number, size: AccessBytes): number;
  writePort(port: number, size: AccessBytes, value: number): void;
  /** @param address guest-physical */
  ownsMemory(address: number): boolean;
  readMemory(address: number, size: AccessBytes): number;
  writeMemory(address: number, size: AccessBytes, value: number): void;
}

/** What the user side is to complete before the guest goes on. */
type Pending = "nothing" | "port-read" | "port-write" | "memory-read" | "memory-write";

/** Longest operand that is emulated: an XMM register's. */
const MOST_BYTES = 16;
/** Accesses of one instruction to device memory: an operand in pieces of a bus, twice. */
const MOST_WRITES = 16;
const PAGE_MASK = 0xfff;

export class DeviceAccess {
  pending: Pending = "nothing";
  /** Ports as emulated instructions reach them. */
  readonly ports: PortAccess = this.makePorts();
  /** Elements of IN or INS that the user side has given, and those that the guest has taken. */
  private given = 0;
  private taken = 0;
  /** The operand in device memory: guest-physical address, bytes, how many of them are read already. */
  private address = 0;
  private bytes = 0;
  private read = 0;
  /** Of the instruction that refers to it, to know it again. */
  private instruction = Number.NaN;
  private readonly answer = new DataView(new ArrayBuffer(MOST_BYTES));
  /** Pieces that the instruction wrote, and how many of them the user side knows. */
  private readonly written = Array.from({ length: MOST_WRITES }, () => ({ address: 0, size: 1, value: 0 }));
  private writes = 0;
  private told = 0;

  constructor(
    private readonly run: KvmRun,
    private readonly kernel: KernelDevices,
  ) {}

  // Ports.

  /** Asks the user side for elements of a port. */
  askPort(port: number, size: AccessBytes, count: number): void {
    this.describePort("in", port, size, count);
    this.pending = "port-read";
  }

  /** The answers are on the run page: what is emulated now takes them. */
  takePort(): void {
    this.given = this.run.io.count;
    this.taken = 0;
    this.pending = "nothing";
  }

  /** Elements that a fault kept the guest from taking. */
  get hasAnswers(): boolean {
    return this.taken < this.given;
  }

  private describePort(direction: "in" | "out", port: number, size: AccessBytes, count: number): void {
    const { io } = this.run;
    this.run.exitReason = "io";
    io.direction = direction;
    io.port = port;
    io.size = size;
    io.count = count;
  }

  private makePorts(): PortAccess {
    const access = this;
    return {
      readPort(port, size) {
        if (access.kernel.ownsPort(port)) return access.kernel.readPort(port, size);
        invariant(access.hasAnswers, "the user side was asked for what is emulated", () => ({ port }));
        return access.run.readElement(access.taken++);
      },
      writePort(port, size, value) {
        if (access.kernel.ownsPort(port)) {
          access.kernel.writePort(port, size, value);
          return;
        }
        access.describePort("out", port, size, 1);
        access.run.writeElement(0, value);
        access.pending = "port-write";
      },
      get isTurnOver() {
        return access.pending === "port-write" || (access.given > 0 && !access.hasAnswers);
      },
    };
  }

  // Memory.

  /**
   * An instruction at RIP refers to an operand in the user side's device memory. @param reads whether it needs what is there.
   * Returns false where that cannot be emulated: an operand too long, or one that crosses pages.
   */
  begin(instruction: number, address: number, bytes: number, reads: boolean): boolean {
    if (bytes === 0 || bytes > MOST_BYTES || (address & PAGE_MASK) + bytes > PAGE_MASK + 1) return false;
    const isSame = this.instruction === instruction && this.address === address && this.bytes === bytes;
    this.instruction = instruction;
    this.address = address;
    this.bytes = bytes;
    if (!isSame) this.read = 0;
    if (!reads) this.read = bytes;
    this.writes = 0;
    this.told = 0;
    return true;
  }

  /** Asks for the next piece that is not read yet; false: all are. */
  askMemory(): boolean {
    if (this.read === this.bytes) return false;
    this.describeMemory(this.address + this.read, Math.min(MMIO_BYTES, this.bytes - this.read), false);
    this.pending = "memory-read";
    return true;
  }

  takeMemory(): void {
    const { data, length } = this.run.mmio;
    for (let byte = 0; byte < length; byte++) this.answer.setUint8(this.read + byte, data.getUint8(byte));
    this.read += length;
    this.pending = "nothing";
  }

  /** The instruction was executed: its answers are used up. */
  finish(): void {
    this.instruction = Number.NaN;
  }

  /** Tells the user side of the next piece that was written; false: it knows all. */
  tellMemory(): boolean {
    if (this.told === this.writes) {
      this.pending = "nothing";
      return false;
    }
    const { address } = this.written[this.told]!;
    const { data } = this.run.mmio;
    let length = 0;
    // Pieces of the bus that follow one another are one access of the instruction's.
    for (; this.told < this.writes; this.told++) {
      const piece = this.written[this.told]!;
      if (piece.address !== address + length || length + piece.size > MMIO_BYTES) break;
      for (let byte = 0; byte < piece.size; byte++) data.setUint8(length + byte, piece.value >>> (8 * byte));
      length += piece.size;
    }
    this.describeMemory(address, length, true);
    this.pending = "memory-write";
    return true;
  }

  private describeMemory(physicalAddress: number, length: number, isWrite: boolean): void {
    const { mmio } = this.run;
    this.run.exitReason = "mmio";
    mmio.physicalAddress = physicalAddress;
    mmio.length = length;
    mmio.isWrite = isWrite;
  }

  /** @param address guest-physical, or of the same page's offset where paging is shadowed. */
  readMemory(address: number, size: AccessBytes): number {
    if (this.kernel.ownsMemory(address)) return this.kernel.readMemory(address, size);
    const at = (address & PAGE_MASK) - (this.address & PAGE_MASK);
    invariant(at >= 0 && at + size <= this.read, "the user side was asked for what is read", () => ({
      address,
    }));
    if (size === 1) return this.answer.getUint8(at);
    return size === 2 ? this.answer.getUint16(at, true) : this.answer.getUint32(at, true);
  }

  writeMemory(address: number, size: AccessBytes, value: number): void {
    if (this.kernel.ownsMemory(address)) {
      this.kernel.writeMemory(address, size, value);
      return;
    }
    invariant(this.writes < MOST_WRITES, "an instruction writes a few pieces");
    const piece = this.written[this.writes++]!;
    piece.address = this.address - (this.address & PAGE_MASK) + (address & PAGE_MASK);
    piece.size = size;
    piece.value = value;
  }
}
