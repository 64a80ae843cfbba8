/**
 * A local APIC (Intel SDM vol. 3, "Advanced Programmable Interrupt Controller"): one model of the registers, which
 * the MMIO page (mmio.ts) and the x2APIC MSRs (msrs.ts) both reach. Interrupts are accepted into IRR, delivered by
 * priority against PPR, served in ISR, and ended by EOI, which is broadcast to the I/O APICs for level-triggered
 * vectors.
 *
 *   message, LVT ──→ IRR ──[class > PPR's]──→ acknowledge ──→ ISR ──→ EOI
 *
 * Messages arrive at once, so the delivery status is always idle. Left out: remote read, focus processor checking,
 * arbitration IDs (all gone from current processors), redirectable-IPI and bus errors.
 */
import type { Clock } from "../clock.js";
import type { Stateful } from "../device.js";
import type { Schedule } from "../schedule.js";
import type { ApicBus, ApicMessage, MessageTarget } from "./apic-bus.js";
import { ApicTimer, type ApicTimerState } from "./apic-timer.js";
import { LocalVectorTable, type LocalVectorTableState, LVT_WRITABLE } from "./local-vector-table.js";
import {
  BASE_BOOTSTRAP,
  BASE_ENABLED,
  BASE_X2APIC,
  COMMAND_ASSERT,
  COMMAND_MASK,
  COMMAND_SHORTHAND_SHIFT,
  DELIVERY,
  DELIVERY_MODE,
  DELIVERY_MODE_SHIFT,
  ERROR,
  FIRST_LEGAL_VECTOR,
  LEVEL_TRIGGERED,
  LOGICAL,
  REGISTER,
  SET_REGISTERS,
  SHORTHAND,
  SPURIOUS_ENABLED,
  SPURIOUS_FOCUS,
  SPURIOUS_NO_BROADCAST,
  TIMER_MODE,
  TIMER_MODE_SHIFT,
  VECTOR,
} from "./registers.js";
import { addVector, hasVector, highestVector, removeVector, SET_WORDS } from "./vector-set.js";

/** Where the MMIO page is after reset. */
export const DEFAULT_BASE = 0xfee0_0000;

/** Version 0x15, last LVT entry 6, EOI broadcast can be suppressed: as on Nehalem. */
const VERSION = 0x0106_0015;
/** The priority class of a vector or priority. */
const CLASS = 0xf0;
const SPURIOUS_MASK = VECTOR | SPURIOUS_ENABLED | SPURIOUS_FOCUS | SPURIOUS_NO_BROADCAST;
/** The destination field, and LDR's logical ID, of xAPIC mode. */
const DESTINATION = 0xff00_0000;
const DESTINATION_SHIFT = 24;
/** DFR's bits 31..28; the others are ones. */
const FORMAT_SHIFT = 28;
const FORMAT_FLAT = 0xf;
const FORMAT_ONES = 0x0fff_ffff;
const BROADCAST_8 = 0xff;
const BROADCAST_32 = 0xffff_ffff;

/** What a local APIC tells its processor. */
export interface ProcessorSignals {
  /** Anything changed on which a pending interrupt depends. */
  readonly changed: () => void;
  readonly nmi: () => void;
  readonly smi: () => void;
  /** INIT; the local APIC has reset itself. */
  readonly init: () => void;
  /** Start-up IPI: a processor that waits for one begins at vector × 4096. */
  readonly startup: (vector: number) => void;
}

interface RegisterState {
  /** IA32_APIC_BASE: address of the MMIO page, and the flags below it. */
  base: number;
  flags: number;
  taskPriority: number;
  logicalDestination: number;
  /** DFR's bits 31..28. */
  destinationFormat: number;
  spurious: number;
  requests: Int32Array;
  inService: Int32Array;
  triggerMode: Int32Array;
  /** ESR as it reads, and errors found since it was written. */
  errorStatus: number;
  errors: number;
  commandLow: number;
  commandHigh: number;
  /** An ExtINT message waits for its acknowledge. */
  extIntMessage: boolean;
}

export interface LocalApicState {
  readonly registers: RegisterState;
  readonly vectors: LocalVectorTableState;
  readonly timer: ApicTimerState;
}

export interface LocalApicOptions {
  readonly clock: Clock;
  readonly schedule: Schedule;
  readonly bus: ApicBus;
  /** Initial APIC ID; below 255. */
  readonly id: number;
  readonly isBootstrap: boolean;
  /** The bus clock that the timer counts. */
  readonly timerHertz: number;
  readonly signals: ProcessorSignals;
}

export class LocalApic implements MessageTarget, Stateful<LocalApicState> {
  readonly timer: ApicTimer;
  /** Told when the MMIO page moves, appears or disappears. */
  onMove: () => void = () => {};
  /** Takes fixed interrupts in IRR's stead, where a monitor posts them; `request` is how they get there. */
  post: ((vector: number) => void) | undefined;
  private readonly vectors: LocalVectorTable;
  private state: RegisterState;

  constructor(private readonly options: LocalApicOptions) {
    const { clock, schedule, timerHertz, bus } = options;
    this.timer = new ApicTimer(clock, schedule, timerHertz, () => this.vectors.raise(REGISTER.lvtTimer));
    this.vectors = new LocalVectorTable((message, register) => this.deliverLocal(message, register));
    this.state = powerOn(options.isBootstrap);
    bus.processors.push(this);
  }

  // ---- The processor's side ----

  /** IA32_APIC_BASE.EN. When clear, LINT0 is the processor's INTR pin and the APIC is not there. */
  get isEnabled(): boolean {
    return (this.state.flags & BASE_ENABLED) !== 0;
  }

  get isX2Apic(): boolean {
    return (this.state.flags & BASE_X2APIC) !== 0;
  }

  /** Address of the MMIO page, or undefined when there is none. RAM at that address hides it. */
  get mmioBase(): number | undefined {
    return this.isEnabled && !this.isX2Apic ? this.state.base : undefined;
  }

  /** IA32_APIC_BASE: the page's address and the flags. */
  get apicBase(): { readonly base: number; readonly flags: number } {
    return { base: this.state.base, flags: this.state.flags };
  }

  /** Writes a legal IA32_APIC_BASE. Disabling the APIC puts it into its state after reset. */
  setApicBase(base: number, flags: number): void {
    if ((flags & BASE_ENABLED) === 0 && this.isEnabled) this.initialise();
    this.state.base = base;
    this.state.flags = flags;
    this.onMove();
    this.options.signals.changed();
  }

  /** TPR; bits 7..4 are CR8. */
  get taskPriority(): number {
    return this.state.taskPriority;
  }

  set taskPriority(value: number) {
    this.state.taskPriority = value & 0xff;
    this.options.signals.changed();
  }

  /** The vector that would be delivered now, or -1. */
  get deliverable(): number {
    if (!this.isEnabled) return -1;
    const vector = highestVector(this.state.requests);
    return vector >= 0 && (vector & CLASS) > (this.processorPriority & CLASS) ? vector : -1;
  }

  /** Sets a vector in IRR. */
  request(vector: number): void {
    addVector(this.state.requests, vector);
    this.options.signals.changed();
  }

  /** The highest vector in IRR, or -1. */
  get requested(): number {
    return highestVector(this.state.requests);
  }

  /** The highest vector in ISR, which an EOI ends, or -1; and whether it is level-triggered. */
  get served(): number {
    return highestVector(this.state.inService);
  }
  get servesLevel(): boolean {
    const { served } = this;
    return served >= 0 && hasVector(this.state.triggerMode, served);
  }

  /** An external interrupt controller asks for the processor's INTA cycles, through LINT0 or by message. */
  get requestsExtInt(): boolean {
    return this.isEnabled && (this.state.extIntMessage || this.vectors.requestsExtInt);
  }

  /** The external controller's vector is being fetched. */
  endExtInt(): void {
    this.state.extIntMessage = false;
  }

  /** Delivers: IRR to ISR. The spurious vector, with nothing in ISR, when nothing is above the priority any more. */
  acknowledge(): number {
    const { state } = this;
    const vector = this.deliverable;
    if (vector < 0) return state.spurious & VECTOR;
    removeVector(state.requests, vector);
    addVector(state.inService, vector);
    this.options.signals.changed();
    return vector;
  }

  /** Drives LINT0 or LINT1. */
  setLint(pin: number, high: boolean): void {
    this.vectors.setPin(pin, high);
    this.options.signals.changed();
  }

  /** Raises an interrupt of the processor's own: REGISTER.lvtThermal, lvtPerformance or lvtCmci. */
  raiseLocal(register: number): void {
    this.vectors.raise(register);
  }

  // ---- The bus's side ----

  get arbitrationPriority(): number {
    return this.state.taskPriority;
  }

  matches(destination: number, isLogical: boolean): boolean {
    if (!this.isEnabled) return false;
    const { id } = this.options;
    if (destination === BROADCAST_32) return true;
    if (!isLogical) return destination === id || destination === BROADCAST_8;
    if (this.isX2Apic) return sharesCluster(this.x2ApicLogicalId, destination, 16);
    const own = this.state.logicalDestination >>> DESTINATION_SHIFT;
    if (this.state.destinationFormat === FORMAT_FLAT) return (own & destination) !== 0;
    return destination === BROADCAST_8 || sharesCluster(own, destination, 4);
  }

  accept({ mode, vector, isLevelTriggered }: ApicMessage): void {
    const { state, options } = this;
    if (!this.isEnabled) return;
    switch (mode) {
      case DELIVERY.fixed:
      case DELIVERY.lowestPriority:
        if (!this.isSoftwareEnabled) return;
        if (vector < FIRST_LEGAL_VECTOR) {
          this.reportError(ERROR.receiveIllegalVector);
          return;
        }
        if (isLevelTriggered) addVector(state.triggerMode, vector);
        else removeVector(state.triggerMode, vector);
        if (this.post === undefined) this.request(vector);
        else this.post(vector);
        break;
      case DELIVERY.smi:
        options.signals.smi();
        break;
      case DELIVERY.nmi:
        options.signals.nmi();
        break;
      case DELIVERY.init:
        this.initialise();
        options.signals.init();
        break;
      case DELIVERY.startup:
        options.signals.startup(vector);
        break;
      case DELIVERY.extInt:
        state.extIntMessage = true;
        break;
    }
    options.signals.changed();
  }

  // ---- Registers ----

  /** Reads a register; unsigned. A reserved one reads 0 and is an error. */
  read(register: number): number {
    const { state } = this;
    if (LVT_WRITABLE.has(register)) return this.vectors.read(register);
    const word = register % SET_REGISTERS;
    switch (register - word) {
      case REGISTER.inService:
        return state.inService[word]! >>> 0;
      case REGISTER.triggerMode:
        return state.triggerMode[word]! >>> 0;
      case REGISTER.requests:
        return state.requests[word]! >>> 0;
    }
    switch (register) {
      case REGISTER.id:
        return this.isX2Apic ? this.options.id : (this.options.id << DESTINATION_SHIFT) >>> 0;
      case REGISTER.version:
        return VERSION;
      case REGISTER.taskPriority:
        return state.taskPriority;
      case REGISTER.processorPriority:
        return this.processorPriority;
      case REGISTER.logicalDestination:
        return this.isX2Apic ? this.x2ApicLogicalId : state.logicalDestination;
      case REGISTER.destinationFormat:
        return ((state.destinationFormat << FORMAT_SHIFT) | FORMAT_ONES) >>> 0;
      case REGISTER.spurious:
        return state.spurious;
      case REGISTER.errorStatus:
        return state.errorStatus;
      case REGISTER.commandLow:
        return state.commandLow;
      case REGISTER.commandHigh:
        return state.commandHigh;
      case REGISTER.initialCount:
        return this.timer.initialCount;
      case REGISTER.currentCount:
        return this.timer.currentCount;
      case REGISTER.divide:
        return this.timer.divide;
      case REGISTER.arbitrationPriority:
      case REGISTER.remoteRead:
      case REGISTER.endOfInterrupt:
        return 0;
    }
    this.reportError(ERROR.illegalRegister);
    return 0;
  }

  /** Writes a register. Bits that cannot be written are ignored; a reserved register is an error. */
  write(register: number, value: number): void {
    const { state } = this;
    if (LVT_WRITABLE.has(register)) {
      this.writeLvt(register, value);
      return;
    }
    switch (register) {
      case REGISTER.taskPriority:
        this.taskPriority = value;
        break;
      case REGISTER.endOfInterrupt:
        this.endOfInterrupt();
        break;
      case REGISTER.logicalDestination:
        state.logicalDestination = (value & DESTINATION) >>> 0;
        break;
      case REGISTER.destinationFormat:
        state.destinationFormat = value >>> FORMAT_SHIFT;
        break;
      case REGISTER.spurious:
        state.spurious = value & SPURIOUS_MASK;
        if (!this.isSoftwareEnabled) this.vectors.maskAll();
        this.options.signals.changed();
        break;
      case REGISTER.errorStatus:
        state.errorStatus = state.errors;
        state.errors = 0;
        break;
      case REGISTER.commandLow:
        state.commandLow = value & COMMAND_MASK;
        this.sendCommand();
        break;
      case REGISTER.commandHigh:
        state.commandHigh = this.isX2Apic ? value : (value & DESTINATION) >>> 0;
        break;
      case REGISTER.initialCount:
        this.timer.initialCount = value;
        break;
      case REGISTER.divide:
        this.timer.divide = value;
        break;
      default:
        if (!isReadOnly(register)) this.reportError(ERROR.illegalRegister);
    }
  }

  /** x2APIC's SELF IPI register. */
  sendSelf(vector: number): void {
    if (vector < FIRST_LEGAL_VECTOR) this.reportError(ERROR.sendIllegalVector);
    else this.accept({ mode: DELIVERY.fixed, vector, isLevelTriggered: false });
  }

  reset(): void {
    this.initialise();
    const { base, flags } = powerOn(this.options.isBootstrap);
    this.setApicBase(base, flags);
  }

  /** What INIT does, as a message or by pin: the state after reset, but for the ID and IA32_APIC_BASE. */
  initialise(): void {
    const { base, flags } = this.state;
    this.state = { ...powerOn(this.options.isBootstrap), base, flags };
    this.vectors.reset();
    this.timer.reset();
    this.options.signals.changed();
  }

  save(): LocalApicState {
    return {
      registers: structuredClone(this.state),
      vectors: this.vectors.save(),
      timer: this.timer.save(),
    };
  }

  restore({ registers, vectors, timer }: LocalApicState): void {
    this.state = structuredClone(registers);
    this.vectors.restore(vectors);
    this.timer.restore(timer);
    this.onMove();
  }

  // ---- Inside ----

  /** SVR bit 8. */
  private get isSoftwareEnabled(): boolean {
    return (this.state.spurious & SPURIOUS_ENABLED) !== 0;
  }

  /** PPR: the higher of TPR and the class in service. */
  private get processorPriority(): number {
    const { taskPriority, inService } = this.state;
    const served = Math.max(0, highestVector(inService)) & CLASS;
    return (taskPriority & CLASS) >= served ? taskPriority : served;
  }

  /** Cluster in bits 31..16, one bit for the processor in 15..0, from the ID. */
  private get x2ApicLogicalId(): number {
    const { id } = this.options;
    return (((id >> 4) << 16) | (1 << (id & 15))) >>> 0;
  }

  private writeLvt(register: number, value: number): void {
    this.vectors.write(register, value, this.isSoftwareEnabled);
    if (register === REGISTER.lvtTimer) this.timer.mode = (value & TIMER_MODE) >> TIMER_MODE_SHIFT;
    this.options.signals.changed();
  }

  /** Takes what the LVT sends. The error entry's own illegal vector must not raise another error interrupt. */
  private deliverLocal(message: ApicMessage, register: number): void {
    if (register === REGISTER.lvtError && message.vector < FIRST_LEGAL_VECTOR) {
      this.state.errors |= ERROR.receiveIllegalVector;
    } else {
      this.accept(message);
    }
  }

  private reportError(error: number): void {
    this.state.errors |= error;
    this.vectors.raise(REGISTER.lvtError);
  }

  /** Ends the highest vector in service; that of a level-triggered one is told to whoever drives the level. */
  private endOfInterrupt(): void {
    const { state, options } = this;
    const vector = highestVector(state.inService);
    if (vector < 0) return;
    removeVector(state.inService, vector);
    if (hasVector(state.triggerMode, vector)) {
      this.vectors.endOfInterrupt(vector);
      if ((state.spurious & SPURIOUS_NO_BROADCAST) === 0) options.bus.endOfInterrupt(vector);
    }
    options.signals.changed();
  }

  /** Sends the interrupt that the command register describes. IPIs are edge-triggered whatever it says. */
  private sendCommand(): void {
    const { bus } = this.options;
    const { commandLow: command, commandHigh } = this.state;
    const mode = (command & DELIVERY_MODE) >> DELIVERY_MODE_SHIFT;
    const vector = command & VECTOR;
    if (mode === DELIVERY.extInt) return; // reserved here
    // INIT level de-assert only set arbitration IDs, which are no more.
    if (mode === DELIVERY.init && command & LEVEL_TRIGGERED && (command & COMMAND_ASSERT) === 0) return;
    if (mode <= DELIVERY.lowestPriority && vector < FIRST_LEGAL_VECTOR) {
      this.reportError(ERROR.sendIllegalVector);
      return;
    }
    const message = { mode, vector, isLevelTriggered: false };
    switch (command >> COMMAND_SHORTHAND_SHIFT) {
      case SHORTHAND.none: {
        const destination = this.isX2Apic ? commandHigh : commandHigh >>> DESTINATION_SHIFT;
        bus.send(message, destination, (command & LOGICAL) !== 0);
        break;
      }
      case SHORTHAND.self:
        this.accept(message);
        break;
      case SHORTHAND.all:
        for (const processor of bus.processors) processor.accept(message);
        break;
      case SHORTHAND.others:
        for (const processor of bus.processors) if (processor !== this) processor.accept(message);
        break;
    }
  }
}

/** Logical IDs of the cluster model: equal clusters above `bits` bits, and a common processor below. */
function sharesCluster(own: number, destination: number, bits: number): boolean {
  const processors = 2 ** bits - 1;
  return own >>> bits === destination >>> bits && (own & destination & processors) !== 0;
}

const READ_ONLY: readonly number[] = [
  REGISTER.id,
  REGISTER.version,
  REGISTER.arbitrationPriority,
  REGISTER.processorPriority,
  REGISTER.remoteRead,
  REGISTER.currentCount,
];

/** Registers that ignore writes; every other that is not written is reserved. */
function isReadOnly(register: number): boolean {
  const isSet = register >= REGISTER.inService && register < REGISTER.requests + SET_REGISTERS;
  return isSet || READ_ONLY.includes(register);
}

function powerOn(isBootstrap: boolean): RegisterState {
  return {
    base: DEFAULT_BASE,
    flags: BASE_ENABLED | (isBootstrap ? BASE_BOOTSTRAP : 0),
    taskPriority: 0,
    logicalDestination: 0,
    destinationFormat: FORMAT_FLAT,
    spurious: VECTOR, // 0xFF, software-disabled
    requests: new Int32Array(SET_WORDS),
    inService: new Int32Array(SET_WORDS),
    triggerMode: new Int32Array(SET_WORDS),
    errorStatus: 0,
    errors: 0,
    commandLow: 0,
    commandHigh: 0,
    extIntMessage: false,
  };
}
