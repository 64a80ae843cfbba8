/** What the firmware of the machine leaves in memory for an operating system: MP tables and ACPI tables, side by side. */
import { type AcpiOptions, acpiTables } from "./acpi.js";
import type { FirmwareTables } from "./boot-plan.js";
import { type MpOptions, mpTables } from "./mp-table.js";

/** Both describe the same machine. @returns tables for `loadImage` */
export function pcFirmware(options: MpOptions & AcpiOptions): FirmwareTables {
  const acpi = acpiTables(options);
  return { ...acpi, writes: [...mpTables(options).writes, ...acpi.writes] };
}
