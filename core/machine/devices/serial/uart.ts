/**
 * The 16550A serial port (National Semiconductor, "PC16550D universal asynchronous receiver/transmitter with FIFOs",
 * 1995; sections named below are its own): FIFOs, interrupt identification by priority, modem control, loopback.
 *
 * By default a byte takes no time: it is handed to the host in the cycle in which it is written, and the
 * transmitter is empty again. With `timing: "baud"` bytes leave one character time apart, as the divisor and the
 * line control say. Received bytes wait with the host until there is room, so none is lost; the receive time-out is
 * four character times.
 *
 * The PC gates the interrupt with OUT2. Here it is not gated, as in QEMU: kernels that were only ever run there
 * leave OUT2 low, and those made for hardware set it. Break and modem lines are quiet: CTS, DSR and DCD are on.
 */
import { type Bus, BYTES } from "../bus.js";
import { type Clock, TickRate } from "../clock.js";
import type { AccessSize, Line, PortDevice, Stateful } from "../device.js";
import type { Schedule, Timer } from "../schedule.js";

/** Bits a second at divisor 1: 1.8432 MHz ÷ 16. */
const BASE_BAUD = 115_200;
const FIFO_BYTES = 16;
const PORTS = 8;

/** Registers by port; DLAB gives the first two to the divisor. */
const DATA = 0;
const INTERRUPT_ENABLE = 1;
const IDENTIFICATION = 2;
const LINE_CONTROL = 3;
const MODEM_CONTROL = 4;
const LINE_STATUS = 5;
const MODEM_STATUS = 6;
const SCRATCH = 7;

const IER_RECEIVED = 0x01;
const IER_TRANSMITTER = 0x02;
const IER_LINE = 0x04;
const IER_MODEM = 0x08;
const IER_MASK = 0x0f;

/** IIR by priority, highest first ("Interrupt control functions"). */
const IIR_LINE = 0x06;
const IIR_RECEIVED = 0x04;
const IIR_TIMEOUT = 0x0c;
const IIR_TRANSMITTER = 0x02;
const IIR_MODEM = 0x00;
const IIR_NONE = 0x01;
const IIR_FIFOS = 0xc0;

const FCR_ENABLE = 0x01;
const FCR_CLEAR_RECEIVER = 0x02;
const FCR_CLEAR_TRANSMITTER = 0x04;
/** Bytes at which the receiver interrupts, by FCR bits 7..6. */
const TRIGGERS = [1, 4, 8, 14];

const LCR_BITS = 0x03;
const LCR_TWO_STOPS = 0x04;
const LCR_PARITY = 0x08;
const LCR_DIVISOR = 0x80;

const MCR_LOOPBACK = 0x10;
const MCR_MASK = 0x1f;

const LSR_RECEIVED = 0x01;
const LSR_OVERRUN = 0x02;
const LSR_HOLDING_EMPTY = 0x20;
const LSR_EMPTY = 0x40;

/** CTS, DSR and DCD on. */
const MSR_CONNECTED = 0xb0;
/** The trailing edge of RI alone is reported in bit 2; the other deltas are of any change. */
const MSR_RING = 0x40;
const MSR_RING_DELTA = 0x04;

/** Character times without a read or an arrival after which waiting bytes are reported ("FIFO interrupt mode"). */
const TIMEOUT_CHARACTERS = 4;

export interface UartOptions {
  /** First of eight ports: 0x3F8 for COM1. */
  readonly port: number;
  readonly irq: Line;
  /** Given each byte sent. */
  readonly transmit: (byte: number) => void;
  /** Whether a byte sent takes its time on the wire; "instant" when absent. */
  readonly timing?: "instant" | "baud" | undefined;
}

export interface UartState {
  divisor: number;
  interruptEnable: number;
  fifoControl: number;
  lineControl: number;
  modemControl: number;
  /** OE; the other bits of LSR follow from the queues. */
  overrun: boolean;
  modemStatus: number;
  scratch: number;
  /** Bytes received and not yet read. */
  received: number[];
  /** Bytes the host has sent that have not arrived for want of room. */
  waiting: number[];
  /** Bytes to be sent; the first is in the shift register. */
  sending: number[];
  /** The transmitter became empty and nobody has been told. */
  transmitterPending: boolean;
  /** Bytes wait below the trigger level, and nothing happened for four character times. */
  timedOut: boolean;
}

const POWER_ON: UartState = {
  divisor: 12, // 9,600 baud; the datasheet leaves it open
  interruptEnable: 0,
  fifoControl: 0,
  lineControl: 0,
  modemControl: 0,
  overrun: false,
  modemStatus: MSR_CONNECTED,
  scratch: 0,
  received: [],
  waiting: [],
  sending: [],
  transmitterPending: false,
  timedOut: false,
};

export class Uart implements PortDevice, Stateful<UartState> {
  private readonly rate: TickRate;
  private readonly sent: Timer;
  private readonly timeout: Timer;
  private state: UartState = structuredClone(POWER_ON);

  constructor(
    bus: Bus,
    private readonly clock: Clock,
    schedule: Schedule,
    private readonly options: UartOptions,
  ) {
    this.rate = new TickRate(BASE_BAUD, clock.cyclesPerSecond);
    this.sent = schedule.timer((deadline) => this.endCharacter(deadline));
    this.timeout = schedule.timer(() => {
      this.state.timedOut = true;
      this.follow();
    });
    bus.claimPorts(options.port, PORTS, this, BYTES);
  }

  /** Bytes from the host's side of the wire, in order. */
  receive(bytes: Iterable<number>): void {
    for (const byte of bytes) this.state.waiting.push(byte);
    this.takeWaiting();
    this.follow();
  }

  readPort(port: number): number {
    const { state } = this;
    switch (port - this.options.port) {
      case DATA:
        return this.divisorLatch ? state.divisor & 0xff : this.readReceived();
      case INTERRUPT_ENABLE:
        return this.divisorLatch ? state.divisor >> 8 : state.interruptEnable;
      case IDENTIFICATION:
        return this.readIdentification();
      case LINE_CONTROL:
        return state.lineControl;
      case MODEM_CONTROL:
        return state.modemControl;
      case LINE_STATUS: {
        const status = this.lineStatus;
        state.overrun = false;
        this.follow();
        return status;
      }
      case MODEM_STATUS: {
        const status = state.modemStatus;
        state.modemStatus &= 0xf0;
        this.follow();
        return status;
      }
    }
    return state.scratch;
  }

  writePort(port: number, _size: AccessSize, value: number): void {
    const { state } = this;
    switch (port - this.options.port) {
      case DATA:
        if (this.divisorLatch) state.divisor = (state.divisor & 0xff00) | value;
        else this.send(value);
        break;
      case INTERRUPT_ENABLE:
        if (this.divisorLatch) state.divisor = (state.divisor & 0x00ff) | (value << 8);
        else this.enableInterrupts(value & IER_MASK);
        break;
      case IDENTIFICATION:
        this.controlFifos(value);
        break;
      case LINE_CONTROL:
        state.lineControl = value;
        break;
      case MODEM_CONTROL:
        state.modemControl = value & MCR_MASK;
        this.changeModemStatus();
        break;
      case SCRATCH:
        state.scratch = value;
        break;
    }
    this.follow();
  }

  /**
   * Master reset; the divisor, the scratch register and the host's queue are not affected ("UART reset
   * configuration").
   */
  reset(): void {
    const { divisor, scratch, waiting } = this.state;
    this.state = { ...structuredClone(POWER_ON), divisor, scratch, waiting };
    this.sent.cancel();
    this.timeout.cancel();
    this.takeWaiting();
    this.follow();
  }

  save(): UartState {
    return structuredClone(this.state);
  }

  restore(state: UartState): void {
    this.state = structuredClone(state);
  }

  private get divisorLatch(): boolean {
    return (this.state.lineControl & LCR_DIVISOR) !== 0;
  }

  private get hasFifos(): boolean {
    return (this.state.fifoControl & FCR_ENABLE) !== 0;
  }

  private get capacity(): number {
    return this.hasFifos ? FIFO_BYTES : 1;
  }

  private get isLoopback(): boolean {
    return (this.state.modemControl & MCR_LOOPBACK) !== 0;
  }

  /** Bytes in the holding register or transmitter FIFO: all but the one in the shift register. */
  private get held(): number {
    return Math.max(0, this.state.sending.length - 1);
  }

  private get lineStatus(): number {
    const { received, overrun, sending } = this.state;
    return (
      (received.length > 0 ? LSR_RECEIVED : 0) |
      (overrun ? LSR_OVERRUN : 0) |
      (this.held === 0 ? LSR_HOLDING_EMPTY : 0) |
      (sending.length === 0 ? LSR_EMPTY : 0)
    );
  }

  /** What IIR reports: the enabled source of highest priority. */
  private get identification(): number {
    const { state } = this;
    const { interruptEnable, received } = state;
    if (interruptEnable & IER_LINE && state.overrun) return IIR_LINE;
    if (interruptEnable & IER_RECEIVED) {
      const trigger = this.hasFifos ? TRIGGERS[state.fifoControl >> 6]! : 1;
      if (received.length >= trigger) return IIR_RECEIVED;
      if (state.timedOut) return IIR_TIMEOUT;
    }
    if (interruptEnable & IER_TRANSMITTER && state.transmitterPending) return IIR_TRANSMITTER;
    if (interruptEnable & IER_MODEM && state.modemStatus & 0x0f) return IIR_MODEM;
    return IIR_NONE;
  }

  private readReceived(): number {
    const { state } = this;
    const byte = state.received.shift() ?? 0;
    this.takeWaiting();
    this.restartTimeout();
    this.follow();
    return byte;
  }

  /** Reading IIR takes back the transmitter's interrupt, if that is what it reports. */
  private readIdentification(): number {
    const { identification } = this;
    if (identification === IIR_TRANSMITTER) {
      this.state.transmitterPending = false;
      this.follow();
    }
    return identification | (this.hasFifos ? IIR_FIFOS : 0);
  }

  /** Enabling the transmitter's interrupt while the holding register is empty raises it at once. */
  private enableInterrupts(value: number): void {
    const { state } = this;
    const isNew = (value & ~state.interruptEnable & IER_TRANSMITTER) !== 0;
    if (isNew && this.held === 0) state.transmitterPending = true;
    state.interruptEnable = value;
  }

  private controlFifos(value: number): void {
    const { state } = this;
    // Changing the enable clears both FIFOs; the byte in the shift register is sent all the same.
    const isSwitched = ((value ^ state.fifoControl) & FCR_ENABLE) !== 0;
    if (isSwitched || value & FCR_CLEAR_RECEIVER) state.received = [];
    if (isSwitched || value & FCR_CLEAR_TRANSMITTER) {
      if (this.held > 0) state.transmitterPending = true;
      state.sending.length = Math.min(state.sending.length, 1);
    }
    // The other bits are only programmed when bit 0 is one.
    state.fifoControl = value & FCR_ENABLE ? value & ~(FCR_CLEAR_RECEIVER | FCR_CLEAR_TRANSMITTER) : 0;
    this.takeWaiting();
    this.restartTimeout();
  }

  /** Writing THR takes back its interrupt until the byte has moved on. A byte written to a full FIFO is lost. */
  private send(byte: number): void {
    const { state } = this;
    state.transmitterPending = false;
    this.follow(); // the interrupt falls before it rises again
    if (this.options.timing !== "baud") {
      this.deliver(byte);
      state.transmitterPending = true;
      return;
    }
    if (this.held >= this.capacity) return;
    state.sending.push(byte);
    if (state.sending.length > 1) return;
    state.transmitterPending = true; // it moves to the shift register at once
    this.sent.at(this.characterEnd(this.clock.now()));
  }

  /** The stop bit has gone out. */
  private endCharacter(deadline: number): void {
    const { state } = this;
    const byte = state.sending.shift()!;
    if (state.sending.length === 1) state.transmitterPending = true;
    if (state.sending.length > 0) this.sent.at(this.characterEnd(deadline));
    this.deliver(byte);
    this.follow();
  }

  private deliver(byte: number): void {
    if (this.isLoopback) this.arrive(byte);
    else this.options.transmit(byte);
  }

  private takeWaiting(): void {
    const { state } = this;
    if (this.isLoopback) return;
    while (state.waiting.length > 0 && state.received.length < this.capacity)
      this.arrive(state.waiting.shift()!);
  }

  /** A byte into the receiver. Without room: the FIFO keeps what it has, the single register takes the new byte. */
  private arrive(byte: number): void {
    const { state } = this;
    if (state.received.length < this.capacity) state.received.push(byte);
    else {
      state.overrun = true;
      if (!this.hasFifos) state.received = [byte];
    }
    this.restartTimeout();
  }

  private restartTimeout(): void {
    const { state } = this;
    state.timedOut = false;
    if (this.hasFifos && state.received.length > 0) {
      this.timeout.at(this.characterEnd(this.clock.now(), TIMEOUT_CHARACTERS));
    } else {
      this.timeout.cancel();
    }
  }

  /**
   * The cycle at which characters that begin at a time have gone over the wire, in whole periods of the base clock.
   */
  private characterEnd(cycles: number, characters = 1): number {
    const { lineControl, divisor } = this.state;
    const stops = lineControl & LCR_TWO_STOPS ? 2 : 1;
    const bits = 1 + 5 + (lineControl & LCR_BITS) + (lineControl & LCR_PARITY ? 1 : 0) + stops;
    const ticks = characters * bits * (divisor === 0 ? 0x1_0000 : divisor);
    return this.rate.cyclesOf(this.rate.ticksAt(cycles) + ticks);
  }

  /** In loopback the modem control outputs are the modem status inputs: DTR-DSR, RTS-CTS, OUT1-RI, OUT2-DCD. */
  private changeModemStatus(): void {
    const { state } = this;
    const { modemControl: out } = state;
    const lines = this.isLoopback
      ? ((out & 1) << 5) | ((out & 2) << 3) | ((out & 4) << 4) | ((out & 8) << 4)
      : MSR_CONNECTED;
    const changed = (lines ^ state.modemStatus) & 0xf0;
    let deltas = (changed >> 4) & ~MSR_RING_DELTA;
    if (changed & MSR_RING && (lines & MSR_RING) === 0) deltas |= MSR_RING_DELTA;
    state.modemStatus = lines | (state.modemStatus & 0x0f) | deltas;
    this.takeWaiting();
  }

  private follow(): void {
    this.options.irq(this.identification !== IIR_NONE);
  }
}
