/**
 * A PC's devices put together: which exist, who drives whose line, and saving all of them at once.
 *
 *                          ┌─ IR0-7 ── 8259A ──INTR──┬─→ LINT0 ── local APIC ──→ CPU
 *   PIT, keyboard, serial, │  IR8-15 ─ 8259A ─IR2┘   └─→ pin 0
 *   clock, IDE ──IRQ 0-15──┴─ pins 0-23 ──────────────── I/O APIC ──messages──→ local APIC
 *
 * An IRQ goes to the 8259As and to the I/O APIC's pin of the same number, but IRQ 0 to pin 2, as on PCs since the
 * MultiProcessor Specification. A device is reached by the bus alone; the CPU uses `schedule`, `interrupts` and
 * `msrs`.
 */
import { ApicBus } from "./apic/apic-bus.js";
import { IoApic } from "./apic/io-apic.js";
import { LocalApic, type ProcessorSignals } from "./apic/local-apic.js";
import { LocalApicPage } from "./apic/mmio.js";
import { LocalApicMsrs } from "./apic/msrs.js";
import { Bus } from "./bus.js";
import type { Clock } from "./clock.js";
import { DebugPorts } from "./debug/debug-ports.js";
import type { GuestMemory, Line, Stateful } from "./device.js";
import { fillCmos } from "./firmware/cmos.js";
import { initialiseRegisters } from "./firmware/registers.js";
import { Channel, type DriveParts } from "./ide/channel.js";
import { Disk } from "./ide/disk.js";
import { makePiix3Ide } from "./ide/piix3.js";
import { Interrupts } from "./interrupts.js";
import { KeyboardController } from "./keyboard/controller.js";
import { makeHostBridge, makeIsaBridge } from "./pci/bridges.js";
import { PciConfiguration } from "./pci/configuration.js";
import { PicPair } from "./pic/pair.js";
import { Pit } from "./pit/pit.js";
import { SystemPort } from "./pit/system-port.js";
import { PowerRegisters } from "./power/power-registers.js";
import { A20Gate } from "./reset/a20.js";
import { type ResetKind, ResetPorts } from "./reset/reset-ports.js";
import { Rtc } from "./rtc/rtc.js";
import { Schedule } from "./schedule.js";
import { Uart } from "./serial/uart.js";

/** 2024-01-01 00:00:00 UTC. */
const DEFAULT_EPOCH_SECONDS = 1_704_067_200;
/** The bus clock of Intel processors since Sandy Bridge (BCLK); older ones have 133 MHz. */
const DEFAULT_APIC_HERTZ = 100_000_000;
/** A solid-state disk on SATA: about 100 µs to the first byte, 500 MB/s. */
const DEFAULT_DISK_LATENCY_SECONDS = 100e-6;
const DEFAULT_DISK_BYTES_PER_SECOND = 500e6;

const CHANNELS = [
  { commandPort: 0x1f0, controlPort: 0x3f6, irq: 14 },
  { commandPort: 0x170, controlPort: 0x376, irq: 15 },
] as const;
const DRIVES_PER_CHANNEL = 2;
const SERIAL_PORTS = [
  { port: 0x3f8, irq: 4 },
  { port: 0x2f8, irq: 3 },
] as const;
/** IRQ 0's pin; pin 0 has the 8259As' output. */
const TIMER_PIN = 2;
const EXTERNAL_PIN = 0;

/** What the devices tell the CPU and the host. All are called in the cycle of their cause. */
export interface PcOutputs extends Omit<ProcessorSignals, "changed"> {
  /** Whether a maskable interrupt is pending has changed (interrupts.ts). */
  readonly interrupt: (pending: boolean) => void;
  /** The next deadline has changed; Infinity for none. */
  readonly deadline: (cycles: number) => void;
  /** A device asks for a reset. The machine's is `reset` and the CPU's; the CPU's alone is INIT. */
  readonly requestReset: (kind: ResetKind) => void;
  readonly a20: (open: boolean) => void;
  /** A byte sent by serial port 0 (COM1) or 1 (COM2). */
  readonly serial: (port: number, byte: number) => void;
  /** A byte for the debug console, port 0xE9. */
  readonly debug: (byte: number) => void;
  /** The guest ends itself (port 0xF4); the status is odd. */
  readonly exit: (status: number) => void;
  /** A diagnostic code (port 0x80). */
  readonly post: (code: number) => void;
}

export interface ApicOptions {
  readonly hasX2Apic: boolean;
  readonly hasTscDeadline: boolean;
  readonly physicalAddressBits: number;
  /** The bus clock, which the timer counts; 100 MHz when absent. */
  readonly timerHertz?: number;
}

export interface PcOptions {
  readonly clock: Clock;
  /** RAM, for DMA. */
  readonly memory: GuestMemory;
  /** RAM that firmware reports: from address 0, and from 4 GiB. */
  readonly memoryBytes: { readonly below4GiB: number; readonly above4GiB: number };
  readonly outputs: PcOutputs;
  /** Absent: no local and no I/O APIC. */
  readonly apic?: ApicOptions | undefined;
  /** The clock's time at cycle 0, seconds since 1970 UTC; 2024-01-01 when absent. */
  readonly epochSeconds?: number;
  /** Whether bytes sent take their time on the wire; "instant" when absent. */
  readonly serialTiming?: "instant" | "baud";
  /** Images: primary master and slave, secondary master and slave. They are never written. */
  readonly disks?: readonly (Uint8Array | undefined)[];
  /** 100 µs and 500 MB/s when absent. */
  readonly diskTiming?: { readonly latencySeconds: number; readonly bytesPerSecond: number };
  /** False leaves the registers as a reset does, for guests that bring their own firmware; true when absent. */
  readonly firmware?: boolean;
}

/** A saved PC. */
export interface PcState {
  readonly deadlines: Float64Array;
  /** By device. */
  readonly devices: Readonly<Record<string, unknown>>;
}

export class Pc {
  readonly schedule: Schedule;
  readonly bus: Bus;
  readonly interrupts: Interrupts;
  /** Undefined when there are no APICs. */
  readonly msrs: LocalApicMsrs | undefined;

  readonly localApic: LocalApic | undefined;
  readonly ioApic: IoApic | undefined;
  readonly pic: PicPair;
  readonly pit: Pit;
  readonly rtc: Rtc;
  readonly serial: readonly Uart[];
  readonly keyboard: KeyboardController;
  readonly a20: A20Gate;
  readonly pci: PciConfiguration;
  readonly ide: readonly Channel[];

  /** Every device that has state, in the order in which they are reset. */
  private readonly devices: Readonly<Record<string, Stateful<unknown>>>;

  constructor(private readonly options: PcOptions) {
    const { clock, outputs, apic } = options;
    this.schedule = new Schedule(outputs.deadline);
    const { schedule } = this;
    const catchUp = (): void => schedule.runDue(clock.now());
    this.bus = new Bus(catchUp);
    const { bus } = this;
    this.interrupts = new Interrupts(outputs.interrupt);

    this.pic = new PicPair(bus, (high) => this.driveExternal(high));
    const apicBus = new ApicBus();
    if (apic !== undefined) {
      this.localApic = new LocalApic({
        clock,
        schedule,
        bus: apicBus,
        id: 0,
        isBootstrap: true,
        timerHertz: apic.timerHertz ?? DEFAULT_APIC_HERTZ,
        signals: { ...outputs, changed: () => this.interrupts.update() },
      });
      new LocalApicPage(bus, this.localApic);
      this.msrs = new LocalApicMsrs(this.localApic, { ...apic, catchUp });
      this.ioApic = new IoApic(bus, apicBus);
    }
    this.interrupts.connect(this.pic, this.localApic);

    this.pit = new Pit(bus, clock, schedule, this.irq(0));
    const systemPort = new SystemPort(bus, clock, this.pit);
    this.rtc = new Rtc(bus, clock, schedule, this.irq(8), this.epochSeconds);
    this.serial = SERIAL_PORTS.map(
      ({ port, irq }, index) =>
        new Uart(bus, clock, schedule, {
          port,
          irq: this.irq(irq),
          transmit: (byte) => outputs.serial(index, byte),
          timing: options.serialTiming,
        }),
    );
    this.a20 = new A20Gate(outputs.a20);
    const requestCpuReset = (): void => outputs.requestReset("cpu");
    this.keyboard = new KeyboardController(bus, this.irq(1), this.irq(12), this.a20, requestCpuReset);
    const resetPorts = new ResetPorts(bus, this.a20, outputs.requestReset);
    const debugPorts = new DebugPorts(bus, { write: outputs.debug, exit: outputs.exit, post: outputs.post });

    this.ide = CHANNELS.map(({ irq, ...ports }, index) => {
      const first = index * DRIVES_PER_CHANNEL;
      const images = (options.disks ?? []).slice(first, first + DRIVES_PER_CHANNEL);
      const drives = images.map((image) => image && this.driveParts(image));
      return new Channel({ ...ports, bus, memory: options.memory, irq: this.irq(irq), drives });
    });
    this.pci = new PciConfiguration(bus);
    this.pci.add(0, 0, makeHostBridge());
    this.pci.add(1, 0, makeIsaBridge());
    this.pci.add(1, 1, makePiix3Ide(bus, this.ide));

    this.devices = {
      pic: this.pic,
      ...(this.localApic && { localApic: this.localApic }),
      ...(this.ioApic && { ioApic: this.ioApic }),
      pit: this.pit,
      systemPort,
      rtc: this.rtc,
      ...Object.fromEntries(this.serial.map((uart, index) => [`serial${index}`, uart])),
      keyboard: this.keyboard,
      resetPorts,
      power: new PowerRegisters(bus),
      debugPorts,
      ...Object.fromEntries(this.ide.map((channel, index) => [`ide${index}`, channel])),
      pci: this.pci,
    };
    if (options.firmware !== false) this.runFirmware();
  }

  /** RESET#: every device to its state after power-on, then firmware. Time, CMOS RAM and disks go on. */
  reset(): void {
    for (const device of Object.values(this.devices)) device.reset();
    if (this.options.firmware !== false) this.runFirmware();
  }

  /** All state, plain data that shares nothing which changes. */
  save(): PcState {
    const devices = Object.fromEntries(
      Object.entries(this.devices).map(([name, device]) => [name, device.save()]),
    );
    return { deadlines: this.schedule.save(), devices: { ...devices, bus: this.bus.save() } };
  }

  /** Returns to a saved state. The clock must have been set back already. */
  restore(state: PcState): void {
    for (const [name, device] of Object.entries(this.devices)) device.restore(state.devices[name]);
    this.bus.restore(state.devices["bus"] as ReturnType<Bus["save"]>);
    this.schedule.restore(state.deadlines);
    this.interrupts.refresh();
  }

  private get epochSeconds(): number {
    return this.options.epochSeconds ?? DEFAULT_EPOCH_SECONDS;
  }

  /** The wire of an IRQ. */
  private irq(irq: number): Line {
    const pin = irq === 0 ? TIMER_PIN : irq;
    return (high) => {
      this.pic.setIrq(irq, high);
      this.ioApic?.setPin(pin, high);
    };
  }

  /** The 8259As' output. */
  private driveExternal(high: boolean): void {
    this.localApic?.setLint(0, high);
    this.ioApic?.setPin(EXTERNAL_PIN, high);
    this.interrupts.update();
  }

  private driveParts(image: Uint8Array): DriveParts {
    const { clock, diskTiming } = this.options;
    const { cyclesPerSecond } = clock;
    const latencySeconds = diskTiming?.latencySeconds ?? DEFAULT_DISK_LATENCY_SECONDS;
    const bytesPerSecond = diskTiming?.bytesPerSecond ?? DEFAULT_DISK_BYTES_PER_SECOND;
    return {
      disk: new Disk(image),
      timing: {
        latencyCycles: Math.round(latencySeconds * cyclesPerSecond),
        cyclesPerByte: cyclesPerSecond / bytesPerSecond,
      },
      clock,
      schedule: this.schedule,
    };
  }

  private runFirmware(): void {
    const century = Math.floor(new Date(this.epochSeconds * 1000).getUTCFullYear() / 100);
    const hasDisk = this.options.disks?.[0] !== undefined;
    fillCmos(this.rtc, this.options.memoryBytes, century, hasDisk);
    initialiseRegisters(this.bus, this.localApic);
  }
}
