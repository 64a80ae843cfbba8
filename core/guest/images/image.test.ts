/** Which kind a file is taken for, PVH, raw images, and what the loader's parts have in common. */
import { describe, expect, test } from "vitest";
import { MIB } from "../../util/units.js";
import { buildElf, buildLinux, multibootHeader, note, pvhNote } from "./testing/images.js";
import { load, memory, refusal, regionAt, text, u32, u64 } from "./testing/plans.js";

const CODE = Uint8Array.of(0xf4, 0xeb, 0xfd, 0x90);
const elf = (...more: Parameters<typeof buildElf>[0]["segments"]): Uint8Array =>
  buildElf({ bits: 64, entry: MIB, segments: [{ physical: MIB, bytes: CODE }, ...more] }).bytes;

/** A file that begins with these bytes, or has them at an offset. */
function file(bytes: readonly number[], offset = 0): Uint8Array {
  const whole = new Uint8Array(offset + bytes.length + 600);
  whole.set(bytes, offset);
  return whole;
}

describe("detection", () => {
  test("by contents", () => {
    const multiboot = new Uint8Array(32);
    multiboot.set(multibootHeader(0));
    expect(load(elf()).kind).toBe("elf");
    expect(load(elf(pvhNote(MIB + 1))).kind).toBe("pvh");
    expect(load(buildLinux()).kind).toBe("bzimage");
    const both = elf({ physical: 2 * MIB, bytes: multiboot }, pvhNote(MIB));
    expect(load(both).kind).toBe("multiboot");
    expect(load(both, { kind: "pvh" }).kind).toBe("pvh");
    expect(load(both, { kind: "elf" }).start.mode).toBe("long");
  });

  test.each<[string, Uint8Array, string]>([
    ["gzip", file([0x1f, 0x8b]), "it is compressed by gzip, not a guest image\n  decompress it"],
    ["xz", file([0xfd, 0x37, 0x7a, 0x58, 0x5a, 0]), "it is compressed by xz, not a guest image"],
    ["zstd", file([0x28, 0xb5, 0x2f, 0xfd]), "it is compressed by zstd, not a guest image"],
    [
      "EFI",
      file([0x4d, 0x5a]),
      "it is a program for EFI or Windows (MZ), not a guest image\n  there is no EFI firmware",
    ],
    ["ARM", file([0x41, 0x52, 0x4d, 0x64], 0x38), "it is a Linux kernel for 64-bit ARM, not a guest image"],
    [
      "a boot sector",
      file([0x55, 0xaa], 0x1fe),
      "it is a boot sector or disk image, not a guest image\n  a boot sector runs as kind raw, in mode 16",
    ],
    ["a cpio archive", file([0x30, 0x37, 0x30, 0x37, 0x30]), "it is a cpio archive, not a guest image"],
    [
      "Multiboot 2",
      file([0xd6, 0x50, 0x52, 0xe8], 64),
      "it is a Multiboot 2 kernel; only Multiboot 1 is supported",
    ],
    [
      "text",
      file([0x23, 0x21]),
      "it is no guest image: neither ELF, nor Multiboot, nor a Linux bzImage\n  if it is code without a header, say kind: raw",
    ],
  ])("names %s", (_, bytes, message) => {
    expect(refusal(bytes)).toContain(`kernel.elf: ${message}`);
  });
});

describe("PVH", () => {
  test("enters at the note's address with EBX = hvm_start_info", () => {
    const plan = load(elf(note("GNU", 18, new Uint8Array(4)), pvhNote(MIB + 2)), { append: "a b" });
    expect(plan.start).toMatchObject({ mode: "protected", rip: MIB + 2, cr4: 0, cr0: 0x11 });
    expect(plan.start.segments.tr).toMatchObject({ base: 0, limit: 0x67, attributes: 0x8b00 });
    const info = plan.start.registers.rbx;
    expect([u32(plan, info), u32(plan, info + 4)]).toEqual([0x336ec578, 1]);
    expect(text(plan, u64(plan, info + 24))).toBe("a b");
    expect(u32(plan, info + 48)).toBe(plan.memoryMap.length);
  });

  test("takes a 64-bit descriptor and 8-byte padding, as newer linkers write them", () => {
    const entry = note("Xen", 18, Uint8Array.of(1, 0, 0x10, 0, 0, 0, 0, 0));
    expect(load(elf(entry)).start.rip).toBe(MIB + 1);
    expect(load(elf({ ...entry, alignment: 8 })).start.rip).toBe(MIB + 1);
  });

  test("refuses a note that is damaged, missing or points elsewhere", () => {
    expect(refusal(elf(note("Xen", 18, new Uint8Array(2))))).toContain(
      "the PVH entry note at byte 192 has 2 bytes, not 4 or 8",
    );
    expect(refusal(elf(), { kind: "pvh" })).toContain("it has no note XEN_ELFNOTE_PHYS32_ENTRY");
    expect(refusal(elf(pvhNote(MIB + 4)))).toContain(
      "the PVH entry, 0x100004, lies in no segment that is loaded",
    );
    expect(refusal(elf({ ...pvhNote(0), bytes: new Uint8Array(2 * MIB) }))).toContain(
      "2097152 bytes of notes (PT_NOTE)",
    );
  });
});

describe("raw images", () => {
  const raw = (options: object): ReturnType<typeof load> => load(CODE, { kind: "raw", ...options });

  test("16 bits: as a BIOS starts a boot sector", () => {
    const plan = raw({ rawMode: 16 });
    expect(memory(plan, 0x7c00, 4)).toEqual(CODE);
    expect(plan.start).toMatchObject({
      mode: "real",
      rip: 0x7c00,
      cr0: 0x10,
      idtr: { base: 0, limit: 0x3ff },
    });
    expect(plan.start.segments.cs).toEqual({ selector: 0, base: 0, limit: 0xffff, attributes: 0x9b00 });
    expect(plan.start.registers).toMatchObject({ rdx: 0x80, rsp: 0x7c00 });
  });

  test("16 bits: a BIOS below 1 MiB, entered at the reset vector", () => {
    const bios = new Uint8Array(0x1_0000);
    const plan = load(bios, { kind: "raw", rawMode: 16, rawAddress: 0xf_0000, rawEntry: 0xf_fff0 });
    expect(plan.start.segments.cs).toMatchObject({ selector: 0xf000, base: 0xf_0000 });
    expect(plan.start.rip).toBe(0xfff0);
  });

  test("32 and 64 bits: at 1 MiB, or where it is said", () => {
    expect(raw({ rawMode: 32 }).start).toMatchObject({ mode: "protected", rip: MIB });
    expect(raw({ rawMode: 64, rawAddress: 0x8000, rawEntry: 0x8002 }).start).toMatchObject({
      mode: "long",
      rip: 0x8002,
    });
  });

  test("refusals", () => {
    expect(refusal(CODE, { kind: "raw" })).toContain("does not say in which mode it starts");
    expect(refusal(CODE, { kind: "raw", rawMode: 32, rawEntry: 0x8000 })).toContain(
      "the entry, 0x8000, lies outside of the image, 0x100000 to 0x100004",
    );
    expect(refusal(CODE, { kind: "raw", rawMode: 16, rawAddress: MIB })).toContain(
      "out of reach in 16-bit mode",
    );
    expect(refusal(CODE, { kind: "raw", rawMode: 16, append: "x" })).toContain(
      "takes no command line and no modules",
    );
    expect(refusal(CODE, { kind: "raw", rawMode: 32, rawAddress: 0xa_0000 })).toContain(
      "which is not all RAM",
    );
    expect(refusal(new Uint8Array(0), { kind: "raw", rawMode: 32 })).toContain("it is empty");
    expect(refusal(elf(), { rawAddress: 0 })).toContain(
      "rawAddress is given, but the image is not of kind raw",
    );
  });
});

test("regions are in order, do not overlap, and cover every write", () => {
  const modules = [{ name: "m", bytes: new Uint8Array(10_000) }];
  for (const image of [elf(), elf(pvhNote(MIB)), buildLinux()]) {
    const plan = load(image, { append: "x", modules });
    for (let i = 1; i < plan.regions.length; i++) {
      const before = plan.regions[i - 1]!;
      expect(plan.regions[i]!.physical).toBeGreaterThanOrEqual(before.physical + before.length);
    }
    for (const { physical, bytes } of plan.writes) {
      expect(regionAt(plan, physical)).toBeDefined();
      expect(regionAt(plan, physical)).toBe(regionAt(plan, physical + bytes.length - 1));
    }
  }
});
