/**
 * What is around a CPU in a PC: the devices, the ports by which a guest marks its region of interest and ends itself, what it
 * printed, and how it ended. A computer has one around its processor; a monitor shows one to its guest.
 */
import type { CpuProfile } from "../events/profile.js";
import type { Surroundings } from "./code-machine.js";
import { Console } from "./console.js";
import { processorOf } from "./cpu/processor.js";
import type { GuestMemory } from "./devices/device.js";
import { Marks } from "./devices/marks.js";
import { Pc } from "./devices/pc.js";

/** How a run came to its end. */
export type Outcome =
  /** The guest said so, through the debug-exit port: its status as it wrote it. */
  | { readonly kind: "exit"; readonly status: number }
  /** A device asked for a reset: how many guests end. */
  | { readonly kind: "reset" }
  /** A fault that could not be delivered. */
  | { readonly kind: "shutdown"; readonly reason: string }
  /** Halted, and nothing will ever wake it. */
  | { readonly kind: "asleep" }
  /** It does nothing but deliver exceptions, whose handlers fault. */
  | { readonly kind: "stuck" }
  /** The instructions it was allowed are used up. */
  | { readonly kind: "limit" }
  /** Somebody asked for it (`stop`). */
  | { readonly kind: "stopped" };

export interface BoardOptions {
  readonly profile: CpuProfile;
  /** RAM from address 0, bytes. */
  readonly memoryBytes: number;
  /** False: no local and no I/O APIC. */
  readonly hasApic: boolean;
  readonly disks?: readonly (Uint8Array | undefined)[];
  /** Cycles since the machine was made. */
  readonly now: () => number;
  /** The run is to come back before the next block of code. */
  readonly stop: () => void;
  /** A device sends an NMI. */
  readonly nmi: () => void;
  /** RAM, for DMA. */
  readonly memory: GuestMemory;
}

export class Board {
  readonly pc: Pc;
  /** What the first serial port sent. */
  readonly output = new Console();
  /** Told of every mark that the guest makes (devices/marks.ts). */
  onMark: ((value: number) => void) | undefined;
  /** Told of every byte that the guest sends by its first serial port, when it does. */
  onSerial: ((byte: number) => void) | undefined;
  /** RAM, as devices reach it. */
  readonly memory: GuestMemory;
  /** An interrupt waits for the CPU. */
  hasInterrupt = false;
  private ending: Outcome | undefined;

  constructor(private readonly options: BoardOptions) {
    const { profile, disks, hasApic, memoryBytes } = options;
    this.memory = options.memory;
    const processor = processorOf(profile, hasApic);
    this.pc = new Pc({
      clock: { cyclesPerSecond: profile.frequencyMHz * 1_000_000, now: options.now },
      memory: options.memory,
      memoryBytes: { below4GiB: memoryBytes, above4GiB: 0 },
      outputs: {
        interrupt: (pending) => {
          this.hasInterrupt = pending;
        },
        // Whatever sets a deadline leaves the engine, which asks for the next one then.
        deadline: () => {},
        requestReset: () => this.end({ kind: "reset" }),
        a20: () => {},
        serial: (port, byte) => {
          if (port !== 0) return;
          this.output.add(byte);
          this.onSerial?.(byte);
        },
        debug: () => {},
        exit: (status) => this.end({ kind: "exit", status: status >>> 1 }),
        post: () => {},
        nmi: options.nmi,
        smi: () => {},
        init: () => this.end({ kind: "reset" }),
        startup: () => {},
      },
      apic: hasApic
        ? {
            hasX2Apic: processor.features.has("X2APIC"),
            hasTscDeadline: processor.features.has("TSC-DEADLINE"),
            physicalAddressBits: profile.physicalAddressBits,
          }
        : undefined,
      ...(disks === undefined ? {} : { disks }),
    });
    new Marks(this.pc.bus, (value) => this.onMark?.(value));
  }

  /** As a CPU that has the devices to itself finds them. */
  surroundings(): Surroundings {
    const { pc } = this;
    return {
      ports: pc.bus,
      localApic: pc.localApic,
      msrs: pc.msrs,
      interrupts: pc.interrupts,
      nextDeadline: () => pc.schedule.next,
      runDue: (now) => pc.schedule.runDue(now),
      hasInterrupt: () => this.hasInterrupt,
      readMemory: (address, size) => pc.bus.readMemory(address, size),
      writeMemory: (address, size, value) => pc.bus.writeMemory(address, size, value),
    };
  }

  /** The guest is at its end; the first end counts. */
  end(outcome: Outcome): void {
    this.ending ??= outcome;
    this.options.stop();
  }

  /** Why the run was stopped. */
  takeEnding(): Outcome {
    const { ending } = this;
    this.ending = undefined;
    return ending ?? { kind: "stopped" };
  }

  /** After the devices' state was restored. */
  restored(): void {
    this.ending = undefined;
    this.hasInterrupt = this.pc.interrupts.hasPending();
  }
}
