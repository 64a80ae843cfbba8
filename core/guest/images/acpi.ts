/**
 * The least ACPI with which an operating system finds processors, I/O APIC and PCI bus of the machine (ACPI specification 6.5,
 * 5.2), in the last 64 KiB below 1 MiB, behind the MP tables:
 *
 *     RSDP ─→ RSDT, XSDT ─→ FADT ─→ FACS, DSDT          (DSDT: \_SB.PCI0 and what it passes on)
 *                        └→ MADT                        (processors, I/O APIC, overrides)
 *
 * There is no system management mode, no power management timer and no power button; of the power management registers there
 * are those that the specification demands (machine/devices/power/). A reset goes through the keyboard controller.
 */
import {
  PM_CONTROL_BYTES,
  PM_CONTROL_PORT,
  PM_EVENT_BYTES,
  PM_EVENT_PORT,
} from "../../machine/devices/power/power-registers.js";
import { GIB } from "../../util/units.js";
import {
  addressRange,
  BUS_RANGE,
  device,
  eisaId,
  IO_RANGE,
  MEMORY_RANGE,
  name,
  ports,
  resources,
  scope,
} from "./aml.js";
import type { FirmwareTables, MemoryWrite } from "./boot-plan.js";
import { ByteWriter } from "./byte-writer.js";
import { DEFAULT_DEVICE_HOLE_START, FIRMWARE_START } from "./memory-map.js";
import { DEFAULT_TIMER_PIN, IO_APIC_BASE, LOCAL_APIC_BASE } from "./mp-table.js";

export interface AcpiOptions {
  /** Their local APIC identifiers are 0, 1, … */
  readonly processors: number;
  readonly localApic?: number;
  readonly ioApic?: number;
  /** The I/O APIC's pin for the 8254. */
  readonly timerPin?: number;
  /** Where PCI devices may be mapped, up to the I/O APIC. */
  readonly deviceHoleStart?: number;
}

/** Behind the MP tables, which are shorter than this for up to 200 processors. */
const TABLES_START = FIRMWARE_START + 0x2000;
const TABLE_ALIGNMENT = 64; // the FACS's, 5.2.10

const HEADER_BYTES = 36;
const OEM_ID = "VIRTLA";
const OEM_TABLE_ID = "VIRTLAB ";
const CREATOR_ID = "VLAB";

/** FADT, 5.2.9. */
const FADT_BYTES = 244;
const SYSTEM_CONTROL_INTERRUPT = 9;
/** Flags: WBINVD works, C1 is there, no fixed buttons, no fixed RTC wake, the reset register is there. */
const FADT_FLAGS = (1 << 0) | (1 << 2) | (1 << 4) | (1 << 5) | (1 << 6) | (1 << 10);
/** Boot architecture: legacy devices, no VGA, no MSI. */
const BOOT_FLAGS = (1 << 0) | (1 << 2) | (1 << 3);
const SYSTEM_IO_SPACE = 1;
const KEYBOARD_CONTROLLER_COMMAND = 0x64;
const PULSE_RESET = 0xfe;

/** MADT, 5.2.12. */
const PC_COMPATIBLE = 1;
/** Polarity high; trigger edge or level (5.2.12.5). */
const ACTIVE_HIGH_EDGE = 0x5;
const ACTIVE_HIGH_LEVEL = 0xd;
const ALL_PROCESSORS = 0xff;
const NMI_PIN = 1;

/** A table with its header (5.2.6); the body's fields count from the table's first byte. */
function table(
  signature: string,
  revision: number,
  length: number,
  body: (table: ByteWriter) => void,
): Uint8Array {
  const writer = new ByteWriter(length)
    .ascii(0, signature)
    .u32(4, length)
    .u8(8, revision)
    .ascii(10, OEM_ID)
    .ascii(16, OEM_TABLE_ID)
    .u32(24, 1)
    .ascii(28, CREATOR_ID)
    .u32(32, 1);
  body(writer);
  return writer.checksum(9).bytes;
}

/** @returns the tables and the address of the root pointer */
export function acpiTables(options: AcpiOptions): FirmwareTables {
  const writes: MemoryWrite[] = [];
  let next = TABLES_START;
  const put = (title: string, bytes: Uint8Array): number => {
    const physical = next;
    writes.push({ name: `ACPI ${title}`, physical, bytes });
    next = Math.ceil((physical + bytes.length) / TABLE_ALIGNMENT) * TABLE_ALIGNMENT;
    return physical;
  };
  const facs = put("FACS", new ByteWriter(64).ascii(0, "FACS").u32(4, 64).u8(32, 1).bytes);
  const dsdt = put("DSDT", differentiatedDescription(options));
  const tables = [put("FADT", fixedDescription(facs, dsdt)), put("MADT", interruptControllers(options))];
  const rsdt = put("RSDT", rootTable("RSDT", 4, tables));
  const xsdt = put("XSDT", rootTable("XSDT", 8, tables));
  const rsdp = put("RSDP", rootPointer(rsdt, xsdt));
  return { writes, rsdp };
}

/** 5.2.5.3: the first checksum is that of the 20 bytes of ACPI 1.0. */
function rootPointer(rsdt: number, xsdt: number): Uint8Array {
  return new ByteWriter(36)
    .ascii(0, "RSD PTR ")
    .ascii(9, OEM_ID)
    .u8(15, 2)
    .u32(16, rsdt)
    .u32(20, 36)
    .u64(24, xsdt)
    .checksum(8, 0, 20)
    .checksum(32).bytes;
}

function rootTable(signature: "RSDT" | "XSDT", entryBytes: 4 | 8, tables: readonly number[]): Uint8Array {
  return table(signature, 1, HEADER_BYTES + entryBytes * tables.length, (writer) => {
    for (const [index, address] of tables.entries()) writer.u32(HEADER_BYTES + entryBytes * index, address);
  });
}

function fixedDescription(facs: number, dsdt: number): Uint8Array {
  const genericAddress = (fadt: ByteWriter, offset: number, bits: number, port: number): ByteWriter =>
    fadt
      .u8(offset, SYSTEM_IO_SPACE)
      .u8(offset + 1, bits)
      .u64(offset + 4, port);
  return table("FACP", 4, FADT_BYTES, (fadt) => {
    fadt.u32(36, facs).u32(40, dsdt).u16(46, SYSTEM_CONTROL_INTERRUPT);
    fadt.u32(56, PM_EVENT_PORT).u32(64, PM_CONTROL_PORT).u8(88, PM_EVENT_BYTES).u8(89, PM_CONTROL_BYTES);
    fadt.u16(96, 0xffff).u16(98, 0xffff); // latencies of C2 and C3: there are none
    fadt.u16(109, BOOT_FLAGS).u32(112, FADT_FLAGS);
    genericAddress(fadt, 116, 8, KEYBOARD_CONTROLLER_COMMAND).u8(128, PULSE_RESET);
    fadt.u64(140, dsdt); // X_FIRMWARE_CTRL stays 0, for FIRMWARE_CTRL is given
    genericAddress(fadt, 148, 8 * PM_EVENT_BYTES, PM_EVENT_PORT);
    genericAddress(fadt, 172, 8 * PM_CONTROL_BYTES, PM_CONTROL_PORT);
  });
}

function interruptControllers(options: AcpiOptions): Uint8Array {
  const ioApicId = options.processors; // the first identifier that no processor has
  const processors = Array.from({ length: options.processors }, (_, id) =>
    new ByteWriter(8).u8(0, 0).u8(1, 8).u8(2, id).u8(3, id).u32(4, 1),
  );
  const ioApic = new ByteWriter(12)
    .u8(0, 1)
    .u8(1, 12)
    .u8(2, ioApicId)
    .u32(4, options.ioApic ?? IO_APIC_BASE);
  const override = (line: number, pin: number, flags: number): ByteWriter =>
    new ByteWriter(10).u8(0, 2).u8(1, 10).u8(3, line).u32(4, pin).u16(8, flags);
  const entries = [
    ...processors,
    ioApic,
    override(0, options.timerPin ?? DEFAULT_TIMER_PIN, ACTIVE_HIGH_EDGE),
    override(SYSTEM_CONTROL_INTERRUPT, SYSTEM_CONTROL_INTERRUPT, ACTIVE_HIGH_LEVEL),
    new ByteWriter(6).u8(0, 4).u8(1, 6).u8(2, ALL_PROCESSORS).u8(5, NMI_PIN),
  ].map((entry) => entry.bytes);
  const start = HEADER_BYTES + 8;
  const length = start + entries.reduce((sum, entry) => sum + entry.length, 0);
  return table("APIC", 3, length, (madt) => {
    madt.u32(36, options.localApic ?? LOCAL_APIC_BASE).u32(40, PC_COMPATIBLE);
    let at = start;
    for (const entry of entries) {
      madt.copy(at, entry);
      at += entry.length;
    }
  });
}

/** The PCI bus: all bus numbers, all ports but those of its own configuration, memory from the hole to the I/O APIC. */
function differentiatedDescription(options: AcpiOptions): Uint8Array {
  const hole = options.deviceHoleStart ?? DEFAULT_DEVICE_HOLE_START;
  const current = resources(
    addressRange(BUS_RANGE, 0, 0xff),
    addressRange(IO_RANGE, 0, 0xcf7),
    ports(0xcf8, 8),
    addressRange(IO_RANGE, 0xd00, 0xffff),
    addressRange(MEMORY_RANGE, hole, Math.min(options.ioApic ?? IO_APIC_BASE, 4 * GIB) - 1),
  );
  const bridge = device("PCI0", name("_HID", eisaId("PNP0A03")), name("_CRS", current));
  const code = Uint8Array.from(scope("\\_SB", bridge));
  return table("DSDT", 2, HEADER_BYTES + code.length, (dsdt) => dsdt.copy(HEADER_BYTES, code));
}
