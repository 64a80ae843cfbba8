/**
 * AVIC (AMD APM vol. 2, 15.29): the local APIC's page of a guest as a backing page that the processor reads and writes itself, and IPIs
 * by the tables of physical and logical APIC IDs. What it does not do leaves, some before (fault) and some after the write (trap).
 *
 *      physical table, entry i   63 valid   62 running   51..12 backing page   7..0 host's APIC ID
 *      logical table, entry i    31 valid    7..0 guest's physical APIC ID
 *
 * The registers are those of the local APIC (devices/apic): the backing page as the processor holds it while its guest runs.
 */
import {
  REGISTER as APIC,
  COMMAND_SHORTHAND_SHIFT,
  DELIVERY,
  DELIVERY_MODE,
  DELIVERY_MODE_SHIFT,
  FIRST_LEGAL_VECTOR,
  LEVEL_TRIGGERED,
  LOGICAL,
  SET_REGISTERS,
  SHORTHAND,
  VECTOR,
} from "../devices/apic/registers.js";
import { SVM_EXIT } from "./exit-codes.js";
import { CONTROL, type Vmcb } from "./vmcb.js";

/** Table 15-22: of the registers below, writes leave as traps; those of the others that are not done leave as faults. */
const TRAPPED: ReadonlySet<number> = new Set([
  APIC.id,
  APIC.endOfInterrupt,
  APIC.remoteRead,
  APIC.logicalDestination,
  APIC.destinationFormat,
  APIC.spurious,
  APIC.errorStatus,
  APIC.lvtTimer,
  APIC.lvtThermal,
  APIC.lvtPerformance,
  APIC.lvtLint0,
  APIC.lvtLint1,
  APIC.lvtError,
  APIC.initialCount,
  APIC.divide,
]);
const READABLE: ReadonlySet<number> = new Set([
  ...TRAPPED,
  APIC.version,
  APIC.taskPriority,
  APIC.arbitrationPriority,
  APIC.processorPriority,
  APIC.commandLow,
  APIC.commandHigh,
  ...[APIC.inService, APIC.triggerMode, APIC.requests].flatMap((first) =>
    Array.from({ length: SET_REGISTERS }, (_, word) => first + word),
  ),
]);

/** Why an IPI is not complete: EXITINFO2 bits 63..32 (15.29.9.1). */
export const INCOMPLETE_IPI = { invalidType: 0, notRunning: 1, invalidTarget: 2, invalidPage: 3 } as const;
/** EXITINFO1 of an access that is not accelerated: offset, and in bit 32 that it is a write. */
const WRITE_HIGH = 1;
/** Entries of the tables. */
const PHYSICAL = { validHigh: 1 << 31, runningHigh: 1 << 30 } as const;
const LOGICAL_VALID = 1 << 31;
const LOGICAL_ID = 0xff;
const MAX_INDEX = 0xff;
const BROADCAST = 0xff;
const FLAT_IDS = 8;
const PAGE_MASK = -4096;
const DESTINATION_SHIFT = 24;

/** An access that leaves; its control block has been told. */
interface AvicExit {
  readonly code: number;
  /** The instruction was not executed: it is emulated. A trap comes after the write. */
  readonly isFault: boolean;
}
const FAULT: AvicExit = { code: SVM_EXIT.avicNoAcceleration, isFault: true };
const TRAP: AvicExit = { code: SVM_EXIT.avicNoAcceleration, isFault: false };
const IPI: AvicExit = { code: SVM_EXIT.avicIncompleteIpi, isFault: false };

export class Avic {
  /** @param ram of the machine, where the tables are. */
  constructor(
    private readonly vmcb: Vmcb,
    private readonly ram: Int32Array,
  ) {}

  /** Returns how a read leaves; undefined: the backing page answers. @param offset in the page, bytes. */
  read(offset: number): AvicExit | undefined {
    return READABLE.has(offset >> 4) ? undefined : this.unaccelerated(FAULT, offset, 0);
  }

  /**
   * The same for a write.
   * @param commandHigh the destination of an IPI. @param endsLevel the vector that an EOI ends, if it is level-triggered; else -1.
   */
  write(offset: number, value: number, commandHigh: number, endsLevel: number): AvicExit | undefined {
    const register = offset >> 4;
    switch (register) {
      case APIC.taskPriority:
      case APIC.commandHigh:
        return undefined;
      case APIC.endOfInterrupt:
        return endsLevel < 0 ? undefined : this.unaccelerated(TRAP, offset, WRITE_HIGH, endsLevel);
      case APIC.commandLow:
        return this.send(value, commandHigh);
      default:
        return this.unaccelerated(TRAPPED.has(register) ? TRAP : FAULT, offset, WRITE_HIGH);
    }
  }

  /** The one processor's entry, 0. @param isRunning an IPI to it needs no help. */
  setPhysical(backingPage: number, isRunning: boolean): void {
    const entry = (this.vmcb.low(CONTROL.avicPhysicalTable) & PAGE_MASK) >>> 2;
    this.ram[entry] = backingPage;
    this.ram[entry + 1] = PHYSICAL.validHigh | (isRunning ? PHYSICAL.runningHigh : 0);
  }

  /** Its logical IDs of the flat model: LDR. */
  setLogical(destination: number): void {
    const first = (this.vmcb.low(CONTROL.avicLogicalTable) & PAGE_MASK) >>> 2;
    for (let index = 0; index < FLAT_IDS; index++)
      this.ram[first + index] = ((destination >>> (DESTINATION_SHIFT + index)) & 1) === 0 ? 0 : LOGICAL_VALID;
  }

  private unaccelerated(exit: AvicExit, offset: number, high: number, vector = 0): AvicExit {
    this.vmcb.set(CONTROL.exitCode, exit.code);
    this.vmcb.set(CONTROL.exitInfo1, offset, high);
    this.vmcb.set(CONTROL.exitInfo2, vector);
    return exit;
  }

  /** An IPI (15.29.6): to the IRR of each target's backing page; those that do not run are the monitor's to wake. */
  private send(command: number, commandHigh: number): AvicExit | undefined {
    const mode = (command & DELIVERY_MODE) >> DELIVERY_MODE_SHIFT;
    const isFixed = mode <= DELIVERY.lowestPriority && (command & LEVEL_TRIGGERED) === 0;
    const shorthand = command >>> COMMAND_SHORTHAND_SHIFT;
    if (!isFixed || (command & VECTOR) < FIRST_LEGAL_VECTOR)
      return this.incomplete(command, commandHigh, INCOMPLETE_IPI.invalidType, 0);
    if (shorthand === SHORTHAND.self) return undefined;
    const destination = commandHigh >>> DESTINATION_SHIFT;
    const last = this.vmcb.low(CONTROL.avicPhysicalTable) & MAX_INDEX;
    const isAll = shorthand !== SHORTHAND.none || destination === BROADCAST;
    if (!isAll && (command & LOGICAL) === 0) return this.reach(destination, last, command, commandHigh);
    for (let index = 0; index < (isAll ? last + 1 : FLAT_IDS); index++) {
      if (!isAll && ((destination >> index) & 1) === 0) continue;
      const id = isAll ? index : this.logicalId(index);
      if (id < 0) return this.incomplete(command, commandHigh, INCOMPLETE_IPI.invalidTarget, index);
      const exit = this.reach(id, last, command, commandHigh);
      if (exit !== undefined) return exit;
    }
    return undefined;
  }

  private logicalId(index: number): number {
    const entry = this.ram[((this.vmcb.low(CONTROL.avicLogicalTable) & PAGE_MASK) >>> 2) + index]!;
    return (entry & LOGICAL_VALID) === 0 ? -1 : entry & LOGICAL_ID;
  }

  /** One target, by its physical APIC ID. */
  private reach(id: number, last: number, command: number, commandHigh: number): AvicExit | undefined {
    const table = (this.vmcb.low(CONTROL.avicPhysicalTable) & PAGE_MASK) >>> 2;
    const high = id > last ? 0 : this.ram[table + 2 * id + 1]!;
    if ((high & PHYSICAL.validHigh) === 0)
      return this.incomplete(command, commandHigh, INCOMPLETE_IPI.invalidTarget, id);
    if ((high & PHYSICAL.runningHigh) === 0)
      return this.incomplete(command, commandHigh, INCOMPLETE_IPI.notRunning, id);
    return undefined;
  }

  private incomplete(command: number, commandHigh: number, why: number, index: number): AvicExit {
    this.vmcb.set(CONTROL.exitCode, IPI.code);
    this.vmcb.set(CONTROL.exitInfo1, command, commandHigh);
    this.vmcb.set(CONTROL.exitInfo2, index, why);
    return IPI;
  }
}
