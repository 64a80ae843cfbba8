/**
 * ACPI's fixed power management registers (ACPI specification 6.5, 4.8.3.1 and 4.8.3.2): status, enable and control of PM1.
 * An operating system that finds ACPI tables keeps its enables here and expects to read them back. Nothing ever happens:
 * there is no button, no wake-up and no power management timer, and a request to sleep is not followed. ACPI is always on.
 */
import { type Bus, BYTES } from "../bus.js";
import type { AccessSize, PortDevice, Stateful } from "../device.js";

/** PM1a_EVT_BLK: status, then enable; PM1a_CNT_BLK behind it. */
export const PM_EVENT_PORT = 0x600;
export const PM_EVENT_BYTES = 4;
export const PM_CONTROL_PORT = PM_EVENT_PORT + PM_EVENT_BYTES;
export const PM_CONTROL_BYTES = 2;

/** TMR_EN, GBL_EN; PWRBTN_EN, SLPBTN_EN, RTC_EN. */
const ENABLES = 0x0721;
/** BM_RLD; SLP_TYPx. GBL_RLS and SLP_EN read as zero. */
const CONTROLS = 0x1c02;
const SCI_ENABLED = 0x0001;

/** By byte: bits that keep what is written, and bits that are always set. */
const KEPT = [0, 0, ENABLES & 0xff, ENABLES >> 8, CONTROLS & 0xff, CONTROLS >> 8] as const;
const SET = [0, 0, 0, 0, SCI_ENABLED, 0] as const;

export class PowerRegisters implements PortDevice, Stateful<readonly number[]> {
  private bytes: number[] = [...SET];

  constructor(bus: Bus) {
    bus.claimPorts(PM_EVENT_PORT, PM_EVENT_BYTES + PM_CONTROL_BYTES, this, BYTES);
  }

  readPort(port: number): number {
    return this.bytes[port - PM_EVENT_PORT]!;
  }

  writePort(port: number, _size: AccessSize, value: number): void {
    const at = port - PM_EVENT_PORT;
    this.bytes[at] = (value & KEPT[at]!) | SET[at]!;
  }

  reset(): void {
    this.bytes = [...SET];
  }

  save(): readonly number[] {
    return [...this.bytes];
  }

  restore(state: readonly number[]): void {
    this.bytes = [...state];
  }
}
