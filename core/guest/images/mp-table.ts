/**
 * The tables of the Intel MultiProcessor Specification 1.4 (order number 242016), chapter 4, by which an operating system
 * without ACPI finds the processors, the I/O APIC and how the lines of the ISA bus reach it:
 *
 *     0xF0000  floating pointer "_MP_" ─→ configuration table "PCMP": processors, ISA bus, I/O APIC, interrupts
 *
 * The interrupts are those of a PC: line n at pin n, but for the timer, line 0, at `timerPin`; the 8259s at pin 0 and at each
 * local APIC's LINT0; NMI at LINT1.
 */
import type { FirmwareTables } from "./boot-plan.js";
import { ByteWriter } from "./byte-writer.js";
import { FIRMWARE_START } from "./memory-map.js";

export interface MpOptions {
  /** Their local APIC identifiers are 0, 1, …; the first boots. */
  readonly processors: number;
  /** EAX of CPUID leaf 1: family, model, stepping. */
  readonly signature: number;
  /** EDX of CPUID leaf 1. */
  readonly features: number;
  readonly localApic?: number;
  readonly ioApic?: number;
  /** The I/O APIC's pin for the 8254. */
  readonly timerPin?: number;
}

/** Where a PC has them (specification, 3.6). */
export const LOCAL_APIC_BASE = 0xfee0_0000;
export const IO_APIC_BASE = 0xfec0_0000;
export const DEFAULT_TIMER_PIN = 2;

const POINTER_BYTES = 16;
const HEADER_BYTES = 44;
const SPECIFICATION_1_4 = 4;
const LOCAL_APIC_VERSION = 0x14;
const IO_APIC_VERSION = 0x11;

const ENTRY_PROCESSOR = 0;
const ENTRY_BUS = 1;
const ENTRY_IO_APIC = 2;
const ENTRY_IO_INTERRUPT = 3;
const ENTRY_LOCAL_INTERRUPT = 4;
const PROCESSOR_ENABLED = 1;
const PROCESSOR_BOOTS = 2;
const IO_APIC_ENABLED = 1;
/** Types of interrupts (4.3.4). */
const VECTORED = 0;
const NMI = 1;
const EXTERNAL = 3;
const ALL_LOCAL_APICS = 0xff;
const ISA_BUS = 0;
const ISA_LINES = 16;
/** The line on which the second 8259 reports to the first: no device's. */
const CASCADE = 2;

/** @returns the floating pointer and the configuration table, at the first address where they are looked for in ROM */
export function mpTables(options: MpOptions): FirmwareTables {
  const entries = configurationEntries(options);
  const length = HEADER_BYTES + entries.reduce((sum, entry) => sum + entry.length, 0);
  const table = new ByteWriter(length)
    .ascii(0, "PCMP")
    .u16(4, length)
    .u8(6, SPECIFICATION_1_4)
    .ascii(8, "VIRTLAB ")
    .ascii(16, "MACHINE     ")
    .u16(34, entries.length)
    .u32(36, options.localApic ?? LOCAL_APIC_BASE);
  let at = HEADER_BYTES;
  for (const entry of entries) {
    table.copy(at, entry);
    at += entry.length;
  }
  const pointer = new ByteWriter(POINTER_BYTES)
    .ascii(0, "_MP_")
    .u32(4, FIRMWARE_START + POINTER_BYTES)
    .u8(8, POINTER_BYTES / 16)
    .u8(9, SPECIFICATION_1_4)
    .checksum(10);
  return {
    writes: [
      { name: "MP floating pointer", physical: FIRMWARE_START, bytes: pointer.bytes },
      {
        name: "MP configuration table",
        physical: FIRMWARE_START + POINTER_BYTES,
        bytes: table.checksum(7).bytes,
      },
    ],
  };
}

function configurationEntries(options: MpOptions): Uint8Array[] {
  const ioApicId = options.processors; // the first identifier that no processor has
  const timerPin = options.timerPin ?? DEFAULT_TIMER_PIN;
  const processors = Array.from({ length: options.processors }, (_, id) =>
    new ByteWriter(20)
      .u8(0, ENTRY_PROCESSOR)
      .u8(1, id)
      .u8(2, LOCAL_APIC_VERSION)
      .u8(3, PROCESSOR_ENABLED | (id === 0 ? PROCESSOR_BOOTS : 0))
      .u32(4, options.signature)
      .u32(8, options.features),
  );
  const bus = new ByteWriter(8).u8(0, ENTRY_BUS).u8(1, ISA_BUS).ascii(2, "ISA   ");
  const ioApic = new ByteWriter(8)
    .u8(0, ENTRY_IO_APIC)
    .u8(1, ioApicId)
    .u8(2, IO_APIC_VERSION)
    .u8(3, IO_APIC_ENABLED)
    .u32(4, options.ioApic ?? IO_APIC_BASE);
  const external = interrupt(ENTRY_IO_INTERRUPT, EXTERNAL, 0, ioApicId, 0);
  const lines = Array.from({ length: ISA_LINES }, (_, line) => line)
    .filter((line) => line !== CASCADE)
    .map((line) => interrupt(ENTRY_IO_INTERRUPT, VECTORED, line, ioApicId, line === 0 ? timerPin : line));
  const local = [
    interrupt(ENTRY_LOCAL_INTERRUPT, EXTERNAL, 0, ALL_LOCAL_APICS, 0),
    interrupt(ENTRY_LOCAL_INTERRUPT, NMI, 0, ALL_LOCAL_APICS, 1),
  ];
  return [...processors, bus, ioApic, external, ...lines, ...local].map((entry) => entry.bytes);
}

/** Polarity and trigger mode (bytes 2 and 3) as the ISA bus has them: active high, edge. */
function interrupt(entry: number, type: number, line: number, apic: number, pin: number): ByteWriter {
  return new ByteWriter(8).u8(0, entry).u8(1, type).u8(4, ISA_BUS).u8(5, line).u8(6, apic).u8(7, pin);
}
