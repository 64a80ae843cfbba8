/** Linux bzImages: the 64-bit boot protocol's state and boot_params, placement, refusals. */
import { describe, expect, test } from "vitest";
import { MIB } from "../../util/units.js";
import { buildLinux } from "./testing/images.js";
import { load, memory, refusal, text, u32, u64 } from "./testing/plans.js";

const initrd = { name: "initramfs", bytes: new Uint8Array(5000).fill(0x30) };

describe("a kernel with its initramfs", () => {
  const image = buildLinux();
  const plan = load(image, { append: "console=ttyS0", modules: [initrd] });
  const params = plan.start.registers.rsi;

  test("is entered in 64-bit mode, 0x200 after its start, with RSI = boot_params", () => {
    expect(plan.kind).toBe("bzimage");
    expect(plan.start).toMatchObject({ mode: "long", rip: 16 * MIB + 0x200, efer: 0x500, rflags: 2 });
    expect(plan.start.segments.cs).toMatchObject({ selector: 0x10, attributes: 0xa09b00 });
    for (const name of ["ds", "es", "ss"] as const) expect(plan.start.segments[name].selector).toBe(0x18);
    expect(memory(plan, 16 * MIB, 1024)).toEqual(image.subarray(1536, 2560));
  });

  test("boot_params has the file's header, and not its sentinel", () => {
    const header = image.slice(0x1f1, 0x26c);
    const copy = memory(plan, params + 0x1f1, header.length);
    for (const [field, length] of [
      [0x1fa, 2],
      [0x210, 1],
      [0x214, 4],
      [0x218, 8],
      [0x228, 4],
    ] as const) {
      header.fill(0, field - 0x1f1, field - 0x1f1 + length); // what the loader writes
      copy.fill(0, field - 0x1f1, field - 0x1f1 + length);
    }
    expect(copy).toEqual(header);
    expect(memory(plan, params + 0x1ef, 1)).toEqual(Uint8Array.of(0));
    expect(memory(plan, params + 0x210, 1)).toEqual(Uint8Array.of(0xff));
    expect(u32(plan, params + 0x214)).toBe(16 * MIB);
  });

  test("it says where command line, initramfs and memory are", () => {
    expect(text(plan, u32(plan, params + 0x228))).toBe("console=ttyS0");
    const address = u32(plan, params + 0x218);
    expect(u32(plan, params + 0x21c)).toBe(5000);
    expect(address).toBe(64 * MIB - 8192);
    expect(memory(plan, address, 5000)).toEqual(initrd.bytes);
    const count = memory(plan, params + 0x1e8, 1)[0]!;
    const ranges = Array.from({ length: count }, (_, i) => params + 0x2d0 + 20 * i);
    expect(ranges.map((at) => [u64(plan, at), u64(plan, at + 8), u32(plan, at + 16)])).toEqual(
      plan.memoryMap.map(({ base, length, type }) => [base, length, type]),
    );
  });

  test("the ACPI root pointer is passed on", () => {
    const firmware = { writes: [], rsdp: 0xf_1230 };
    const withAcpi = load(image, { firmware });
    expect(u64(withAcpi, withAcpi.start.registers.rsi + 0x70)).toBe(0xf_1230);
    expect(u64(plan, params + 0x70)).toBe(0);
  });
});

describe("placement", () => {
  test("memory above 4 GiB is listed, the initramfs stays below the device hole and initrd_addr_max", () => {
    const plan = load(buildLinux(), { modules: [initrd], memoryBytes: 5 * 1024 * MIB });
    expect(plan.memoryMap.at(-1)).toEqual({ base: 2 ** 32, length: 2 * 1024 * MIB, type: 1 });
    expect(u32(plan, plan.start.registers.rsi + 0x218)).toBe(2 ** 31 - 8192);
  });

  test("the memory that the kernel needs to decompress itself stays free", () => {
    const image = buildLinux({ initSize: 40 * MIB });
    const plan = load(image, { modules: [initrd], memoryBytes: 60 * MIB });
    expect(u32(plan, plan.start.registers.rsi + 0x218)).toBeGreaterThanOrEqual(56 * MIB);
    expect(refusal(image, { memoryBytes: 55 * MIB })).toContain(
      "kernel goes to 0x1000000, 40 MiB, which is not all RAM",
    );
    expect(refusal(image, { modules: [{ name: "big", bytes: new Uint8Array(20 * MIB) }] })).toContain(
      "there is no room for initramfs big, 20 MiB, in 64 MiB of memory",
    );
  });

  test("setup_sects 0 means 4", () => {
    const image = buildLinux({ setupSectors: 4 });
    image[0x1f1] = 0;
    expect(memory(load(image), 16 * MIB, 1024)).toEqual(image.subarray(2560));
  });
});

describe("refusals", () => {
  test.each<[string, Uint8Array, string]>([
    [
      "an old protocol",
      buildLinux({ version: 0x20b }),
      "it speaks boot protocol 2.11 (at byte 0x206); 2.12 is needed\n  take a 64-bit kernel of Linux 3.8 or later",
    ],
    [
      "a 32-bit kernel",
      buildLinux({ xLoadFlags: 0x3e }),
      "it has no 64-bit entry (XLF_KERNEL_64 of xloadflags, at byte 0x236, is clear)\n  take a kernel for amd64",
    ],
    [
      "a zImage",
      buildLinux({ loadFlags: 0 }),
      "it is a zImage, which is loaded low (LOADED_HIGH of loadflags is clear)\n  take a bzImage",
    ],
    [
      "truncated",
      buildLinux().subarray(0, 2000),
      "setup_sects and syssize say that the kernel reaches from byte 1536 to 2560, but the file has 2000\n  the file is truncated",
    ],
    [
      "no kernel",
      buildLinux({ kernel: new Uint8Array(0) }),
      "setup_sects and syssize say that the kernel reaches from byte 1536 to 1536, but the file has 1536\n  the file is truncated",
    ],
    [
      "header only",
      buildLinux().subarray(0, 0x210),
      "the set-up header (0x290 bytes at 0x0) reaches byte 656, but the file has 528\n  the file was cut off, or is no such image: build or copy it again",
    ],
    [
      "pref_address",
      buildLinux({ preferredAddress: 0x8000 }),
      "pref_address (at byte 0x258) is 0x8000, below 1 MiB",
    ],
    [
      "pref_address",
      buildLinux({ preferredAddress: 2 ** 40 }),
      "pref_address (at byte 0x258) is 0x10000000000, not below 4 GiB",
    ],
  ])("%s", (_, image, message) => {
    expect(refusal(image)).toBe(`kernel.elf: ${message}`);
  });

  test("a header that is longer than boot_params has room for", () => {
    const image = buildLinux();
    image[0x201] = 0x8f;
    expect(refusal(image)).toContain("the set-up header ends at byte 0x291 by its length (at byte 0x201)");
    image[0x201] = 0x10;
    expect(refusal(image)).toContain("which is not between 0x264 and 0x290");
  });

  test("a command line that is too long, and two archives", () => {
    expect(load(buildLinux(), { append: "x".repeat(2047) }).kind).toBe("bzimage");
    expect(refusal(buildLinux(), { append: "x".repeat(2048) })).toContain(
      "the command line has 2048 bytes; this kernel takes 2047",
    );
    expect(refusal(buildLinux(), { modules: [initrd, initrd] })).toContain(
      "Linux takes one initramfs, not 2",
    );
  });

  test("not Linux, but the kind is given", () => {
    expect(refusal(new Uint8Array(1024), { kind: "bzimage" })).toContain("it has no Linux set-up header");
  });
});
