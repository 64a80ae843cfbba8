/**
 * An ATA disk drive (T13/1410D, "ATA/ATAPI-6"): its commands in the PIO data-in and data-out, DMA and non-data
 * protocols (clause 9). Sectors take a latency, once a command, and a time for each byte; everything else is done
 * in the cycle of the command.
 *
 *   pioIn    reading ──timer──→ dataIn (DRQ, INTRQ) ──last word──→ reading … idle
 *   pioOut   dataOut (DRQ) ──last word──→ writing ──timer──→ dataOut (DRQ, INTRQ) … idle (INTRQ)
 *   dma      dmaWait ──bus master started──→ dma ──timer──→ idle (INTRQ)
 *   others   idle (INTRQ), reads for verification and cache flushes after a timer
 *
 * Left out: PACKET and with it DEVICE RESET, queued DMA, SMART, security, the host protected area, power that is
 * saved.
 */
import type { Clock } from "../clock.js";
import type { Stateful } from "../device.js";
import type { Schedule, Timer } from "../schedule.js";
import { COMMAND, TRANSFERS, type Transfer } from "./commands.js";
import { type Disk, type DiskState, SECTOR_BYTES } from "./disk.js";
import { identify } from "./identify.js";
import { type DriveSettings, defaultSettings, executeSetting } from "./settings.js";
import { addressOf, countOf, REGISTER, signature, type TaskFile, writeRegister } from "./task-file.js";

const STATUS_ERROR = 0x01;
const STATUS_DATA_REQUEST = 0x08;
const STATUS_SEEK_COMPLETE = 0x10;
const STATUS_READY = 0x40;
const STATUS_BUSY = 0x80;

const ERROR_ABORTED = 0x04;
const ERROR_NOT_FOUND = 0x10;
/** The error register after a reset: this device passed its diagnostic, device 1 passed or is absent. */
const DIAGNOSTIC_PASSED = 0x01;

const NO_DATA = new Uint8Array(0);

/** How long sectors take. */
export interface DriveTiming {
  /** From the command, or from the bus master's start, to the first byte. */
  readonly latencyCycles: number;
  readonly cyclesPerByte: number;
}

/** Called with consecutive pieces of a DMA transfer: to fill one, or with one that is filled. */
export type UsePiece = (offset: number, piece: Uint8Array) => void;

export interface DriveOptions {
  readonly disk: Disk;
  readonly timing: DriveTiming;
  readonly clock: Clock;
  readonly schedule: Schedule;
  /** INTRQ may have changed. */
  readonly onInterrupt: () => void;
  /** A DMA command waits for the bus master. */
  readonly onDmaRequest: () => void;
  /** Moves bytes between memory and the drive. False when the bus master did not move all of them. */
  readonly moveDma: (toMemory: boolean, bytes: number, use: UsePiece) => boolean;
}

type Phase = "idle" | "reading" | "dataIn" | "dataOut" | "writing" | "control" | "dmaWait" | "dma";

export interface DriveState {
  taskFile: TaskFile;
  error: number;
  hasFailed: boolean;
  /** INTRQ. */
  interrupts: boolean;
  /** Software reset is asserted. */
  isReset: boolean;
  phase: Phase;
  /** The next sector of the transfer, and how many are left with it. */
  sector: number;
  sectorsLeft: number;
  /** Sectors for each DRQ and interrupt. */
  blockSectors: number;
  /** A DMA command reads the disk. */
  toMemory: boolean;
  /** The command has not yet paid its latency. */
  isFirst: boolean;
  /** The block between drive and host, and how much of it has passed. */
  block: Uint8Array;
  position: number;
  settings: DriveSettings;
  disk: DiskState;
}

type OwnState = Omit<DriveState, "disk">;

export class Drive implements Stateful<DriveState> {
  private readonly timer: Timer;
  private state = powerOn();

  constructor(private readonly options: DriveOptions) {
    this.timer = options.schedule.timer(() => this.reach());
  }

  /** INTRQ, before the channel's nIEN. */
  get interrupts(): boolean {
    return this.state.interrupts;
  }

  get isBusy(): boolean {
    const { phase, isReset } = this.state;
    return isReset || !(phase === "idle" || phase === "dataIn" || phase === "dataOut");
  }

  /** A DMA command waits for the bus master. */
  get waitsForDma(): boolean {
    return this.state.phase === "dmaWait";
  }

  /** The alternate status register: reading it leaves INTRQ. */
  get status(): number {
    const { phase, hasFailed, isReset } = this.state;
    if (isReset) return STATUS_BUSY;
    const hasData = phase === "dataIn" || phase === "dataOut";
    return (
      STATUS_READY |
      STATUS_SEEK_COMPLETE |
      (this.isBusy ? STATUS_BUSY : 0) |
      (hasData ? STATUS_DATA_REQUEST : 0) |
      (hasFailed ? STATUS_ERROR : 0)
    );
  }

  /** Reads a register other than data. @param isHigh HOB: the previous value. */
  readRegister(register: number, isHigh: boolean): number {
    const { state } = this;
    if (register === REGISTER.error) return state.error;
    if (register === REGISTER.status) {
      this.setInterrupt(false);
      return this.status;
    }
    const { current, previous } = state.taskFile;
    return (isHigh && register !== REGISTER.device ? previous : current)[register]!;
  }

  /** Writes a register other than data and command. Ignored while busy. */
  writeRegister(register: number, value: number): void {
    if (!this.isBusy) writeRegister(this.state.taskFile, register, value);
  }

  /** A word of the data register; 0 when none is due. */
  readData(): number {
    const { state } = this;
    if (state.phase !== "dataIn") return 0;
    const { block, position } = state;
    state.position += 2;
    if (state.position === block.length) {
      if (state.sectorsLeft > 0) this.wait("reading", this.blockBytes);
      else state.phase = "idle";
    }
    return block[position]! | (block[position + 1]! << 8);
  }

  writeData(word: number): void {
    const { state } = this;
    if (state.phase !== "dataOut") return;
    state.block[state.position] = word & 0xff;
    state.block[state.position + 1] = word >> 8;
    state.position += 2;
    if (state.position === state.block.length) this.wait("writing", state.block.length);
  }

  /** Writes the command register. Ignored while busy or while data are due. */
  execute(command: number): void {
    const { state } = this;
    if (state.phase !== "idle" || state.isReset) return;
    this.setInterrupt(false);
    state.hasFailed = false;
    state.error = 0;
    const transfer = TRANSFERS.get(command);
    if (transfer === undefined) this.executeControl(command);
    else this.executeTransfer(transfer);
  }

  /** The bus master runs: a DMA command that waits for it goes on. */
  startDma(): void {
    if (this.waitsForDma) this.wait("dma", this.state.sectorsLeft * SECTOR_BYTES);
  }

  /** The bus master was stopped before the transfer's end. */
  stopDma(): void {
    if (this.state.phase !== "dma") return;
    this.timer.cancel();
    this.state.phase = "dmaWait";
  }

  /** SRST in the device control register: busy while it is set; the signature once it is clear. */
  setSoftwareReset(isAsserted: boolean): void {
    const { state } = this;
    if (isAsserted === state.isReset) return;
    this.abandon();
    state.isReset = isAsserted;
    if (!isAsserted) this.passDiagnostic();
  }

  /** EXECUTE DEVICE DIAGNOSTIC, which both drives of a channel carry out. */
  diagnose(): void {
    if (this.isBusy) return;
    this.abandon();
    this.passDiagnostic();
    this.setInterrupt(true);
  }

  /** RESET#: settings return to those of power-on, and the disk keeps its contents. */
  reset(): void {
    this.timer.cancel();
    this.state = powerOn();
    this.options.onInterrupt();
  }

  save(): DriveState {
    return { ...structuredClone(this.state), disk: this.options.disk.save() };
  }

  restore(state: DriveState): void {
    const { disk, ...own } = state;
    this.state = structuredClone(own);
    this.options.disk.restore(disk);
  }

  private get blockBytes(): number {
    const { sectorsLeft, blockSectors } = this.state;
    return Math.min(sectorsLeft, blockSectors) * SECTOR_BYTES;
  }

  private setInterrupt(high: boolean): void {
    this.state.interrupts = high;
    this.options.onInterrupt();
  }

  /** Goes on after the time that `bytes` take. */
  private wait(phase: Phase, bytes: number): void {
    const { state, options } = this;
    const { latencyCycles, cyclesPerByte } = options.timing;
    state.phase = phase;
    const latency = state.isFirst ? latencyCycles : 0;
    state.isFirst = false;
    this.timer.at(Math.ceil(options.clock.now() + latency + bytes * cyclesPerByte));
  }

  /** The time is over. */
  private reach(): void {
    switch (this.state.phase) {
      case "reading":
        this.offerBlock();
        break;
      case "writing":
        this.storeBlock();
        break;
      case "control":
        this.complete();
        break;
      case "dma":
        this.moveDma();
        break;
    }
  }

  private complete(): void {
    this.state.phase = "idle";
    this.setInterrupt(true);
  }

  private fail(error: number): void {
    this.state.error = error;
    this.state.hasFailed = true;
    this.complete();
  }

  /** Ends whatever goes on, without a word. */
  private abandon(): void {
    this.timer.cancel();
    this.state.phase = "idle";
    this.setInterrupt(false);
  }

  private passDiagnostic(): void {
    const { state } = this;
    state.taskFile = signature(state.taskFile.current[REGISTER.device]);
    state.error = DIAGNOSTIC_PASSED;
    state.hasFailed = false;
  }

  private executeTransfer({ kind, isExtended, isMultiple }: Transfer): void {
    const { state, options } = this;
    const { settings } = state;
    const sector = addressOf(state.taskFile, isExtended, settings.translation);
    const count = countOf(state.taskFile, isExtended);
    if (isMultiple && settings.multiple === 0) {
      this.fail(ERROR_ABORTED);
      return;
    }
    if (sector < 0 || sector + count > options.disk.sectors) {
      this.fail(ERROR_NOT_FOUND);
      return;
    }
    state.sector = sector;
    state.sectorsLeft = count;
    state.blockSectors = isMultiple ? settings.multiple : 1;
    state.isFirst = true;
    switch (kind) {
      case "pioIn":
        this.wait("reading", this.blockBytes);
        break;
      case "pioOut":
        this.awaitBlock();
        break;
      case "verify":
        this.wait("control", count * SECTOR_BYTES);
        break;
      default:
        state.toMemory = kind === "dmaIn";
        state.phase = "dmaWait";
        options.onDmaRequest();
    }
  }

  /** The drive has read a block: the host may. */
  private offerBlock(): void {
    const { state, options } = this;
    const block = new Uint8Array(this.blockBytes);
    options.disk.read(state.sector * SECTOR_BYTES, block);
    this.advance(block.length);
    this.offer(block);
  }

  private offer(block: Uint8Array): void {
    Object.assign(this.state, { phase: "dataIn", block, position: 0 });
    this.setInterrupt(true);
  }

  /** The host is to write a block. */
  private awaitBlock(): void {
    Object.assign(this.state, { phase: "dataOut", block: new Uint8Array(this.blockBytes), position: 0 });
  }

  private storeBlock(): void {
    const { state, options } = this;
    options.disk.write(state.sector * SECTOR_BYTES, state.block);
    this.advance(state.block.length);
    if (state.sectorsLeft === 0) this.complete();
    else {
      this.awaitBlock();
      this.setInterrupt(true);
    }
  }

  private advance(bytes: number): void {
    this.state.sector += bytes / SECTOR_BYTES;
    this.state.sectorsLeft -= bytes / SECTOR_BYTES;
  }

  /** Moves a whole DMA transfer. One that the bus master cuts short leaves the drive busy, until it is reset. */
  private moveDma(): void {
    const { state, options } = this;
    const { disk } = options;
    const start = state.sector * SECTOR_BYTES;
    const isWhole = options.moveDma(state.toMemory, state.sectorsLeft * SECTOR_BYTES, (offset, piece) => {
      if (state.toMemory) disk.read(start + offset, piece);
      else disk.write(start + offset, piece);
    });
    if (isWhole) this.complete();
  }

  private executeControl(command: number): void {
    const { state, options } = this;
    switch (command) {
      case COMMAND.identify:
        state.sectorsLeft = 0;
        this.offer(identify(state.settings, options.disk.sectors));
        break;
      case COMMAND.flushCache:
      case COMMAND.flushCacheExt:
        state.isFirst = true;
        this.wait("control", 0);
        break;
      default:
        if (executeSetting(state.settings, command, state.taskFile)) this.complete();
        else this.fail(ERROR_ABORTED);
    }
  }
}

function powerOn(): OwnState {
  return {
    taskFile: signature(),
    error: DIAGNOSTIC_PASSED,
    hasFailed: false,
    interrupts: false,
    isReset: false,
    phase: "idle",
    sector: 0,
    sectorsLeft: 0,
    blockSectors: 1,
    toMemory: false,
    isFirst: false,
    block: NO_DATA,
    position: 0,
    settings: defaultSettings(),
  };
}
