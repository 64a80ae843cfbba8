/** A PC without a CPU, for tests: a clock moved by hand, RAM for DMA, and a record of all that the devices say. */
import type { AccessSize, GuestMemory } from "../device.js";
import { Pc, type PcOptions, type PcState } from "../pc.js";

/** Divides by none of the devices' frequencies. */
export const TEST_HERTZ = 2_667_000_000;

/** RAM that notes nothing and wraps nowhere: what is outside reads as ones. */
export class TestMemory implements GuestMemory {
  constructor(readonly bytes: Uint8Array) {}

  read(address: number, bytes: Uint8Array): void {
    for (let i = 0; i < bytes.length; i++) bytes[i] = this.bytes[address + i] ?? 0xff;
  }

  write(address: number, bytes: Uint8Array): void {
    for (let i = 0; i < bytes.length; i++) {
      if (address + i < this.bytes.length) this.bytes[address + i] = bytes[i]!;
    }
  }
}

export interface BenchState {
  readonly cycles: number;
  readonly memory: Uint8Array;
  readonly pc: PcState;
}

export class Bench {
  cycles = 0;
  readonly memory = new TestMemory(new Uint8Array(1 << 20));
  readonly pc: Pc;
  /** What the devices said, as `name value @cycle`. */
  readonly log: string[] = [];
  /** Bytes that serial ports 0 and 1 sent. */
  readonly sent: [number[], number[]] = [[], []];

  constructor(options: Partial<Omit<PcOptions, "outputs" | "clock" | "memory">> = {}) {
    const note =
      (name: string) =>
      (...values: unknown[]): void => {
        this.log.push([name, ...values, `@${this.cycles}`].join(" "));
      };
    this.pc = new Pc({
      memoryBytes: { below4GiB: 64 << 20, above4GiB: 0 },
      apic: { hasX2Apic: true, hasTscDeadline: true, physicalAddressBits: 40 },
      firmware: false,
      ...options,
      clock: { cyclesPerSecond: TEST_HERTZ, now: () => this.cycles },
      memory: this.memory,
      outputs: {
        interrupt: note("interrupt"),
        deadline: () => {},
        nmi: note("nmi"),
        smi: note("smi"),
        init: note("init"),
        startup: note("startup"),
        requestReset: note("reset"),
        a20: note("a20"),
        serial: (port, byte) => this.sent[port as 0 | 1].push(byte),
        debug: note("debug"),
        exit: note("exit"),
        post: note("post"),
      },
    });
  }

  in(port: number, size: AccessSize = 1): number {
    return this.pc.bus.readPort(port, size);
  }

  out(port: number, value: number, size: AccessSize = 1): void {
    this.pc.bus.writePort(port, size, value);
  }

  /** Writes bytes to one port, in order. */
  outs(port: number, ...values: number[]): void {
    for (const value of values) this.out(port, value);
  }

  /** Reads a dword of device memory. */
  load(address: number): number {
    return this.pc.bus.readMemory(address, 4);
  }

  store(address: number, value: number): void {
    this.pc.bus.writeMemory(address, 4, value);
  }

  /** Lets time pass, stopping at each deadline as a CPU does. */
  run(cycles: number): void {
    const end = this.cycles + cycles;
    const { schedule } = this.pc;
    while (schedule.next <= end) {
      this.cycles = Math.max(this.cycles, schedule.next);
      schedule.runDue(this.cycles);
    }
    this.cycles = end;
  }

  runSeconds(seconds: number): void {
    this.run(Math.round(seconds * TEST_HERTZ));
  }

  /** Takes every pending interrupt without ending any: their vectors in order. */
  takeAll(): number[] {
    const vectors: number[] = [];
    while (this.pc.interrupts.hasPending()) vectors.push(this.pc.interrupts.acknowledge());
    return vectors;
  }

  /** The next pending interrupt's vector, or undefined. */
  take(): number | undefined {
    return this.pc.interrupts.hasPending() ? this.pc.interrupts.acknowledge() : undefined;
  }

  save(): BenchState {
    return { cycles: this.cycles, memory: this.memory.bytes.slice(), pc: this.pc.save() };
  }

  restore(state: BenchState): void {
    this.cycles = state.cycles;
    this.memory.bytes.set(state.memory);
    this.pc.restore(state.pc);
  }
}
