/** The ACPI tables: read as an operating system reads them, and disassembled by iasl where it is installed. */
import { writeFileSync } from "node:fs";
import path from "node:path";
import { describe, expect, test } from "vitest";
import { acpiTables } from "./acpi.js";
import { eisaId, name, resources, scope } from "./aml.js";
import { pcFirmware } from "./pc-firmware.js";
import { buildElf } from "./testing/images.js";
import { load, memory, u32, u64 } from "./testing/plans.js";
import { haveTools, run, withFolder } from "./testing/tools.js";

const sum = (bytes: Uint8Array): number => bytes.reduce((total, byte) => total + byte, 0) & 0xff;
const ascii = (bytes: Uint8Array): string => new TextDecoder().decode(bytes);

describe("tables", () => {
  const firmware = pcFirmware({ processors: 2, signature: 0x106a5, features: 0x201, timerPin: 0 });
  const image = buildElf({
    bits: 64,
    entry: 0x10_0000,
    segments: [{ physical: 0x10_0000, bytes: new Uint8Array(4) }],
  });
  const plan = load(image.bytes, { firmware });
  /** A table whose header promises this signature, a length and a checksum. */
  const table = (address: number, signature: string): Uint8Array => {
    const bytes = memory(plan, address, u32(plan, address + 4));
    expect([ascii(bytes.subarray(0, 4)), sum(bytes)]).toEqual([signature, 0]);
    return bytes;
  };

  test("the root pointer leads to all of them", () => {
    const rsdp = u64(plan, plan.start.registers.rdi + 32);
    expect(rsdp).toBe(firmware.rsdp);
    expect(rsdp % 16).toBe(0);
    const root = memory(plan, rsdp, 36);
    expect([ascii(root.subarray(0, 8)), sum(root.subarray(0, 20)), sum(root)]).toEqual(["RSD PTR ", 0, 0]);
    const [rsdt, xsdt] = [u32(plan, rsdp + 16), u64(plan, rsdp + 24)];
    expect(table(rsdt, "RSDT")).toHaveLength(36 + 2 * 4);
    expect(table(xsdt, "XSDT")).toHaveLength(36 + 2 * 8);
    const [fadt, madt] = [u64(plan, xsdt + 36), u64(plan, xsdt + 44)];
    expect([u32(plan, rsdt + 36), u32(plan, rsdt + 40)]).toEqual([fadt, madt]);
    table(madt, "APIC");
    expect(table(fadt, "FACP")).toHaveLength(244);
    table(u32(plan, fadt + 40), "DSDT");
    expect(u64(plan, fadt + 140)).toBe(u32(plan, fadt + 40));
    expect(ascii(memory(plan, u32(plan, fadt + 36), 4))).toBe("FACS");
    expect(u32(plan, fadt + 36) % 64).toBe(0);
  });

  test("the MADT lists processors, the I/O APIC, the timer's and the SCI's lines, and NMI", () => {
    const madt = firmware.writes.find((write) => write.name === "ACPI MADT")!.bytes;
    const entries: number[][] = [];
    for (let at = 44; at < madt.length; at += madt[at + 1]!)
      entries.push([...madt.subarray(at, at + madt[at + 1]!)]);
    expect(entries).toEqual([
      [0, 8, 0, 0, 1, 0, 0, 0],
      [0, 8, 1, 1, 1, 0, 0, 0],
      [1, 12, 2, 0, 0, 0, 0xc0, 0xfe, 0, 0, 0, 0],
      [2, 10, 0, 0, 0, 0, 0, 0, 5, 0], // the timer at pin 0, as asked for
      [2, 10, 0, 9, 9, 0, 0, 0, 0xd, 0],
      [4, 6, 0xff, 0, 0, 1],
    ]);
  });

  test("they lie in the memory that the map reserves for firmware, apart from the MP tables", () => {
    for (const { physical, bytes } of firmware.writes) {
      expect(physical).toBeGreaterThanOrEqual(0xf_0000);
      expect(physical + bytes.length).toBeLessThanOrEqual(0x10_0000);
    }
    expect(firmware.writes[0]).toMatchObject({ name: "MP floating pointer", physical: 0xf_0000 });
  });
});

describe("machine language", () => {
  test("identifiers, names and lengths are packed as the specification says", () => {
    expect(eisaId("PNP0A03")).toEqual([0x0c, 0x41, 0xd0, 0x0a, 0x03]);
    expect(scope("\\_SB")).toEqual([0x10, 6, 0x5c, 0x5f, 0x53, 0x42, 0x5f]);
    expect(name("_CRS", resources())).toEqual([0x08, 0x5f, 0x43, 0x52, 0x53, 0x11, 6, 0x0b, 2, 0, 0x79, 0]);
    const long = resources(new Array(100).fill(0));
    expect(long.slice(0, 3)).toEqual([0x11, 0x40 | (107 & 15), 107 >> 4]); // 2 + 3 + 102 bytes
  });
});

const canDisassemble = haveTools("ACPI tables disassembled", "iasl");
test.runIf(canDisassemble)("iasl takes the DSDT apart", () => {
  withFolder((folder) => {
    const { writes } = acpiTables({ processors: 1 });
    const file = path.join(folder, "dsdt.aml");
    writeFileSync(file, writes.find((write) => write.name === "ACPI DSDT")!.bytes);
    run("iasl", ["-p", path.join(folder, "dsdt"), "-d", file]);
    const source = run("cat", [path.join(folder, "dsdt.dsl")]);
    expect(source).toContain('Name (_HID, EisaId ("PNP0A03")');
    expect(source).toMatch(/DWordMemory[^]*0xC0000000[^]*0xFEBFFFFF/);
  });
});
